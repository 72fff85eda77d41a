//! Whole traces as the JSON of version 1: `{"data":[…],"total":0,"limit":0,"offset":0,"errors":null}`.

use std::collections::HashMap;
use std::ops::Range;

use axum::body::Bytes;
use columnar::{Column, SpanColumns, resource_from_json};
use query::Trace;
use wire::jaeger::{UiProcess, UiSpan};

use crate::error::ApiError;
use crate::jaeger::error::Told;
use crate::jaeger::warnings;
use crate::jaeger::whole::{Form, Pieces};
use crate::pieces::{OF_BODIES, internal, of_trace, spans_of};

/// The envelope with its traces.
pub(crate) struct Enveloped;

impl Form for Enveloped {
    type Piece = Bytes;

    fn begin(&self) -> Option<Bytes> {
        Some(Bytes::from_static(br#"{"data":["#))
    }

    fn trace(&self, trace: Trace, is_first: bool) -> Result<Pieces<Bytes>, ApiError> {
        let processes = Processes::of(&trace)?;
        let end = processes.pieces(&trace)?;
        let warnings = serde_json::to_vec(&warnings::of_trace(&trace)).map_err(internal)?;
        let spans = of_trace(trace, OF_BODIES, move |trace, rows| {
            let mut out = Vec::new();
            if rows.start == 0 {
                let first = spans_of(trace, 0..1)?;
                let id = first.first().map(|span| span.trace_id.to_string());
                let comma = if is_first { "" } else { "," };
                let id = id.unwrap_or_default();
                let begin = format!(r#"{comma}{{"traceID":"{id}","spans":["#);
                out.extend_from_slice(begin.as_bytes());
            }
            write_spans(trace, rows, &processes, &mut out)?;
            Ok(Bytes::from(out))
        })?;
        let close = [
            br#"},"warnings":"#.as_slice(),
            warnings.as_slice(),
            b"}".as_slice(),
        ];
        let close = Bytes::from(close.concat());
        let begin = Bytes::from_static(br#"],"processes":{"#);
        let begin = std::iter::once(Ok(begin));
        let close = std::iter::once(Ok(close));
        Ok(Box::new(spans.chain(begin).chain(end).chain(close)))
    }

    fn end(&self, missing: Vec<Told>) -> Result<Option<Bytes>, ApiError> {
        let errors = (!missing.is_empty()).then_some(missing);
        let errors = serde_json::to_string(&errors).map_err(internal)?;
        let end = format!(r#"],"total":0,"limit":0,"offset":0,"errors":{errors}}}"#);
        Ok(Some(end.into()))
    }
}

fn write_spans(
    trace: &Trace,
    rows: Range<usize>,
    processes: &Processes,
    out: &mut Vec<u8>,
) -> Result<(), ApiError> {
    let columns = SpanColumns::new(&trace.batch);
    let resources = columns.dict(Column::Resource).map_err(internal)?;
    let spans = spans_of(trace, rows.clone())?;
    for (row, span) in rows.zip(&spans) {
        if row > 0 {
            out.push(b',');
        }
        let mut message = wire::jaeger::span(span);
        message.warnings.extend(warnings::of_span(trace, row, span));
        let json = UiSpan {
            span: &message,
            process_id: &processes.name(resources.key(row)),
        };
        serde_json::to_writer(&mut *out, &json).map_err(internal)?;
    }
    Ok(())
}

/// The distinct resources of a trace, numbered from 1 as they first occur.
struct Processes {
    /// By key of the dictionary of resources; 0 where no span has it.
    numbers: Vec<u32>,
    /// The first key of each.
    keys: Vec<usize>,
}

impl Processes {
    fn of(trace: &Trace) -> Result<Self, ApiError> {
        let columns = SpanColumns::new(&trace.batch);
        let resources = columns.dict(Column::Resource).map_err(internal)?;
        let mut by_text: HashMap<&str, u32> = HashMap::new();
        let mut numbers = vec![0; resources.n_values()];
        let mut keys = Vec::new();
        for key in (0..columns.len()).map(|row| resources.key(row)) {
            if numbers[key] == 0 {
                let next = keys.len() as u32 + 1;
                let number = *by_text.entry(resources.value(key)).or_insert(next);
                if number == next {
                    keys.push(key);
                }
                numbers[key] = number;
            }
        }
        Ok(Self { numbers, keys })
    }

    fn name(&self, key: usize) -> String {
        format!("p{}", self.numbers.get(key).copied().unwrap_or_default())
    }

    /// The members of `processes`, one at a time.
    fn pieces(
        &self,
        trace: &Trace,
    ) -> Result<impl Iterator<Item = Result<Bytes, ApiError>> + Send + use<>, ApiError> {
        let batch = trace.batch.clone();
        let keys = self.keys.clone().into_iter().enumerate();
        Ok(keys.map(move |(at, key)| {
            let columns = SpanColumns::new(&batch);
            let resources = columns.dict(Column::Resource).map_err(internal)?;
            let resource = resource_from_json(resources.value(key)).unwrap_or_default();
            let comma = if at == 0 { "" } else { "," };
            let mut out = format!("{comma}\"p{}\":", at + 1).into_bytes();
            let process = wire::jaeger::process(&resource);
            serde_json::to_writer(&mut out, &UiProcess(&process)).map_err(internal)?;
            Ok(Bytes::from(out))
        }))
    }
}
