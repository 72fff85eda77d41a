//! Services, operations, attribute names and values: what questions can be asked with.
//!
//! Each is one scan over a time range, counting rows; services are counted by the source. A span that was stored more than once counts more than once here
//! until compaction, and a filter that depends on whole traces is taken to hold: both would need the traces
//! whole, for answers that are offers to a person who types.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use arrow::array::{Array, RecordBatch};
use columnar::{
    Attributes, Column, SpanColumns, ValueType, ViewError, resource_from_json, scope_from_json,
    value_to_text,
};
use model::{AnyValue, KeyValue, SpanKind, StatusCode, TenantId};
use store_api::{
    AttributeProjection, AttributeScope, CompareOp, Field as Place, Order, Predicate, Scalar,
    TimeRange,
};
use traceql::{Field, Intrinsic, Query, Scope};

use crate::condition::{Condition, Needs, Origin};
use crate::engine::{Engine, Partial, Question, Report, unless_overtaken};
use crate::error::Error;
use crate::eval::{FieldColumn, NamedAttribute, judge};
use crate::pushdown;
use crate::value::{Tri, Value};

/// Most distinct services, operations, names of a scope, or values that one answer keeps.
pub const NAMES_MAX: usize = 100_000;

/// Services with spans in a range.
#[derive(Debug, Clone)]
pub struct Services {
    /// By name.
    pub services: Vec<Service>,
    /// Why some may be missing.
    pub partial: Option<Partial>,
    /// What was read.
    pub report: Report,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `service.name`; empty for spans without one.
    pub name: String,
    /// Its spans in the range.
    pub span_count: u64,
    /// Of them, with status error.
    pub error_count: u64,
}

/// Operations of a service.
#[derive(Debug, Clone)]
pub struct Operations {
    /// By name, then kind.
    pub operations: Vec<Operation>,
    /// Why some may be missing.
    pub partial: Option<Partial>,
    /// What was read.
    pub report: Report,
}

/// A span name and kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The span name.
    pub name: String,
    /// The kind.
    pub kind: SpanKind,
    /// Its spans in the range.
    pub span_count: u64,
}

/// Attribute names.
#[derive(Debug, Clone)]
pub struct AttributeNames {
    /// Sorted names, in the order of [`AttributeScope::ALL`]; only the scopes asked for.
    pub scopes: Vec<(AttributeScope, Vec<String>)>,
    /// Why some may be missing.
    pub partial: Option<Partial>,
    /// What was read.
    pub report: Report,
}

/// Which values.
#[derive(Debug, Clone)]
pub struct AttributeValuesRequest {
    /// Whose spans.
    pub tenant: TenantId,
    /// An attribute, or an intrinsic; those of whole traces have no values here but the root's name and service.
    pub field: Field,
    /// Only spans that match, as far as a span alone tells, one filter; half-typed queries come through `traceql::parse_lenient`.
    pub filter: Query,
    /// Only values whose text begins so.
    pub prefix: String,
    /// Most values of the answer.
    pub limit: usize,
    /// When the spans started.
    pub time: TimeRange,
    /// When to answer with what there is.
    pub deadline: Option<Instant>,
}

/// Values of a field.
#[derive(Debug, Clone)]
pub struct AttributeValues {
    /// The most frequent first, then by text.
    pub values: Vec<AttributeValue>,
    /// Whether there are more than the limit.
    pub truncated: bool,
    /// Why some may be missing.
    pub partial: Option<Partial>,
    /// What was read.
    pub report: Report,
}

/// A value and how often it occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeValue {
    /// Its type; status and kind are strings, durations integers of nanoseconds.
    pub kind: ValueType,
    /// The value as `columnar` writes it.
    pub text: String,
    /// Spans (events, links) that have it.
    pub count: u64,
}

