//! The log records of one trace.

use axum::Json;
use axum::extract::State;
use columnar::{LogColumn, LogColumns, ViewError, logs_to_model, value_to_text};
use model::LogRecord;
use query::TraceLogs;

use crate::error::ApiError;
use crate::extract::Path;
use crate::native::convert::{attributes, non_empty, resource, scope};
use crate::question::parse_trace_id;
use crate::state::App;

/// Log records that carry the id of the trace; none is no error, nor is a trace without spans.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{traceId}/logs",
    operation_id = "traceLogs",
    params(("traceId" = String, Path, description = "16 or 32 hexadecimal digits, any case")),
    responses(
        (status = 200, body = api::TraceLogsResponse),
        (status = 400, body = api::ErrorBody, description = "not a trace id"),
    )
)]
pub(crate) async fn logs(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<api::TraceLogsResponse>, ApiError> {
    let id = parse_trace_id(&id)?;
    let deadline = Some(app.deadline());
    let found = app.logs.of_trace(&app.tenant(), id, deadline).await?;
    let logs = rows(&found).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(Json(api::TraceLogsResponse {
        logs,
        partial: found.partial.map(|partial| partial.to_string()),
    }))
}

fn rows(found: &TraceLogs) -> Result<Vec<api::LogRecord>, ViewError> {
    let times = LogColumns::new(&found.batch).int64(LogColumn::SortTimeUnixNano)?;
    let records = logs_to_model(&found.batch)?;
    let rows = records.iter().zip(times.values());
    Ok(rows.map(|(record, time)| row(record, *time)).collect())
}

fn row(record: &LogRecord, sort_time_unix_nano: i64) -> api::LogRecord {
    let (body_type, body) = value_to_text(&record.body);
    api::LogRecord {
        sort_time_unix_nano: sort_time_unix_nano.to_string(),
        time_unix_nano: record.time_unix_nano.to_string(),
        observed_time_unix_nano: record.observed_time_unix_nano.to_string(),
        span_id: record.span_id.map(|id| id.to_string()),
        service: record.resource.service_name().to_owned(),
        severity_number: record.severity_number.0,
        severity: record.severity_number.as_str().to_owned(),
        severity_text: non_empty(&record.severity_text),
        event_name: non_empty(&record.event_name),
        body_type: body_type.as_str().to_owned(),
        body,
        attributes: attributes(&record.attributes),
        dropped_attributes_count: record.dropped_attributes_count,
        flags: record.flags,
        resource: resource(&record.resource),
        scope: scope(&record.scope),
    }
}
