//! A reporter's request: a list of spans, read into columns one at a time.

use std::fmt;
use std::marker::PhantomData;

use columnar::{
    BatchBuilder, SpanBatchBuilder, SpanHead, resource_to_json, scope_to_json, value_to_text,
};
use model::{KeyValue, Span};
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::v1::V1Span;
use super::{RawAnnotation, RawSpan, event, without_events};
use crate::otlp::{DecodeError, Decoded, Limits, RejectReason, Rejected};
use crate::otlp::{json_error, utf8};
use crate::refused::Problem;

/// Decodes the JSON of `POST /api/v2/spans`.
///
/// Input:  the uncompressed body.
/// Output: the spans in their order, and what was left out.
/// Errors: `TooLarge` above `limits.body_bytes_max`, `Json` when the text is no JSON list of spans, or a field has the wrong type.
/// Cost:   O(bytes); memory of the columns and of one span as a struct.
pub fn decode_json(body: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    decode::<RawSpan>(body, limits)
}

/// Decodes the JSON of `POST /api/v1/spans`; all else as in [`decode_json`].
pub fn decode_json_v1(body: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    decode::<V1Span>(body, limits)
}

fn decode<S: Reported>(body: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    let text = utf8(body, limits)?;
    let mut request = Request::new(limits);
    let mut json = serde_json::Deserializer::from_str(text);
    let list = ListOf::<S>(&mut request, PhantomData);
    json.deserialize_seq(list)
        .and_then(|()| json.end())
        .map_err(|error| json_error(&error))?;
    Ok(request.finish())
}

/// An element of a reporter's list.
trait Reported: for<'de> Deserialize<'de> {
    fn add_to(self, request: &mut Request<'_>, position: u64);
}

impl Reported for RawSpan {
    fn add_to(self, request: &mut Request<'_>, position: u64) {
        request.add(position, self);
    }
}

impl Reported for V1Span {
    fn add_to(self, request: &mut Request<'_>, position: u64) {
        request.add_v1(position, self);
    }
}

/// Takes the elements of a JSON list.
struct ListOf<'r, 'l, S>(&'r mut Request<'l>, PhantomData<S>);

/// The list, and everything that was read of it.
pub(super) struct Request<'l> {
    limits: &'l Limits,
    rows: SpanBatchBuilder,
    rejected: Rejected,
}

impl<'de, S: Reported> Visitor<'de> for ListOf<'_, '_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of spans")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let request = self.0;
        for position in 0_u64.. {
            let is_read = match request.full() {
                None => match seq.next_element::<S>()? {
                    Some(raw) => {
                        raw.add_to(request, position);
                        true
                    }
                    None => false,
                },
                Some(reason) => {
                    let passed_over = seq.next_element::<IgnoredAny>()?.is_some();
                    if passed_over {
                        request.pass_over(reason, position);
                    }
                    passed_over
                }
            };
            if !is_read {
                break;
            }
        }
        Ok(())
    }
}

impl<'l> Request<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            rows: SpanBatchBuilder::new(),
            rejected: Rejected::none::<SpanBatchBuilder>(),
        }
    }

    pub(super) fn finish(self) -> Decoded {
        Decoded {
            rows: self.rows,
            rejected: self.rejected,
        }
    }

    /// Why no more spans are taken.
    pub(super) fn full(&self) -> Option<RejectReason> {
        if self.rows.len() >= self.limits.records_max {
            Some(RejectReason::TooManyRecords)
        } else if self.rows.bytes() > self.limits.batch_bytes_max {
            Some(RejectReason::BatchFull)
        } else {
            None
        }
    }

    /// Leaves out the span at `position`.
    pub(super) fn pass_over(&mut self, reason: RejectReason, position: u64) {
        self.rejected.add(reason, position, 1);
    }

    /// Adds a span, or leaves it out; whether it was added.
    pub(super) fn add(&mut self, position: u64, raw: RawSpan) -> bool {
        let added = self.append(raw);
        if let Err(reason) = added {
            self.rows.abort();
            self.pass_over(reason, position);
        }
        added.is_ok()
    }

    /// Adds a span for each side of one of version 1, or leaves it out.
    pub(super) fn add_v1(&mut self, position: u64, span: V1Span) {
        if let Some(reason) = span.excess(self.limits) {
            self.pass_over(reason, position);
            return;
        }
        for side in span.into_sides() {
            // What is wrong with one side mostly is with the other, and it is one span that is told.
            if !self.add(position, side) {
                break;
            }
        }
    }

    /// Appends the span as a row, unless it is to be rejected: then the row is still open.
    fn append(&mut self, raw: RawSpan) -> Result<(), RejectReason> {
        let limits = self.limits;
        if raw.tags.n_met > limits.attributes_max {
            return Err(RejectReason::TooManyAttributes);
        }
        if raw.annotations.n_met > limits.events_max {
            return Err(RejectReason::TooManyEvents);
        }
        let (span, annotations) = without_events(raw).map_err(|problem| reason(&problem))?;
        self.check_sizes(&span)?;
        for annotation in annotations {
            self.append_event(annotation)?;
        }
        self.append_attributes(&span.attributes);
        let name = span.service_name();
        self.rows
            .set_resource(&resource_to_json(&span.resource), name);
        self.rows.set_scope(&scope_to_json(&span.scope));
        self.rows.commit(&SpanHead::of(&span));
        Ok(())
    }

    fn check_sizes(&self, span: &Span) -> Result<(), RejectReason> {
        let is_large = |a: &KeyValue| value_to_text(&a.value).1.len() > self.limits.text_bytes_max;
        let origin_bytes_max = self.limits.value_bytes_max;
        let has_large_origin = span.service_name().len() > origin_bytes_max
            || span.scope.name.len() + span.scope.version.len() > origin_bytes_max;
        match has_large_origin || span.attributes.iter().any(is_large) {
            true => Err(RejectReason::ValueTooLarge),
            false => Ok(()),
        }
    }

    fn append_event(&mut self, annotation: RawAnnotation) -> Result<(), RejectReason> {
        let event = event(annotation).map_err(|problem| reason(&problem))?;
        let attributes = self.rows.events().attributes();
        for attribute in &event.attributes {
            let (kind, text) = value_to_text(&attribute.value);
            attributes.push(&attribute.key, kind, &text);
        }
        self.rows
            .events()
            .push(event.time_unix_nano, &event.name, 0);
        Ok(())
    }

    fn append_attributes(&mut self, attributes: &[KeyValue]) {
        for attribute in attributes {
            let (kind, text) = value_to_text(&attribute.value);
            self.rows.attributes().push(&attribute.key, kind, &text);
        }
    }
}

/// The reason of a span that cannot be told as one. Its JSON was read before.
fn reason(problem: &Problem) -> RejectReason {
    match problem {
        Problem::Id { name: "id", .. } => RejectReason::InvalidSpanId,
        Problem::Id {
            name: "parentId", ..
        } => RejectReason::InvalidParentSpanId,
        Problem::Time(_) => RejectReason::TimeOutOfRange,
        Problem::Id { .. } | Problem::Process | Problem::Json { .. } => {
            RejectReason::InvalidTraceId
        }
    }
}
