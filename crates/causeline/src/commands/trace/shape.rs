//! What the spans of a trace are to each other: parents, critical path, self times.

use std::collections::HashMap;

use query::{Forest, PathPart, SpanTime, critical_path, self_times};

/// A trace's spans, by their row in the answer.
pub(super) struct Shape<'a> {
    pub(super) trace: &'a api::TraceResponse,
    pub(super) forest: Forest,
    /// From the trace's start.
    pub(super) times: Vec<SpanTime>,
    pub(super) self_times: Vec<i64>,
    /// The critical path, in order of time.
    pub(super) path: Vec<PathPart>,
    /// The parts of the path that are a span's: `parts[first_part[row]..first_part[row + 1]]`.
    parts: Vec<PathPart>,
    first_part: Vec<usize>,
    /// How many spans are below each.
    pub(super) below: Vec<usize>,
}

impl<'a> Shape<'a> {
    /// Cost: O(n log n) in spans.
    pub(super) fn new(trace: &'a api::TraceResponse) -> Self {
        let time = |span: &api::SpanRow| SpanTime {
            start_nano: span.start_offset_nano,
            end_nano: span
                .start_offset_nano
                .saturating_add(span.duration_nano.max(0)),
        };
        let times: Vec<SpanTime> = trace.spans.iter().map(time).collect();
        let forest = Forest::new(parents(&trace.spans));
        let path = critical_path(&times, &forest);
        let mut parts: Vec<PathPart> = path
            .iter()
            .filter(|part| part.span.is_some())
            .copied()
            .collect();
        parts.sort_by_key(|part| part.span);
        let first_part = (0..=times.len())
            .map(|row| parts.partition_point(|part| part.span < Some(row)))
            .collect();
        Self {
            trace,
            self_times: self_times(&times, &forest),
            below: below(&forest, times.len()),
            forest,
            times,
            path,
            parts,
            first_part,
        }
    }

    /// The parts of the critical path that are the span's own.
    pub(super) fn path_of(&self, row: usize) -> &[PathPart] {
        &self.parts[self.first_part[row]..self.first_part[row + 1]]
    }

    /// Whether the span names a parent and has none here: it was not received, or the parents form a circle.
    pub(super) fn is_orphan(&self, top: usize) -> bool {
        self.trace.spans[top].parent_span_id.is_some()
    }

    pub(super) fn service(&self, row: usize) -> &str {
        let service = self.trace.spans[row].service as usize;
        self.trace.services.get(service).map_or("?", String::as_str)
    }
}

/// The rows that share a span id, as Zipkin's client and server do, or since a sender reused it.
struct Sharing {
    first: usize,
    client: Option<usize>,
    server: Option<usize>,
}

/// The row of each span's parent. Children of a shared id belong to the server's half, and that to the client's.
fn parents(spans: &[api::SpanRow]) -> Vec<Option<usize>> {
    let mut by_id: HashMap<&str, Sharing> = HashMap::new();
    for (row, span) in spans.iter().enumerate() {
        let sharing = by_id.entry(&span.span_id).or_insert(Sharing {
            first: row,
            client: None,
            server: None,
        });
        match span.kind.as_str() {
            "client" => _ = sharing.client.get_or_insert(row),
            "server" => _ = sharing.server.get_or_insert(row),
            _ => {}
        }
    }
    let parent = |span: &api::SpanRow| {
        if span.kind == "server"
            && let Some(client) = by_id.get(span.span_id.as_str()).and_then(|ids| ids.client)
        {
            return Some(client);
        }
        let sharing = by_id.get(span.parent_span_id.as_deref()?)?;
        Some(sharing.server.unwrap_or(sharing.first))
    };
    spans.iter().map(parent).collect()
}

/// How many spans are below each.
fn below(forest: &Forest, n: usize) -> Vec<usize> {
    let mut order = forest.tops().to_vec();
    let mut next = 0;
    while let Some(&row) = order.get(next) {
        order.extend_from_slice(forest.children(row));
        next += 1;
    }
    let mut below = vec![0; n];
    for &row in order.iter().rev() {
        if let Some(parent) = forest.parent(row) {
            below[parent] += below[row] + 1;
        }
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_a_shared_span_are_one_below_the_other() {
        let span = |id: &str, parent: Option<&str>, kind: &str| api::SpanRow {
            span_id: id.to_owned(),
            parent_span_id: parent.map(str::to_owned),
            name: String::new(),
            service: 0,
            kind: kind.to_owned(),
            status: "unset".to_owned(),
            status_message: None,
            start_offset_nano: 0,
            duration_nano: 1,
            event_count: 0,
            link_count: 0,
            flags: Vec::new(),
        };
        let spans = [
            span("a", None, "server"),
            span("b", Some("a"), "server"),
            span("b", Some("a"), "client"),
            span("c", Some("b"), "internal"),
            span("d", Some("lost"), "internal"),
            span("e", Some("e"), "internal"),
        ];
        assert_eq!(
            parents(&spans),
            [None, Some(2), Some(0), Some(1), None, Some(5)]
        );
        let forest = Forest::new(parents(&spans));
        assert_eq!(below(&forest, spans.len()), [3, 1, 2, 0, 0, 0]);
    }
}
