//! Any text as a query: an answer without a panic, and a tree that prints as what reads back to it, in every reading.
#![no_main]

use libfuzzer_sys::fuzz_target;
use traceql::{Dialect, Query};

fuzz_target!(|text: &str| {
    reads_back(&traceql::parse_lenient(text), Dialect::Causeline);
    for dialect in [Dialect::Causeline, Dialect::Tempo] {
        if let Ok(parsed) = traceql::parse_as(text, dialect) {
            reads_back(&parsed.query, dialect);
        }
    }
});

fn reads_back(query: &Query, dialect: Dialect) {
    let printed = query.to_string();
    let again = traceql::parse_as(&printed, dialect).expect("what we print, we read");
    assert_eq!(again.query, *query);
}
