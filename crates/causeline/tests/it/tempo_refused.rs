//! What Tempo's API refuses, over HTTP and gRPC: with the reason, and never as a mistake of its own.

use prost::Message;
use reqwest::Response;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::node::{Node, get_json};
use crate::otlp::{must_export, request, span, trace_id};

/// Requests that are wrong, after the address of the listener, and words of what is said about them. `ID` is a trace that there is.
const WRONG: [(&str, &str); 49] = [
    ("/api/traces/xyz", "trace id: "),
    ("/api/traces/00000000000000000000000000000000", "trace id: "),
    ("/api/traces/ID?start=yesterday", "start: is not a time"),
    ("/api/traces/%FF", "UTF-8"),
    ("/api/v2/traces/xyz", "trace id: "),
    ("/api/v2/traces/xyz?q={}", "trace id: "),
    ("/api/v2/traces/ID?end=1e300", "end: is not a time"),
    ("/api/v2/traces/ID?q={ span.a = ", "syntax error: "),
    (
        "/api/v2/traces/ID?q={ } | rate()",
        "metrics functions are not supported",
    ),
    ("/api/v2/traces/ID?q={ parent.a = 1 }", "not supported: "),
    (
        "/api/v2/traces/ID?keep_hierarchy=maybe",
        "keep_hierarchy: is neither true nor false",
    ),
    (
        "/api/v2/traces/ID?match_depth=-2",
        "match_depth: is not a number of levels",
    ),
    (
        "/api/v2/traces/ID?ancestor_depth=some",
        "ancestor_depth: is not a number of levels",
    ),
    ("/api/search?q={ span.a = ", "syntax error: "),
    ("/api/search?q={ name = 5 }", "type error"),
    (
        "/api/search?q={ } | rate()",
        "metrics functions are not supported",
    ),
    (
        "/api/search?tags=novalue",
        "tags: `novalue` is not key=value",
    ),
    (
        "/api/search?minDuration=5",
        "minDuration: is not a duration",
    ),
    (
        "/api/search?maxDuration=soon",
        "maxDuration: is not a duration",
    ),
    (
        "/api/search?minDuration=2s&maxDuration=1s",
        "maxDuration: is less than minDuration",
    ),
    ("/api/search?limit=-1", "limit: is not a whole number"),
    ("/api/search?limit=20000", "limit: is more than 10000"),
    ("/api/search?spss=many", "spss: is not a whole number"),
    ("/api/search?start=9&end=5", "start: lies after end"),
    ("/api/search?start=-1", "start: is not a time"),
    ("/api/search?end=9223372036854775808", "end: is not a time"),
    ("/api/search?since=5", "since: is not a duration"),
    ("/api/search/tags?scope=trace", "scope: `trace` is unknown"),
    ("/api/search/tags?limit=x", "limit: is not a whole number"),
    ("/api/search/tags?start=99999999999", "start: is not a time"),
    (
        "/api/v2/search/tags?scope=trace",
        "scope: `trace` is unknown",
    ),
    (
        "/api/v2/search/tags?limit=20000",
        "limit: is more than 10000",
    ),
    ("/api/v2/search/tags?start=9&end=5", "start: lies after end"),
    (
        "/api/search/tag/a/values?limit=x",
        "limit: is not a whole number",
    ),
    ("/api/search/tag/a/values?end=x", "end: is not a time"),
    (
        "/api/v2/search/tag/span.a/values?limit=20000",
        "limit: is more than 10000",
    ),
    (
        "/api/v2/search/tag/span.a/values?start=9&end=5",
        "start: lies after end",
    ),
    ("/api/v2/search/tag/%FF/values", "UTF-8"),
    ("/api/metrics/query_range", "q: asks for no metrics"),
    ("/api/metrics/query_range?q={ }", "q: asks for no metrics"),
    ("/api/metrics/query_range?q={ } | rate(", "syntax error: "),
    (
        "/api/metrics/query_range?q={ } | rate()&step=0",
        "step: is shorter than 1ms",
    ),
    (
        "/api/metrics/query_range?q={ } | rate()&step=x",
        "step: is not a duration",
    ),
    (
        "/api/metrics/query_range?q={ } | rate()&exemplars=-1",
        "exemplars: is not a whole number",
    ),
    (
        "/api/metrics/query_range?q={ } | rate()&start=1&end=2000000000&step=1s",
        "intervals",
    ),
    ("/api/metrics/query?q={ }", "q: asks for no metrics"),
    (
        "/api/metrics/query?q={ } | rate()&start=x",
        "start: is not a time",
    ),
    (
        "/api/metrics/query?q={ } | rate()&start=9&end=5",
        "start: lies after end",
    ),
    (
        "/api/metrics/query?q={ } | rate()&since=-1h",
        "since: is not a duration",
    ),
];

