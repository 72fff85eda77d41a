//! Which values of a dictionary deserve a closer look.
//!
//! The values lie one behind the other, so each pass runs over contiguous bytes: one automaton for the words near which detectors
//! find anything, one search for `@`, one probe for long runs of digits. It may suspect too much, never too little.

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use arrow::array::{Array, StringArray};

use super::detect::{ANCHORS, may_hold_card};

/// Finds the values in which a default rule may find something.
#[derive(Debug)]
pub(crate) struct Scanner {
    anchors: AhoCorasick,
}

impl Scanner {
    pub(crate) fn new() -> Self {
        let anchors = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .ascii_case_insensitive(true)
            .build(ANCHORS);
        Self {
            anchors: anchors.expect("a few dozen short words make a small automaton"),
        }
    }

    /// Marks in `suspects`, which has an entry for each value, those in which a default rule may find something.
    pub(crate) fn mark(&self, values: &StringArray, suspects: &mut [bool]) {
        mark_by(values, suspects, |bytes| {
            self.anchors.find(bytes).map(|m| m.start())
        });
        mark_by(values, suspects, |bytes| memchr::memchr(b'@', bytes));
        for (value, suspect) in suspects.iter_mut().enumerate() {
            *suspect = *suspect || may_hold_card(values.value(value).as_bytes());
        }
    }
}

/// Marks the values in which `find` finds something. A find begins in one value and the search goes on in the next, so one that
/// runs across their border is a false alarm of the first and hides nothing of the second.
fn mark_by(values: &StringArray, suspects: &mut [bool], find: impl Fn(&[u8]) -> Option<usize>) {
    let offsets = values.value_offsets();
    let bytes = &values.value_data()[..offsets[values.len()] as usize];
    let (mut value, mut from) = (0, offsets[0] as usize);
    while let Some(n) = find(&bytes[from..]) {
        let at = (from + n) as i32;
        value += offsets[value + 1..].partition_point(|&end| end <= at);
        suspects[value] = true;
        from = offsets[value + 1] as usize;
    }
}
