use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use columnar::to_model;
use model::{Span, TraceId};
use proptest::prelude::*;
use testkit::skeleton::{Chunk as Read, read};
use testkit::traces;

use super::*;

const NO_ROW: u64 = u32::MAX as u64;
const MISSING: u64 = NO_ROW - 1;

fn skeleton(spans: &[Span]) -> Skeleton {
    Skeleton::new(Trace::of(spans), &HashSet::new()).expect("the whole schema")
}

/// The skeleton, folded above `from` spans to `rows`.
fn folded(spans: &[Span], from: usize, rows: usize) -> Skeleton {
    Skeleton::folded(Trace::of(spans), &HashSet::new(), from, rows).expect("the whole schema")
}

/// What a reader makes of a chunk.
fn sent(chunk: Chunk<SkeletonFacts>) -> Read {
    let mut bytes = wire::skeleton::begin().to_vec();
    let is_preview = chunk.kind == ChunkKind::Preview;
    let chunk = Chunk {
        kind: ChunkKind::Whole,
        ..chunk
    };
    for piece in chunk.into_pieces().expect("facts are JSON") {
        bytes.extend_from_slice(&piece);
    }
    let mut read = read(&bytes).expect("a whole stream").remove(0);
    read.kind = if is_preview { 1 } else { 2 };
    read
}

fn whole(skeleton: &Skeleton) -> Read {
    sent(skeleton.whole().expect("the whole schema"))
}

/// A line for each row: depth by points, name, what is folded.
fn outline(chunk: &Read) -> String {
    let names = chunk.texts("names");
    let parents = chunk.whole("parent");
    let fold_rows = chunk.whole("fold.row");
    let mut depths: Vec<usize> = Vec::new();
    let mut lines = String::new();
    for (row, name) in chunk.whole("name").into_iter().enumerate() {
        let parent = parents[row];
        let depth = match parent {
            NO_ROW | MISSING => 0,
            above => depths[above as usize] + 1,
        };
        depths.push(depth);
        let (dots, lost) = (".".repeat(depth), if parent == MISSING { "?" } else { "" });
        lines += &format!("{dots}{lost}{}", names[name as usize]);
        if let Some(at) = fold_rows.iter().position(|of| *of == row as u64) {
            let of = |column: &str| chunk.whole(column)[at];
            let kind = ["", "alike", "below", "rest"][of("fold.kind") as usize];
            let (members, count) = (of("fold.members"), of("fold.count"));
            lines += &format!(" [{kind} {members}/{count} from {}]", of("fold.from"));
        }
        lines.push('\n');
    }
    lines
}

const SHOP: &str = r#"
trace 1
  web "GET /" 0..100 server id=1 resource.host.name=a
    web auth 5..15 id=2
    cart load 3..60 client error id=3 faas.coldstart=true resource.host.name=b
      ! exception 12 type=T text="[redacted:email]"
      db SELECT 10..50 id=4
    web render 60..? id=5
      > 00000000000000000000000000000002 00000000000000a1
  cart stray 20..30 id=6 parent=99
  cart late 40..45 id=7 parent=98
  cart stray 35..36 id=8 parent=99
  ring one 50..52 id=a parent=b
  ring two 51..53 id=b parent=a
"#;