impl Engine {
    /// The services that have spans which started in `time`.
    ///
    /// Errors: those of the source.
    pub async fn services(
        &self,
        tenant: &TenantId,
        time: TimeRange,
        deadline: Option<Instant>,
    ) -> Result<Services, Error> {
        let mut question = Question::new(self, tenant, deadline);
        let mut services = question.service_counts(time).await?;
        if services.len() > NAMES_MAX {
            services.truncate(NAMES_MAX);
            question.partial.get_or_insert(Partial::Names);
        }
        let (report, partial) = question.finish();
        let service = |count: store_api::ServiceCount| Service {
            name: count.name,
            span_count: count.span_count,
            error_count: count.error_count,
        };
        Ok(Services {
            services: services.into_iter().map(service).collect(),
            partial,
            report,
        })
    }

    /// The operations of `service` that have spans which started in `time`.
    ///
    /// Errors: those of the source.
    pub async fn operations(
        &self,
        tenant: &TenantId,
        service: &str,
        time: TimeRange,
        deadline: Option<Instant>,
    ) -> Result<Operations, Error> {
        let ask = || async move {
            let mut question = Question::new(self, tenant, deadline);
            let predicate = Predicate::Compare(
                Place::Column(Column::ServiceName),
                CompareOp::Eq,
                Scalar::String(service.to_owned()),
            );
            let columns = [
                Column::StartTimeUnixNano,
                Column::Name,
                Column::Kind,
                Column::ServiceName,
            ];
            let mut stream = question.scan(time, predicate, Needs::of(columns), Order::Any, None);
            let mut counts: BTreeMap<(String, i32), u64> = BTreeMap::new();
            while let Some(scanned) = question.next(&mut stream).await? {
                let columns = SpanColumns::new(&scanned.batch);
                let (services, names) = (
                    columns.dict(Column::ServiceName)?,
                    columns.dict(Column::Name)?,
                );
                let kinds = columns.int32(Column::Kind)?;
                let mut in_batch: HashMap<(usize, i32), u64> = HashMap::new();
                for row in rows_in(&columns, time)?.filter(|row| services.get(*row) == service) {
                    *in_batch
                        .entry((names.key(row), kinds.value(row)))
                        .or_default() += 1;
                }
                for ((name, kind), spans) in in_batch {
                    let key = (names.value(name).to_owned(), kind);
                    if let Some(count) = bounded(&mut counts, key, &mut question) {
                        *count += spans;
                    }
                }
            }
            let (report, partial) = question.finish();
            Ok(Operations {
                operations: counts
                    .into_iter()
                    .map(|((name, kind), span_count)| Operation {
                        name,
                        kind: SpanKind(kind),
                        span_count,
                    })
                    .collect(),
                partial,
                report,
            })
        };
        unless_overtaken(ask).await
    }

    /// The names of attributes of spans which started in `time`, of one scope or of all.
    ///
    /// Errors: those of the source.
    pub async fn attribute_names(
        &self,
        tenant: &TenantId,
        scope: Option<AttributeScope>,
        time: TimeRange,
        deadline: Option<Instant>,
    ) -> Result<AttributeNames, Error> {
        let ask = || async move {
            let mut question = Question::new(self, tenant, deadline);
            let mut found: Vec<(AttributeScope, BTreeMap<String, ()>)> = AttributeScope::ALL
                .into_iter()
                .filter(|one| scope.is_none_or(|wanted| wanted == *one))
                .map(|one| (one, BTreeMap::new()))
                .collect();
            let mut columns = vec![Column::StartTimeUnixNano];
            columns.extend(found.iter().map(|(scope, _)| column_of(*scope)));
            let needs = Needs {
                columns,
                attributes: AttributeProjection::All,
            };
            let mut stream = question.scan(time, Predicate::True, needs, Order::Any, None);
            while let Some(scanned) = question.next(&mut stream).await? {
                let columns = SpanColumns::new(&scanned.batch);
                let rows: Vec<usize> = rows_in(&columns, time)?.collect();
                for (scope, names) in &mut found {
                    for name in names_of(&columns, *scope, &rows)? {
                        bounded(names, name, &mut question);
                    }
                }
            }
            let (report, partial) = question.finish();
            Ok(AttributeNames {
                scopes: found
                    .into_iter()
                    .map(|(scope, names)| (scope, names.into_keys().collect()))
                    .collect(),
                partial,
                report,
            })
        };
        unless_overtaken(ask).await
    }

