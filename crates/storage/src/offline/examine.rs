//! Whether the rows of a block are what its sections and its row groups say.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use columnar::{Column, SpanColumns};
use model::{TenantId, TraceId};

use super::tell;
use crate::block::{
    OpenBlock, Reading, TraceEntry, TraceIdFilter, TraceTable, TraceTableBuilder, group_rows,
    unreadable_columns,
};
use crate::catalog::SERVICES_MAX;
use crate::error::BlockError;
use crate::scan::SummaryRows;

/// What the rows of a block say of it.
#[derive(Debug)]
pub(super) struct Examined {
    pub(super) rows: u64,
    pub(super) oldest_unix_nano: i64,
    pub(super) newest_unix_nano: i64,
    /// Sorted; `None` when there are more than [`SERVICES_MAX`].
    pub(super) services: Option<Vec<String>>,
    /// Row groups of which every value can be read.
    pub(super) whole: Vec<usize>,
    /// What does not hold.
    pub(super) problems: Vec<String>,
}

/// Reads every row and column of `block`, which is of `tenant`.
///
/// Memory: a batch of rows, and two tables of the block's traces.
pub(super) fn examine(block: &Arc<OpenBlock>, tenant: &TenantId) -> Examined {
    let mut rows = Rows {
        block,
        tenant,
        traces: TraceTableBuilder::default(),
        services: BTreeSet::new(),
        last: None,
        bounds: (i64::MAX, i64::MIN),
        n_rows: 0,
    };
    let (mut whole, mut problems) = (Vec::new(), Vec::new());
    for group in 0..block.n_groups() {
        match rows.group(group) {
            Ok(()) => whole.push(group),
            Err(what) => problems.push(format!("row group {group}: {what}")),
        }
    }
    let (oldest_unix_nano, newest_unix_nano) = rows.bounds;
    let services = std::mem::take(&mut rows.services);
    let (n_rows, are_whole) = (rows.n_rows, problems.is_empty());
    problems.extend(rows.sections(are_whole));
    Examined {
        rows: n_rows,
        oldest_unix_nano,
        newest_unix_nano,
        services: (services.len() <= SERVICES_MAX).then(|| services.into_iter().collect()),
        whole,
        problems,
    }
}

/// The rows so far.
struct Rows<'a> {
    block: &'a Arc<OpenBlock>,
    tenant: &'a TenantId,
    traces: TraceTableBuilder,
    services: BTreeSet<String>,
    last: Option<(TraceId, i64)>,
    /// The earliest and the latest start.
    bounds: (i64, i64),
    n_rows: u64,
}

