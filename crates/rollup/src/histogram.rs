//! Base-2 exponential histograms of durations.
//!
//! Source: OpenTelemetry data model, "Exponential Histogram". At scale `s` the bucket of index `i` holds values in
//! (2^(i / 2^s), 2^((i + 1) / 2^s)]; two neighbours of scale `s` with an even first index make one of scale `s - 1`, so histograms of
//! different scales merge exactly at the coarser one.

use std::sync::LazyLock;

/// The finest scale: 64 buckets per factor of two, each 1.1 % wide.
pub const SCALE_MAX: i32 = 6;

/// Most buckets between the lowest and the highest value: OpenTelemetry SDKs' default. A histogram that would need more becomes coarser.
pub const BUCKETS_MAX: usize = 160;

const PER_OCTAVE: usize = 1 << SCALE_MAX;
const MANTISSA_BITS: u32 = 52;
/// How many leading bits of a mantissa choose where the search for its bucket begins.
const GUESS_BITS: u32 = 7;

/// Counts of durations in nanoseconds. Counts may be negative in a delta that takes something back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    scale: i32,
    zero_count: i64,
    /// Index of the first of `counts`.
    offset: i32,
    counts: Vec<i64>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            scale: SCALE_MAX,
            zero_count: 0,
            offset: 0,
            counts: Vec::new(),
        }
    }
}

impl Histogram {
    /// The histogram of the given parts; `buckets` are index and count, in any order. Parts that no histogram of ours has become what is
    /// nearest: buckets of a finer scale than [`SCALE_MAX`] are merged, those of no duration count in the outermost of one.
    pub fn from_parts(
        given: i32,
        zero_count: i64,
        buckets: impl IntoIterator<Item = (i32, i64)>,
    ) -> Self {
        let mut histogram = Self {
            scale: given.clamp(SCALE_MIN, SCALE_MAX),
            zero_count,
            ..Self::default()
        };
        let scale = histogram.scale;
        let excess = shift_of(given, scale);
        // No duration is longer than 2^63 ns.
        let last = if scale < 0 { 64 >> -scale } else { 64 << scale };
        for (index, count) in buckets {
            histogram.add((index >> excess).clamp(-1, last), scale, count);
        }
        histogram
    }

    /// 2^-scale is the binary logarithm of the buckets' width.
    pub fn scale(&self) -> i32 {
        self.scale
    }

    /// How many durations were 0.
    pub fn zero_count(&self) -> i64 {
        self.zero_count
    }

