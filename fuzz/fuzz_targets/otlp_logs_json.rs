//! Any bytes as an OTLP request of logs in JSON: what is kept comes out as messages that decode to the same again.
#![no_main]

use columnar::BatchBuilder;
use libfuzzer_sys::fuzz_target;
use model::TenantId;
use wire::otlp::{Limits, OtlpJson, decode_logs_json, to_logs_data};

fuzz_target!(|body: &[u8]| {
    let Ok(decoded) = decode_logs_json(body, &Limits::default()) else {
        return;
    };
    let batch = decoded.rows.finish(&TenantId::default_tenant(), 0);
    let logs = to_logs_data(&batch).expect("the builder's batch has every column");
    let json = OtlpJson(&logs).text();
    let again = wire::otlp::decode_logs_json(json.as_bytes(), &Limits::default())
        .expect("what we write, we read");
    assert_eq!(again.rejected.count(), 0);
    let again = again.rows.finish(&TenantId::default_tenant(), 0);
    let text = |batch| format!("{:?}", to_logs_data(batch));
    assert_eq!(text(&again), text(&batch));
});
