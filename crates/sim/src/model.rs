//! What may, must and must not be in the store: what the auditor knows.
//!
//! A *content* is a span as it was sent; the same content in two requests is one. A *receipt* is what becomes of one request that the store
//! recognises: the attempts of a client within the window in which retries are recognised are one receipt, and are stored at most once. A
//! *row* is a content in a receipt. Every statement is about rows: which are there for certain, which may be, which are gone for good.

mod appends;
mod compare;
mod holds;
mod retention;

pub(crate) use appends::Ticket;
pub(crate) use holds::Listing;

use std::collections::{BTreeMap, BTreeSet};

use model::{Span, SpanId, TenantId, TraceId};
use store_api::{Erasure, Pin};

use crate::world::Request;

pub(crate) const HOUR_NANO: i64 = 3_600_000_000_000;

/// What the store did that it must not do.
pub(crate) type Violation = String;

/// Why a row must not be seen any more: its trace was erased.
const ERASED: &str = "erased";

/// A span as it was sent.
#[derive(Debug)]
struct Content {
    tenant: TenantId,
    span: Span,
}

/// Attempts of one request that are stored once at most.
#[derive(Debug)]
struct Receipt {
    /// When each attempt was made, by the clock of that moment.
    attempts: Vec<i64>,
    /// Whether one of them was acknowledged.
    is_certain: bool,
}

/// How long the block of a row is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// As its tenant's are.
    Tenant,
    /// Nanoseconds after the end of the hour of receipt.
    For(i64),
    /// Until a pin expires.
    Until(i64),
}

/// A content in a receipt.
#[derive(Debug)]
struct Row {
    content: usize,
    receipt: usize,
    /// How often the request has it.
    times: usize,
    /// The classes that its block may be in.
    classes: BTreeSet<Class>,
    /// Whether a rule may have judged it.
    may_be_settled: bool,
    /// Whether its hour was settled for certain.
    is_settled: bool,
    /// Whether it is in a block for certain, if anywhere.
    is_flushed: bool,
    /// Whether a pass that has begun may have removed it.
    may_be_gone: bool,
    /// Whether the pass under way removes it if it succeeds.
    is_doomed: bool,
    /// The class that the pass under way puts it into if it succeeds.
    settles_as: Option<Class>,
    /// Why it must not be seen any more.
    gone: Option<&'static str>,
}

/// The auditor.
#[derive(Debug, Default)]
pub(crate) struct Model {
    contents: Vec<Content>,
    /// The contents with this span id.
    by_span: BTreeMap<SpanId, Vec<usize>>,
    requests: Vec<Request>,
    /// The receipts of each request, oldest first.
    receipts_of: Vec<Vec<usize>>,
    receipts: Vec<Receipt>,
    rows: Vec<Row>,
    /// Traces of erasures that are in effect.
    erased: BTreeSet<(TenantId, TraceId)>,
    /// Every erasure that was acknowledged.
    erasures: BTreeMap<u64, Erasure>,
    erasures_in_doubt: Vec<(TenantId, Vec<TraceId>)>,
    /// Pins that were acknowledged and not ended.
    pins: BTreeMap<u64, Pin>,
    pins_in_doubt: Vec<(TenantId, Vec<TraceId>)>,
    /// Whether a commit of a pass that failed may be under way: what it removes is there until then, and goes without another pass.
    is_in_doubt: bool,
    /// The latest time that any clock showed.
    latest_unix_nano: i64,
}

impl Model {
    /// Takes note of the time; call it whenever that changes.
    pub(crate) fn time_is(&mut self, unix_nano: i64) {
        self.latest_unix_nano = self.latest_unix_nano.max(unix_nano);
    }

    pub(crate) fn n_requests(&self) -> usize {
        self.requests.len()
    }

    pub(crate) fn request(&self, number: usize) -> &Request {
        &self.requests[number]
    }

    /// Whether no attempt of the request was acknowledged.
    pub(crate) fn is_unanswered(&self, request: usize) -> bool {
        let receipts = &self.receipts_of[request];
        receipts.iter().all(|&r| !self.receipts[r].is_certain)
    }

    /// The content that `span` is, if it was ever sent by `tenant`.
    fn content_of(&self, tenant: &TenantId, span: &Span) -> Option<usize> {
        let same =
            |&n: &usize| &self.contents[n].tenant == tenant && &self.contents[n].span == span;
        let candidates = self.by_span.get(&span.span_id)?;
        candidates.iter().copied().find(same)
    }

    /// The store has started: what its last process was about to do has happened, or does not any more.
    pub(crate) fn started(&mut self) {
        self.is_in_doubt = false;
    }

    /// Everything was flushed that is there.
    pub(crate) fn flushed(&mut self) {
        self.rows.iter_mut().for_each(|row| row.is_flushed = true);
    }

    fn trace_of(&self, row: &Row) -> (&TenantId, TraceId) {
        let content = &self.contents[row.content];
        (&content.tenant, content.span.trace_id)
    }
}
