//! `trace-summary` says what matters of a trace, `get-trace` shows its spans.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use columnar::{Column, SpanColumns, ViewError, value_to_text};
use model::{AnyValue, Event, KeyValue, Span, StatusCode};
use query::{Calls, Trace, TraceFacts, TraceShape};
use rmcp::schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Ask;
use super::path::path;
use crate::error::ApiError;
use crate::mcp::answer::{Answer, at, millis, number, text};
use crate::native::find;
use crate::pieces::{apart, internal, spans_of};
use crate::question::parse_limit;
use crate::state::App;

/// Rows of each list of a summary at most.
const SERVICES_MAX: usize = 30;
const PATH_MAX: usize = 15;
const ERRORS_MAX: usize = 10;
const SLOWEST_MAX: usize = 10;

/// Spans of one answer at most, and unless another number is asked for.
const SPANS_MAX: usize = 500;
const SPANS_DEFAULT: usize = 100;

/// Attributes and events of a span at most.
const ATTRIBUTES_MAX: usize = 20;
const EVENTS_MAX: usize = 5;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(crate) struct Summary {
    /// 16 or 32 hexadecimal digits.
    trace_id: String,
}

impl Ask for Summary {
    const NAME: &'static str = "trace-summary";
    const ABOUT: &'static str = "What matters of one trace: its services, the critical path by call (whose time the duration is; the parts sum to it), errors with their messages where they began, the spans with most time of their own, and whether spans are missing.";

