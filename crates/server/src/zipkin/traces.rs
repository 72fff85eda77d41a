//! Searches and single traces.

use std::collections::VecDeque;

use axum::extract::{Path, State};
use axum::response::Response;
use model::TraceId;
use query::Partial;

use super::{search, told};
use crate::error::ApiError;
use crate::jaeger::error::with_warning;
use crate::jaeger::parameters::{Parameters, hex_trace_id};
use crate::jaeger::whole::{self, BEGIN_AND_FIRST, Wanted};
use crate::pieces;
use crate::state::App;
use crate::zipkin::form::Lists;

/// Most ids that one request may name.
const IDS_MAX: usize = 1_000;

/// `/api/v2/traces`: the traces that a search finds, the newest first.
pub(super) async fn search(
    State(app): State<App>,
    parameters: Result<Parameters, ApiError>,
) -> Response {
    let answer = async {
        let question = search::of_parameters(&app, &parameters?)?.question(&app)?;
        let found = app.engine.search(&question).await?;
        let wanted = Wanted {
            ids: found.traces.iter().map(|trace| trace.trace_id).collect(),
            ..Wanted::default()
        };
        send(app, wanted, Lists::Many, found.partial).await
    };
    told(answer.await)
}

/// `/api/v2/trace/{id}`.
pub(super) async fn trace(State(app): State<App>, Path(id): Path<String>) -> Response {
    let answer = async {
        let trace = whole::find(&app, hex_trace_id("traceId", &id)?).await?;
        let partial = trace.partial.clone();
        let wanted = Wanted {
            at_hand: VecDeque::from([trace]),
            ..Wanted::default()
        };
        send(app.clone(), wanted, Lists::Single, partial).await
    };
    told(answer.await)
}

/// `/api/v2/traceMany`: those of the named traces that there are.
pub(super) async fn many(
    State(app): State<App>,
    parameters: Result<Parameters, ApiError>,
) -> Response {
    let answer = async {
        let wanted = Wanted {
            ids: ids(&parameters?)?,
            ..Wanted::default()
        };
        send(app, wanted, Lists::Many, None).await
    };
    told(answer.await)
}

async fn send(
    app: App,
    wanted: Wanted,
    form: Lists,
    partial: Option<Partial>,
) -> Result<Response, ApiError> {
    let traces = whole::traces(app, wanted, form);
    let answer = pieces::stream(pieces::JSON, traces, BEGIN_AND_FIRST).await?;
    Ok(with_warning(answer, partial))
}

/// `traceIds=a,b`, each once.
fn ids(parameters: &Parameters) -> Result<VecDeque<TraceId>, ApiError> {
    const NAME: &str = "traceIds";
    let texts: Vec<&str> = parameters
        .all(NAME)
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .collect();
    if texts.is_empty() {
        return Err(ApiError::invalid_parameter(NAME, "is required"));
    }
    if texts.len() > IDS_MAX {
        let problem = format_args!("names more than {IDS_MAX} traces");
        return Err(ApiError::invalid_parameter(NAME, problem));
    }
    let mut ids = VecDeque::new();
    for text in texts {
        let id = hex_trace_id(NAME, text)?;
        if !ids.contains(&id) {
            ids.push_back(id);
        }
    }
    Ok(ids)
}
