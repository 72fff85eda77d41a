//! `jaeger.api_v3.QueryService` and `jaeger.api_v2.QueryService`, called with messages of their own definitions.

use std::collections::HashMap;

use http::uri::PathAndQuery;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use super::Order;
use crate::node::{Node, eventually, get_json};
use crate::otlp::{request, send, span, trace_id};

#[derive(Clone, Copy, PartialEq, Message)]
struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// Of version 3.
#[derive(Clone, PartialEq, Message)]
struct ById {
    #[prost(string, tag = "1")]
    trace_id: String,
}

/// Of version 2.
#[derive(Clone, PartialEq, Message)]
struct ByBytes {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    start_time: Option<Time>,
}

/// Of both versions.
#[derive(Clone, PartialEq, Message)]
struct Query {
    #[prost(string, tag = "1")]
    service_name: String,
    #[prost(string, tag = "2")]
    operation_name: String,
    #[prost(map = "string, string", tag = "3")]
    attributes: HashMap<String, String>,
    #[prost(message, optional, tag = "4")]
    start: Option<Time>,
    #[prost(message, optional, tag = "5")]
    end: Option<Time>,
    #[prost(message, optional, tag = "6")]
    duration_min: Option<Time>,
    #[prost(message, optional, tag = "7")]
    duration_max: Option<Time>,
    #[prost(int32, tag = "8")]
    search_depth: i32,
    #[prost(message, optional, tag = "10")]
    filter: Option<Filter>,
}

#[derive(Clone, PartialEq, Message)]
struct Filter {
    #[prost(string, tag = "1")]
    op: String,
}

#[derive(Clone, PartialEq, Message)]
struct Find {
    #[prost(message, optional, tag = "1")]
    query: Option<Query>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Nothing {}

#[derive(Clone, PartialEq, Message)]
struct Names {
    #[prost(string, repeated, tag = "1")]
    names: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct OfService {
    #[prost(string, tag = "1")]
    service: String,
    #[prost(string, tag = "2")]
    span_kind: String,
}

/// Operations of version 3, and calls of either up to their count.
#[derive(Clone, PartialEq, Message)]
struct Pairs {
    #[prost(message, repeated, tag = "1")]
    pairs: Vec<Pair>,
}

#[derive(Clone, PartialEq, Message)]
struct Pair {
    #[prost(string, tag = "1")]
    first: String,
    #[prost(string, tag = "2")]
    second: String,
    #[prost(uint64, tag = "3")]
    count: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Operations {
    #[prost(string, repeated, tag = "1")]
    names: Vec<String>,
    #[prost(message, repeated, tag = "2")]
    operations: Vec<Pair>,
}

#[derive(Clone, PartialEq, Message)]
struct Range {
    #[prost(message, optional, tag = "1")]
    start: Option<Time>,
    #[prost(message, optional, tag = "2")]
    end: Option<Time>,
}

#[derive(Clone, PartialEq, Message)]
struct Summaries {
    #[prost(message, repeated, tag = "1")]
    summaries: Vec<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(string, tag = "1")]
    trace_id: String,
    #[prost(string, tag = "2")]
    root_service: String,
    #[prost(fixed64, tag = "4")]
    start: u64,
    #[prost(int32, tag = "6")]
    span_count: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Chunk {
    #[prost(message, repeated, tag = "1")]
    spans: Vec<wire::jaeger::message::Span>,
}

const V3: &str = "/jaeger.api_v3.QueryService/";
const V2: &str = "/jaeger.api_v2.QueryService/";

struct Client(Grpc<Channel>);

impl Client {
    async fn of(node: &Node) -> Self {
        let channel = Channel::from_shared(node.url("Jaeger/gRPC")).expect("an address");
        Self(Grpc::new(channel.connect().await.expect("h2c")))
    }

    /// Every message of an answer.
    async fn stream<Q, A>(
        &mut self,
        service: &str,
        method: &str,
        question: Q,
    ) -> Result<Vec<A>, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let path: PathAndQuery = format!("{service}{method}").parse().expect("a path");
        self.0.ready().await.expect("connected");
        let codec: ProstCodec<Q, A> = ProstCodec::default();
        let request = tonic::Request::new(question);
        let mut answer = self
            .0
            .server_streaming(request, path, codec)
            .await?
            .into_inner();
        let mut messages = Vec::new();
        while let Some(message) = answer.message().await? {
            messages.push(message);
        }
        Ok(messages)
    }

