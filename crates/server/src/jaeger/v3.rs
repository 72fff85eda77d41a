//! Version 3 over HTTP: OTLP/JSON in `{"result":…}`, summaries of traces, names, calls. Jaeger's current UI searches with it.
//!
//! Parameters are in lowerCamelCase, or as protobuf spells them.

mod form;
mod summaries;

use std::collections::VecDeque;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::ApiError;
use crate::jaeger::dependencies;
use crate::jaeger::error::{gateway, with_warning};
use crate::jaeger::names;
use crate::jaeger::parameters::{Names, Parameters, tags_of_json, trace_id};
use crate::jaeger::search::{Search, no_filters};
use crate::jaeger::whole::{self, BEGIN_AND_FIRST, Wanted};
use crate::pieces;
use crate::state::App;

pub(super) use summaries::{ServiceSummary, Summary, summaries, trace_summaries};

pub(super) async fn services(State(app): State<App>) -> Response {
    let answer = async {
        let (names, partial) = names::services(&app).await?;
        let answer = Json(json!({ "services": names })).into_response();
        Ok(with_warning(answer, partial))
    };
    answer.await.unwrap_or_else(gateway)
}

pub(super) async fn operations(State(app): State<App>, parameters: Parameters) -> Response {
    let answer = async {
        let service = parameters.text(&["service"]);
        let missing = || ApiError::invalid_parameter("service", "is required");
        let service = service.ok_or_else(missing)?;
        let kind = parameters.text(&["spanKind", "span_kind"]);
        let (found, partial) = names::operations(&app, service, kind).await?;
        let operation = |(name, kind): (String, &'static str)| {
            // As Jaeger shows spans that say none.
            let kind = if kind.is_empty() { "internal" } else { kind };
            json!({ "name": name, "spanKind": kind })
        };
        let operations: Vec<_> = found.into_iter().map(operation).collect();
        let answer = Json(json!({ "operations": operations })).into_response();
        Ok(with_warning(answer, partial))
    };
    answer.await.unwrap_or_else(gateway)
}

pub(super) async fn dependencies(State(app): State<App>, parameters: Parameters) -> Response {
    let answer = async {
        let start = required_time(&parameters, &["startTime", "start_time"])?;
        let end = required_time(&parameters, &["endTime", "end_time"])?;
        let (links, partial) = dependencies::links(&app, start, end).await?;
        let link = |link: dependencies::Link| {
            json!({
                "parent": link.parent,
                "child": link.child,
                // As protobuf's JSON has 64-bit numbers.
                "callCount": link.call_count.to_string(),
            })
        };
        let links: Vec<_> = links.into_iter().map(link).collect();
        let answer = Json(json!({ "dependencies": links })).into_response();
        Ok(with_warning(answer, partial))
    };
    answer.await.unwrap_or_else(gateway)
}

/// `/api/v3/traces/{trace_id}`. Traces are found by their id alone, and shown as they are stored.
pub(super) async fn trace(
    State(app): State<App>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Response {
    let answer = async {
        parameters.time(&["startTime", "start_time"])?;
        parameters.time(&["endTime", "end_time"])?;
        parameters.flag(&["rawTraces", "raw_traces"])?;
        let trace = whole::find(&app, trace_id("trace_id", &id)?).await?;
        let wanted = Wanted {
            at_hand: VecDeque::from([trace]),
            ..Wanted::default()
        };
        send(app.clone(), wanted).await
    };
    answer.await.unwrap_or_else(gateway)
}

/// `/api/v3/traces`: the whole traces that a search finds. Finding none is 404, as in Jaeger.
pub(super) async fn traces(State(app): State<App>, parameters: Parameters) -> Response {
    let answer = async {
        let question = search(&parameters)?.question(&app)?;
        let found = app.engine.search(&question).await?;
        if found.traces.is_empty() {
            return Err(ApiError::not_found("No traces found"));
        }
        let wanted = Wanted {
            ids: found.traces.iter().map(|trace| trace.trace_id).collect(),
            ..Wanted::default()
        };
        let answer = send(app.clone(), wanted).await?;
        Ok(with_warning(answer, found.partial))
    };
    answer.await.unwrap_or_else(gateway)
}

async fn send(app: App, wanted: Wanted) -> Result<Response, ApiError> {
    let traces = whole::traces(app, wanted, form::Wrapped);
    pieces::stream(pieces::JSON, traces, BEGIN_AND_FIRST).await
}

/// The search that parameters ask for. Both ends of its range are required.
fn search(parameters: &Parameters) -> Result<Search, ApiError> {
    const NUMBER: Names = &[
        "query.searchDepth",
        "query.search_depth",
        "query.numTraces",
        "query.num_traces",
    ];
    const OPERATION: Names = &[
        "query.operationName",
        "query.operation_name",
        "query.spanName",
        "query.span_name",
    ];
    if parameters.text(&["query.filter"]).is_some() {
        return Err(no_filters());
    }
    parameters.flag(&["query.rawTraces", "query.raw_traces"])?;
    let text = |names| parameters.text(names).map(str::to_owned);
    let tags = parameters.text(&["query.attributes"]);
    let tags = tags.map(|json| tags_of_json("query.attributes", json));
    let start = &["query.startTimeMin", "query.start_time_min"];
    let end = &["query.startTimeMax", "query.start_time_max"];
    Ok(Search {
        service: text(&["query.serviceName", "query.service_name"]),
        operation: text(OPERATION),
        tags: tags.transpose()?.unwrap_or_default().into_iter().collect(),
        duration_min: parameters.duration(&["query.durationMin", "query.duration_min"])?,
        duration_max: parameters.duration(&["query.durationMax", "query.duration_max"])?,
        start: Some(required_time(parameters, start)?),
        end: Some(required_time(parameters, end)?),
        limit: parameters.integer(NUMBER)?,
        conditions: Vec::new(),
    })
}

fn required_time(parameters: &Parameters, names: Names) -> Result<i64, ApiError> {
    let name = names.first().copied().unwrap_or_default();
    let missing = || {
        ApiError::invalid_parameter(name, "is required")
            .hint("write for instance 2026-11-30T12:00:00Z")
    };
    parameters.time(names)?.ok_or_else(missing)
}
