//! Which spans a trace has.

use super::{Failure, Node, Plan, ROOT, Relation};
use crate::chance::Chance;
use crate::world::{Call, OperationId, PodId, World};

/// Below this depth only calls within the process are made: deeper traces are mistakes of their makers, and seldom.
const REQUEST_DEPTH_MAX: u8 = 24;

/// Traces above this size have a root that loops over its work.
const LOOP_SPANS: u32 = 1_000;

impl Plan {
    /// Grows a tree of `n_spans` spans, or of what `root` can call.
    pub(super) fn grow(
        &mut self,
        world: &World,
        root: OperationId,
        n_spans: u32,
        chance: &mut Chance,
    ) {
        self.nodes.clear();
        self.callers.clear();
        let pod = pod_of(world, root, chance);
        self.push(world, root, pod, ROOT, Relation::Local);
        let n_spans = n_spans as usize;
        while self.nodes.len() < n_spans && !self.callers.is_empty() {
            let parent = self.pick_caller(n_spans, chance);
            let node = self.nodes[parent as usize];
            let calls = &world.operation(node.operation).calls;
            let call = calls[chance.skewed(calls.len())];
            // The same question for each item of a list, as careless code asks it.
            let repeats = if chance.hits(200_000) {
                2 + chance.skewed(8)
            } else {
                1
            };
            for _ in 0..repeats {
                if self.nodes.len() < n_spans {
                    self.call(world, parent, call, chance);
                }
            }
        }
        self.count();
    }

    /// The newest caller often, so that traces become deep; any other one otherwise, so that they become wide.
    fn pick_caller(&self, n_spans: usize, chance: &mut Chance) -> u32 {
        let draw = chance.below(100);
        let last = self.callers.len() - 1;
        let at = if draw < 40 {
            last
        } else if draw < 60 && n_spans > LOOP_SPANS as usize {
            0
        } else {
            chance.index(self.callers.len())
        };
        self.callers[at]
    }

    fn call(&mut self, world: &World, parent: u32, call: Call, chance: &mut Chance) {
        let Node { pod, depth, .. } = self.nodes[parent as usize];
        match call {
            Call::Local(operation) => {
                self.push(world, operation, pod, parent, Relation::Local);
            }
            Call::Remote { .. } | Call::Message { .. } if depth >= REQUEST_DEPTH_MAX => {
                // Nothing more from here; the trace grows elsewhere.
                self.callers.retain(|caller| *caller != parent);
            }
            Call::Remote { client, server } => {
                let other = pod_of(world, server, chance);
                let client = self.push(world, client, pod, parent, Relation::Local);
                let server = self.push(world, server, other, client, Relation::Served);
                self.nodes[client as usize].peer = other;
                self.nodes[server as usize].peer = pod;
            }
            Call::Message { producer, consumer } => {
                let other = pod_of(world, consumer, chance);
                let producer = self.push(world, producer, pod, parent, Relation::Local);
                self.push(world, consumer, other, producer, Relation::Consumed);
            }
        }
    }

    fn push(
        &mut self,
        world: &World,
        operation: OperationId,
        pod: PodId,
        parent: u32,
        relation: Relation,
    ) -> u32 {
        let index = self.nodes.len() as u32;
        let depth = match self.nodes.get_mut(parent as usize) {
            Some(parent) => {
                parent.n_children += 1;
                parent.depth.saturating_add(1)
            }
            None => 0,
        };
        self.nodes.push(Node {
            operation,
            pod,
            peer: pod,
            parent,
            relation,
            failure: Failure::None,
            depth,
            n_children: 0,
            n_below: 1,
            start_unix_nano: 0,
            end_unix_nano: 0,
        });
        if !world.operation(operation).calls.is_empty() {
            self.callers.push(index);
        }
        index
    }

    /// Sums sizes upwards.
    fn count(&mut self) {
        for index in (1..self.nodes.len()).rev() {
            let Node {
                parent, n_below, ..
            } = self.nodes[index];
            self.nodes[parent as usize].n_below += n_below;
        }
    }
}

/// Some replica of the operation's service.
fn pod_of(world: &World, operation: OperationId, chance: &mut Chance) -> PodId {
    let service = world.service_of(operation);
    service.first_pod + chance.below(u64::from(service.n_pods)) as PodId
}
