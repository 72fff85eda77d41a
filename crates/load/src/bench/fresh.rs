//! How soon a span is found after it was sent.

use bytes::Bytes;
use clock::{Clock, Entropy, SystemClock, SystemEntropy};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use super::report::{Spread, milliseconds};
use crate::client::Client;
use crate::server::Server;
use crate::{AnyError, hex};

const TRIES: usize = 5;

/// How often to look before giving up.
const LOOKS_MAX: usize = 100_000;

/// Milliseconds from the first byte sent to the answer that has it.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) by_id: Option<Spread>,
    pub(super) by_search: Option<Spread>,
}

/// Sends single spans and asks for them again and again.
pub(super) async fn run(server: &Server) -> Result<Found, AnyError> {
    let mut sender = Client::new(server.url("OTLP/HTTP")?);
    let mut tempo = Client::new(server.url("Tempo")?);
    let (mut by_id, mut by_search) = (Vec::new(), Vec::new());
    for number in 0..2 * TRIES {
        let mut trace_id = [0; 16];
        trace_id[..8].copy_from_slice(&SystemEntropy.next_u64().to_be_bytes());
        trace_id[8..].copy_from_slice(&(SystemEntropy.next_u64() | 1).to_be_bytes());
        let id = hex(&trace_id);
        let started = SystemClock.instant();
        let body = Bytes::from(probe(&trace_id, &id));
        let answer = sender
            .post("/v1/traces", "application/x-protobuf", body)
            .await?;
        if !answer.is_success() {
            return Err(format!("a single span was refused: {}", answer.status).into());
        }
        let searches = number % 2 == 1;
        let path = if searches {
            format!("/api/search?q=%7Bspan.probe.id%3D%22{id}%22%7D")
        } else {
            format!("/api/traces/{id}")
        };
        for look in 0.. {
            let answer = tempo.get(&path).await?;
            let has_it = String::from_utf8_lossy(&answer.body).contains(if searches {
                &id
            } else {
                "probe.id"
            });
            if answer.is_success() && has_it {
                break;
            }
            if look == LOOKS_MAX {
                return Ok(Found::default());
            }
        }
        let list = if searches { &mut by_search } else { &mut by_id };
        list.push(milliseconds(SystemClock.instant() - started));
    }
    Ok(Found {
        by_id: Some(Spread::of(&by_id)),
        by_search: Some(Spread::of(&by_search)),
    })
}

/// A request with one span, of a service of its own.
fn probe(trace_id: &[u8], name: &str) -> Vec<u8> {
    let text = |key: &str, value: &str| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    };
    let now = u64::try_from(SystemClock.unix_nano()).unwrap_or_default();
    let span = Span {
        trace_id: trace_id.to_vec(),
        span_id: trace_id[8..].to_vec(),
        name: "probe".to_owned(),
        start_time_unix_nano: now - 1_000,
        end_time_unix_nano: now,
        attributes: vec![text("probe.id", name)],
        ..Span::default()
    };
    let resource = Resource {
        attributes: vec![text("service.name", "load-probe")],
        ..Resource::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    request.encode_to_vec()
}
