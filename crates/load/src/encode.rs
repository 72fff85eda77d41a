//! Spans as OTLP protobuf.
//!
//! Most of a span is the same for its operation and is copied from a template; a handful of attributes, the ids and the times
//! are written each time. Cost: about a quarter of a microsecond a span.

mod failure;
mod names;
mod proto;
mod resource;
mod template;
mod varying;

pub use names::{USERS, hex, user_id};
pub(crate) use resource::SCOPES;

use std::collections::VecDeque;

use failure::{MISTAKES, Mistake};
use names::push_number;
use proto::{Value, attribute, bytes, fixed64, message, tag, varint};
use template::Template;

use crate::chance::Chance;
use crate::plan::Failure;
use crate::world::{OperationId, PodId, World};

/// What the spans of a trace share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Journey {
    pub(crate) trace_id: [u8; 16],
    /// Number of the customer; [`user_id`] names them.
    pub(crate) user: u32,
    pub(crate) order: u64,
    /// A few bits of chance that stay the same over the trace: the customer's browser, cart, product.
    pub(crate) salt: u64,
    pub(crate) has_trace_state: bool,
}

/// A span that has ended and is to be exported.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    pub(crate) operation: OperationId,
    pub(crate) pod: PodId,
    pub(crate) peer: PodId,
    /// Whose: an index of the exporter's.
    pub(crate) journey: u32,
    pub(crate) failure: Failure,
    pub(crate) parent_is_remote: bool,
    pub(crate) span_id: u64,
    /// 0 for a root.
    pub(crate) parent_span_id: u64,
    pub(crate) start_unix_nano: u64,
    pub(crate) end_unix_nano: u64,
}

/// Producers that later consumers may link to.
const LINKABLE: usize = 512;

/// Writes spans.
#[derive(Debug)]
pub(crate) struct Encoder {
    templates: Vec<Template>,
    mistakes: Vec<[Mistake; MISTAKES]>,
    agents: Vec<String>,
    /// Addresses of pods, as text.
    addresses: Vec<String>,
    chance: Chance,
    /// Contexts of recent messages.
    sent: VecDeque<([u8; 16], u64)>,
    /// Messages so far; positions in their topics.
    n_messages: u64,
    text: String,
}

impl Encoder {
    pub(crate) fn new(world: &World, seed: u64) -> Self {
        let ids = || 0..world.operations.len() as OperationId;
        let address = |pod: &crate::world::Pod| {
            let mut text = String::new();
            names::push_address(&mut text, pod.address());
            text
        };
        Self {
            templates: ids().map(|id| Template::new(world, id)).collect(),
            mistakes: ids().map(|id| Mistake::all(world, id)).collect(),
            agents: varying::agents(),
            addresses: world.pods.iter().map(address).collect(),
            chance: Chance::new(seed),
            sent: VecDeque::with_capacity(LINKABLE),
            n_messages: 0,
            text: String::new(),
        }
    }

    /// Which of the pod's instrumentations records spans of the operation.
    pub(crate) fn scope_of(&self, operation: OperationId) -> usize {
        self.templates[usize::from(operation)].scope
    }

    /// Appends a span, as a field of `ScopeSpans`.
    pub(crate) fn span(&mut self, out: &mut Vec<u8>, span: &Ended, journey: &Journey) {
        message(out, tag(2), |out| self.span_fields(out, span, journey));
    }

    fn span_fields(&mut self, out: &mut Vec<u8>, span: &Ended, journey: &Journey) {
        bytes(out, tag(1), &journey.trace_id);
        bytes(out, tag(2), &span.span_id.to_be_bytes());
        if journey.has_trace_state {
            self.text.clear();
            self.text.push_str("shop=r:");
            names::push_hex(&mut self.text, &journey.salt.to_be_bytes()[..4]);
            bytes(out, tag(3), self.text.as_bytes());
        }
        if span.parent_span_id != 0 {
            bytes(out, tag(4), &span.parent_span_id.to_be_bytes());
        }
        let template = &self.templates[usize::from(span.operation)];
        let kind = template.kind;
        out.extend_from_slice(&template.head);
        fixed64(out, 7 << 3 | 1, span.start_unix_nano);
        fixed64(out, 8 << 3 | 1, span.end_unix_nano);
        out.extend_from_slice(&template.attributes);
        self.varying(out, span, journey);
        if let Failure::Origin(number) = span.failure {
            let mistake = self.mistake(span, number);
            let error_type = Value::Text(mistake.error_type);
            attribute(out, template::SPAN_ATTRIBUTE, "error.type", error_type);
        }
        if self.chance.hits(500) {
            out.push(10 << 3);
            varint(out, 1 + self.chance.below(12));
        }
        self.events(out, span);
        self.links(out, span, journey, kind);
        self.status(out, span);
        // The trace flags of W3C with `sampled`, and whether the parent's process is known to be another.
        let flags: u32 = if span.parent_is_remote { 0x301 } else { 0x101 };
        varint(out, 16 << 3 | 5);
        out.extend_from_slice(&flags.to_le_bytes());
    }

    fn mistake(&self, span: &Ended, number: u8) -> &Mistake {
        &self.mistakes[usize::from(span.operation)][usize::from(number) % MISTAKES]
    }

