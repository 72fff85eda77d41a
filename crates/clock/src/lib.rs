//! The only reader of time and entropy.
//!
//! Everything else takes a [`Clock`] (and, where it needs chance, an [`Entropy`]) from its builder, so that a test or a
//! simulation drives both from a seed. `clippy.toml` bans the ways around it.
//!
//! Never here: timers, sleeping, formatting of times.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A source of wall-clock and monotonic time.
pub trait Clock: Debug + Send + Sync {
    /// Nanoseconds since the Unix epoch, UTC; saturates at the ends of `i64` (years 1677 and 2262).
    fn unix_nano(&self) -> i64;
    /// A point on the monotonic clock, for deadlines and measured durations.
    fn instant(&self) -> Instant;
}

/// A shared clock, as components hold it.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one reader of the time"
    )]
    fn unix_nano(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |d| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one reader of the time"
    )]
    fn instant(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that moves only when told to, shared by its clones.
#[derive(Debug, Clone)]
pub struct ManualClock {
    base: Instant,
    unix_nano_at_base: Arc<AtomicI64>,
    elapsed_nano: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that stands at `unix_nano`.
    #[expect(
        clippy::disallowed_methods,
        reason = "an origin for `Instant`s, which cannot be made from a number"
    )]
    pub fn at(unix_nano: i64) -> Self {
        Self {
            base: Instant::now(),
            unix_nano_at_base: Arc::new(AtomicI64::new(unix_nano)),
            elapsed_nano: Arc::default(),
        }
    }

    /// Moves both times forward by `by`.
    pub fn advance(&self, by: Duration) {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.elapsed_nano.fetch_add(nanos, Ordering::SeqCst);
    }

    /// Moves the wall-clock time alone, forward or back, as somebody does who sets a clock.
    pub fn jump(&self, by_nano: i64) {
        self.unix_nano_at_base.fetch_add(by_nano, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn unix_nano(&self) -> i64 {
        let elapsed = i64::try_from(self.elapsed_nano.load(Ordering::SeqCst)).unwrap_or(i64::MAX);
        let at_base = self.unix_nano_at_base.load(Ordering::SeqCst);
        at_base.saturating_add(elapsed)
    }

    fn instant(&self) -> Instant {
        self.base + Duration::from_nanos(self.elapsed_nano.load(Ordering::SeqCst))
    }
}

/// A source of unpredictable numbers: request ids, keys of hash tables that strangers fill.
pub trait Entropy: Debug + Send + Sync {
    /// The next number.
    fn next_u64(&self) -> u64;
}

/// Entropy of the operating system, by way of the standard library's hasher keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one reader of entropy"
    )]
    fn next_u64(&self) -> u64 {
        use std::hash::{BuildHasher, RandomState};
        RandomState::new().hash_one(SystemClock.unix_nano())
    }
}

/// A seeded sequence (SplitMix64): the same seed gives the same numbers.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn next_u64(&self) -> u64 {
        // Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
        const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self
            .0
            .fetch_add(GAMMA, Ordering::Relaxed)
            .wrapping_add(GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::at(5);
        let start = clock.instant();
        assert_eq!((clock.unix_nano(), clock.instant()), (5, start));
        clock.clone().advance(Duration::from_nanos(7));
        assert_eq!(
            (clock.unix_nano(), clock.instant() - start),
            (12, Duration::from_nanos(7))
        );
        clock.jump(-10);
        assert_eq!(
            (clock.unix_nano(), clock.instant() - start),
            (2, Duration::from_nanos(7))
        );
    }

    #[test]
    fn a_seed_gives_one_sequence() {
        let draw = |seed| {
            let entropy = SeededEntropy::new(seed);
            [entropy.next_u64(), entropy.next_u64()]
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_ne!(draw(1)[0], draw(1)[1]);
    }
}
