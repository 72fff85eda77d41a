//! How often each value of every attribute occurs, in some cells: of cohorts of spans, or of cohorts and intervals.
//!
//! What is counted are spans. Of a span's attributes with the same key the first counts, of its events' and links' each distinct value.
//! Ids, times and durations, which hardly any two spans share, are left out.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use columnar::{
    Attributes, Column, DictColumn, SpanColumns, ValueType, ViewError, resource_from_json,
    scope_from_json,
};
use foldhash::fast::RandomState;
use model::KeyValue;
use store_api::AttributeProjection;
use traceql::{Field, Intrinsic, Scope, Type};

use crate::condition::Needs;
use crate::group::{GroupValue, Label};
use crate::value::Value;

/// Most distinct values of an attribute that are told apart.
const VALUES_MAX: usize = 5_000;

/// Most distinct values of all attributes together.
const ALL_VALUES_MAX: usize = 200_000;

/// Most attributes.
const FIELDS_MAX: usize = 2_000;

/// Most cells of all values together, 16 bytes each.
const CELLS_MAX: usize = 4_000_000;

/// Longer texts are counted, but not told apart.
const TEXT_BYTES_MAX: usize = 512;

type FastMap<K, V> = HashMap<K, V, RandomState>;

/// The columns that are read.
const COLUMNS: [Column; 9] = [
    Column::Name,
    Column::Kind,
    Column::StatusCode,
    Column::StatusMessage,
    Column::Attributes,
    Column::Resource,
    Column::Scope,
    Column::Events,
    Column::Links,
];

/// Values of every attribute, counted.
#[derive(Debug, Default)]
pub(crate) struct Distributions {
    by_field: FastMap<Field, Distribution>,
    n_values: usize,
    n_cells: usize,
    /// Whether attributes were left out, which would have been too many, or spans, which would have taken too many cells.
    pub(crate) overflowed: bool,
}

/// Values of one attribute, counted.
#[derive(Debug, Default)]
pub(crate) struct Distribution {
    pub(crate) values: FastMap<GroupValue, Cells>,
    /// The spans that have a value.
    pub(crate) total: Cells,
    /// Whether there are values that are only part of the total.
    pub(crate) overflowed: bool,
}

/// A row of a batch, with the cell that it counts in, and how many spans it stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) row: usize,
    pub(crate) cell: u32,
    pub(crate) weight: f64,
}

/// Counts by cell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cells(Vec<(u32, f64)>);

impl Cells {
    fn add(&mut self, cell: u32, n: f64) {
        match self.0.binary_search_by_key(&cell, |(cell, _)| *cell) {
            Ok(at) => self.0[at].1 += n,
            Err(at) => self.0.insert(at, (cell, n)),
        }
    }

    /// Adds other counts; returns how many cells are new.
    fn add_all(&mut self, other: &Self) -> usize {
        let before = self.0.len();
        other.0.iter().for_each(|(cell, n)| self.add(*cell, *n));
        self.0.len() - before
    }

    /// The cells of a range that something is in.
    pub(crate) fn within(
        &self,
        range: std::ops::Range<u32>,
    ) -> impl Iterator<Item = (u32, f64)> + '_ {
        let from = self.0.partition_point(|(cell, _)| *cell < range.start);
        let cells = self.0[from..].iter().copied();
        cells.take_while(move |(cell, _)| *cell < range.end)
    }

    /// The sum over a range of cells.
    pub(crate) fn sum(&self, range: std::ops::Range<u32>) -> f64 {
        self.within(range).map(|(_, n)| n).sum()
    }
}

impl Distributions {
    /// What [`Self::add`] takes of rows.
    pub(crate) fn needs(needs: &mut Needs) {
        needs.columns.extend(COLUMNS);
        needs.attributes = AttributeProjection::All;
    }

    /// By attribute, in the order of their texts.
    pub(crate) fn into_sorted(self) -> Vec<(String, Distribution)> {
        let named = |(field, found): (Field, Distribution)| (Label::name_of(&field), found);
        let mut sorted: Vec<_> = self.by_field.into_iter().map(named).collect();
        sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        sorted
    }

