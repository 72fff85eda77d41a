//! The message `LogRecord`.

use columnar::{LogBatchBuilder, LogHead};
use serde::de::{Deserializer, MapAccess};

use super::attributes::{AttributeColumn, Value};
use super::message::{Each, Fill, Message, ignore, read};
use super::request::Record;
use super::scalar::{EnumNumber, Text, U32, U64, id, time};
use super::{Limits, RejectReason};

impl Record for LogBatchBuilder {
    const RESOURCES: [&'static str; 2] = ["resourceLogs", "resource_logs"];
    const SCOPES: [&'static str; 2] = ["scopeLogs", "scope_logs"];
    const RECORDS: [&'static str; 2] = ["logRecords", "log_records"];

    fn append<'de, D: Deserializer<'de>>(
        &mut self,
        message: D,
        limits: &Limits,
    ) -> Result<Result<(), RejectReason>, D::Error> {
        let mut record = LogRecord {
            rows: self,
            limits,
            rejection: None,
            n_attributes: 0,
            trace_id: Text::default(),
            span_id: Text::default(),
            time: U64::default(),
            observed: U64::default(),
            severity_text: Text::default(),
            event_name: Text::default(),
            numbers: LogHead::default(),
        };
        read(message, &mut record)?;
        Ok(record.close())
    }
}

/// A record; its body and attributes go to the builder as they come.
struct LogRecord<'de, 's> {
    rows: &'s mut LogBatchBuilder,
    limits: &'s Limits,
    rejection: Option<RejectReason>,
    n_attributes: usize,
    trace_id: Text<'de>,
    span_id: Text<'de>,
    time: U64,
    observed: U64,
    severity_text: Text<'de>,
    event_name: Text<'de>,
    /// The fields that are plain numbers.
    numbers: LogHead<'static>,
}

impl LogRecord<'_, '_> {
    /// Commits the row, unless the record is to be rejected.
    fn close(self) -> Result<(), RejectReason> {
        if let Some(reason) = self.rejection {
            return Err(reason);
        }
        // OTLP: a record whose id is not valid is of no trace, or of no span.
        let (trace_id, span_id) = (id(&self.trace_id.0), id(&self.span_id.0));
        let head = LogHead {
            trace_id: trace_id.flatten().filter(|id| *id != [0; 16]),
            span_id: span_id.flatten().filter(|id| *id != [0; 8]),
            time_unix_nano: time(self.time)?,
            observed_time_unix_nano: time(self.observed)?,
            severity_text: &self.severity_text.0,
            event_name: &self.event_name.0,
            ..self.numbers
        };
        self.rows.commit(&head);
        Ok(())
    }
}

impl<'de> Message<'de> for LogRecord<'de, '_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "timeUnixNano" | "time_unix_nano" => self.time = map.next_value()?,
            "observedTimeUnixNano" | "observed_time_unix_nano" => {
                self.observed = map.next_value()?;
            }
            "severityNumber" | "severity_number" => {
                self.numbers.severity_number = map.next_value::<EnumNumber>()?.0;
            }
            "severityText" | "severity_text" => self.severity_text = map.next_value()?,
            "eventName" | "event_name" => self.event_name = map.next_value()?,
            "body" => {
                let mut body = Value::new(self.limits, 0);
                map.next_value_seed(Fill(&mut body))?;
                self.rejection = self.rejection.or(body.rejection);
                if self.rejection.is_none() {
                    body.value
                        .write(|kind, text| self.rows.set_body(kind, text));
                }
            }
            "attributes" => map.next_value_seed(Each(&mut AttributeColumn {
                attributes: self.rows.attributes(),
                limits: self.limits,
                n: &mut self.n_attributes,
                rejection: &mut self.rejection,
            }))?,
            "droppedAttributesCount" | "dropped_attributes_count" => {
                self.numbers.dropped_attributes_count = map.next_value::<U32>()?.0;
            }
            "flags" => self.numbers.flags = map.next_value::<U32>()?.0,
            "traceId" | "trace_id" => self.trace_id = map.next_value()?,
            "spanId" | "span_id" => self.span_id = map.next_value()?,
            _ => ignore(map)?,
        }
        Ok(())
    }
}
