//! What appends and their outcomes say.

use std::collections::BTreeSet;
use std::time::Duration;

use store_api::{Appended, ErrorKind};

use super::{Class, Content, ERASED, Model, Receipt, Row, Violation};
use crate::world::Request;

/// An append under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    request: usize,
    /// `None` when all its spans are of erased traces, so that nothing is kept.
    receipt: Option<usize>,
    /// Whether the store must recognise it as kept before.
    is_duplicate: bool,
}

impl Model {
    /// Takes up a request that was never sent before. Returns its number.
    pub(crate) fn new_request(&mut self, request: Request) -> usize {
        self.requests.push(request);
        self.receipts_of.push(Vec::new());
        self.requests.len() - 1
    }

    /// A client sends the request, for the first time or again, at `now`.
    pub(crate) fn send(&mut self, request: usize, now: i64, window: Duration) -> Ticket {
        let tenant = self.requests[request].tenant.clone();
        let spans = self.requests[request].spans.clone();
        let kept = spans.iter().filter(|span| {
            let trace = (tenant.clone(), span.trace_id);
            !self.erased.contains(&trace)
        });
        let kept: Vec<_> = kept.cloned().collect();
        if kept.is_empty() {
            return Ticket {
                request,
                receipt: None,
                is_duplicate: false,
            };
        }
        let window = i64::try_from(window.as_nanos()).unwrap_or(i64::MAX);
        let latest = self.latest_unix_nano;
        let recent = |receipt: &Receipt| {
            let first = receipt.attempts.iter().min().copied().unwrap_or_default();
            latest.saturating_sub(first) <= window
        };
        let known = self.receipts_of[request].last().copied();
        let known = known.filter(|&n| recent(&self.receipts[n]));
        let receipt = known.unwrap_or_else(|| {
            self.receipts.push(Receipt {
                attempts: Vec::new(),
                is_certain: false,
            });
            self.receipts_of[request].push(self.receipts.len() - 1);
            self.receipts.len() - 1
        });
        let is_duplicate = self.receipts[receipt].is_certain;
        if !is_duplicate {
            self.receipts[receipt].attempts.push(now);
            self.may_be_stored_anew(receipt);
        }
        for span in kept {
            let content = self.content_of(&tenant, &span).unwrap_or_else(|| {
                let number = self.contents.len();
                self.by_span.entry(span.span_id).or_default().push(number);
                let tenant = tenant.clone();
                self.contents.push(Content { tenant, span });
                number
            });
            if !is_duplicate {
                self.add_row(content, receipt, known.is_some());
            }
        }
        Ticket {
            request,
            receipt: Some(receipt),
            is_duplicate,
        }
    }

    /// What was found out of attempts that were not acknowledged does not hold for one more.
    fn may_be_stored_anew(&mut self, receipt: usize) {
        for row in self.rows.iter_mut().filter(|row| row.receipt == receipt) {
            row.classes.insert(Class::Tenant);
            row.is_settled = false;
            row.is_flushed = false;
            row.may_be_gone = false;
            row.is_doomed = false;
            row.settles_as = None;
            row.gone = row.gone.filter(|why| *why == ERASED);
        }
    }

    /// Adds a row, unless an attempt before did.
    fn add_row(&mut self, content: usize, receipt: usize, is_known: bool) {
        let same = |row: &&mut Row| row.content == content && row.receipt == receipt;
        match self.rows.iter_mut().find(same) {
            Some(_) if is_known => {}
            Some(row) => row.times += 1,
            None => self.rows.push(Row {
                content,
                receipt,
                times: 1,
                classes: BTreeSet::from([Class::Tenant]),
                may_be_settled: false,
                is_settled: false,
                is_flushed: false,
                may_be_gone: false,
                is_doomed: false,
                settles_as: None,
                gone: None,
            }),
        }
    }

    /// The store answers.
    pub(crate) fn answered(
        &mut self,
        ticket: Ticket,
        outcome: Result<Appended, ErrorKind>,
    ) -> Result<(), Violation> {
        let request = ticket.request;
        let Some(receipt) = ticket.receipt else {
            return match outcome {
                Ok(Appended::Stored) | Err(ErrorKind::Unavailable) => Ok(()),
                other => Err(format!("request {request} of erased traces: {other:?}")),
            };
        };
        let was_certain = self.receipts[receipt].is_certain;
        match outcome {
            Ok(Appended::Stored) if was_certain => {
                Err(format!("request {request} was stored twice"))
            }
            Ok(Appended::Stored) => {
                self.receipts[receipt].is_certain = true;
                Ok(())
            }
            Ok(Appended::Duplicate) => self.was_duplicate(request, receipt),
            Err(_) if ticket.is_duplicate => Ok(()),
            Err(ErrorKind::Unavailable | ErrorKind::Limited) => Ok(()),
            Err(kind) => Err(format!("request {request} was refused with {kind:?}")),
        }
    }

    /// The store says that it kept the request before.
    fn was_duplicate(&mut self, request: usize, receipt: usize) -> Result<(), Violation> {
        if self.receipts[receipt].is_certain {
            return Ok(());
        }
        if self.receipts[receipt].attempts.len() > 1 {
            // An attempt that was not acknowledged is durable all the same.
            self.receipts[receipt].is_certain = true;
            return Ok(());
        }
        // Recognised for longer than it must be: then this attempt left nothing.
        self.receipts[receipt].attempts.clear();
        self.rows.retain(|row| row.receipt != receipt);
        let receipts = &mut self.receipts_of[request];
        receipts.retain(|r| *r != receipt);
        match receipts.last() {
            Some(&before) => {
                self.receipts[before].is_certain = true;
                Ok(())
            }
            None => Err(format!(
                "request {request} was never sent before, and is called a duplicate"
            )),
        }
    }
}
