//! Bytes that no honest sender sends: never a panic, and the verdict that `prost` would give.

use opentelemetry_proto::tonic::trace::v1::TracesData;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;
use wire::otlp::{
    DecodeError, Limits, OtlpJson, decode_json, decode_protobuf, from_traces_data, to_traces_data,
};

use crate::spans;

fn request() -> impl Strategy<Value = TracesData> {
    testkit::spans(1..4).prop_map(|spans| {
        let tenant = model::TenantId::default_tenant();
        to_traces_data(&columnar::from_model(&spans, &tenant, 0)).unwrap()
    })
}

/// Where both decoders must agree:
/// - what `prost` accepts, we accept, and when nothing was rejected, with the same spans;
/// - what `prost` refuses, we refuse, or we rejected a span, whose rest is not read.
fn check_against_prost(body: &[u8]) -> Result<(), TestCaseError> {
    let ours = decode_protobuf(body, &Limits::default());
    match (TracesData::decode(body), ours) {
        (Ok(theirs), Ok(ours)) => match from_traces_data(&theirs) {
            Ok(oracle) if ours.rejected.count() == 0 => {
                prop_assert!(testkit::same_rows(&spans(ours), &oracle));
            }
            Ok(_) => prop_assert!(ours.rejected.count() > 0),
            Err(error) => prop_assert!(ours.rejected.count() > 0, "{}", error),
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
    fn arbitrary_bytes(body in vec(any::<u8>(), 0..200)) {
        check_against_prost(&body)?;
        drop(decode_json(&body, &Limits::default()));
    }

    #[test]
    fn bytes_that_look_like_fields(
        body in vec(prop_oneof![Just(0x0a_u8), Just(0x12), Just(0x4a), Just(2), Just(4), Just(0), any::<u8>()], 0..60)
    ) {
        check_against_prost(&body)?;
    }

    #[test]
    fn mutated_requests(traces in request(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut body = traces.encode_to_vec();
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        check_against_prost(&body)?;
    }

    #[test]
    fn mutated_json(traces in request(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut body = OtlpJson(&traces).text().into_bytes();
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if let Ok(decoded) = decode_json(&body, &Limits::default()) {
            drop(spans(decoded));
        }
    }
}

proptest! {
    // Each case is some thousand decodes.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn requests_cut_at_each_byte(traces in request()) {
        let body = traces.encode_to_vec();
        for len in 0..body.len() {
            check_against_prost(&body[..len])?;
        }
    }

    #[test]
    fn json_cut_at_each_byte(traces in request()) {
        let body = OtlpJson(&traces).text();
        for len in 0..body.len() {
            let cut = decode_json(&body.as_bytes()[..len], &Limits::default());
            prop_assert!(matches!(cut, Err(DecodeError::Json { .. })), "{}", &body[..len]);
        }
    }
}
