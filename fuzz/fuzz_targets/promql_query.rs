//! Any text as a query in PromQL: read or refused, and calculated over a few series at a few points, without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promql::{Labels, Series, Vector};

fuzz_target!(|text: &str| {
    let _ = promql::parse_selector(text);
    let Ok(query) = promql::parse(text) else {
        return;
    };
    let vectors = query.leaves.iter().map(|_| vector()).collect();
    let _ = query.evaluate(&[0.0, 10.0], vectors);
});

fn vector() -> Vector {
    let series = |client: &str, le: &str, points: [Option<f64>; 2]| Series {
        labels: Labels::from_iter([("__name__", "a"), ("client", client), ("le", le)]),
        points: points.to_vec(),
    };
    vec![
        series("x", "0.1", [Some(1.0), None]),
        series("x", "+Inf", [Some(3.0), Some(f64::NAN)]),
        series("y", "", [Some(0.0), Some(-2.5)]),
    ]
}