    /// The values of a field, with counts.
    ///
    /// Errors: those of the source; `Pattern` for a filter that `traceql` did not check; `Unsupported` for more than one filter.
    pub async fn attribute_values(
        &self,
        request: &AttributeValuesRequest,
    ) -> Result<AttributeValues, Error> {
        let ask = || async move {
            let mut question = Question::new(self, &request.tenant, request.deadline);
            let filter = Condition::compile(&request.filter)?;
            let mut needs = Needs::of([Column::StartTimeUnixNano]);
            filter.needs(&mut needs);
            value_needs(&request.field, &mut needs);
            let mut stream = question.scan(
                request.time,
                pushdown::predicate(request.filter.filter_only().flatten()),
                needs,
                Order::Any,
                pushdown::trace_ids(request.filter.filter_only().flatten()),
            );
            let mut tally = Tally::new(&request.prefix);
            while let Some(scanned) = question.next(&mut stream).await? {
                let rows = matching_rows(&filter, &scanned.batch, request.time)?;
                count_values(
                    &request.field,
                    &SpanColumns::new(&scanned.batch),
                    &rows,
                    &mut tally,
                )?;
            }
            if tally.overflowed && question.partial.is_none() {
                question.partial = Some(Partial::Names);
            }
            let mut values = tally.into_values();
            let truncated = values.len() > request.limit;
            values.truncate(request.limit);
            let (report, partial) = question.finish();
            Ok(AttributeValues {
                values,
                truncated,
                partial,
                report,
            })
        };
        unless_overtaken(ask).await
    }
}

/// The entry of `key`, made when there is room; otherwise the answer becomes partial.
fn bounded<'m, K: Ord, V: Default>(
    map: &'m mut BTreeMap<K, V>,
    key: K,
    question: &mut Question<'_>,
) -> Option<&'m mut V> {
    if map.len() >= NAMES_MAX && !map.contains_key(&key) {
        question.partial.get_or_insert(Partial::Names);
        return None;
    }
    Some(map.entry(key).or_default())
}

/// The rows that started in `time`.
fn rows_in(
    columns: &SpanColumns<'_>,
    time: TimeRange,
) -> Result<impl Iterator<Item = usize>, ViewError> {
    let starts = columns.int64(Column::StartTimeUnixNano)?;
    Ok((0..columns.len()).filter(move |row| time.contains(starts.value(*row))))
}

fn matching_rows(
    filter: &Condition,
    batch: &RecordBatch,
    time: TimeRange,
) -> Result<Vec<usize>, ViewError> {
    let verdicts = judge(filter, batch, None)?;
    let columns = SpanColumns::new(batch);
    let rows = rows_in(&columns, time)?.filter(|row| verdicts[*row] != Tri::False);
    Ok(rows.collect())
}

fn column_of(scope: AttributeScope) -> Column {
    match scope {
        AttributeScope::Span => Column::Attributes,
        AttributeScope::Resource => Column::Resource,
        AttributeScope::Event => Column::Events,
        AttributeScope::Link => Column::Links,
        AttributeScope::Instrumentation => Column::Scope,
    }
}

/// The distinct names of one scope on some rows.
fn names_of(
    columns: &SpanColumns<'_>,
    scope: AttributeScope,
    rows: &[usize],
) -> Result<BTreeSet<String>, ViewError> {
    Ok(match scope {
        AttributeScope::Span => keys_of(&columns.attributes()?, rows.iter().copied()),
        AttributeScope::Event => {
            let events = columns.events()?;
            let slots = rows.iter().flat_map(|row| events.slots(*row));
            keys_of(&events.attributes, slots)
        }
        AttributeScope::Link => {
            let links = columns.links()?;
            let slots = rows.iter().flat_map(|row| links.slots(*row));
            keys_of(&links.attributes, slots)
        }
        AttributeScope::Resource | AttributeScope::Instrumentation => {
            let counted = shared_attributes(columns, scope, rows)?;
            let attributes = counted.into_iter().flat_map(|(attributes, _)| attributes);
            attributes.map(|attribute| attribute.key).collect()
        }
    })
}