    /// Counts rows of a batch, each into a cell.
    ///
    /// Errors: `View`, when the batch lacks one of [`Self::needs`].
    pub(crate) fn add(&mut self, batch: &RecordBatch, rows: &[Placed]) -> Result<(), ViewError> {
        let columns = SpanColumns::new(batch);
        for (intrinsic, column) in [
            (Intrinsic::SpanName, Column::Name),
            (Intrinsic::SpanStatusMessage, Column::StatusMessage),
        ] {
            let texts = columns.dict(column)?;
            for (key, cells) in by_key(texts, rows) {
                self.add_text(intrinsic, texts.value(key), &cells);
            }
        }
        for (intrinsic, column, value) in [
            (
                Intrinsic::SpanKind,
                Column::Kind,
                Value::of_kind as fn(i32) -> Value<'static>,
            ),
            (
                Intrinsic::SpanStatus,
                Column::StatusCode,
                Value::of_status as fn(i32) -> Value<'static>,
            ),
        ] {
            let codes = columns.int32(column)?;
            let mut found: FastMap<i32, Cells> = FastMap::default();
            for Placed { row, cell, weight } in rows {
                found
                    .entry(codes.value(*row))
                    .or_default()
                    .add(*cell, *weight);
            }
            for (code, cells) in found {
                let value = GroupValue::of(&value(code), intrinsic.value_type());
                self.add_value(Field::Intrinsic(intrinsic), Some(value), &cells, true);
            }
        }
        let resources = columns.dict(Column::Resource)?;
        for (key, cells) in by_key(resources, rows) {
            let resource = resource_from_json(resources.value(key)).unwrap_or_default();
            self.add_shared(Scope::Resource, resource.attributes, &cells);
        }
        let scopes = columns.dict(Column::Scope)?;
        for (key, cells) in by_key(scopes, rows) {
            let scope = scope_from_json(scopes.value(key)).unwrap_or_default();
            self.add_text(Intrinsic::InstrumentationName, &scope.name, &cells);
            self.add_text(Intrinsic::InstrumentationVersion, &scope.version, &cells);
            self.add_shared(Scope::Instrumentation, scope.attributes, &cells);
        }
        self.add_lists(&columns, rows)
    }

    fn add_lists(&mut self, columns: &SpanColumns<'_>, rows: &[Placed]) -> Result<(), ViewError> {
        let attributes = columns.attributes()?;
        let mut own = InBatch::new(attributes, true);
        for placed in rows {
            own.add(attributes.slots(placed.row), *placed);
        }
        own.flush(Scope::Span, self);
        let events = columns.events()?;
        let mut of_events = InBatch::new(events.attributes, false);
        let mut names: FastMap<usize, (usize, Cells)> = FastMap::default();
        let mut named = Cells::default();
        for placed in rows {
            let Placed { row, cell, weight } = *placed;
            let slots = events.slots(row);
            if !slots.is_empty() {
                named.add(cell, weight);
            }
            for event in slots {
                let name = events.names.key(event);
                let (last, cells) = names.entry(name).or_insert((usize::MAX, Cells::default()));
                if std::mem::replace(last, row) != row {
                    cells.add(cell, weight);
                }
                of_events.add(events.attributes.slots(event), *placed);
            }
        }
        let field = || Field::Intrinsic(Intrinsic::EventName);
        for (name, (_, cells)) in names {
            let name = GroupValue::Text(events.names.value(name).to_owned());
            self.add_value(field(), Some(name), &cells, false);
        }
        if !named.0.is_empty() {
            self.add_value(field(), None, &named, true);
        }
        of_events.flush(Scope::Event, self);
        let links = columns.links()?;
        let mut of_links = InBatch::new(links.attributes, false);
        for placed in rows {
            for link in links.slots(placed.row) {
                of_links.add(links.attributes.slots(link), *placed);
            }
        }
        of_links.flush(Scope::Link, self);
        Ok(())
    }

    fn add_text(&mut self, intrinsic: Intrinsic, text: &str, cells: &Cells) {
        if !text.is_empty() {
            let value = told_apart(Value::Text(text.into()));
            self.add_value(Field::Intrinsic(intrinsic), value, cells, true);
        }
    }

