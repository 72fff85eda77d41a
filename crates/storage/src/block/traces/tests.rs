use proptest::prelude::*;

use super::encode::Sections;
use super::*;

/// What a trace of the table is, spelled out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Spelled {
    id: TraceId,
    rows: Range<u64>,
    times: (i64, i64),
    newest_start: i64,
    has_twins: bool,
    is_root_missing: bool,
    title: (String, String),
    services: Vec<(String, u64, u64)>,
}

#[derive(Debug, Clone)]
struct Span {
    start: i64,
    end: i64,
    is_error: bool,
    is_root: bool,
    id: u8,
    kind: i32,
    service: String,
    name: String,
}

fn span() -> impl Strategy<Value = Span> {
    let texts = ("[a-d]?", "[x-z]{0,2}");
    let time = || prop_oneof![any::<i64>(), 0..3_i64];
    let key = (0..6_u8, 0..4_i32);
    let all = (time(), time(), any::<[bool; 2]>(), key, texts);
    all.prop_map(|(start, end, is, key, texts)| Span {
        start,
        end,
        is_error: is[0],
        is_root: is[1],
        id: key.0,
        kind: key.1,
        service: texts.0,
        name: texts.1,
    })
}

/// Traces of distinct ids with their spans.
fn traces() -> impl Strategy<Value = Vec<(TraceId, Vec<Span>)>> {
    let one = (any::<[u8; 16]>(), proptest::collection::vec(span(), 1..6));
    proptest::collection::vec(one, 0..20).prop_map(|mut traces| {
        let mut seen = std::collections::HashSet::new();
        traces.retain(|(id, _)| seen.insert(*id));
        traces.into_iter().map(|(id, s)| (TraceId(id), s)).collect()
    })
}

fn sections_of(traces: &[(TraceId, Vec<Span>)]) -> Sections {
    let mut builder = TraceTableBuilder::default();
    for (trace_id, spans) in traces {
        for span in spans {
            let service = builder.service(&span.service);
            let counted = TraceSpan {
                trace_id: *trace_id,
                start_unix_nano: span.start,
                end_unix_nano: span.end,
                is_error: span.is_error,
                is_root: span.is_root,
                span_id: [span.id; 8],
                kind: span.kind,
                name: &span.name,
            };
            builder.push(service, &counted);
        }
    }
    builder.finish().unwrap()
}

fn expected(traces: &[(TraceId, Vec<Span>)]) -> Vec<Spelled> {
    let mut row = 0;
    let one = |(id, spans): &(TraceId, Vec<Span>)| {
        let rows = row..row + spans.len() as u64;
        row = rows.end;
        let mut services = std::collections::BTreeMap::new();
        for span in spans {
            let (n, errors) = services.entry(span.service.clone()).or_insert((0, 0));
            *n += 1;
            *errors += u64::from(span.is_error);
        }
        let keys: std::collections::HashSet<_> =
            spans.iter().map(|s| (s.id, s.kind, &s.service)).collect();
        let mut ordered: Vec<&Span> = spans.iter().collect();
        ordered.sort_by_key(|s| (s.start, std::cmp::Reverse(s.end), s.id, s.kind, &s.service));
        let root = ordered.iter().find(|s| s.is_root);
        let entry = ordered.iter().find(|s| s.kind == 2 || s.kind == 5);
        let title = root.or(entry).unwrap_or(&ordered[0]);
        Spelled {
            id: *id,
            rows,
            times: (
                spans.iter().map(|s| s.start).min().unwrap(),
                spans.iter().map(|s| s.end.max(s.start)).max().unwrap(),
            ),
            newest_start: spans.iter().map(|s| s.start).max().unwrap(),
            has_twins: keys.len() < spans.len(),
            is_root_missing: root.is_none(),
            title: (title.service.clone(), title.name.clone()),
            services: services.into_iter().map(|(s, (n, e))| (s, n, e)).collect(),
        }
    };
    traces.iter().map(one).collect()
}

fn spelled(table: &TraceTable) -> Vec<Spelled> {
    let one = |trace: TraceEntry<'_>| {
        let services = trace.services().map(|(s, n, e)| (s.to_owned(), n, e));
        let mut services: Vec<_> = services.collect();
        services.sort();
        Spelled {
            id: trace.id(),
            rows: trace.rows(),
            times: (trace.start_unix_nano(), trace.end_unix_nano()),
            newest_start: trace.newest_start_unix_nano(),
            has_twins: trace.has_twins(),
            is_root_missing: trace.is_root_missing(),
            title: (trace.title().0.to_owned(), trace.title().1.to_owned()),
            services,
        }
    };
    table.iter().map(one).collect()
}

