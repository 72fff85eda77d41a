//! What was sent, so that answers can be checked: counts, known traces, the newest matches of some questions.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::encode::Journey;
use crate::plan::{Failure, Node, Plan, ROOT};
use crate::world::World;

/// Known traces kept for look-ups by id: between half of it and all of it.
const KNOWN_MAX: usize = 4_000;

/// Largest traces kept.
const LARGEST: usize = 5;

/// Newest matches kept of each question; more than a page.
const NEWEST: usize = 40;

/// The id of a trace.
pub type TraceId = [u8; 16];

/// A condition on spans whose matches are counted while traffic is made. Fields that are set are joined with and.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// `service.name`.
    pub service: Option<&'static str>,
    /// The span's name.
    pub operation: Option<&'static str>,
    /// Status is error.
    pub failed: bool,
    /// Lasts longer, nanoseconds.
    pub longer_than_nano: u64,
    /// `user.id`, by the number of the customer.
    pub user: Option<u32>,
    /// Lies below a span of this service.
    pub below_service: Option<&'static str>,
}

/// The answer to a [`Question`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matches {
    /// Spans that match.
    pub n_spans: u64,
    /// Traces with a span that matches.
    pub n_traces: u64,
    /// Of those the latest by their earliest span, at most 40: start and id, latest first.
    pub newest: Vec<(u64, TraceId)>,
}

/// Spans of a service or an operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub spans: u64,
    /// With status error.
    pub errors: u64,
}

/// A trace that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownTrace {
    /// Spans of it.
    pub n_spans: u32,
    /// Its id.
    pub trace_id: TraceId,
}

/// Everything known of the traffic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// All spans.
    pub total: Counts,
    /// Earliest start.
    pub first_unix_nano: u64,
    /// Latest end.
    pub last_unix_nano: u64,
    /// By `service.name`.
    pub services: BTreeMap<&'static str, Counts>,
    /// By `service.name` and the span's name.
    pub operations: BTreeMap<(&'static str, String), Counts>,
    /// How many traces have so many spans.
    pub sizes: BTreeMap<u32, u64>,
    /// Some traces, spread evenly over the time.
    pub known: Vec<KnownTrace>,
    /// The largest, largest first.
    pub largest: Vec<KnownTrace>,
    /// In the order of the questions.
    pub matches: Vec<Matches>,
}

impl Truth {
    /// All traces.
    pub fn n_traces(&self) -> u64 {
        self.sizes.values().sum()
    }

    /// The size that this share of the traces does not exceed; `share` in `0.0..=1.0`.
    pub fn size_quantile(&self, share: f64) -> u32 {
        let rank = (self.n_traces() as f64 * share) as u64;
        let mut below = 0;
        let at = self.sizes.iter().find(|(_, n)| {
            below += **n;
            below > rank
        });
        at.or(self.sizes.last_key_value())
            .map_or(0, |(size, _)| *size)
    }
}

/// Watches traces as they are made.
#[derive(Debug)]
pub(crate) struct Observer {
    questions: Vec<Asked>,
    by_operation: Vec<Counts>,
    truth: Truth,
    /// Every so many-th trace is kept as known.
    known_step: u64,
    n_traces: u64,
    newest: Vec<BinaryHeap<Reverse<(u64, TraceId)>>>,
    /// Of the trace at hand: whether a span lies below the service that a question names.
    below: Vec<bool>,
}

/// A question with names as numbers.
#[derive(Debug)]
struct Asked {
    question: Question,
    service: Option<u16>,
    below_service: Option<u16>,
}

impl Observer {
    /// Panics when a question names a service that the shop does not have.
    pub(crate) fn new(world: &World, questions: Vec<Question>) -> Self {
        let number = |name: &str| {
            let number = world.services.iter().position(|s| s.name == name);
            number.unwrap_or_else(|| panic!("the shop has no service `{name}`")) as u16
        };
        let newest = questions.iter().map(|_| BinaryHeap::new()).collect();
        let truth = Truth {
            first_unix_nano: u64::MAX,
            matches: vec![Matches::default(); questions.len()],
            ..Truth::default()
        };
        let asked = |question: Question| Asked {
            service: question.service.map(number),
            below_service: question.below_service.map(number),
            question,
        };
        Self {
            questions: questions.into_iter().map(asked).collect(),
            by_operation: vec![Counts::default(); world.operations.len()],
            truth,
            known_step: 1,
            n_traces: 0,
            newest,
            below: Vec::new(),
        }
    }

    pub(crate) fn n_spans(&self) -> u64 {
        self.truth.total.spans
    }

