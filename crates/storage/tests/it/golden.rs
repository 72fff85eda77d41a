//! Data folders that earlier formats left behind are read.
//!
//! `golden/block-v1` was written by the last build whose blocks had version 1, `golden/block-v2` by the first whose have version 2:
//! [`spans`] in two requests, one flush.

use std::path::Path;
use std::sync::Arc;

use model::{
    AnyValue, EntityRef, Event, KeyValue, Link, Resource, Scope, Span, SpanId, SpanKind,
    StatusCode, TraceId,
};
use storage::{Config, Pass, Policy, Store};
use store_api::SpanSink;

use crate::support::{NOW, all, clock, config, eager, request, sorted, span};

/// Spans with every field set, and one with none.
fn spans() -> Vec<Span> {
    let attributes = vec![
        KeyValue::new("shop.cart", "c-17"),
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("http.response.status_code", 503),
        KeyValue::new("url.path", 1),
        KeyValue::new("server.address", "a"),
        KeyValue::new("server.address", "b"),
        KeyValue::new("ratio", 0.1),
        KeyValue::new("flag", true),
        KeyValue::new("", AnyValue::Empty),
        KeyValue::new("raw", AnyValue::Bytes(vec![0, 255])),
        KeyValue::new("list", AnyValue::Array(vec![1.into(), "x".into()])),
    ];
    let resource = Resource {
        attributes: vec![
            KeyValue::new("service.name", "cart"),
            KeyValue::new("service.version", "1.2"),
        ],
        dropped_attributes_count: 1,
        entity_refs: vec![EntityRef {
            schema_url: "https://example.org/schema".into(),
            kind: "service".into(),
            id_keys: vec!["service.name".into()],
            description_keys: vec!["service.version".into()],
        }],
        schema_url: "https://example.org/resource".into(),
    };
    let scope = Scope {
        name: "http".into(),
        version: "3".into(),
        attributes: vec![KeyValue::new("a", 1)],
        dropped_attributes_count: 2,
        schema_url: "https://example.org/scope".into(),
    };
    let full = Span {
        parent_span_id: Some(SpanId([7; 8])),
        trace_state: "ot=th:8".into(),
        flags: 0x101,
        kind: SpanKind::CLIENT,
        end_time_unix_nano: NOW + 1_000_000_001,
        dropped_attributes_count: 3,
        events: vec![Event {
            time_unix_nano: NOW + 5,
            name: "exception".into(),
            attributes: vec![KeyValue::new("exception.type", "Timeout")],
            dropped_attributes_count: 4,
        }],
        dropped_events_count: 5,
        links: vec![Link {
            trace_id: Some(TraceId([9; 16])),
            span_id: None,
            trace_state: "x=y".into(),
            flags: 1,
            attributes: vec![KeyValue::new("reason", "batch")],
            dropped_attributes_count: 6,
        }],
        dropped_links_count: 7,
        status_code: StatusCode::ERROR,
        status_message: "no stock".into(),
        resource: Arc::new(resource),
        scope: Arc::new(scope),
        attributes,
        ..span(2, 1)
    };
    let turned = Span {
        start_time_unix_nano: NOW + 9,
        end_time_unix_nano: NOW,
        attributes: vec![],
        ..span(1, 2)
    };
    let mut spans = vec![full, turned, span(2, 3)];
    for (span, trace) in spans.iter_mut().zip([2, 1, 2]) {
        span.trace_id = TraceId([trace; 16]);
    }
    spans
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn open_golden(name: &str, folder: &tempfile::TempDir) -> Store {
    open_with(name, folder, eager())
}

fn open_with(name: &str, folder: &tempfile::TempDir, compaction: Policy) -> Store {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    copy(&golden.join(name), folder.path());
    let config = Config {
        data_dir: folder.path().to_owned(),
        compaction,
        ..config()
    };
    Store::open(config, clock(), Default::default()).unwrap()
}

#[tokio::test]
async fn blocks_of_version_1_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_golden("block-v1", &folder);
    assert_eq!(all(&store).await, sorted(&spans()));
}

#[tokio::test]
async fn blocks_of_version_2_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_golden("block-v2", &folder);
    assert_eq!(all(&store).await, sorted(&spans()));
}

/// Before that, other tools find no start times in them.
#[tokio::test]
async fn blocks_of_version_1_are_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_with("block-v1", &folder, Policy::default());
    let entry = |version: u64| {
        let path = format!("lake/spans/_delta_log/{version:020}.json");
        std::fs::read_to_string(folder.path().join(path)).unwrap()
    };
    assert!(!entry(1).contains("minValues"));
    let pass = store.compact().await.unwrap();
    assert_eq!((pass.rewritten, pass.written), (1, 1));
    let rewritten = entry(2);
    assert!(
        rewritten.contains(r#"\"start_time\":\"2026-11-22T22:00:00.000Z\""#),
        "{rewritten}"
    );
    assert!(rewritten.contains(r#""dataChange":false"#));
    assert_eq!(all(&store).await, sorted(&spans()));
    assert_eq!(store.compact().await.unwrap(), Pass::default());
}

#[tokio::test]
async fn blocks_of_any_version_are_merged_into_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_golden("block-v1", &folder);
    let late = Span {
        start_time_unix_nano: NOW - 60_000_000_000,
        trace_id: TraceId([2; 16]),
        ..span(2, 4)
    };
    store
        .append(request(9, std::slice::from_ref(&late)))
        .await
        .unwrap();
    store.flush().await.unwrap();
    let pass = store.compact().await.unwrap();
    assert_eq!((pass.rewritten, pass.written), (2, 1));
    let mut expected = spans();
    expected.push(late);
    assert_eq!(all(&store).await, sorted(&expected));
}
