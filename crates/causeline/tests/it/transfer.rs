//! Export and import: what leaves one node in any form, and other systems' files, is the same in the next node.

use std::path::Path;
use std::process::{Command, Output};

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span};

use crate::node::{Node, get_json};
use crate::otlp::{must_export, request, span, string, trace_id};

/// What is exported: not the nodes' own traces.
const QUERY: &str = r#"{ resource.service.name = "shop" }"#;

fn causeline(args: &[&str]) -> Output {
    let run = Command::new(env!("CARGO_BIN_EXE_causeline"))
        .args(args)
        .output();
    run.expect("the binary runs")
}

fn text(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

fn export(node: &Node, format: &str, to: &Path) {
    let to = to.to_str().expect("a path in UTF-8");
    let args = [
        "export", "--query", QUERY, "--start", "0", "--format", format, "-o", to,
    ];
    let done = causeline(&[&args[..], &["--server", &node.url("UI")]].concat());
    assert!(done.status.success(), "{format}: {}", text(&done));
}

fn import(node: &Node, files: &[&Path]) -> Output {
    let mut args = vec!["import", "--otlp"];
    let otlp = node.url("OTLP/HTTP");
    args.push(&otlp);
    args.extend(
        files
            .iter()
            .map(|file| file.to_str().expect("a path in UTF-8")),
    );
    causeline(&args)
}

/// A span that uses what the forms could lose.
fn rich(trace: u64, id: u64) -> Span {
    let number = |value| Some(AnyValue { value: Some(value) });
    let attribute = |key: &str, value| KeyValue {
        key: key.into(),
        value: number(value),
        ..Default::default()
    };
    let mut span = span(trace, id, "POST /checkout");
    span.trace_state = "vendor=1".into();
    span.flags = 0x101;
    span.attributes = vec![
        string("http.route", "/checkout"),
        attribute("port", Value::IntValue(i64::MAX)),
        attribute("ratio", Value::DoubleValue(f64::INFINITY)),
        attribute("raw", Value::BytesValue(vec![0, 255])),
        attribute("none", Value::BoolValue(false)),
        string("http.route", "twice"),
    ];
    span.dropped_attributes_count = 3;
    span.events = vec![span::Event {
        time_unix_nano: span.start_time_unix_nano + 1,
        name: "exception".into(),
        attributes: vec![string("exception.type", "Timeout")],
        dropped_attributes_count: 1,
    }];
    span.links = vec![span::Link {
        trace_id: vec![7; 16],
        span_id: vec![8; 8],
        trace_state: "l=1".into(),
        attributes: vec![string("why", "retry")],
        dropped_attributes_count: 0,
        flags: 1,
    }];
    span.status = Some(Status {
        code: 2,
        message: "declined".into(),
    });
    span
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_exported_and_imported_is_exported_the_same() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let first = Node::start(&folder.path().join("first"), &[]);
    for trace in 1..30 {
        let mut child = rich(trace, 2);
        child.parent_span_id = 1_u64.to_be_bytes().to_vec();
        // The parts of a trace come in requests of their own, from different resources.
        must_export(
            &first.url("OTLP/HTTP"),
            &request("shop", vec![rich(trace, 1)]),
        )
        .await;
        must_export(&first.url("OTLP/HTTP"), &request("till", vec![child])).await;
    }
    let jsonl = folder.path().join("first.jsonl");
    export(&first, "jsonl", &jsonl);
    let original = std::fs::read_to_string(&jsonl).expect("the export");
    assert_eq!(original.lines().count(), 29, "a line a trace");
    assert!(original.contains("\"till\"") && original.contains("9223372036854775807"));

    for format in ["jsonl", "protobuf", "parquet"] {
        let file = folder.path().join(format!("first.{format}"));
        export(&first, format, &file);
        let next = Node::start(&folder.path().join(format), &[]);
        let done = import(&next, &[&file]);
        assert!(done.status.success(), "{format}: {}", text(&done));
        assert!(text(&done).contains("58 spans accepted"), "{}", text(&done));
        let again = folder.path().join(format!("{format}.jsonl"));
        export(&next, "jsonl", &again);
        let again = std::fs::read_to_string(&again).expect("the export");
        assert_eq!(again, original, "{format}");
        // Once more is not twice: each span is there once.
        assert!(import(&next, &[&file]).status.success());
        let trace = get_json(&format!("{}/api/v1/traces/{}", next.url("UI"), trace_id(3))).await;
        assert_eq!(trace["spanCount"], 2);
    }

    // A range has every span, by ids only those.
    let ui = first.url("UI");
    let range = causeline(&["export", "--start", "1h", "-o", "-", "--server", &ui]);
    let lines = String::from_utf8_lossy(&range.stdout).into_owned();
    assert!(
        lines.matches("\"declined\"").count() == 58,
        "{}",
        text(&range)
    );
    let one = causeline(&["export", &trace_id(3), "-o", "-", "--server", &ui]);
    assert_eq!(
        String::from_utf8_lossy(&one.stdout).lines().count(),
        1,
        "{}",
        text(&one)
    );
}

const JAEGER: &str = r#"{"data":[{"traceID":"00000000000000000000000000000abc","spans":[
  {"traceID":"00000000000000000000000000000abc","spanID":"00000000000000a1","flags":1,"operationName":"HTTP GET /dispatch","references":[],
   "startTime":1764079200000000,"duration":22938,"tags":[{"key":"span.kind","type":"string","value":"server"},{"key":"error","type":"bool","value":true}],
   "logs":[{"timestamp":1764079200000001,"fields":[{"key":"event","type":"string","value":"retry"}]}],"processID":"p1","warnings":null},
  {"traceID":"00000000000000000000000000000abc","spanID":"00000000000000a2","flags":1,"operationName":"lost","references":[],
   "startTime":1764079200000000,"duration":1,"tags":[],"logs":[],"processID":"p9","warnings":null}],
 "processes":{"p1":{"serviceName":"frontend","tags":[]}},"warnings":null}],"total":0,"limit":0,"offset":0,"errors":null}"#;

