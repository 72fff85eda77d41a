//! The questions, class by class, and what the right answers are.

use crate::{KnownTrace, Matches, Question, TraceId, Truth, USERS, hex, user_id};

use super::budget::{self, Budget};
use super::verify;

/// Every class in the order of asking, with its budget.
pub(super) const NAMES: [(&str, Budget); 17] = [
    ("trace by id, Tempo JSON", budget::TRACE_BY_ID),
    ("trace by id, waterfall", budget::TRACE_BY_ID),
    ("the largest traces, Tempo JSON", budget::LARGEST),
    ("the largest traces, waterfall", budget::LARGEST),
    ("absent trace id", budget::ABSENT_ID),
    ("service and operation, last 20", budget::OPERATION),
    ("service, duration > 500 ms", budget::LONG),
    ("errors of a service, last 20", budget::ERRORS),
    ("rare attribute (user.id)", budget::RARE),
    ("absent attribute value", budget::ABSENT_VALUE),
    ("substring of db.query.text, absent", budget::SUBSTRING),
    ("structural >>", budget::STRUCTURAL),
    ("structural >>, errors", budget::STRUCTURAL_ERRORS),
    ("rate by service", budget::RATE),
    ("error rate by service", budget::ERROR_RATE),
    ("p50, p99 by service", budget::QUANTILES),
    ("services with counts", budget::SERVICES),
];

/// A question and its right answer.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) listener: Listener,
    /// Path and query.
    pub(super) path: String,
    pub(super) expected: Expected,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listener {
    Tempo,
    /// Causeline's own.
    Native,
}

#[derive(Debug)]
pub(super) enum Expected {
    /// A whole trace in Tempo's JSON, with so many spans.
    TempoTrace(u32),
    /// A whole trace in the native API, with so many spans.
    NativeTrace(u32),
    /// Nothing under this id.
    NoTrace,
    /// These traces in this order.
    Traces(Vec<TraceId>),
    /// A series for each service, whose samples sum up to this many spans.
    Rates(u64),
    /// This many series at least.
    Series(usize),
    /// All services with their counts.
    Services,
}

/// Traces on a page of a search.
const PAGE: usize = 20;

/// Known traces that are looked up.
const LOOKED_UP: usize = 200;

/// Customers among whom some with few traces are sought.
const CUSTOMERS: u32 = 200;

/// Of those, how many are asked for.
const RARE: usize = 16;

/// Seconds between the samples of a series.
pub(super) const STEP_SECONDS: u64 = 10;

const OPERATIONS: [(&str, &str); 4] = [
    ("storefront", "GET /products/{id}"),
    ("product-catalog", "SELECT product"),
    ("orders", "POST /orders/v1/orders"),
    ("pricing", "shop.pricing.v1.PricingService/GetPrice"),
];
const LONG: [&str; 4] = ["storefront", "mobile-gateway", "product-catalog", "orders"];
const FAILING: [&str; 4] = ["storefront", "orders", "payments", "inventory"];
const STRUCTURAL: [(&str, &str); 2] = [("storefront", "inventory"), ("checkout", "pricing")];

/// What the generator shall know the answers to. [`asked`] reads them in this order.
pub(super) fn questions() -> Vec<Question> {
    let of = |service| Question {
        service: Some(service),
        ..Question::default()
    };
    let mut questions = Vec::new();
    questions.extend(OPERATIONS.map(|(service, operation)| Question {
        operation: Some(operation),
        ..of(service)
    }));
    questions.extend(LONG.map(|service| Question {
        longer_than_nano: 500_000_000,
        ..of(service)
    }));
    questions.extend(FAILING.map(|service| Question {
        failed: true,
        ..of(service)
    }));
    for failed in [false, true] {
        questions.extend(STRUCTURAL.map(|(above, below)| Question {
            below_service: Some(above),
            failed,
            ..of(below)
        }));
    }
    questions.extend(customers().map(|user| Question {
        user: Some(user),
        ..Question::default()
    }));
    questions
}

/// Customers that come seldom: the last ones of the skewed draw.
fn customers() -> impl Iterator<Item = u32> {
    (0..CUSTOMERS).map(|number| USERS as u32 - 1 - number * 29)
}

