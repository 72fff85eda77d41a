//! Log records: round trips, hostile bytes, and the verdict that `prost` would give.

use columnar::{BatchBuilder, LogBatchBuilder, logs_from_model, logs_to_model};
use model::{LogRecord, TenantId};
use opentelemetry_proto::tonic::logs::v1::LogsData;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;
use wire::otlp::{
    DecodeError, Decoded, Limits, OtlpJson, RejectReason, decode_logs_json, decode_logs_protobuf,
    from_logs_data, to_logs_data,
};

fn batch(decoded: Decoded<LogBatchBuilder>) -> arrow::array::RecordBatch {
    decoded.rows.finish(&TenantId::default_tenant(), 0)
}

fn records(decoded: Decoded<LogBatchBuilder>) -> Vec<LogRecord> {
    logs_to_model(&batch(decoded)).unwrap()
}

/// Messages as the exporter groups them, so that they can come back equal.
fn requests(size: std::ops::Range<usize>) -> impl Strategy<Value = LogsData> {
    testkit::logs(size).prop_map(|records| {
        let batch = logs_from_model(&records, &TenantId::default_tenant(), 0);
        to_logs_data(&batch).unwrap()
    })
}

/// NaN makes messages unequal to themselves, their text does not.
fn same(a: &LogsData, b: &LogsData) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

/// What `prost` accepts, we accept, and when nothing was rejected, with the same records; what it refuses, we refuse, or we
/// rejected a record, whose rest is not read.
fn check_against_prost(body: &[u8]) -> Result<(), TestCaseError> {
    let ours = decode_logs_protobuf(body, &Limits::default());
    match (LogsData::decode(body), ours) {
        (Ok(theirs), Ok(ours)) => match from_logs_data(&theirs) {
            Ok(oracle) if ours.rejected.count() == 0 => {
                prop_assert!(testkit::same_rows(&records(ours), &oracle));
            }
            _ => prop_assert!(ours.rejected.count() > 0),
        },
        (Ok(_), Err(error)) => prop_assert!(false, "only prost accepts: {}", error),
        (Err(error), Ok(ours)) => {
            prop_assert!(ours.rejected.count() > 0, "only prost refuses: {}", error);
        }
        (Err(_), Err(DecodeError::Protobuf { position, .. })) => {
            prop_assert!(position <= body.len());
        }
        (Err(_), Err(other)) => prop_assert!(false, "{}", other),
    }
    Ok(())
}

