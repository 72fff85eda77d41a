//! The metrics that there are, and what a row of the roll-ups or edges is in each.
//!
//! Names and labels are those of Tempo's metrics generator, and of OpenTelemetry's span metrics connector with its default namespace; so are the
//! bounds of buckets. Labels of ours besides: `service_version`, `deployment_environment_name`, `overflow`.

use model::{SpanKind, StatusCode};
use promql::{BUCKET, Labels, NAME, Selector};
use rollup::{ConnectionType, Durations, Edge, EdgeFigures, Node, NodeKind, RedFigures, Series};
use store_api::CountTable;

/// A metric, as `/metadata` tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Without the suffix of a part of a histogram.
    pub name: &'static str,
    /// `counter` or `histogram`.
    pub kind: &'static str,
    /// What it counts.
    pub help: &'static str,
}

/// All metrics.
#[rustfmt::skip]
pub const METRICS: [Metric; 9] = [
    counter("traces_spanmetrics_calls_total", "spans"),
    counter("traces_spanmetrics_size_total", "about how many bytes spans take, without resource and scope"),
    histogram("traces_spanmetrics_latency", "durations of spans, in seconds"),
    counter("traces_service_graph_request_total", "calls from client to server"),
    counter("traces_service_graph_request_failed_total", "calls from client to server that failed"),
    histogram("traces_service_graph_request_server_seconds", "durations of calls as the server saw them, or the client where servers send no spans"),
    histogram("traces_service_graph_request_client_seconds", "durations of calls as the client saw them"),
    counter("traces_span_metrics_calls_total", "spans, with the labels of OpenTelemetry's connector"),
    histogram("traces_span_metrics_duration_milliseconds", "durations of spans, with the labels of OpenTelemetry's connector"),
];

const fn counter(name: &'static str, help: &'static str) -> Metric {
    let kind = "counter";
    Metric { name, kind, help }
}

const fn histogram(name: &'static str, help: &'static str) -> Metric {
    let kind = "histogram";
    Metric { name, kind, help }
}

const SECOND: f64 = 1e9;
const MILLISECOND: f64 = 1e6;

/// Of durations of spans, in seconds. Source: Tempo's defaults, as those of calls.
const SPAN_BOUNDS: &[f64] = &[
    0.002,
    0.004,
    0.008,
    0.016,
    0.032,
    0.064,
    0.128,
    0.256,
    0.512,
    1.024,
    2.048,
    4.096,
    8.192,
    16.384,
    f64::INFINITY,
];
const CALL_BOUNDS: &[f64] = &[0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, f64::INFINITY];
/// In milliseconds. Source: OpenTelemetry's span metrics connector.
const CONNECTOR_BOUNDS: &[f64] = &[
    2.0,
    4.0,
    6.0,
    8.0,
    10.0,
    50.0,
    100.0,
    200.0,
    400.0,
    800.0,
    1_000.0,
    1_400.0,
    2_000.0,
    5_000.0,
    10_000.0,
    15_000.0,
    f64::INFINITY,
];

/// A metric as a selector names it: a counter, or a part of a histogram.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    of: Of,
    figure: Figure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Spans by operation, with Tempo's labels.
    Spans,
    /// Likewise, with OpenTelemetry's.
    ConnectorSpans,
    /// Calls as the server saw them, or whoever did.
    Calls,
    /// As the client saw them.
    ClientCalls,
}

