//! `trace-diff`: why one trace took longer than another.

use query::{CallFigures, Calls, TraceShape};
use rmcp::schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Ask;
use super::path::path;
use crate::error::ApiError;
use crate::mcp::answer::{Answer, millis};
use crate::native::find;
use crate::pieces::{apart, internal};
use crate::state::App;

/// Rows of the differences, and of each other list. A row has less than 1 KiB, so that none of the first list is cut.
const PARTS_MAX: usize = 20;
const OTHERS_MAX: usize = 10;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(crate) struct Diff {
    /// The trace to compare with, such as a fast one: 16 or 32 hexadecimal digits.
    a: String,
    /// The trace in question, such as a slow one.
    b: String,
}

impl Ask for Diff {
    const NAME: &'static str = "trace-diff";
    const ABOUT: &'static str = "Why trace b took longer (or shorter) than trace a: by call path, how much more of the critical path each call has in b; the parts, the gaps and the rest sum to the difference of the durations. Also what is called more often, and what only one of the two calls.";

    async fn ask(self, app: App) -> Result<Answer, ApiError> {
        let mut calls = Calls::<2>::default();
        // One after the other: a trace may be as large as memory allows for one.
        for (number, (name, id)) in [("a", &self.a), ("b", &self.b)].into_iter().enumerate() {
            let trace = find(&app, id).await.map_err(|error| error.of(name))?;
            let added = apart(move || {
                let shape = TraceShape::of(&trace).map_err(internal)?;
                calls.add(number, &trace, &shape).map_err(internal)?;
                Ok((calls, trace.partial))
            });
            let partial;
            (calls, partial) = added.await?;
            if let Some(partial) = partial {
                return Err(ApiError::limited(format!("{name}: {partial}"))
                    .hint("a trace of which spans may be missing is not compared"));
            }
        }
        apart(move || Ok(difference(&calls))).await
    }
}

fn difference(calls: &Calls<2>) -> Answer {
    let [a, b] = calls.duration_nano;
    let whole = b.saturating_sub(a);
    let gaps = calls.gap_nano[1].saturating_sub(calls.gap_nano[0]);
    let parts = calls.by_difference();
    let shown = parts.iter().take(PARTS_MAX);
    let shown: i64 = shown.fold(0, |sum, call| {
        sum.saturating_add(calls.difference_nano(*call))
    });
    let rest = whole.saturating_sub(gaps).saturating_sub(shown);
    let repeats = calls.repeats();
    let part = |call: &usize| {
        let [a, b] = calls.calls[*call].figures;
        json!({
            "call": path(calls, *call),
            "difference_ms": millis(calls.difference_nano(*call)),
            "a": side(&a),
            "b": side(&b),
        })
    };
    let repeat = |call: &usize| {
        let [a, b] = calls.calls[*call].figures;
        json!({ "call": path(calls, *call), "a": side(&a), "b": side(&b) })
    };
    let only = |(call, spans): (usize, u64)| json!({ "call": path(calls, call), "spans": spans });
    let answer = Answer::default()
        .with("a_duration_ms", millis(a))
        .with("b_duration_ms", millis(b))
        .with("difference_ms", millis(whole))
        .with("gaps_difference_ms", millis(gaps))
        .with("rest_difference_ms", millis(rest))
        .list("differences", parts.iter().map(part), PARTS_MAX)
        .list("more_or_less_often", repeats.iter().map(repeat), OTHERS_MAX);
    let names = ["only_in_a", "only_in_b"].into_iter().enumerate();
    names.fold(answer, |answer, (number, name)| {
        answer.list(
            name,
            calls.only_in(number).into_iter().map(only),
            OTHERS_MAX,
        )
    })
}

fn side(of: &CallFigures) -> Value {
    json!({
        "spans": of.spans,
        "errors": of.errors,
        "critical_ms": millis(of.critical_nano),
        "own_ms": millis(of.self_nano),
    })
}