proptest! {
    #[test]
    fn both_encodings_come_back_equal(logs in requests(0..12)) {
        let json = OtlpJson(&logs).text();
        let by_json = decode_logs_json(json.as_bytes(), &Limits::default()).unwrap();
        let by_protobuf = decode_logs_protobuf(&logs.encode_to_vec(), &Limits::default()).unwrap();
        prop_assert_eq!(by_json.rejected.count() + by_protobuf.rejected.count(), 0);
        for decoded in [by_json, by_protobuf] {
            let back = to_logs_data(&batch(decoded)).unwrap();
            prop_assert!(same(&back, &logs), "{:#?}\n{:#?}", back, logs);
        }
    }

    #[test]
    fn columns_hold_the_text_that_the_model_would_give(logs in requests(0..12)) {
        let decoded = decode_logs_protobuf(&logs.encode_to_vec(), &Limits::default()).unwrap();
        let tenant = TenantId::default_tenant();
        let by_model = logs_from_model(&from_logs_data(&logs).unwrap(), &tenant, 0);
        prop_assert_eq!(batch(decoded), by_model);
    }

    #[test]
    fn the_oracle_reads_our_json(logs in requests(0..8)) {
        let mut text = OtlpJson(&logs).text();
        // It has no form for doubles that are no numbers.
        for special in ["NaN", "Infinity", "-Infinity"] {
            text = text.replace(&format!(r#"{{"doubleValue":"{special}"}}"#), r#"{"doubleValue":0.5}"#);
        }
        let theirs: LogsData = serde_json::from_str(&text).unwrap();
        let ours = decode_logs_json(text.as_bytes(), &Limits::default()).unwrap();
        let theirs = from_logs_data(&theirs).unwrap();
        prop_assert!(testkit::same_rows(&records(ours), &theirs), "{}", text);
    }

    #[test]
    fn arbitrary_bytes(
        body in vec(prop_oneof![Just(0x0a_u8), Just(0x12), Just(0x2a), Just(2), Just(0), any::<u8>()], 0..100)
    ) {
        check_against_prost(&body)?;
        drop(decode_logs_json(&body, &Limits::default()));
    }

    #[test]
    fn mutated_requests(logs in requests(1..4), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut body = logs.encode_to_vec();
        let mut json = OtlpJson(&logs).text().into_bytes();
        for (at, byte) in changes {
            let (in_body, in_json) = (at.index(body.len()), at.index(json.len()));
            body[in_body] = byte;
            json[in_json] = byte;
        }
        check_against_prost(&body)?;
        if let Ok(decoded) = decode_logs_json(&json, &Limits::default()) {
            drop(records(decoded));
        }
    }
}

proptest! {
    // Each case is some thousand decodes.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn requests_cut_at_each_byte(logs in requests(1..4)) {
        let body = logs.encode_to_vec();
        for len in 0..body.len() {
            check_against_prost(&body[..len])?;
        }
        let json = OtlpJson(&logs).text();
        for len in 0..json.len() {
            let cut = decode_logs_json(&json.as_bytes()[..len], &Limits::default());
            let refused = matches!(cut, Err(DecodeError::Json { .. }));
            prop_assert!(refused, "{}", &json[..len]);
        }
    }
}

/// A request of records whose bodies are these pieces of JSON.
fn bodies(bodies: &[&str]) -> String {
    let records = bodies.iter().map(|body| format!(r#"{{"body":{body}}}"#));
    let records: Vec<String> = records.collect();
    let records = records.join(",");
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#)
}

#[test]
fn what_limits_refuse_is_left_out_alike_in_both_encodings() {
    let long = format!(r#"{{"stringValue":"{}"}}"#, "x".repeat(3000));
    let deep = (0..31).fold(r#"{"intValue":"1"}"#.to_owned(), |inner, _| {
        format!(r#"{{"arrayValue":{{"values":[{inner}]}}}}"#)
    });
    let fine = r#"{"stringValue":"kept"}"#;
    let json = bodies(&[&long, &deep, fine, "null", fine]);
    let message = serde_json::from_str::<LogsData>(&json.replace(r#"{"body":null}"#, "{}"));
    let protobuf = message.unwrap().encode_to_vec();
    let limits = Limits {
        text_bytes_max: 2000,
        records_max: 2,
        ..Limits::default()
    };
    let by_json = decode_logs_json(json.as_bytes(), &limits).unwrap();
    let by_protobuf = decode_logs_protobuf(&protobuf, &limits).unwrap();
    assert_eq!(by_json.rejected, by_protobuf.rejected);
    let reasons: Vec<_> = by_json.rejected.by_reason().collect();
    let one_each = [
        RejectReason::ValueTooDeep,
        RejectReason::ValueTooLarge,
        RejectReason::TooManyRecords,
    ];
    assert_eq!(reasons, one_each.map(|reason| (reason, 1)));
    assert_eq!(records(by_json), records(by_protobuf));
}

#[test]
fn ids_that_are_none_make_a_record_of_no_trace() {
    let record = |ids: &str| {
        let json =
            format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{{ids}}}]}}]}}]}}"#);
        let decoded = decode_logs_json(json.as_bytes(), &Limits::default()).unwrap();
        records(decoded).remove(0)
    };
    for ids in [
        "",
        r#""traceId":"","spanId":"""#,
        r#""traceId":"00000000000000000000000000000000","spanId":"0000000000000000""#,
        r#""traceId":"not hexadecimal","spanId":"0102""#,
    ] {
        let record = record(ids);
        assert_eq!((record.trace_id, record.span_id), (None, None), "{ids}");
    }
    let found =
        record(r#""traceId":"0102030405060708090a0b0c0d0e0F10","span_id":"0102030405060708""#);
    assert!(found.trace_id.is_some() && found.span_id.is_some());
}

#[test]
fn a_message_says_what_was_rejected() {
    let json = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{"timeUnixNano":"18446744073709551615"}]}]}]}"#;
    let decoded = decode_logs_json(json.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(
        decoded.rejected.message(),
        "1 log records rejected: 1 time_out_of_range; first: log record 1 (time_out_of_range)"
    );
}
