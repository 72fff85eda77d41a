//! Which service calls which, from the edges that are counted of all spans.

use std::collections::BTreeMap;

use query::Partial;
use rollup::{Edge, NodeKind};
use store_api::TimeRange;

use crate::error::ApiError;
use crate::jaeger::names::shown;
use crate::range::counted;
use crate::state::App;

/// Calls from one service to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) parent: String,
    pub(crate) child: String,
    /// More than 0.
    pub(crate) call_count: u64,
    /// Of them, those that failed.
    pub(crate) error_count: u64,
}

/// The calls between services that began in `start..end`, nanoseconds since the Unix epoch, by parent and child. The interval in which the
/// range begins counts as a whole.
///
/// As in Jaeger, only services that sent spans stand here: neither databases and queues nor callers of whom nothing is known.
pub(crate) async fn links(
    app: &App,
    start: i64,
    end: i64,
) -> Result<(Vec<Link>, Option<Partial>), ApiError> {
    if start > end {
        return Err(ApiError::invalid_parameter("start", "lies after the end"));
    }
    let (resolution_seconds, time) = counted(TimeRange {
        start_unix_nano: start,
        end_unix_nano: end,
    });
    let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
    let counts = &app.counts;
    let found = counts.edges(&tenant, resolution_seconds, time, deadline);
    let found = found.await?;
    let mut calls: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
    for (edge, figures) in found
        .sums
        .rows()
        .filter(|(edge, _)| is_between_services(edge))
    {
        let ends = (shown(edge.caller.name), shown(edge.callee.name));
        let sums = calls.entry(ends).or_default();
        *sums = (sums.0 + figures.calls(), sums.1 + figures.failed());
    }
    let link = |((parent, child), (count, errors)): ((String, String), (i64, i64))| {
        let call_count = u64::try_from(count).ok().filter(|count| *count > 0)?;
        Some(Link {
            parent,
            child,
            call_count,
            error_count: u64::try_from(errors).unwrap_or_default(),
        })
    };
    Ok((calls.into_iter().filter_map(link).collect(), found.partial))
}

fn is_between_services(edge: &Edge) -> bool {
    let is_service = |kind| kind == NodeKind::Service;
    is_service(edge.caller.kind) && is_service(edge.callee.kind)
}
