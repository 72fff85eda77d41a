//! Whether an answer is right.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::classes::{Expected, STEP_SECONDS};
use super::verify;
use crate::client::Answer;
use crate::{TraceId, Truth, hex};

/// What became of a question.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Right,
    Wrong(String),
    /// The server says that it does not do this; in its words.
    NotAnswered(String),
}

/// Samples may lie a little outside of the range that they were asked for.
const RATE_TOLERANCE: f64 = 0.02;

/// Compares an answer with the expectation.
pub(super) fn judge(expected: &Expected, answer: &Answer, truth: &Truth) -> Judgement {
    let is_search = matches!(
        expected,
        Expected::Traces(_) | Expected::Rates(_) | Expected::Series(_)
    );
    match answer.status {
        404 if matches!(expected, Expected::NoTrace) => return Judgement::Right,
        200 => {}
        // The question is well formed, so that a refusal says that it is not supported.
        400 | 404 | 405 | 422 | 501 if is_search => {
            return Judgement::NotAnswered(excerpt(answer));
        }
        status => return Judgement::Wrong(format!("{status}: {}", excerpt(answer))),
    }
    let body = &answer.body;
    let checked = match expected {
        Expected::TempoTrace(n_spans) => tempo_spans(body).and_then(|n| same(n, *n_spans)),
        Expected::NativeTrace(n_spans) => native_spans(body).and_then(|n| same(n, *n_spans)),
        Expected::NoTrace => tempo_spans(body).and_then(|n| same(n, 0)),
        Expected::Traces(ids) => traces(body, ids),
        Expected::Rates(n_spans) => rates(body, *n_spans, truth.services.len()),
        Expected::Series(n_series) => series(body).and_then(|series| {
            let enough = series.len() >= *n_series;
            enough
                .then_some(())
                .ok_or(format!("{} series", series.len()))
        }),
        Expected::Services => verify::services(body, truth).map_or(Ok(()), Err),
    };
    checked.map_or_else(Judgement::Wrong, |()| Judgement::Right)
}

fn excerpt(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    text.trim().chars().take(160).collect()
}

fn same(found: usize, expected: u32) -> Result<(), String> {
    if found == expected as usize {
        return Ok(());
    }
    Err(format!("{found} spans, not {expected}"))
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// Spans in the JSON of Tempo's `/api/traces`.
fn tempo_spans(body: &[u8]) -> Result<usize, String> {
    #[derive(Deserialize)]
    struct Trace {
        #[serde(default)]
        batches: Vec<Batch>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Batch {
        #[serde(default)]
        scope_spans: Vec<ScopeSpans>,
    }
    #[derive(Deserialize)]
    struct ScopeSpans {
        #[serde(default)]
        spans: Vec<IgnoredAny>,
    }
    let trace: Trace = read(body)?;
    let scopes = trace.batches.iter().flat_map(|batch| &batch.scope_spans);
    Ok(scopes.map(|scope| scope.spans.len()).sum())
}

/// Spans in the waterfall of the native API.
fn native_spans(body: &[u8]) -> Result<usize, String> {
    #[derive(Deserialize)]
    struct Trace {
        spans: Vec<IgnoredAny>,
    }
    read::<Trace>(body).map(|trace| trace.spans.len())
}

/// The traces of a search, in its order.
fn traces(body: &[u8], expected: &[TraceId]) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Found {
        #[serde(default)]
        traces: Vec<Trace>,
    }
    #[derive(Deserialize)]
    struct Trace {
        #[serde(rename = "traceID")]
        trace_id: String,
    }
    let found: Found = read(body)?;
    if found.traces.len() != expected.len() {
        return Err(format!(
            "{} traces, not {}",
            found.traces.len(),
            expected.len()
        ));
    }
    let mut pairs = found.traces.iter().zip(expected);
    match pairs.position(|(found, id)| found.trace_id != hex(id)) {
        None => Ok(()),
        Some(place) => Err(format!(
            "trace {} of {} is {}, not {}",
            place + 1,
            expected.len(),
            found.traces[place].trace_id,
            hex(&expected[place])
        )),
    }
}

/// The samples of each series of Tempo's metrics API.
fn series(body: &[u8]) -> Result<Vec<Vec<f64>>, String> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        series: Vec<Series>,
    }
    #[derive(Deserialize)]
    struct Series {
        #[serde(default)]
        samples: Vec<Sample>,
    }
    #[derive(Deserialize)]
    struct Sample {
        // Left out when it is zero, as protobuf's JSON does.
        #[serde(default)]
        value: f64,
    }
    let answer: Answer = read(body)?;
    let values = |series: Series| series.samples.iter().map(|sample| sample.value).collect();
    Ok(answer.series.into_iter().map(values).collect())
}

