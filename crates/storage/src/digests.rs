//! Which requests were kept, so that a retry is not kept twice.
//!
//! A request is *begun* by the first appender that brings it and *kept* once it is durable. Appenders that bring it meanwhile
//! wait, and look again when the first is done: either it was kept, or the next of them takes over.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::TenantId;
use store_api::RequestDigest;
use tokio::sync::oneshot;

/// The requests of every tenant. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Digests {
    // Held for a few map operations at a time, never across I/O.
    inner: Arc<Mutex<Inner>>,
}

/// What to do with a request.
#[derive(Debug)]
pub(crate) enum Begin {
    /// It was kept before.
    Duplicate,
    /// It is under way; look again when this resolves, either way.
    Wait(oneshot::Receiver<()>),
    /// It is new.
    Go(Ticket),
}

/// The right to append a request. Dropping it lets the next one that brings the same request try.
#[derive(Debug)]
pub(crate) struct Ticket {
    digests: Digests,
    key: (TenantId, RequestDigest),
}

#[derive(Debug)]
struct Inner {
    window_nano: i64,
    entries_max: usize,
    tenants: HashMap<TenantId, Window>,
    under_way: HashMap<(TenantId, RequestDigest), Vec<oneshot::Sender<()>>>,
}

#[derive(Debug, Default)]
struct Window {
    kept: HashMap<RequestDigest, i64>,
    /// By time of arrival here, which is about that of receipt.
    order: VecDeque<(RequestDigest, i64)>,
}

impl Digests {
    pub(crate) fn new(window: Duration, entries_max: usize) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                window_nano: i64::try_from(window.as_nanos()).unwrap_or(i64::MAX),
                entries_max,
                tenants: HashMap::new(),
                under_way: HashMap::new(),
            })),
        }
    }

    /// Looks a request up, and begins it when it is new.
    pub(crate) fn begin(&self, tenant: &TenantId, digest: RequestDigest, now: i64) -> Begin {
        let mut inner = self.lock();
        if inner.is_kept(tenant, digest, now) {
            return Begin::Duplicate;
        }
        let key = (tenant.clone(), digest);
        if let Some(waiting) = inner.under_way.get_mut(&key) {
            let (wake, wait) = oneshot::channel();
            waiting.push(wake);
            return Begin::Wait(wait);
        }
        inner.under_way.insert(key.clone(), Vec::new());
        Begin::Go(Ticket {
            digests: self.clone(),
            key,
        })
    }

    /// Remembers a request read from the log or the catalog; `false` when it was remembered already.
    pub(crate) fn remember(&self, tenant: &TenantId, digest: RequestDigest, at: i64) -> bool {
        let mut inner = self.lock();
        let new = !inner.is_kept(tenant, digest, at);
        if new {
            inner.keep(tenant, digest, at);
        }
        new
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn is_kept(&self, tenant: &TenantId, digest: RequestDigest, now: i64) -> bool {
        let at = self.tenants.get(tenant).and_then(|w| w.kept.get(&digest));
        at.is_some_and(|at| now.saturating_sub(*at) <= self.window_nano)
    }

    fn keep(&mut self, tenant: &TenantId, digest: RequestDigest, at: i64) {
        let window = self.tenants.entry(tenant.clone()).or_default();
        window.kept.insert(digest, at);
        window.order.push_back((digest, at));
        while let Some(&(oldest, since)) = window.order.front() {
            let expired = at.saturating_sub(since) > self.window_nano;
            if !expired && window.order.len() <= self.entries_max {
                break;
            }
            window.order.pop_front();
            // A request kept again after it expired stands in `order` twice.
            if window.kept.get(&oldest) == Some(&since) {
                window.kept.remove(&oldest);
            }
        }
    }
}

impl Ticket {
    /// The request was received at `at` and is durable.
    pub(crate) fn keep(self, at: i64) {
        let (tenant, digest) = &self.key;
        self.digests.lock().keep(tenant, *digest, at);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // Those who wait see their sender go.
        self.digests.lock().under_way.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_nanos(100);

    fn digest(n: u8) -> RequestDigest {
        RequestDigest([n; 16])
    }

    fn go(digests: &Digests, n: u8, now: i64) -> Ticket {
        match digests.begin(&TenantId::default_tenant(), digest(n), now) {
            Begin::Go(ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_kept_request_is_a_duplicate_until_the_window_has_passed() {
        let digests = Digests::new(WINDOW, 10);
        let tenant = TenantId::default_tenant();
        go(&digests, 1, 0).keep(0);
        assert!(matches!(
            digests.begin(&tenant, digest(1), 100),
            Begin::Duplicate
        ));
        let other: TenantId = "other".parse().unwrap();
        assert!(matches!(
            digests.begin(&other, digest(1), 100),
            Begin::Go(_)
        ));
        go(&digests, 1, 101).keep(101);
        assert!(matches!(
            digests.begin(&tenant, digest(1), 150),
            Begin::Duplicate
        ));
    }

    #[test]
    fn the_oldest_requests_are_forgotten_first() {
        let digests = Digests::new(WINDOW, 2);
        let tenant = TenantId::default_tenant();
        for n in 1..=3 {
            go(&digests, n, 0).keep(0);
        }
        assert!(matches!(digests.begin(&tenant, digest(1), 0), Begin::Go(_)));
        assert!(matches!(
            digests.begin(&tenant, digest(2), 0),
            Begin::Duplicate
        ));
    }

    #[test]
    fn who_waits_learns_the_outcome_of_the_first() {
        let digests = Digests::new(WINDOW, 10);
        let tenant = TenantId::default_tenant();
        let first = go(&digests, 1, 0);
        let Begin::Wait(mut wait) = digests.begin(&tenant, digest(1), 0) else {
            panic!("the first is under way");
        };
        assert!(wait.try_recv() == Err(oneshot::error::TryRecvError::Empty));
        drop(first);
        assert!(wait.try_recv() == Err(oneshot::error::TryRecvError::Closed));
        let second = go(&digests, 1, 0);
        let Begin::Wait(mut wait) = digests.begin(&tenant, digest(1), 0) else {
            panic!("the second is under way");
        };
        second.keep(0);
        assert!(wait.try_recv() == Err(oneshot::error::TryRecvError::Closed));
        assert!(matches!(
            digests.begin(&tenant, digest(1), 0),
            Begin::Duplicate
        ));
    }
}