#[derive(Debug, Clone, Copy)]
enum Figure {
    Count,
    /// Of those that have a duration: calls that the side sent a span of.
    Observed,
    Failed,
    Bytes,
    /// Of durations, in units of this many nanoseconds.
    Sum(f64),
    /// Durations up to bounds, in units of this many nanoseconds.
    Buckets(&'static [f64], f64),
}

#[rustfmt::skip]
const FAMILIES: [Family; 17] = [
    of("traces_spanmetrics_calls_total", Of::Spans, Figure::Count),
    of("traces_spanmetrics_size_total", Of::Spans, Figure::Bytes),
    of("traces_spanmetrics_latency_bucket", Of::Spans, Figure::Buckets(SPAN_BOUNDS, SECOND)),
    of("traces_spanmetrics_latency_sum", Of::Spans, Figure::Sum(SECOND)),
    of("traces_spanmetrics_latency_count", Of::Spans, Figure::Observed),
    of("traces_service_graph_request_total", Of::Calls, Figure::Count),
    of("traces_service_graph_request_failed_total", Of::Calls, Figure::Failed),
    of("traces_service_graph_request_server_seconds_bucket", Of::Calls, Figure::Buckets(CALL_BOUNDS, SECOND)),
    of("traces_service_graph_request_server_seconds_sum", Of::Calls, Figure::Sum(SECOND)),
    of("traces_service_graph_request_server_seconds_count", Of::Calls, Figure::Observed),
    of("traces_service_graph_request_client_seconds_bucket", Of::ClientCalls, Figure::Buckets(CALL_BOUNDS, SECOND)),
    of("traces_service_graph_request_client_seconds_sum", Of::ClientCalls, Figure::Sum(SECOND)),
    of("traces_service_graph_request_client_seconds_count", Of::ClientCalls, Figure::Observed),
    of("traces_span_metrics_calls_total", Of::ConnectorSpans, Figure::Count),
    of("traces_span_metrics_duration_milliseconds_bucket", Of::ConnectorSpans, Figure::Buckets(CONNECTOR_BOUNDS, MILLISECOND)),
    of("traces_span_metrics_duration_milliseconds_sum", Of::ConnectorSpans, Figure::Sum(MILLISECOND)),
    of("traces_span_metrics_duration_milliseconds_count", Of::ConnectorSpans, Figure::Observed),
];

const fn of(name: &'static str, of: Of, figure: Figure) -> Family {
    Family { name, of, figure }
}

/// What a row counts, but for its interval.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Spans(Series),
    Calls(Edge),
}

/// What it counts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Figures<'a> {
    Spans(&'a RedFigures),
    Calls(&'a EdgeFigures),
}

/// What a row adds to a series of each bound.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Measured {
    /// Spans or calls; a series is there where there are any.
    pub(super) n: i64,
    /// One, or one for each bound.
    pub(super) figures: Vec<i128>,
}

/// The families that `selector` may mean.
pub(super) fn selected(selector: &Selector) -> impl Iterator<Item = &'static Family> {
    let known = const { &FAMILIES };
    known.iter().filter(|one| selector.fits(NAME, one.name))
}

impl Family {
    pub(super) fn table(&self) -> CountTable {
        match self.of {
            Of::Spans | Of::ConnectorSpans => CountTable::Rollups,
            Of::Calls | Of::ClientCalls => CountTable::Edges,
        }
    }