    /// Index and count of each bucket that is not empty, ascending.
    pub fn buckets(&self) -> impl Iterator<Item = (i32, i64)> + '_ {
        let indexed = self.counts.iter().enumerate();
        indexed
            .filter(|(_, count)| **count != 0)
            .map(|(i, &count)| (self.offset + i as i32, count))
    }

    /// Counts one duration; a negative one as 0. O(1).
    #[inline]
    pub fn record(&mut self, nano: i64) {
        if nano <= 0 {
            self.zero_count += 1;
            return;
        }
        let index = index_of(nano as u64) >> shift_of(SCALE_MAX, self.scale);
        let place = index.wrapping_sub(self.offset) as usize;
        match self.counts.get_mut(place) {
            Some(count) => *count += 1,
            None => self.add(index, self.scale, 1),
        }
    }

    /// Adds the counts of `other`, `times` over (-1 takes them back).
    pub fn merge(&mut self, other: &Self, times: i64) {
        self.zero_count += times * other.zero_count;
        for (index, count) in other.buckets() {
            self.add(index, other.scale, times * count);
        }
    }

    /// All counts.
    pub fn count(&self) -> i64 {
        self.zero_count + self.counts.iter().sum::<i64>()
    }

    /// Whether every count is 0.
    pub fn is_zero(&self) -> bool {
        self.zero_count == 0 && self.counts.iter().all(|&count| count == 0)
    }

    /// A duration in nanoseconds with about `q` of all counts at or below it: the geometric middle of that duration's bucket, so that the
    /// truth is at most a factor of 2^(2^-(scale + 1)) away. `None` when nothing was counted. Negative counts read as 0.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let positive = |count: i64| count.max(0) as u64;
        let total =
            positive(self.zero_count) + self.counts.iter().map(|&c| positive(c)).sum::<u64>();
        if total == 0 {
            return None;
        }
        let rank = ((q.clamp(0.0, 1.0) * total as f64).ceil() as u64).max(1);
        let mut seen = positive(self.zero_count);
        if seen >= rank {
            return Some(0.0);
        }
        for (index, count) in self.buckets() {
            seen += positive(count);
            if seen >= rank {
                return Some(bound(self.scale, f64::from(index) + 0.5));
            }
        }
        None
    }

    /// How many durations are at or below each of `bounds`, in nanoseconds. A bucket counts where its geometric middle lies, so what counts on the wrong
    /// side of a bound is at most a factor of 2^(2^-(scale + 1)) from it.
    pub fn counts_up_to(&self, bounds: &[f64]) -> Vec<i64> {
        let per_octave = f64::from(self.scale).exp2();
        let last = |bound: &f64| (bound.log2() * per_octave - 0.5).floor();
        let count = |last: f64| {
            let below = self.buckets().take_while(|(i, _)| f64::from(*i) <= last);
            self.zero_count + below.map(|(_, count)| count).sum::<i64>()
        };
        bounds.iter().map(last).map(count).collect()
    }

    /// The upper bound of the bucket of `index`, in nanoseconds.
    pub fn upper_bound(&self, index: i32) -> f64 {
        bound(self.scale, f64::from(index) + 1.0)
    }

    /// Adds to the bucket of `index` at `scale`, and becomes as coarse as that and the range require.
    fn add(&mut self, index: i32, scale: i32, count: i64) {
        if count == 0 {
            return;
        }
        self.coarsen_to(scale);
        let mut index = index >> shift_of(scale, self.scale);
        if self.counts.is_empty() {
            self.offset = index;
            self.counts.push(count);
            return;
        }
        let last = |this: &Self| this.offset + this.counts.len() as i32 - 1;
        while span(self.offset.min(index), last(self).max(index)) > BUCKETS_MAX {
            self.coarsen_to(self.scale - 1);
            index >>= 1;
        }
        if index < self.offset {
            let more = (self.offset - index) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, more));
            self.offset = index;
        } else if index > last(self) {
            self.counts.resize(span(self.offset, index), 0);
        }
        self.counts[(index - self.offset) as usize] += count;
    }

    fn coarsen_to(&mut self, scale: i32) {
        let scale = scale.max(SCALE_MIN);
        if scale >= self.scale {
            return;
        }
        let shift = shift_of(self.scale, scale);
        let offset = self.offset >> shift;
        let mut counts = Vec::new();
        for (i, &count) in self.counts.iter().enumerate() {
            let place = (((self.offset + i as i32) >> shift) - offset) as usize;
            if place >= counts.len() {
                counts.resize(place + 1, 0);
            }
            counts[place] += count;
        }
        (self.scale, self.offset, self.counts) = (scale, offset, counts);
    }
}

/// Below it every duration from 1 ns to 2^63 ns is in one of two buckets, so that two indexes are never too far apart.
const SCALE_MIN: i32 = -6;

fn shift_of(from: i32, to: i32) -> u32 {
    u32::try_from(from.saturating_sub(to)).unwrap_or(0).min(31)
}

/// Buckets from `first` to `last`.
fn span(first: i32, last: i32) -> usize {
    (i64::from(last) - i64::from(first) + 1) as usize
}

fn bound(scale: i32, index: f64) -> f64 {
    (index * f64::from(-scale).exp2()).exp2()
}

/// Where the buckets of one factor of two end, as mantissas of doubles.
struct Bounds {
    ends: [u64; PER_OCTAVE],
    /// The first bucket that a mantissa of these leading bits can be in.
    guesses: [u8; 1 << GUESS_BITS],
}