    /// Attributes of a resource or a scope; of several with the same key the first.
    fn add_shared(&mut self, scope: Scope, attributes: Vec<KeyValue>, cells: &Cells) {
        let mut seen: Vec<String> = Vec::new();
        for attribute in attributes {
            if seen.contains(&attribute.key) {
                continue;
            }
            seen.push(attribute.key.clone());
            let value = Value::of_any(attribute.value);
            if value != Value::Absent {
                let field = Field::attribute(scope, attribute.key);
                self.add_value(field, told_apart(value), cells, true);
            }
        }
    }

    /// Counts a value, or one that is not told apart; `in_total` where that says that its spans have a value.
    fn add_value(
        &mut self,
        field: Field,
        value: Option<GroupValue>,
        cells: &Cells,
        in_total: bool,
    ) {
        if self.by_field.len() >= FIELDS_MAX && !self.by_field.contains_key(&field) {
            self.overflowed = true;
            return;
        }
        if self.n_cells >= CELLS_MAX {
            self.overflowed = true;
            return;
        }
        let of_field = self.by_field.entry(field).or_default();
        if in_total {
            self.n_cells += of_field.total.add_all(cells);
        }
        let Some(value) = value else {
            of_field.overflowed |= !in_total;
            return;
        };
        if let Some(known) = of_field.values.get_mut(&value) {
            self.n_cells += known.add_all(cells);
        } else if of_field.values.len() < VALUES_MAX && self.n_values < ALL_VALUES_MAX {
            self.n_values += 1;
            self.n_cells += cells.0.len();
            of_field.values.insert(value, cells.clone());
        } else {
            of_field.overflowed = true;
        }
    }
}

/// The value by which spans are told apart, if it is not too long.
fn told_apart(value: Value<'_>) -> Option<GroupValue> {
    let value = GroupValue::of(&value, Type::Any);
    let is_long = matches!(&value, GroupValue::Text(text) if text.len() > TEXT_BYTES_MAX);
    (!is_long).then_some(value)
}

/// The rows of each dictionary key, by cell.
fn by_key(texts: DictColumn<'_>, rows: &[Placed]) -> FastMap<usize, Cells> {
    let mut found: FastMap<usize, Cells> = FastMap::default();
    for Placed { row, cell, weight } in rows {
        found
            .entry(texts.key(*row))
            .or_default()
            .add(*cell, *weight);
    }
    found
}

/// The attributes of one batch's lists, counted by what stands in their dictionaries.
struct InBatch<'a> {
    attributes: Attributes<'a>,
    /// Whether only the first attribute with a key counts.
    first_only: bool,
    values: FastMap<(usize, ValueType, usize), (usize, Cells)>,
    /// By key: the last row that has one, and all.
    totals: FastMap<usize, (usize, Cells)>,
}

impl<'a> InBatch<'a> {
    fn new(attributes: Attributes<'a>, first_only: bool) -> Self {
        Self {
            attributes,
            first_only,
            values: FastMap::default(),
            totals: FastMap::default(),
        }
    }

    fn add(&mut self, slots: std::ops::Range<usize>, placed: Placed) {
        let Placed { row, cell, weight } = placed;
        for slot in slots {
            let kind = self.attributes.kind(slot);
            let key = self.attributes.keys().key(slot);
            let none = || (usize::MAX, Cells::default());
            let (last, total) = self.totals.entry(key).or_insert_with(none);
            let is_first = *last != row;
            let has_value = kind != ValueType::Empty;
            if is_first && (has_value || self.first_only) {
                *last = row;
            }
            if !has_value || (self.first_only && !is_first) {
                continue;
            }
            if is_first {
                total.add(cell, weight);
            }
            let value = (key, kind, self.attributes.values().key(slot));
            let (last, cells) = self.values.entry(value).or_insert_with(none);
            if std::mem::replace(last, row) != row {
                cells.add(cell, weight);
            }
        }
    }

    fn flush(self, scope: Scope, into: &mut Distributions) {
        let field = |key: usize| Field::attribute(scope, self.attributes.keys().value(key));
        for (key, (_, total)) in self.totals {
            into.add_value(field(key), None, &total, true);
        }
        for ((key, kind, value), (_, cells)) in self.values {
            let value = Value::of_text(kind, self.attributes.values().value(value));
            into.add_value(field(key), told_apart(value), &cells, false);
        }
    }
}