/// Requests that look odd and are answered.
const ODD: [&str; 9] = [
    "/api/search?q=&tags=&minDuration=&maxDuration=&limit=&spss=&start=&end=&since=",
    "/api/search?start=0&end=0&limit=0&spss=0",
    "/api/search?start=1&end=9000000000",
    "/api/search?q={}&q={ span.a = ",
    "/api/v2/search/tags?scope=&limit=&q={ span.",
    "/api/v2/search/tag/span.a/values?q={ span.a = &since=1h",
    "/api/v2/search/tag/%22%5C/values",
    "/api/metrics/query_range?q={ } | rate()&step=1e300",
    "/api/metrics/query?q={ } | rate()&start=2026-01-01T00:00:00Z",
];

/// The fields of Tempo's `SearchTagsRequest` and of others that begin in the same way.
#[derive(Clone, PartialEq, Message)]
struct TagsQuestion {
    #[prost(string, tag = "1")]
    scope: String,
}

/// The fields of Tempo's `QueryInstantRequest`.
#[derive(Clone, PartialEq, Message)]
struct MetricsQuestion {
    #[prost(string, tag = "1")]
    query: String,
    #[prost(uint64, tag = "2")]
    start: u64,
    #[prost(uint64, tag = "3")]
    end: u64,
}

/// An answer of which nothing is read.
#[derive(Clone, Copy, PartialEq, Message)]
struct Unread {}

async fn node_with_a_trace(folder: &std::path::Path) -> Node {
    let node = Node::start(folder, &[]);
    let spans = vec![span(1, 1, "GET /")];
    must_export(&node.url("OTLP/HTTP"), &request("shop", spans)).await;
    node
}

async fn answered(url: &str, tenant: Option<&str>) -> Response {
    let mut request = reqwest::Client::new().get(url);
    if let Some(tenant) = tenant {
        request = request.header("X-Scope-OrgID", tenant);
    }
    request.send().await.expect("an answer")
}

async fn connected(node: &Node) -> Grpc<Channel> {
    let channel = Channel::from_shared(node.url("Tempo")).expect("an address");
    Grpc::new(channel.connect().await.expect("h2c"))
}