#[test]
fn each_before_its_descendants_and_orphans_of_one_parent_together() {
    let chunk = whole(&skeleton(&traces(SHOP)));
    let expect = expect_test::expect![[r#"
        GET /
        .load
        ..SELECT
        .auth
        .render
        ?stray
        ?stray
        ?late
        one
        .two
    "#]];
    expect.assert_eq(&outline(&chunk));
    assert_eq!(chunk.whole("missing.row"), [5, 6, 7]);
    assert_eq!(chunk.whole("missing.id"), [0x99, 0x99, 0x98]);
    let header = &chunk.header;
    let figures = [
        "spans",
        "rows",
        "errors",
        "events",
        "depth",
        "roots",
        "missingParents",
        "circles",
    ];
    let figures = figures.map(|name| header[name].as_u64().expect(name));
    assert_eq!(figures, [10, 10, 1, 1, 3, 1, 2, 1]);
    assert_eq!(
        (&header["complete"], &header["partial"]),
        (&false.into(), &serde_json::Value::Null)
    );
    assert_eq!(header["receivedUnixNano"], "7");
    assert_eq!(chunk.texts("services"), ["web", "cart", "db", "ring"]);
    assert_eq!(
        chunk.texts("resources")[0],
        r#"{"host.name":"a","service.name":"web"}"#
    );
    assert!(
        !chunk.columns.contains_key("place"),
        "each row is its place"
    );
}

#[test]
fn flags_events_self_times_and_the_critical_path() {
    let with_logs = HashSet::from([SpanId(2_u64.to_be_bytes())]);
    let skeleton = Skeleton::new(Trace::of(&traces(SHOP)), &with_logs).expect("the schema");
    let chunk = whole(&skeleton);
    let flags: Vec<u64> = chunk.whole("flags");
    let is = |row: usize, flag: u16| flags[row] & u64::from(flag) != 0;
    let load = [
        flags::ERROR,
        flags::EXCEPTION,
        flags::EVENTS,
        flags::COLD_START,
        flags::REDACTED,
    ];
    assert_eq!(flags[1], u64::from(load.into_iter().sum::<u16>()));
    assert_eq!((is(3, flags::LOGS), is(0, flags::LOGS)), (true, false));
    assert_eq!(flags[4], u64::from(flags::UNFINISHED | flags::LINKS));
    assert_eq!(
        (is(5, flags::ORPHAN), is(8, flags::CUT), is(9, flags::CUT)),
        (true, true, false)
    );
    assert_eq!(chunk.whole("status")[..2], [0, 2]);
    assert_eq!(chunk.whole("kind")[..2], [2, 3]);
    assert_eq!(chunk.whole("event.row"), [1]);
    assert_eq!(chunk.f64("event.time"), [12e6]);
    assert_eq!(chunk.texts("eventNames"), ["exception"]);
    // auth runs beside load.
    assert_eq!(chunk.f64("covered")[..3], [57e6, 40e6, 0.0]);
    let path = chunk
        .whole("path.row")
        .into_iter()
        .zip(chunk.f64("path.start"));
    let path: Vec<(u64, f64)> = path.map(|(row, start)| (row, *start)).collect();
    assert_eq!(path, [(0, 0.0), (1, 3e6), (2, 10e6), (1, 50e6), (0, 60e6)]);
    assert_eq!(chunk.f64("path.end").last(), Some(&100e6));
}

#[test]
fn a_child_of_another_host_may_start_before_its_parent() {
    let text = "trace 1\n  a one 10..20 resource.host=x\n    a two 5..12 resource.host=y\n    a three 5..12 resource.host=x";
    let flags = whole(&skeleton(&traces(text))).whole("flags");
    assert_eq!(flags, [0, u64::from(flags::BEFORE_PARENT), 0]);
}

#[test]
fn no_spans_are_a_skeleton_too() {
    let skeleton = skeleton(&[]);
    let chunk = whole(&skeleton);
    assert_eq!(chunk.header["spans"], 0);
    assert!(chunk.f64("start").is_empty());
    assert!(skeleton.preview().expect("the schema").is_none());
    assert!(skeleton.fold(0..0).expect("the schema").is_none());
}

/// A root with two sorts of children by turns, six of each, one of them with a child; and two others.
fn by_turns() -> Vec<Span> {
    let mut text = "trace 1\n  a root 0..100\n    a first 1..2\n".to_owned();
    for n in 0..6 {
        text += &format!(
            "    a get {}..{}\n    b put {}.5..{} error\n",
            2 + n,
            4 + 2 * n,
            2 + n,
            30 + n
        );
        if n == 2 {
            text += "      b below 4..5\n";
        }
    }
    traces(&(text + "    a last 60..70\n"))
}

#[test]
fn above_a_limit_what_is_alike_is_folded() {
    let spans = by_turns();
    let plain = folded(&spans, 16, 100);
    assert_eq!(
        whole(&plain).columns["start"],
        whole(&skeleton(&spans)).columns["start"]
    );
    let large = folded(&spans, 15, 100);
    let chunk = whole(&large);
    let expect = expect_test::expect![[r#"
        root
        .first
        .get [alike 6/6 from 2]
        .put [alike 6/7 from 8]
        .last
    "#]];
    expect.assert_eq(&outline(&chunk));
    assert_eq!(chunk.whole("place"), [0, 1, 2, 8, 15]);
    assert_eq!(
        (&chunk.header["rows"], &chunk.header["spans"]),
        (&5.into(), &16.into())
    );
    // The bar is from the first to the last; figures are of the siblings.
    assert_eq!(
        (chunk.f64("start")[3], chunk.f64("duration")[3]),
        (2.5e6, 32.5e6)
    );
    assert_eq!(chunk.whole("fold.errors"), [0, 6]);
    assert_eq!((chunk.whole("status")[2], chunk.whole("status")[3]), (0, 2));
    let figures = [
        "fold.least",
        "fold.median",
        "fold.most",
        "fold.total",
        "fold.self",
    ];
    let of_get = figures.map(|name| chunk.f64(name)[0] / 1e6);
    assert_eq!(of_get, [2.0, 5.0, 7.0, 27.0, 27.0]);
    let path = chunk.whole("path.row");
    assert!(
        path.contains(&3) && path.iter().all(|row| *row < 5),
        "{path:?}"
    );

    let opened = sent(large.fold(8..15).expect("the schema").expect("a fold"));
    assert_eq!(outline(&opened), "put\nput\nput\n.below\nput\nput\nput\n");
    assert_eq!(
        (&opened.header["from"], &opened.header["count"]),
        (&8.into(), &7.into())
    );
    let is_fold = |places| large.fold(places).expect("the schema").is_some();
    assert!([0..16, 1..3, 10..12, 11..12].into_iter().all(is_fold));
    let is_fold = |places| large.fold(places).expect("the schema").is_some();
    assert!(![0..2, 9..30, 8..8, 10..11, 15..17].into_iter().any(is_fold));
}

#[test]
fn when_rows_run_out_the_rest_is_folded() {
    let chunk = whole(&folded(&by_turns(), 15, 4));
    let expect = expect_test::expect![[r#"
        root
        .first
        .get [alike 6/6 from 2]
        .put [rest 7/8 from 8]
    "#]];
    expect.assert_eq(&outline(&chunk));
    let chain = "trace 1\n  a one 0..9\n    a two 1..9\n      a three 2..9\n        a four 3..9";
    let chunk = whole(&folded(&traces(chain), 1, 2));
    assert_eq!(outline(&chunk), "one\n.two [below 1/2 from 2]\n");
    assert_eq!(chunk.f64("fold.self"), [7e6]);
}

/// What the UI's decoder is tested with: a preview, then the whole with folds, orphans, events and gaps.
#[test]
fn the_golden_stream_is_what_is_written() {
    let mut spans = traces(SHOP);
    let mut more = by_turns();
    for span in &mut more {
        span.span_id.0[0] = 0xff;
        if let Some(id) = &mut span.parent_span_id {
            id.0[0] = 0xff;
        }
        span.start_time_unix_nano += 200_000_000;
        span.end_time_unix_nano += 200_000_000;
    }
    spans.append(&mut more);
    let skeleton = folded(&spans, 20, 100);
    let places = 0..skeleton.order.len();
    let rows = arrange(&skeleton.order, places.clone(), 4);
    let preview = skeleton.chunk(ChunkKind::Preview, places, &rows);
    let mut bytes = wire::skeleton::begin().to_vec();
    for chunk in [preview, skeleton.whole()] {
        let pieces = chunk.expect("the schema").into_pieces().expect("JSON");
        pieces.for_each(|piece| bytes.extend_from_slice(&piece));
    }
    assert_eq!(read(&bytes).expect("a whole stream").len(), 2);
    let mut text = String::new();
    for line in bytes.chunks(57) {
        text += &base64::engine::general_purpose::STANDARD.encode(line);
        text.push('\n');
    }
    expect_test::expect_file!["../../../../ui/src/data/skeleton.golden.txt"].assert_eq(&text);
}

/// Generated spans of one trace, often children of each other, some sharing an id, one name for many.
fn spans(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Span>> {
    let picks = proptest::collection::vec(any::<(Option<prop::sample::Index>, u8)>(), n.end);
    (testkit::spans(n), picks).prop_map(|(mut spans, picks)| {
        let ids: Vec<SpanId> = spans.iter().map(|span| span.span_id).collect();
        for (span, (pick, chance)) in spans.iter_mut().zip(picks) {
            span.trace_id = TraceId([1; 16]);
            if let Some(pick) = pick {
                span.parent_span_id = Some(*pick.get(&ids));
            }
            match chance % 8 {
                0 => span.span_id = ids[0],
                1 => span.end_time_unix_nano = 0,
                2..6 => span.name = "same".into(),
                _ => {}
            }
        }
        spans
    })
}

/// Every place that a chunk and what it folds stand for, opened to the last.
fn places(skeleton: &Skeleton, chunk: &Read, found: &mut BTreeMap<u64, usize>) {
    let (from, count) = (
        chunk.header["from"].as_u64(),
        chunk.header["count"].as_u64(),
    );
    let (from, count) = (from.expect("a number"), count.expect("a number"));
    let n_rows = chunk.f64("start").len() as u64;
    let place = match chunk.columns.get("place") {
        Some(_) => chunk.whole("place"),
        None => (from..from + n_rows).collect(),
    };
    let kinds = chunk.whole("fold.kind");
    let folds = chunk.whole("fold.row").into_iter().zip(kinds);
    let folds: HashMap<u64, u64> = folds.collect();
    for (row, place) in place.iter().enumerate() {
        if folds.get(&(row as u64)).is_none_or(|kind| *kind == 2) {
            *found.entry(*place).or_default() += 1;
        }
    }
    for (first, n) in chunk
        .whole("fold.from")
        .into_iter()
        .zip(chunk.whole("fold.count"))
    {
        assert!(
            (first, n) != (from, count),
            "a fold is less than what it is in"
        );
        let range = first as usize..(first + n) as usize;
        let opened = skeleton.fold(range).expect("the schema").expect("a fold");
        places(skeleton, &sent(opened), found);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_read_is_the_trace(spans in spans(0..30)) {
        let trace = Trace::of(&spans);
        let stored = to_model(&trace.batch).expect("rows of the schema");
        let received: HashSet<u64> = stored.iter().map(|span| number(&span.span_id)).collect();
        let skeleton = skeleton(&spans);
        let chunk = whole(&skeleton);
        let mut rows = skeleton.rows().to_vec();
        let drawn: Vec<&Span> = rows.iter().map(|row| &stored[*row]).collect();
        let zero = stored.iter().map(|span| span.start_time_unix_nano).min().unwrap_or_default();
        let (ids, parents) = (chunk.whole("spanId"), chunk.whole("parent"));
        let (names, services) = (chunk.texts("names"), chunk.texts("services"));
        let missing: HashMap<u64, u64> =
            chunk.whole("missing.row").into_iter().zip(chunk.whole("missing.id")).collect();
        for (row, span) in drawn.iter().enumerate() {
            let text = |texts: &[String], column: &str| texts[chunk.whole(column)[row] as usize].clone();
            prop_assert_eq!(ids[row], number(&span.span_id));
            prop_assert_eq!(chunk.f64("start")[row], (span.start_time_unix_nano - zero) as f64);
            prop_assert_eq!(chunk.f64("duration")[row], span.duration_nano() as f64);
            prop_assert_eq!(text(&names, "name"), span.name.clone());
            prop_assert_eq!(text(&services, "service"), span.service_name());
            let named = span.parent_span_id.as_ref().map(number);
            match (parents[row], named) {
                (MISSING, Some(id)) => {
                    prop_assert_eq!(missing.get(&(row as u64)), Some(&id));
                    prop_assert!(!received.contains(&id));
                }
                (NO_ROW, None) => {}
                (NO_ROW, Some(_)) => {
                    prop_assert!(chunk.whole("flags")[row] & u64::from(flags::CUT) != 0);
                }
                (above, Some(id)) => {
                    prop_assert!(above < row as u64, "parents precede their children");
                    prop_assert_eq!(ids[above as usize], id);
                }
                (_, None) => prop_assert!(false, "a parent that nobody named"),
            }
        }
        prop_assert_eq!(missing.len(), parents.iter().filter(|p| **p == MISSING).count());
        rows.sort_unstable();
        prop_assert_eq!(rows, (0..stored.len()).collect::<Vec<_>>());
        // Below a row stand its descendants, and nothing else until they end.
        for (row, parent) in parents.iter().enumerate().filter(|(_, p)| **p < MISSING) {
            let mut above = row - 1;
            while above as u64 != *parent {
                prop_assert!(parents[above] < MISSING, "{:?}", parents);
                above = parents[above] as usize;
            }
        }
    }

    #[test]
    fn every_span_stands_in_one_row_or_fold(spans in spans(0..40), rows in 2..9_usize) {
        let skeleton = folded(&spans, 4, rows);
        let n = skeleton.rows().len();
        let chunk = whole(&skeleton);
        prop_assert!(n <= 4 || chunk.f64("start").len() <= rows);
        let mut found = BTreeMap::new();
        places(&skeleton, &chunk, &mut found);
        prop_assert_eq!(found.len(), n);
        prop_assert!(found.values().all(|times| *times == 1), "{:?}", found);
        let path: f64 = chunk.f64("path.end").iter().sum::<f64>() - chunk.f64("path.start").iter().sum::<f64>();
        let length = chunk.header["durationNano"].as_i64().expect("a number") as f64;
        prop_assert!((path - length).abs() <= length * 1e-9, "{path} of {length}");
    }
}

fn number(id: &SpanId) -> u64 {
    u64::from_be_bytes(id.0)
}

#[test]
fn a_preview_has_what_is_nearest_to_the_top() {
    let mut text = "trace 1\n  a root 0..100\n".to_owned();
    for n in 0..1_500 {
        text += &format!(
            "    a child {n}..{}\n      a grandchild {n}..{}\n",
            n + 1,
            n + 1
        );
    }
    let skeleton = skeleton(&traces(&text));
    let preview = skeleton
        .preview()
        .expect("the schema")
        .expect("3,001 spans");
    let preview = sent(preview);
    assert_eq!(preview.kind, 1);
    assert_eq!(preview.f64("start").len(), PREVIEW_ROWS);
    let names = preview.texts("names");
    let of_name = |wanted: &str| {
        let names = preview
            .whole("name")
            .into_iter()
            .filter(|name| names[*name as usize] == wanted);
        names.count()
    };
    assert_eq!((of_name("child"), of_name("grandchild")), (1_500, 499));
    // The others are below their parents.
    assert_eq!(preview.whole("fold.kind"), vec![2; 1_001]);
    assert_eq!(preview.whole("fold.count"), vec![1; 1_001]);
    assert_eq!(whole(&skeleton).f64("start").len(), 3_001);
}

#[test]
fn an_order_is_named_by_its_spans() {
    let name = |text| skeleton(&traces(text)).order_name().to_owned();
    let one = name("trace 1\n  a x 0..9 id=1\n    a y 1..2 id=2");
    assert_eq!(one, name("trace 1\n  b z 5..9 id=1\n    a y 6..7 id=2"));
    assert_ne!(one, name("trace 1\n  a x 0..9 id=1\n    a y 1..2 id=3"));
    assert_ne!(one, name("trace 1\n  a x 0..9 id=2\n    a y 1..2 id=1"));
}
