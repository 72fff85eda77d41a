//! `red-summary`: rate, errors and durations, from what was counted of all spans.

use std::collections::BTreeMap;

use model::{SpanKind, StatusCode, TraceId};
use query::Summed;
use rmcp::schemars::JsonSchema;
use rollup::{Durations, NodeKind};
use serde::Deserialize;
use serde_json::{Value, json};
use store_api::TimeRange;

use super::Ask;
use crate::error::ApiError;
use crate::mcp::answer::{Answer, number, text};
use crate::mcp::arguments::{When, time};
use crate::range::{MILLISECOND_NANO, counted, passed_seconds};
use crate::state::App;

/// Rows of one answer at most.
const ROWS_MAX: usize = 100;

/// Traces that are named of an operation.
const EXAMPLES_MAX: usize = 2;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(crate) struct Red {
    /// `service.name`: a row for each of its operations. Without it, a row for each service.
    service: Option<String>,
    /// Begin of the range: RFC 3339, Unix seconds, or so long ago as `1h`. An hour before the end by default.
    start: Option<When>,
    /// End of the range, likewise. Now by default.
    end: Option<When>,
}

impl Ask for Red {
    const NAME: &'static str = "red-summary";
    const ABOUT: &'static str = "Rate, share of errors and duration quantiles of every service, or of every operation of one service with traces to look at; those that took most time first. Counted from all spans as they arrived, so it is cheap for long ranges. A service's row is about the requests that it serves, or all of its spans where it serves none.";

    async fn ask(self, app: App) -> Result<Answer, ApiError> {
        let asked = time(&app, self.start.as_ref(), self.end.as_ref())?;
        let (resolution_seconds, time) = counted(asked);
        let seconds = passed_seconds(time, app.clock.unix_nano());
        match self.service.filter(|name| !name.is_empty()) {
            Some(service) => operations(&app, &service, resolution_seconds, time, seconds).await,
            None => services(&app, resolution_seconds, time, seconds).await,
        }
    }
}

async fn services(
    app: &App,
    resolution_seconds: i32,
    time: TimeRange,
    seconds: f64,
) -> Result<Answer, ApiError> {
    let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
    let map = app.counts.map(&tenant, resolution_seconds, time, deadline);
    let Summed { sums: map, partial } = map.await?;
    let nodes = map.nodes.into_iter();
    let mut rows: Vec<_> = nodes
        .filter(|(node, found)| node.kind == NodeKind::Service && found.asked.count > 0)
        .collect();
    rows.sort_by(|a, b| b.1.asked.sum_nano.total_cmp(&a.1.asked.sum_nano));
    let rows = rows.iter().map(|(node, found)| {
        let mut row = figures(&found.asked, seconds);
        row["service"] = json!(text(&node.name));
        row["serves"] = json!(found.is_entry);
        if !found.versions.is_empty() {
            let versions = found.versions.iter().map(|version| text(version));
            row["versions"] = versions.collect();
        }
        row
    });
    Ok(Answer::of(time)
        .partial(partial)
        .list("services", rows, ROWS_MAX))
}

/// What was counted of an operation.
#[derive(Default)]
struct Operation {
    durations: Durations,
    /// Of failed spans, and of others.
    examples: [Vec<TraceId>; 2],
}

async fn operations(
    app: &App,
    service: &str,
    resolution_seconds: i32,
    time: TimeRange,
    seconds: f64,
) -> Result<Answer, ApiError> {
    let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
    let found = app
        .counts
        .rollups(&tenant, resolution_seconds, time, deadline);
    let Summed { sums, partial } = found.await?;
    let mut operations: BTreeMap<(String, i32), Operation> = BTreeMap::new();
    let mut n_unnamed = 0;
    let of_service = sums
        .rows()
        .filter(|(series, _)| series.service_name == service);
    for (series, figures) in of_service {
        if series.overflow {
            n_unnamed += figures.durations.count;
            continue;
        }
        let sum = operations
            .entry((series.operation, series.kind))
            .or_default();
        sum.durations.merge(&figures.durations, 1);
        let has_failed = series.status_code == StatusCode::ERROR.0;
        let examples = &mut sum.examples[usize::from(!has_failed)];
        for example in figures.exemplars.iter() {
            let id = TraceId(example.trace_id);
            if examples.len() < EXAMPLES_MAX && !examples.contains(&id) {
                examples.push(id);
            }
        }
    }
    // What corrections brought to nothing is none.
    operations.retain(|_, operation| operation.durations.count > 0);
    let mut rows: Vec<_> = operations.into_iter().collect();
    rows.sort_by(|a, b| b.1.durations.sum_nano.total_cmp(&a.1.durations.sum_nano));
    let rows = rows.iter().map(|((name, kind), operation)| {
        let mut row = figures(&operation.durations, seconds);
        row["operation"] = json!(text(name));
        row["kind"] = json!(SpanKind(*kind).as_str());
        let examples = operation.examples.iter().flatten().take(EXAMPLES_MAX);
        row["traces"] = examples.map(TraceId::to_string).collect();
        row
    });
    Ok(Answer::of(time)
        .with("service", text(service))
        .with_some("unnamed_spans", (n_unnamed > 0).then_some(n_unnamed))
        .partial(partial)
        .list("operations", rows, ROWS_MAX))
}

/// Rate, errors and durations of spans that were counted in so many seconds.
pub(super) fn figures(durations: &Durations, seconds: f64) -> Value {
    let quantile = |q| {
        let nano = durations.histogram.quantile(q);
        nano.map(|nano| number(nano / MILLISECOND_NANO as f64))
    };
    let errors = durations.errors.max(0) as f64 / durations.count.max(1) as f64;
    json!({
        "spans": durations.count,
        "rate_per_second": number(durations.adjusted_count.max(0.0) / seconds),
        "errors": durations.errors,
        "error_share": number(errors),
        "p50_ms": quantile(0.5),
        "p95_ms": quantile(0.95),
        "p99_ms": quantile(0.99),
    })
}
