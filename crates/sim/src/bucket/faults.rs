//! What becomes of requests.

use std::collections::HashMap;
use std::time::Duration;

use super::request::Kind;
use crate::chance::Chance;

/// How long a sender waits before it takes a request for failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Faults of requests by chance, the same for the same seed and the same requests.
#[derive(Debug, Clone, Default)]
pub struct BucketPlan {
    /// What is drawn from.
    pub seed: u64,
    /// Of a thousand requests, those that fail before they take effect.
    pub refused_per_mille: u64,
    /// And those that take effect, and whose sender is told that they failed. A get breaks off.
    pub lost_per_mille: u64,
    /// And those that take effect some requests later, though their sender has given up.
    pub late_per_mille: u64,
    /// And those that take seconds.
    pub slow_per_mille: u64,
    /// Requests from now on that fail, all of them.
    pub outage: u64,
}

/// What a bucket knows of its faults.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) requests: u64,
    pub(super) plan: Option<BucketPlan>,
    /// Requests that may still happen.
    pub(super) allowed: Option<u64>,
    /// Requests that change something up to the one during which the process ends.
    pub(super) crash_in: Option<u64>,
    /// Where the next put takes effect late.
    pub(super) delayed: Option<String>,
    /// How often each was made.
    seen: HashMap<(&'static str, String), u64>,
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It takes effect, and its sender is told.
    Works,
    /// It fails before it takes effect.
    Refused,
    /// Told that another was first, though nobody was: two at once, of which none went through.
    Conflict,
    /// It takes effect, and its sender is told that it failed.
    Lost,
    /// It takes effect, its sender's own repetition finds that, and takes it for another's.
    Repeated,
    /// It takes effect after this many more requests, and its sender is told that it failed.
    Late(u64),
    /// It takes effect when [`Faults::delayed`] says, and its sender is told that it failed.
    Delayed,
}

/// What becomes of one request, and when its sender knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verdict {
    pub(super) fate: Fate,
    pub(super) takes: Duration,
    pub(super) in_outage: bool,
    /// Whether the process ends before it knows.
    pub(super) crashes: bool,
}

impl Faults {
    /// Counts a request, and decides what becomes of it.
    pub(super) fn request(&mut self, kind: Kind, path: &str) -> Verdict {
        self.requests += 1;
        let times = self.seen.entry((kind.name(), path.to_owned())).or_default();
        *times += 1;
        let times = *times;
        let mut verdict = Verdict {
            fate: Fate::Works,
            takes: Duration::ZERO,
            in_outage: false,
            crashes: false,
        };
        let seed = self.plan.as_ref().map_or(0, |plan| plan.seed);
        let chance = chance_of(seed, kind, path, times);
        if let Some(allowed) = &mut self.allowed {
            *allowed = allowed.saturating_sub(1);
            if *allowed == 0 {
                verdict.fate = Fate::Refused;
                verdict.crashes = true;
                return verdict;
            }
        }
        if let Some(plan) = &mut self.plan {
            if plan.outage > 0 {
                plan.outage -= 1;
                verdict.fate = Fate::Refused;
                verdict.in_outage = true;
            } else {
                (verdict.fate, verdict.takes) = plan.draw(kind, &chance);
            }
        }
        let delayed = self.delayed.as_ref();
        if kind.is_put() && delayed.is_some_and(|prefix| path.starts_with(prefix)) {
            verdict.fate = Fate::Delayed;
            return verdict;
        }
        if kind.changes()
            && let Some(left) = &mut self.crash_in
        {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.crash_in = None;
                verdict.crashes = true;
                verdict.fate = match chance.below(3) {
                    0 => Fate::Refused,
                    1 if kind.may_be_late() => late(&chance),
                    _ => Fate::Lost,
                };
            }
        }
        verdict
    }
}

impl BucketPlan {
    fn draw(&self, kind: Kind, chance: &Chance) -> (Fate, Duration) {
        let drawn = chance.below(1000);
        let refused = self.refused_per_mille;
        let lost = refused + self.lost_per_mille;
        let fails_late = lost + self.late_per_mille;
        let slow = fails_late + self.slow_per_mille;
        let is_new = kind == Kind::PutNew;
        if drawn < refused {
            match is_new && chance.below(4) == 0 {
                true => (Fate::Conflict, Duration::ZERO),
                false => (Fate::Refused, Duration::ZERO),
            }
        } else if drawn < lost {
            match is_new && chance.below(2) == 0 {
                true => (Fate::Repeated, Duration::ZERO),
                false => (Fate::Lost, Duration::ZERO),
            }
        } else if drawn < fails_late {
            match kind.may_be_late() {
                true => (late(chance), PATIENCE),
                false => (Fate::Refused, PATIENCE),
            }
        } else if drawn < slow {
            let takes = chance.between(50, PATIENCE.as_millis() as u64);
            (Fate::Works, Duration::from_millis(takes))
        } else {
            (Fate::Works, Duration::ZERO)
        }
    }
}

/// Mostly soon, or when the next process begins.
fn late(chance: &Chance) -> Fate {
    Fate::Late(match chance.below(3) {
        0 => chance.between(1, 400),
        _ => chance.between(1, 25),
    })
}

fn chance_of(seed: u64, kind: Kind, path: &str, times: u64) -> Chance {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_be_bytes());
    hasher.update(&times.to_be_bytes());
    hasher.update(kind.name().as_bytes());
    hasher.update(path.as_bytes());
    let hash = hasher.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    Chance::new(u64::from_be_bytes(first))
}
