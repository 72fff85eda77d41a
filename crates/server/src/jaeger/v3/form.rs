//! Whole traces as OTLP/JSON in the envelope of a gRPC gateway: `{"result":{"resourceSpans":[…]}}`.
//!
//! Jaeger's UI checks what it reads, and refuses a whole trace for one value that it does not expect: an attribute without a value, a number that
//! JSON has no word for, a link without ids. The first two are texts here, the third is left out.

use axum::body::Bytes;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use query::Trace;
use wire::otlp::{OtlpJson, spans_to_traces_data};

use crate::error::ApiError;
use crate::jaeger::error::Told;
use crate::jaeger::warnings::warned_spans;
use crate::jaeger::whole::{Form, Pieces, end_without_word};
use crate::pieces::{OF_BODIES, internal, of_trace};

/// The envelope with its traces, whose spans all stand in one list.
pub(crate) struct Wrapped;

impl Form for Wrapped {
    type Piece = Bytes;

    fn begin(&self) -> Option<Bytes> {
        Some(Bytes::from_static(br#"{"result":{"resourceSpans":["#))
    }

    fn trace(&self, trace: Trace, is_first: bool) -> Result<Pieces<Bytes>, ApiError> {
        let pieces = of_trace(trace, OF_BODIES, move |trace, rows| {
            let data = spans_to_traces_data(&warned_spans(trace, rows.clone())?);
            let mut out = Vec::new();
            for (number, mut item) in data.resource_spans.into_iter().enumerate() {
                if !is_first || rows.start > 0 || number > 0 {
                    out.push(b',');
                }
                mend(&mut item);
                serde_json::to_writer(&mut out, &OtlpJson(&item)).map_err(internal)?;
            }
            Ok(Bytes::from(out))
        })?;
        Ok(Box::new(pieces))
    }

    fn end(&self, missing: Vec<Told>) -> Result<Option<Bytes>, ApiError> {
        let nothing = end_without_word(missing)?;
        Ok(nothing.or(Some(Bytes::from_static(b"]}}"))))
    }
}

fn mend(item: &mut ResourceSpans) {
    let resource = item.resource.iter_mut();
    resource.for_each(|resource| mend_all(&mut resource.attributes));
    for scope_spans in &mut item.scope_spans {
        let scope = scope_spans.scope.iter_mut();
        scope.for_each(|scope| mend_all(&mut scope.attributes));
        for span in &mut scope_spans.spans {
            mend_all(&mut span.attributes);
            for event in &mut span.events {
                mend_all(&mut event.attributes);
            }
            let is_whole =
                |id: &[u8], length: usize| id.len() == length && id.iter().any(|b| *b != 0);
            span.links
                .retain(|link| is_whole(&link.trace_id, 16) && is_whole(&link.span_id, 8));
            for link in &mut span.links {
                mend_all(&mut link.attributes);
            }
        }
    }
}

fn mend_all(attributes: &mut [KeyValue]) {
    for attribute in attributes {
        mend_value(attribute.value.get_or_insert_default());
    }
}

fn mend_value(value: &mut AnyValue) {
    match &mut value.value {
        None => value.value = Some(Value::StringValue(String::new())),
        Some(Value::DoubleValue(number)) if !number.is_finite() => {
            value.value = Some(Value::StringValue(number.to_string()));
        }
        Some(Value::ArrayValue(list)) => list.values.iter_mut().for_each(mend_value),
        Some(Value::KvlistValue(list)) => mend_all(&mut list.values),
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::common::v1::ArrayValue;

    #[test]
    fn values_that_the_ui_refuses_become_texts() {
        let of = |value| AnyValue { value };
        let list = |values| of(Some(Value::ArrayValue(ArrayValue { values })));
        let double = |number| of(Some(Value::DoubleValue(number)));
        let text = |text: &str| of(Some(Value::StringValue(text.to_owned())));
        let mut value = list(vec![
            of(None),
            double(f64::NAN),
            double(0.5),
            list(vec![of(None)]),
        ]);
        mend_value(&mut value);
        let expected = list(vec![
            text(""),
            text("NaN"),
            double(0.5),
            list(vec![text("")]),
        ]);
        assert_eq!(value, expected);
    }
}