    /// The upper bounds of its buckets; none where it has no buckets.
    pub(super) fn bounds(&self) -> &'static [f64] {
        match self.figure {
            Figure::Buckets(bounds, _) => bounds,
            _ => &[],
        }
    }

    /// What a figure is divided by.
    pub(super) fn unit(&self) -> f64 {
        match self.figure {
            Figure::Sum(unit_nano) => unit_nano,
            _ => 1.0,
        }
    }

    /// A duration in the unit of its bounds.
    pub(super) fn duration(&self, nano: i64) -> f64 {
        let unit_nano = match self.of {
            Of::ConnectorSpans => MILLISECOND,
            _ => SECOND,
        };
        nano as f64 / unit_nano
    }

    /// The labels of a row, but for the name of the metric and the bound of a bucket; `None` for a row of the other table.
    pub(super) fn labels(&self, key: &Key) -> Option<Labels> {
        let mut labels = Labels::default();
        match (self.of, key) {
            (Of::Spans | Of::ConnectorSpans, Key::Spans(series)) => {
                let service = if self.of == Of::Spans {
                    "service"
                } else {
                    "service_name"
                };
                if !series.overflow || !series.service_name.is_empty() {
                    labels.set(service, named(&series.service_name));
                }
                labels.set("span_name", &*series.operation);
                let kind = SpanKind(series.kind).as_str().to_uppercase();
                labels.set("span_kind", format!("SPAN_KIND_{kind}"));
                let status = StatusCode(series.status_code).as_str().to_uppercase();
                labels.set("status_code", format!("STATUS_CODE_{status}"));
                labels.set("service_version", &*series.service_version);
                labels.set("deployment_environment_name", &*series.environment);
                overflow(&mut labels, series.overflow);
            }
            (Of::Calls | Of::ClientCalls, Key::Calls(edge)) => {
                labels.set("client", end(&edge.caller));
                labels.set("server", end(&edge.callee));
                labels.set("connection_type", connection(edge));
                overflow(&mut labels, edge.overflow);
            }
            _ => return None,
        }
        Some(labels)
    }

    /// What a row counts, in each of `buckets`, positions among the bounds.
    pub(super) fn measured(&self, key: &Key, figures: Figures<'_>, buckets: &[usize]) -> Measured {
        let (durations, n, failed, bytes) = match figures {
            Figures::Spans(figures) => {
                let durations = &figures.durations;
                (durations, durations.count, durations.errors, figures.bytes)
            }
            Figures::Calls(figures) => {
                let callee_is_silent =
                    matches!(key, Key::Calls(edge) if edge.callee.kind != NodeKind::Service);
                let durations = if callee_is_silent || self.of == Of::ClientCalls {
                    &figures.client
                } else {
                    &figures.server
                };
                (durations, figures.calls(), figures.failed(), 0)
            }
        };
        let n = if self.of == Of::ClientCalls {
            durations.count
        } else {
            n
        };
        let one = |figure: i64| vec![i128::from(figure)];
        let figures = match self.figure {
            Figure::Count => one(n),
            Figure::Observed => one(durations.count),
            Figure::Failed => one(failed),
            Figure::Bytes => one(bytes),
            Figure::Sum(_) => vec![durations.sum_nano as i128],
            Figure::Buckets(bounds, unit_nano) => in_buckets(durations, bounds, unit_nano, buckets),
        };
        Measured { n, figures }
    }
}

fn in_buckets(
    durations: &Durations,
    bounds: &[f64],
    unit_nano: f64,
    buckets: &[usize],
) -> Vec<i128> {
    let bounds = buckets.iter().map(|at| bounds[*at] * unit_nano);
    let counts = durations.histogram.counts_up_to(&Vec::from_iter(bounds));
    counts.into_iter().map(i128::from).collect()
}

/// The labels of a bucket.
pub(super) fn with_bound(labels: &Labels, bound: f64) -> Labels {
    let mut labels = labels.clone();
    labels.set(BUCKET, promql::number_text(bound));
    labels
}

fn overflow(labels: &mut Labels, is_overflow: bool) {
    labels.set("overflow", if is_overflow { "true" } else { "" });
}

/// A service without a name as OpenTelemetry calls it.
fn named(service: &str) -> &str {
    if service.is_empty() {
        "unknown_service"
    } else {
        service
    }
}

/// An end of an edge. What is no service of ours stands there under the name that its peer gave it.
fn end(node: &Node) -> &str {
    match node.kind {
        NodeKind::User => "user",
        NodeKind::Service => named(&node.name),
        _ if node.name.is_empty() => "unknown",
        _ => &node.name,
    }
}

/// The word that Tempo has for it; none for a call from one service to another.
fn connection(edge: &Edge) -> &'static str {
    let is_service = |node: &Node| node.kind == NodeKind::Service;
    match edge.connection {
        ConnectionType::Messaging => "messaging_system",
        ConnectionType::Database => "database",
        _ if is_service(&edge.caller) && is_service(&edge.callee) => "",
        _ => "virtual_node",
    }
}
