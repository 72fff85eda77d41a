//! `causeline query` and `causeline trace` against a running node: what a terminal shows, what programs get, and what is said of bad questions.

use std::process::{Command, Output, Stdio};

use expect_test::{Expect, expect};
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use serde_json::Value;

use crate::node::Node;
use crate::otlp::{must_export, request, span, string, trace_id};

const MILLI: u64 = 1_000_000;

/// Our traces, not the node's own.
const SHOP: &str = r#"{ resource.service.name = "shop" }"#;

fn command(node: &Node, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeline"));
    command
        .args(args)
        .args(["--server", &node.url("UI")])
        .env("COLUMNS", "100");
    command
}

fn causeline(node: &Node, args: &[&str]) -> Output {
    command(node, args).output().expect("the binary runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What was printed, the times of day all the same.
fn normal(output: &Output) -> String {
    let text = stdout(output);
    let mut out = String::new();
    for line in text.lines() {
        let time = line
            .match_indices("-")
            .map(|(at, _)| at.saturating_sub(4))
            .find(|at| {
                line.get(at + 10..at + 11) == Some("T") && line.get(at + 19..at + 20) == Some("Z")
            });
        match time {
            Some(at) => out.push_str(&format!(
                "{}YYYY-MM-DDThh:mm:ssZ{}\n",
                &line[..at],
                &line[at + 20..]
            )),
            None => out.push_str(&format!("{line}\n")),
        }
    }
    out
}

fn check(node: &Node, args: &[&str], expect: Expect) {
    let output = causeline(node, args);
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    expect.assert_eq(&normal(&output));
}

/// A span that starts `at` milliseconds after `zero`'s start.
fn after(zero: &Span, id: u64, parent: u64, name: &str, at: u64, millis: u64) -> Span {
    let start = zero.start_time_unix_nano + at * MILLI;
    Span {
        trace_id: zero.trace_id.clone(),
        span_id: id.to_be_bytes().to_vec(),
        parent_span_id: parent.to_be_bytes().to_vec(),
        name: name.into(),
        kind: 1,
        start_time_unix_nano: start,
        end_time_unix_nano: start + millis * MILLI,
        ..Default::default()
    }
}

/// A checkout of 100 ms: five reads alike, a charge that is declined, a mail that goes out afterwards, and a span whose parent never came.
async fn send_checkout(node: &Node) {
    let mut root = span(1, 1, "POST /checkout");
    root.end_time_unix_nano = root.start_time_unix_nano + 100 * MILLI;
    root.attributes = vec![
        string("http.route", "/checkout"),
        string("http.request.method", "POST"),
    ];
    let mut spans = vec![root.clone()];
    spans.extend((0..5).map(|n| after(&root, 10 + n, 1, "SELECT", 10 * n, 8)));
    let mut charge = after(&root, 20, 1, "Charge", 55, 40);
    charge.status = Some(Status {
        code: 2,
        message: "declined".into(),
    });
    let mut mail = after(&root, 21, 20, "send mail", 90, 60);
    mail.kind = 5;
    let lost = after(&root, 30, 99, "audit", 60, 10);
    must_export(&node.url("OTLP/HTTP"), &request("shop", spans)).await;
    must_export(
        &node.url("OTLP/HTTP"),
        &request("till", vec![charge, mail, lost]),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_is_found_and_drawn() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    send_checkout(&node).await;
    check(
        &node,
        &["query", SHOP],
        expect![[r#"
        START                 DURATION   SPANS  ERRORS  ROOT                TRACE ID
        YYYY-MM-DDThh:mm:ssZ    150 ms       9       1  shop POST /checko…  000000000000ca5e0000000000000001
    "#]],
    );
    let declined = r#"{ resource.service.name = "till" && status = error }"#;
    check(
        &node,
        &["query", declined, "--spans", "1", "--since", "10m"],
        expect![[r#"
            START                 DURATION   SPANS  ERRORS  ROOT                TRACE ID
            YYYY-MM-DDThh:mm:ssZ    150 ms       9       1  shop POST /checko…  000000000000ca5e0000000000000001
                 +55.0 ms   40.0 ms  error  till Charge  service.name=till
        "#]],
    );
    let id = trace_id(1);
    check(
        &node,
        &["trace", &id],
        expect![[r#"
        trace 000000000000ca5e0000000000000001: YYYY-MM-DDThh:mm:ssZ, 150 ms, 9 spans, 2 services, 1 error
        critical path (*): till 95.0 ms, shop 55.0 ms
        not complete: 1 root, 1 parent not received

          SERVICE AND NAME                               WHEN                      DURATION      SELF  STATUS
        * shop POST /checkout (server)                   ─━━━━─━━━───────            100 ms   20.0 ms
        * ├╴shop SELECT ×5                               ━━━━━━━━                   48.0 ms   40.0 ms
        * └╴till Charge: declined                                ━━━━━━━─           40.0 ms   35.0 ms  error
        *   └╴till send mail (consumer)                                ━━━━━━━━━━   60.0 ms   60.0 ms

          without their parent, which was not received (1):
          till audit                                              ───               10.0 ms   10.0 ms
    "#]],
    );
    check(
        &node,
        &["trace", &id, "--no-fold", "--lines", "3", "--depth", "1"],
        expect![[r#"
            trace 000000000000ca5e0000000000000001: YYYY-MM-DDThh:mm:ssZ, 150 ms, 9 spans, 2 services, 1 error
            critical path (*): till 95.0 ms, shop 55.0 ms
            not complete: 1 root, 1 parent not received

              SERVICE AND NAME                               WHEN                      DURATION      SELF  STATUS
            * shop POST /checkout (server) +7 below          ─━━━━─━━━───────            100 ms   20.0 ms

              without their parent, which was not received (1):
              till audit                                              ───               10.0 ms   10.0 ms
            left out: 7 spans below level 1 (--depth)
        "#]],
    );

    let otlp = causeline(&node, &["trace", &id, "--json"]);
    let otlp: Value = serde_json::from_slice(&otlp.stdout).expect("JSON");
    assert_eq!(otlp["resourceSpans"].as_array().map(Vec::len), Some(2));
    let none = causeline(&node, &["trace", &trace_id(2)]);
    assert_eq!(none.status.code(), Some(1));
    assert!(
        stderr(&none).contains("no spans of trace"),
        "{}",
        stderr(&none)
    );
    assert_eq!(
        causeline(&node, &["trace", "../status"]).status.code(),
        Some(2)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_follow_until_the_limit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let spans = (1..=250).map(|trace| span(trace, 1, "work")).collect();
    must_export(&node.url("OTLP/HTTP"), &request("shop", spans)).await;

    let all = causeline(&node, &["query", SHOP, "--limit", "1000", "--json"]);
    let mut ids: Vec<String> = stdout(&all)
        .lines()
        .map(|line| {
            let trace: Value = serde_json::from_str(line).expect("JSON");
            trace["traceId"].as_str().expect("an id").to_owned()
        })
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=250).map(trace_id).collect::<Vec<_>>());
    assert_eq!(stderr(&all), "");

    let some = causeline(&node, &["query", SHOP, "--limit", "203"]);
    assert_eq!(
        stdout(&some).lines().count(),
        1 + 203,
        "a head and the traces"
    );
    assert!(
        stderr(&some).contains("there are more than 203"),
        "{}",
        stderr(&some)
    );
    let none = causeline(&node, &["query", SHOP, "--end", "2h", "--start", "3h"]);
    assert!(none.status.success() && none.stdout.is_empty());
    let why = stderr(&none);
    assert!(why.contains("no span started in the time range"), "{why}");
    assert!(why.contains("after the time range: last seen"), "{why}");

    let cost = stdout(&causeline(
        &node,
        &["query", SHOP, "--limit", "250", "--explain"],
    ));
    assert!(
        cost.contains("\nquery       { resource.service.name = \"shop\" }\n"),
        "{cost}"
    );
    assert!(cost.starts_with("plan        search\n"), "{cost}");
    assert!(
        cost.contains("cannot have service_name = \"shop\""),
        "{cost}"
    );
    assert!(cost.contains("250 traces, in 3 requests"), "{cost}");
    let cost = causeline(&node, &["query", SHOP, "--explain", "--json"]);
    let cost: Value = serde_json::from_slice(&cost.stdout).expect("JSON");
    assert!(cost["rowsRead"].as_u64() > Some(0), "{cost}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_finds_nothing_is_told_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    send_checkout(&node).await;
    // The node's own spans count too, so only what is not about all spans is the same each time.
    let why = |query: &str, said: &[&str]| {
        let output = causeline(&node, &["query", query]);
        let why = stderr(&output);
        assert!(output.status.success(), "{why}");
        assert_eq!(stdout(&output), "");
        assert!(why.starts_with("no trace matches\n"), "{why}");
        for said in said {
            assert!(why.contains(said), "{said} in {why}");
        }
    };
    why(
        r#"{ resource.service.name = "shpo" && name = "SELECT" }"#,
        &[
            r#"  resource.service.name = "shpo": 0 spans; without it 5 spans would match"#,
            "    there are the values shop\n",
            r#"  span:name = "SELECT": 5 spans; without it 0 spans would match"#,
        ],
    );
    why(
        r#"{ resource.service.name = "shop" && span.http.rute = "/checkout" }"#,
        &["    no span has span.http.rute\n    there is span.http.route\n"],
    );
    why(
        r#"{ span.http.method = "POST" }"#,
        &["    there is span.http.request.method\n"],
    );
    why(
        r#"{ span.http.route = 5 }"#,
        &["span.http.route = 5: 0 spans", "another type: string\n"],
    );
    why(
        "{ name = \"SELECT\" && duration > 5s } >> { status = error }",
        &["span:duration > 5s: 0 spans; without it 5 spans would match"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_come_first_when_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let of_length = |trace: u64, millis: u64| {
        let mut span = span(trace, 1, "work");
        span.end_time_unix_nano = span.start_time_unix_nano + millis * MILLI;
        span
    };
    let spans = [(1, 30), (2, 10), (3, 20)].map(|(trace, millis)| of_length(trace, millis));
    must_export(&node.url("OTLP/HTTP"), &request("shop", spans.into())).await;
    let found = causeline(&node, &["query", SHOP, "--sort", "duration", "--json"]);
    let ids: Vec<String> = stdout(&found)
        .lines()
        .map(|line| {
            let trace: Value = serde_json::from_str(line).expect("JSON");
            trace["traceId"].as_str().expect("an id").to_owned()
        })
        .collect();
    assert_eq!(ids, [1, 3, 2].map(trace_id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_leaves_is_no_failure() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    send_checkout(&node).await;
    for args in [&["query", SHOP][..], &["trace", &trace_id(1)]] {
        let mut child = command(&node, args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        assert_eq!(stderr(&output), "", "{args:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_query_is_shown_with_the_place() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let refused = |query: &str, expect: Expect| {
        let output = causeline(&node, &["query", query]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stdout(&output), "");
        expect.assert_eq(&stderr(&output));
    };
    refused(
        "{ span.a = }",
        expect![[r#"
        causeline: syntax error at column 12
          | { span.a = }
          |            ^ the value behind `=` is missing
    "#]],
    );
    refused(
        "{ name = \"ä\" &&\n  duraton > 1s }",
        expect![[r#"
        causeline: syntax error at line 2, column 3
          |   duraton > 1s }
          |   ^^^^^^^ unknown word `duraton`
          = hint: did you mean `duration`?
    "#]],
    );

    let long = |bytes: usize| format!("{{ name = \"{}\" }}", "é".repeat(bytes / 2 - 7));
    let output = causeline(&node, &["query", &long(20_000)]);
    let none = "no trace matches\nno span started in the time range\n";
    assert_eq!(stderr(&output), none);
    refused(
        &long(20_002),
        expect![[r#"
        causeline: the query is too long: of 20000 bytes at most
    "#]],
    );
}