/// The questions of every class of [`NAMES`].
pub(super) fn asked(truth: &Truth) -> Vec<Vec<Asked>> {
    let mut matches = truth.matches.iter();
    let mut next = |n: usize| matches.by_ref().take(n).collect::<Vec<_>>();
    let search = |query: String, matches: &Matches| search(truth, &query, newest(matches));

    let found = next(OPERATIONS.len()).into_iter().zip(OPERATIONS);
    let by_operation = found.map(|(m, (service, name))| {
        search(
            format!(r#"{{ resource.service.name = "{service}" && name = "{name}" }}"#),
            m,
        )
    });
    let by_operation: Vec<Asked> = by_operation.collect();
    let found = next(LONG.len()).into_iter().zip(LONG);
    let long = found.map(|(m, service)| {
        search(
            format!(r#"{{ resource.service.name = "{service}" && duration > 500ms }}"#),
            m,
        )
    });
    let long: Vec<Asked> = long.collect();
    let found = next(FAILING.len()).into_iter().zip(FAILING);
    let errors = found.map(|(m, service)| {
        search(
            format!(r#"{{ resource.service.name = "{service}" && status = error }}"#),
            m,
        )
    });
    let errors: Vec<Asked> = errors.collect();
    let mut structural = |condition: &str| -> Vec<Asked> {
        let found = next(STRUCTURAL.len()).into_iter().zip(STRUCTURAL);
        let asked = found.map(|(m, (above, below))| {
            search(
                format!(r#"{{ resource.service.name = "{above}" }} >> {{ resource.service.name = "{below}"{condition} }}"#),
                m,
            )
        });
        asked.collect()
    };
    let (below, failed_below) = (structural(""), structural(" && status = error"));
    let found = next(CUSTOMERS as usize).into_iter().zip(customers());
    let few = found.filter(|(m, _)| (1..=PAGE as u64).contains(&m.n_traces));
    let rare = few
        .take(RARE)
        .map(|(m, user)| search(format!(r#"{{ span.user.id = "{}" }}"#, user_id(user)), m));
    let rare: Vec<Asked> = rare.collect();

    let nothing = Matches::default();
    let absent =
        (0..4).map(|n| search(format!(r#"{{ span.user.id = "usr_absent{n}" }}"#), &nothing));
    let substring = r#"{ span.db.query.text =~ ".*zebra_crossings.*" }"#.to_owned();
    let step = truth.known.len().div_ceil(LOOKED_UP).max(1);
    let known: Vec<KnownTrace> = truth.known.iter().copied().step_by(step).collect();
    let failed = truth.total.errors;
    let n_services = truth.services.len();
    vec![
        known.iter().map(tempo_trace).collect(),
        known.iter().map(native_trace).collect(),
        truth.largest.iter().map(tempo_trace).collect(),
        truth.largest.iter().map(native_trace).collect(),
        known.iter().map(no_trace).collect(),
        by_operation,
        long,
        errors,
        rare,
        absent.collect(),
        vec![search(substring, &nothing)],
        below,
        failed_below,
        vec![series(
            truth,
            "{ } | rate() by (resource.service.name)",
            Expected::Rates(truth.total.spans),
        )],
        vec![series(
            truth,
            "{ status = error } | rate() by (resource.service.name)",
            Expected::Rates(failed),
        )],
        vec![series(
            truth,
            "{ } | quantile_over_time(duration, .5, .99) by (resource.service.name)",
            Expected::Series(n_services),
        )],
        vec![Asked {
            listener: Listener::Native,
            path: verify::services_path(truth),
            expected: Expected::Services,
        }],
    ]
}

fn newest(matches: &Matches) -> Vec<TraceId> {
    let newest = matches.newest.iter().take(PAGE);
    newest.map(|(_, id)| *id).collect()
}

fn tempo_trace(trace: &KnownTrace) -> Asked {
    Asked {
        listener: Listener::Tempo,
        path: format!("/api/traces/{}", hex(&trace.trace_id)),
        expected: Expected::TempoTrace(trace.n_spans),
    }
}

fn native_trace(trace: &KnownTrace) -> Asked {
    Asked {
        listener: Listener::Native,
        path: format!("/api/v1/traces/{}", hex(&trace.trace_id)),
        expected: Expected::NativeTrace(trace.n_spans),
    }
}

/// An id that is like a known one and was never sent.
fn no_trace(trace: &KnownTrace) -> Asked {
    let absent = trace.trace_id.map(|byte| !byte);
    Asked {
        listener: Listener::Tempo,
        path: format!("/api/traces/{}", hex(&absent)),
        expected: Expected::NoTrace,
    }
}

fn search(truth: &Truth, query: &str, expected: Vec<TraceId>) -> Asked {
    let (start, end) = seconds(truth);
    Asked {
        listener: Listener::Tempo,
        path: format!(
            "/api/search?q={}&limit={PAGE}&start={start}&end={end}",
            escape(query)
        ),
        expected: Expected::Traces(expected),
    }
}

fn series(truth: &Truth, query: &str, expected: Expected) -> Asked {
    let (start, end) = seconds(truth);
    Asked {
        listener: Listener::Tempo,
        path: format!(
            "/api/metrics/query_range?q={}&start={start}&end={end}&step={STEP_SECONDS}s",
            escape(query)
        ),
        expected,
    }
}

/// A range of whole steps around the traffic.
fn seconds(truth: &Truth) -> (u64, u64) {
    let step = STEP_SECONDS * 1_000_000_000;
    let start = truth.first_unix_nano / step * STEP_SECONDS;
    let end = (truth.last_unix_nano / step + 1) * STEP_SECONDS;
    (start, end)
}

/// Percent-encodes all that is not plain.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use crate::{Config, Traffic};

    use super::*;

    #[test]
    fn every_class_has_questions_with_answers() {
        let mut traffic = Traffic::new(Config {
            questions: questions(),
            ..Config::new(1, 100_000, 1_790_000_000_000_000_000)
        });
        traffic.by_ref().for_each(drop);
        let asked = asked(&traffic.into_truth());
        assert_eq!(asked.len(), NAMES.len());
        for (questions, (name, _)) in asked.iter().zip(NAMES) {
            assert!(!questions.is_empty(), "{name}");
            let has_none =
                |asked: &Asked| matches!(&asked.expected, Expected::Traces(t) if t.is_empty());
            assert_eq!(
                questions.iter().all(has_none),
                name.contains("absent") && name != "absent trace id",
                "{name}"
            );
        }
        let rare = &asked[8][0].path;
        assert!(
            rare.starts_with("/api/search?q=%7B%20span.user.id%20%3D%20%22usr_"),
            "{rare}"
        );
    }
}
