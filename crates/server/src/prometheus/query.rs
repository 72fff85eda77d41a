//! `/query` and `/query_range`.

use axum::extract::State;
use axum::response::Response;
use promql::{Series, Value};
use query::{PromqlAnswer, PromqlRequest};

use super::answer::{AtPoint, Outcome, OverRange, Sample, success};
use super::error::told;
use super::parameters::Asked;
use crate::error::ApiError;
use crate::state::App;

/// `query`, at `time` or now.
pub(super) async fn instant(State(app): State<App>, asked: Asked) -> Response {
    let answer = async {
        let time = asked.time("time")?;
        let time = time.unwrap_or_else(|| app.clock.unix_nano());
        let found = found(&app, &asked, time, time, 1).await?;
        Ok(at_point(&found, time))
    };
    answer.await.unwrap_or_else(told)
}

/// `query`, at the points from `start` to `end`, a `step` apart.
pub(super) async fn range(State(app): State<App>, asked: Asked) -> Response {
    let answer = async {
        let required = |name: &'static str| ApiError::invalid_parameter(name, "is required");
        let start = asked.time("start")?.ok_or_else(|| required("start"))?;
        let end = asked.time("end")?.ok_or_else(|| required("end"))?;
        let step = asked.duration("step")?.ok_or_else(|| required("step"))?;
        if start > end {
            return Err(ApiError::invalid_parameter("end", "lies before start"));
        }
        let found = found(&app, &asked, start, end, step).await?;
        Ok(over_range(found))
    };
    answer.await.unwrap_or_else(told)
}

async fn found(
    app: &App,
    asked: &Asked,
    start_unix_nano: i64,
    end_unix_nano: i64,
    step_nano: i64,
) -> Result<PromqlAnswer, ApiError> {
    let request = PromqlRequest {
        tenant: app.tenant(),
        query: asked.query()?,
        start_unix_nano,
        end_unix_nano,
        step_nano,
        now_unix_nano: app.clock.unix_nano(),
        deadline: Some(asked.deadline(app)?),
    };
    Ok(app.counts.promql(&request).await?)
}

fn at_point(found: &PromqlAnswer, unix_nano: i64) -> Response {
    let (warnings, infos) = (found.warnings.clone(), found.infos.clone());
    match &found.value {
        Value::Scalar(values) => {
            let value = values.first().copied().unwrap_or(f64::NAN);
            let outcome = Outcome {
                result_type: "scalar",
                result: Sample { unix_nano, value },
            };
            success(outcome, warnings, infos)
        }
        Value::Vector(vector) => {
            let points = vector.iter();
            let points = points.filter_map(|series| AtPoint::new(series, unix_nano));
            let outcome = Outcome {
                result_type: "vector",
                result: Vec::from_iter(points),
            };
            success(outcome, warnings, infos)
        }
    }
}

fn over_range(found: PromqlAnswer) -> Response {
    let mut series = match found.value {
        Value::Scalar(values) => vec![Series {
            labels: promql::Labels::default(),
            points: values.into_iter().map(Some).collect(),
        }],
        Value::Vector(vector) => vector,
    };
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    let ranges = series.iter();
    let ranges = ranges.filter_map(|series| OverRange::new(series, &found.times_unix_nano));
    let outcome = Outcome {
        result_type: "matrix",
        result: Vec::from_iter(ranges),
    };
    success(outcome, found.warnings, found.infos)
}
