//! Any text as a span of Zipkin's JSON: what becomes a span goes out as OTLP and comes in again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::otlp::{from_traces_data, spans_to_traces_data};

fuzz_target!(|text: &str| {
    if let Ok(span) = wire::zipkin::decode_span(text) {
        let traces = spans_to_traces_data(&[span]);
        let again = from_traces_data(&traces).expect("a converted span is valid");
        assert_eq!(again.len(), 1);
    }
});