/// What becomes of a stream: how many packets came, or why there was none.
async fn streamed(
    grpc: &mut Grpc<Channel>,
    method: &str,
    question: impl Message + Default + 'static,
    tenant: Option<&str>,
) -> Result<usize, Status> {
    let mut request = Request::new(question);
    if let Some(tenant) = tenant {
        let tenant = tenant.parse().expect("ASCII");
        request.metadata_mut().insert("x-scope-orgid", tenant);
    }
    let path = format!("/tempopb.StreamingQuerier/{method}");
    let path = path.parse().expect("a path");
    grpc.ready().await.expect("connected");
    let codec = ProstCodec::<_, Unread>::default();
    let answer = grpc.server_streaming(request, path, codec).await?;
    let mut packets = answer.into_inner();
    let mut n_packets = 0;
    while packets.message().await?.is_some() {
        n_packets += 1;
    }
    Ok(n_packets)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = node_with_a_trace(folder.path()).await;
    let tempo = node.url("Tempo");
    let url = |path: &str| format!("{tempo}{}", path.replace("ID", &trace_id(1)));
    for (path, words) in WRONG {
        let answer = answered(&url(path), None).await;
        let (status, body) = (answer.status().as_u16(), answer.text().await);
        let body = body.expect("a whole body");
        assert_eq!(status, 400, "{path}: {body}");
        assert!(body.contains(words), "{path}: {body}");
    }
    for path in ODD {
        let answer = answered(&url(path), None).await;
        let (status, body) = (answer.status().as_u16(), answer.text().await);
        assert_eq!(status, 200, "{path}: {body:?}");
    }
    for path in ["/api/search/tag/a", "/api/overrides", "/"] {
        assert_eq!(answered(&url(path), None).await.status(), 404, "{path}");
    }

    let mut grpc = connected(&node).await;
    let scope = TagsQuestion {
        scope: "trace".into(),
    };
    let late = MetricsQuestion {
        query: "{ } | rate()".into(),
        start: 9,
        end: 5,
    };
    let never = MetricsQuestion {
        start: 1,
        end: u64::MAX,
        ..late.clone()
    };
    let no_metrics = MetricsQuestion {
        query: "{ }".into(),
        ..MetricsQuestion::default()
    };
    let refused = [
        streamed(&mut grpc, "SearchTagsV2", scope, None).await,
        streamed(&mut grpc, "MetricsQueryInstant", late, None).await,
        streamed(&mut grpc, "MetricsQueryInstant", never, None).await,
        streamed(&mut grpc, "MetricsQueryRange", no_metrics, None).await,
    ];
    for (answer, words) in refused.into_iter().zip([
        "scope: `trace` is unknown",
        "start: lies after end",
        "end: is not a time",
        "q: asks for no metrics",
    ]) {
        let refused = answer.expect_err(words);
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        assert!(refused.message().contains(words), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_tenants_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = node_with_a_trace(folder.path()).await;
    let tempo = node.url("Tempo");
    let paths = [
        "/api/echo".to_owned(),
        "/api/search".to_owned(),
        format!("/api/v2/traces/{}", trace_id(1)),
        "/api/nothing".to_owned(),
        "/prometheus/api/v1/labels".to_owned(),
    ];
    for tenant in ["other", "default|other", "default,other"] {
        for path in &paths {
            let refused = answered(&format!("{tempo}{path}"), Some(tenant)).await;
            assert_eq!(refused.status(), 400, "{tenant} {path}");
            let body = refused.text().await.expect("a whole body");
            let words = "X-Scope-OrgID: there is one tenant here, `default`";
            assert!(body.contains(words), "{tenant} {path}: {body}");
            assert_eq!(body.starts_with('{'), path.contains("prometheus"), "{body}");
        }
    }
    let search = format!("{tempo}/api/search?q={{ resource.service.name = \"shop\" }}");
    let found = answered(&search, Some("default")).await;
    let found: serde_json::Value = found.json().await.expect("JSON");
    assert_eq!(found["traces"][0]["traceID"], trace_id(1));
    assert_eq!(found["traces"], get_json(&search).await["traces"]);
    let probe = answered(&format!("{tempo}/ready"), Some("other")).await;
    assert_eq!(probe.status(), 200, "probes are about the node");

    let mut grpc = connected(&node).await;
    let all = TagsQuestion::default;
    let served = streamed(&mut grpc, "SearchTagsV2", all(), Some("default")).await;
    assert_eq!(served.expect("an answer"), 1);
    let refused = streamed(&mut grpc, "SearchTagsV2", all(), Some("other")).await;
    let refused = refused.expect_err("of another tenant");
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    assert!(refused.message().contains("there is one tenant here"));
}