static BOUNDS: LazyLock<Bounds> = LazyLock::new(|| {
    // Roots and products are rounded alike on every machine, which the library's exponential function is not.
    let mut roots = [2.0_f64; SCALE_MAX as usize + 1];
    for i in 1..roots.len() {
        roots[i] = roots[i - 1].sqrt();
    }
    let power = |k: usize| {
        let bits = (1..roots.len()).filter(|i| k >> (SCALE_MAX as usize - i) & 1 == 1);
        bits.map(|i| roots[i]).product::<f64>()
    };
    let mantissa = |v: f64| v.to_bits() & ((1 << MANTISSA_BITS) - 1);
    let mut ends = [u64::MAX; PER_OCTAVE];
    for (k, end) in ends.iter_mut().enumerate().take(PER_OCTAVE - 1) {
        *end = mantissa(power(k + 1));
    }
    let mut guesses = [0; 1 << GUESS_BITS];
    for (lead, guess) in guesses.iter_mut().enumerate() {
        let lowest = (lead as u64) << (MANTISSA_BITS - GUESS_BITS);
        *guess = ends.iter().filter(|&&end| end < lowest).count() as u8;
    }
    Bounds { ends, guesses }
});

/// The index at [`SCALE_MAX`] of a value above 0.
#[inline]
fn index_of(value: u64) -> i32 {
    let bounds = &*BOUNDS;
    let bits = (value as f64).to_bits();
    let octave = (bits >> MANTISSA_BITS) as i32 - 1023;
    let mantissa = bits & ((1 << MANTISSA_BITS) - 1);
    if mantissa == 0 {
        // A power of two is the end of the octave below.
        return octave * PER_OCTAVE as i32 - 1;
    }
    let mut place =
        usize::from(bounds.guesses[(mantissa >> (MANTISSA_BITS - GUESS_BITS)) as usize]);
    while bounds.ends[place] < mantissa {
        place += 1;
    }
    octave * PER_OCTAVE as i32 + place as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_its_bounds_say() {
        for octave in 0..63 {
            for step in 0..200_u64 {
                let value = (1_u64 << octave) + (1_u64 << octave) / 200 * step;
                let index = f64::from(index_of(value));
                let (low, high) = (bound(SCALE_MAX, index), bound(SCALE_MAX, index + 1.0));
                let v = value as f64;
                assert!(
                    low * 0.999_999_999 <= v && v <= high * 1.000_000_001,
                    "{value}"
                );
            }
            let power = 1_u64 << octave;
            assert_eq!(
                index_of(power),
                octave * 64 - 1,
                "upper bounds are inclusive"
            );
            // Above 2^53 a double does not tell neighbours apart.
            if (1..53).contains(&octave) {
                assert!(index_of(power + 1) >= octave * 64, "{power}");
            }
        }
    }

    #[test]
    fn counts_up_to_a_bound_are_right_but_for_half_a_bucket() {
        let mut histogram = Histogram::default();
        (0..2_000).for_each(|n| histogram.record(n * 1_000));
        let bounds = [1.0, 250e3, 500e3, 1_000e3, 1_999e3, 4_000e3];
        let width = (-f64::from(histogram.scale() + 1)).exp2().exp2();
        for (bound, count) in bounds.iter().zip(histogram.counts_up_to(&bounds)) {
            let exact = |bound: f64| (bound / 1e3).floor().min(1_999.0) as i64 + 1;
            let (least, most) = (exact(bound / width), exact(bound * width));
            assert!(
                (least..=most).contains(&count),
                "{bound}: {count}, not {least} to {most}"
            );
        }
        assert_eq!(histogram.counts_up_to(&[f64::INFINITY, 0.0]), [2_000, 1]);
    }

    #[test]
    fn the_range_decides_how_coarse_it_is() {
        let mut narrow = Histogram::default();
        (1000..2000).for_each(|nano| narrow.record(nano));
        assert_eq!(narrow.scale(), SCALE_MAX);
        let mut wide = Histogram::default();
        for nano in [1, 0, i64::MAX, -5, 1 << 40] {
            wide.record(nano);
        }
        assert_eq!((wide.count(), wide.zero_count()), (5, 2));
        assert!(wide.counts.len() <= BUCKETS_MAX);
        assert_eq!(wide.scale(), 1);
    }

    #[test]
    fn parts_of_any_kind_are_taken() {
        for scale in [i32::MIN, -20, -6, 0, 6, 20, i32::MAX] {
            let parts = [(i32::MIN, 1), (i32::MAX, 2), (0, 3), (7, -1)];
            let histogram = Histogram::from_parts(scale, 1, parts);
            assert_eq!(histogram.count(), 6, "{scale}");
            assert!(histogram.counts.len() <= BUCKETS_MAX, "{scale}");
        }
    }
}