    async fn ask<Q, A>(&mut self, service: &str, method: &str, question: Q) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut messages = self.stream(service, method, question).await?;
        assert_eq!(messages.len(), 1, "{method}");
        Ok(messages.remove(0))
    }
}

fn at(unix_nano: u64) -> Option<Time> {
    Some(Time {
        seconds: (unix_nano / 1_000_000_000) as i64,
        nanos: (unix_nano % 1_000_000_000) as i32,
    })
}

/// Whatever happened within two hours around the order, of a service.
fn find(order: &Order, service: &str) -> Find {
    let hour = 3_600_000_000_000;
    Find {
        query: Some(Query {
            service_name: service.into(),
            start: at(order.root.start_time_unix_nano - hour),
            end: at(order.root.start_time_unix_nano + hour),
            search_depth: 10,
            ..Query::default()
        }),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn version_3_streams_otlp() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (order, node) = Order::stored(folder.path()).await;
    let mut client = Client::of(&node).await;
    let names_of = |messages: Vec<TracesData>| {
        let resources = messages.into_iter().flat_map(|data| data.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        let mut names: Vec<String> = scopes.flat_map(|s| s.spans).map(|s| s.name).collect();
        names.sort();
        names
    };
    let all = ["Charge", "POST", "POST /order"];
    let by_id = |id: &str| ById {
        trace_id: id.into(),
    };
    let trace = client.stream(V3, "GetTrace", by_id(&trace_id(1))).await;
    assert_eq!(names_of(trace.expect("a trace")), all);
    for (id, code) in [
        (trace_id(9), Code::NotFound),
        ("xyz".into(), Code::InvalidArgument),
        (String::new(), Code::InvalidArgument),
    ] {
        let refused = client
            .stream::<_, TracesData>(V3, "GetTrace", by_id(&id))
            .await;
        assert_eq!(refused.expect_err("no such trace").code(), code, "{id}");
    }
    let mut narrow = find(&order, "gateway");
    if let Some(query) = &mut narrow.query {
        query.operation_name = "POST".into();
        query.attributes = HashMap::from([("span.kind".into(), "client".into())]);
        query.duration_min = at(1_000_000);
        query.duration_max = at(0);
    }
    let found = client.stream(V3, "FindTraces", narrow.clone()).await;
    assert_eq!(names_of(found.expect("traces")), all);
    let summaries = client.stream(V3, "FindTraceSummaries", narrow).await;
    let summaries: Vec<Summaries> = summaries.expect("summaries");
    let summary = &summaries[0].summaries[0];
    assert_eq!(
        (&summary.trace_id, summary.root_service.as_str()),
        (&trace_id(1), "gateway")
    );
    assert_eq!(
        (summary.start, summary.span_count),
        (order.root.start_time_unix_nano, 3)
    );
    let none = client
        .stream::<_, TracesData>(V3, "FindTraces", find(&order, "nobody"))
        .await;
    assert_eq!(none.expect("an answer"), []);

    let mut filtered = find(&order, "gateway");
    let mut open = find(&order, "gateway");
    let mut deep = find(&order, "gateway");
    if let (Some(filtered), Some(open), Some(deep)) =
        (&mut filtered.query, &mut open.query, &mut deep.query)
    {
        filtered.filter = Some(Filter { op: "eq".into() });
        open.start = None;
        deep.search_depth = -1;
    }
    for question in [filtered, open, deep, Find::default()] {
        let refused = client
            .stream::<_, TracesData>(V3, "FindTraces", question.clone())
            .await;
        let refused = refused.expect_err("it cannot be answered");
        assert_eq!(refused.code(), Code::InvalidArgument, "{question:?}");
    }

    let services: Names = client
        .ask(V3, "GetServices", Nothing {})
        .await
        .expect("names");
    assert!(
        services.names.contains(&"mailer".to_owned()),
        "{services:?}"
    );
    let of_gateway = OfService {
        service: "gateway".into(),
        span_kind: String::new(),
    };
    let operations: Pairs = client
        .ask(V3, "GetOperations", of_gateway)
        .await
        .expect("names");
    let pairs: Vec<(&str, &str)> = operations
        .pairs
        .iter()
        .map(|p| (p.first.as_str(), p.second.as_str()))
        .collect();
    assert_eq!(pairs, [("POST", "client"), ("POST /order", "server")]);
    let unknown = client
        .stream::<_, Nothing>(V3, "GetNothing", Nothing {})
        .await;
    assert_eq!(
        unknown.expect_err("no such method").code(),
        Code::Unimplemented
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn version_2_streams_jaegers_model() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (order, node) = Order::stored(folder.path()).await;
    let mut client = Client::of(&node).await;
    let by_bytes = |trace_id: &[u8]| ByBytes {
        trace_id: trace_id.to_vec(),
        // The zero time of Go.
        start_time: Some(Time {
            seconds: -62_135_596_800,
            nanos: 0,
        }),
    };
    let chunks = client
        .stream(V2, "GetTrace", by_bytes(&order.root.trace_id))
        .await;
    let chunks: Vec<Chunk> = chunks.expect("a trace");
    let spans: Vec<_> = chunks.into_iter().flat_map(|chunk| chunk.spans).collect();
    let names: Vec<&str> = spans.iter().map(|s| s.operation_name.as_str()).collect();
    assert_eq!(names, ["POST /order", "POST", "Charge"]);
    let process = spans[2].process.as_ref().expect("a process");
    assert_eq!(process.service_name, "shop");
    assert_eq!(spans[2].references[0].span_id, order.call.span_id);
    assert!(
        spans[2]
            .tags
            .iter()
            .any(|tag| tag.key == "error" && tag.v_bool)
    );
    let started = spans[0].start_time.and_then(|time| time.unix_nano());
    assert_eq!(
        started,
        Some(order.root.start_time_unix_nano as i64),
        "to the nanosecond"
    );

    let mut open = find(&order, "shop");
    if let Some(query) = &mut open.query {
        (query.start, query.end, query.search_depth) = (None, None, 0);
        query.attributes = HashMap::from([("error".into(), "true".into())]);
    }
    let found: Vec<Chunk> = client.stream(V2, "FindTraces", open).await.expect("traces");
    assert_eq!(
        found.iter().map(|chunk| chunk.spans.len()).sum::<usize>(),
        3
    );
    let of_gateway = OfService {
        service: "gateway".into(),
        span_kind: "server".into(),
    };
    let operations = client.ask(V2, "GetOperations", of_gateway).await;
    let operations: Operations = operations.expect("names");
    assert_eq!(
        (operations.names.concat(), operations.operations.len()),
        ("POST /order".into(), 1)
    );
    let services: Names = client
        .ask(V2, "GetServices", Nothing {})
        .await
        .expect("names");
    assert!(services.names.contains(&"shop".to_owned()), "{services:?}");
    let archived = client.ask::<_, Nothing>(V2, "ArchiveTrace", by_bytes(&order.root.trace_id));
    archived.await.expect("it is pinned");
    let pins = get_json(&format!("{}/api/v1/pins", node.url("UI"))).await;
    assert_eq!(pins["pins"][0]["traceIds"][0], trace_id(1), "{pins}");
    for (id, code) in [
        (&[][..], Code::InvalidArgument),
        (&[0; 16], Code::InvalidArgument),
        (&[1; 7], Code::InvalidArgument),
        (&[1; 16], Code::NotFound),
    ] {
        for method in ["GetTrace", "ArchiveTrace"] {
            let refused = client.stream::<_, Chunk>(V2, method, by_bytes(id)).await;
            assert_eq!(
                refused.expect_err("no such trace").code(),
                code,
                "{method} {id:?}"
            );
        }
    }
    let hour = 3_600_000_000_000;
    let range = Range {
        start: at(order.root.start_time_unix_nano - hour),
        end: at(order.root.start_time_unix_nano + hour),
    };
    let call = eventually("the call is counted", async || {
        let calls: Pairs = client
            .ask(V2, "GetDependencies", range.clone())
            .await
            .expect("calls");
        calls.pairs.first().cloned()
    });
    let call = call.await;
    assert_eq!(
        (call.first.as_str(), call.second.as_str(), call.count),
        ("gateway", "shop", 1)
    );
    let also: Pairs = client
        .ask(V3, "GetDependencies", range)
        .await
        .expect("calls");
    assert_eq!(also.pairs, [call]);
    let refused = client
        .stream::<_, Pairs>(V3, "GetDependencies", Range::default())
        .await;
    assert_eq!(refused.expect_err("no range").code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_trace_comes_in_messages_that_clients_take() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let root = span(1, 1, "import");
    let spans = (1..=5_000_u64).map(|number| {
        let mut span = root.clone();
        span.span_id = number.to_be_bytes().to_vec();
        span.attributes = vec![crate::otlp::string("text", &"x".repeat(2_000))];
        span
    });
    send(&node, &request("importer", spans.collect())).await;
    let mut client = Client::of(&node).await;
    // The client's own limit is 4 MiB a message.
    let question = ById {
        trace_id: trace_id(1),
    };
    let messages: Vec<TracesData> = client
        .stream(V3, "GetTrace", question)
        .await
        .expect("whole");
    let scopes = messages
        .iter()
        .flat_map(|m| &m.resource_spans)
        .flat_map(|r| &r.scope_spans);
    assert_eq!(scopes.map(|scope| scope.spans.len()).sum::<usize>(), 5_000);
    assert!(messages.len() > 10, "{}", messages.len());
    let question = ByBytes {
        trace_id: root.trace_id,
        start_time: None,
    };
    let chunks: Vec<Chunk> = client
        .stream(V2, "GetTrace", question)
        .await
        .expect("whole");
    assert_eq!(
        chunks.iter().map(|chunk| chunk.spans.len()).sum::<usize>(),
        5_000
    );
}
