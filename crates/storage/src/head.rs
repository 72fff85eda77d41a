//! The live head: what is durable in the log and not yet in a block.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use columnar::{Column, SpanColumns, ViewError};
use model::{TenantId, TraceId};
use store_api::RequestDigest;

/// One append, ready to be searched and to be flushed.
#[derive(Debug)]
pub(crate) struct HeadBatch {
    pub(crate) tenant: TenantId,
    pub(crate) digest: RequestDigest,
    pub(crate) received_unix_nano: i64,
    pub(crate) batch: RecordBatch,
    /// Of its log record, which is about what it takes in memory.
    pub(crate) bytes: u64,
    /// Start times of its spans.
    pub(crate) oldest_unix_nano: i64,
    pub(crate) newest_unix_nano: i64,
    /// The rows in order of trace id and start: the index by trace id, and a sorted run for the flush.
    pub(crate) order: Vec<u32>,
}

impl HeadBatch {
    /// Sorts `batch`, which has at least one row. Errors: when its columns are not those of the schema.
    pub(crate) fn new(
        tenant: TenantId,
        digest: RequestDigest,
        received_unix_nano: i64,
        batch: RecordBatch,
        bytes: u64,
    ) -> Result<Self, ViewError> {
        let columns = SpanColumns::new(&batch);
        let ids = columns.ids(Column::TraceId)?;
        let starts = columns.int64(Column::StartTimeUnixNano)?;
        let mut order: Vec<u32> = (0..batch.num_rows() as u32).collect();
        order.sort_by_key(|&row| (ids.value(row as usize), starts.value(row as usize)));
        let oldest = starts.values().iter().min().copied();
        let newest = starts.values().iter().max().copied();
        Ok(Self {
            tenant,
            digest,
            received_unix_nano,
            bytes,
            oldest_unix_nano: oldest.unwrap_or(i64::MAX),
            newest_unix_nano: newest.unwrap_or(i64::MIN),
            order,
            batch,
        })
    }

    /// The rows of `trace_id`, oldest first. O(log rows).
    pub(crate) fn rows_of(&self, trace_id: &TraceId) -> &[u32] {
        let Ok(ids) = SpanColumns::new(&self.batch).ids(Column::TraceId) else {
            return &[];
        };
        let id_of = |row: &u32| ids.value(*row as usize);
        let start = self.order.partition_point(|r| id_of(r) < &trace_id.0[..]);
        let len = self.order[start..].partition_point(|r| id_of(r) == &trace_id.0[..]);
        &self.order[start..start + len]
    }
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
    tenants: BTreeMap<TenantId, Vec<Entry>>,
    pub(crate) bytes: u64,
    pub(crate) spans: u64,
}

impl Head {
    pub(crate) fn insert(&mut self, segment: u64, batch: Arc<HeadBatch>, space: Reservation) {
        self.bytes += batch.bytes;
        self.spans += batch.batch.num_rows() as u64;
        let entries = self.tenants.entry(batch.tenant.clone()).or_default();
        entries.push(Entry {
            segment,
            batch,
            _reservation: space,
        });
    }

    /// The batches of `tenant`.
    pub(crate) fn of_tenant(&self, tenant: &TenantId) -> impl Iterator<Item = &Arc<HeadBatch>> {
        let entries = self.tenants.get(tenant).map_or(&[][..], Vec::as_slice);
        entries.iter().map(|e| &e.batch)
    }

    /// The batches in segments up to `segment`, by tenant.
    pub(crate) fn up_to(&self, segment: u64) -> Vec<Arc<HeadBatch>> {
        let entries = self.tenants.values().flatten();
        entries
            .filter(|e| e.segment <= segment)
            .map(|e| e.batch.clone())
            .collect()
    }

    /// Forgets the batches in segments up to `segment`: they are in blocks.
    pub(crate) fn drop_up_to(&mut self, segment: u64) {
        let (bytes, spans) = (&mut self.bytes, &mut self.spans);
        self.tenants.retain(|_, entries| {
            entries.retain(|e| {
                let stays = e.segment > segment;
                if !stays {
                    *bytes -= e.batch.bytes;
                    *spans -= e.batch.batch.num_rows() as u64;
                }
                stays
            });
            !entries.is_empty()
        });
    }
}