/// The distinct keys of the attributes of some rows.
fn keys_of(attributes: &Attributes<'_>, rows: impl Iterator<Item = usize>) -> BTreeSet<String> {
    let keys = attributes.keys();
    let mut used = vec![false; keys.n_values()];
    for slot in rows.flat_map(|row| attributes.slots(row)) {
        used[keys.key(slot)] = true;
    }
    let used = used.into_iter().enumerate().filter(|(_, used)| *used);
    used.map(|(key, _)| keys.value(key).to_owned()).collect()
}

/// The attributes of each distinct resource (or instrumentation scope) of some rows, with how many rows have it.
fn shared_attributes(
    columns: &SpanColumns<'_>,
    scope: AttributeScope,
    rows: &[usize],
) -> Result<Vec<(Vec<KeyValue>, u64)>, ViewError> {
    let dict = columns.dict(column_of(scope))?;
    let mut counts = vec![0_u64; dict.n_values()];
    for row in rows {
        counts[dict.key(*row)] += 1;
    }
    let attributes = |text: &str| match scope {
        AttributeScope::Resource => resource_from_json(text).map(|resource| resource.attributes),
        _ => scope_from_json(text).map(|scope| scope.attributes),
    };
    let used = counts
        .into_iter()
        .enumerate()
        .filter(|(_, count)| *count > 0);
    Ok(used
        .map(|(key, count)| (attributes(dict.value(key)).unwrap_or_default(), count))
        .collect())
}

/// What [`count_values`] takes.
fn value_needs(field: &Field, needs: &mut Needs) {
    match field {
        Field::Intrinsic(Intrinsic::TraceRootName) => {
            needs.columns.extend([Column::ParentSpanId, Column::Name]);
        }
        Field::Intrinsic(Intrinsic::TraceRootService) => {
            let columns = [Column::ParentSpanId, Column::ServiceName];
            needs.columns.extend(columns);
        }
        _ => Origin::Field(field.clone()).needs(needs),
    }
}

/// Counts the values of a field on some rows.
fn count_values(
    field: &Field,
    columns: &SpanColumns<'_>,
    rows: &[usize],
    tally: &mut Tally<'_>,
) -> Result<(), ViewError> {
    let (scope, name) = match field {
        Field::Attribute { scope, name } => (*scope, name),
        Field::Intrinsic(intrinsic) => return count_intrinsic(*intrinsic, columns, rows, tally),
    };
    match scope {
        Scope::Span => {
            let named = NamedAttribute::new(columns.attributes()?, name);
            rows.iter().for_each(|row| tally.add_at(&named, *row));
        }
        Scope::Event => {
            let events = columns.events()?;
            let named = NamedAttribute::new(events.attributes, name);
            let slots = rows.iter().flat_map(|row| events.slots(*row));
            slots.for_each(|slot| tally.add_at(&named, slot));
        }
        Scope::Link => {
            let links = columns.links()?;
            let named = NamedAttribute::new(links.attributes, name);
            let slots = rows.iter().flat_map(|row| links.slots(*row));
            slots.for_each(|slot| tally.add_at(&named, slot));
        }
        Scope::Resource => tally.add_shared(columns, AttributeScope::Resource, rows, name)?,
        Scope::Instrumentation => {
            tally.add_shared(columns, AttributeScope::Instrumentation, rows, name)?;
        }
        Scope::Any => {
            let named = NamedAttribute::new(columns.attributes()?, name);
            let (own, rest): (Vec<usize>, Vec<usize>) =
                rows.iter().partition(|row| named.is_set(**row));
            own.iter().for_each(|row| tally.add_at(&named, *row));
            tally.add_shared(columns, AttributeScope::Resource, &rest, name)?;
        }
        // Those of the parent have no values of their own.
        Scope::Parent | Scope::ParentSpan | Scope::ParentResource => {}
    }
    Ok(())
}

