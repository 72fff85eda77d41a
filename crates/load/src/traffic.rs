//! Requests, one after another, from a seed.

use crate::calendar::Calendar;
use crate::chance::Chance;
use crate::encode::{Ended, Journey, USERS};
use crate::export::{Exporters, Request};
use crate::plan::{Plan, ROOT, Relation};
use crate::truth::{Observer, Question, Truth};
use crate::world::{OperationId, World};

/// Spans that the shop makes in a second; decides how many pods there are and how long the traffic lasts.
const SPANS_PER_SECOND: u64 = 8_000;

/// Spans that one pod makes in a second, as its autoscaler aims for.
const POD_SPANS_PER_SECOND: u64 = 130;

/// Average spans of a trace, for the time between two traces.
const TRACE_SPANS_MEAN: u64 = 24;

/// Size of a trace: its median, and the deviation of its logarithm.
const TRACE_SPANS: (f64, f64) = (12.0, 1.16);

/// Every so many spans there is a huge trace of one of these sizes, in turn.
const HUGE_EVERY: u64 = 1_000_000;
const HUGE: [u32; 5] = [40_000, 27_000, 21_000, 16_000, 13_000];

/// A huge trace is at most this part of the traffic.
const HUGE_PART: u64 = 25;

/// Of a million traces those that a message or the clock begins.
const BACKGROUND: u32 = 60_000;

/// What traffic to make. The same settings give the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Of all chance.
    pub seed: u64,
    /// Spans, to be exceeded by less than a trace.
    pub n_spans: u64,
    /// When the first trace starts, nanoseconds since the Unix epoch.
    pub start_unix_nano: u64,
    /// Whose answers shall be known.
    pub questions: Vec<Question>,
}

impl Config {
    /// Traffic of `n_spans` spans that starts at `start_unix_nano`, without questions.
    pub fn new(seed: u64, n_spans: u64, start_unix_nano: u64) -> Self {
        Self {
            seed,
            n_spans,
            start_unix_nano,
            questions: Vec::new(),
        }
    }

    /// How long the traffic takes by its own timestamps, about.
    pub fn duration_nano(&self) -> u64 {
        self.n_spans.saturating_mul(1_000_000_000) / SPANS_PER_SECOND
    }
}

/// The traffic: an iterator of requests. Holds what happens within some minutes of its own time, a few ten megabytes.
#[derive(Debug)]
pub struct Traffic {
    config: Config,
    world: World,
    chance: Chance,
    observer: Observer,
    plan: Plan,
    now_unix_nano: u64,
    n_huge: u64,
    calendar: Calendar,
    journeys: Journeys,
    exporters: Exporters,
    is_closed: bool,
}

impl Traffic {
    /// Begins; panics when a question names a service that the shop does not have.
    pub fn new(config: Config) -> Self {
        let world = scaled_world();
        let observer = Observer::new(&world, config.questions.clone());
        let exporters = Exporters::new(&world, config.seed ^ 0xe4c0_de00, config.start_unix_nano);
        Self {
            chance: Chance::new(config.seed),
            observer,
            plan: Plan::default(),
            now_unix_nano: config.start_unix_nano,
            n_huge: 0,
            calendar: Calendar::new(config.start_unix_nano),
            journeys: Journeys::default(),
            exporters,
            is_closed: false,
            world,
            config,
        }
    }

    /// What was sent; complete once the iterator has ended.
    pub fn into_truth(self) -> Truth {
        self.observer.finish(&self.world)
    }

