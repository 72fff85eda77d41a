//! The live head: what is durable in the log and not yet in a block or part.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, BooleanArray, FixedSizeBinaryArray, RecordBatch};
use arrow::compute::filter_record_batch;
use columnar::{Column, LogColumn, LogColumns, Signal, SpanColumns, ViewError};
use model::{TenantId, TraceId};
use store_api::RequestDigest;

use crate::error::BlockError;

/// One append, ready to be searched and to be flushed.
#[derive(Debug)]
pub(crate) struct HeadBatch {
    pub(crate) tenant: TenantId,
    pub(crate) digest: RequestDigest,
    pub(crate) received_unix_nano: i64,
    /// What its rows are.
    pub(crate) signal: Signal,
    pub(crate) batch: RecordBatch,
    /// Of its log record, which is about what it takes in memory.
    pub(crate) bytes: u64,
    /// Start times of its spans, or times of its log records.
    pub(crate) oldest_unix_nano: i64,
    pub(crate) newest_unix_nano: i64,
    /// The rows in order of trace id (0 where there is none) and time: the index by trace id, and a sorted run for the flush.
    pub(crate) order: Vec<u32>,
}

impl HeadBatch {
    /// Sorts `batch`, which has at least one row. Errors: when its columns are not those of a signal's schema.
    pub(crate) fn new(
        tenant: TenantId,
        digest: RequestDigest,
        received_unix_nano: i64,
        batch: RecordBatch,
        bytes: u64,
    ) -> Result<Self, ViewError> {
        let schema = batch.schema();
        let signal = Signal::of(&schema)
            .ok_or_else(|| ViewError::Type("batch", format!("{:?}", schema.fields())))?;
        let ids = trace_ids(signal, &batch)?;
        let times = match signal {
            Signal::Spans => SpanColumns::new(&batch).int64(Column::StartTimeUnixNano)?,
            Signal::Logs => LogColumns::new(&batch).int64(LogColumn::SortTimeUnixNano)?,
        };
        let mut order: Vec<u32> = (0..batch.num_rows() as u32).collect();
        order.sort_by_key(|&row| (ids.value(row as usize), times.value(row as usize)));
        let oldest = times.values().iter().min().copied();
        let newest = times.values().iter().max().copied();
        Ok(Self {
            tenant,
            digest,
            received_unix_nano,
            signal,
            bytes,
            oldest_unix_nano: oldest.unwrap_or(i64::MAX),
            newest_unix_nano: newest.unwrap_or(i64::MIN),
            order,
            batch,
        })
    }

    /// The rows of `trace_id`, oldest first. O(log rows).
    pub(crate) fn rows_of(&self, trace_id: &TraceId) -> &[u32] {
        let Ok(ids) = trace_ids(self.signal, &self.batch) else {
            return &[];
        };
        let id_of = |row: &u32| ids.value(*row as usize);
        let start = self.order.partition_point(|r| id_of(r) < &trace_id.0[..]);
        let len = self.order[start..].partition_point(|r| id_of(r) == &trace_id.0[..]);
        &self.order[start..start + len]
    }
}

/// The trace ids of the rows; a row of none has 16 zeros below its null.
pub(crate) fn trace_ids(
    signal: Signal,
    batch: &RecordBatch,
) -> Result<&FixedSizeBinaryArray, ViewError> {
    match signal {
        Signal::Spans => SpanColumns::new(batch).ids(Column::TraceId),
        Signal::Logs => LogColumns::new(batch).ids(LogColumn::TraceId),
    }
}

/// The rows of `batch` that are of none of `ids` (sorted): what comes late of erased traces does not reach the log.
pub(crate) fn without_traces(
    signal: Signal,
    batch: RecordBatch,
    ids: &[TraceId],
) -> Result<RecordBatch, BlockError> {
    if ids.is_empty() {
        return Ok(batch);
    }
    let column = trace_ids(signal, &batch)?;
    let stays = |row| {
        let found = ids.binary_search_by(|id| id.0[..].cmp(column.value(row)));
        found.is_err()
    };
    let stay: BooleanArray = (0..column.len()).map(|row| Some(stays(row))).collect();
    if stay.true_count() == batch.num_rows() {
        return Ok(batch);
    }
    Ok(filter_record_batch(&batch, &stay)?)
}

