//! `/api/traces/{id}` and `/api/v2/traces/{id}`.

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, header};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use prost::Message;
use query::{Around, Excerpt, Trace};
use serde_json::Value;
use traceql::Dialect;

use crate::error::ApiError;
use crate::jaeger::parameters::{Parameters, hex_trace_id};
use crate::native::{find_id, no_spans};
use crate::pieces::{self, internal};
use crate::question::parse_query;
use crate::state::App;
use crate::tempo::parameters::{When, levels};
use crate::tempo::proto::{
    PartialStatus, Trace as TempoTrace, TraceByIdMetrics, TraceByIdResponse,
};

const PROTOBUF: &str = "application/protobuf";

/// Protobuf `Trace`, or JSON whose list is called `batches`.
pub(crate) async fn v1(
    State(app): State<App>,
    Path(id): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        When::of_url(&parameters)?;
        let trace = find_id(&app, hex_trace_id("trace id", &id)?).await?;
        if wants_protobuf(&headers) {
            return protobuf(trace, |resource_spans, _| TempoTrace { resource_spans });
        }
        pieces::otlp_json(trace, r#"{"batches":["#.to_owned(), "]}", fill)
    };
    answer.await.unwrap_or_else(ApiError::into_text)
}

/// `TraceByIDResponse`; with `q` of the spans that it finds, and those around them.
pub(crate) async fn v2(
    State(app): State<App>,
    Path(id): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let (trace, left_out) = part(&app, &id, &parameters).await?;
        whole_or_part(trace, left_out, wants_protobuf(&headers))
    };
    answer.await.unwrap_or_else(ApiError::into_text)
}

/// What is asked for of a trace, and what is said of that which was left out of it.
async fn part(
    app: &App,
    id: &str,
    parameters: &Parameters,
) -> Result<(Trace, Option<String>), ApiError> {
    // The range does not narrow anything: a trace is found by its id.
    When::of_url(parameters)?;
    let keeps_hierarchy = parameters.truth(&["keep_hierarchy"])?.unwrap_or(true);
    let ancestors_max = levels(parameters, &["ancestor_depth"])?.unwrap_or(usize::MAX);
    let around = Around {
        ancestors_max: if keeps_hierarchy { ancestors_max } else { 0 },
        descendants_max: levels(parameters, &["match_depth"])?.unwrap_or(0),
    };
    let id = hex_trace_id("trace id", id)?;
    let Some(q) = parameters.text(&["q"]) else {
        return Ok((find_id(app, id).await?, None));
    };
    let query = parse_query(q, Dialect::Tempo)?;
    let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
    let excerpt = app.engine.excerpt(&tenant, id, &query, around, deadline);
    let excerpt = excerpt.await?.ok_or_else(|| no_spans(id))?;
    let left_out = left_out(&excerpt);
    Ok((excerpt.trace, left_out))
}

fn left_out(excerpt: &Excerpt) -> Option<String> {
    let n_spans = excerpt.n_spans;
    let n_left_out = n_spans - excerpt.trace.batch.num_rows();
    let n_found = match excerpt.n_found {
        0 => "none".to_owned(),
        n_found => n_found.to_string(),
    };
    let said = format!("{n_left_out} of {n_spans} spans are left out; q matches {n_found}");
    (n_left_out > 0).then_some(said)
}

fn whole_or_part(
    trace: Trace,
    left_out: Option<String>,
    as_protobuf: bool,
) -> Result<Response, ApiError> {
    let is_whole = trace.partial.is_none();
    let why = trace.partial.as_ref().map(ToString::to_string);
    let said: Vec<String> = why.into_iter().chain(left_out).collect();
    let message = said.join("; ");
    let metrics = TraceByIdMetrics {
        inspected_bytes: trace.report.read.bytes_read + trace.report.read.bytes_cached,
    };
    if as_protobuf {
        let status = if is_whole {
            PartialStatus::Complete
        } else {
            PartialStatus::Partial
        };
        return protobuf(trace, move |resource_spans, is_last| TraceByIdResponse {
            trace: Some(TempoTrace { resource_spans }),
            metrics: is_last.then_some(metrics),
            status: if is_last { status.into() } else { 0 },
            message: if is_last {
                message.clone()
            } else {
                String::new()
            },
        });
    }
    let status = if is_whole { "COMPLETE" } else { "PARTIAL" };
    let before = format!(
        r#"{{"message":{},"metrics":{{"inspectedBytes":"{}"}},"status":"{status}","trace":{{"resourceSpans":["#,
        Value::from(message),
        metrics.inspected_bytes
    );
    pieces::otlp_json(trace, before, "]}}", fill)
}

/// Protobuf of the messages that `message` makes of the pieces of `trace` and of whether a piece is the last. Messages behind each other are
/// one message, whose lists and parts are put together. Source: the encoding guide of Protocol Buffers, "Last One Wins".
fn protobuf<M: Message>(
    trace: Trace,
    message: impl Fn(Vec<ResourceSpans>, bool) -> M + Send + 'static,
) -> Result<Response, ApiError> {
    pieces::answer(PROTOBUF, trace, move |trace, range, out| {
        let is_last = range.end == trace.batch.num_rows();
        let mut resource_spans = pieces::resource_spans(trace, range)?;
        resource_spans.iter_mut().for_each(fill);
        message(resource_spans, is_last)
            .encode(out)
            .map_err(internal)
    })
}

/// Grafana dereferences the status of each span and the scope of each list, and loses the spans of a resource without attributes.
fn fill(resource_spans: &mut ResourceSpans) {
    let resource = resource_spans.resource.get_or_insert_default();
    if resource.attributes.is_empty() {
        let value = Some(AnyValue {
            value: Some(any_value::Value::StringValue("unknown_service".to_owned())),
        });
        resource.attributes.push(KeyValue {
            key: "service.name".to_owned(),
            value,
            ..Default::default()
        });
    }
    for scope_spans in &mut resource_spans.scope_spans {
        scope_spans.scope.get_or_insert_default();
        for span in &mut scope_spans.spans {
            span.status.get_or_insert_default();
        }
    }
}

fn wants_protobuf(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    accept.contains("protobuf")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_behind_each_other_are_one() {
        let part = |number: u8, is_last| TraceByIdResponse {
            trace: Some(TempoTrace {
                resource_spans: vec![ResourceSpans {
                    schema_url: number.to_string(),
                    ..Default::default()
                }],
            }),
            message: if is_last {
                "late".to_owned()
            } else {
                String::new()
            },
            ..Default::default()
        };
        let bytes = [
            part(1, false).encode_to_vec(),
            part(2, true).encode_to_vec(),
        ]
        .concat();
        let whole = TraceByIdResponse::decode(bytes.as_slice()).unwrap();
        assert_eq!(whole.message, "late");
        let urls = whole.trace.unwrap().resource_spans;
        let urls: Vec<String> = urls.into_iter().map(|r| r.schema_url).collect();
        assert_eq!(urls, ["1", "2"]);
    }
}