fn count_intrinsic(
    intrinsic: Intrinsic,
    columns: &SpanColumns<'_>,
    rows: &[usize],
    tally: &mut Tally<'_>,
) -> Result<(), ViewError> {
    let of_roots = match intrinsic {
        Intrinsic::TraceRootName => Some(Column::Name),
        Intrinsic::TraceRootService => Some(Column::ServiceName),
        _ => None,
    };
    if let Some(column) = of_roots {
        let (parents, texts) = (columns.ids(Column::ParentSpanId)?, columns.dict(column)?);
        for row in rows.iter().filter(|row| parents.is_null(**row)) {
            tally.add(ValueType::String, texts.get(*row), 1);
        }
        return Ok(());
    }
    let values = FieldColumn::new(columns, &Origin::Field(Field::Intrinsic(intrinsic)), None)?;
    for row in rows {
        for value in values.values(*row) {
            tally.add_value(&value);
        }
    }
    Ok(())
}

/// Values and how often they occurred.
struct Tally<'a> {
    prefix: &'a str,
    counts: HashMap<ValueType, HashMap<String, u64>>,
    distinct: usize,
    /// Whether values were left out for want of room.
    overflowed: bool,
}

impl<'a> Tally<'a> {
    fn new(prefix: &'a str) -> Self {
        Self {
            prefix,
            counts: HashMap::new(),
            distinct: 0,
            overflowed: false,
        }
    }

    fn add(&mut self, kind: ValueType, text: &str, count: u64) {
        if kind == ValueType::Empty || !text.starts_with(self.prefix) {
            return;
        }
        let of_kind = self.counts.entry(kind).or_default();
        if let Some(known) = of_kind.get_mut(text) {
            *known += count;
        } else if self.distinct < NAMES_MAX {
            self.distinct += 1;
            of_kind.insert(text.to_owned(), count);
        } else {
            self.overflowed = true;
        }
    }

    fn add_at(&mut self, named: &NamedAttribute<'_>, row: usize) {
        if let Some((kind, text)) = named.text(row) {
            self.add(kind, text, 1);
        }
    }

    fn add_shared(
        &mut self,
        columns: &SpanColumns<'_>,
        scope: AttributeScope,
        rows: &[usize],
        name: &str,
    ) -> Result<(), ViewError> {
        for (attributes, count) in shared_attributes(columns, scope, rows)? {
            if let Some(found) = attributes.iter().find(|attribute| attribute.key == name) {
                let (kind, text) = value_to_text(&found.value);
                self.add(kind, &text, count);
            }
        }
        Ok(())
    }

    fn add_value(&mut self, value: &Value<'_>) {
        let number = |value| value_to_text(&value);
        let (kind, text) = match value {
            Value::Bool(truth) => number(AnyValue::Bool(*truth)),
            Value::Int(n) => number(AnyValue::Int(*n)),
            Value::Float(n) => number(AnyValue::Double(*n)),
            Value::Text(text) => return self.add(ValueType::String, text, 1),
            Value::Status(code) => {
                return self.add(ValueType::String, StatusCode(*code).as_str(), 1);
            }
            Value::Kind(kind) => return self.add(ValueType::String, SpanKind(*kind).as_str(), 1),
            Value::Absent | Value::Unknown | Value::Array(_) | Value::Other => return,
        };
        self.add(kind, &text, 1);
    }

    fn into_values(self) -> Vec<AttributeValue> {
        let mut values: Vec<AttributeValue> = self
            .counts
            .into_iter()
            .flat_map(|(kind, of_kind)| {
                of_kind
                    .into_iter()
                    .map(move |(text, count)| AttributeValue { kind, text, count })
            })
            .collect();
        values.sort_unstable_by(|a, b| {
            let place = |value: &AttributeValue| (std::cmp::Reverse(value.count), value.kind as i8);
            (place(a).0, &a.text, place(a).1).cmp(&(place(b).0, &b.text, place(b).1))
        });
        values
    }
}
