//! The calls of traces by their path, and in what two traces differ by it.
//!
//! A *call path* is the service and name of a span behind those of its ancestors. Spans of one path count together, in one trace and across traces: what a
//! loop repeats is one call with many spans.
//!
//! Every nanosecond of a trace's critical path is one call's or a gap's. So the differences of all calls and of the gaps sum to the difference of the
//! durations: whatever made one trace slower than the other is named, and named once.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use columnar::{Column, DictColumn, SpanColumns, ViewError};
use model::StatusCode;

use crate::shape::TraceShape;
use crate::traces::Trace;

/// The calls of `N` traces.
#[derive(Debug, Clone)]
pub struct Calls<const N: usize> {
    /// Of each trace, from its earliest start to its latest end.
    pub duration_nano: [i64; N],
    /// Of each trace, what of its critical path is no span's.
    pub gap_nano: [i64; N],
    /// Each after the call that it is made in.
    pub calls: Vec<Call<N>>,
    texts: Vec<Arc<str>>,
    known: Known,
}

/// Spans of one call path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call<const N: usize> {
    /// The call that it is made in; `None` for one that no span makes.
    pub parent: Option<usize>,
    /// What it is in each trace.
    pub figures: [CallFigures; N],
    service: usize,
    name: usize,
}

/// What a call is in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallFigures {
    /// How often it is made.
    pub spans: u64,
    /// How often it fails.
    pub errors: u64,
    /// What of the critical path is its own.
    pub critical_nano: i64,
    /// During which none of what it calls was running.
    pub self_nano: i64,
}

impl<const N: usize> Default for Calls<N> {
    fn default() -> Self {
        Self {
            duration_nano: [0; N],
            gap_nano: [0; N],
            calls: Vec::new(),
            texts: Vec::new(),
            known: Known::default(),
        }
    }
}

impl<const N: usize> Calls<N> {
    /// Adds the spans of a trace, the `number`th of `N`; once each.
    ///
    /// Errors: `ViewError` when the batch is not of the whole schema.
    /// Cost:   O(spans) time; some 150 bytes of memory a call, which is all that is kept of the trace.
    pub fn add(
        &mut self,
        number: usize,
        trace: &Trace,
        shape: &TraceShape,
    ) -> Result<(), ViewError> {
        self.duration_nano[number] = shape.duration_nano();
        self.gap_nano[number] = shape.gap_nano;
        let columns = SpanColumns::new(&trace.batch);
        let (services, names) = (
            columns.dict(Column::ServiceName)?,
            columns.dict(Column::Name)?,
        );
        let statuses = columns.int32(Column::StatusCode)?;
        let mut of_row: Vec<usize> = vec![usize::MAX; columns.len()];
        let mut text =
            |column: &DictColumn<'_>, row| self.known.text(column.get(row), &mut self.texts);
        let mut keys = Vec::with_capacity(columns.len());
        for row in 0..columns.len() {
            keys.push((text(&services, row), text(&names, row)));
        }
        // Parents come before their children.
        for row in shape.order.iter().copied() {
            let parent = shape.forest.parent(row).map(|parent| of_row[parent]);
            let (service, name) = keys[row];
            let next = self.calls.len();
            let call = *self
                .known
                .calls
                .entry((parent, service, name))
                .or_insert(next);
            if call == next {
                self.calls.push(Call {
                    parent,
                    figures: [CallFigures::default(); N],
                    service,
                    name,
                });
            }
            of_row[row] = call;
            let figures = &mut self.calls[call].figures[number];
            figures.spans += 1;
            figures.errors += u64::from(statuses.value(row) == StatusCode::ERROR.0);
            let (critical, own) = (shape.critical_nano[row], shape.self_nano[row]);
            figures.critical_nano = figures.critical_nano.saturating_add(critical);
            figures.self_nano = figures.self_nano.saturating_add(own);
        }
        Ok(())
    }

    /// The service of a call; empty for spans without one.
    pub fn service(&self, call: usize) -> &str {
        &self.texts[self.calls[call].service]
    }

    /// The name of its spans.
    pub fn name(&self, call: usize) -> &str {
        &self.texts[self.calls[call].name]
    }

    /// The call, then those that it is made in, up to the top.
    pub fn path(&self, call: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(call), |call| self.calls[*call].parent)
    }
}

impl Calls<1> {
    /// The calls that have a part of the critical path, those with the largest first.
    pub fn on_critical_path(&self) -> Vec<usize> {
        let critical = |call: &usize| self.calls[*call].figures[0].critical_nano;
        let mut found: Vec<usize> = (0..self.calls.len()).collect();
        found.retain(|call| critical(call) > 0);
        found.sort_by_key(|call| Reverse(critical(call)));
        found
    }
}

impl Calls<2> {
    /// By how much the second trace has more of its critical path in a call than the first.
    pub fn difference_nano(&self, call: usize) -> i64 {
        let [a, b] = &self.calls[call].figures;
        b.critical_nano.saturating_sub(a.critical_nano)
    }

    /// The calls whose parts of the critical path differ, those that differ most first.
    pub fn by_difference(&self) -> Vec<usize> {
        let mut found: Vec<usize> = (0..self.calls.len()).collect();
        found.retain(|call| self.difference_nano(*call) != 0);
        found.sort_by_key(|call| Reverse(self.difference_nano(*call).unsigned_abs()));
        found
    }

    /// The calls that both traces make, but not equally often, those that differ most first.
    pub fn repeats(&self) -> Vec<usize> {
        let times = |call: &usize| self.calls[*call].figures.map(|of| of.spans);
        let mut found: Vec<usize> = (0..self.calls.len()).collect();
        found.retain(|call| {
            let [a, b] = times(call);
            a != b && a > 0 && b > 0
        });
        found.sort_by_key(|call| {
            let [a, b] = times(call);
            Reverse(a.abs_diff(b))
        });
        found
    }

    /// The calls that only one of the traces makes, each with the spans of what is called in it; not those that are made in others of these.
    /// Those of most spans first.
    pub fn only_in(&self, number: usize) -> Vec<(usize, u64)> {
        let is_alone = |call: usize| {
            let figures = &self.calls[call].figures;
            figures[number].spans > 0 && figures[1 - number].spans == 0
        };
        let mut spans: Vec<u64> = self
            .calls
            .iter()
            .map(|call| call.figures[number].spans)
            .collect();
        let mut found = Vec::new();
        // What is called comes after what calls it.
        for call in (0..self.calls.len()).rev().filter(|call| is_alone(*call)) {
            match self.calls[call].parent.filter(|parent| is_alone(*parent)) {
                Some(parent) => spans[parent] += spans[call],
                None => found.push((call, spans[call])),
            }
        }
        found.reverse();
        found.sort_by_key(|(_, spans)| Reverse(*spans));
        found
    }
}

/// What has a number already.
#[derive(Debug, Clone, Default)]
struct Known {
    texts: HashMap<Arc<str>, usize>,
    calls: HashMap<(Option<usize>, usize, usize), usize>,
}

impl Known {
    fn text(&mut self, text: &str, texts: &mut Vec<Arc<str>>) -> usize {
        if let Some(number) = self.texts.get(text) {
            return *number;
        }
        let text: Arc<str> = text.into();
        self.texts.insert(text.clone(), texts.len());
        texts.push(text);
        texts.len() - 1
    }
}

#[cfg(test)]
mod tests;
