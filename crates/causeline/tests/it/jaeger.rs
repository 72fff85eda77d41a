//! Jaeger's query interfaces as its UI, Grafana's data source and scripts call them, over the real binary.

mod grpc;
mod metrics;
mod v1;
mod v3;

use std::path::Path;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use serde_json::Value as Json;

use crate::node::Node;
use crate::otlp::{must_export, request, span, string};

/// An order: the gateway (trace 1, span 1) calls the shop (spans 2 and 3), which fails; and a trace of its own for the mailer (trace 2).
pub(crate) struct Order {
    pub(crate) root: Span,
    pub(crate) call: Span,
    pub(crate) answer: Span,
    pub(crate) mail: Span,
}

impl Order {
    pub(crate) fn new() -> Self {
        let mut root = span(1, 1, "POST /order");
        root.attributes = vec![string("http.route", "/order"), int("items", 3)];
        root.flags = 1;
        let mut call = span(1, 2, "POST");
        call.kind = 3;
        call.parent_span_id = root.span_id.clone();
        call.start_time_unix_nano = root.start_time_unix_nano + 1_000_000;
        let mut answer = span(1, 3, "Charge");
        answer.parent_span_id = call.span_id.clone();
        answer.start_time_unix_nano = root.start_time_unix_nano + 2_000_000;
        answer.status = Some(Status {
            code: 2,
            message: "declined".into(),
        });
        answer.events = vec![Event {
            time_unix_nano: answer.start_time_unix_nano + 500_000,
            name: "exception".into(),
            attributes: vec![string("exception.type", "Declined")],
            dropped_attributes_count: 0,
        }];
        let mut mail = span(2, 1, "send");
        mail.kind = 5;
        mail.links = vec![Link {
            trace_id: root.trace_id.clone(),
            span_id: root.span_id.clone(),
            ..Link::default()
        }];
        mail.end_time_unix_nano = mail.start_time_unix_nano + 2_000_000_000;
        Self {
            root,
            call,
            answer,
            mail,
        }
    }

    /// Starts a node that has it.
    pub(crate) async fn stored(folder: &Path) -> (Self, Node) {
        // Soon, but not before everything is sent: then both sides of a call are counted together.
        let settings = folder.join("settings.yaml");
        std::fs::write(&settings, "storage: {flush_interval: 3s}\n").expect("a settings file");
        let settings = settings.to_str().expect("a path in UTF-8");
        let node = Node::start(&folder.join("data"), &["--config", settings]);
        let order = Self::new();
        let otlp = node.url("OTLP/HTTP");
        let of_gateway = vec![order.root.clone(), order.call.clone()];
        must_export(&otlp, &request("gateway", of_gateway)).await;
        must_export(&otlp, &request("shop", vec![order.answer.clone()])).await;
        must_export(&otlp, &request("mailer", vec![order.mail.clone()])).await;
        (order, node)
    }
}

pub(crate) fn int(key: &str, value: i64) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue {
            value: Some(Value::IntValue(value)),
        }),
        ..KeyValue::default()
    }
}

/// Status and JSON of a GET.
pub(crate) async fn ask(url: &str) -> (u16, Json) {
    let answer = reqwest::get(url).await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a whole answer");
    let json = serde_json::from_str(&text);
    (
        status,
        json.unwrap_or_else(|e| panic!("{url}: {e}: {text}")),
    )
}

/// The texts of a list.
pub(crate) fn texts(list: &Json) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    let text = |item: &Json| item.as_str().map(str::to_owned);
    list.iter()
        .map(|item| text(item).expect("a text"))
        .collect()
}
