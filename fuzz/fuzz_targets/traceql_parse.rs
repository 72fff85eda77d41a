//! Any text as a query: an answer without a panic, and a tree that prints as what reads back to it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    drop(traceql::parse_lenient(text));
    let Ok(parsed) = traceql::parse(text) else {
        return;
    };
    let printed = parsed.query.to_string();
    let again = traceql::parse(&printed).expect("what we print, we read");
    assert_eq!(again.query.to_string(), printed);
});