    /// Takes note of a trace that will be sent.
    pub(crate) fn see(&mut self, world: &World, plan: &Plan, journey: &Journey) {
        let n_spans = plan.nodes.len() as u32;
        let mut failed = 0;
        let (mut first, mut last) = (u64::MAX, 0);
        for node in &plan.nodes {
            let has_failed = u64::from(node.failure != Failure::None);
            let counts = &mut self.by_operation[usize::from(node.operation)];
            counts.spans += 1;
            counts.errors += has_failed;
            failed += has_failed;
            first = first.min(node.start_unix_nano);
            last = last.max(node.end_unix_nano);
        }
        let truth = &mut self.truth;
        truth.total.spans += u64::from(n_spans);
        truth.total.errors += failed;
        truth.first_unix_nano = truth.first_unix_nano.min(first);
        truth.last_unix_nano = truth.last_unix_nano.max(last);
        *truth.sizes.entry(n_spans).or_default() += 1;
        let known = KnownTrace {
            n_spans,
            trace_id: journey.trace_id,
        };
        keep_largest(&mut truth.largest, known);
        self.keep_known(known);
        self.answer(world, plan, journey, first);
    }

    fn keep_known(&mut self, trace: KnownTrace) {
        let known = &mut self.truth.known;
        if self.n_traces.is_multiple_of(self.known_step) {
            known.push(trace);
        }
        self.n_traces += 1;
        if known.len() > KNOWN_MAX {
            let mut index = 0;
            known.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.known_step *= 2;
        }
    }

    fn answer(&mut self, world: &World, plan: &Plan, journey: &Journey, start: u64) {
        for (number, asked) in self.questions.iter().enumerate() {
            if asked.question.user.is_some_and(|user| user != journey.user) {
                continue;
            }
            if let Some(above) = asked.below_service {
                mark_below(&mut self.below, world, plan, above);
            }
            let mut n_spans = 0;
            for (index, node) in plan.nodes.iter().enumerate() {
                let lies_right = asked.below_service.is_none() || self.below[index];
                n_spans += u64::from(lies_right && asked.holds(world, node));
            }
            if n_spans == 0 {
                continue;
            }
            let matches = &mut self.truth.matches[number];
            matches.n_spans += n_spans;
            matches.n_traces += 1;
            let newest = &mut self.newest[number];
            newest.push(Reverse((start, journey.trace_id)));
            if newest.len() > NEWEST {
                newest.pop();
            }
        }
    }

    /// Everything, once all is sent.
    pub(crate) fn finish(self, world: &World) -> Truth {
        let mut truth = self.truth;
        for (operation, counts) in world.operations.iter().zip(&self.by_operation) {
            if counts.spans == 0 {
                continue;
            }
            let service = world.services[usize::from(operation.service)].name;
            let add = |sum: &mut Counts| {
                sum.spans += counts.spans;
                sum.errors += counts.errors;
            };
            add(truth.services.entry(service).or_default());
            let key = (service, operation.name.clone());
            add(truth.operations.entry(key).or_default());
        }
        for (matches, newest) in truth.matches.iter_mut().zip(self.newest) {
            let ascending = newest.into_sorted_vec().into_iter();
            // `Reverse` turns the order round, so that the latest stand first.
            matches.newest = ascending.map(|Reverse(found)| found).collect();
        }
        truth
    }
}

impl Asked {
    fn holds(&self, world: &World, node: &Node) -> bool {
        let Question {
            operation,
            failed,
            longer_than_nano,
            user,
            ..
        } = self.question;
        let of = world.operation(node.operation);
        self.service.is_none_or(|service| service == of.service)
            && (!failed || node.failure != Failure::None)
            && node.end_unix_nano - node.start_unix_nano > longer_than_nano
            && (user.is_none() || of.names_user)
            && operation.is_none_or(|name| name == of.name)
    }
}

/// Which spans lie below one of the service `above`; parents stand before their children.
fn mark_below(below: &mut Vec<bool>, world: &World, plan: &Plan, above: u16) {
    below.clear();
    for node in &plan.nodes {
        let is_below = node.parent != ROOT && {
            let parent = node.parent as usize;
            let operation = plan.nodes[parent].operation;
            below[parent] || world.operation(operation).service == above
        };
        below.push(is_below);
    }
}

fn keep_largest(largest: &mut Vec<KnownTrace>, trace: KnownTrace) {
    let smallest = largest.last().copied();
    if largest.len() < LARGEST || smallest.is_some_and(|smallest| trace > smallest) {
        largest.push(trace);
        largest.sort_unstable_by(|a, b| b.cmp(a));
        largest.truncate(LARGEST);
    }
}
