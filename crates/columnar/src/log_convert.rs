//! Batches to and from single log records, for people who read them and for tests.

use arrow::array::RecordBatch;
use model::{LogRecord, Resource, Scope, SeverityNumber, TenantId};

use crate::builder::{BatchBuilder, LogBatchBuilder, LogHead};
use crate::convert::{Shared, attributes_of, push_all, read_value};
use crate::json::{resource_from_json, scope_from_json};
use crate::json_text::{resource_to_json, scope_to_json};
use crate::log_schema::LogColumn;
use crate::text::value_to_text;
use crate::view::{LogColumns, ViewError, span_id, trace_id};

/// The batch of `records`, in their order.
pub fn logs_from_model(
    records: &[LogRecord],
    tenant: &TenantId,
    received_unix_nano: i64,
) -> RecordBatch {
    let mut builder = LogBatchBuilder::new();
    for record in records {
        builder.set_resource(
            &resource_to_json(&record.resource),
            record.resource.service_name(),
        );
        builder.set_scope(&scope_to_json(&record.scope));
        push_all(builder.attributes(), &record.attributes);
        let (kind, text) = value_to_text(&record.body);
        builder.set_body(kind, &text);
        builder.commit(&LogHead {
            trace_id: record.trace_id.map(|id| id.0),
            span_id: record.span_id.map(|id| id.0),
            time_unix_nano: record.time_unix_nano,
            observed_time_unix_nano: record.observed_time_unix_nano,
            severity_number: record.severity_number.0,
            severity_text: &record.severity_text,
            event_name: &record.event_name,
            flags: record.flags,
            dropped_attributes_count: record.dropped_attributes_count,
        });
    }
    builder.finish(tenant, received_unix_nano)
}

/// The log records of `batch`, in its order. Rows of one resource (or scope) share it. Texts that are not what they claim to be
/// read as in [`crate::to_model`].
///
/// Errors: `ViewError` when the batch lacks a column of the schema.
pub fn logs_to_model(batch: &RecordBatch) -> Result<Vec<LogRecord>, ViewError> {
    let columns = LogColumns::new(batch);
    let trace_ids = columns.ids(LogColumn::TraceId)?;
    let span_ids = columns.ids(LogColumn::SpanId)?;
    let times = columns.int64(LogColumn::TimeUnixNano)?;
    let observed = columns.int64(LogColumn::ObservedTimeUnixNano)?;
    let severities = columns.int32(LogColumn::SeverityNumber)?;
    let severity_texts = columns.dict(LogColumn::SeverityText)?;
    let event_names = columns.dict(LogColumn::EventName)?;
    let flags = columns.int64(LogColumn::Flags)?;
    let bodies = columns.bodies()?;
    let resources = Shared::<Resource>::new(columns.dict(LogColumn::Resource)?, resource_from_json);
    let scopes = Shared::<Scope>::new(columns.dict(LogColumn::Scope)?, scope_from_json);
    let attributes = columns.attributes()?;
    let dropped = columns.int64(LogColumn::DroppedAttributesCount)?;
    let record = |row: usize| LogRecord {
        trace_id: trace_id(trace_ids, row),
        span_id: span_id(span_ids, row),
        time_unix_nano: times.value(row),
        observed_time_unix_nano: observed.value(row),
        severity_number: SeverityNumber(severities.value(row)),
        severity_text: severity_texts.get(row).to_owned(),
        event_name: event_names.get(row).to_owned(),
        body: read_value(bodies.kind(row), bodies.texts.get(row)),
        attributes: attributes_of(&attributes, row),
        dropped_attributes_count: dropped.value(row) as u32,
        flags: flags.value(row) as u32,
        resource: resources.get(row),
        scope: scopes.get(row),
    };
    Ok((0..columns.len()).map(record).collect())
}
