//! Draws from a seed.

use clock::{Entropy, SeededEntropy};

/// A sequence of draws: the same seed gives the same ones.
#[derive(Debug)]
pub struct Chance(SeededEntropy);

impl Chance {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(SeededEntropy::new(seed))
    }

    /// Any number.
    pub fn any(&self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `n`, which is at least 1.
    pub fn below(&self, n: u64) -> u64 {
        self.any() % n
    }

    /// A number from `from` to `to`, both included.
    pub fn between(&self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// True `n` times of a thousand.
    pub fn per_mille(&self, n: u64) -> bool {
        n > 0 && self.below(1000) < n
    }

    /// One of `all`, which is not empty.
    pub fn pick<'a, T>(&self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }

    /// A seed for a sequence of its own.
    pub fn fork(&self) -> Self {
        Self::new(self.any())
    }
}
