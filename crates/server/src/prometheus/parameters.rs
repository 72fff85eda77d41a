//! Parameters of URLs and forms.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use http::{Method, header};
use promql::Selector;
use promql::lexer::duration_nano;
use query::PromqlAsk;
use store_api::TimeRange;

use super::error::{of_query, told};
use crate::error::ApiError;
use crate::jaeger::parameters::{Parameters, rfc3339};
use crate::range::{HOUR_NANO, MILLISECOND_NANO, SECOND_NANO};
use crate::state::App;

/// Largest form.
pub(super) const BODY_BYTES_MAX: usize = 256 * 1024;

/// Most selectors of a request.
const SELECTORS_MAX: usize = 64;

/// Parameters that may stand in the URL or, with POST, in the body.
#[derive(Debug)]
pub(super) struct Asked(Parameters);

impl FromRequest<App> for Asked {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let is_form = request.method() == Method::POST;
        let of_url = Parameters::of_form(request.uri().query().unwrap_or_default().as_bytes());
        if !is_form {
            return Ok(Self(of_url));
        }
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        if content_type.is_some_and(|kind| !kind.starts_with("application/x-www-form-urlencoded")) {
            let problem = "is not application/x-www-form-urlencoded";
            return Err(told(ApiError::invalid_parameter("content-type", problem)));
        }
        let body = Bytes::from_request(request, app).await;
        let body = body.map_err(|refused| {
            let problem = format_args!("{} (at most {BODY_BYTES_MAX} bytes)", refused.body_text());
            told(ApiError::invalid_parameter("body", problem))
        })?;
        Ok(Self(Parameters::of_form(&body).and(of_url)))
    }
}

impl Asked {
    /// A text that has to be there.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, ApiError> {
        let text = self.0.text(std::slice::from_ref(&name));
        text.ok_or_else(|| ApiError::invalid_parameter(name, "is required"))
    }

    pub(super) fn text(&self, name: &'static str) -> Option<&str> {
        self.0.text(std::slice::from_ref(&name))
    }

    /// A query.
    pub(super) fn query(&self) -> Result<promql::Query, ApiError> {
        let text = self.required("query")?;
        promql::parse(text).map_err(|problem| of_query("query", problem))
    }

    /// The selectors of `match[]`; any of them.
    pub(super) fn selectors(&self) -> Result<Vec<Selector>, ApiError> {
        let texts: Vec<&str> = self.0.all("match[]").collect();
        if texts.len() > SELECTORS_MAX {
            let problem = format_args!("is given more than {SELECTORS_MAX} times");
            return Err(ApiError::invalid_parameter("match[]", problem));
        }
        let read = |text: &str| {
            let selector = promql::parse_selector(text);
            selector.map_err(|problem| of_query("match[]", problem))
        };
        texts.into_iter().map(read).collect()
    }

    /// A time in nanoseconds since the Unix epoch: seconds, with or without decimals, or RFC 3339.
    pub(super) fn time(&self, name: &'static str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let seconds: Option<f64> = text.parse().ok();
        let nano = match seconds {
            Some(seconds) => nano_of(seconds),
            None => rfc3339(text).filter(|nano| *nano >= 0),
        };
        let nano = nano.ok_or_else(|| {
            ApiError::invalid_parameter(name, "is not a time between 1970 and 2262")
                .hint("give Unix seconds, or for instance 2026-11-30T12:00:00Z")
        });
        nano.map(Some)
    }

    /// A duration in nanoseconds: seconds, or as in PromQL.
    pub(super) fn duration(&self, name: &'static str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let seconds: Option<f64> = text.parse().ok();
        let nano = match seconds {
            Some(seconds) => nano_of(seconds),
            None => duration_nano(text),
        };
        let nano = nano.filter(|nano| *nano > 0).ok_or_else(|| {
            ApiError::invalid_parameter(name, "is not a duration of more than 0")
                .hint("write for instance 15s, or seconds")
        });
        nano.map(Some)
    }

    /// The time range of a question about what there is; the day before its end where its start is not given.
    pub(super) fn range(&self, app: &App) -> Result<TimeRange, ApiError> {
        let end_unix_nano = self.time("end")?.unwrap_or_else(|| app.clock.unix_nano());
        let start = self.time("start")?;
        let start_unix_nano = start.unwrap_or((end_unix_nano - 24 * HOUR_NANO).max(0));
        if start_unix_nano > end_unix_nano {
            return Err(ApiError::invalid_parameter("end", "lies before start"));
        }
        Ok(TimeRange {
            start_unix_nano,
            end_unix_nano,
        })
    }

    /// `limit`, where one that is not 0 is given, up to `max`.
    pub(super) fn limit(&self, max: usize) -> Result<usize, ApiError> {
        let limit = self.0.integer(&["limit"])?;
        match limit.map(usize::try_from) {
            None | Some(Ok(0)) => Ok(max),
            Some(Ok(limit)) => Ok(limit.min(max)),
            Some(Err(_)) => Err(ApiError::invalid_parameter("limit", "is negative")),
        }
    }

    /// Until when there is an answer: `timeout` may shorten it.
    pub(super) fn deadline(&self, app: &App) -> Result<Instant, ApiError> {
        let asked = self.duration("timeout")?;
        let asked = asked.map(|nano| Duration::from_nanos(nano.unsigned_abs()));
        let timeout = asked.map_or(app.query_timeout, |asked| asked.min(app.query_timeout));
        Ok(app.clock.instant() + timeout)
    }

    pub(super) fn ask<'a>(
        &self,
        app: &App,
        tenant: &'a model::TenantId,
    ) -> Result<PromqlAsk<'a>, ApiError> {
        Ok(PromqlAsk {
            tenant,
            now_unix_nano: app.clock.unix_nano(),
            deadline: Some(self.deadline(app)?),
        })
    }
}

/// To the millisecond, as Prometheus counts.
fn nano_of(seconds: f64) -> Option<i64> {
    const SECONDS_MAX: f64 = (i64::MAX / SECOND_NANO) as f64;
    let is_time = (0.0..SECONDS_MAX).contains(&seconds);
    is_time.then(|| (seconds * 1e3).round() as i64 * MILLISECOND_NANO)
}
