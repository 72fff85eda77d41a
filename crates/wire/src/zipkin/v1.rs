//! Version 1 of a span: both sides of a call in one, told apart by annotations such as `cs` ("client send") and `sr` ("server receive"). It becomes a span of
//! version 2 for each side.
//!
//! - A side is there when it annotated: `cs` or `cr` for the client, `sr` or `ss` for the server, `ms` for a producer, `mr` for a consumer. Its endpoint is
//!   that of its annotation, and begin and end are those that it annotated. A span of no side has no kind.
//! - `timestamp` and `duration` are the first side's own measure, and go before its annotations.
//! - The server's half is shared when the client's is there too, or when it has no `timestamp`: only who begins a span writes that.
//! - Other annotations, and tags (binary annotations), are the side's whose service they name, else the first one's.
//! - The tags `sa`, `ca` and `ma` of the value `true` say where the other side is.
//!
//! Source: Zipkin's `zipkinCore.thrift` and its public documentation of version 1.

use serde::Deserialize;

use super::items::{Items, Text};
use super::{RawAnnotation, RawEndpoint, RawSpan};
use crate::otlp::{Limits, RejectReason};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct V1Span {
    pub(super) trace_id: String,
    pub(super) id: String,
    #[serde(default)]
    pub(super) parent_id: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) timestamp: Option<u64>,
    #[serde(default)]
    pub(super) duration: Option<u64>,
    #[serde(default)]
    pub(super) debug: Option<bool>,
    #[serde(default)]
    pub(super) annotations: Items<Vec<V1Annotation>>,
    #[serde(default)]
    pub(super) binary_annotations: Items<Vec<V1Tag>>,
}

#[derive(Default, Deserialize)]
pub(super) struct V1Annotation {
    #[serde(default)]
    pub(super) timestamp: u64,
    #[serde(default)]
    pub(super) value: String,
    #[serde(default)]
    pub(super) endpoint: Option<RawEndpoint>,
}

#[derive(Default, Deserialize)]
pub(super) struct V1Tag {
    #[serde(default)]
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: Text,
    #[serde(default)]
    pub(super) endpoint: Option<RawEndpoint>,
}

