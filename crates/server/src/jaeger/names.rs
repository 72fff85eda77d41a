//! Services and operations, for every version of Jaeger's interfaces.

use std::collections::BTreeSet;

use model::SpanKind;
use query::Partial;
use store_api::TimeRange;
use wire::jaeger::NAMELESS_SERVICE;

use crate::error::ApiError;
use crate::jaeger::search::{LOOKBACK_NANO, span_kind};
use crate::range::range;
use crate::state::App;

/// The services that a search without a time finds, by name.
pub(crate) async fn services(app: &App) -> Result<(Vec<String>, Option<Partial>), ApiError> {
    let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
    let found = app.engine.services(&tenant, recent(app)?, deadline).await?;
    let mut names: Vec<String> = found.services.into_iter().map(|s| shown(s.name)).collect();
    names.sort_unstable();
    Ok((names, found.partial))
}

/// The operations of `service`, those of one kind or all: name and kind, which is empty for spans that say none.
pub(crate) async fn operations(
    app: &App,
    service: &str,
    kind: Option<&str>,
) -> Result<(BTreeSet<(String, &'static str)>, Option<Partial>), ApiError> {
    let kind = kind.map(|word| span_kind("spanKind", word)).transpose()?;
    let service = stored(service);
    let (tenant, time, deadline) = (app.tenant(), recent(app)?, Some(app.deadline()));
    let found = app.engine.operations(&tenant, service, time, deadline);
    let found = found.await?;
    let operations = found
        .operations
        .into_iter()
        .map(|o| (o.name, word_of(o.kind)));
    let is_wanted = |word: &str| kind.is_none_or(|kind| word == word_of(kind));
    Ok((
        operations.filter(|(_, word)| is_wanted(word)).collect(),
        found.partial,
    ))
}

/// Jaeger's word for a kind.
fn word_of(kind: SpanKind) -> &'static str {
    match kind.as_str() {
        "unspecified" => "",
        word => word,
    }
}

fn recent(app: &App) -> Result<TimeRange, ApiError> {
    let start = app.clock.unix_nano().saturating_sub(LOOKBACK_NANO).max(0);
    range(Some(start), None, 1, &*app.clock)
}

/// A service's name as Jaeger shows it.
pub(crate) fn shown(name: String) -> String {
    match name.is_empty() {
        true => NAMELESS_SERVICE.to_owned(),
        false => name,
    }
}

/// The name that [`shown`] was given.
pub(crate) fn stored(name: &str) -> &str {
    match name {
        NAMELESS_SERVICE => "",
        name => name,
    }
}
