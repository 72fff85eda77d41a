//! The requests against what the generated decoder reads, and against the marginals of the peers' load.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use super::*;
use crate::encode::user_id;
use crate::truth::{Counts, TraceId};

/// Whether a span, with its service, matches a question.
type Holds<'a> = dyn Fn(&(String, Span)) -> bool + 'a;

const START: u64 = 1_790_000_000_000_000_000;

fn traffic(seed: u64, n_spans: u64, questions: Vec<Question>) -> (Vec<Request>, Truth) {
    let mut traffic = Traffic::new(Config {
        questions,
        ..Config::new(seed, n_spans, START)
    });
    let requests = traffic.by_ref().collect();
    (requests, traffic.into_truth())
}

/// Calls `see` with each span and its service.
fn each_span(requests: &[Request], mut see: impl FnMut(&str, Span)) {
    for request in requests {
        let decoded = ExportTraceServiceRequest::decode(request.body.as_slice()).unwrap();
        assert_eq!(decoded.resource_spans.len(), request.n_resources as usize);
        let mut n_spans = 0;
        for resource_spans in decoded.resource_spans {
            let resource = resource_spans.resource.unwrap();
            assert_eq!(resource.attributes.len(), 19);
            let service = text(&resource.attributes, "service.name").unwrap();
            for span in resource_spans.scope_spans.into_iter().flat_map(|s| s.spans) {
                n_spans += 1;
                see(&service, span);
            }
        }
        assert_eq!(n_spans, request.n_spans);
    }
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|a| a.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

fn failed(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code == 2)
}

#[test]
fn a_seed_gives_the_same_bytes_and_another_one_others() {
    let bytes = |seed| traffic(seed, 20_000, Vec::new());
    let first = bytes(1);
    assert!(first == bytes(1));
    assert!(first.0 != bytes(2).0);
    // The same on every machine and with every later version: a changed figure is another load, and says so in review.
    let digest = first.0.iter().flat_map(|r| &r.body);
    let digest = digest.fold(0_u64, |sum, byte| {
        sum.rotate_left(5).wrapping_mul(0x0100_0000_01b3) ^ u64::from(*byte)
    });
    expect_test::expect!["20b8d5b00102ff64"].assert_eq(&format!("{digest:016x}"));
}

#[test]
fn the_truth_is_what_was_sent() {
    let questions = vec![
        Question {
            service: Some("orders"),
            failed: true,
            ..Question::default()
        },
        Question {
            user: Some(3),
            ..Question::default()
        },
        Question {
            service: Some("pricing"),
            below_service: Some("cart"),
            ..Question::default()
        },
        Question {
            service: Some("auth"),
            operation: Some("SETEX"),
            longer_than_nano: 2_000_000,
            ..Question::default()
        },
    ];
    let (requests, truth) = traffic(5, 60_000, questions);
    let mut services: BTreeMap<String, Counts> = BTreeMap::new();
    let mut traces: HashMap<Vec<u8>, Vec<(String, Span)>> = HashMap::new();
    let mut ids = HashSet::new();
    each_span(&requests, |service, span| {
        let counts = services.entry(service.to_owned()).or_default();
        counts.spans += 1;
        counts.errors += u64::from(failed(&span));
        assert!(
            ids.insert(span.span_id.clone()),
            "ids of spans are distinct"
        );
        let trace = traces.entry(span.trace_id.clone()).or_default();
        trace.push((service.to_owned(), span));
    });
    assert!((60_000..62_500).contains(&truth.total.spans));
    assert_eq!(truth.total.spans, ids.len() as u64);
    assert_eq!(truth.n_traces(), traces.len() as u64);
    let expected: BTreeMap<String, Counts> = truth
        .services
        .iter()
        .map(|(k, v)| ((*k).to_owned(), *v))
        .collect();
    assert_eq!(services, expected);
    for known in truth.known.iter().chain(&truth.largest) {
        assert_eq!(
            traces[known.trace_id.as_slice()].len(),
            known.n_spans as usize
        );
    }
    let largest = traces.values().map(Vec::len).max().unwrap();
    assert_eq!(truth.largest[0].n_spans as usize, largest);

    let user = user_id(3);
    let mut expected = vec![(0_u64, Vec::new()); 4];
    for (id, spans) in &traces {
        let service_of: HashMap<&[u8], &(String, Span)> =
            spans.iter().map(|s| (s.1.span_id.as_slice(), s)).collect();
        let below_cart = |span: &Span| {
            let mut parent = service_of.get(span.parent_span_id.as_slice());
            while let Some((service, above)) = parent {
                if service == "cart" {
                    return true;
                }
                parent = service_of.get(above.parent_span_id.as_slice());
            }
            false
        };
        let start = spans
            .iter()
            .map(|s| s.1.start_time_unix_nano)
            .min()
            .unwrap();
        let answers: [&Holds<'_>; 4] = [
            &|(service, span)| service == "orders" && failed(span),
            &|(_, span)| text(&span.attributes, "user.id").as_ref() == Some(&user),
            &|(service, span)| service == "pricing" && below_cart(span),
            &|(service, span)| {
                service == "auth"
                    && span.name == "SETEX"
                    && span.end_time_unix_nano - span.start_time_unix_nano > 2_000_000
            },
        ];
        for ((n_spans, newest), holds) in expected.iter_mut().zip(answers) {
            let n = spans.iter().filter(|span| holds(span)).count() as u64;
            if n > 0 {
                *n_spans += n;
                newest.push((start, TraceId::try_from(id.as_slice()).unwrap()));
            }
        }
    }
    for ((n_spans, mut newest), found) in expected.into_iter().zip(&truth.matches) {
        newest.sort_unstable_by(|a, b| b.cmp(a));
        assert!(found.n_spans > 0);
        assert_eq!(
            (found.n_spans, found.n_traces),
            (n_spans, newest.len() as u64)
        );
        newest.truncate(40);
        assert_eq!(found.newest, newest);
    }
}