const ZIPKIN: &str = r#"[[{"traceId":"0000000000000def","id":"00000000000000b1","kind":"CLIENT","name":"get","timestamp":1764079200000000,
  "duration":1500,"localEndpoint":{"serviceName":"backend","ipv4":"10.0.0.1"},"annotations":[{"timestamp":1764079200000100,"value":"ws"}],"tags":{"http.path":"/"}}]]"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_other_systems_are_imported_and_what_is_refused_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(&folder.path().join("data"), &[]);
    let write = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path
    };
    let jaeger = write("traces.json", JAEGER.as_bytes());
    let zipkin = write("zipkin.json", ZIPKIN.as_bytes());
    let done = import(&node, &[&jaeger, &zipkin]);
    let said = text(&done);
    assert!(!done.status.success(), "a span was refused: {said}");
    assert!(
        said.contains("2 spans accepted in 2 requests, 1 refused"),
        "{said}"
    );
    assert!(
        said.contains("names a process that the trace does not have")
            && said.contains("traces.json element 1 span 1"),
        "{said}"
    );

    let ui = node.url("UI");
    let span = get_json(&format!(
        "{ui}/api/v1/traces/{:032x}/spans/{:016x}",
        0xabc, 0xa1
    ))
    .await;
    let span = &span["spans"][0];
    assert_eq!(
        (&span["service"], &span["kind"], &span["status"]),
        (&"frontend".into(), &"server".into(), &"error".into())
    );
    assert_eq!(span["events"][0]["name"], "retry");
    let span = get_json(&format!(
        "{ui}/api/v1/traces/{:032x}/spans/{:016x}",
        0xdef, 0xb1
    ))
    .await;
    assert_eq!(
        (
            &span["spans"][0]["service"],
            &span["spans"][0]["durationNano"]
        ),
        (&"backend".into(), &1_500_000.into())
    );

    let broken = write("broken.jsonl", b"{\"resourceSpans\":[]}\n{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"00\"}]}]}, 7]}\n{");
    let done = import(&node, &[&broken]);
    let said = text(&done);
    assert!(!done.status.success());
    for part in [
        "1 × 1 spans rejected: 1 invalid_trace_id",
        "broken.jsonl element 1",
        "element 2",
        "the rest of the file is not read",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let unknown = write("unknown.json", b"{\"spans\": []}");
    assert!(text(&import(&node, &[&unknown])).contains("--format"));

    let (otlp, _) = (node.url("OTLP/HTTP"), node.terminate());
    let zipkin = zipkin.to_str().expect("a path in UTF-8");
    let alone = causeline(&["import", zipkin, "--otlp", &otlp, "--retry-for", "100ms"]);
    assert!(
        !alone.status.success() && text(&alone).contains(&otlp),
        "{}",
        text(&alone)
    );
}
