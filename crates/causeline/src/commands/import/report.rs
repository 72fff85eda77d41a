//! What an import tells in the end.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{IsTerminal, Write};

use super::Outcome;

/// Most places that are named for one reason.
const PLACES_MAX: usize = 5;
/// Most reasons that are told apart.
const REASONS_MAX: usize = 100;
/// Requests between two lines of progress.
const PROGRESS_EVERY: u64 = 50;

/// Something that was not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// File and element.
    pub(super) place: String,
    /// Why.
    pub(super) reason: String,
    /// Spans; 0 when the element is not understood, so nobody knows.
    pub(super) spans: u64,
}

/// The sums.
#[derive(Debug, Default)]
pub(super) struct Report {
    requests: u64,
    accepted: u64,
    refused: u64,
    /// Elements of files that are none.
    elements: u64,
    reasons: BTreeMap<String, Reason>,
}

#[derive(Debug, Default)]
struct Reason {
    times: u64,
    places: Vec<String>,
}

impl Report {
    /// Counts an outcome.
    pub(super) fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Sent {
                request,
                refused,
                reason,
            } => {
                self.requests += 1;
                self.accepted += request.spans.saturating_sub(refused);
                if refused > 0 {
                    self.refuse(Refusal {
                        place: request.place,
                        reason,
                        spans: refused,
                    });
                }
            }
            Outcome::Refused(refusal) => self.refuse(refusal),
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refused += refusal.spans;
        self.elements += u64::from(refusal.spans == 0);
        let known = self.reasons.len() < REASONS_MAX || self.reasons.contains_key(&refusal.reason);
        let reason = match known {
            true => refusal.reason,
            false => "other reasons".to_owned(),
        };
        let reason = self.reasons.entry(reason).or_default();
        reason.times += refusal.spans.max(1);
        if reason.places.len() < PLACES_MAX {
            reason.places.push(refusal.place);
        }
    }

    /// Whether everything was accepted.
    pub(super) fn is_whole(&self) -> bool {
        self.refused == 0 && self.elements == 0
    }

    /// Tells a person who watches how far it is.
    pub(super) fn progress(&self) {
        let mut err = std::io::stderr();
        if self.requests.is_multiple_of(PROGRESS_EVERY) && err.is_terminal() {
            let _ = write!(err, "\r{} spans", self.accepted);
            let _ = err.flush();
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} spans accepted in {} requests, {} refused",
            self.accepted, self.requests, self.refused
        )?;
        if self.elements > 0 {
            write!(f, ", {} pieces of the files not understood", self.elements)?;
        }
        for (reason, found) in &self.reasons {
            let dots = match found.times > found.places.len() as u64 {
                true => ", …",
                false => "",
            };
            let places = found.places.join(", ");
            write!(f, "\n  {} × {reason} ({places}{dots})", found.times)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::import::read::Request;

    #[test]
    fn everything_that_is_missing_is_told_with_its_place() {
        let mut report = Report::default();
        let request = Request {
            body: Vec::new().into(),
            spans: 10,
            place: "a.json element 1".to_owned(),
        };
        report.add(Outcome::Sent {
            request,
            refused: 2,
            reason: "2 spans rejected".to_owned(),
        });
        assert!(!report.is_whole());
        for n in 0..7 {
            report.add(Outcome::Refused(Refusal {
                place: format!("b.json element {n}"),
                reason: "not JSON".to_owned(),
                spans: 0,
            }));
        }
        let text = report.to_string();
        assert_eq!(
            text,
            "8 spans accepted in 1 requests, 2 refused, 7 pieces of the files not understood\n  \
             2 × 2 spans rejected (a.json element 1, …)\n  \
             7 × not JSON (b.json element 0, b.json element 1, b.json element 2, b.json element 3, b.json element 4, …)"
        );
    }
}
