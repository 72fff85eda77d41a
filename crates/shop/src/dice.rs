//! Seeded randomness: the same seed gives the same customers and the same order of visits.

use std::time::Duration;

/// A small generator (SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
///
/// Good enough for a load driver, and small enough to need no dependency.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Dice(seed)
    }

    /// A generator for one customer or one task, independent of its siblings.
    pub(crate) fn fork(&mut self) -> Self {
        Dice(self.next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..n`; 0 when `n` is 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        if n == 0 {
            return 0;
        }
        (self.next() % n as u64) as usize
    }

    /// A number in `0.0..1.0`.
    pub(crate) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with the given probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// One of a list that is not empty.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// A duration between two numbers of milliseconds.
    pub(crate) fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(low + self.next() % (high.saturating_sub(low) + 1))
    }

    /// The wait until the next arrival of a Poisson process with this many arrivals a second.
    pub(crate) fn until_next_arrival(&mut self, per_second: f64) -> Duration {
        let seconds = -(1.0 - self.fraction()).ln() / per_second;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence_and_forks_differ() {
        let mut one = Dice::new(7);
        let mut two = Dice::new(7);
        assert_eq!((one.next(), one.next()), (two.next(), two.next()));
        let (mut left, mut right) = (one.fork(), one.fork());
        assert_ne!(left.next(), right.next());
    }

    #[test]
    fn arrivals_come_at_the_asked_rate() {
        let mut dice = Dice::new(11);
        let total: Duration = (0..10_000).map(|_| dice.until_next_arrival(5.0)).sum();
        let per_second = 10_000.0 / total.as_secs_f64();
        assert!((4.8..5.2).contains(&per_second), "{per_second}");
    }

    #[test]
    fn bounds_hold_at_their_edges() {
        let mut dice = Dice::new(3);
        assert_eq!(dice.below(0), 0);
        assert_eq!(dice.millis(5, 5), Duration::from_millis(5));
        assert!(!dice.chance(0.0));
        assert!(dice.chance(1.0));
    }
}
