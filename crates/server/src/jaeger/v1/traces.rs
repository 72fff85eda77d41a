//! Searches and single traces.

use std::collections::VecDeque;

use axum::extract::{Path, State};
use axum::response::Response;

use crate::error::ApiError;
use crate::jaeger::error::{Told, enveloped};
use crate::jaeger::parameters::{Parameters, tags_of_json, trace_id};
use crate::jaeger::search::Search;
use crate::jaeger::v1::form::Enveloped;
use crate::jaeger::whole::{self, BEGIN_AND_FIRST, Wanted};
use crate::pieces;
use crate::state::App;

/// Nanoseconds of a microsecond.
const MICROSECOND_NANO: i64 = 1_000;

/// Most ids that one request may name.
const IDS_MAX: usize = 1_000;

/// `/api/traces`: the traces that a search finds, or those that are named.
pub(crate) async fn search(State(app): State<App>, parameters: Parameters) -> Response {
    let answer = async {
        let ids = ids(&parameters)?;
        parameters.flag(&["raw"])?;
        let wanted = if ids.is_empty() {
            let question = of_parameters(&parameters)?.question(&app)?;
            let found = app.engine.search(&question).await?;
            let why = found
                .partial
                .map(|why| Told::missing(why.to_string(), None));
            Wanted {
                ids: found.traces.iter().map(|trace| trace.trace_id).collect(),
                missing: why.into_iter().collect(),
                ..Wanted::default()
            }
        } else {
            Wanted {
                ids,
                tells_absent: true,
                ..Wanted::default()
            }
        };
        send(app, wanted).await
    };
    answer.await.unwrap_or_else(enveloped)
}

/// `/api/traces/{id}`. Traces are found by their id alone: a range that misses the trace does not lose it. They are always shown as they are
/// stored, so `raw` changes nothing.
pub(crate) async fn trace(
    State(app): State<App>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Response {
    let answer = async {
        check_hints(&parameters)?;
        let trace = whole::find(&app, trace_id("traceID", &id)?).await?;
        let wanted = Wanted {
            at_hand: VecDeque::from([trace]),
            ..Wanted::default()
        };
        send(app.clone(), wanted).await
    };
    answer.await.unwrap_or_else(enveloped)
}

async fn send(app: App, wanted: Wanted) -> Result<Response, ApiError> {
    let traces = whole::traces(app, wanted, Enveloped);
    pieces::stream(pieces::JSON, traces, BEGIN_AND_FIRST).await
}

fn ids(parameters: &Parameters) -> Result<VecDeque<model::TraceId>, ApiError> {
    let texts: Vec<&str> = parameters.all("traceID").collect();
    if texts.len() > IDS_MAX {
        let problem = format_args!("is given more than {IDS_MAX} times");
        return Err(ApiError::invalid_parameter("traceID", problem));
    }
    texts
        .into_iter()
        .map(|text| trace_id("traceID", text))
        .collect()
}

/// The range of a request for single traces, which is of no use here but must be one.
pub(crate) fn check_hints(parameters: &Parameters) -> Result<(), ApiError> {
    parameters.units(&["start"], MICROSECOND_NANO)?;
    parameters.units(&["end"], MICROSECOND_NANO)?;
    parameters.flag(&["raw"])?;
    Ok(())
}

fn of_parameters(parameters: &Parameters) -> Result<Search, ApiError> {
    let service = super::service(parameters)?;
    Ok(Search {
        service: Some(service.to_owned()),
        operation: parameters.text(&["operation"]).map(str::to_owned),
        tags: tags(parameters)?,
        duration_min: parameters.duration(&["minDuration"])?,
        duration_max: parameters.duration(&["maxDuration"])?,
        start: parameters.units(&["start"], MICROSECOND_NANO)?,
        end: parameters.units(&["end"], MICROSECOND_NANO)?,
        limit: parameters.integer(&["limit"])?,
        conditions: Vec::new(),
    })
}

/// `tag=key:value`, any number of them, and `tags={"key":"value"}`.
fn tags(parameters: &Parameters) -> Result<Vec<(String, String)>, ApiError> {
    let mut tags = Vec::new();
    for tag in parameters.all("tag").filter(|tag| !tag.is_empty()) {
        let pair = tag.split_once(':').filter(|(key, _)| !key.is_empty());
        let (key, value) = pair.ok_or_else(|| {
            ApiError::invalid_parameter("tag", "is not key:value")
                .hint("write for instance tag=http.response.status_code:500")
        })?;
        tags.push((key.to_owned(), value.to_owned()));
    }
    for json in parameters.all("tags").filter(|json| !json.is_empty()) {
        tags.extend(tags_of_json("tags", json)?);
    }
    Ok(tags)
}
