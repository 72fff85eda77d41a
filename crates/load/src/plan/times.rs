//! When the spans of a trace begin and end.

use super::{Plan, ROOT, Relation};
use crate::chance::Chance;
use crate::world::World;

/// What a span takes by itself, on average; a trace of a dozen spans takes about 15 ms.
const SPAN_NANO: f64 = 1_200_000.0;

/// A trace that takes longer than this is given up by its clients.
const TRACE_NANO_MAX: f64 = 300e9;

/// Of a million traces those that wait for something.
const SLOW: u32 = 12_000;

/// A span's own time, and where its next child may begin.
#[derive(Debug, Clone, Copy)]
struct Room {
    cursor: f64,
    end: f64,
    children_left: f64,
}

impl Plan {
    /// Sets all times, in nanoseconds from the start of the trace first, then on the clocks of the pods.
    pub(super) fn set_times(&mut self, world: &World, start_unix_nano: u64, chance: &mut Chance) {
        let mut rooms: Vec<Room> = Vec::with_capacity(self.nodes.len());
        let slowness = if chance.hits(SLOW) { 20.0 } else { 1.0 };
        for index in 0..self.nodes.len() {
            let node = self.nodes[index];
            let (from, to) = if node.parent == ROOT {
                let usual = SPAN_NANO * f64::from(node.n_below);
                (
                    0.0,
                    (chance.log_normal(usual, 0.8) * slowness).min(TRACE_NANO_MAX),
                )
            } else {
                let parent = &mut rooms[node.parent as usize];
                match node.relation {
                    Relation::Local => parent.take(chance),
                    Relation::Served => {
                        let network = (parent.end - parent.cursor) * chance.between(0.02, 0.12);
                        (parent.cursor + network, parent.end - network)
                    }
                    Relation::Consumed => {
                        let from = parent.end + chance.log_normal(8e6, 1.2);
                        let usual = SPAN_NANO * f64::from(node.n_below);
                        (from, from + chance.log_normal(usual, 0.6))
                    }
                }
            };
            rooms.push(Room {
                cursor: from + (to - from) * 0.02,
                end: to,
                children_left: f64::from(node.n_children),
            });
            let pod = world.pods[usize::from(node.pod)];
            let tick = world.service_of(node.operation).language.tick_nano();
            let at = |offset: f64| {
                let nano = start_unix_nano.saturating_add(offset as u64);
                let nano = nano.saturating_add_signed(pod.skew_nano);
                nano - nano % tick
            };
            let node = &mut self.nodes[index];
            node.start_unix_nano = at(from);
            // No SDK measures nothing.
            node.end_unix_nano = at(to).max(node.start_unix_nano + tick.max(300));
        }
    }
}

impl Room {
    /// The time of the next child: its share of what is left, mostly after the child before it, now and then beside it.
    fn take(&mut self, chance: &mut Chance) -> (f64, f64) {
        let share = (self.end - self.cursor).max(0.0) / self.children_left.max(1.0);
        self.children_left -= 1.0;
        let from = self.cursor + share * chance.between(0.01, 0.15);
        let to = from + share * chance.between(0.2, 0.85);
        if !chance.hits(150_000) {
            self.cursor = to;
        }
        (from, to)
    }
}
