//! Any text as a trace of Jaeger's JSON: what becomes spans goes out as OTLP, and all of it comes in again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::otlp::{from_traces_data, spans_to_traces_data};

fuzz_target!(|text: &str| {
    if let Ok(converted) = wire::jaeger::decode_trace(text) {
        let traces = spans_to_traces_data(&converted.spans);
        let again = from_traces_data(&traces).expect("converted spans are valid");
        assert_eq!(again.len(), converted.spans.len());
    }
});
