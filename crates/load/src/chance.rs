//! Seeded chance: the same seed gives the same traffic, on every machine.
//!
//! Only additions, multiplications, divisions and square roots of floating point are used, which IEEE 754 defines to the last
//! bit; `ln` and `exp` of the platform's library would not be the same everywhere.

/// A small generator (wyrand), good enough for fixtures and a nanosecond a number.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// The sequence of `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        // Neighbouring seeds should not give neighbouring sequences.
        let mut chance = Self(seed ^ 0x5851_f42d_4c95_7f2d);
        chance.next();
        chance
    }

    /// The next 64 bits. Source: Wang Yi, wyhash final version 4, `wyrand`.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0xa076_1d64_78bd_642f);
        let product = u128::from(self.0) * u128::from(self.0 ^ 0xe703_7ed1_a0b4_28db);
        (product >> 64) as u64 ^ product as u64
    }

    /// Less than `n`; 0 when `n` is 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// An index into a list of `n` items.
    pub(crate) fn index(&mut self, n: usize) -> usize {
        self.below(n as u64) as usize
    }

    /// An item of a list that is not empty.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.index(items.len())]
    }

    /// True in `per_million` of a million cases.
    pub(crate) fn hits(&mut self, per_million: u32) -> bool {
        (self.next() >> 32) * 1_000_000 < u64::from(per_million) << 32
    }

    /// In `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// In `from..to`.
    pub(crate) fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }

    /// An index below `n`, small ones far more often: the square of a uniform number, so that half of all draws fall in the
    /// first quarter.
    pub(crate) fn skewed(&mut self, n: usize) -> usize {
        let unit = self.unit();
        ((unit * unit * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// Log-normal with this median; `sigma` is the deviation of the logarithm.
    pub(crate) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.normal())
    }

    /// Close to the standard normal distribution: the sum of eight uniform numbers (Irwin–Hall), scaled to variance 1.
    fn normal(&mut self) -> f64 {
        let halves = [self.next(), self.next()].map(|bits| {
            let quarters = [
                bits & 0xffff,
                bits >> 16 & 0xffff,
                bits >> 32 & 0xffff,
                bits >> 48,
            ];
            quarters.into_iter().sum::<u64>()
        });
        let sum = (halves[0] + halves[1]) as f64 / 65_536.0;
        // Variance of eight uniforms: 8/12.
        (sum - 4.0) / 0.816_496_580_927_726
    }
}

/// `e^x` by `(1 + x/4096)^4096`, within 0.5 % for the exponents here (|x| below 6).
fn exp(x: f64) -> f64 {
    (0..12).fold(1.0 + x / 4096.0, |power, _| power * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_sequence() {
        let draw = |seed| {
            let mut chance = Chance::new(seed);
            [chance.next(), chance.next()]
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn distributions_have_their_shape() {
        let mut chance = Chance::new(7);
        let mut sizes: Vec<f64> = (0..20_000).map(|_| chance.log_normal(10.0, 1.0)).collect();
        sizes.sort_by(f64::total_cmp);
        assert!((9.0..11.0).contains(&sizes[10_000]), "{}", sizes[10_000]);
        // 10 · e^2.33 is 103; the sum of eight has slightly lighter tails.
        assert!((85.0..115.0).contains(&sizes[19_800]), "{}", sizes[19_800]);
        let hits = (0..100_000).filter(|_| chance.hits(10_000)).count();
        assert!((900..1_100).contains(&hits), "{hits}");
        assert!((0..1_000).all(|_| chance.below(3) < 3 && chance.skewed(5) < 5));
        assert_eq!((chance.below(0), chance.skewed(0)), (0, 0));
    }
}
