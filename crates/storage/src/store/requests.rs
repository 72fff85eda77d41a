//! Pins and erasures as others ask for them.

use async_trait::async_trait;
use model::{TenantId, TraceId};
use store_api::{Erasure, Error, ErrorKind, HoldRequest, Holds, Pin, Proof};

use super::{Store, on_blocking_thread};
use crate::compact;
use crate::error::SHORT_RETRY;
use crate::holds::{HoldError, HoldsFile};

#[async_trait]
impl Holds for Store {
    async fn pin(&self, request: HoldRequest, expires_unix_nano: i64) -> Result<Pin, Error> {
        let pin = Pin {
            id: 0,
            tenant: request.tenant,
            trace_ids: request.trace_ids,
            reason: request.reason,
            created_unix_nano: self.inner.clock.unix_nano(),
            expires_unix_nano,
        };
        let commits = self.inner.commits.clone();
        let settle = move || commits.settle().map_err(std::io::Error::other);
        self.change_holds(move |holds| holds.pin(pin, settle)).await
    }

    async fn unpin(&self, tenant: &TenantId, id: u64) -> Result<bool, Error> {
        let (tenant, now) = (tenant.clone(), self.inner.clock.unix_nano());
        self.change_holds(move |holds| holds.unpin(&tenant, id, now))
            .await
    }

    fn pins(&self, tenant: &TenantId) -> Vec<Pin> {
        let now = self.inner.clock.unix_nano();
        let holds = self.inner.holds.current();
        let of_tenant = holds.pins.iter().filter(|p| &p.tenant == tenant);
        of_tenant
            .filter(|p| p.expires_unix_nano > now)
            .cloned()
            .collect()
    }

    /// Takes place at once where no scan is in the way, and at `deadline_unix_nano` whatever is.
    async fn erase(&self, request: HoldRequest, deadline_unix_nano: i64) -> Result<Erasure, Error> {
        let now = self.inner.clock.unix_nano();
        let memory = i64::try_from(self.inner.erasure_memory.as_nanos()).unwrap_or(i64::MAX);
        let erasure = Erasure {
            id: 0,
            tenant: request.tenant,
            trace_ids: request.trace_ids,
            reason: request.reason,
            created_unix_nano: now,
            deadline_unix_nano,
            completed_unix_nano: None,
            remembered_until_unix_nano: now.saturating_add(memory),
        };
        let erasure = self.change_holds(move |holds| holds.erase(erasure)).await?;
        self.inner.compactor.wake();
        Ok(erasure)
    }

    fn erasures(&self, tenant: &TenantId) -> Vec<Erasure> {
        let holds = self.inner.holds.current();
        let of_tenant = holds.erasures.iter().filter(|e| &e.tenant == tenant);
        of_tenant.cloned().collect()
    }

    async fn prove_absent(&self, trace_ids: Vec<TraceId>) -> Result<Proof, Error> {
        let busy = || {
            Error::new(
                ErrorKind::Limited,
                "another search of all files is under way",
            )
        };
        let turn = self.inner.proving.clone().try_acquire_owned();
        let turn = turn.map_err(|_| busy().retry_after(SHORT_RETRY))?;
        let mut disks = vec![self.inner.disk.clone()];
        disks.extend(self.inner.lake_disk.clone());
        let search = move || {
            let found = compact::search(&disks, &trace_ids);
            drop(turn);
            found
        };
        let searched = on_blocking_thread(search).await?;
        searched.map_err(|e| Error::new(ErrorKind::Unavailable, "searching all files").caused_by(e))
    }
}

impl Store {
    /// Changes pins and erasures, which waits for the disk.
    async fn change_holds<T: Send + 'static>(
        &self,
        change: impl FnOnce(&HoldsFile) -> Result<T, HoldError> + Send + 'static,
    ) -> Result<T, Error> {
        let holds = self.inner.holds.clone();
        Ok(on_blocking_thread(move || change(&holds)).await??)
    }
}