/// How a side shows.
struct Role {
    kind: &'static str,
    /// The annotation that marks its begin, and the one that marks its end.
    begin: &'static str,
    end: &'static str,
    /// Whether the one or the other has to be there.
    shown_by: [&'static str; 2],
    /// The tag that says where the other side is.
    remote: &'static str,
}

/// In the order in which they see a call.
const ROLES: [Role; 4] = [
    role("CLIENT", ["cs", "cr"], ["cs", "cr"], "sa"),
    role("SERVER", ["sr", "ss"], ["sr", "ss"], "ca"),
    role("PRODUCER", ["ms", "ws"], ["ms", "ms"], "ma"),
    role("CONSUMER", ["wr", "mr"], ["mr", "mr"], "ma"),
];

const fn role(
    kind: &'static str,
    [begin, end]: [&'static str; 2],
    shown_by: [&'static str; 2],
    remote: &'static str,
) -> Role {
    Role {
        kind,
        begin,
        end,
        shown_by,
        remote,
    }
}

/// A side in the making.
struct Side {
    role: Option<&'static Role>,
    service: Option<String>,
    span: RawSpan,
}

impl V1Span {
    /// Why it is rejected as a whole: of more annotations than are looked at it is not known which side they are.
    pub(super) fn excess(&self, limits: &Limits) -> Option<RejectReason> {
        if self.binary_annotations.n_met > limits.attributes_max {
            Some(RejectReason::TooManyAttributes)
        } else if self.annotations.n_met > limits.events_max {
            Some(RejectReason::TooManyEvents)
        } else {
            None
        }
    }

    /// A span for each side, at least one.
    pub(super) fn into_sides(mut self) -> Vec<RawSpan> {
        let mut sides: Vec<Side> = Vec::new();
        for role in &ROLES {
            let is_shown = self.annotations.kept.iter();
            let is_shown = is_shown
                .map(|one| one.value.as_str())
                .any(|value| role.shown_by.contains(&value));
            if is_shown {
                let begin = self.take(role.begin);
                let end = self.take(role.end);
                sides.push(self.side(role, begin, end));
            }
        }
        if sides.is_empty() {
            sides.push(self.sideless());
        }
        self.measure_first(&mut sides);
        for one in self.annotations.kept {
            let at = side_of(&sides, one.endpoint.as_ref());
            sides[at].span.annotations.push(RawAnnotation {
                timestamp: one.timestamp,
                value: one.value,
            });
        }
        for tag in self.binary_annotations.kept {
            add_tag(&mut sides, tag);
        }
        sides.into_iter().map(|side| side.span).collect()
    }

    /// Removes the first annotation of that value.
    fn take(&mut self, value: &str) -> Option<V1Annotation> {
        let annotations = &mut self.annotations.kept;
        let at = annotations.iter().position(|one| one.value == value)?;
        Some(annotations.remove(at))
    }

    fn side(
        &self,
        role: &'static Role,
        begin: Option<V1Annotation>,
        end: Option<V1Annotation>,
    ) -> Side {
        let time = |one: &Option<V1Annotation>| one.as_ref().map(|one| one.timestamp);
        let (begins, ends) = (time(&begin), time(&end));
        let duration = ends.zip(begins);
        let duration = duration.and_then(|(end, begin)| end.checked_sub(begin));
        let annotated = begin.into_iter().chain(end);
        let endpoint = annotated.filter_map(|one| one.endpoint).next();
        let mut span = self.bare(endpoint);
        span.kind = Some(role.kind.to_owned());
        span.timestamp = begins.or(ends);
        span.duration = duration;
        Side {
            role: Some(role),
            service: service_of(span.local_endpoint.as_ref()),
            span,
        }
    }

    /// What annotates no side: the work of a service, or a call of which nothing but the address of the other side is known.
    fn sideless(&self) -> Side {
        let tags = &self.binary_annotations.kept;
        let is_address = |tag: &&V1Tag| matches!(&*tag.key, "sa" | "ca" | "ma");
        let component = tags.iter().find(|tag| tag.key == "lc");
        let of_tag = component.or_else(|| tags.iter().find(|tag| !is_address(tag)));
        let of_tag = of_tag.and_then(|tag| tag.endpoint.clone());
        let annotated = self.annotations.kept.iter();
        let endpoint = of_tag.or_else(|| annotated.filter_map(|one| one.endpoint.clone()).next());
        let mut span = self.bare(endpoint);
        let says_where = |role: &&Role| tags.iter().any(|tag| tag.is_address_of(role));
        let role = ROLES[..2].iter().find(says_where);
        span.kind = role.map(|role| role.kind.to_owned());
        Side {
            role,
            service: service_of(span.local_endpoint.as_ref()),
            span,
        }
    }

    /// What all sides have in common.
    fn bare(&self, local_endpoint: Option<RawEndpoint>) -> RawSpan {
        RawSpan {
            trace_id: self.trace_id.clone(),
            id: self.id.clone(),
            parent_id: self.parent_id.clone(),
            name: self.name.clone(),
            debug: self.debug,
            local_endpoint,
            ..RawSpan::default()
        }
    }

    fn measure_first(&self, sides: &mut [Side]) {
        let given = |micros: Option<u64>| micros.filter(|micros| *micros > 0);
        let (timestamp, duration) = (given(self.timestamp), given(self.duration));
        let is_joined = sides.len() > 1 || timestamp.is_none();
        for side in sides.iter_mut() {
            let is_server = side.role.is_some_and(|role| role.kind == "SERVER");
            // A server whose address alone is known began nothing that it shares.
            let is_annotated = side.span.timestamp.is_some();
            side.span.shared = (is_server && is_annotated && is_joined).then_some(true);
        }
        if let Some(first) = sides.first_mut() {
            first.span.timestamp = timestamp.or(first.span.timestamp);
            first.span.duration = duration.or(first.span.duration);
        }
    }
}

impl V1Tag {
    /// Whether it says where the side opposite to `role` is.
    fn is_address_of(&self, role: &Role) -> bool {
        self.key == role.remote && self.value.0 == "true" && self.endpoint.is_some()
    }
}

fn add_tag(sides: &mut [Side], tag: V1Tag) {
    let is_its = |side: &Side| side.role.is_some_and(|role| tag.is_address_of(role));
    if let Some(at) = sides.iter().position(is_its) {
        sides[at].span.remote_endpoint = tag.endpoint;
        return;
    }
    // The name of a component may be empty: then it says nothing but where it is.
    if tag.key == "lc" && tag.value.0.is_empty() {
        return;
    }
    let at = side_of(sides, tag.endpoint.as_ref());
    sides[at].span.tags.insert(tag.key, tag.value);
}

/// The side whose service `endpoint` names, else the first.
fn side_of(sides: &[Side], endpoint: Option<&RawEndpoint>) -> usize {
    let service = service_of(endpoint);
    let named = service.and_then(|service| {
        let is_it = |side: &Side| side.service.as_ref() == Some(&service);
        sides.iter().position(is_it)
    });
    named.unwrap_or(0)
}

fn service_of(endpoint: Option<&RawEndpoint>) -> Option<String> {
    let name = endpoint?.service_name.clone();
    name.filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
