//! PromQL gives what a naive count over the single spans gives.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use model::TenantId;
use promql::{Labels, Series as Found, Value};
use proptest::prelude::*;
use query::{Counts, Error, PromqlAnswer, PromqlAsk, PromqlRequest};
use rollup::{
    ConnectionType, Edge, EdgeDelta, EdgeFigures, Limits, Node, NodeKind, RedDelta, RedFigures,
    Series,
};
use store_api::{CountAnswer, CountRequest, CountSource, CountTable, Incomplete, TimeRange};

use crate::answer;

const SECOND: i64 = 1_000_000_000;
/// A midnight, UTC.
const DAY: i64 = 20_000 * 86_400;

const UNBOUNDED: Limits = Limits {
    per_service_max: usize::MAX,
    per_interval_max: usize::MAX,
    rows_max: usize::MAX,
};

/// A span, and a call from `shop` to its service.
#[derive(Debug, Clone)]
struct Event {
    /// After [`DAY`].
    seconds: i64,
    service: &'static str,
    is_error: bool,
    duration_nano: i64,
}

/// Events as a store has them.
#[derive(Default)]
struct Store {
    events: Vec<Event>,
    operation: String,
    /// Most rows of an answer.
    rows_max: usize,
    incomplete: Option<Incomplete>,
    asked: Mutex<Vec<(CountTable, i32)>>,
    n_refused: AtomicUsize,
}

impl Store {
    fn new(events: &[Event]) -> Self {
        Self {
            events: events.to_vec(),
            operation: "GET /".to_owned(),
            rows_max: usize::MAX,
            ..Self::default()
        }
    }

    fn rollups(&self) -> RedDelta {
        let mut delta = RedDelta::new(&UNBOUNDED);
        for event in &self.events {
            let series = Series {
                interval_start_unix_nano: event.interval(),
                service_name: event.service.to_owned(),
                operation: self.operation.clone(),
                kind: 2,
                status_code: if event.is_error { 2 } else { 0 },
                service_version: "1".to_owned(),
                environment: String::new(),
                overflow: false,
            };
            let mut figures = RedFigures::default();
            figures
                .durations
                .record(event.duration_nano, event.is_error, 1.0);
            figures.bytes = 100;
            figures.exemplars.add(rollup::Exemplar {
                duration_nano: event.duration_nano,
                trace_id: [7; 16],
                span_id: [7; 8],
                start_time_unix_nano: (DAY + event.seconds) * SECOND,
            });
            delta.add_row(&series, &figures);
        }
        delta
    }

    fn edges(&self) -> EdgeDelta {
        let mut delta = EdgeDelta::new(&UNBOUNDED);
        let node = |kind, name: &str| Node {
            kind,
            name: name.to_owned(),
        };
        for event in &self.events {
            let is_database = event.service == "db";
            let (kind, connection) = if is_database {
                (NodeKind::Database, ConnectionType::Database)
            } else {
                (NodeKind::Service, ConnectionType::Http)
            };
            let edge = Edge {
                interval_start_unix_nano: event.interval(),
                caller: node(NodeKind::Service, "shop"),
                callee: node(kind, event.service),
                connection,
                overflow: false,
            };
            let mut figures = EdgeFigures::default();
            figures
                .client
                .record(2 * event.duration_nano, event.is_error, 1.0);
            if !is_database {
                figures.server.record(event.duration_nano, false, 1.0);
            }
            delta.add_row(&edge, &figures);
        }
        delta
    }
}

impl Event {
    fn interval(&self) -> i64 {
        (DAY + self.seconds - self.seconds.rem_euclid(10)) * SECOND
    }
}

