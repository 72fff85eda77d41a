//! Round trips of generated spans.

use opentelemetry_proto::tonic::trace::v1::TracesData;
use proptest::prelude::*;
use prost::Message;
use wire::otlp::{
    Limits, OtlpJson, decode_json, decode_protobuf, from_traces_data, spans_to_traces_data,
    to_traces_data,
};

use crate::{batch, spans};

/// Messages as the exporter groups them, so that they can come back equal.
fn traces() -> impl Strategy<Value = TracesData> {
    testkit::spans(0..12).prop_map(|spans| {
        let tenant = model::TenantId::default_tenant();
        to_traces_data(&columnar::from_model(&spans, &tenant, 0)).unwrap()
    })
}

/// NaN makes messages unequal to themselves, their text does not.
fn same(a: &TracesData, b: &TracesData) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

/// Reorders the fields of a message, keeping those of one number in order.
fn reordered(message: &[u8], seed: u64) -> Vec<u8> {
    let mut fields: Vec<(u64, &[u8])> = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let start = rest;
        let key = prost::encoding::decode_varint(&mut rest).unwrap();
        let len = match key & 7 {
            0 => {
                prost::encoding::decode_varint(&mut rest).unwrap();
                0
            }
            1 => 8,
            5 => 4,
            _ => prost::encoding::decode_varint(&mut rest).unwrap() as usize,
        };
        rest = &rest[len..];
        fields.push((key >> 3, &start[..start.len() - rest.len()]));
    }
    fields.sort_by_key(|&(number, _)| (number ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    fields
        .into_iter()
        .flat_map(|(_, bytes)| bytes.to_vec())
        .collect()
}

proptest! {
    #[test]
    fn protobuf_comes_back_equal(traces in traces()) {
        let decoded = decode_protobuf(&traces.encode_to_vec(), &Limits::default()).unwrap();
        prop_assert_eq!(decoded.rejected.count(), 0);
        let back = to_traces_data(&batch(decoded)).unwrap();
        prop_assert!(same(&back, &traces), "{:#?}\n{:#?}", back, traces);
    }

    #[test]
    fn json_comes_back_equal(traces in traces()) {
        let text = OtlpJson(&traces).text();
        let decoded = decode_json(text.as_bytes(), &Limits::default()).unwrap();
        prop_assert_eq!(decoded.rejected.count(), 0);
        let back = to_traces_data(&batch(decoded)).unwrap();
        prop_assert!(same(&back, &traces), "{}\n{:#?}\n{:#?}", text, back, traces);
    }

    #[test]
    fn stored_json_is_the_exported_one(value in testkit::any_value()) {
        let (kind, text) = columnar::value_to_text(&value);
        if matches!(kind, columnar::ValueType::Array | columnar::ValueType::KvList) {
            let stored: serde_json::Value = serde_json::from_str(&text).unwrap();
            let attributes = vec![model::KeyValue { key: "k".to_owned(), value }];
            let mut spans = testkit::traces("trace 1\n  cart load 0..5");
            spans[0].attributes = attributes;
            let exported = serde_json::to_value(OtlpJson(&spans_to_traces_data(&spans))).unwrap();
            let place = "/resourceSpans/0/scopeSpans/0/spans/0/attributes/0/value";
            prop_assert_eq!(Some(&stored), exported.pointer(place));
        }
    }

    #[test]
    fn spans_come_back_equal(spans_in in testkit::spans(0..12)) {
        let tenant = model::TenantId::default_tenant();
        let traces = to_traces_data(&columnar::from_model(&spans_in, &tenant, 0)).unwrap();
        let mut back = from_traces_data(&traces).unwrap();
        let mut expected = spans_in;
        // Grouping may bring spans of one resource together.
        back.sort_by_key(|s| format!("{s:?}"));
        expected.sort_by_key(|s| format!("{s:?}"));
        prop_assert!(testkit::same_rows(&back, &expected));
    }

    #[test]
    fn columns_hold_the_text_that_the_model_would_give(traces in traces()) {
        let decoded = decode_protobuf(&traces.encode_to_vec(), &Limits::default()).unwrap();
        let tenant = model::TenantId::default_tenant();
        let by_model = columnar::from_model(&from_traces_data(&traces).unwrap(), &tenant, 0);
        prop_assert_eq!(batch(decoded), by_model);
    }

    #[test]
    fn spans_read_the_same_with_their_fields_in_any_order(traces in traces(), seed: u64) {
        let shuffled: Vec<u8> = traces.resource_spans.iter().flat_map(|resource_spans| {
            let mut one = resource_spans.clone();
            let scope_spans: Vec<_> = one.scope_spans.drain(..).collect();
            let mut message = reordered(&one.encode_to_vec(), seed);
            for mut one in scope_spans {
                let spans: Vec<_> = one.spans.drain(..).collect();
                let mut inner = Vec::new();
                for span in spans {
                    put(&mut inner, 2, &reordered(&span.encode_to_vec(), seed));
                }
                inner.extend(reordered(&one.encode_to_vec(), seed));
                put(&mut message, 2, &inner);
            }
            let mut out = Vec::new();
            put(&mut out, 1, &message);
            out
        }).collect();
        let oracle = from_traces_data(&TracesData::decode(&shuffled[..]).unwrap()).unwrap();
        let decoded = decode_protobuf(&shuffled, &Limits::default()).unwrap();
        prop_assert!(testkit::same_rows(&spans(decoded), &oracle));
        prop_assert!(testkit::same_rows(&oracle, &from_traces_data(&traces).unwrap()));
    }

    #[test]
    fn the_oracle_reads_our_json(traces in traces()) {
        let mut text = OtlpJson(&traces).text();
        // It has no form for doubles that are no numbers.
        for special in ["NaN", "Infinity", "-Infinity"] {
            text = text.replace(&format!(r#"{{"doubleValue":"{special}"}}"#), r#"{"doubleValue":0.5}"#);
        }
        let theirs: TracesData = serde_json::from_str(&text).unwrap();
        let theirs = from_traces_data(&theirs).unwrap();
        let ours = decode_json(text.as_bytes(), &Limits::default()).unwrap();
        prop_assert!(testkit::same_rows(&spans(ours), &theirs), "{}", text);
    }
}

fn put(out: &mut Vec<u8>, number: u8, message: &[u8]) {
    out.push(number << 3 | 2);
    prost::encode_length_delimiter(message.len(), out).unwrap();
    out.extend_from_slice(message);
}
