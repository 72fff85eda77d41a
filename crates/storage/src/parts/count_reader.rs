//! Sums of roll-ups and edges.

use std::sync::Arc;

use arrow::array::RecordBatch;
use model::{TenantId, TraceId};
use rollup::Limits;
use store_api::{CountAnswer, CountRequest, CountTable, Error, Incomplete, TimeRange};

use super::counts::Counts;
use super::file;
use super::fold::Sums;
use super::source::{BATCH_ROWS, PartSource, internal, unread};
use crate::catalog::{PartEntry, PartTable};
use crate::disk::Disk;
use crate::error::BlockError;
use crate::head::HeadBatch;

/// Rows of an answer at most; past it they come as overflow rows, and the answer says so.
const ROWS_MAX: usize = 200_000;

/// Answers questions about counts.
#[derive(Debug)]
pub(crate) struct CountReader(pub(crate) PartSource);

/// What is wanted.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    table: PartTable,
    resolution_seconds: i32,
    time: TimeRange,
}

impl CountReader {
    /// The sums over head and parts, taken at one moment. What the head holds is counted now.
    pub(crate) async fn counts(&self, request: CountRequest) -> Result<CountAnswer, Error> {
        let wanted = Wanted {
            table: match request.table {
                CountTable::Rollups => PartTable::Rollups,
                CountTable::Edges => PartTable::Edges,
            },
            resolution_seconds: request.resolution_seconds,
            time: request.time,
        };
        let erased = self.0.holds.current().erased(&request.tenant);
        let (head, catalog) = {
            let inner = self.0.state.lock();
            let head = inner.head.of_tenant(&request.tenant);
            let head: Vec<_> = head
                .filter(|batch| wanted.may_be_of(batch))
                .cloned()
                .collect();
            (head, inner.catalog.clone())
        };
        let limits = Limits {
            rows_max: ROWS_MAX,
            ..Limits::default()
        };
        let mut sums = Sums::new(wanted.table, &limits);
        let mut incomplete = None;
        if self.0.is_late(request.deadline) {
            let rows = sums.to_batch(&request.tenant, request.resolution_seconds);
            return Ok(CountAnswer {
                rows,
                incomplete: Some(Incomplete::Deadline),
            });
        }
        let (tenant, hidden) = (request.tenant.clone(), erased.clone());
        let counting = self
            .0
            .work(move |_| of_head(&head, &tenant, &hidden, wanted));
        let counted = counting.await?.map_err(internal)?;
        for batch in counted {
            wanted.add(&batch, &mut sums).map_err(internal)?;
        }
        for part in catalog.parts_of(wanted.table, &request.tenant) {
            if !wanted.may_be_in(part) {
                continue;
            }
            if self.0.is_late(request.deadline) {
                incomplete = Some(Incomplete::Deadline);
                break;
            }
            let path = part.path.clone();
            let read = self.0.work(move |disk| of_part(disk, &path, wanted, sums));
            let (after, result) = read.await?;
            sums = after;
            if let Err(error) = result {
                incomplete = Some(unread(part, error)?);
            }
        }
        if sums.len() >= ROWS_MAX {
            incomplete.get_or_insert(Incomplete::Rows);
        }
        sums.forget(&erased);
        let rows = sums.to_batch(&request.tenant, request.resolution_seconds);
        Ok(CountAnswer { rows, incomplete })
    }
}

impl Wanted {
    fn may_be_in(&self, part: &PartEntry) -> bool {
        let resolution = part.resolution_seconds;
        self.time
            .overlaps(part.oldest_unix_nano, part.newest_unix_nano)
            && resolution.is_none_or(|seconds| seconds == self.resolution_seconds)
    }

    /// Whether spans of the batch may count in an interval that is wanted: one that holds a start, or the time of receipt, where those count that had no room
    /// elsewhere.
    fn may_be_of(&self, batch: &HeadBatch) -> bool {
        let oldest = batch.oldest_unix_nano.min(batch.received_unix_nano);
        let newest = batch.newest_unix_nano.max(batch.received_unix_nano);
        let length = i64::from(self.resolution_seconds) * 1_000_000_000;
        let first = oldest.saturating_sub(oldest.rem_euclid(length.max(1)));
        self.time.overlaps(first, newest)
    }

    fn add(&self, batch: &RecordBatch, sums: &mut Sums) -> Result<(), columnar::ViewError> {
        sums.add(batch, |resolution, start| {
            resolution == self.resolution_seconds && self.time.contains(start)
        })
    }
}

/// What the head's spans count as; each batch by itself, as spans of a trace that came together.
fn of_head(
    head: &[Arc<HeadBatch>],
    tenant: &TenantId,
    erased: &[TraceId],
    wanted: Wanted,
) -> Result<Vec<RecordBatch>, BlockError> {
    let mut counts = Counts::new();
    for batch in head {
        counts.add(std::slice::from_ref(batch), erased)?;
    }
    Ok(counts.rows(wanted.table, tenant))
}

/// Adds the wanted rows of a part to `sums`; up to where it could be read.
fn of_part(
    disk: &dyn Disk,
    path: &str,
    wanted: Wanted,
    mut sums: Sums,
) -> (Sums, Result<(), BlockError>) {
    let mut read = || -> Result<(), BlockError> {
        for batch in file::read(disk, path, wanted.table, None, BATCH_ROWS)? {
            wanted.add(&batch?, &mut sums)?;
        }
        Ok(())
    };
    let result = read();
    (sums, result)
}