/// Spans per second by service: together as many spans as there are.
fn rates(body: &[u8], n_spans: u64, n_services: usize) -> Result<(), String> {
    let series = series(body)?;
    let per_second: f64 = series.iter().flatten().sum();
    let found = per_second * STEP_SECONDS as f64;
    let is_near = (found - n_spans as f64).abs() <= RATE_TOLERANCE * n_spans as f64;
    // Error rates have no series for services without errors.
    if is_near && series.len() <= n_services + 2 {
        return Ok(());
    }
    Err(format!(
        "{} series with {found:.0} spans, not {n_spans}",
        series.len()
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn judged(expected: &Expected, status: u16, body: &str) -> Judgement {
        let answer = Answer {
            status,
            retry_after: None,
            body: body.to_owned().into(),
            elapsed: Duration::ZERO,
        };
        let mut truth = Truth::default();
        truth.services.insert("a", crate::Counts::default());
        judge(expected, &answer, &truth)
    }

    #[test]
    fn traces_are_counted() {
        let body =
            r#"{"batches":[{"resource":{},"scopeSpans":[{"spans":[{},{}]},{"spans":[{}]}]}]}"#;
        assert_eq!(
            judged(&Expected::TempoTrace(3), 200, body),
            Judgement::Right
        );
        let wrong = Judgement::Wrong("3 spans, not 4".to_owned());
        assert_eq!(judged(&Expected::TempoTrace(4), 200, body), wrong);
        let body = r#"{"traceId":"x","spans":[{"spanId":"y"}]}"#;
        assert_eq!(
            judged(&Expected::NativeTrace(1), 200, body),
            Judgement::Right
        );
        assert_eq!(judged(&Expected::NoTrace, 404, ""), Judgement::Right);
        assert!(matches!(
            judged(&Expected::TempoTrace(1), 404, ""),
            Judgement::Wrong(_)
        ));
    }

    #[test]
    fn found_traces_are_compared_in_their_order() {
        let body = r#"{"traces":[{"traceID":"01010101010101010101010101010101"},{"traceID":"02020202020202020202020202020202"}]}"#;
        let ids = |ids: [u8; 2]| Expected::Traces(ids.map(|id| [id; 16]).to_vec());
        assert_eq!(judged(&ids([1, 2]), 200, body), Judgement::Right);
        assert!(matches!(
            judged(&ids([2, 1]), 200, body),
            Judgement::Wrong(_)
        ));
        assert!(matches!(
            judged(&Expected::Traces(Vec::new()), 200, body),
            Judgement::Wrong(_)
        ));
        assert_eq!(
            judged(&Expected::Traces(Vec::new()), 200, "{}"),
            Judgement::Right
        );
        let refused = Judgement::NotAnswered("unsupported".to_owned());
        assert_eq!(judged(&ids([1, 2]), 400, "unsupported\n"), refused);
    }

    #[test]
    fn rates_sum_up() {
        let body = r#"{"series":[{"labels":[],"samples":[{"timestampMs":"1","value":1.5},{"timestampMs":"2"},{"timestampMs":"3","value":0.5}]}]}"#;
        assert_eq!(judged(&Expected::Rates(20), 200, body), Judgement::Right);
        assert!(matches!(
            judged(&Expected::Rates(21), 200, body),
            Judgement::Wrong(_)
        ));
        assert_eq!(judged(&Expected::Series(1), 200, body), Judgement::Right);
        assert!(matches!(
            judged(&Expected::Series(2), 200, body),
            Judgement::Wrong(_)
        ));
    }
}
