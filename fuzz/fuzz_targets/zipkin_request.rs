//! Any bytes as a reporter's request of Zipkin's: what is read of it are columns.
#![no_main]

use columnar::{BatchBuilder, to_model};
use libfuzzer_sys::fuzz_target;
use model::TenantId;
use wire::otlp::{DecodeError, Decoded, Limits};
use wire::zipkin::{decode_json, decode_json_v1, decode_protobuf, decode_thrift};

type Decode = fn(&[u8], &Limits) -> Result<Decoded, DecodeError>;

fuzz_target!(|bytes: &[u8]| {
    let decoders: [Decode; 4] = [decode_json, decode_json_v1, decode_protobuf, decode_thrift];
    for decode in decoders {
        if let Ok(decoded) = decode(bytes, &Limits::default()) {
            let batch = decoded.rows.finish(&TenantId::default_tenant(), 1);
            to_model(&batch).expect("columns of ours are spans");
        }
    }
});
