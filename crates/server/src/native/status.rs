//! `/api/v1/status`.

use axum::Json;
use axum::extract::State;

use crate::state::App;

/// What runs here and what it holds.
#[utoipa::path(get, path = "/api/v1/status", operation_id = "status", responses((status = 200, body = api::Status)))]
pub(crate) async fn status(State(app): State<App>) -> Json<api::Status> {
    let extent = app.source.extent(&app.tenant());
    Json(api::Status {
        version: app.version.to_owned(),
        started_at_unix_nano: app.started_at_unix_nano.to_string(),
        now_unix_nano: app.clock.unix_nano().to_string(),
        spans: extent.spans,
        oldest_unix_nano: extent.oldest_unix_nano.map(|t| t.to_string()),
        newest_unix_nano: extent.newest_unix_nano.map(|t| t.to_string()),
    })
}