    async fn ask(self, app: App) -> Result<Answer, ApiError> {
        let trace = find(&app, &self.trace_id).await?;
        apart(move || summary(&trace)).await
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(crate) struct Get {
    /// 16 or 32 hexadecimal digits.
    trace_id: String,
    /// How many spans at most: 1 to 500, 100 by default.
    limit: Option<u32>,
}

impl Ask for Get {
    const NAME: &'static str = "get-trace";
    const ABOUT: &'static str = "The spans of one trace with attributes and events, each before what it calls, with its depth, its start after that of the trace, its duration, its own time, and its part of the critical path. Begin with `trace-summary`: it is smaller.";

    async fn ask(self, app: App) -> Result<Answer, ApiError> {
        let limit = parse_limit("limit", self.limit, SPANS_DEFAULT, SPANS_MAX)?;
        let trace = find(&app, &self.trace_id).await?;
        apart(move || spans(&trace, limit)).await
    }
}

/// What is said of a trace as a whole.
fn begun(trace: &Trace, facts: &TraceFacts) -> Answer {
    let completeness = json!({
        "complete": facts.is_complete() && trace.partial.is_none(),
        "roots": facts.roots,
        "missing_parents": facts.missing_parents,
        "conflicting_spans": facts.conflicting_spans,
    });
    Answer::default()
        .with("start", at(facts.start_unix_nano))
        .with("duration_ms", millis(facts.duration_nano))
        .with("spans", trace.batch.num_rows())
        .with("completeness", completeness)
        .partial(trace.partial.as_ref())
}

fn summary(trace: &Trace) -> Result<Answer, ApiError> {
    let facts = trace.facts().map_err(internal)?;
    let shape = TraceShape::of(trace).map_err(internal)?;
    let mut calls = Calls::<1>::default();
    calls.add(0, trace, &shape).map_err(internal)?;
    let failures = Failures::of(trace, &shape).map_err(internal)?;
    let shown = failures.groups.iter().take(ERRORS_MAX);
    let shown = shown.map(|group| failure(trace, group));
    let shown: Vec<Value> = shown.collect::<Result<_, _>>()?;
    let n_rows = trace.batch.num_rows();
    let mut slowest: Vec<usize> = (0..n_rows).collect();
    slowest.sort_by_key(|row| Reverse(shape.self_nano[*row]));
    slowest.truncate(SLOWEST_MAX);
    let slowest = slowest
        .into_iter()
        .map(|row| Ok(brief(&span(trace, row)?, row, &facts, &shape)));
    let slowest: Vec<Value> = slowest.collect::<Result<_, ApiError>>()?;
    let on_path = calls.on_critical_path();
    let whole = shape.duration_nano().max(1) as f64;
    let part = |call: &usize| {
        let of = calls.calls[*call].figures[0];
        json!({
            "call": path(&calls, *call),
            "spans": of.spans,
            "ms": millis(of.critical_nano),
            "share": number(of.critical_nano as f64 / whole),
        })
    };
    Ok(begun(trace, &facts)
        .with("errors", failures.n_failed)
        .with("gap_ms", millis(shape.gap_nano))
        .list("critical_path", on_path.iter().map(part), PATH_MAX)
        .first("errors_by_message", shown, failures.groups.len())
        .first("most_own_time", slowest, n_rows)
        .list("services", services(&calls).into_iter(), SERVICES_MAX))
}

/// A row for each service, those with most of the critical path first.
fn services(calls: &Calls<1>) -> Vec<Value> {
    #[derive(Default)]
    struct Sums {
        spans: u64,
        errors: u64,
        own_nano: i64,
        critical_nano: i64,
    }
    let mut services: BTreeMap<&str, Sums> = BTreeMap::new();
    for (number, call) in calls.calls.iter().enumerate() {
        let [of] = call.figures;
        let sums = services.entry(calls.service(number)).or_default();
        sums.spans += of.spans;
        sums.errors += of.errors;
        sums.own_nano = sums.own_nano.saturating_add(of.self_nano);
        sums.critical_nano = sums.critical_nano.saturating_add(of.critical_nano);
    }
    let mut services: Vec<(&str, Sums)> = services.into_iter().collect();
    services.sort_by_key(|(_, sums)| Reverse(sums.critical_nano));
    let row = |(name, sums): (&str, Sums)| {
        json!({
            "service": text(name),
            "spans": sums.spans,
            "errors": sums.errors,
            "own_ms": millis(sums.own_nano),
            "critical_ms": millis(sums.critical_nano),
        })
    };
    services.into_iter().map(row).collect()
}

/// The failed spans of a trace.
struct Failures {
    n_failed: u64,
    /// By service, name and message, those first that failed by themselves.
    groups: Vec<FailureGroup>,
}

/// Failed spans that say the same.
struct FailureGroup {
    /// The first of them.
    row: usize,
    count: u64,
    /// Whether it failed without that a child of it did.
    is_origin: bool,
}

impl Failures {
    fn of(trace: &Trace, shape: &TraceShape) -> Result<Self, ViewError> {
        let columns = SpanColumns::new(&trace.batch);
        let codes = columns.int32(Column::StatusCode)?;
        let services = columns.dict(Column::ServiceName)?;
        let names = columns.dict(Column::Name)?;
        let messages = columns.dict(Column::StatusMessage)?;
        let has_failed = |row: usize| codes.value(row) == StatusCode::ERROR.0;
        let mut groups: BTreeMap<(bool, &str, &str, &str), FailureGroup> = BTreeMap::new();
        let mut n_failed = 0;
        for row in (0..columns.len()).filter(|row| has_failed(*row)) {
            n_failed += 1;
            let is_origin = !shape
                .forest
                .children(row)
                .iter()
                .any(|row| has_failed(*row));
            let texts = (services.get(row), names.get(row), messages.get(row));
            let group = groups
                .entry((!is_origin, texts.0, texts.1, texts.2))
                .or_insert(FailureGroup {
                    row,
                    count: 0,
                    is_origin,
                });
            group.count += 1;
        }
        let mut groups: Vec<FailureGroup> = groups.into_values().collect();
        groups.sort_by_key(|group| (!group.is_origin, Reverse(group.count), group.row));
        Ok(Self { n_failed, groups })
    }
}

fn failure(trace: &Trace, group: &FailureGroup) -> Result<Value, ApiError> {
    let span = span(trace, group.row)?;
    let mut row = json!({
        "service": text(span.service_name()),
        "name": text(&span.name),
        "spans": group.count,
        "began_here": group.is_origin,
        "span_id": span.span_id.to_string(),
    });
    if !span.status_message.is_empty() {
        row["message"] = json!(text(&span.status_message));
    }
    let mut events = span.events.iter().rev();
    if let Some(exception) = events.find(|event| event.name == "exception") {
        row["exception"] = attributes(&exception.attributes, |key| {
            matches!(key, "exception.type" | "exception.message")
        });
    }
    Ok(row)
}

fn spans(trace: &Trace, limit: usize) -> Result<Answer, ApiError> {
    let facts = trace.facts().map_err(internal)?;
    let shape = TraceShape::of(trace).map_err(internal)?;
    let mut depths = vec![0_usize; shape.order.len()];
    for row in shape.order.iter().copied() {
        depths[row] = shape
            .forest
            .parent(row)
            .map_or(0, |above| depths[above] + 1);
    }
    let rows = shape.order.iter().take(limit).map(|row| {
        let found = span(trace, *row)?;
        let mut shown = brief(&found, *row, &facts, &shape);
        shown["depth"] = json!(depths[*row]);
        shown["kind"] = json!(found.kind.as_str());
        if !found.status_message.is_empty() {
            shown["message"] = json!(text(&found.status_message));
        }
        shown["attributes"] = attributes(&found.attributes, |_| true);
        let events = found.events.iter().take(EVENTS_MAX);
        let events: Vec<Value> = events.map(|one| event(one, &found)).collect();
        if !events.is_empty() {
            shown["events"] = Value::Array(events);
        }
        Ok(shown)
    });
    let rows: Vec<Value> = rows.collect::<Result<_, ApiError>>()?;
    Ok(begun(trace, &facts).first("tree", rows, trace.batch.num_rows()))
}

fn span(trace: &Trace, row: usize) -> Result<Span, ApiError> {
    let found = spans_of(trace, row..row + 1)?.pop();
    found.ok_or_else(|| internal("a trace has fewer spans than rows"))
}

/// What is said of a span wherever one is named.
fn brief(span: &Span, row: usize, facts: &TraceFacts, shape: &TraceShape) -> Value {
    let start = span
        .start_time_unix_nano
        .saturating_sub(facts.start_unix_nano);
    json!({
        "span_id": span.span_id.to_string(),
        "service": text(span.service_name()),
        "name": text(&span.name),
        "status": span.status_code.as_str(),
        "at_ms": millis(start),
        "duration_ms": millis(span.duration_nano()),
        "own_ms": millis(shape.self_nano[row]),
        "critical_ms": millis(shape.critical_nano[row]),
    })
}

fn event(event: &Event, span: &Span) -> Value {
    let at = event
        .time_unix_nano
        .saturating_sub(span.start_time_unix_nano);
    json!({
        "name": text(&event.name),
        "at_ms": millis(at),
        "attributes": attributes(&event.attributes, |_| true),
    })
}

/// The first attributes whose keys are wanted, as an object.
fn attributes(attributes: &[KeyValue], is_wanted: impl Fn(&str) -> bool) -> Value {
    let wanted = attributes.iter().filter(|one| is_wanted(&one.key));
    let pair = |one: &KeyValue| (text(&one.key), value(&one.value));
    Value::Object(wanted.take(ATTRIBUTES_MAX).map(pair).collect::<Map<_, _>>())
}

fn value(value: &AnyValue) -> Value {
    match value {
        AnyValue::Bool(truth) => json!(truth),
        AnyValue::Int(number) => json!(number),
        AnyValue::Double(double) => number(*double),
        other => json!(text(&value_to_text(other).1)),
    }
}