#[test]
fn parents_are_in_the_trace_and_failures_have_their_exceptions() {
    let (requests, _) = traffic(9, 40_000, Vec::new());
    let mut parents = Vec::new();
    let mut ids = HashSet::new();
    let (mut exceptions, mut links, mut states) = (0, 0, 0);
    each_span(&requests, |_, span| {
        assert!(span.start_time_unix_nano < span.end_time_unix_nano);
        assert!(matches!(span.flags, 0x101 | 0x301));
        if span.parent_span_id.is_empty() {
            assert_eq!(span.flags, 0x101);
        } else {
            parents.push((span.trace_id.clone(), span.parent_span_id.clone()));
        }
        for event in span.events.iter().filter(|event| event.name == "exception") {
            exceptions += 1;
            assert!(failed(&span) && text(&span.attributes, "error.type").is_some());
            let stack = text(&event.attributes, "exception.stacktrace").unwrap();
            assert!(stack.lines().count() > 8, "{stack}");
        }
        links += span.links.len();
        states += usize::from(!span.trace_state.is_empty());
        ids.insert((span.trace_id, span.span_id));
    });
    assert!(parents.iter().all(|parent| ids.contains(parent)));
    assert!(exceptions > 50 && links > 50 && states > 500);
}

#[test]
fn the_marginals_are_those_of_the_peers_load() {
    let (requests, truth) = traffic(1, 400_000, Vec::new());
    let n_spans = truth.total.spans as f64;
    let sum = |of: fn(&Request) -> u64| requests.iter().map(of).sum::<u64>() as f64;
    let bytes = sum(|r| r.body.len() as u64) / n_spans;
    let (mut attributes, mut requests_of) = (0, HashMap::<Vec<u8>, BTreeSet<usize>>::new());
    for (number, request) in requests.iter().enumerate() {
        each_span(std::slice::from_ref(request), |_, span| {
            attributes += span.attributes.len();
            requests_of.entry(span.trace_id).or_default().insert(number);
        });
    }
    let spread = requests_of.values().map(BTreeSet::len).sum::<usize>() as f64;
    let checks = [
        ("services", truth.services.len() as f64, 45.0, 45.0),
        ("operations", truth.operations.len() as f64, 300.0, 400.0),
        (
            "median spans of a trace",
            f64::from(truth.size_quantile(0.5)),
            11.0,
            13.0,
        ),
        (
            "p99 of spans of a trace",
            f64::from(truth.size_quantile(0.99)),
            155.0,
            190.0,
        ),
        (
            "spans of a trace",
            n_spans / truth.n_traces() as f64,
            22.0,
            26.0,
        ),
        (
            "share of errors",
            truth.total.errors as f64 / n_spans,
            0.010,
            0.013,
        ),
        ("bytes a span", bytes, 470.0, 492.0),
        ("attributes a span", attributes as f64 / n_spans, 10.1, 10.5),
        (
            "spans a resource",
            n_spans / sum(|r| u64::from(r.n_resources)),
            390.0,
            440.0,
        ),
        (
            "spans a request",
            n_spans / requests.len() as f64,
            2_150.0,
            2_310.0,
        ),
        (
            "requests that a trace lies in",
            spread / truth.n_traces() as f64,
            3.0,
            12.0,
        ),
    ];
    for (what, is, from, to) in checks {
        assert!((from..=to).contains(&is), "{what}: {is}");
    }
}