#[async_trait]
impl CountSource for Store {
    async fn counts(&self, request: CountRequest) -> Result<CountAnswer, store_api::Error> {
        let (tenant, resolution) = (&request.tenant, request.resolution_seconds);
        let asked = (request.table, resolution);
        self.asked.lock().expect("no panic").push(asked);
        let rows = match request.table {
            CountTable::Rollups => {
                let mut wanted = RedDelta::new(&UNBOUNDED);
                for (series, figures) in self.rollups().coarser(resolution).rows() {
                    if request.time.contains(series.interval_start_unix_nano) {
                        wanted.add_row(&series, figures);
                    }
                }
                wanted.to_batch(tenant, resolution)
            }
            CountTable::Edges => {
                let mut wanted = EdgeDelta::new(&UNBOUNDED);
                for (edge, figures) in self.edges().coarser(resolution).rows() {
                    if request.time.contains(edge.interval_start_unix_nano) {
                        wanted.add_row(&edge, figures);
                    }
                }
                wanted.to_batch(tenant, resolution)
            }
        };
        let is_too_much = rows.num_rows() > self.rows_max;
        self.n_refused
            .fetch_add(usize::from(is_too_much), Ordering::Relaxed);
        let incomplete = is_too_much.then_some(Incomplete::Rows);
        Ok(CountAnswer {
            rows,
            incomplete: incomplete.or(self.incomplete.clone()),
        })
    }
}

/// As many series as labels are too long for.
fn long_names() -> Store {
    let mut store = Store::new(&some_events());
    store.operation = "x".repeat(1 << 20);
    store
}

/// Asked at points after [`DAY`], in seconds.
fn request(query: &str, start: i64, end: i64, step: i64) -> PromqlRequest {
    PromqlRequest {
        tenant: TenantId::default_tenant(),
        query: promql::parse(query).unwrap_or_else(|p| panic!("{query}: {}", p.message)),
        start_unix_nano: (DAY + start) * SECOND,
        end_unix_nano: (DAY + end) * SECOND,
        step_nano: step * SECOND,
        now_unix_nano: (DAY + 86_400) * SECOND,
        deadline: None,
    }
}

fn ask(store: Store, request: &PromqlRequest) -> Result<PromqlAnswer, Error> {
    answer(Counts::new(Arc::new(store)).promql(request))
}

/// By labels, at each point.
fn vector(found: Result<PromqlAnswer, Error>) -> BTreeMap<String, Vec<Option<f64>>> {
    match found.expect("an answer").value {
        Value::Scalar(_) => panic!("the query gives a vector"),
        Value::Vector(vector) => {
            let entry = |Found { labels, points }: Found| (labels.to_string(), points);
            vector.into_iter().map(entry).collect()
        }
    }
}

/// At one point.
fn at(events: &[Event], query: &str, seconds: i64) -> BTreeMap<String, f64> {
    let found = vector(ask(
        Store::new(events),
        &request(query, seconds, seconds, 1),
    ));
    let value = |(labels, points): (String, Vec<Option<f64>>)| Some((labels, points[0]?));
    found.into_iter().filter_map(value).collect()
}

fn some_events() -> Vec<Event> {
    let event = |seconds, service, is_error, duration_nano| Event {
        seconds,
        service,
        is_error,
        duration_nano,
    };
    vec![
        event(3_605, "cart", false, 3_000_000),
        event(3_607, "cart", true, 5_000_000),
        event(3_615, "db", false, 700_000_000),
        event(3_790, "cart", false, 90_000_000_000),
        event(40_000, "pay", true, 0),
    ]
}

