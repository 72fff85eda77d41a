//! The world outside the store: tenants, services, traces, and the requests that clients send.
//!
//! Spans of a trace come in several requests, out of order, late, some of them years away. Some are sent again in another request (a
//! *twin*), some first unfinished and finished later.

use std::sync::Arc;

use model::{KeyValue, Resource, Scope, Span, SpanId, SpanKind, StatusCode, TenantId, TraceId};
use store_api::RequestDigest;

use crate::chance::Chance;

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * SECOND;
const YEAR: i64 = 8766 * HOUR;

/// Traces of a tenant that still get spans.
const TRACES_OPEN: usize = 8;

/// A request as a client sends it, and sends it again.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) tenant: TenantId,
    pub(crate) digest: RequestDigest,
    pub(crate) spans: Vec<Span>,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) tenants: Vec<TenantId>,
    services: Vec<Arc<Resource>>,
    scope: Arc<Scope>,
    /// By tenant; the newest last.
    traces: Vec<Vec<Trace>>,
    /// Spans that were sent, by tenant.
    sent: Vec<Vec<Span>>,
    chance: Chance,
}

#[derive(Debug, Clone)]
struct Trace {
    id: TraceId,
    begins_unix_nano: i64,
}

impl World {
    pub(crate) fn new(chance: Chance) -> Self {
        let names = ["default", "shop", "lab"];
        let n_tenants = chance.between(2, 3) as usize;
        let service = |name: &&str| {
            Arc::new(Resource {
                attributes: vec![KeyValue::new("service.name", *name)],
                ..Resource::default()
            })
        };
        Self {
            tenants: names[..n_tenants].iter().flat_map(|n| n.parse()).collect(),
            services: ["cart", "stock", "mail"].iter().map(service).collect(),
            scope: Arc::default(),
            traces: vec![Vec::new(); n_tenants],
            sent: vec![Vec::new(); n_tenants],
            chance,
        }
    }

    /// A new request, sent at `now`.
    pub(crate) fn request(&mut self, now: i64) -> Request {
        let tenant = self.chance.below(self.tenants.len() as u64) as usize;
        let n_spans = *self.chance.pick(&[1, 2, 3, 5, 9]);
        let mut spans: Vec<Span> = Vec::with_capacity(n_spans);
        while spans.len() < n_spans {
            let trace = self.trace(tenant, now);
            for _ in 0..self.chance.between(1, 3) {
                let span = match self.chance.below(12) {
                    0 if !self.sent[tenant].is_empty() => self.sent_again(tenant),
                    _ => self.span(&trace),
                };
                self.sent[tenant].push(span.clone());
                spans.push(span);
            }
        }
        let digest = [
            self.chance.any().to_be_bytes(),
            self.chance.any().to_be_bytes(),
        ];
        let mut whole = [0; 16];
        whole[..8].copy_from_slice(&digest[0]);
        whole[8..].copy_from_slice(&digest[1]);
        Request {
            tenant: self.tenants[tenant].clone(),
            digest: RequestDigest(whole),
            spans,
        }
    }

    /// Some traces of one tenant that were sent, mostly recent ones; none before the first request.
    pub(crate) fn some_traces(&self) -> Option<(TenantId, Vec<TraceId>)> {
        let tenant = self.chance.below(self.tenants.len() as u64) as usize;
        let sent = &self.sent[tenant];
        if sent.is_empty() {
            return None;
        }
        let one = |_| {
            let from = match self.chance.below(3) {
                0 => 0,
                _ => sent.len().saturating_sub(12),
            };
            self.chance.pick(&sent[from..]).trace_id
        };
        let mut ids: Vec<TraceId> = (0..self.chance.between(1, 2)).map(one).collect();
        ids.sort_unstable();
        ids.dedup();
        Some((self.tenants[tenant].clone(), ids))
    }

    /// A trace of `tenant` that gets spans now: one that has some, or a new one.
    fn trace(&mut self, tenant: usize, now: i64) -> Trace {
        let known = self.traces[tenant].len();
        if known > 0 && !self.chance.per_mille(400) {
            let from = known.saturating_sub(TRACES_OPEN);
            return self.chance.pick(&self.traces[tenant][from..]).clone();
        }
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.chance.any().to_be_bytes());
        id[8..].copy_from_slice(&self.chance.any().to_be_bytes());
        let mut trace = Trace {
            id: TraceId(id),
            begins_unix_nano: now + self.skew(),
        };
        let other = &self.traces[(tenant + 1) % self.tenants.len()];
        if !other.is_empty() && self.chance.per_mille(100) {
            // Nothing keeps two tenants from using one id.
            trace.id = self.chance.pick(other).id;
        }
        self.traces[tenant].push(trace.clone());
        trace
    }

    /// How far the clock of a client is off, and how late its spans are.
    fn skew(&self) -> i64 {
        let up_to = |bound: i64| self.chance.below(bound as u64) as i64;
        match self.chance.below(20) {
            0 => up_to(200) * YEAR,
            1 => -up_to(50) * YEAR,
            2..=4 => -up_to(30 * HOUR),
            5 => up_to(5 * HOUR),
            _ => -up_to(90 * SECOND),
        }
    }

    fn span(&self, trace: &Trace) -> Span {
        let chance = &self.chance;
        let start = trace.begins_unix_nano + chance.below(40 * SECOND as u64) as i64;
        let end = match chance.below(8) {
            0 => 0,
            _ => start + chance.below(5 * SECOND as u64) as i64,
        };
        let has_parent = chance.per_mille(700);
        Span {
            trace_id: trace.id,
            span_id: SpanId(chance.any().to_be_bytes()),
            parent_span_id: has_parent.then(|| SpanId(chance.any().to_be_bytes())),
            trace_state: String::new(),
            flags: 0,
            name: chance.pick(&["load", "pay", "send"]).to_string(),
            kind: *chance.pick(&[SpanKind::SERVER, SpanKind::CLIENT, SpanKind::INTERNAL]),
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            attributes: vec![KeyValue::new("n", chance.below(1000) as i64)],
            dropped_attributes_count: 0,
            events: vec![],
            dropped_events_count: 0,
            links: vec![],
            dropped_links_count: 0,
            status_code: *chance.pick(&[StatusCode::UNSET, StatusCode::OK, StatusCode::ERROR]),
            status_message: String::new(),
            resource: chance.pick(&self.services).clone(),
            scope: self.scope.clone(),
        }
    }

    /// A span that was sent before: the same, or finished, or (a client's bug) with other contents.
    fn sent_again(&self, tenant: usize) -> Span {
        let sent = &self.sent[tenant];
        let from = sent.len().saturating_sub(40);
        let mut span = self.chance.pick(&sent[from..]).clone();
        if span.end_time_unix_nano == 0 && self.chance.per_mille(700) {
            span.end_time_unix_nano = span.start_time_unix_nano + SECOND;
        } else if self.chance.per_mille(150) {
            span.name.push_str(" again");
        }
        span
    }
}