    fn start_trace(&mut self) {
        let (root, n_spans) = self.next_root();
        let chance = &mut self.chance;
        let start = self.now_unix_nano;
        self.plan.make(&self.world, root, n_spans, start, chance);
        let mut trace_id = [0; 16];
        trace_id[..8].copy_from_slice(&chance.next().to_be_bytes());
        trace_id[8..].copy_from_slice(&chance.next().to_be_bytes());
        let journey = Journey {
            trace_id,
            user: chance.skewed(USERS) as u32,
            order: 7_100_000 + self.observer.n_spans() / 3,
            salt: chance.next(),
            has_trace_state: chance.hits(80_000),
        };
        self.observer.see(&self.world, &self.plan, &journey);
        let number = self.journeys.add(journey, self.plan.nodes.len() as u32);
        // 63 bits of chance are distinct within any trace; the tests look.
        let mut ids: Vec<u64> = Vec::with_capacity(self.plan.nodes.len());
        for node in &self.plan.nodes {
            let span_id = chance.next() | 1;
            let parent = ids.get(node.parent as usize).copied();
            ids.push(span_id);
            self.calendar.push(Ended {
                operation: node.operation,
                pod: node.pod,
                peer: node.peer,
                journey: number,
                failure: node.failure,
                parent_is_remote: node.parent != ROOT && node.relation != Relation::Local,
                span_id,
                parent_span_id: parent.unwrap_or_default(),
                start_unix_nano: node.start_unix_nano,
                end_unix_nano: node.end_unix_nano,
            });
        }
        let gap = TRACE_SPANS_MEAN * 1_000_000_000 / SPANS_PER_SECOND;
        self.now_unix_nano += self.chance.below(2 * gap);
    }

    /// What the next trace begins with, and its size.
    fn next_root(&mut self) -> (OperationId, u32) {
        let every = HUGE_EVERY.min(self.config.n_spans);
        let due = self.n_huge * every + every / 2;
        if self.observer.n_spans() >= due {
            let size = HUGE[(self.n_huge % HUGE.len() as u64) as usize];
            let most = (self.config.n_spans / HUGE_PART) as u32;
            let root = *self.chance.pick(&self.world.jobs);
            self.n_huge += 1;
            return (root, size.min(most.max(1)));
        }
        let (median, sigma) = TRACE_SPANS;
        let size = self.chance.log_normal(median, sigma) as u32;
        let roots = if self.chance.hits(BACKGROUND) {
            &self.world.background
        } else {
            &self.world.entries
        };
        (*self.chance.pick(roots), size.max(1))
    }

    /// Exports what has ended by now.
    fn export(&mut self, now_unix_nano: u64) {
        while let Some((end, slot)) = self.calendar.pop(now_unix_nano) {
            for span in &slot {
                let journey = self.journeys.take(span.journey);
                self.exporters.take(span, &journey);
            }
            self.calendar.give_back(slot);
            self.exporters.tick(end);
        }
    }
}

impl Iterator for Traffic {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        loop {
            if let Some(request) = self.exporters.pop() {
                return Some(request);
            }
            if self.observer.n_spans() < self.config.n_spans {
                self.start_trace();
                self.export(self.now_unix_nano);
            } else if !self.is_closed {
                self.is_closed = true;
                self.export(u64::MAX);
                self.exporters.close();
            } else {
                return None;
            }
        }
    }
}

/// What traces under way share, until their last span is exported.
#[derive(Debug, Default)]
struct Journeys {
    slots: Vec<(Journey, u32)>,
    free: Vec<u32>,
}

impl Journeys {
    fn add(&mut self, journey: Journey, n_spans: u32) -> u32 {
        if let Some(number) = self.free.pop() {
            self.slots[number as usize] = (journey, n_spans);
            return number;
        }
        self.slots.push((journey, n_spans));
        (self.slots.len() - 1) as u32
    }

    /// For one of its spans.
    fn take(&mut self, number: u32) -> Journey {
        let (journey, left) = &mut self.slots[number as usize];
        *left -= 1;
        if *left == 0 {
            self.free.push(number);
        }
        *journey
    }
}

/// The shop, with as many pods as its usual traffic needs; found by planning some traces without sending them.
fn scaled_world() -> World {
    const TRIAL_TRACES: u32 = 3_000;
    let mut world = World::shop();
    let chance = &mut Chance::new(1);
    let mut plan = Plan::default();
    let mut spans = vec![0_u64; world.services.len()];
    for _ in 0..TRIAL_TRACES {
        let root = *chance.pick(&world.entries);
        let size = chance.log_normal(TRACE_SPANS.0, TRACE_SPANS.1) as u32;
        plan.make(&world, root, size, 0, chance);
        for node in &plan.nodes {
            spans[usize::from(world.operation(node.operation).service)] += 1;
        }
    }
    let total: u64 = spans.iter().sum();
    world.scale(|service| {
        let per_second = spans[service] * SPANS_PER_SECOND / total.max(1);
        (per_second / POD_SPANS_PER_SECOND) as u16
    });
    world
}

#[cfg(test)]
mod tests;
