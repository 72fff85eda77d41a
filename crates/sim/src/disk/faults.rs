//! Which operations fail.

use std::collections::BTreeMap;
use std::io;

use crate::chance::Chance;

/// When and how one operation fails. Operations that change something are counted, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Power goes during operation n: it and all after it fail.
    PowerLoss(u64),
    /// Operation n fails.
    Once(u64, io::ErrorKind),
}

/// Failures by chance, the same for the same seed and the same operations.
#[derive(Debug)]
pub struct Plan {
    /// Of a thousand operations that change something, those that fail as a broken disk does.
    pub broken_per_mille: u64,
    /// And those that fail as a full one does.
    pub full_per_mille: u64,
    /// Of a thousand reads, those that fail.
    pub reads_per_mille: u64,
    /// Syncs say that they succeeded and do nothing. No store survives that: it shows that a loss is noticed.
    pub syncs_lie: bool,
    /// What it draws from; made by [`Plan::new`].
    pub chance: Chance,
}

impl Plan {
    /// A plan in which nothing fails yet.
    pub fn new(seed: u64) -> Self {
        Self {
            broken_per_mille: 0,
            full_per_mille: 0,
            reads_per_mille: 0,
            syncs_lie: false,
            chance: Chance::new(seed),
        }
    }
}

/// What a disk knows of its faults.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Operations since the disk was made.
    pub(super) total: u64,
    pub(super) dead: bool,
    /// Operations that may still happen.
    pub(super) allowed: Option<u64>,
    pub(super) plan: Option<Plan>,
    /// How often what went wrong.
    pub(super) counts: BTreeMap<&'static str, u64>,
    /// Operations since the fault was injected.
    operations: u64,
    fault: Option<Fault>,
}

impl Faults {
    pub(super) fn inject(&mut self, fault: Fault) {
        self.operations = 0;
        self.fault = Some(fault);
    }

    pub(super) fn is_armed(&self) -> bool {
        match self.fault {
            Some(Fault::PowerLoss(n) | Fault::Once(n, _)) => self.operations < n,
            None => false,
        }
    }

    /// Counts an operation that changes something.
    pub(super) fn operation(&mut self) -> io::Result<()> {
        if self.dead {
            return Err(power_is_gone());
        }
        if let Some(allowed) = &mut self.allowed {
            *allowed = allowed.saturating_sub(1);
            if *allowed == 0 {
                self.dead = true;
                return Err(power_is_gone());
            }
        }
        self.total += 1;
        self.operations += 1;
        match self.fault {
            Some(Fault::PowerLoss(n)) if n == self.operations => {
                self.dead = true;
                return Err(power_is_gone());
            }
            Some(Fault::Once(n, kind)) if n == self.operations => return Err(kind.into()),
            _ => {}
        }
        let Some(plan) = &self.plan else {
            return Ok(());
        };
        let drawn = plan.chance.below(1000);
        if drawn < plan.broken_per_mille {
            self.count("changes that failed");
            Err(io::Error::other("the disk is broken"))
        } else if drawn < plan.broken_per_mille + plan.full_per_mille {
            self.count("changes without space");
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    pub(super) fn read(&mut self) -> io::Result<()> {
        match &self.plan {
            Some(plan) if plan.chance.per_mille(plan.reads_per_mille) => {
                self.count("reads that failed");
                Err(io::Error::other("the disk does not read"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// How much of a failed write of `len` bytes was written.
    pub(super) fn torn(&self, len: usize) -> usize {
        match &self.plan {
            Some(plan) => plan.chance.below(len as u64 + 1) as usize,
            None => len / 2,
        }
    }

    pub(super) fn lies(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.syncs_lie)
    }
}

pub(super) fn power_is_gone() -> io::Error {
    io::Error::other("power is gone")
}
