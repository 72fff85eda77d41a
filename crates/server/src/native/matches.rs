//! Find in trace.

use axum::Json;
use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use traceql::Dialect;

use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::native::trace::no_spans;
use crate::question::{parse_query, parse_trace_id};
use crate::state::App;

/// Which spans of a trace meet a filter, by their places in its skeleton.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{traceId}/matches",
    operation_id = "traceMatches",
    params(("traceId" = String, Path, description = "16 or 32 hexadecimal digits, any case"), api::TraceMatchesRequest),
    responses(
        (status = 200, body = api::TraceMatches),
        (status = 400, body = api::ErrorBody, description = "not a trace id, or the query is wrong"),
        (status = 404, body = api::ErrorBody, description = "no spans of it"),
    )
)]
pub(crate) async fn matches(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(request): Query<api::TraceMatchesRequest>,
) -> Result<Json<api::TraceMatches>, ApiError> {
    let id = parse_trace_id(&id)?;
    let query = parse_query(&request.q, Dialect::Causeline)?;
    let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
    let found = app
        .engine
        .matches_in_trace(&tenant, id, &query, deadline)
        .await?;
    let found = found.ok_or_else(|| no_spans(id))?;
    Ok(Json(api::TraceMatches {
        order: found.order,
        spans: found.is_match.len() as u64,
        count: found.is_match.iter().filter(|is_match| **is_match).count() as u64,
        bitmap: BASE64.encode(bitmap(&found.is_match)),
        query: query.to_string(),
        partial: found.partial.map(|partial| partial.to_string()),
    }))
}

/// A bit for each, the first the least of the first byte.
fn bitmap(bits: &[bool]) -> Vec<u8> {
    let byte = |bits: &[bool]| {
        let bits = bits.iter().enumerate();
        bits.fold(0, |byte, (place, bit)| byte | (u8::from(*bit) << place))
    };
    bits.chunks(8).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_the_least_bit() {
        let mut bits = vec![false; 10];
        (bits[0], bits[3], bits[9]) = (true, true, true);
        assert_eq!(bitmap(&bits), [0b1001, 0b10]);
        assert!(bitmap(&[]).is_empty());
    }
}
