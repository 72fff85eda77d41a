//! Spans of each service: from the tables of blocks, and from rows where a trace reaches beyond the time range.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use columnar::{Column, SpanColumns, ViewError};
use model::{StatusCode, TraceId};
use store_api::{AttributeProjection, Error, ErrorKind, ServiceCounts, ServicesRequest, TimeRange};

use super::parts::count;
use super::summaries::scan_block;
use super::{Scanner, Snapshot, ask, blocking, hidden_rows};
use crate::block::{BlockReader, CancelOnDrop, Reading, TraceRows, Wanted};
use crate::catalog::BlockEntry;
use crate::error::BlockError;
use crate::filter::Filter;
use crate::state::State;

impl Scanner {
    /// Counts the spans of `request`.
    pub(crate) async fn service_counts(
        &self,
        request: ServicesRequest,
    ) -> Result<ServiceCounts, Error> {
        let reading = Reading::new(self.clock.clone(), request.deadline, None);
        let _guard = CancelOnDrop(reading.clone());
        let (state, holds) = (self.state.clone(), self.holds.clone());
        let blocks = self.blocks.clone();
        let work = move || {
            let snapshot = || Snapshot::take((&state, &holds), &request.tenant);
            ask(snapshot, |snapshot| {
                let counting = Counting {
                    time: request.time,
                    blocks: &blocks,
                    state: &state,
                    reading: reading.clone(),
                    erased: snapshot.erased.clone(),
                    counts: BTreeMap::new(),
                };
                counting.count(&snapshot)
            })
        };
        blocking(&self.threads, work).await
    }
}

struct Counting<'a> {
    time: TimeRange,
    blocks: &'a BlockReader,
    state: &'a State,
    reading: Arc<Reading>,
    erased: Arc<[TraceId]>,
    counts: BTreeMap<String, (u64, u64)>,
}

impl Counting<'_> {
    fn count(mut self, snapshot: &Snapshot) -> Result<ServiceCounts, Error> {
        for batch in &snapshot.head {
            let hidden = hidden_rows(batch, &self.erased);
            self.add_rows(&batch.batch, &hidden).map_err(|e| {
                Error::new(ErrorKind::Internal, "the head lacks a column").caused_by(e)
            })?;
        }
        for entry in &snapshot.blocks {
            let (oldest, newest) = (entry.oldest_unix_nano, entry.newest_unix_nano);
            if self.time.overlaps(oldest, newest) && !self.blocks.is_damaged(entry, &self.reading) {
                let counted = self.add_block(entry);
                let is_listed = || self.state.lists(entry);
                counted.or_else(|e| self.blocks.failed(entry, e, &self.reading, is_listed))?;
            }
        }
        Ok(ServiceCounts {
            services: self.counts.into_iter().map(count).collect(),
            report: self.reading.report.clone(),
        })
    }

    fn add_block(&mut self, entry: &BlockEntry) -> Result<(), BlockError> {
        let table = self.blocks.trace_table(entry, &self.reading)?;
        let mut cut: Vec<Range<u64>> = Vec::new();
        if let Some(table) = &table {
            let time = self.time;
            let erased = self.erased.clone();
            let whole = table.services(|trace| {
                if !erased.is_empty() && erased.binary_search(&trace.id()).is_ok() {
                    return false;
                }
                let (first, last) = (trace.start_unix_nano(), trace.newest_start_unix_nano());
                let is_whole = time.contains(first) && time.contains(last);
                if !is_whole && time.overlaps(first, last) {
                    cut.push(trace.rows());
                }
                is_whole
            });
            let whole: Vec<(&str, u64, u64)> = whole.collect();
            for (service, spans, errors) in whole {
                self.add(service, spans, errors);
            }
            if cut.is_empty() {
                return Ok(());
            }
        }
        let rows = match &table {
            Some(_) => TraceRows::Of(cut.into()),
            None => TraceRows::Untold,
        };
        let wanted = Wanted {
            trace_ids: None,
            filter: Filter::True,
            columns: Arc::from([
                Column::StartTimeUnixNano,
                Column::StatusCode,
                Column::ServiceName,
            ]),
            attributes: AttributeProjection::All,
            erased: self.erased.clone(),
        };
        let (blocks, reading) = (self.blocks, self.reading.clone());
        scan_block(blocks, entry, &rows, &wanted, &reading, &mut |batch| {
            Ok(self.add_rows(batch, &HashSet::new())?)
        })
    }

    /// Counts the rows of `batch` but for those that are `hidden`.
    fn add_rows(&mut self, batch: &RecordBatch, hidden: &HashSet<u32>) -> Result<(), ViewError> {
        let columns = SpanColumns::new(batch);
        let services = columns.dict(Column::ServiceName)?;
        let starts = columns.int64(Column::StartTimeUnixNano)?;
        let codes = columns.int32(Column::StatusCode)?;
        let mut by_key = vec![(0, 0); services.n_values()];
        let counts = |row: &usize| {
            self.time.contains(starts.value(*row)) && !hidden.contains(&(*row as u32))
        };
        for row in (0..columns.len()).filter(counts) {
            let (spans, errors) = &mut by_key[services.key(row)];
            *spans += 1;
            *errors += u64::from(codes.value(row) == StatusCode::ERROR.0);
        }
        for (key, (spans, errors)) in by_key.into_iter().enumerate() {
            if spans > 0 {
                self.add(services.value(key), spans, errors);
            }
        }
        Ok(())
    }

    fn add(&mut self, service: &str, spans: u64, errors: u64) {
        match self.counts.get_mut(service) {
            Some(count) => *count = (count.0 + spans, count.1 + errors),
            None => drop(self.counts.insert(service.to_owned(), (spans, errors))),
        }
    }
}
