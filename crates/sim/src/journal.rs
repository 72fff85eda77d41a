//! What happened, in the order in which it did.

use std::collections::BTreeMap;

/// The events of a run.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    lines: Vec<String>,
    hasher: blake3::Hasher,
    pub(crate) counts: BTreeMap<String, u64>,
}

impl Journal {
    /// Notes an event.
    pub(crate) fn say(&mut self, line: String) {
        self.hasher.update(line.as_bytes());
        self.hasher.update(b"\n");
        self.lines.push(line);
    }

    /// Adds to a figure.
    pub(crate) fn count(&mut self, what: impl Into<String>, n: u64) {
        *self.counts.entry(what.into()).or_default() += n;
    }

    /// Takes bytes into the digest that no line shows.
    pub(crate) fn absorb(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    pub(crate) fn digest(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
