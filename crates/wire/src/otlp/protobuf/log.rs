//! The message `LogRecord`.

use columnar::{LogBatchBuilder, LogHead};

use super::{Limits, Parts, Reader, Record, RejectReason, Stop, attributes, id, time, within};

impl Record for LogBatchBuilder {
    fn append(&mut self, message: &[u8], limits: &Limits) -> Result<(), Stop> {
        let head = fields(self, message, limits)?;
        self.commit(&head);
        Ok(())
    }
}

fn fields<'a>(
    rows: &mut LogBatchBuilder,
    message: &'a [u8],
    limits: &Limits,
) -> Result<LogHead<'a>, Stop> {
    let (mut trace_id, mut span_id): (&[u8], &[u8]) = (&[], &[]);
    let (mut at, mut observed) = (0, 0);
    let (mut n_attributes, mut body) = (0, None::<Parts<'_>>);
    let mut head = LogHead::default();
    let mut reader = Reader::new(message);
    while let Some((number, wire)) = reader.field()? {
        match number {
            1 => at = reader.fixed64(wire)?,
            2 => head.severity_number = reader.varint(wire)? as i32,
            3 => head.severity_text = reader.text(wire)?,
            5 => body.get_or_insert_default().add(reader.bytes(wire)?),
            6 => {
                let attribute = reader.bytes(wire)?;
                within(&mut n_attributes, limits.attributes_max)
                    .ok_or(RejectReason::TooManyAttributes)?;
                attributes::append(rows.attributes(), attribute, limits)?;
            }
            7 => head.dropped_attributes_count = reader.varint(wire)? as u32,
            8 => head.flags = reader.fixed32(wire)?,
            9 => trace_id = reader.bytes(wire)?,
            10 => span_id = reader.bytes(wire)?,
            11 => observed = reader.fixed64(wire)?,
            12 => head.event_name = reader.text(wire)?,
            _ => reader.skip(number, wire)?,
        }
    }
    if let Some(body) = body {
        attributes::write(&body.0, limits, |kind, text| {
            rows.set_body_bytes(kind, text)
        })?;
    }
    // OTLP: a record whose id is not valid is of no trace, or of no span.
    head.trace_id = id(trace_id).flatten();
    head.span_id = id(span_id).flatten();
    head.time_unix_nano = time(at)?;
    head.observed_time_unix_nano = time(observed)?;
    Ok(head)
}
