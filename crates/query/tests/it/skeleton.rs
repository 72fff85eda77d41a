//! How many bytes the skeleton of a large trace takes on its way; which of its places meet a filter.

use std::collections::HashSet;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use model::{TenantId, TraceId};
use query::{Error, Skeleton};
use store_api::TimeRange;
use testkit::{MemorySource, traces};
use traceql::Query;

use crate::shop_trace::shop_trace;
use crate::{answer, engine};

/// Source: `ui-design.md` § 21.
const BYTES_MAX: usize = 3 << 20;

#[test]
fn a_hundred_thousand_spans_take_three_mebibytes() {
    let n = 100_000;
    let skeleton = Skeleton::new(shop_trace(n), &HashSet::new()).expect("the whole schema");
    let preview = skeleton
        .preview()
        .expect("the schema")
        .expect("a large trace");
    let whole = skeleton.whole().expect("the schema");
    let mut stream = wire::skeleton::begin().to_vec();
    let names: Vec<&str> = whole.columns.iter().map(|column| column.name).collect();
    let preview = preview.into_pieces().expect("JSON");
    preview.for_each(|piece| stream.extend_from_slice(&piece));
    println!(
        "preview: {} bytes, {} compressed",
        stream.len(),
        compressed(&stream)
    );
    for (number, piece) in whole.into_pieces().expect("JSON").enumerate() {
        let name = number
            .checked_sub(1)
            .map_or("header", |column| names[column]);
        let per_span = |bytes: usize| bytes as f64 / n as f64;
        let (plain, zstd) = (per_span(piece.len()), per_span(compressed(&piece)));
        println!("{name:<16} {plain:>6.2} bytes a span, {zstd:>6.2} compressed");
        stream.extend_from_slice(&piece);
    }
    let bytes = compressed(&stream);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&stream).expect("memory takes it");
    let gzipped = gzip.finish().expect("memory takes it").len();
    println!(
        "{} bytes, {bytes} with zstd, {gzipped} with gzip",
        stream.len()
    );
    assert!(bytes.max(gzipped) <= BYTES_MAX, "{bytes}, {gzipped}");
}

/// Bytes after zstd at the level of the server's answers.
fn compressed(bytes: &[u8]) -> usize {
    zstd::bulk::compress(bytes, 3).expect("room").len()
}

const TEXT: &str = "
trace 1
  web GET 0..90 server id=1
    cart load 3..60 client error id=3 n=1
      db SELECT 10..50 id=4
    web auth 5..15 id=2 n=2
  cart stray 20..30 id=6 parent=99 n=1
trace 2
  web other 0..1
";

#[test]
fn a_filter_marks_the_places_that_a_skeleton_has() {
    let id = TraceId(1_u128.to_be_bytes());
    let tenant = TenantId::default_tenant();
    let mut spans = traces(TEXT);
    spans.reverse();
    let stored_twice = [spans.clone(), spans.clone()].concat();
    // Two senders of one id: what only other columns tell apart is read whole.
    let mut disputed = spans.clone();
    let mut twin = spans
        .iter()
        .find(|span| span.name == "auth")
        .expect("auth")
        .clone();
    twin.trace_state = "other=1".into();
    disputed.push(twin);
    for (spans, places) in [
        (spans, [2, 1, 3, 4]),
        (stored_twice, [2, 1, 3, 4]),
        (disputed, [2, 1, 3, 5]),
    ] {
        let engine = engine(MemorySource::new(spans, 2));
        let trace = answer(engine.trace(&tenant, id, TimeRange::ALL, None)).expect("a trace");
        let skeleton = Skeleton::new(trace.expect("a trace"), &HashSet::new()).expect("a schema");
        let check = |text: &str, expect: &[usize]| {
            let query = traceql::parse(text).expect(text).query;
            let found = answer(engine.matches_in_trace(&tenant, id, &query, None));
            let found = found.expect(text).expect("the trace is there");
            assert_eq!(found.order, skeleton.order_name());
            assert_eq!(found.is_match.len(), skeleton.rows().len());
            let marked = (0..found.is_match.len()).filter(|place| found.is_match[*place]);
            assert_eq!(marked.collect::<Vec<_>>(), expect, "{text}");
        };
        let [select, load, auth, stray] = places;
        check("{ name = \"SELECT\" }", &[select]);
        check("{ status = error }", &[load]);
        check("{ span.n = 1 }", &[load, stray]);
        check(
            "{ span.n > 1 && kind != server }",
            &(auth..stray).collect::<Vec<_>>(),
        );
        check("{ parent.n = 1 }", &[select]);
        check("{ span:childCount = 1 }", &[load]);
        check("{ traceDuration < 1ms }", &[]);
        check("{ }", &(0..=stray).collect::<Vec<_>>());
    }
    let none = engine(MemorySource::new(traces(TEXT), 2));
    let absent = TraceId(9_u128.to_be_bytes());
    let all = Query::default();
    let found = answer(none.matches_in_trace(&tenant, absent, &all, None));
    assert_eq!(found.expect("an answer"), None);
    let pipeline = traceql::parse("{ } | count() > 1").expect("a query").query;
    let refused = answer(none.matches_in_trace(&tenant, id, &pipeline, None));
    assert!(matches!(
        refused,
        Err(Error::Unsupported {
            what: "pipelines",
            ..
        })
    ));
}
