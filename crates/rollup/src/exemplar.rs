//! A few spans of each row, by which a person finds a trace behind a figure.

/// Slowest spans kept. There is a row for each operation, outcome and interval, so a few rows give many.
const SLOW_MAX: usize = 1;
/// Spans kept without regard to their duration.
const SAMPLE_MAX: usize = 1;

/// A span that counted in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the fields of a span")]
pub struct Exemplar {
    pub duration_nano: i64,
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub start_time_unix_nano: i64,
}

impl Exemplar {
    /// By which a sample is drawn: the same for a trace wherever it is seen. Source of the mixing: MurmurHash3's finaliser.
    fn lot(&self) -> (u64, Self) {
        let (high, low) = self.trace_id.split_at(8);
        let number = |half: &[u8]| half.iter().fold(0, |n, &byte| n << 8 | u64::from(byte));
        let mut mixed = number(high).rotate_left(32) ^ number(low);
        mixed = (mixed ^ mixed >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed = (mixed ^ mixed >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        (mixed ^ mixed >> 33, *self)
    }
}

/// The slowest spans of a row, then some by lot. Which ones does not depend on the order or the grouping in which they were added.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exemplars {
    /// Slowest first.
    slow: Vec<Exemplar>,
    /// Lowest lot first.
    sample: Vec<Exemplar>,
}

impl Exemplars {
    /// Considers a span.
    #[inline]
    pub fn add(&mut self, one: Exemplar) {
        if self.slow.len() < SLOW_MAX || self.slow.last().is_some_and(|last| *last < one) {
            keep(&mut self.slow, one, SLOW_MAX, |a, b| a > b);
        }
        let lot = one.lot();
        if self.sample.len() < SAMPLE_MAX || self.sample.last().is_some_and(|last| lot < last.lot())
        {
            keep(&mut self.sample, one, SAMPLE_MAX, |a, b| a.lot() < b.lot());
        }
    }

    /// Considers those of `other`.
    pub fn merge(&mut self, other: &Self) {
        other.iter().for_each(|one| self.add(one));
    }

    /// Forgets those of which `stays` is false.
    pub fn retain(&mut self, stays: impl Fn(&Exemplar) -> bool) {
        self.slow.retain(&stays);
        self.sample.retain(&stays);
    }

    /// Each one once, the slowest first.
    pub fn iter(&self) -> impl Iterator<Item = Exemplar> + '_ {
        let sample = self.sample.iter().filter(|one| !self.slow.contains(one));
        self.slow.iter().chain(sample).copied()
    }
}

/// Puts `one` where `before` says, unless it is there, and keeps the first `max`.
fn keep(
    list: &mut Vec<Exemplar>,
    one: Exemplar,
    max: usize,
    before: impl Fn(&Exemplar, &Exemplar) -> bool,
) {
    if list.contains(&one) {
        return;
    }
    let place = list.iter().position(|other| before(&one, other));
    list.insert(place.unwrap_or(list.len()), one);
    list.truncate(max);
}
