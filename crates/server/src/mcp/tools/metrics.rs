//! `traceql-metrics-instant` and `traceql-metrics-range`: numbers made of spans.

use query::{MetricsRequest, MetricsResult, MetricsSeries};
use rmcp::schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use store_api::TimeRange;

use super::Ask;
use super::traceql::labels;
use crate::error::ApiError;
use crate::mcp::answer::{Answer, at, number};
use crate::mcp::arguments::{When, metrics, time};
use crate::question::{parse_step, round_step};
use crate::range::SECOND_NANO;
use crate::state::App;

/// Series of one answer at most: with a value each, and with points.
const VALUES_MAX: usize = 200;
const SERIES_MAX: usize = 50;

/// Points of a series, about, when there is no step; and at most.
const POINTS_DEFAULT: i64 = 60;
const POINTS_MAX: i64 = 500;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(crate) struct Instant {
    /// TraceQL with a metrics function, such as `{ status = error } | count_over_time() by (resource.service.name)`.
    query: String,
    /// Begin of the range: RFC 3339, Unix seconds, or so long ago as `1h`. An hour before the end by default.
    start: Option<When>,
    /// End of the range, likewise. Now by default.
    end: Option<When>,
}

impl Ask for Instant {
    const NAME: &'static str = "traceql-metrics-instant";
    const ABOUT: &'static str = "One number for the whole range, for each group of a TraceQL metrics query: counts, rates, quantiles, sums, means of spans. The cheap way to count before looking at traces.";

    async fn ask(self, app: App) -> Result<Answer, ApiError> {
        let time = time(&app, self.start.as_ref(), self.end.as_ref())?;
        let found = found(&app, &self.query, time, None).await?;
        let value = |series: &MetricsSeries| series.points.first().copied().unwrap_or(f64::NAN);
        let rows = found.series.iter().map(
            |series| json!({ "labels": labels(&series.labels), "value": number(value(series)) }),
        );
        Ok(begun(time, &found).list("series", rows, VALUES_MAX))
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(crate) struct Range {
    /// TraceQL with a metrics function, such as `{ } | quantile_over_time(duration, .95) by (resource.service.name)`.
    query: String,
    /// Begin of the range: RFC 3339, Unix seconds, or so long ago as `1h`. An hour before the end by default.
    start: Option<When>,
    /// End of the range, likewise. Now by default.
    end: Option<When>,
    /// From point to point, such as `1m`; about 60 points by default, 500 at most.
    step: Option<String>,
}

impl Ask for Range {
    const NAME: &'static str = "traceql-metrics-range";
    const ABOUT: &'static str = "Numbers over time for each group of a TraceQL metrics query, to see when something changed. `values` has one value a step from `first` on; null where there is none.";

    async fn ask(self, app: App) -> Result<Answer, ApiError> {
        let time = time(&app, self.start.as_ref(), self.end.as_ref())?;
        let step = match self.step.as_deref().filter(|step| !step.is_empty()) {
            Some(step) => parse_step(step)?,
            None => round_step(time, POINTS_DEFAULT),
        };
        let length = time.end_unix_nano.saturating_sub(time.start_unix_nano);
        if length / step > POINTS_MAX {
            let problem = format_args!("makes more than {POINTS_MAX} points");
            return Err(ApiError::invalid_parameter("step", problem)
                .hint("take a longer step or a shorter range"));
        }
        let found = found(&app, &self.query, time, Some(step)).await?;
        let rows = found.series.iter().map(|series| {
            let values: Vec<Value> = series.points.iter().map(|point| number(*point)).collect();
            json!({ "labels": labels(&series.labels), "values": values })
        });
        Ok(begun(time, &found)
            .with("first", at(found.start_unix_nano))
            .with(
                "step_seconds",
                number(found.step_nano as f64 / SECOND_NANO as f64),
            )
            .list("series", rows, SERIES_MAX))
    }
}

async fn found(
    app: &App,
    query: &str,
    time: TimeRange,
    step_nano: Option<i64>,
) -> Result<MetricsResult, ApiError> {
    let question = MetricsRequest {
        tenant: app.tenant(),
        query: metrics("query", query)?,
        time,
        step_nano,
        exemplars: 0,
        deadline: Some(app.deadline()),
    };
    Ok(app.engine.metrics(&question).await?)
}

fn begun(time: TimeRange, found: &MetricsResult) -> Answer {
    let estimate = "spans were sampled, and count for those that were left out";
    Answer::of(time)
        .with("found", found.series.len())
        .with_some("estimate", found.is_estimate.then_some(estimate))
        .partial(found.partial.as_ref())
}
