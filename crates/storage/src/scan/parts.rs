//! Summing up traces from their rows, and from tables of blocks.

use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher;

use arrow::array::{Array, FixedSizeBinaryArray, Int32Array, Int64Array, RecordBatch};
use columnar::{Column, DictColumn, SpanColumns, ViewError};
use foldhash::fast::RandomState;
use model::{StatusCode, TraceId};
use store_api::{ServiceCount, TraceSummary};

use crate::block::{TitleRank, TraceEntry, TraceSpan};

/// The columns of [`SummaryRows`], in schema order.
pub(crate) const SUMMARY_COLUMNS: [Column; 9] = [
    Column::TraceId,
    Column::SpanId,
    Column::ParentSpanId,
    Column::StartTimeUnixNano,
    Column::EndTimeUnixNano,
    Column::Name,
    Column::Kind,
    Column::StatusCode,
    Column::ServiceName,
];

/// Rows as a summary looks at them.
pub(crate) struct SummaryRows<'a> {
    trace_ids: &'a FixedSizeBinaryArray,
    span_ids: &'a FixedSizeBinaryArray,
    parents: &'a FixedSizeBinaryArray,
    starts: &'a Int64Array,
    ends: &'a Int64Array,
    kinds: &'a Int32Array,
    status_codes: &'a Int32Array,
    names: DictColumn<'a>,
    services: DictColumn<'a>,
}

impl<'a> SummaryRows<'a> {
    /// Errors: when `batch` lacks one of [`SUMMARY_COLUMNS`].
    pub(crate) fn new(batch: &'a RecordBatch) -> Result<Self, ViewError> {
        let columns = SpanColumns::new(batch);
        Ok(Self {
            trace_ids: columns.ids(Column::TraceId)?,
            span_ids: columns.ids(Column::SpanId)?,
            parents: columns.ids(Column::ParentSpanId)?,
            starts: columns.int64(Column::StartTimeUnixNano)?,
            ends: columns.int64(Column::EndTimeUnixNano)?,
            kinds: columns.int32(Column::Kind)?,
            status_codes: columns.int32(Column::StatusCode)?,
            names: columns.dict(Column::Name)?,
            services: columns.dict(Column::ServiceName)?,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.trace_ids.len()
    }

    pub(crate) fn trace_id(&self, row: usize) -> TraceId {
        TraceId(self.trace_ids.value(row).try_into().unwrap_or_default())
    }

    pub(crate) fn start(&self, row: usize) -> i64 {
        self.starts.value(row)
    }

    /// The span of `row`, but for its service.
    pub(crate) fn span(&self, row: usize) -> TraceSpan<'a> {
        TraceSpan {
            trace_id: self.trace_id(row),
            start_unix_nano: self.starts.value(row),
            end_unix_nano: self.ends.value(row),
            is_error: self.status_codes.value(row) == StatusCode::ERROR.0,
            is_root: self.parents.is_null(row),
            span_id: self.span_ids.value(row).try_into().unwrap_or_default(),
            kind: self.kinds.value(row),
            name: self.names.get(row),
        }
    }

    pub(crate) fn service(&self, row: usize) -> &'a str {
        self.services.get(row)
    }
}

/// A trace under way of being summed up.
#[derive(Debug, Default)]
pub(super) struct Sum {
    title: Option<(TitleRank, String, String)>,
    start_unix_nano: i64,
    newest_start_unix_nano: i64,
    end_unix_nano: i64,
    services: BTreeMap<String, (u64, u64)>,
    /// What its spans are known by: span id, kind, hash of the service.
    keys: HashSet<([u8; 8], i32, u64), RandomState>,
    has_twins: bool,
}

impl Sum {
    /// Adds a row.
    pub(super) fn add(&mut self, rows: &SummaryRows<'_>, row: usize, hasher: &RandomState) {
        let (span, service) = (rows.span(row), rows.service(row));
        let rank = TitleRank::of(&span);
        let end = span.end_unix_nano.max(span.start_unix_nano);
        if self.title.is_none() {
            self.start_unix_nano = span.start_unix_nano;
            self.newest_start_unix_nano = span.start_unix_nano;
            self.end_unix_nano = end;
        }
        self.start_unix_nano = self.start_unix_nano.min(span.start_unix_nano);
        self.newest_start_unix_nano = self.newest_start_unix_nano.max(span.start_unix_nano);
        self.end_unix_nano = self.end_unix_nano.max(end);
        let title = self.title.as_ref();
        if title.is_none_or(|(before, its, _)| (rank, service) < (*before, its)) {
            self.title = Some((rank, service.to_owned(), span.name.to_owned()));
        }
        // Equal hashes of two services make twins of spans that are none: the summary is then taken for inexact, no more.
        let key = (span.span_id, span.kind, hasher.hash_one(service));
        self.has_twins |= !self.keys.insert(key);
        if !self.services.contains_key(service) {
            self.services.insert(service.to_owned(), (0, 0));
        }
        if let Some((spans, errors)) = self.services.get_mut(service) {
            *spans += 1;
            *errors += u64::from(span.is_error);
        }
    }

    /// The summary, or `None` when no row was added.
    pub(super) fn finish(self, trace_id: TraceId) -> Option<TraceSummary> {
        let (rank, root_service, root_name) = self.title?;
        let services = self.services.into_iter();
        let services: Vec<ServiceCount> = services.map(count).collect();
        Some(TraceSummary {
            trace_id,
            is_exact: !self.has_twins,
            start_unix_nano: self.start_unix_nano,
            newest_start_unix_nano: self.newest_start_unix_nano,
            end_unix_nano: self.end_unix_nano,
            root_service,
            root_name,
            is_root_missing: rank.is_root_missing(),
            span_count: services.iter().map(|s| s.span_count).sum(),
            error_count: services.iter().map(|s| s.error_count).sum(),
            services,
        })
    }
}

/// The summary of a trace that lies in one block alone.
pub(super) fn of_entry(entry: &TraceEntry<'_>) -> TraceSummary {
    let services = entry.services();
    let services = services.map(|(name, spans, errors)| count((name.to_owned(), (spans, errors))));
    let mut services: Vec<ServiceCount> = services.collect();
    services.sort_unstable();
    let (root_service, root_name) = entry.title();
    TraceSummary {
        trace_id: entry.id(),
        is_exact: !entry.has_twins(),
        start_unix_nano: entry.start_unix_nano(),
        newest_start_unix_nano: entry.newest_start_unix_nano(),
        end_unix_nano: entry.end_unix_nano(),
        root_service: root_service.to_owned(),
        root_name: root_name.to_owned(),
        is_root_missing: entry.is_root_missing(),
        span_count: services.iter().map(|s| s.span_count).sum(),
        error_count: services.iter().map(|s| s.error_count).sum(),
        services,
    }
}

pub(super) fn count((name, (span_count, error_count)): (String, (u64, u64))) -> ServiceCount {
    ServiceCount {
        name,
        span_count,
        error_count,
    }
}
