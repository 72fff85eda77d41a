//! The in-flight budget: how many bytes and requests may be under way at once.
//!
//! Nothing waits for budget. A request that does not fit is refused with a hint when to retry, so its sender keeps the bytes.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::refusal::Refusal;

/// Bytes of one permit: a semaphore's request is limited to 2^32.
const UNIT: usize = 1 << 10;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: Arc<Semaphore>,
    requests: Arc<Semaphore>,
}

/// One request's share, given back when dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Arc<Semaphore>,
    bytes: OwnedSemaphorePermit,
    _request: OwnedSemaphorePermit,
}

impl Budget {
    pub(crate) fn new(bytes_max: usize, requests_max: usize) -> Self {
        Self {
            bytes: Arc::new(Semaphore::new(bytes_max / UNIT)),
            requests: Arc::new(Semaphore::new(requests_max)),
        }
    }

    /// Takes a share for a request that announces `bytes` of body (0 when it announces nothing).
    pub(crate) fn admit(&self, bytes: usize) -> Result<Charge, Refusal> {
        let request = Arc::clone(&self.requests).try_acquire_owned();
        let request = request.map_err(|_| Refusal::overloaded())?;
        Ok(Charge {
            bytes: take(&self.bytes, units(bytes.max(1)))?,
            budget: Arc::clone(&self.bytes),
            _request: request,
        })
    }
}

impl Charge {
    /// Makes the share at least `bytes`.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), Refusal> {
        let missing = units(bytes).saturating_sub(self.bytes.num_permits());
        if missing > 0 {
            self.bytes.merge(take(&self.budget, missing)?);
        }
        Ok(())
    }
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(UNIT)
}

fn take(budget: &Arc<Semaphore>, units: usize) -> Result<OwnedSemaphorePermit, Refusal> {
    let units = u32::try_from(units).map_err(|_| Refusal::overloaded())?;
    let permit = Arc::clone(budget).try_acquire_many_owned(units);
    permit.map_err(|_| Refusal::overloaded())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_run_out_and_come_back() {
        let budget = Budget::new(10 * UNIT, 9);
        let mut first = budget.admit(4 * UNIT).unwrap();
        first.grow_to(3 * UNIT).unwrap();
        first.grow_to(6 * UNIT).unwrap();
        assert_eq!(
            budget.admit(4 * UNIT + 1).unwrap_err(),
            Refusal::overloaded()
        );
        let mut second = budget.admit(4 * UNIT).unwrap();
        assert_eq!(second.grow_to(5 * UNIT), Err(Refusal::overloaded()));
        drop(first);
        second.grow_to(10 * UNIT).unwrap();
    }

    #[test]
    fn requests_run_out_and_come_back() {
        let budget = Budget::new(10 * UNIT, 1);
        let first = budget.admit(0).unwrap();
        assert_eq!(budget.admit(0).unwrap_err(), Refusal::overloaded());
        drop(first);
        budget.admit(0).unwrap();
    }
}
