//! What a span knows only from its whole trace: the root, the trace's duration and counts, its children, its place in the tree.
//!
//! The root is the earliest span without parent. Spans whose parent was not received hang on no tree: their
//! nested-set numbers are 0, as are those of cycles, of which the first span is taken for the top.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use arrow::array::{Array, FixedSizeBinaryArray, RecordBatch};
use columnar::{Column, SpanColumns, ViewError};
use traceql::{Field, Intrinsic, Query, Scope, Status};

use crate::condition::columns_of;
use crate::forest::Forest;
use crate::value::Value;

/// By row of some traces.
pub(crate) struct TraceContext {
    /// The trace of each row.
    trace_of: Vec<usize>,
    /// By trace.
    durations: Vec<i64>,
    /// By trace: spans, and those with status error.
    counts: Vec<(i64, i64)>,
    /// By trace: name and service of the root.
    roots: Vec<Option<(String, String)>>,
    child_counts: Vec<i64>,
    nested: Vec<NestedSet>,
    parents: Vec<Option<usize>>,
}

/// Numbers of one span in a depth-first walk of its tree.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct NestedSet {
    left: i64,
    right: i64,
    parent: i64,
}

impl TraceContext {
    /// Whether one of `fields` is what rows alone do not tell.
    pub(crate) fn is_asked_by(fields: &[&Field]) -> bool {
        fields.iter().any(|field| match field {
            Field::Attribute { scope, .. } => Scope::OF_PARENT.contains(scope),
            Field::Intrinsic(intrinsic) => columns_of(*intrinsic).is_none(),
        })
    }

    /// The context that a query asks for; `None` when rows alone answer it.
    ///
    /// `ranges` are the rows of each trace in `batch`, in any order.
    pub(crate) fn for_query(
        query: &Query,
        batch: &RecordBatch,
        ranges: &[Range<usize>],
    ) -> Result<Option<Self>, ViewError> {
        let asked = Self::is_asked_by(&query.fields());
        asked.then(|| Self::new(batch, ranges)).transpose()
    }

    pub(crate) fn new(batch: &RecordBatch, ranges: &[Range<usize>]) -> Result<Self, ViewError> {
        let columns = SpanColumns::new(batch);
        let (names, services) = (
            columns.dict(Column::Name)?,
            columns.dict(Column::ServiceName)?,
        );
        let parents = columns.ids(Column::ParentSpanId)?;
        let statuses = columns.int32(Column::StatusCode)?;
        let mut context = Self {
            trace_of: vec![0; columns.len()],
            durations: Vec::with_capacity(ranges.len()),
            counts: Vec::with_capacity(ranges.len()),
            roots: Vec::with_capacity(ranges.len()),
            child_counts: vec![0; columns.len()],
            nested: vec![NestedSet::default(); columns.len()],
            parents: vec![None; columns.len()],
        };
        for (trace, range) in ranges.iter().enumerate() {
            context.trace_of[range.clone()].fill(trace);
            let (start, end) = extent(&columns, range.clone())?;
            context.durations.push(end.saturating_sub(start));
            let is_error = |row: &usize| statuses.value(*row) == Status::Error as i32;
            let errors = range.clone().filter(is_error).count();
            context.counts.push((range.len() as i64, errors as i64));
            let root = range.clone().find(|row| parents.is_null(*row));
            context
                .roots
                .push(root.map(|row| (names.get(row).to_owned(), services.get(row).to_owned())));
            context.walk(&columns, range.clone())?;
        }
        Ok(context)
    }

