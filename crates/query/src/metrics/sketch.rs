//! How values are distributed, in buckets that grow by a constant factor.

use std::collections::BTreeMap;

/// Buckets of an octave: a quantile is off by at most half a bucket, 1.1 %.
const BUCKETS_PER_OCTAVE: f64 = 32.0;

/// Counts of values by size. At most some 65,000 buckets, whatever the values.
#[derive(Debug, Clone, Default)]
pub(super) struct Sketch {
    /// By the bucket's number; values of 0 and below stand first.
    counts: BTreeMap<i32, u64>,
    n: u64,
    min: f64,
    max: f64,
}

impl Sketch {
    /// Counts a value; one that is not finite is left out.
    pub(super) fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        let bucket = if value > 0.0 {
            (value.log2() * BUCKETS_PER_OCTAVE).ceil() as i32
        } else {
            i32::MIN
        };
        *self.counts.entry(bucket).or_default() += 1;
        self.min = if self.n == 0 {
            value
        } else {
            self.min.min(value)
        };
        self.max = if self.n == 0 {
            value
        } else {
            self.max.max(value)
        };
        self.n += 1;
    }

    /// The value below which the part `q` of the values lies, about; NaN of none.
    pub(super) fn quantile(&self, q: f64) -> f64 {
        let rank = (q * self.n as f64).ceil().max(1.0) as u64;
        match rank {
            _ if self.n == 0 => return f64::NAN,
            1 => return self.min,
            last if last == self.n => return self.max,
            _ => {}
        }
        let mut below = 0;
        for (bucket, count) in &self.counts {
            below += count;
            if below >= rank {
                let middle = match *bucket {
                    i32::MIN => self.min,
                    bucket => ((f64::from(bucket) - 0.5) / BUCKETS_PER_OCTAVE).exp2(),
                };
                return middle.clamp(self.min, self.max);
            }
        }
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_close() {
        let mut sketch = Sketch::default();
        assert!(sketch.quantile(0.5).is_nan());
        (1..=10_000).for_each(|n| sketch.add(f64::from(n) / 1_000.0));
        sketch.add(f64::NAN);
        for q in [0.01, 0.5, 0.9, 0.99] {
            let off = sketch.quantile(q) / (q * 10.0) - 1.0;
            assert!(off.abs() < 0.012, "{q}: off by {off}");
        }
        assert_eq!((sketch.quantile(0.0), sketch.quantile(1.0)), (0.001, 10.0));
        let mut sketch = Sketch::default();
        for value in [-5.0, 0.0, 3.0] {
            sketch.add(value);
        }
        assert_eq!((sketch.quantile(0.1), sketch.quantile(1.0)), (-5.0, 3.0));
    }
}
