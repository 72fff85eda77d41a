//! Batches of generated traffic, and a store to put them in.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use clock::SystemClock;
use columnar::BatchBuilder;
use load::{Config as TrafficConfig, Traffic, Truth};
use model::TenantId;
use storage::{Config, Store};
use store_api::{Append, RequestDigest, SpanSink};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use wire::otlp::{Limits, decode_protobuf};

/// When the traffic starts; any time will do.
const START_UNIX_NANO: u64 = 1_795_384_800_000_000_000;

/// Decoded requests of a collector, about 2,200 spans each.
pub(crate) struct Batches {
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) n_spans: u64,
    pub(crate) truth: Truth,
}

impl Batches {
    /// Traffic of about `n_spans` spans, all held in memory.
    pub(crate) fn decode(n_spans: u64) -> Self {
        let tenant = TenantId::default_tenant();
        let mut traffic = Traffic::new(TrafficConfig::new(1, n_spans, START_UNIX_NANO));
        let batches = traffic.by_ref().map(|request| {
            let decoded = decode_protobuf(&request.body, &Limits::default());
            let decoded = decoded.expect("the generator writes OTLP");
            assert_eq!(decoded.rejected.count(), 0, "nothing of it is refused");
            decoded.rows.finish(&tenant, START_UNIX_NANO as i64)
        });
        let batches = batches.collect();
        let truth = traffic.into_truth();
        Self {
            batches,
            n_spans: truth.total.spans,
            truth,
        }
    }
}

/// A folder on the disk of the sources, not in memory as temporary ones may be.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in(".").expect("a folder on the disk of the sources")
}

/// A store that flushes when it is told to.
pub(crate) fn open(folder: &TempDir) -> Store {
    let config = Config {
        flush_interval: Duration::from_secs(3600),
        flush_bytes: 4 << 30,
        head_bytes_max: 4 << 30,
        ..Config::new(folder.path())
    };
    Store::open(config, Arc::new(SystemClock), Default::default()).expect("a new folder opens")
}

/// Appends `batches` from `appenders` tasks, under digests that count up from `first`.
pub(crate) fn append_all(
    runtime: &Runtime,
    store: &Store,
    batches: &[RecordBatch],
    appenders: usize,
    first: u64,
) {
    let tenant = TenantId::default_tenant();
    runtime.block_on(async {
        let tasks = (0..appenders).map(|appender| {
            let (store, tenant, batches) = (store.clone(), tenant.clone(), batches.to_vec());
            tokio::spawn(async move {
                for (n, batch) in batches
                    .into_iter()
                    .enumerate()
                    .skip(appender)
                    .step_by(appenders)
                {
                    let digest = RequestDigest(u128::from(first + n as u64).to_be_bytes());
                    let append = Append {
                        tenant: tenant.clone(),
                        digest,
                        batch,
                    };
                    store.append(append).await.expect("the disk has space");
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.expect("an appender does not panic");
        }
    });
}
