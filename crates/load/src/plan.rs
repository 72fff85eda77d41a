//! One trace before it is written: which spans, under which parents, when, and what failed.
//!
//! A trace grows from its root to a size drawn beforehand: again and again a span that can make calls makes one of those that its
//! operation allows. Spans stand in the order of creation, parents before children, so that one pass downwards sets times and
//! one upwards carries failures to the callers.

mod grow;
mod times;

use crate::chance::Chance;
use crate::world::{OperationId, PodId, World};

/// No parent.
pub(crate) const ROOT: u32 = u32::MAX;

/// A trace in the making; reused from trace to trace.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) nodes: Vec<Node>,
    /// Indices of nodes that can make calls.
    callers: Vec<u32>,
}

/// A span in the making.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub(crate) operation: OperationId,
    pub(crate) pod: PodId,
    /// The pod at the other end of a request; the own one where there is none.
    pub(crate) peer: PodId,
    /// Index in [`Plan::nodes`], or [`ROOT`].
    pub(crate) parent: u32,
    pub(crate) relation: Relation,
    pub(crate) failure: Failure,
    depth: u8,
    n_children: u32,
    /// Spans below it, itself included.
    n_below: u32,
    pub(crate) start_unix_nano: u64,
    pub(crate) end_unix_nano: u64,
}

/// How a span came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// In the process of its parent.
    Local,
    /// Its parent is the client's span in another process.
    Served,
    /// Its parent is a producer's span; it begins when that has ended.
    Consumed,
}

/// Whether and why a span failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    None,
    /// Here it went wrong; which mistake of the operation's.
    Origin(u8),
    /// Something that it called failed.
    Passed,
}

impl Plan {
    /// Makes a trace of about `n_spans` spans that begins with `root` at `start_unix_nano`.
    ///
    /// It has fewer when the root makes no calls. Cost: linear in the spans.
    pub(crate) fn make(
        &mut self,
        world: &World,
        root: OperationId,
        n_spans: u32,
        start_unix_nano: u64,
        chance: &mut Chance,
    ) {
        self.grow(world, root, n_spans, chance);
        self.set_times(world, start_unix_nano, chance);
        self.fail(chance);
    }

    /// Lets a few spans fail and carries most failures to the callers.
    fn fail(&mut self, chance: &mut Chance) {
        /// Spans of a million in which a failure begins; with [`PASSED`] 1.15 % of all spans end up failed.
        const BEGINS: u32 = 3_650;
        /// Of a million failures that the caller cannot make up for, at each step.
        const PASSED: u32 = 800_000;
        for index in 0..self.nodes.len() {
            if !chance.hits(BEGINS) {
                continue;
            }
            self.nodes[index].failure = Failure::Origin((chance.next() >> 56) as u8);
            let mut at = index;
            loop {
                let Node {
                    parent, relation, ..
                } = self.nodes[at];
                // A client sees what the server answered; whoever sent a message does not see what became of it.
                let passes = match relation {
                    Relation::Served => true,
                    Relation::Local => chance.hits(PASSED),
                    Relation::Consumed => false,
                };
                if parent == ROOT || !passes {
                    break;
                }
                at = parent as usize;
                if self.nodes[at].failure != Failure::None {
                    break;
                }
                self.nodes[at].failure = Failure::Passed;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(n_spans: u32) -> (World, Plan) {
        let world = World::shop();
        let mut plan = Plan::default();
        let chance = &mut Chance::new(3);
        plan.make(&world, world.entries[0], n_spans, 1_000_000_000, chance);
        (world, plan)
    }

    #[test]
    fn a_trace_has_one_root_and_parents_come_first() {
        let (world, plan) = made(5_000);
        assert!((5_000..5_002).contains(&plan.nodes.len()));
        let roots = plan.nodes.iter().filter(|node| node.parent == ROOT).count();
        assert_eq!(roots, 1);
        for (index, node) in plan.nodes.iter().enumerate() {
            assert!(node.parent == ROOT || (node.parent as usize) < index);
            assert!(node.start_unix_nano < node.end_unix_nano);
            assert_eq!(
                world.pods[usize::from(node.pod)].service,
                world.operation(node.operation).service
            );
        }
        let services: std::collections::BTreeSet<u16> = plan
            .nodes
            .iter()
            .map(|node| world.operation(node.operation).service)
            .collect();
        assert!(services.len() > 10, "{}", services.len());
    }

    #[test]
    fn a_failure_reaches_the_caller_of_a_request() {
        let (_, plan) = made(40_000);
        let failed = |node: &Node| node.failure != Failure::None;
        let share = plan.nodes.iter().filter(|node| failed(node)).count() as f64 / 40_000.0;
        assert!((0.005..0.03).contains(&share), "{share}");
        for node in plan.nodes.iter().filter(|node| failed(node)) {
            if node.relation == Relation::Served && node.parent != ROOT {
                assert!(failed(&plan.nodes[node.parent as usize]));
            }
        }
    }
}