    /// Numbers the trees of one trace and counts children.
    fn walk(&mut self, columns: &SpanColumns<'_>, range: Range<usize>) -> Result<(), ViewError> {
        let (ids, parents) = (
            columns.ids(Column::SpanId)?,
            columns.ids(Column::ParentSpanId)?,
        );
        // Children in the order of rows, which is that of starts.
        let first_row = first_rows(ids, range.clone());
        let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
        for row in range.clone().filter(|row| parents.is_valid(*row)) {
            if let Some(parent) = first_row.get(parents.value(row)) {
                children.entry(*parent).or_default().push(row);
                self.parents[row] = Some(*parent);
            }
        }
        let base = range.start;
        let of_trace = self.parents[range.clone()].iter();
        let forest = Forest::new(of_trace.map(|parent| parent.map(|row| row - base)));
        for row in range.clone() {
            self.parents[row] = forest.parent(row - base).map(|parent| parent + base);
        }
        for row in range.clone() {
            let parent = first_row.get(ids.value(row));
            let count = parent
                .and_then(|parent| children.get(parent))
                .map_or(0, Vec::len);
            self.child_counts[row] = count as i64;
        }
        let mut number = 0;
        for root in range.filter(|row| parents.is_null(*row)) {
            number += 1;
            self.nested[root] = NestedSet {
                left: number,
                right: 0,
                parent: -1,
            };
            // Rows under way, each with its next child.
            let mut path = vec![(root, 0)];
            while let Some((row, next)) = path.last_mut() {
                let row = *row;
                number += 1;
                match children.get(&row).and_then(|children| children.get(*next)) {
                    Some(child) => {
                        *next += 1;
                        self.nested[*child] = NestedSet {
                            left: number,
                            right: 0,
                            parent: self.nested[row].left,
                        };
                        path.push((*child, 0));
                    }
                    None => {
                        self.nested[row].right = number;
                        path.pop();
                    }
                }
            }
        }
        Ok(())
    }

    /// By row: that of the parent. No row is above itself.
    pub(crate) fn parents(&self) -> &[Option<usize>] {
        &self.parents
    }

    /// The values of a trace-level intrinsic, by row; absent for every other.
    pub(crate) fn values(&self, intrinsic: Intrinsic) -> Vec<Value<'_>> {
        let text = |text: &'_ String| Value::Text(Cow::Owned(text.clone()));
        (0..self.trace_of.len())
            .map(|row| {
                let trace = self.trace_of[row];
                let root = self.roots[trace].as_ref();
                match intrinsic {
                    Intrinsic::TraceDuration => Value::Int(self.durations[trace]),
                    Intrinsic::TraceRootName => root.map_or(Value::Absent, |(name, _)| text(name)),
                    Intrinsic::TraceRootService => {
                        root.map_or(Value::Absent, |(_, service)| text(service))
                    }
                    Intrinsic::TraceSpanCount => Value::Int(self.counts[trace].0),
                    Intrinsic::TraceErrorCount => Value::Int(self.counts[trace].1),
                    Intrinsic::TraceHasRoot => Value::Bool(root.is_some()),
                    Intrinsic::SpanChildCount => Value::Int(self.child_counts[row]),
                    Intrinsic::NestedSetLeft => Value::Int(self.nested[row].left),
                    Intrinsic::NestedSetRight => Value::Int(self.nested[row].right),
                    Intrinsic::NestedSetParent => Value::Int(self.nested[row].parent),
                    _ => Value::Absent,
                }
            })
            .collect()
    }
}

/// The row that each span id means to those that name it as their parent: a shared id gives its children to its first row.
pub(crate) fn first_rows(ids: &FixedSizeBinaryArray, range: Range<usize>) -> HashMap<&[u8], usize> {
    let rows = range.rev();
    rows.map(|row| (ids.value(row), row)).collect()
}

/// Earliest start and latest end of some rows; an end before its start counts as the start.
pub(crate) fn extent(
    columns: &SpanColumns<'_>,
    range: Range<usize>,
) -> Result<(i64, i64), ViewError> {
    let starts = columns.int64(Column::StartTimeUnixNano)?;
    let ends = columns.int64(Column::EndTimeUnixNano)?;
    let start = range.clone().map(|row| starts.value(row)).min();
    let end = range
        .map(|row| ends.value(row).max(starts.value(row)))
        .max();
    Ok((start.unwrap_or_default(), end.unwrap_or_default()))
}
