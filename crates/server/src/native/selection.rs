//! Requests that name traces, by id or by a query.

use model::TraceId;
use query::Matching;
use traceql::Dialect;

use crate::error::ApiError;
use crate::question::{parse_query, parse_trace_id};
use crate::range::{MILLISECOND_NANO, range};
use crate::state::App;

/// The traces that `selection` stands for: all of them, or an error when it has no ids and more than `traces_max` match.
pub(crate) async fn resolve(
    app: &App,
    selection: &api::TraceSelection,
    traces_max: usize,
) -> Result<Vec<TraceId>, ApiError> {
    let ids = &selection.trace_ids;
    let Some(text) = &selection.query else {
        if ids.is_empty() {
            return Err(ApiError::invalid_parameter("traces", "selects nothing")
                .hint("give traceIds, or a query and a start"));
        }
        return ids.iter().map(|id| parse_trace_id(id)).collect();
    };
    if !ids.is_empty() {
        let problem = "has both traceIds and a query";
        return Err(ApiError::invalid_parameter("traces", problem));
    }
    if selection.start.is_none() {
        return Err(
            ApiError::invalid_parameter("traces", "has a query without a start")
                .hint("give the start of the range in Unix milliseconds; 0 is the beginning"),
        );
    }
    let query = parse_query(text, Dialect::Causeline)?;
    let time = range(
        selection.start,
        selection.end,
        MILLISECOND_NANO,
        &*app.clock,
    )?;
    let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
    let found = app
        .engine
        .matching_traces(&tenant, query, time, traces_max, deadline);
    // A part of what was meant is worse than nothing: it looks done.
    match found.await? {
        Matching::All(ids) if ids.is_empty() => {
            Err(ApiError::not_found("no trace matches the query"))
        }
        Matching::All(ids) => Ok(ids),
        Matching::TooMany => {
            let problem = format!("more than {traces_max} traces match");
            Err(ApiError::limited(problem).hint("make several, of shorter time ranges"))
        }
        Matching::Partial(reason) => Err(ApiError::limited(format!(
            "the query could not be resolved to all of its traces: {reason}"
        ))),
    }
}
