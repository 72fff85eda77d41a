//! The values of one field over the rows of a batch.

use std::borrow::Cow;

use arrow::array::{Array, FixedSizeBinaryArray, Int32Array, Int64Array};
use columnar::{
    Attributes, Column, DictColumn, Events, Links, SpanColumns, ValueType, ViewError,
    resource_from_json, scope_from_json,
};
use model::{KeyValue, Resource, Scope as InstrumentationScope};
use traceql::{Field, Intrinsic, Scope};

use crate::condition::Origin;
use crate::context::TraceContext;
use crate::value::{Tri, Value};

/// Where a field's values lie in a batch.
pub(crate) enum FieldColumn<'a> {
    /// Integers: durations.
    Int(&'a Int64Array),
    Status(&'a Int32Array),
    Kind(&'a Int32Array),
    /// Texts, by dictionary key.
    Text(DictColumn<'a>),
    /// Ids, as hexadecimal text.
    Id(&'a FixedSizeBinaryArray),
    /// A value of each dictionary key: attributes of resources and scopes.
    Table(DictColumn<'a>, Vec<Value<'static>>),
    /// An attribute of the rows.
    Attribute(NamedAttribute<'a>),
    /// An attribute of the rows, or where a row has none, of its resource.
    AttributeOr(NamedAttribute<'a>, DictColumn<'a>, Vec<Value<'static>>),
    EventAttribute(Events<'a>, NamedAttribute<'a>),
    EventName(Events<'a>),
    /// Event times, and the start times of the rows.
    EventTime(Events<'a>, &'a Int64Array),
    LinkAttribute(Links<'a>, NamedAttribute<'a>),
    LinkTraceId(Links<'a>),
    LinkSpanId(Links<'a>),
    /// One value for each row, from whole traces.
    PerRow(Vec<Value<'a>>),
    /// Needs whole traces, and only rows are known.
    Unknown,
}

impl<'a> FieldColumn<'a> {
    /// Finds the field in a batch.
    ///
    /// Errors: `ViewError` when the batch lacks one of [`Origin::needs`].
    pub(crate) fn new(
        columns: &SpanColumns<'a>,
        origin: &Origin,
        context: Option<&'a TraceContext>,
    ) -> Result<Self, ViewError> {
        let field = match origin {
            Origin::ServiceName => return Ok(Self::Text(columns.dict(Column::ServiceName)?)),
            Origin::Field(field) => field,
        };
        match field {
            Field::Attribute { scope, name } if Scope::OF_PARENT.contains(scope) => {
                let own = Self::attribute(columns, scope.of_own(), name)?;
                Ok(context.map_or(Self::Unknown, |context| own.of_parents(context)))
            }
            Field::Attribute { scope, name } => Self::attribute(columns, *scope, name),
            Field::Intrinsic(intrinsic) => Self::intrinsic(columns, *intrinsic, context),
        }
    }

    fn attribute(columns: &SpanColumns<'a>, scope: Scope, name: &str) -> Result<Self, ViewError> {
        let of_rows = || {
            columns
                .attributes()
                .map(|all| NamedAttribute::new(all, name))
        };
        Ok(match scope {
            Scope::Span => Self::Attribute(of_rows()?),
            Scope::Any => {
                let (keys, values) = resource_table(columns, name)?;
                Self::AttributeOr(of_rows()?, keys, values)
            }
            Scope::Resource => {
                let (keys, values) = resource_table(columns, name)?;
                Self::Table(keys, values)
            }
            Scope::Instrumentation => {
                let (keys, values) = scope_table(columns, |scope| first(scope.attributes, name))?;
                Self::Table(keys, values)
            }
            Scope::Event => {
                let events = columns.events()?;
                Self::EventAttribute(events, NamedAttribute::new(events.attributes, name))
            }
            Scope::Link => {
                let links = columns.links()?;
                Self::LinkAttribute(links, NamedAttribute::new(links.attributes, name))
            }
            Scope::Parent | Scope::ParentSpan | Scope::ParentResource => Self::Unknown,
        })
    }

    /// The values that the parents of the rows have.
    fn of_parents(&self, context: &TraceContext) -> Self {
        let of_parent = |parent: &Option<usize>| {
            let value = parent.and_then(|row| self.values(row).into_iter().next());
            value.unwrap_or(Value::Absent)
        };
        Self::PerRow(context.parents().iter().map(of_parent).collect())
    }

    fn intrinsic(
        columns: &SpanColumns<'a>,
        intrinsic: Intrinsic,
        context: Option<&'a TraceContext>,
    ) -> Result<Self, ViewError> {
        let text = |text: String| Value::Text(Cow::Owned(text));
        Ok(match intrinsic {
            Intrinsic::SpanStatus => Self::Status(columns.int32(Column::StatusCode)?),
            Intrinsic::SpanStatusMessage => Self::Text(columns.dict(Column::StatusMessage)?),
            Intrinsic::SpanDuration => Self::Int(columns.int64(Column::DurationNano)?),
            Intrinsic::SpanName => Self::Text(columns.dict(Column::Name)?),
            Intrinsic::SpanKind => Self::Kind(columns.int32(Column::Kind)?),
            Intrinsic::SpanId => Self::Id(columns.ids(Column::SpanId)?),
            Intrinsic::SpanParentId => Self::Id(columns.ids(Column::ParentSpanId)?),
            Intrinsic::TraceId => Self::Id(columns.ids(Column::TraceId)?),
            Intrinsic::EventName => Self::EventName(columns.events()?),
            Intrinsic::EventTimeSinceStart => {
                Self::EventTime(columns.events()?, columns.int64(Column::StartTimeUnixNano)?)
            }
            Intrinsic::LinkSpanId => Self::LinkSpanId(columns.links()?),
            Intrinsic::LinkTraceId => Self::LinkTraceId(columns.links()?),
            Intrinsic::InstrumentationName => {
                let (keys, values) = scope_table(columns, |scope| text(scope.name))?;
                Self::Table(keys, values)
            }
            Intrinsic::InstrumentationVersion => {
                let (keys, values) = scope_table(columns, |scope| text(scope.version))?;
                Self::Table(keys, values)
            }
            Intrinsic::SpanStartTime => Self::Int(columns.int64(Column::StartTimeUnixNano)?),
            Intrinsic::SpanChildCount
            | Intrinsic::TraceSpanCount
            | Intrinsic::TraceErrorCount
            | Intrinsic::TraceHasRoot
            | Intrinsic::TraceDuration
            | Intrinsic::TraceRootName
            | Intrinsic::TraceRootService
            | Intrinsic::NestedSetLeft
            | Intrinsic::NestedSetRight
            | Intrinsic::NestedSetParent => match context {
                Some(context) => Self::PerRow(context.values(intrinsic)),
                None => Self::Unknown,
            },
        })
    }

    /// Tests the field on every row; `test` is called once per distinct value where values are interned, and is
    /// false for absent values.
    pub(crate) fn test(&self, rows: usize, test: impl Fn(&Value<'_>) -> Tri) -> Vec<Tri> {
        let ints = |array: &Int32Array, value: fn(i32) -> Value<'static>| {
            (0..rows)
                .map(|row| test(&value(array.value(row))))
                .collect()
        };
        match self {
            Self::Int(array) => (0..rows)
                .map(|row| test(&Value::Int(array.value(row))))
                .collect(),
            Self::Status(array) => ints(array, Value::of_status),
            Self::Kind(array) => ints(array, Value::of_kind),
            Self::Text(column) => {
                let mut memo = Memo::new(column.n_values());
                let judge = |key: usize| test(&Value::Text(Cow::Borrowed(column.value(key))));
                (0..rows)
                    .map(|row| memo.get(column.key(row), judge))
                    .collect()
            }
            Self::Table(keys, values) => {
                let verdicts: Vec<Tri> = values.iter().map(&test).collect();
                (0..rows).map(|row| verdicts[keys.key(row)]).collect()
            }
            Self::Attribute(named) => {
                let mut memo = named.memo();
                (0..rows)
                    .map(|row| named.test(row, &mut memo, &test).unwrap_or(Tri::False))
                    .collect()
            }
            Self::AttributeOr(named, keys, values) => {
                let verdicts: Vec<Tri> = values.iter().map(&test).collect();
                let mut memo = named.memo();
                (0..rows)
                    .map(|row| {
                        named
                            .test(row, &mut memo, &test)
                            .unwrap_or_else(|| verdicts[keys.key(row)])
                    })
                    .collect()
            }
            Self::EventAttribute(events, named) => {
                let mut memo = named.memo();
                any_slot(
                    rows,
                    |row| events.slots(row),
                    |slot| named.test(slot, &mut memo, &test).unwrap_or(Tri::False),
                )
            }
            Self::LinkAttribute(links, named) => {
                let mut memo = named.memo();
                any_slot(
                    rows,
                    |row| links.slots(row),
                    |slot| named.test(slot, &mut memo, &test).unwrap_or(Tri::False),
                )
            }
            Self::EventName(events) => {
                let mut memo = Memo::new(events.names.n_values());
                let judge = |key: usize| test(&Value::Text(Cow::Borrowed(events.names.value(key))));
                any_slot(
                    rows,
                    |row| events.slots(row),
                    |slot| memo.get(events.names.key(slot), judge),
                )
            }
            Self::Id(_)
            | Self::EventTime(..)
            | Self::LinkTraceId(_)
            | Self::LinkSpanId(_)
            | Self::PerRow(_)
            | Self::Unknown => (0..rows)
                .map(|row| {
                    let values = self.values(row);
                    values.iter().map(&test).max().unwrap_or(Tri::False)
                })
                .collect(),
        }
    }

    /// What rows share that have the same value, when values are interned.
    pub(crate) fn dictionary_key(&self, row: usize) -> Option<usize> {
        match self {
            Self::Text(column) => Some(column.key(row)),
            Self::Table(keys, _) => Some(keys.key(row)),
            Self::Status(codes) | Self::Kind(codes) => usize::try_from(codes.value(row)).ok(),
            _ => None,
        }
    }

    /// The values of the field on one row: none or one, several for events and links. Absent ones may be left out.
    pub(crate) fn values(&self, row: usize) -> Vec<Value<'a>> {
        match self {
            Self::Int(array) => vec![Value::Int(array.value(row))],
            Self::Status(array) => vec![Value::of_status(array.value(row))],
            Self::Kind(array) => vec![Value::of_kind(array.value(row))],
            Self::Text(column) => vec![Value::Text(Cow::Borrowed(column.get(row)))],
            Self::Id(ids) => hex(ids, row).into_iter().collect(),
            Self::Table(keys, values) => vec![values[keys.key(row)].clone()],
            Self::Attribute(named) => named.value(row).into_iter().collect(),
            Self::AttributeOr(named, keys, values) => {
                let own = named.value(row);
                vec![own.unwrap_or_else(|| values[keys.key(row)].clone())]
            }
            Self::EventAttribute(events, named) => events
                .slots(row)
                .filter_map(|slot| named.value(slot))
                .collect(),
            Self::EventName(events) => events
                .slots(row)
                .map(|slot| Value::Text(Cow::Borrowed(events.names.get(slot))))
                .collect(),
            Self::EventTime(events, starts) => events
                .slots(row)
                .map(|slot| Value::Int(events.times.value(slot).saturating_sub(starts.value(row))))
                .collect(),
            Self::LinkAttribute(links, named) => links
                .slots(row)
                .filter_map(|slot| named.value(slot))
                .collect(),
            Self::LinkTraceId(links) => {
                let ids = links.trace_ids;
                links.slots(row).filter_map(|slot| hex(ids, slot)).collect()
            }
            Self::LinkSpanId(links) => {
                let ids = links.span_ids;
                links.slots(row).filter_map(|slot| hex(ids, slot)).collect()
            }
            Self::PerRow(values) => vec![values[row].clone()],
            Self::Unknown => vec![Value::Unknown],
        }
    }
}

/// The largest verdict over the slots of each row.
fn any_slot(
    rows: usize,
    slots: impl Fn(usize) -> std::ops::Range<usize>,
    mut test: impl FnMut(usize) -> Tri,
) -> Vec<Tri> {
    (0..rows)
        .map(|row| slots(row).map(&mut test).max().unwrap_or(Tri::False))
        .collect()
}

/// Verdicts by dictionary key, each found when first asked for.
pub(crate) struct Memo(Vec<Option<Tri>>);

impl Memo {
    fn new(keys: usize) -> Self {
        Self(vec![None; keys])
    }

    fn get(&mut self, key: usize, judge: impl FnOnce(usize) -> Tri) -> Tri {
        *self.0[key].get_or_insert_with(|| judge(key))
    }
}

/// Types of attribute values; a memo of attributes has a place for each type of each value.
const TYPES: usize = 8;

/// One key of some attributes. Of several attributes with the key, the first counts.
pub(crate) struct NamedAttribute<'a> {
    attributes: Attributes<'a>,
    /// Which dictionary keys spell the name; empty when none does.
    wanted: Vec<bool>,
}

impl<'a> NamedAttribute<'a> {
    pub(crate) fn new(attributes: Attributes<'a>, name: &str) -> Self {
        let keys = attributes.keys();
        let wanted: Vec<bool> = (0..keys.n_values())
            .map(|key| keys.value(key) == name)
            .collect();
        Self {
            attributes,
            wanted: if wanted.contains(&true) {
                wanted
            } else {
                Vec::new()
            },
        }
    }

    /// The slot of the attribute on a row.
    pub(crate) fn slot(&self, row: usize) -> Option<usize> {
        if self.wanted.is_empty() {
            return None;
        }
        let keys = self.attributes.keys();
        self.attributes
            .slots(row)
            .find(|slot| self.wanted[keys.key(*slot)])
    }

    /// The value on a row, if there is one.
    fn value(&self, row: usize) -> Option<Value<'a>> {
        self.slot(row)
            .map(|slot| self.at(slot))
            .filter(|value| *value != Value::Absent)
    }

    /// The value on a row as it is stored.
    pub(crate) fn text(&self, row: usize) -> Option<(ValueType, &'a str)> {
        let slot = self.slot(row)?;
        Some((
            self.attributes.kind(slot),
            self.attributes.values().get(slot),
        ))
    }

    /// Whether a row has the attribute with a value.
    pub(crate) fn is_set(&self, row: usize) -> bool {
        self.text(row)
            .is_some_and(|(kind, _)| kind != ValueType::Empty)
    }

    fn at(&self, slot: usize) -> Value<'a> {
        Value::of_text(
            self.attributes.kind(slot),
            self.attributes.values().get(slot),
        )
    }

    fn memo(&self) -> Memo {
        let used = if self.wanted.is_empty() {
            0
        } else {
            self.attributes.values().n_values()
        };
        Memo::new(used * TYPES)
    }

    /// The verdict on a row; `None` when the attribute is absent.
    fn test(&self, row: usize, memo: &mut Memo, test: impl Fn(&Value<'_>) -> Tri) -> Option<Tri> {
        let slot = self.slot(row)?;
        let kind = self.attributes.kind(slot);
        if kind == ValueType::Empty {
            return None;
        }
        let key = self.attributes.values().key(slot) * TYPES + kind as usize;
        Some(memo.get(key, |_| test(&self.at(slot))))
    }
}

type Table<'a> = (DictColumn<'a>, Vec<Value<'static>>);

/// The values of an attribute of each distinct resource.
fn resource_table<'a>(columns: &SpanColumns<'a>, name: &str) -> Result<Table<'a>, ViewError> {
    let keys = columns.dict(Column::Resource)?;
    let value = |key| {
        let resource: Resource = resource_from_json(keys.value(key)).unwrap_or_default();
        first(resource.attributes, name)
    };
    Ok((keys, (0..keys.n_values()).map(value).collect()))
}

/// Something of each distinct instrumentation scope.
fn scope_table<'a>(
    columns: &SpanColumns<'a>,
    value: impl Fn(InstrumentationScope) -> Value<'static>,
) -> Result<Table<'a>, ViewError> {
    let keys = columns.dict(Column::Scope)?;
    let values = (0..keys.n_values())
        .map(|key| value(scope_from_json(keys.value(key)).unwrap_or_default()))
        .collect();
    Ok((keys, values))
}

fn first(attributes: Vec<KeyValue>, name: &str) -> Value<'static> {
    let found = attributes
        .into_iter()
        .find(|attribute| attribute.key == name);
    found.map_or(Value::Absent, |attribute| Value::of_any(attribute.value))
}

fn hex<'v>(ids: &FixedSizeBinaryArray, row: usize) -> Option<Value<'v>> {
    use std::fmt::Write;
    if ids.is_null(row) {
        return None;
    }
    let mut text = String::with_capacity(32);
    for byte in ids.value(row) {
        write!(text, "{byte:02x}").ok()?;
    }
    Some(Value::Text(Cow::Owned(text)))
}
