//! Any bytes as an OTLP request in protobuf: what is kept comes out as messages that decode to the same again.
#![no_main]

use columnar::BatchBuilder;
use libfuzzer_sys::fuzz_target;
use model::TenantId;
use wire::otlp::{Limits, OtlpJson, decode_protobuf, to_traces_data};

fuzz_target!(|body: &[u8]| {
    let Ok(decoded) = decode_protobuf(body, &Limits::default()) else {
        return;
    };
    let batch = decoded.rows.finish(&TenantId::default_tenant(), 0);
    let traces = to_traces_data(&batch).expect("the builder's batch has every column");
    let json = OtlpJson(&traces).text();
    let again = wire::otlp::decode_json(json.as_bytes(), &Limits::default())
        .expect("what we write, we read");
    assert_eq!(again.rejected.count(), 0);
    assert_eq!(again.rows.len(), batch.num_rows());
});
