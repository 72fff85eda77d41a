//! Tempo's API as Grafana's data source calls it, with its traps.

use http::uri::PathAndQuery;
use opentelemetry_proto::tonic::trace::v1::{Span, Status, TracesData};
use prost::Message;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic_prost::ProstCodec;

use crate::node::{Node, get, get_json, status_of};
use crate::otlp::{must_export, request, span, string, trace_id};

/// Tempo's `QueryRangeRequest`, and, without a step, `QueryInstantRequest`.
#[derive(Clone, PartialEq, Message)]
struct MetricsQuestion {
    #[prost(string, tag = "1")]
    query: String,
    #[prost(uint64, tag = "2")]
    start: u64,
    #[prost(uint64, tag = "3")]
    end: u64,
    #[prost(uint64, tag = "4")]
    step: u64,
}

/// The series of Tempo's `QueryRangeResponse`.
#[derive(Clone, PartialEq, Message)]
struct OverTime {
    #[prost(message, repeated, tag = "1")]
    series: Vec<Series>,
}

#[derive(Clone, PartialEq, Message)]
struct Series {
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

/// The series of Tempo's `QueryInstantResponse`.
#[derive(Clone, PartialEq, Message)]
struct AtOnce {
    #[prost(message, repeated, tag = "1")]
    series: Vec<Instant>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Instant {
    #[prost(double, tag = "2")]
    value: f64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
}

/// The fields of Tempo's `TraceByIDResponse` that Grafana reads.
#[derive(Clone, PartialEq, Message)]
struct TraceById {
    #[prost(message, optional, tag = "1")]
    trace: Option<TracesData>,
    #[prost(int32, tag = "3")]
    status: i32,
    #[prost(string, tag = "4")]
    message: String,
}

/// The fields of Tempo's `SearchRequest` that Grafana sends.
#[derive(Clone, PartialEq, Message)]
struct Search {
    #[prost(uint32, tag = "4")]
    limit: u32,
    #[prost(uint32, tag = "5")]
    start: u32,
    #[prost(uint32, tag = "6")]
    end: u32,
    #[prost(string, tag = "8")]
    query: String,
}

/// The fields of Tempo's `SearchResponse` that Grafana joins by.
#[derive(Clone, PartialEq, Message)]
struct Found {
    #[prost(message, repeated, tag = "1")]
    traces: Vec<FoundTrace>,
}

#[derive(Clone, PartialEq, Message)]
struct FoundTrace {
    #[prost(string, tag = "1")]
    trace_id: String,
    #[prost(string, tag = "2")]
    root_service: String,
    #[prost(string, tag = "3")]
    root_name: String,
    #[prost(uint64, tag = "4")]
    start_unix_nano: u64,
}

/// The only packet of an answer.
async fn only_packet<M: Message + Default + 'static>(
    grpc: &mut Grpc<Channel>,
    method: &str,
    question: MetricsQuestion,
) -> M {
    let path = format!("/tempopb.StreamingQuerier/{method}");
    let path = path.parse().expect("a path");
    grpc.ready().await.expect("connected");
    let codec: ProstCodec<MetricsQuestion, M> = ProstCodec::default();
    let question = tonic::Request::new(question);
    let answer = grpc.server_streaming(question, path, codec).await;
    let mut packets = answer.expect("a stream").into_inner();
    let packet = packets.message().await.expect("a whole packet");
    assert!(packets.message().await.expect("the end").is_none());
    packet.expect("a packet")
}

async fn node_with_a_trace(folder: &std::path::Path) -> Node {
    let node = Node::start(folder, &[]);
    let mut root = span(1, 1, "GET /");
    root.attributes = vec![string("a/b \"c\"", "x"), string("route", "/")];
    let mut bare = request("", vec![span(1, 2, "bare")]);
    let resource_spans = &mut bare.resource_spans[0];
    resource_spans.resource = None;
    resource_spans.scope_spans[0].scope = None;
    must_export(&node.url("OTLP/HTTP"), &request("gateway", vec![root])).await;
    must_export(&node.url("OTLP/HTTP"), &bare).await;
    node
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_has_what_grafana_dereferences() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = node_with_a_trace(folder.path()).await;
    let tempo = node.url("Tempo");
    let protobuf = async |path: String| {
        let request = reqwest::Client::new().get(path);
        let response = request
            .header("accept", "application/protobuf")
            .send()
            .await;
        let response = response.expect("an answer");
        assert!(response.status().is_success());
        assert_eq!(response.headers()["content-type"], "application/protobuf");
        response.bytes().await.expect("a whole body")
    };
    // A range that misses the trace must not lose it.
    let v2 = protobuf(format!(
        "{tempo}/api/v2/traces/{}?start=1&end=2",
        trace_id(1)
    ))
    .await;
    let v2 = TraceById::decode(v2).expect("TraceByIDResponse");
    let v1 = protobuf(format!("{tempo}/api/traces/{}", trace_id(1))).await;
    let v1 = TracesData::decode(v1).expect("Trace");
    assert_eq!(v2.trace.as_ref(), Some(&v1));
    assert_eq!((v2.status, v2.message.as_str()), (0, ""));
    let mut spans = 0;
    for resource_spans in &v1.resource_spans {
        let resource = resource_spans.resource.as_ref().expect("a resource");
        assert!(
            !resource.attributes.is_empty(),
            "spans of a resource without attributes vanish"
        );
        for scope_spans in &resource_spans.scope_spans {
            assert!(scope_spans.scope.is_some(), "the scope is dereferenced");
            for span in &scope_spans.spans {
                assert_eq!(
                    span.status,
                    Some(Status::default()),
                    "the status is dereferenced"
                );
                spans += 1;
            }
        }
    }
    assert_eq!(spans, 2);
    let json = get_json(&format!("{tempo}/api/traces/{}", trace_id(1))).await;
    assert!(json["batches"].is_array(), "v1 JSON has `batches`: {json}");
    let absent = reqwest::get(format!("{tempo}/api/v2/traces/{}", trace_id(9))).await;
    assert_eq!(
        absent.expect("an answer").status().as_u16(),
        404,
        "404 makes Grafana try v1"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_is_cut_to_what_a_query_finds() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let child = |id: u64, parent: u64, name: &str| Span {
        parent_span_id: parent.to_be_bytes().to_vec(),
        ..span(1, id, name)
    };
    let spans = vec![
        span(1, 1, "root"),
        child(2, 1, "middle"),
        child(3, 2, "match"),
        child(4, 3, "below"),
        child(5, 4, "deep"),
        child(6, 1, "aside"),
    ];
    must_export(&node.url("OTLP/HTTP"), &request("shop", spans)).await;
    let url = format!("{}/api/v2/traces/{}", node.url("Tempo"), trace_id(1));
    let names = |spans: &serde_json::Value| -> Vec<String> {
        let lists = spans["trace"]["resourceSpans"].as_array().expect("a list");
        let scopes = lists.iter().flat_map(|list| list["scopeSpans"].as_array());
        let spans = scopes.flatten().flat_map(|list| list["spans"].as_array());
        let names = spans.flatten().map(|span| span["name"].as_str());
        let mut names: Vec<String> = names.map(|name| name.expect("a name").to_owned()).collect();
        names.sort_unstable();
        names
    };
    let found = "q=%7B%20name%20%3D%20%22match%22%20%7D";
    for (asked, expect, message) in [
        ("", "aside below deep match middle root", ""),
        ("q=", "aside below deep match middle root", ""),
        ("q=%7B%7D", "aside below deep match middle root", ""),
        (
            found,
            "match middle root",
            "3 of 6 spans are left out; q matches 1",
        ),
        (
            &format!("{found}&match_depth=1"),
            "below match middle root",
            "2 of 6 spans are left out; q matches 1",
        ),
        (
            &format!("{found}&match_depth=-1&ancestor_depth=1"),
            "below deep match middle",
            "2 of 6 spans are left out; q matches 1",
        ),
        (
            &format!("{found}&keep_hierarchy=false&ancestor_depth=-1&start=1&end=2"),
            "match",
            "5 of 6 spans are left out; q matches 1",
        ),
        (
            "q=%7B%20name%20%3D%20%22root%22%20%7D%20%3E%20%7B%20%7D%20%7C%20count()%20%3E%201&keep_hierarchy=0",
            "aside middle",
            "4 of 6 spans are left out; q matches 2",
        ),
        (
            "q=%7B%20name%20%3D%20%22absent%22%20%7D",
            "",
            "6 of 6 spans are left out; q matches none",
        ),
    ] {
        let answer = get_json(&format!("{url}?{asked}")).await;
        assert_eq!(names(&answer).join(" "), expect, "{asked}");
        assert_eq!(answer["message"], message, "{asked}");
        assert_eq!(
            answer["status"], "COMPLETE",
            "nothing is missing of what was asked for"
        );
    }
    let protobuf = reqwest::Client::new()
        .get(format!("{url}?{found}"))
        .header("accept", "application/protobuf")
        .send()
        .await;
    let protobuf = protobuf.expect("an answer").bytes().await;
    let part = TraceById::decode(protobuf.expect("a whole body")).expect("TraceByIDResponse");
    let lists = part.trace.expect("a trace").resource_spans;
    let scopes = lists.iter().flat_map(|list| &list.scope_spans);
    assert_eq!(scopes.map(|list| list.spans.len()).sum::<usize>(), 3);
    assert_eq!(part.message, "3 of 6 spans are left out; q matches 1");
    let short = url.replace(&trace_id(1), trace_id(1).trim_start_matches('0'));
    assert_eq!(
        names(&get_json(&short).await).len(),
        6,
        "senders leave out zeros"
    );
    let absent = url.replace(&trace_id(1), &trace_id(9));
    assert_eq!(status_of(&format!("{absent}?{found}")).await, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn search_answers_pass_a_strict_decoder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = node_with_a_trace(folder.path()).await;
    let tempo = node.url("Tempo");
    let question = "q=%7B%20span.route%20%3D%20%22%2F%22%20%7D&limit=5&spss=0";
    let found = get_json(&format!("{tempo}/api/search?{question}")).await;
    let fields = |value: &serde_json::Value| -> Vec<String> {
        value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(fields(&found), ["metrics", "traces"]);
    let trace = &found["traces"][0];
    let known = [
        "durationMs",
        "rootServiceName",
        "rootTraceName",
        "serviceStats",
        "spanSet",
        "spanSets",
        "startTimeUnixNano",
        "traceID",
    ];
    assert_eq!(fields(trace), known);
    assert!(
        trace["startTimeUnixNano"].is_string() && trace["durationMs"].is_number(),
        "{trace}"
    );
    assert_eq!(
        trace["spanSet"], trace["spanSets"][0],
        "the older field is filled too"
    );
    let set = &trace["spanSets"][0];
    assert_eq!(set["matched"], 1);
    let span = &set["spans"][0];
    assert_eq!(
        fields(span),
        [
            "attributes",
            "durationNanos",
            "name",
            "spanID",
            "startTimeUnixNano"
        ]
    );
    assert!(span["durationNanos"].is_string() && span["startTimeUnixNano"].is_string());
    assert_eq!(
        span["attributes"][0],
        serde_json::json!({ "key": "route", "value": { "stringValue": "/" } })
    );
    let stats = fields(&trace["serviceStats"]);
    assert_eq!(stats, ["", "gateway"], "by service");

    // Grafana unescapes a tag and puts it back as path; half-typed filters come with it.
    let odd = format!(
        "{tempo}/api/v2/search/tag/span.a%2Fb%20%22c%22/values?limit=10&tag=x&q=%7B%20span.route%20%3D"
    );
    assert_eq!(get_json(&odd).await["tagValues"][0]["value"], "x");
    let bare = format!("{tempo}/api/v2/search/tag/span.a/b%20%22c%22/values");
    assert_eq!(get_json(&bare).await["tagValues"][0]["value"], "x");
    let tags = get_json(&format!("{tempo}/api/v2/search/tags?limit=5000")).await;
    let scopes: Vec<_> = tags["scopes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|s| s["name"].clone())
        .collect();
    assert_eq!(
        scopes,
        [
            "resource",
            "span",
            "event",
            "link",
            "instrumentation",
            "intrinsic"
        ]
    );
    let legacy = get_json(&format!(
        "{tempo}/api/search?tags=route%3D%2F&minDuration=1ms&maxDuration=1s"
    ))
    .await;
    assert_eq!(legacy["traces"][0]["traceID"], trace_id(1));
    assert!(
        get(&format!("{tempo}/api/status/buildinfo"))
            .await
            .contains("version")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_streams_on_the_same_socket() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = node_with_a_trace(folder.path()).await;
    let tempo = node.url("Tempo");
    let channel = Channel::from_shared(tempo)
        .expect("an address")
        .connect()
        .await
        .expect("h2c");
    let mut grpc = Grpc::new(channel);
    let now = std::time::UNIX_EPOCH
        .elapsed()
        .expect("after 1970")
        .as_secs() as u32;
    let search = Search {
        limit: 1,
        start: now - 900,
        end: now + 60,
        query: "{}".into(),
    };
    let path = PathAndQuery::from_static("/tempopb.StreamingQuerier/Search");
    grpc.ready().await.expect("connected");
    let codec: ProstCodec<Search, Found> = ProstCodec::default();
    let answer = grpc
        .server_streaming(tonic::Request::new(search), path, codec)
        .await;
    let mut packets = answer.expect("a stream").into_inner();
    let mut traces = Vec::new();
    while let Some(packet) = packets.message().await.expect("whole packets") {
        traces.extend(packet.traces);
    }
    let ids: Vec<_> = traces.iter().map(|trace| trace.trace_id.clone()).collect();
    assert_eq!(ids, [trace_id(1)]);
    assert_eq!(traces[0].root_name, "GET /");

    let bad = Search {
        query: "{ span.a = ".into(),
        ..Search::default()
    };
    let path = PathAndQuery::from_static("/tempopb.StreamingQuerier/Search");
    grpc.ready().await.expect("connected");
    let codec: ProstCodec<Search, Found> = ProstCodec::default();
    let refused = grpc
        .server_streaming(tonic::Request::new(bad), path, codec)
        .await;
    let Err(refused) = refused else {
        panic!("a query that does not parse was answered");
    };
    assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{refused}");

    let question = MetricsQuestion {
        query: "{ } | count_over_time()".into(),
        start: u64::from(now - 900) * 1_000_000_000,
        end: u64::from(now + 60) * 1_000_000_000,
        ..MetricsQuestion::default()
    };
    let range = MetricsQuestion {
        step: 1_000_000_000_000,
        ..question.clone()
    };
    let found: OverTime = only_packet(&mut grpc, "MetricsQueryRange", range).await;
    let samples = found.series[0].samples.iter();
    assert_eq!(samples.map(|sample| sample.value).sum::<f64>(), 2.0);
    let found: AtOnce = only_packet(&mut grpc, "MetricsQueryInstant", question).await;
    assert_eq!(found.series, [Instant { value: 2.0 }]);

    let path = PathAndQuery::from_static("/tempopb.StreamingQuerier/Nothing");
    grpc.ready().await.expect("connected");
    let codec: ProstCodec<Search, Found> = ProstCodec::default();
    let unknown = grpc
        .server_streaming(tonic::Request::new(Search::default()), path, codec)
        .await;
    assert_eq!(
        unknown.err().map(|status| status.code()),
        Some(tonic::Code::Unimplemented)
    );
}
