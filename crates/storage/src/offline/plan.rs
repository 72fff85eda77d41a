//! What a scan reads and skips, block by block.

use std::sync::Arc;

use clock::SharedClock;
use futures::StreamExt;
use store_api::{ReadFigures, ScanRequest};
use telemetry::StorageMetrics;
use tokio::sync::Semaphore;

use super::{Inspector, tell};
use crate::Config;
use crate::block::BlockReader;
use crate::catalog::Catalog;
use crate::error::OpenError;
use crate::holds::HoldsFile;
use crate::scan::Scanner;
use crate::state::State;

/// A scan's way through the blocks. What is in the log alone is in memory, and looked at in any case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// In the order of the catalog.
    pub blocks: Vec<BlockPlan>,
}

/// One block of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockPlan {
    /// Relative to the data folder.
    pub path: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// Its spans.
    pub spans: u64,
    /// What the scan read of it, and why no more.
    pub figures: ReadFigures,
    /// Why the scan did not get to its end.
    pub failed: Option<String>,
}

impl Inspector {
    /// What `request` reads of each block with nothing in memory: it does read it, without an end before the last row.
    ///
    /// Errors: when the catalog, or pins and erasures, cannot be read.
    pub async fn plan(&self, request: &ScanRequest, clock: SharedClock) -> Result<Plan, OpenError> {
        let catalog = self.catalog()?;
        let holds = HoldsFile::open(self.disk.clone()).map_err(OpenError::holds)?;
        let config = Config::new("");
        let metrics = StorageMetrics::default();
        let disk = self.disk.clone();
        let blocks = BlockReader::new(disk, config.read_cache_bytes, metrics.clone());
        let mut scanner = Scanner {
            state: Arc::new(State::new(metrics.clone())),
            blocks: Arc::new(blocks),
            holds: Arc::new(holds),
            clock,
            threads: Arc::new(Semaphore::new(config.scan_threads)),
        };
        let mut plan = Plan::default();
        for entry in catalog.of_tenant(&request.tenant) {
            scanner.state = Arc::new(State::of(Catalog::alone(entry.clone()), metrics.clone()));
            let mut stream = scanner.scan(request.clone());
            let mut failed = None;
            while let Some(batch) = stream.batches.next().await {
                failed = batch.err().map(|error| tell(&error));
            }
            scanner.blocks.close_others(|_| false);
            plan.blocks.push(BlockPlan {
                path: entry.path.clone(),
                bytes: entry.bytes,
                spans: entry.spans,
                figures: stream.report.figures(),
                failed,
            });
        }
        Ok(plan)
    }
}
