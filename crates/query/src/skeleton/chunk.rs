//! Chunks of a skeleton: rows as columns, with what is said of the trace.

use std::ops::Range;

use columnar::{Column as Of, SpanColumns, ViewError};
use model::{SpanKind, StatusCode, TraceId};
use serde::Serialize;
use wire::skeleton::{Chunk, ChunkKind, Column};

use crate::skeleton::Skeleton;
use crate::skeleton::arrange::{Fold, Row, parent_row, row_of};
use crate::skeleton::flags;
use crate::skeleton::order::{Parent, id_of};
use crate::skeleton::texts::{self, Texts};

/// In place of the row of a parent: there is none among the rows.
const NO_ROW: u32 = u32::MAX;

/// In place of the row of a parent: it was not received; `missing.id` has its id.
const MISSING: u32 = u32::MAX - 1;

/// Events of one chunk at most.
const EVENTS_MAX: usize = 1_000_000;

/// What is said of a trace, and of a chunk of its skeleton.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SkeletonFacts {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// Names the order of the spans: places mean the same spans in all answers that share it.
    pub order: String,
    /// The earliest start, nanoseconds since the Unix epoch; times are counted from it.
    pub start_unix_nano: String,
    /// From the earliest start to the latest end.
    pub duration_nano: i64,
    /// Spans of the trace, each once.
    pub spans: u64,
    /// Of them, those with status error.
    pub errors: u64,
    /// Events of the trace.
    pub events: u64,
    /// Spans one below the other, at most.
    pub depth: u64,
    /// The first place that the chunk is about.
    pub from: u64,
    /// Places that it is about.
    pub count: u64,
    /// Its rows.
    pub rows: u64,
    /// Events of its rows that were left out, since there are too many.
    pub events_left_out: u64,
    /// One root, every parent received, and nothing left unread.
    pub complete: bool,
    /// Why spans may be missing, or null.
    pub partial: Option<String>,
    /// Spans without parent.
    pub roots: u64,
    /// Parents that spans name and that were not received.
    pub missing_parents: u64,
    /// Circles of parents, each of which was cut.
    pub circles: u64,
    /// Spans that share id, kind and service with others of other contents.
    pub conflicting_spans: u64,
    /// Rows of the store that were left out because another says the same.
    pub duplicates: u64,
    /// When the last of the spans was received, nanoseconds since the Unix epoch.
    pub received_unix_nano: String,
}

/// Figures of the members of a fold.
#[derive(Default)]
struct Folds {
    row: Vec<u32>,
    kind: Vec<u8>,
    from: Vec<u32>,
    spans: Vec<u32>,
    members: Vec<u32>,
    errors: Vec<u32>,
    own: Vec<f64>,
    total: Vec<f64>,
    least: Vec<f64>,
    median: Vec<f64>,
    most: Vec<f64>,
}

impl Skeleton {
    /// The columns of `rows`, which show `places`.
    pub(super) fn chunk(
        &self,
        kind: ChunkKind,
        places: Range<usize>,
        rows: &[Row],
    ) -> Result<Chunk<SkeletonFacts>, ViewError> {
        let mut columns = self.spans(&places, rows)?;
        columns.extend(self.folds(rows)?);
        columns.extend(self.path(&places, rows));
        let left_out = self.events(rows, &mut columns)?;
        let facts = self.facts_of(&places, rows.len(), left_out)?;
        Ok(Chunk {
            kind,
            facts,
            columns,
        })
    }

    fn facts_of(
        &self,
        places: &Range<usize>,
        n_rows: usize,
        events_left_out: usize,
    ) -> Result<SkeletonFacts, ViewError> {
        let columns = SpanColumns::new(&self.trace.batch);
        let n = columns.len();
        let ids = columns.ids(Of::TraceId)?;
        let trace_id = (n > 0).then(|| ids.value(0).try_into().ok().map(TraceId));
        let events = columns.events()?;
        let is_error = |flags: &&u16| **flags & flags::ERROR != 0;
        let is_cut = |parent: &&Parent| **parent == Parent::Cut;
        let received = columns.int64(Of::ReceivedUnixNano)?.values().iter().max();
        Ok(SkeletonFacts {
            trace_id: trace_id
                .flatten()
                .map_or_else(String::new, |id| id.to_string()),
            order: self.order.name.clone(),
            start_unix_nano: self.facts.start_unix_nano.to_string(),
            duration_nano: self.facts.duration_nano,
            spans: n as u64,
            errors: self.flags.iter().filter(is_error).count() as u64,
            events: (0..n).map(|row| events.slots(row).len() as u64).sum(),
            depth: self.order.depth as u64,
            from: places.start as u64,
            count: places.len() as u64,
            rows: n_rows as u64,
            events_left_out: events_left_out as u64,
            complete: self.facts.is_complete() && self.trace.partial.is_none(),
            partial: self.trace.partial.as_ref().map(ToString::to_string),
            roots: self.facts.roots,
            missing_parents: self.facts.missing_parents,
            circles: self.order.parents.iter().filter(is_cut).count() as u64,
            conflicting_spans: self.facts.conflicting_spans,
            duplicates: self.trace.n_duplicates as u64,
            received_unix_nano: received.copied().unwrap_or_default().to_string(),
        })
    }

