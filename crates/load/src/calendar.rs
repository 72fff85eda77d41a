//! Spans that have not ended yet, by the time at which they will.
//!
//! Exporters see spans in the order of their ends, over all traces at once. A heap would give that order exactly; slots of a
//! few milliseconds, each sorted when it is due, give the same for less.

use std::collections::VecDeque;

use crate::encode::Ended;

/// What one slot spans.
const SLOT_NANO: u64 = 1 << 26;

/// Spans by their end, from `base` on.
#[derive(Debug)]
pub(crate) struct Calendar {
    /// When the first slot begins.
    base_unix_nano: u64,
    slots: VecDeque<Vec<Ended>>,
    /// Emptied slots, to be used again.
    spare: Vec<Vec<Ended>>,
}

impl Calendar {
    pub(crate) fn new(base_unix_nano: u64) -> Self {
        Self {
            base_unix_nano,
            slots: VecDeque::new(),
            spare: Vec::new(),
        }
    }

    /// Puts a span where it ends; one that has ended already, into the first slot.
    pub(crate) fn push(&mut self, span: Ended) {
        let slot = (span.end_unix_nano.saturating_sub(self.base_unix_nano) / SLOT_NANO) as usize;
        while self.slots.len() <= slot {
            self.slots.push_back(self.spare.pop().unwrap_or_default());
        }
        self.slots[slot].push(span);
    }

    /// The first slot, in order, when it is over at `now`; with it the time at which it ended.
    pub(crate) fn pop(&mut self, now: u64) -> Option<(u64, Vec<Ended>)> {
        let end = self.base_unix_nano.saturating_add(SLOT_NANO);
        if now < end {
            return None;
        }
        let mut slot = self.slots.pop_front()?;
        self.base_unix_nano = end;
        slot.sort_unstable_by_key(|span| (span.end_unix_nano, span.span_id));
        Some((end, slot))
    }

    /// Takes a slot back that was read.
    pub(crate) fn give_back(&mut self, mut slot: Vec<Ended>) {
        slot.clear();
        self.spare.push(slot);
    }
}
