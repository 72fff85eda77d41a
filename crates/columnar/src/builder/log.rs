//! Appends log records to columns.

use std::str::Utf8Error;

use arrow::array::{ArrayRef, RecordBatch};
use model::TenantId;

use super::BatchBuilder;
use super::parts::{AttributesBuilder, IdColumn, Origins, TextColumn, int8, int32, int64, tenants};
use crate::log_schema::log_schema;
use crate::text::ValueType;

/// The plain fields of a log record.
#[derive(Debug, Clone, Copy, Default)]
#[expect(missing_docs, reason = "the fields of `model::LogRecord`")]
pub struct LogHead<'a> {
    pub trace_id: Option<[u8; 16]>,
    pub span_id: Option<[u8; 8]>,
    pub time_unix_nano: i64,
    pub observed_time_unix_nano: i64,
    pub severity_number: i32,
    pub severity_text: &'a str,
    pub event_name: &'a str,
    pub flags: u32,
    pub dropped_attributes_count: u32,
}

/// Builds one batch of log records of one tenant.
#[derive(Debug, Default)]
pub struct LogBatchBuilder {
    trace_ids: IdColumn<16>,
    span_ids: IdColumn<8>,
    times: Vec<i64>,
    observed: Vec<i64>,
    severities: Vec<i32>,
    severity_texts: TextColumn,
    body_types: Vec<i8>,
    bodies: TextColumn,
    event_names: TextColumn,
    flags: Vec<i64>,
    origins: Origins,
    attributes: AttributesBuilder,
    dropped_attributes: Vec<i64>,
}

impl LogBatchBuilder {
    /// A builder without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the resource of the records that follow: its JSON (see the module docs of the crate) and its `service.name`.
    pub fn set_resource(&mut self, json: &str, service_name: &str) {
        self.origins.set_resource(json, service_name);
    }

    /// Sets the scope of the records that follow, as JSON.
    pub fn set_scope(&mut self, json: &str) {
        self.origins.set_scope(json);
    }

    /// The attributes of the open record.
    pub fn attributes(&mut self) -> &mut AttributesBuilder {
        &mut self.attributes
    }

    /// Sets the body of the open record, in the form of `kind` (see the module docs of the crate); of several the last counts.
    pub fn set_body(&mut self, kind: ValueType, text: &str) {
        self.forget_body();
        self.body_types.push(kind as i8);
        self.bodies.push(text);
    }

    /// Sets the body to a text that was not checked to be UTF-8 yet.
    ///
    /// Errors: `Utf8Error` when it is not; the open record is to be aborted then.
    pub fn set_body_bytes(&mut self, kind: ValueType, text: &[u8]) -> Result<(), Utf8Error> {
        self.forget_body();
        let before = self.len().checked_sub(1);
        self.bodies.push_bytes(before, text)?;
        self.body_types.push(kind as i8);
        Ok(())
    }

    fn forget_body(&mut self) {
        let rows = self.len();
        self.body_types.truncate(rows);
        self.bodies.truncate(rows);
    }

    /// Closes the open record. Its resource and scope were set before, or replace what stands there later.
    pub fn commit(&mut self, head: &LogHead<'_>) {
        if self.body_types.len() == self.len() {
            self.set_body(ValueType::Empty, "");
        }
        self.trace_ids.push(head.trace_id);
        self.span_ids.push(head.span_id);
        self.times.push(head.time_unix_nano);
        self.observed.push(head.observed_time_unix_nano);
        self.severities.push(head.severity_number);
        self.severity_texts.push(head.severity_text);
        self.event_names.push(head.event_name);
        self.flags.push(i64::from(head.flags));
        self.origins.push();
        self.attributes.close_row();
        self.dropped_attributes
            .push(i64::from(head.dropped_attributes_count));
    }
}

impl BatchBuilder for LogBatchBuilder {
    fn replace_resource(&mut self, row: usize, json: &str, service_name: &str) {
        self.origins.replace_resource(row, json, service_name);
    }

    fn replace_scope(&mut self, row: usize, json: &str) {
        self.origins.replace_scope(row, json);
    }

    fn abort(&mut self) {
        self.forget_body();
        self.attributes.truncate(self.times.len());
    }

    fn truncate(&mut self, rows: usize) {
        self.trace_ids.truncate(rows);
        self.span_ids.truncate(rows);
        self.severities.truncate(rows);
        let numbers = [
            &mut self.times,
            &mut self.observed,
            &mut self.flags,
            &mut self.dropped_attributes,
        ];
        numbers.into_iter().for_each(|n| n.truncate(rows));
        self.severity_texts.truncate(rows);
        self.event_names.truncate(rows);
        self.origins.truncate(rows);
        self.abort();
    }

    fn len(&self) -> usize {
        self.times.len()
    }

    fn bytes(&self) -> usize {
        let texts = [&self.severity_texts, &self.bodies, &self.event_names];
        let texts: usize = texts.iter().map(|c| c.text_bytes()).sum();
        texts + self.origins.text_bytes() + self.attributes.text_bytes() + 110 * self.len()
    }

    fn finish(mut self, tenant: &TenantId, received_unix_nano: i64) -> RecordBatch {
        self.abort();
        let n = self.len();
        let sort_times = self.times.iter().zip(&self.observed).map(|times| {
            let given = [times.0, times.1].into_iter().find(|&time| *time != 0);
            given.copied().unwrap_or(received_unix_nano)
        });
        let sort_times: Vec<i64> = sort_times.collect();
        let [services, resources, scopes] = self.origins.finish();
        let columns: Vec<ArrayRef> = vec![
            tenants(tenant, n),
            int64(sort_times),
            int64(self.times),
            int64(self.observed),
            self.trace_ids.finish(),
            self.span_ids.finish(),
            int64(self.flags),
            int32(self.severities),
            self.severity_texts.finish(),
            self.event_names.finish(),
            int8(self.body_types),
            self.bodies.finish(),
            services,
            resources,
            scopes,
            self.attributes.finish(),
            int64(self.dropped_attributes),
            int64(vec![received_unix_nano; n]),
        ];
        RecordBatch::try_new(log_schema(), columns).expect("the builder's columns are the schema's")
    }
}
