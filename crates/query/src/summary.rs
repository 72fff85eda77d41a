//! A found trace in a few lines.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::Array;
use columnar::{Column, SpanColumns, ViewError};
use model::{SpanId, SpanKind, StatusCode, TraceId};

use crate::context::extent;
use crate::found::{FoundAttribute, Shown};
use crate::group::Label;
use crate::spansets::RowSet;
use crate::traces::trace_id;

/// A trace of a result list.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSummary {
    /// The trace.
    pub trace_id: TraceId,
    /// Service of the root; of the earliest entry span while the root is missing.
    pub root_service: String,
    /// Name of the root; of the earliest entry span while the root is missing.
    pub root_name: String,
    /// Whether no span without parent was received.
    pub root_missing: bool,
    /// Of the earliest span.
    pub start_unix_nano: i64,
    /// From the earliest start to the latest end.
    pub duration_nano: i64,
    /// Spans, each once.
    pub span_count: u64,
    /// Of them, with status error.
    pub error_count: u64,
    /// By name.
    pub services: Vec<ServiceCount>,
    /// The spans that match, in the groups that the query makes: one, unless it says otherwise.
    pub spansets: Vec<FoundSpanset>,
}

/// Spans of a trace that match together.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundSpanset {
    /// What the query groups by, and what it counts of the group.
    pub labels: Vec<Label>,
    /// How many there are.
    pub matched: u64,
    /// Some of them, the earliest first.
    pub spans: Vec<MatchedSpan>,
}

/// A service's part of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceCount {
    /// `service.name`, or empty.
    pub name: String,
    /// Its spans.
    pub span_count: u64,
    /// Of them, with status error.
    pub error_count: u64,
}

/// A span that matches.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchedSpan {
    /// The span.
    pub span_id: SpanId,
    /// The operation.
    pub name: String,
    /// `service.name`, or empty.
    pub service: String,
    /// The kind.
    pub kind: SpanKind,
    /// The status.
    pub status: StatusCode,
    /// When it started.
    pub start_unix_nano: i64,
    /// How long it took; 0 when it ended before it started.
    pub duration_nano: i64,
    /// The attributes that the query names.
    pub attributes: Vec<FoundAttribute>,
}

impl TraceSummary {
    /// What the source knows of a trace, with none of its spans yet.
    pub(crate) fn of_source(trace: store_api::TraceSummary) -> Self {
        let service = |count: store_api::ServiceCount| ServiceCount {
            name: count.name,
            span_count: count.span_count,
            error_count: count.error_count,
        };
        Self {
            trace_id: trace.trace_id,
            root_service: trace.root_service,
            root_name: trace.root_name,
            root_missing: trace.is_root_missing,
            start_unix_nano: trace.start_unix_nano,
            duration_nano: trace.end_unix_nano.saturating_sub(trace.start_unix_nano),
            span_count: trace.span_count,
            error_count: trace.error_count,
            services: trace.services.into_iter().map(service).collect(),
            spansets: Vec::new(),
        }
    }

    /// How many spans match.
    pub fn matched(&self) -> u64 {
        self.spansets.iter().map(|set| set.matched).sum()
    }

    /// Those of them that are shown, set by set.
    pub fn spans(&self) -> impl Iterator<Item = &MatchedSpan> {
        self.spansets.iter().flat_map(|set| &set.spans)
    }

    /// Adds a set of rows that match; shows `spans_max` of them.
    ///
    /// Errors: `View`, when the rows lack one of [`SUMMARY_COLUMNS`] or what [`Shown`] was made for.
    pub(crate) fn add_matched(
        &mut self,
        columns: &SpanColumns<'_>,
        set: RowSet,
        spans_max: usize,
        shown: &Shown<'_>,
    ) -> Result<(), ViewError> {
        let spans = set.rows.iter().take(spans_max);
        let spans = spans.map(|row| matched_span(columns, *row, shown));
        self.spansets.push(FoundSpanset {
            labels: set.labels,
            matched: set.rows.len() as u64,
            spans: spans.collect::<Result<_, _>>()?,
        });
        Ok(())
    }
}

/// The columns that [`summarise`] takes, beside those of the query's fields.
pub(crate) const SUMMARY_COLUMNS: [Column; 10] = [
    Column::TraceId,
    Column::SpanId,
    Column::ParentSpanId,
    Column::StartTimeUnixNano,
    Column::EndTimeUnixNano,
    Column::DurationNano,
    Column::Name,
    Column::Kind,
    Column::StatusCode,
    Column::ServiceName,
];

/// Sums up the trace of the rows `range`, with none of its spans yet.
pub(crate) fn summarise(
    columns: &SpanColumns<'_>,
    range: Range<usize>,
) -> Result<TraceSummary, ViewError> {
    let (names, services) = (
        columns.dict(Column::Name)?,
        columns.dict(Column::ServiceName)?,
    );
    let codes = columns.int32(Column::StatusCode)?;
    let is_error = |row: usize| codes.value(row) == StatusCode::ERROR.0;
    let mut by_service: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for row in range.clone() {
        let (spans, errors) = by_service.entry(services.get(row)).or_default();
        *spans += 1;
        *errors += u64::from(is_error(row));
    }
    let (start, end) = extent(columns, range.clone())?;
    let (title, root_missing) = title_row(columns, range.clone())?;
    Ok(TraceSummary {
        trace_id: trace_id(columns.ids(Column::TraceId)?, range.start),
        root_service: services.get(title).to_owned(),
        root_name: names.get(title).to_owned(),
        root_missing,
        start_unix_nano: start,
        duration_nano: end.saturating_sub(start),
        span_count: range.len() as u64,
        error_count: range.filter(|row| is_error(*row)).count() as u64,
        services: by_service
            .into_iter()
            .map(|(name, (span_count, error_count))| ServiceCount {
                name: name.to_owned(),
                span_count,
                error_count,
            })
            .collect(),
        spansets: Vec::new(),
    })
}

/// The row that names the trace, and whether it only stands in for a missing root. Rows are ordered by start.
fn title_row(columns: &SpanColumns<'_>, range: Range<usize>) -> Result<(usize, bool), ViewError> {
    let parents = columns.ids(Column::ParentSpanId)?;
    let kinds = columns.int32(Column::Kind)?;
    if let Some(root) = range.clone().find(|row| parents.is_null(*row)) {
        return Ok((root, false));
    }
    let is_entry =
        |row: &usize| [SpanKind::SERVER, SpanKind::CONSUMER].contains(&SpanKind(kinds.value(*row)));
    let entry = range.clone().find(is_entry);
    Ok((entry.unwrap_or(range.start), true))
}

fn matched_span(
    columns: &SpanColumns<'_>,
    row: usize,
    shown: &Shown<'_>,
) -> Result<MatchedSpan, ViewError> {
    let mut span_id = SpanId([0; 8]);
    let bytes = columns.ids(Column::SpanId)?.value(row);
    if bytes.len() == span_id.0.len() {
        span_id.0.copy_from_slice(bytes);
    }
    Ok(MatchedSpan {
        span_id,
        name: columns.dict(Column::Name)?.get(row).to_owned(),
        service: columns.dict(Column::ServiceName)?.get(row).to_owned(),
        kind: SpanKind(columns.int32(Column::Kind)?.value(row)),
        status: StatusCode(columns.int32(Column::StatusCode)?.value(row)),
        start_unix_nano: columns.int64(Column::StartTimeUnixNano)?.value(row),
        duration_nano: columns.int64(Column::DurationNano)?.value(row),
        attributes: shown.attributes(columns, row)?,
    })
}
