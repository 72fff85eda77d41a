//! `/query_exemplars`.

use axum::extract::State;
use axum::response::Response;
use promql::Labels;
use query::PromqlExemplar;
use serde_json::{Value, json};

use super::answer::{Metric, success};
use super::error::told;
use super::parameters::Asked;
use crate::range::SECOND_NANO;
use crate::state::App;

/// The label under which Tempo's metrics generator gives a trace id.
const TRACE_ID: &str = "traceID";

/// Spans that count in the series that `query` selects, from `start` to `end`.
pub(super) async fn exemplars(State(app): State<App>, asked: Asked) -> Response {
    let answer = async {
        let (query, time) = (asked.query()?, asked.range(&app)?);
        let tenant = app.tenant();
        let ask = asked.ask(&app, &tenant)?;
        let found = app.counts.promql_exemplars(ask, &query, time).await?;
        let series = found
            .series
            .iter()
            .map(|(labels, ones)| of_series(labels, ones));
        Ok(success(Vec::from_iter(series), found.warnings, Vec::new()))
    };
    answer.await.unwrap_or_else(told)
}

fn of_series(labels: &Labels, exemplars: &[PromqlExemplar]) -> Value {
    let exemplars = exemplars.iter().map(|one| {
        let seconds = one.start_time_unix_nano as f64 / SECOND_NANO as f64;
        json!({
            "labels": { TRACE_ID: one.trace_id.to_string(), "spanID": one.span_id.to_string() },
            "value": promql::number_text(one.value),
            "timestamp": seconds,
        })
    });
    json!({ "seriesLabels": Metric(labels), "exemplars": Vec::from_iter(exemplars) })
}
