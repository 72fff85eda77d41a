//! How values are distributed, in buckets whose bounds are close to each other.

/// Bits of a number's fraction that tell buckets apart: each octave has 64, so a quantile is off by at most half a bucket, 0.8 %.
const FRACTION_BITS: u32 = 6;

/// Buckets of an octave.
const OCTAVE: usize = 1 << FRACTION_BITS;

/// The bits of a number that come behind those of its bucket.
const SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - FRACTION_BITS;

/// Counts of values by size.
#[derive(Debug, Clone, Default)]
pub(super) struct Sketch {
    /// By octave, in their order, as far as there are values.
    octaves: Vec<(u16, Box<[f64; OCTAVE]>)>,
    /// Values of 0 and below.
    n_not_positive: f64,
    n: f64,
    min: f64,
    max: f64,
}

impl Sketch {
    /// Counts a value as often as `weight` says; one that is not finite is left out, and one that takes more buckets than are left.
    pub(super) fn add(&mut self, (value, weight): (f64, f64), buckets_left: &mut usize) {
        if !value.is_finite() {
            return;
        }
        if value > 0.0 {
            let bucket = value.to_bits() >> SHIFT;
            let octave = (bucket >> FRACTION_BITS) as u16;
            let Some(counts) = self.octave(octave, buckets_left) else {
                return;
            };
            counts[bucket as usize % OCTAVE] += weight;
        } else {
            self.n_not_positive += weight;
        }
        let is_first = self.n == 0.0;
        self.min = if is_first { value } else { self.min.min(value) };
        self.max = if is_first { value } else { self.max.max(value) };
        self.n += weight;
    }

    fn octave(&mut self, octave: u16, buckets_left: &mut usize) -> Option<&mut [f64; OCTAVE]> {
        let at = self.octaves.partition_point(|(known, _)| *known < octave);
        if self
            .octaves
            .get(at)
            .is_none_or(|(known, _)| *known != octave)
        {
            *buckets_left = buckets_left.checked_sub(OCTAVE)?;
            self.octaves.insert(at, (octave, Box::new([0.0; OCTAVE])));
        }
        Some(&mut self.octaves[at].1)
    }

    /// The value below which the part `q` of the values lies, about; NaN of none.
    pub(super) fn quantile(&self, q: f64) -> f64 {
        if self.n == 0.0 {
            return f64::NAN;
        }
        let rank = (q * self.n).ceil().max(1.0);
        match rank {
            1.0 => return self.min,
            rank if rank >= self.n => return self.max,
            rank if rank <= self.n_not_positive => return self.min,
            _ => {}
        }
        let mut below = self.n_not_positive;
        for (octave, counts) in &self.octaves {
            for (bucket, count) in counts.iter().enumerate() {
                below += count;
                if below >= rank {
                    let lower = u64::from(*octave) << FRACTION_BITS | bucket as u64;
                    let bound = |bucket: u64| f64::from_bits(bucket << SHIFT);
                    let middle = bound(lower).midpoint(bound(lower + 1));
                    return middle.clamp(self.min, self.max);
                }
            }
        }
        self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_close() {
        let mut left = usize::MAX;
        let mut sketch = Sketch::default();
        assert!(sketch.quantile(0.5).is_nan());
        (1..=10_000).for_each(|n| sketch.add((f64::from(n) / 1_000.0, 1.0), &mut left));
        sketch.add((f64::NAN, 1.0), &mut left);
        for q in [0.01, 0.5, 0.9, 0.99] {
            let off = sketch.quantile(q) / (q * 10.0) - 1.0;
            assert!(off.abs() < 0.008, "{q}: off by {off}");
        }
        assert_eq!((sketch.quantile(0.0), sketch.quantile(1.0)), (0.001, 10.0));
        let mut sketch = Sketch::default();
        for value in [-5.0, 0.0, 3.0, f64::MAX, f64::MIN_POSITIVE / 4.0] {
            sketch.add((value, 1.0), &mut left);
        }
        assert_eq!(
            (sketch.quantile(0.1), sketch.quantile(1.0)),
            (-5.0, f64::MAX)
        );
        assert!((sketch.quantile(0.8) / 3.0 - 1.0).abs() < 0.008);
    }

    #[test]
    fn values_count_as_often_as_they_stand_for_others() {
        let (mut sketch, mut left) = (Sketch::default(), usize::MAX);
        for (value, weight) in [(1.0, 1.0), (2.0, 90.0), (3.0, 9.0)] {
            sketch.add((value, weight), &mut left);
        }
        for (q, expected) in [
            (0.001, 1.0),
            (0.5, 2.0),
            (0.9, 2.0),
            (0.95, 3.0),
            (1.0, 3.0),
        ] {
            let found = sketch.quantile(q);
            assert!((found / expected - 1.0).abs() < 0.008, "{q}: {found}");
        }
    }

    #[test]
    fn a_sketch_takes_no_more_buckets_than_are_left() {
        let mut left = 3 * OCTAVE;
        let mut sketch = Sketch::default();
        for exponent in 0..10 {
            sketch.add((f64::from(exponent).exp2(), 1.0), &mut left);
        }
        assert_eq!((left, sketch.quantile(1.0)), (0, 4.0));
    }
}