/// Looks at all that a table can be asked.
fn touch(table: &TraceTable) {
    for trace in table.iter() {
        assert!(table.find(&trace.id()).is_some());
    }
    assert!(spelled(table).len() <= table.n_rows() as usize + table.len());
}

proptest! {
    #[test]
    fn what_was_counted_is_read(traces in traces()) {
        let sections = sections_of(&traces);
        let table = TraceTable::decode(&sections.table).unwrap();
        prop_assert_eq!(spelled(&table), expected(&traces));
        prop_assert_eq!(sections.n_traces, traces.len() as u64);
        let filter = TraceIdFilter::decode(&sections.filter).unwrap();
        for (id, _) in &traces {
            prop_assert_eq!(table.find(id).map(|t| t.id()), Some(*id));
            prop_assert!(filter.may_hold(id));
        }
    }

    #[test]
    fn damaged_sections_are_refused_or_read(traces in traces(), at: usize, byte: u8, cut: usize) {
        let mut bytes = sections_of(&traces).table;
        let at = at % bytes.len();
        bytes[at] ^= byte;
        let _ = TraceTable::decode(&bytes).map(|t| touch(&t));
        bytes.truncate(cut % bytes.len());
        let _ = TraceTable::decode(&bytes).map(|t| touch(&t));
    }

    #[test]
    fn any_bytes_are_refused_or_read(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = vec![0];
        bytes.extend((body.len() as u32).to_le_bytes());
        bytes.extend(&body);
        let _ = TraceTable::decode(&bytes).map(|t| touch(&t));
        let _ = TraceTable::decode(&body);
        let _ = TraceIdFilter::decode(&body).map(|f| f.may_hold(&TraceId([7; 16])));
    }
}

fn id(number: u128) -> TraceId {
    TraceId(
        number
            .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
            .to_be_bytes(),
    )
}

#[test]
fn a_filter_lets_about_one_in_a_hundred_pass() {
    let ids: Vec<_> = (0..10_000).map(id).collect();
    let filter = TraceIdFilter::of(&ids);
    assert!(ids.iter().all(|id| filter.may_hold(id)));
    let passed = (10_000..20_000)
        .filter(|&n| filter.may_hold(&id(n)))
        .count();
    assert!(passed < 250, "{passed}");
    assert!(!TraceIdFilter::of(&[]).may_hold(&id(1)));
}

#[test]
fn a_trace_is_found_in_every_run() {
    let span = |n: u128| {
        let service = "s".to_owned();
        let (start, end) = (n as i64, n as i64);
        let span = Span {
            start,
            end,
            is_error: false,
            is_root: true,
            id: 0,
            kind: 0,
            service,
            name: String::new(),
        };
        (TraceId(n.to_be_bytes()), vec![span])
    };
    let traces: Vec<_> = [5, 7, 9, 2, 3, 8, 1].map(span).into();
    let table = TraceTable::decode(&sections_of(&traces).table).unwrap();
    assert_eq!(table.runs, [3, 6, 7]);
    for n in 0..11_u128 {
        let found = table
            .find(&TraceId(n.to_be_bytes()))
            .map(|t| t.rows().start);
        let place = traces
            .iter()
            .position(|(id, _)| *id == TraceId(n.to_be_bytes()));
        assert_eq!(found, place.map(|p| p as u64));
    }
}

#[test]
fn equal_traces_in_the_thousands_are_read() {
    let span = Span {
        start: 0,
        end: 0,
        is_error: false,
        is_root: false,
        id: 0,
        kind: 0,
        service: String::new(),
        name: String::new(),
    };
    let ids = (0..5_000_u128).map(|n| TraceId(n.to_be_bytes()));
    let traces: Vec<_> = ids.map(|id| (id, vec![span.clone()])).collect();
    let table = TraceTable::decode(&sections_of(&traces).table).unwrap();
    assert_eq!(table.len(), traces.len());
    let mut zeros = vec![1];
    let plain = vec![0; 1 << 20];
    zeros.extend((plain.len() as u32).to_le_bytes());
    zeros.extend(zstd::bulk::compress(&plain, 1).unwrap());
    assert_eq!(TraceTable::decode(&zeros), Err(TraceTableError::Number));
}