#[test]
fn grafanas_map_is_answered() {
    let events = some_events();
    let by_edge = "sum by (client, server)";
    for (query, expected) in [
        (
            format!("{by_edge} (rate(traces_service_graph_request_total{{}}[200s]))"),
            vec![(r#"{client="shop", server="cart"}"#, 3.0 / 200.0), (r#"{client="shop", server="db"}"#, 1.0 / 200.0)],
        ),
        (
            format!("{by_edge} (increase(traces_service_graph_request_failed_total{{server=\"cart\"}}[200s])) OR {by_edge} (increase(traces_service_graph_request_failed_total{{client=\"shop\"}}[200s]))"),
            vec![(r#"{client="shop", server="cart"}"#, 1.0), (r#"{client="shop", server="db"}"#, 0.0)],
        ),
        (
            // What sends no spans is as slow as its clients say.
            format!("{by_edge} (increase(traces_service_graph_request_server_seconds_sum[200s]))"),
            vec![(r#"{client="shop", server="cart"}"#, 90.008), (r#"{client="shop", server="db"}"#, 1.4)],
        ),
        (
            "increase(traces_service_graph_request_client_seconds_count{server!=\"db\"}[200s])".to_owned(),
            vec![(r#"{client="shop", server="cart"}"#, 3.0)],
        ),
        (
            "group by (client, connection_type, server) (traces_service_graph_request_server_seconds_bucket{})".to_owned(),
            vec![(r#"{client="shop", server="cart"}"#, 1.0), (r#"{client="shop", connection_type="database", server="db"}"#, 1.0)],
        ),
        (
            "traces_service_graph_request_total".to_owned(),
            vec![
                (r#"{__name__="traces_service_graph_request_total", client="shop", server="cart"}"#, 3.0),
                (r#"{__name__="traces_service_graph_request_total", client="shop", connection_type="database", server="db"}"#, 1.0),
            ],
        ),
        (
            "sum by (span_kind, status_code, service_version, service) (increase(traces_spanmetrics_calls_total{service=~\"c.*\"}[200s]))".to_owned(),
            vec![
                (r#"{service="cart", service_version="1", span_kind="SPAN_KIND_SERVER", status_code="STATUS_CODE_ERROR"}"#, 1.0),
                (r#"{service="cart", service_version="1", span_kind="SPAN_KIND_SERVER", status_code="STATUS_CODE_UNSET"}"#, 2.0),
            ],
        ),
        (
            "sum by (service_name) (increase(traces_span_metrics_duration_milliseconds_sum[200s]))".to_owned(),
            vec![(r#"{service_name="cart"}"#, 90_008.0), (r#"{service_name="db"}"#, 700.0)],
        ),
        ("sum(increase(traces_spanmetrics_size_total[200s]))".to_owned(), vec![("{}", 400.0)]),
        // 3 ms, 5 ms and 700 ms lie at or below 1.024 s, 90 s beyond all bounds.
        (
            "sum by (le) (increase(traces_spanmetrics_latency_bucket{le=~\"0.004|1.024|.Inf\"}[200s]))".to_owned(),
            vec![(r#"{le="+Inf"}"#, 4.0), (r#"{le="0.004"}"#, 1.0), (r#"{le="1.024"}"#, 3.0)],
        ),
        ("increase(traces_service_graph_request_server_seconds[200s])".to_owned(), vec![]),
        ("increase(up[200s])".to_owned(), vec![]),
        ("sum(increase(traces_service_graph_request_total[1s]))".to_owned(), vec![("{}", 0.1)]),
    ] {
        let expected: BTreeMap<String, f64> = expected.into_iter().map(|(l, v)| (l.to_owned(), v)).collect();
        let found = at(&events, &query, 3_800);
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{query}");
        for (labels, value) in &expected {
            assert!((found[labels] - value).abs() < 1e-9, "{query} {labels}: {}", found[labels]);
        }
    }
}

#[test]
fn a_counter_is_reset_at_midnight() {
    let events = some_events();
    let total = |seconds| {
        at(&events, "sum(traces_spanmetrics_calls_total)", seconds)
            .get("{}")
            .copied()
    };
    assert_eq!(total(3_600), None);
    assert_eq!(total(3_609), None);
    assert_eq!(total(3_610), Some(2.0));
    assert_eq!(total(86_400 + 10), Some(5.0));
    assert_eq!(total(2 * 86_400 - 1), Some(5.0));
    assert_eq!(total(2 * 86_400), None);
}

#[test]
fn a_window_asks_for_few_rows_and_once_for_all_selectors() {
    let store = Arc::new(Store::new(&some_events()));
    let query = "sum(increase(traces_spanmetrics_calls_total{status_code=\"STATUS_CODE_ERROR\"}[12h])) / sum(increase(traces_spanmetrics_calls_total[12h]))";
    let found = answer(Counts::new(store.clone()).promql(&request(query, 43_215, 43_215, 1)));
    assert_eq!(
        vector(found),
        BTreeMap::from([("{}".to_owned(), vec![Some(0.4)])])
    );
    let asked = store.asked.lock().expect("no panic").clone();
    let resolutions: Vec<i32> = asked.iter().map(|(_, resolution)| *resolution).collect();
    assert_eq!(resolutions, [10, 60, 3_600, 10]);
}

#[test]
fn an_answer_in_parts_is_the_same_and_what_is_missing_is_told() {
    let events = some_events();
    let query = "sum by (service) (increase(traces_spanmetrics_calls_total[11h]))";
    let few = Store {
        rows_max: 1,
        ..Store::new(&events)
    };
    let few = Arc::new(few);
    let found = answer(Counts::new(few.clone()).promql(&request(query, 43_200, 43_200, 1)));
    let whole = vector(ask(Store::new(&events), &request(query, 43_200, 43_200, 1)));
    // One interval cannot be asked for in parts.
    assert!(
        matches!(found, Err(Error::Source(error)) if error.kind == store_api::ErrorKind::Limited)
    );
    let few = Arc::new(Store {
        rows_max: 3,
        ..Store::new(&events)
    });
    let found = answer(Counts::new(few.clone()).promql(&request(query, 43_200, 43_200, 1)));
    assert_eq!(vector(found), whole);
    assert!(few.n_refused.load(Ordering::Relaxed) > 0);

    let late = Store {
        incomplete: Some(Incomplete::Deadline),
        ..Store::new(&events)
    };
    let late = ask(late, &request(query, 43_200, 43_200, 1));
    assert!(
        matches!(late, Err(Error::Source(error)) if error.kind == store_api::ErrorKind::Limited)
    );
    let damaged = Store {
        incomplete: Some(Incomplete::Damaged("part-7".to_owned())),
        ..Store::new(&events)
    };
    let damaged = ask(damaged, &request(query, 43_200, 43_200, 1)).expect("an answer");
    assert_eq!(damaged.warnings, ["spans may be missing, damaged: part-7"]);
}

#[test]
fn limits_are_named() {
    let events = some_events();
    let refused = |query: &str, start, end, step| {
        let refused = ask(Store::new(&events), &request(query, start, end, step));
        refused.expect_err("too much").to_string()
    };
    let calls = "traces_spanmetrics_calls_total";
    assert!(refused(calls, 0, 11_000, 1).contains("11,000 points"));
    assert!(refused(calls, 10, 0, 1).contains("range is none"));
    assert!(
        refused(
            &format!("rate({{__name__=~\"{calls}|up|.*size.*\"}}[5m])"),
            0,
            0,
            1
        )
        .contains("several metrics")
    );
    assert!(
        refused(
            "abs({__name__=~\"traces_spanmetrics_.*l\"})",
            3_800,
            3_800,
            1
        )
        .contains("the same labels")
    );
    let long = ask(
        long_names(),
        &request("traces_spanmetrics_latency_bucket", 3_800, 3_800, 1),
    );
    assert!(
        long.expect_err("too much")
            .to_string()
            .contains("too long ones")
    );
    let replaced = format!(
        "label_replace({calls}, \"x\", \"{}\", \"span_name\", \"(.*)\")",
        "$1".repeat(40)
    );
    let long = ask(long_names(), &request(&replaced, 3_800, 3_800, 1));
    assert!(long.expect_err("too much").to_string().contains("32 MiB"));
    // 64 selectors of some series with 10,000 points each.
    let many = vec!["traces_spanmetrics_latency_bucket"; 64].join(" or ");
    assert!(refused(&many, 3_600, 13_600, 1).contains("too many points"));
}

#[test]
fn series_and_exemplars_are_listed() {
    let counts = Counts::new(Arc::new(Store::new(&some_events())));
    let tenant = TenantId::default_tenant();
    let ask = PromqlAsk {
        tenant: &tenant,
        now_unix_nano: (DAY + 86_400) * SECOND,
        deadline: None,
    };
    let time = TimeRange {
        start_unix_nano: (DAY + 3_600) * SECOND,
        end_unix_nano: (DAY + 7_200) * SECOND,
    };
    let listed = |text: &str, max| {
        let selectors = [promql::parse_selector(text).expect("a selector")];
        let list = answer(counts.promql_series(ask, &selectors, time, max, |labels| labels));
        let list = list.expect("a list");
        let series: Vec<String> = list.series.iter().map(Labels::to_string).collect();
        (series, list.has_more)
    };
    assert_eq!(
        listed("{__name__=~\".*bucket\", le=\"1.6\", server=\"db\"}", 9).0,
        [
            r#"{__name__="traces_service_graph_request_client_seconds_bucket", client="shop", connection_type="database", le="1.6", server="db"}"#,
            r#"{__name__="traces_service_graph_request_server_seconds_bucket", client="shop", connection_type="database", le="1.6", server="db"}"#,
        ]
    );
    assert_eq!(
        listed("traces_service_graph_request_server_seconds", 9),
        (vec![], false)
    );
    let (some, has_more) = listed("{__name__!=\"\"}", 3);
    assert_eq!((some.len(), has_more), (3, true));
    let of = |query: &str| {
        let query = promql::parse(query).expect("a query");
        let found = answer(counts.promql_exemplars(ask, &query, time)).expect("exemplars");
        let ones = found.series.into_iter();
        let ones = ones.map(|(labels, ones)| {
            (
                labels.get("le").to_owned(),
                ones.iter().map(|one| one.value).collect(),
            )
        });
        ones.collect::<Vec<(String, Vec<f64>)>>()
    };
    let buckets = "histogram_quantile(0.9, sum by (le) (rate(traces_spanmetrics_latency_bucket{service=\"cart\"}[5m])))";
    let expected = [("+Inf", 90.0), ("0.004", 0.003), ("0.008", 0.005)];
    assert_eq!(
        of(buckets),
        expected.map(|(le, value)| (le.to_owned(), vec![value]))
    );
    assert_eq!(of("traces_service_graph_request_total"), []);
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let service = prop_oneof![Just("cart"), Just("pay"), Just("db")];
    let event = (0_i64..20_000, service, any::<bool>(), 0_i64..20_000_000_000);
    let event = event.prop_map(|(seconds, service, is_error, duration_nano)| Event {
        seconds,
        service,
        is_error,
        duration_nano,
    });
    proptest::collection::vec(event, 0..40)
}

/// Counted one by one: the events of the window of whole intervals.
fn naive(events: &[Event], start: i64, end: i64) -> BTreeMap<&'static str, Vec<&Event>> {
    let floor = |at: i64| at - at.rem_euclid(10);
    let mut found: BTreeMap<_, Vec<&Event>> = BTreeMap::new();
    let inside = |one: &&Event| (floor(start)..floor(end)).contains(&one.seconds);
    for event in events.iter().filter(inside) {
        found.entry(event.service).or_default().push(event);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_window_counts_its_spans(events in events(), end in 1_i64..25_000, window in 1_i64..15_000) {
        let start = end - window;
        let expected = naive(&events, end - end.rem_euclid(10) - window, end);
        let query = format!("sum by (service) (rate(traces_spanmetrics_calls_total[{window}s]))");
        let found = at(&events, &query, end);
        prop_assert_eq!(found.len(), expected.len(), "{} {:?}", start, found);
        let floor = |at: i64| at - at.rem_euclid(10);
        let seconds = floor(end) - floor(floor(end) - window);
        for (service, spans) in &expected {
            let rate = found[&format!("{{service=\"{service}\"}}")];
            prop_assert!((rate - spans.len() as f64 / seconds as f64).abs() < 1e-12, "{} {}", rate, spans.len());
        }
        let sums = at(&events, &format!("sum by (service) (rate(traces_spanmetrics_latency_sum[{window}s]))"), end);
        for (service, spans) in &expected {
            let exact: i64 = spans.iter().map(|one| one.duration_nano).sum();
            let sum = sums[&format!("{{service=\"{service}\"}}")] * seconds as f64;
            prop_assert!((sum - exact as f64 / 1e9).abs() < 1e-9);
        }
    }

    #[test]
    fn windows_side_by_side_count_everything_once(events in events(), step in 1_i64..40) {
        // Whole minutes or not: multiples of 10 s are exact.
        let step = step * 10;
        let end = 20_000 + step - 20_000 % step;
        let query = format!("sum by (server) (increase(traces_service_graph_request_total[{step}s]))");
        let found = vector(ask(Store::new(&events), &request(&query, step, end, step)));
        for service in ["cart", "pay", "db"] {
            let exact = events.iter().filter(|one| one.service == service).count();
            let points = found.get(&format!("{{server=\"{service}\"}}"));
            let sum: f64 = points.into_iter().flatten().flatten().sum();
            prop_assert!((sum - exact as f64).abs() < 1e-9, "{}: {} of {}", service, sum, exact);
        }
    }

    #[test]
    fn a_range_is_its_points(events in events(), first in 0_i64..12_000, step in 1_i64..5_000, query in proptest::sample::select(vec![
        "rate(traces_spanmetrics_latency_bucket[333s])",
        "sum by (client, server) (increase(traces_service_graph_request_failed_total[2h] offset 7s))",
        "sum without (span_name) (traces_spanmetrics_calls_total)",
        "histogram_quantile(0.9, sum by (le, service) (rate(traces_spanmetrics_latency_bucket[1h]))) or vector(1)",
        "topk(1, sum by (service) (increase(traces_spanmetrics_calls_total[30m])))",
        "sum(rate(traces_spanmetrics_calls_total{status_code=\"STATUS_CODE_ERROR\"}[1h])) / sum(rate(traces_spanmetrics_calls_total[1h] offset -5m))",
    ])) {
        let last = first + 4 * step;
        let range = vector(ask(Store::new(&events), &request(query, first, last, step)));
        for point in 0..5_usize {
            let alone = at(&events, query, first + point as i64 * step);
            let there: BTreeMap<String, f64> = range.iter().filter_map(|(labels, points)| Some((labels.clone(), points[point]?))).collect();
            prop_assert_eq!(there, alone, "{} at {}", query, point);
        }
    }

    #[test]
    fn quantiles_lie_in_the_bucket_of_the_truth(events in events(), q in 0.01_f64..1.0) {
        let query = format!("histogram_quantile({q}, sum by (le) (increase(traces_spanmetrics_latency_bucket[20000s])))");
        let found = at(&events, &query, 20_000);
        let mut durations: Vec<f64> = events.iter().map(|one| one.duration_nano as f64 / 1e9).collect();
        durations.sort_by(f64::total_cmp);
        if let Some(found) = found.get("{}") {
            let rank = ((q * durations.len() as f64).ceil() as usize).clamp(1, durations.len());
            let exact = durations[rank - 1];
            // Half a bucket of the histogram is 3 % at the scale that holds 1 ns to 20 s.
            let least = if exact < 0.002 { 0.0 } else { exact / 2.2 };
            prop_assert!((least..=exact.max(0.002) * 2.2).contains(found), "{} is {}", exact, found);
        }
    }
}
