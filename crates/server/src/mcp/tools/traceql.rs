//! `traceql-search` finds traces, `docs-traceql` explains the language.

use query::{FoundAttribute, FoundSpanset, Label, MatchedSpan, TraceSummary};
use rmcp::schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Ask;
use crate::error::ApiError;
use crate::mcp::answer::{Answer, at, millis, text};
use crate::mcp::arguments::{When, search, time};
use crate::mcp::documents;
use crate::question::{parse_limit, parse_order};
use crate::state::App;

/// Traces at most, and unless another number is asked for.
const TRACES_MAX: usize = 100;
const TRACES_DEFAULT: usize = 10;

/// Spans that are shown of each trace at most, and unless another number is asked for.
const SPANS_MAX: usize = 20;
const SPANS_DEFAULT: usize = 3;

/// Services that are named of each trace, those with most spans.
const SERVICES_MAX: usize = 10;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(crate) struct Search {
    /// TraceQL, such as `{ resource.service.name = "cart" && status = error }`. `docs-traceql` explains it.
    query: String,
    /// Begin of the range: RFC 3339, Unix seconds, or so long ago as `1h`. An hour before the end by default.
    start: Option<When>,
    /// End of the range, likewise. Now by default.
    end: Option<When>,
    /// How many traces at most: 1 to 100, 10 by default.
    limit: Option<u32>,
    /// What comes first: `start` (the latest, the default), `duration` (the longest), `spans` or `errors` (those with most).
    sort: Option<String>,
    /// How many matching spans to show of each trace: 1 to 20, 3 by default.
    spans: Option<u32>,
}

impl Ask for Search {
    const NAME: &'static str = "traceql-search";
    const ABOUT: &'static str = "Traces with spans that a TraceQL query finds: root, start, duration, services, errors, and some of the matching spans. Look into one with `trace-summary`. When nothing is found, `why` says why.";

    async fn ask(self, app: App) -> Result<Answer, ApiError> {
        let query = search("query", &self.query)?;
        let time = time(&app, self.start.as_ref(), self.end.as_ref())?;
        let question = query::SearchRequest {
            tenant: app.tenant(),
            query,
            time,
            limit: parse_limit("limit", self.limit, TRACES_DEFAULT, TRACES_MAX)?,
            spans_per_trace: Some(parse_limit("spans", self.spans, SPANS_DEFAULT, SPANS_MAX)?),
            order: parse_order(self.sort.as_deref())?,
            cursor: None,
            deadline: Some(app.deadline()),
        };
        let found = app.engine.search(&question).await?;
        let (has_more, n_found) = (found.next_cursor.is_some(), found.traces.len());
        let answer = Answer::of(time)
            .with("found", n_found)
            .partial(found.partial)
            .list("traces", found.traces.into_iter().map(trace), TRACES_MAX);
        Ok(match has_more {
            true => answer.more("traces: there are more; narrow the query or the range, raise the limit, or count them with traceql-metrics-instant"),
            false => answer,
        })
    }
}

fn trace(mut trace: TraceSummary) -> Value {
    let matched = trace.matched();
    trace
        .services
        .sort_by_key(|service| std::cmp::Reverse(service.span_count));
    let services = trace.services.iter().take(SERVICES_MAX);
    let services: Vec<String> = services.map(|service| text(&service.name)).collect();
    let groups = trace.spansets.iter().filter(|set| !set.labels.is_empty());
    let groups: Vec<Value> = groups.take(SPANS_MAX).map(group).collect();
    let root = match trace.root_missing {
        true => Value::Null,
        false => json!(text(&format!("{} {}", trace.root_service, trace.root_name))),
    };
    let mut row = json!({
        "trace_id": trace.trace_id.to_string(),
        "root": root,
        "start": at(trace.start_unix_nano),
        "duration_ms": millis(trace.duration_nano),
        "spans": trace.span_count,
        "errors": trace.error_count,
        "services": services,
        "matched": matched,
        "matching": trace.spansets.into_iter().flat_map(|set| set.spans).take(SPANS_MAX).map(span).collect::<Vec<_>>(),
    });
    if !groups.is_empty() {
        row["groups"] = Value::Array(groups);
    }
    row
}

fn group(set: &FoundSpanset) -> Value {
    json!({ "labels": labels(&set.labels), "matched": set.matched })
}

/// Labels as an object of texts.
pub(super) fn labels(labels: &[Label]) -> Value {
    let label = |label: &Label| {
        let (_, value) = label.value.to_text();
        (text(&label.name), Value::String(text(&value)))
    };
    Value::Object(labels.iter().map(label).collect())
}

fn span(span: MatchedSpan) -> Value {
    let attribute = |a: FoundAttribute| (text(&a.key), Value::String(text(&a.text)));
    let attributes: Map<String, Value> = span.attributes.into_iter().map(attribute).collect();
    let mut row = json!({
        "span_id": span.span_id.to_string(),
        "service": text(&span.service),
        "name": text(&span.name),
        "duration_ms": millis(span.duration_nano),
        "status": span.status.as_str(),
    });
    if !attributes.is_empty() {
        row["attributes"] = Value::Object(attributes);
    }
    row
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(crate) struct Docs {
    /// The section: `basic`, `structural`, `aggregates`, `metrics` or `dialects`; `reference`, the default, is all of them.
    name: Option<String>,
}

impl Ask for Docs {
    const NAME: &'static str = "docs-traceql";
    const ABOUT: &'static str = "How TraceQL is written: fields, conditions, structure of traces, aggregates, metrics, with examples.";

    async fn ask(self, _: App) -> Result<Answer, ApiError> {
        let name = self.name.as_deref().filter(|name| !name.is_empty());
        let name = name.unwrap_or(documents::REFERENCE);
        let section = documents::section(name).ok_or_else(|| {
            let names: Vec<&str> = documents::names().collect();
            ApiError::invalid_parameter("name", "is no section")
                .hint(format!("one of {}", names.join(", ")))
        })?;
        Ok(Answer::default().with(name, section))
    }
}
