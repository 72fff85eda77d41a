//! Which series, labels and metrics there are.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, State};
use axum::response::Response;
use promql::Labels;
use query::{METRICS, SeriesList};
use serde_json::json;

use super::answer::{Metric, success};
use super::error::told;
use super::parameters::Asked;
use crate::error::ApiError;
use crate::state::App;

/// Most series, or values of a label, of one answer.
const SERIES_MAX: usize = 10_000;

/// Selects all.
const ALL: &str = "{__name__!=\"\"}";

/// The series that `match[]` selects.
pub(super) async fn series(State(app): State<App>, asked: Asked) -> Response {
    let answer = async {
        asked.required("match[]")?;
        let max = asked.limit(SERIES_MAX)?;
        let found = listed(&app, &asked, max, |labels| labels).await?;
        let series: Vec<Metric<'_>> = found.series.iter().map(Metric).collect();
        Ok(success(series, warnings(&found), Vec::new()))
    };
    answer.await.unwrap_or_else(told)
}

/// Names of labels.
pub(super) async fn labels(State(app): State<App>, asked: Asked) -> Response {
    let answer = async {
        let max = asked.limit(SERIES_MAX)?;
        // Which labels a series has, whatever their values.
        let names = |labels: Labels| {
            let names = labels.iter().map(|(name, _)| (name, name));
            names.collect()
        };
        let found = listed(&app, &asked, SERIES_MAX, names).await?;
        let names = found.series.iter().flat_map(Labels::iter);
        let names: BTreeSet<&str> = names.map(|(name, _)| name).collect();
        let names: Vec<&str> = names.into_iter().take(max).collect();
        Ok(success(names, warnings(&found), Vec::new()))
    };
    answer.await.unwrap_or_else(told)
}

/// Values of a label.
pub(super) async fn values(
    State(app): State<App>,
    Path(name): Path<String>,
    asked: Asked,
) -> Response {
    let answer = async {
        let max = asked.limit(SERIES_MAX)?;
        let of_label = |labels: Labels| labels.only(|one| one == name);
        let found = listed(&app, &asked, max, of_label).await?;
        let values = found.series.iter().map(|labels| labels.get(&name));
        let values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
        Ok(success(values, warnings(&found), Vec::new()))
    };
    answer.await.unwrap_or_else(told)
}

/// What the metrics are, whether they have series or not.
pub(super) async fn metadata(asked: Asked) -> Response {
    let answer = || {
        let max = asked.limit(METRICS.len())?;
        let wanted = asked.text("metric");
        let metrics = METRICS.iter();
        let metrics = metrics.filter(|one| wanted.is_none_or(|name| name == one.name));
        let metrics = metrics.take(max).map(|one| {
            let about = json!([{ "type": one.kind, "help": one.help, "unit": "" }]);
            (one.name, about)
        });
        let metrics: BTreeMap<&str, _> = metrics.collect();
        Ok(success(metrics, Vec::new(), Vec::new()))
    };
    answer().unwrap_or_else(told)
}

/// What `shape` makes of the series that are asked for.
async fn listed(
    app: &App,
    asked: &Asked,
    max: usize,
    shape: impl Fn(Labels) -> Labels,
) -> Result<SeriesList, ApiError> {
    let mut selectors = asked.selectors()?;
    if selectors.is_empty() {
        selectors.extend(promql::parse_selector(ALL).ok());
    }
    let time = asked.range(app)?;
    let tenant = app.tenant();
    let ask = asked.ask(app, &tenant)?;
    let found = app.counts.promql_series(ask, &selectors, time, max, shape);
    Ok(found.await?)
}

fn warnings(found: &SeriesList) -> Vec<String> {
    let mut warnings = found.warnings.clone();
    if found.has_more {
        // Source of the words: Prometheus.
        warnings.push("results truncated due to limit".to_owned());
    }
    warnings
}
