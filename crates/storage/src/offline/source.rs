//! The spans of a data folder, for questions.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use clock::SharedClock;
use model::TenantId;
use store_api::{
    Error, Extent, ScanRequest, ScanStream, ServiceCounts, ServicesRequest, SpanSource,
    SummaryRequest, TraceSummaries,
};
use telemetry::StorageMetrics;
use tokio::sync::Semaphore;

use super::{Looked, Offline};
use crate::Config;
use crate::block::BlockReader;
use crate::digests::Digests;
use crate::error::OpenError;
use crate::head::Budget;
use crate::holds::HoldsFile;
use crate::log;
use crate::scan::Scanner;
use crate::state::State;
use crate::store::{Recovery, fill_head};

/// The spans of a folder, in blocks and in the log, without a running store: nothing is flushed, merged or expired, and no file changes.
#[derive(Debug)]
pub struct OfflineSource {
    scanner: Scanner,
    recovery: Recovery,
    /// Keeps other processes out.
    _lock: Box<dyn Any + Send + Sync>,
}

impl Offline {
    /// Reads catalog, pins and erasures, and the log.
    ///
    /// Errors: when one of them cannot be read as far as a store that opens must. Damaged segments are no error: see
    /// [`OfflineSource::recovery`].
    pub fn source(self, clock: SharedClock) -> Result<OfflineSource, OpenError> {
        let disk = self.read_only();
        let config = Config::new("");
        let metrics = StorageMetrics::default();
        let Looked {
            catalog, requests, ..
        } = Looked::at(&disk)?;
        let holds = HoldsFile::open(disk.clone()).map_err(OpenError::holds)?;
        let replayed = log::replay(&disk, catalog.watermark)?;
        let state = Arc::new(State::of(catalog, metrics.clone()));
        let digests = Digests::new(config.dedup_window, config.dedup_entries_max);
        for request in &requests {
            digests.remember(&request.tenant, request.digest, request.received_unix_nano);
        }
        let budget = Budget::new(config.head_bytes_max);
        let (_, recovery) = fill_head(replayed, &state, &budget, &digests);
        let scanner = Scanner {
            state,
            blocks: Arc::new(BlockReader::new(disk, config.read_cache_bytes, metrics)),
            holds: Arc::new(holds),
            clock,
            threads: Arc::new(Semaphore::new(config.scan_threads)),
        };
        Ok(OfflineSource {
            scanner,
            recovery,
            _lock: self.lock,
        })
    }
}

impl OfflineSource {
    /// What was found in the log.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }
}

#[async_trait]
impl SpanSource for OfflineSource {
    fn scan(&self, request: ScanRequest) -> ScanStream {
        self.scanner.scan(request)
    }

    async fn trace_summaries(&self, request: SummaryRequest) -> Result<TraceSummaries, Error> {
        self.scanner.trace_summaries(request).await
    }

    async fn service_counts(&self, request: ServicesRequest) -> Result<ServiceCounts, Error> {
        self.scanner.service_counts(request).await
    }

    fn extent(&self, tenant: &TenantId) -> Extent {
        self.scanner.extent(tenant)
    }
}