    /// What every row has.
    fn spans(&self, places: &Range<usize>, rows: &[Row]) -> Result<Vec<Column>, ViewError> {
        let columns = SpanColumns::new(&self.trace.batch);
        let (ids, named) = (columns.ids(Of::SpanId)?, columns.ids(Of::ParentSpanId)?);
        let kinds = columns.int32(Of::Kind)?.values();
        let statuses = columns.int32(Of::StatusCode)?.values();
        let mut services = Texts::of(columns.dict(Of::ServiceName)?);
        let mut names = Texts::of(columns.dict(Of::Name)?);
        let mut resources = Texts::of(columns.dict(Of::Resource)?);
        let at = |row: &Row| self.order.rows[row.place];
        let numbers = |texts: &mut Texts<'_>| -> Vec<u32> {
            rows.iter().map(|row| texts.number(at(row))).collect()
        };
        let (service, name, resource) = (
            numbers(&mut services),
            numbers(&mut names),
            numbers(&mut resources),
        );
        let (mut start, mut duration) = (Vec::new(), Vec::new());
        let (mut parent, mut missing_row, mut missing_id) = (Vec::new(), Vec::new(), Vec::new());
        for (number, row) in rows.iter().enumerate() {
            let (from, to) = self.extent(row);
            start.push(self.offset(from));
            duration.push(to.saturating_sub(from) as f64);
            let above = parent_row(&self.order, rows, places, row.place);
            parent.push(match (self.order.parents[row.place], above) {
                (Parent::Missing, _) => MISSING,
                (_, Some(above)) => above as u32,
                (_, None) => NO_ROW,
            });
            if self.order.parents[row.place] == Parent::Missing {
                missing_row.push(number as u32);
                missing_id.push(id_of(named.value(at(row))));
            }
        }
        let covered = |row: &Row| match row.is_span() {
            true => self.covered[at(row)] as f64,
            false => 0.0,
        };
        let kind = |row: &Row| known(kinds[at(row)], SpanKind::CONSUMER.0);
        let flag = |row: &Row| self.flags_of(row);
        let status = |row: &Row| match self.flags_of(row) & flags::ERROR {
            0 => known(statuses[at(row)], StatusCode::ERROR.0),
            _ => StatusCode::ERROR.0 as u8,
        };
        let each = || rows.iter();
        let mut all = vec![
            Column::new("start", start),
            Column::new("duration", duration),
            Column::new("covered", each().map(covered).collect::<Vec<f64>>()),
            Column::new(
                "spanId",
                each()
                    .map(|row| id_of(ids.value(at(row))))
                    .collect::<Vec<u64>>(),
            ),
            Column::new("parent", parent),
            Column::of_places("service", service, services.len()),
            Column::of_places("name", name, names.len()),
            Column::of_places("resource", resource, resources.len()),
            Column::new("kind", each().map(kind).collect::<Vec<u8>>()),
            Column::new("status", each().map(status).collect::<Vec<u8>>()),
            Column::new("flags", each().map(flag).collect::<Vec<u16>>()),
        ];
        if rows.len() != places.len() {
            let place: Vec<u32> = each().map(|row| row.place as u32).collect();
            all.push(Column::new("place", place));
        }
        all.push(Column::new("missing.row", missing_row));
        all.push(Column::new("missing.id", missing_id));
        all.extend(services.columns("services.bytes", "services.ends", texts::name));
        all.extend(names.columns("names.bytes", "names.ends", texts::name));
        all.extend(resources.columns("resources.bytes", "resources.ends", texts::resource));
        Ok(all)
    }

    /// What is folded.
    fn folds(&self, rows: &[Row]) -> Result<Vec<Column>, ViewError> {
        let mut folds = Folds::default();
        for (number, row) in rows.iter().enumerate() {
            let Some(Fold { kind, places }) = &row.fold else {
                continue;
            };
            let errors = self.flags[places.clone()].iter();
            let own = places.clone().map(|place| self.own(place) as f64);
            let mut durations: Vec<i64> = self
                .members(places)
                .map(|place| self.duration(place))
                .collect();
            durations.sort_unstable();
            folds.row.push(number as u32);
            folds.kind.push(*kind as u8);
            folds.from.push(places.start as u32);
            folds.spans.push(places.len() as u32);
            folds.members.push(durations.len() as u32);
            folds
                .errors
                .push(errors.filter(|flags| **flags & flags::ERROR != 0).count() as u32);
            folds.own.push(own.sum());
            folds.total.push(durations.iter().map(|d| *d as f64).sum());
            let at = |place: usize| durations.get(place).copied().unwrap_or_default() as f64;
            folds.least.push(at(0));
            folds.median.push(at(durations.len() / 2));
            folds.most.push(at(durations.len() - 1));
        }
        Ok(vec![
            Column::new("fold.row", folds.row),
            Column::new("fold.kind", folds.kind),
            Column::new("fold.from", folds.from),
            Column::new("fold.count", folds.spans),
            Column::new("fold.members", folds.members),
            Column::new("fold.errors", folds.errors),
            Column::new("fold.self", folds.own),
            Column::new("fold.total", folds.total),
            Column::new("fold.least", folds.least),
            Column::new("fold.median", folds.median),
            Column::new("fold.most", folds.most),
        ])
    }

    /// The parts of the critical path that lie in `places`; and its gaps, when these are all.
    fn path(&self, places: &Range<usize>, rows: &[Row]) -> Vec<Column> {
        let mut place_of = vec![0; self.order.len()];
        for (place, row) in self.order.rows.iter().enumerate() {
            place_of[*row] = place;
        }
        let is_whole = places.len() == self.order.len();
        let mut parts: Vec<(u32, i64, i64)> = Vec::new();
        for part in &self.path {
            let row = match part.span {
                None if is_whole => NO_ROW,
                None => continue,
                Some(span) => match row_of(rows, places, place_of[span]) {
                    Some(row) => row as u32,
                    None => continue,
                },
            };
            match parts.last_mut() {
                Some((last, _, to)) if *last == row && *to == part.start_nano => {
                    *to = part.end_nano;
                }
                _ => parts.push((row, part.start_nano, part.end_nano)),
            }
        }
        let offsets = |at: fn(&(u32, i64, i64)) -> i64| -> Vec<f64> {
            parts.iter().map(|part| self.offset(at(part))).collect()
        };
        let row: Vec<u32> = parts.iter().map(|part| part.0).collect();
        vec![
            Column::new("path.row", row),
            Column::new("path.start", offsets(|part| part.1)),
            Column::new("path.end", offsets(|part| part.2)),
        ]
    }

    /// The events of those rows that are spans; returns how many are left out.
    fn events(&self, rows: &[Row], columns: &mut Vec<Column>) -> Result<usize, ViewError> {
        let events = SpanColumns::new(&self.trace.batch).events()?;
        let mut names = Texts::of(events.names);
        let (mut of_row, mut time, mut name) = (Vec::new(), Vec::new(), Vec::new());
        let mut left_out = 0;
        for (number, row) in rows.iter().enumerate().filter(|(_, row)| row.is_span()) {
            for slot in events.slots(self.order.rows[row.place]) {
                if of_row.len() == EVENTS_MAX {
                    left_out += 1;
                    continue;
                }
                of_row.push(number as u32);
                time.push(self.offset(events.times.value(slot)));
                name.push(names.number(slot));
            }
        }
        columns.push(Column::new("event.row", of_row));
        columns.push(Column::new("event.time", time));
        columns.push(Column::of_places("event.name", name, names.len()));
        columns.extend(names.columns("eventNames.bytes", "eventNames.ends", texts::name));
        Ok(left_out)
    }

    /// Siblings in `places`, the first of which is there too.
    fn members(&self, places: &Range<usize>) -> impl Iterator<Item = usize> {
        let end = places.end;
        let first = Some(places.start).filter(|place| *place < end);
        std::iter::successors(first, move |place| {
            Some(self.order.after(*place)).filter(|next| *next < end)
        })
    }

    /// What a row stands for, as a bar: its earliest start and latest end.
    fn extent(&self, row: &Row) -> (i64, i64) {
        let time = |place: usize| {
            let time = &self.order.times[self.order.rows[place]];
            (time.start_nano, time.end_nano.max(time.start_nano))
        };
        match &row.fold {
            Some(fold) if !row.is_span() => self
                .members(&fold.places)
                .map(time)
                .fold(time(row.place), |a, b| (a.0.min(b.0), a.1.max(b.1))),
            _ => time(row.place),
        }
    }

    fn flags_of(&self, row: &Row) -> u16 {
        let own = self.flags[row.place];
        match &row.fold {
            None => own,
            Some(_) if row.is_span() => own | flags::FOLDED,
            Some(fold) => self
                .members(&fold.places)
                .fold(flags::FOLDED, |flags, place| flags | self.flags[place]),
        }
    }

    fn duration(&self, place: usize) -> i64 {
        let time = &self.order.times[self.order.rows[place]];
        time.end_nano.saturating_sub(time.start_nano).max(0)
    }

    /// Self time.
    fn own(&self, place: usize) -> i64 {
        self.duration(place) - self.covered[self.order.rows[place]]
    }

    /// Nanoseconds from the trace's start.
    fn offset(&self, unix_nano: i64) -> f64 {
        (i128::from(unix_nano) - i128::from(self.facts.start_unix_nano)) as f64
    }
}

/// A number of OTLP's that is one of those up to `most`, else 0.
fn known(number: i32, most: i32) -> u8 {
    u8::try_from(number)
        .ok()
        .filter(|number| i32::from(*number) <= most)
        .unwrap_or_default()
}