/// Bytes in the head and on the way to it, against a limit. Clones share the count.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    used: Arc<AtomicU64>,
    max: u64,
}

/// Bytes taken from a [`Budget`], given back on drop.
#[derive(Debug)]
pub(crate) struct Reservation {
    used: Arc<AtomicU64>,
    bytes: u64,
}

impl Budget {
    pub(crate) fn new(max: u64) -> Self {
        Self {
            used: Arc::default(),
            max,
        }
    }

    /// Takes `bytes`, or nothing when the limit would be passed. What is larger than the limit fits when nothing else is there.
    pub(crate) fn reserve(&self, bytes: u64) -> Option<Reservation> {
        let take = |used: u64| {
            let sum = used.saturating_add(bytes);
            (sum <= self.max || used == 0).then_some(sum)
        };
        let taken = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.ok().map(|_| self.guard(bytes))
    }

    /// Takes `bytes` whatever the limit: they were acknowledged before a restart.
    pub(crate) fn reserve_replayed(&self, bytes: u64) -> Reservation {
        self.used.fetch_add(bytes, Ordering::Relaxed);
        self.guard(bytes)
    }

    fn guard(&self, bytes: u64) -> Reservation {
        Reservation {
            used: self.used.clone(),
            bytes,
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A batch and its place in the log.
#[derive(Debug)]
struct Entry {
    segment: u64,
    batch: Arc<HeadBatch>,
    _reservation: Reservation,
}

/// The batches of every tenant, in the order of the log.
#[derive(Debug, Default)]
pub(crate) struct Head {
    spans_of: BTreeMap<TenantId, Vec<Entry>>,
    logs_of: BTreeMap<TenantId, Vec<Entry>>,
    pub(crate) bytes: u64,
    pub(crate) spans: u64,
    pub(crate) log_records: u64,
}

impl Head {
    pub(crate) fn insert(&mut self, segment: u64, batch: Arc<HeadBatch>, space: Reservation) {
        self.bytes += batch.bytes;
        let rows = batch.batch.num_rows() as u64;
        let tenants = match batch.signal {
            Signal::Spans => {
                self.spans += rows;
                &mut self.spans_of
            }
            Signal::Logs => {
                self.log_records += rows;
                &mut self.logs_of
            }
        };
        let entries = tenants.entry(batch.tenant.clone()).or_default();
        entries.push(Entry {
            segment,
            batch,
            _reservation: space,
        });
    }

    /// The batches of spans of `tenant`.
    pub(crate) fn of_tenant(&self, tenant: &TenantId) -> impl Iterator<Item = &Arc<HeadBatch>> {
        let entries = self.spans_of.get(tenant).map_or(&[][..], Vec::as_slice);
        entries.iter().map(|e| &e.batch)
    }

    /// The batches of log records of `tenant`.
    pub(crate) fn logs_of(&self, tenant: &TenantId) -> impl Iterator<Item = &Arc<HeadBatch>> {
        let entries = self.logs_of.get(tenant).map_or(&[][..], Vec::as_slice);
        entries.iter().map(|e| &e.batch)
    }

    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.spans_of.is_empty() && self.logs_of.is_empty()
    }

    /// The batches in segments up to `segment`, by tenant: of spans, and of log records.
    pub(crate) fn up_to(&self, segment: u64) -> (Vec<Arc<HeadBatch>>, Vec<Arc<HeadBatch>>) {
        let batches = |tenants: &BTreeMap<TenantId, Vec<Entry>>| {
            let entries = tenants.values().flatten();
            let flushed = entries.filter(|e| e.segment <= segment);
            flushed.map(|e| e.batch.clone()).collect()
        };
        (batches(&self.spans_of), batches(&self.logs_of))
    }

    /// Forgets the batches in segments up to `segment`: they are in blocks and parts.
    pub(crate) fn drop_up_to(&mut self, segment: u64) {
        let bytes = &mut self.bytes;
        for (tenants, rows) in [
            (&mut self.spans_of, &mut self.spans),
            (&mut self.logs_of, &mut self.log_records),
        ] {
            tenants.retain(|_, entries| {
                entries.retain(|e| {
                    let stays = e.segment > segment;
                    if !stays {
                        *bytes -= e.batch.bytes;
                        *rows -= e.batch.batch.num_rows() as u64;
                    }
                    stays
                });
                !entries.is_empty()
            });
        }
    }
}