    fn events(&mut self, out: &mut Vec<u8>, span: &Ended) {
        const EVENT: u8 = tag(11);
        let length = span.end_unix_nano - span.start_unix_nano;
        match span.failure {
            Failure::Origin(number) => {
                self.write_message(span, number);
                let Mistake {
                    error_type, frames, ..
                } = &self.mistakes[usize::from(span.operation)][usize::from(number) % MISTAKES];
                message(out, EVENT, |out| {
                    fixed64(out, 1 << 3 | 1, span.end_unix_nano - length / 16);
                    bytes(out, tag(2), b"exception");
                    let mut has = |key, value| attribute(out, tag(3), key, Value::Text(value));
                    has("exception.type", error_type);
                    has("exception.message", &self.text);
                    let stack = format!("{error_type}: {}\n{frames}", self.text);
                    has("exception.stacktrace", &stack);
                });
            }
            _ if self.chance.hits(25_000) => {
                const NOTES: [&str; 4] = [
                    "cache.miss",
                    "retry.scheduled",
                    "lock.acquired",
                    "item.skipped",
                ];
                let at = span.start_unix_nano + self.chance.below(length);
                let note = *self.chance.pick(&NOTES);
                let wait = self.chance.skewed(250) as i64;
                message(out, EVENT, |out| {
                    fixed64(out, 1 << 3 | 1, at);
                    bytes(out, tag(2), note.as_bytes());
                    attribute(out, tag(3), "shop.app.wait_ms", Value::Int(wait));
                    attribute(out, tag(3), "shop.app.reason", Value::Text("policy"));
                });
            }
            _ => {}
        }
    }

    /// Consumers link to the message, and now and then to others of its batch.
    fn links(&mut self, out: &mut Vec<u8>, span: &Ended, journey: &Journey, kind: u8) {
        const PRODUCER: u8 = 4;
        const CONSUMER: u8 = 5;
        match kind {
            PRODUCER => {
                if self.sent.len() == LINKABLE {
                    self.sent.pop_front();
                }
                self.sent.push_back((journey.trace_id, span.span_id));
            }
            CONSUMER => {
                let n_others = if self.chance.hits(150_000) {
                    1 + self.chance.index(4)
                } else {
                    0
                };
                let others = (0..n_others).filter_map(|_| {
                    let at = self.chance.index(self.sent.len());
                    self.sent.get(at).copied()
                });
                let own =
                    (span.parent_span_id != 0).then_some((journey.trace_id, span.parent_span_id));
                for (trace_id, span_id) in own.into_iter().chain(others) {
                    message(out, tag(13), |out| {
                        bytes(out, tag(1), &trace_id);
                        bytes(out, tag(2), &span_id.to_be_bytes());
                        let index = Value::Int(i64::from(span_id as u8 & 7));
                        attribute(out, tag(4), "messaging.batch.index", index);
                        varint(out, 6 << 3 | 5);
                        out.extend_from_slice(&0x301_u32.to_le_bytes());
                    });
                }
            }
            _ => {}
        }
    }

    fn status(&mut self, out: &mut Vec<u8>, span: &Ended) {
        const ERROR: u8 = 2;
        match span.failure {
            Failure::None => {}
            Failure::Passed => message(out, tag(15), |out| out.extend_from_slice(&[3 << 3, ERROR])),
            Failure::Origin(number) => {
                self.write_message(span, number);
                message(out, tag(15), |out| {
                    bytes(out, tag(2), self.text.as_bytes());
                    out.extend_from_slice(&[3 << 3, ERROR]);
                });
            }
        }
    }

    /// Puts the error's message into `self.text`; the same for the same span.
    fn write_message(&mut self, span: &Ended, number: u8) {
        let (before, after) = self.mistake(span, number).message;
        self.text.clear();
        self.text.push_str(before);
        push_number(&mut self.text, 1_000 + span.span_id % 29_000);
        self.text.push_str(after);
    }
}

/// The fixed parts of what a pod exports.
#[derive(Debug)]
pub(crate) struct Envelope {
    /// The resource, as a field of `ResourceSpans`.
    resource: Vec<u8>,
    /// Each scope, as a field of `ScopeSpans`.
    scopes: [Vec<u8>; SCOPES],
}

impl Envelope {
    pub(crate) fn new(world: &World, pod: PodId) -> Self {
        let pod = world.pods[usize::from(pod)];
        let language = world.services[usize::from(pod.service)].language;
        Self {
            resource: resource::resource(world, pod),
            scopes: std::array::from_fn(|scope| resource::scope(language, scope)),
        }
    }

    /// Appends what the pod exports, its encoded spans by scope, as a field of a request.
    pub(crate) fn wrap(&self, out: &mut Vec<u8>, spans: &[Vec<u8>; SCOPES]) {
        message(out, tag(1), |out| {
            out.extend_from_slice(&self.resource);
            for (scope, spans) in self.scopes.iter().zip(spans) {
                if !spans.is_empty() {
                    message(out, tag(2), |out| {
                        out.extend_from_slice(scope);
                        out.extend_from_slice(spans);
                        bytes(out, tag(3), resource::SCHEMA_URL.as_bytes());
                    });
                }
            }
            bytes(out, tag(3), resource::SCHEMA_URL.as_bytes());
        });
    }
}
