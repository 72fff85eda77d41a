//! PromQL over roll-ups and edges: counters made of their intervals.
//!
//! [`family`] says which metrics there are and what rows count as, [`plan`] which intervals the windows of a question take, [`read`] brings them, [`leaf`] makes
//! the vectors that `promql` calculates with. [`list`] answers which series there are.
//!
//! What a counter is: a window ends at the last multiple of 10 s that is not after its point, and begins at the one that is not after its begin; what is counted in
//! it is exact. Where 10 s are no longer kept, or there would be more than [`INTERVALS_MAX`] of them, it is minutes, then hours, and an answer tells. A
//! counter without a window counts since midnight (UTC) of the day before, so that it is reset at every midnight. A series is there where its window holds
//! spans.

mod exemplars;
mod family;
mod leaf;
mod list;
mod plan;
mod read;

use std::time::{Duration, Instant};

use model::TenantId;
use promql::{Query, Value};
use rollup::RESOLUTIONS_SECONDS;

pub use exemplars::{PromqlExemplar, PromqlExemplars};
pub use family::{METRICS, Metric};
pub use list::SeriesList;

use crate::counts::Counts;
use crate::error::Error;
use crate::rates::POINTS_MAX;
use plan::Now;

/// Most intervals that are read for a question, before longer ones are taken. 30 hours of 10 s.
const INTERVALS_MAX: i64 = 11_000;

const SECOND_NANO: i64 = 1_000_000_000;

/// How long counts are kept, by the length of their intervals; see [`RESOLUTIONS_SECONDS`].
pub type Kept = [Duration; RESOLUTIONS_SECONDS.len()];

/// A question at points of time.
#[derive(Debug, Clone)]
pub struct PromqlRequest {
    /// Whose counts.
    pub tenant: TenantId,
    /// What is asked.
    pub query: Query,
    /// The first point, in nanoseconds since the Unix epoch.
    pub start_unix_nano: i64,
    /// No point is later.
    pub end_unix_nano: i64,
    /// From point to point, in nanoseconds.
    pub step_nano: i64,
    /// The time of the question, by which what is no longer kept is known.
    pub now_unix_nano: i64,
    /// When to give up.
    pub deadline: Option<Instant>,
}

/// Who asks, and when.
#[derive(Debug, Clone, Copy)]
pub struct PromqlAsk<'a> {
    /// Whose counts.
    pub tenant: &'a TenantId,
    /// The time of the question.
    pub now_unix_nano: i64,
    /// When to give up.
    pub deadline: Option<Instant>,
}

/// What it comes to.
#[derive(Debug, Clone)]
pub struct PromqlAnswer {
    /// The points, in nanoseconds since the Unix epoch.
    pub times_unix_nano: Vec<i64>,
    /// A value for each.
    pub value: Value,
    /// What may be missing.
    pub warnings: Vec<String>,
    /// What else should be known.
    pub infos: Vec<String>,
}

impl PromqlRequest {
    fn ask(&self) -> PromqlAsk<'_> {
        PromqlAsk {
            tenant: &self.tenant,
            now_unix_nano: self.now_unix_nano,
            deadline: self.deadline,
        }
    }
}

impl Counts {
    fn now(&self, ask: PromqlAsk<'_>) -> Now {
        Now {
            unix_nano: ask.now_unix_nano,
            kept: self.kept,
        }
    }

    /// The answer to a PromQL query.
    ///
    /// Errors: those of the source; `Invalid` for more than [`POINTS_MAX`] points, for a range before 1970, and for what the query does not decide;
    /// `Limited` when more would be held than there is room for, and when the deadline passes: a part of a sum is no answer.
    /// Cost:   roll-ups and edges of the windows are read, once for all selectors with one window; then some passes over the points.
    pub async fn promql(&self, request: &PromqlRequest) -> Result<PromqlAnswer, Error> {
        let times_unix_nano = points(request)?;
        let found = leaf::vectors(self, request, &times_unix_nano).await?;
        let seconds = times_unix_nano.iter().map(|nano| *nano as f64 / 1e9);
        let seconds: Vec<f64> = seconds.collect();
        let value = request.query.evaluate(&seconds, found.vectors)?;
        Ok(PromqlAnswer {
            times_unix_nano,
            value,
            warnings: found.warnings,
            infos: found.infos,
        })
    }
}

fn points(request: &PromqlRequest) -> Result<Vec<i64>, Error> {
    let (start, end, step) = (
        request.start_unix_nano,
        request.end_unix_nano,
        request.step_nano,
    );
    let invalid = |message: &str| Err(Error::Limit(message.to_owned()));
    if start < 0 || end < start || step <= 0 {
        return invalid(
            "the range is none: its start is before 1970 or after its end, or its step is 0",
        );
    }
    let n_steps = (end - start) / step;
    if n_steps as u64 >= POINTS_MAX {
        return invalid("there are more than 11,000 points in a series; take a longer step");
    }
    Ok((0..=n_steps).map(|number| start + number * step).collect())
}