impl Rows<'_> {
    /// What does not hold of the rows of `group`, which follow those before.
    fn group(&mut self, group: usize) -> Result<(), String> {
        let mut rows = group_rows(self.block, group);
        loop {
            match rows.next() {
                Ok(Some(batch)) => self.batch(group, &batch)?,
                Ok(None) => return Ok(()),
                Err(error) => return Err(self.unreadable(group, &error)),
            }
        }
    }

    /// Where the damage is.
    fn unreadable(&self, group: usize, error: &BlockError) -> String {
        let columns = unreadable_columns(self.block, group);
        let Some((_, first)) = columns.first() else {
            return tell(error);
        };
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        format!("cannot read {}: {}", names.join(", "), tell(first))
    }

    fn batch(&mut self, group: usize, batch: &RecordBatch) -> Result<(), String> {
        let batch = self.block.layout.to_memory(batch, &Column::ALL);
        let batch = batch.map_err(|e| tell(&e))?;
        let tenants = SpanColumns::new(&batch).dict(Column::Tenant);
        let tenants = tenants.map_err(|e| tell(&e))?;
        if (0..batch.num_rows()).any(|row| tenants.get(row) != self.tenant.as_str()) {
            return Err("a row is of another tenant".to_owned());
        }
        let (oldest, newest) = self.block.time_bounds(group);
        let rows = SummaryRows::new(&batch).map_err(|e| tell(&e))?;
        for row in 0..rows.len() {
            let (span, service) = (rows.span(row), rows.service(row));
            let start = span.start_unix_nano;
            if start < oldest || start > newest {
                return Err("a span starts outside of the bounds of its row group".to_owned());
            }
            self.in_order(span.trace_id, start)?;
            self.bounds = (self.bounds.0.min(start), self.bounds.1.max(start));
            if self.services.len() <= SERVICES_MAX && !self.services.contains(service) {
                self.services.insert(service.to_owned());
            }
            let service = self.traces.service(service);
            self.traces.push(service, &span);
        }
        self.n_rows += rows.len() as u64;
        Ok(())
    }

    /// Whether the next row may be of trace `id` and start at `start`. Where traces stand is for the table to say.
    fn in_order(&mut self, id: TraceId, start: i64) -> Result<(), String> {
        let is_plain = self.block.layout.is_plain();
        let is_ordered = self.last.is_none_or(|(last_id, last_start)| {
            (last_id == id && last_start <= start) || (last_id != id && (!is_plain || last_id < id))
        });
        self.last = Some((id, start));
        match is_ordered {
            true => Ok(()),
            false => Err(format!("a span of trace {id} is not in its order")),
        }
    }

    /// What does not hold of table and filter of traces. They are compared with the rows when those `are_whole`.
    fn sections(self, are_whole: bool) -> Vec<String> {
        let reading = Reading::unlimited();
        let mut problems = Vec::new();
        let mut keep = |what: String| problems.push(what);
        let table = self.block.trace_table(&reading);
        let filter = self.block.trace_filter(&reading);
        let table = table.map_err(|e| keep(format!("table of traces: {}", tell(&e))));
        let filter = filter.map_err(|e| keep(format!("filter of trace ids: {}", tell(&e))));
        if !are_whole {
            return problems;
        }
        let sections = match self.traces.finish() {
            Ok(sections) => sections,
            Err(error) => {
                problems.push(tell(&error));
                return problems;
            }
        };
        if let (Ok(Some(filter)), Ok(of_rows)) = (filter, TraceIdFilter::decode(&sections.filter))
            && filter != of_rows
        {
            problems.push("the filter of trace ids is of other traces".to_owned());
        }
        if let (Ok(Some(table)), Ok(of_rows)) = (table, TraceTable::decode(&sections.table)) {
            problems.extend(difference(&table, &of_rows));
        }
        problems
    }
}

/// What a table of traces says otherwise than the rows do.
fn difference(table: &TraceTable, of_rows: &TraceTable) -> Option<String> {
    if table.len() != of_rows.len() {
        let (has, rows) = (table.len(), of_rows.len());
        return Some(format!(
            "the table of traces has {has} traces, the rows {rows}"
        ));
    }
    let pairs = table.iter().zip(of_rows.iter());
    let mut differing = pairs.filter_map(|(its, row)| Some((its, different(&its, &row)?)));
    let (entry, what) = differing.next()?;
    let id = entry.id();
    Some(format!(
        "the table of traces has other {what} of trace {id} than the rows"
    ))
}

fn different(a: &TraceEntry<'_>, b: &TraceEntry<'_>) -> Option<&'static str> {
    let times = |e: &TraceEntry<'_>| {
        let starts = (e.start_unix_nano(), e.newest_start_unix_nano());
        (starts, e.end_unix_nano())
    };
    let services = |e: &TraceEntry<'_>| {
        let services = e
            .services()
            .map(|(name, n, errors)| (name.to_owned(), n, errors));
        services.collect::<BTreeSet<_>>()
    };
    let checks = [
        (a.id() != b.id(), "ids"),
        (a.rows() != b.rows(), "rows"),
        (times(a) != times(b), "times"),
        (a.title() != b.title(), "names"),
        (a.has_twins() != b.has_twins(), "twins"),
        (a.is_root_missing() != b.is_root_missing(), "roots"),
        (services(a) != services(b), "services"),
    ];
    let found = checks.into_iter().find(|(differs, _)| *differs);
    found.map(|(_, what)| what)
}
