//! Secrets planted in every field of every span are in no file, log line, metric or answer.

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::trace::v1::{Status, span};

use crate::node::{Node, eventually, get};
use crate::otlp::{must_export, request, span, string, trace_id};

const SECRETS: [&str; 5] = [
    "jane.doe@secret.example",
    "4111 1111 1111 1111",
    "Bearer q8Xz77LmNoPq0123456789abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2lnbmF0dXJlLXBhcnQtaGVyZQ",
    "AKIAIOSFODNN7SECRETS",
];

/// Parts that would give a secret away even if it were cut up or re-encoded.
const NEEDLES: [&str; 6] = [
    "jane.doe",
    "4111 1111",
    "4111111111111111",
    "q8Xz77LmNoPq",
    "eyJzdWIiOiJzZWNyZXQifQ",
    "AKIAIOSFODNN7",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planted_secrets_are_nowhere() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &["--log-format", "json"]);
    for (n, secret) in SECRETS.iter().enumerate() {
        must_export(&node.url("OTLP/HTTP"), &planted(n as u64 + 1, secret)).await;
    }
    let ui = node.url("UI");
    let found = eventually("the spans are searchable", async || {
        let answer = get(&format!(
            "{ui}/api/v1/search?q=%7B%7D&limit=100&spansPerTrace=100"
        ))
        .await;
        SECRETS
            .iter()
            .enumerate()
            .all(|(n, _)| answer.contains(&trace_id(n as u64 + 1)))
            .then_some(answer)
    })
    .await;

    let mut answers = vec![("search".to_owned(), found)];
    for path in paths() {
        answers.push((path.clone(), get(&format!("{ui}{path}")).await));
    }
    for n in 1..=SECRETS.len() as u64 {
        for path in [
            format!("/api/v1/traces/{}", trace_id(n)),
            format!("/api/v1/traces/{}/otlp", trace_id(n)),
        ] {
            answers.push((path.clone(), get(&format!("{ui}{path}")).await));
        }
        let path = format!("/api/v1/traces/{}/spans/{n:016x}", trace_id(n));
        answers.push((path.clone(), get(&format!("{ui}{path}")).await));
        let tempo = format!("{}/api/traces/{}", node.url("Tempo"), trace_id(n));
        answers.push((tempo.clone(), get(&tempo).await));
    }
    let metrics = get(&format!("{ui}/metrics")).await;
    assert!(
        metrics.contains("causeline_redaction_hits_total"),
        "hits are counted"
    );
    for rule in ["email", "card", "credential"] {
        assert!(
            metrics.contains(&format!("rule=\"{rule}")),
            "{rule} is counted:\n{metrics}"
        );
    }
    answers.push(("/metrics".into(), metrics));

    scan("while the spans are in the log", &node, &answers);
    let log = node.terminate();
    let node = Node::start(folder.path(), &[]);
    answers.push(("the log".into(), log));
    assert!(
        node.files()
            .iter()
            .any(|(path, _)| path.extension().is_some_and(|e| e == "parquet")),
        "flushed at the end"
    );
    scan("once they are in blocks", &node, &answers);
}

fn paths() -> Vec<String> {
    let mut paths = vec![
        "/api/v1/services".to_owned(),
        "/api/v1/attributes".to_owned(),
    ];
    for scope in ["span", "resource", "event", "link", "instrumentation"] {
        for name in ["note", "nested", "authorization", "service.name"] {
            paths.push(format!(
                "/api/v1/attributes/{scope}/{name}/values?limit=1000"
            ));
        }
    }
    paths
}

fn scan(when: &str, node: &Node, answers: &[(String, String)]) {
    let mut leaks = Vec::new();
    for (path, bytes) in node.files() {
        // Blocks are compressed; their text is found by the answers read from them, and in statistics by this.
        leaks.extend(needles_in(&bytes).map(|n| format!("{}: {n}", path.display())));
    }
    for (path, answer) in answers {
        leaks.extend(needles_in(answer.as_bytes()).map(|n| format!("{path}: {n}")));
    }
    leaks.extend(needles_in(node.log().as_bytes()).map(|n| format!("log: {n}")));
    assert!(leaks.is_empty(), "{when}:\n{}", leaks.join("\n"));
}

fn needles_in(haystack: &[u8]) -> impl Iterator<Item = &'static str> + '_ {
    NEEDLES.into_iter().filter(|needle| {
        haystack
            .windows(needle.len())
            .any(|w| w == needle.as_bytes())
    })
}

/// A span with `secret` as (or inside) each text it has, key and value.
fn planted(
    n: u64,
    secret: &str,
) -> opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest {
    let attributes = || {
        vec![
            string("note", secret),
            string(&format!("key {secret}"), "v"),
            nested(secret),
            by_key(secret),
        ]
    };
    let mut span = span(n, n, &format!("GET /users/{secret}"));
    span.trace_state = format!("vendor={secret}");
    span.status = Some(Status {
        code: 2,
        message: format!("failed for {secret}"),
    });
    span.attributes = attributes();
    span.events = vec![span::Event {
        time_unix_nano: span.start_time_unix_nano,
        name: format!("event {secret}"),
        attributes: attributes(),
        dropped_attributes_count: 0,
    }];
    span.links = vec![span::Link {
        trace_id: vec![7; 16],
        span_id: vec![7; 8],
        trace_state: format!("v={secret}"),
        attributes: attributes(),
        ..Default::default()
    }];
    let mut request = request(&format!("shop of {secret}"), vec![span]);
    let resource_spans = &mut request.resource_spans[0];
    resource_spans.schema_url = format!("https://schema.example/{secret}");
    resource_spans
        .resource
        .get_or_insert_default()
        .attributes
        .extend(attributes());
    let scope_spans = &mut resource_spans.scope_spans[0];
    scope_spans.schema_url = format!("https://schema.example/{secret}");
    let scope = scope_spans.scope.get_or_insert_default();
    scope.name = format!("library {secret}");
    scope.version = format!("1 {secret}");
    scope.attributes = attributes();
    request
}

fn nested(secret: &str) -> KeyValue {
    let text = AnyValue {
        value: Some(Value::StringValue(format!("deep {secret}"))),
    };
    let bytes = AnyValue {
        value: Some(Value::BytesValue(secret.as_bytes().to_vec())),
    };
    let list = AnyValue {
        value: Some(Value::ArrayValue(ArrayValue {
            values: vec![text.clone(), bytes],
        })),
    };
    let pair = KeyValue {
        key: format!("inner {secret}"),
        value: Some(list),
        ..Default::default()
    };
    let value = Some(AnyValue {
        value: Some(Value::KvlistValue(KeyValueList { values: vec![pair] })),
    });
    KeyValue {
        key: "nested".into(),
        value,
        ..Default::default()
    }
}

/// Under a key that gives credentials away, whatever the value looks like.
fn by_key(secret: &str) -> KeyValue {
    string("http.request.header.authorization", secret)
}
