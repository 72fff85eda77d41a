//! Version 1: JSON of Jaeger's model, in an envelope.

pub(super) mod archive;
mod form;
pub(super) mod metrics;
pub(super) mod traces;
pub(super) mod transform;

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use query::Partial;
use serde::Serialize;

use crate::error::ApiError;
use crate::jaeger::dependencies::{self, Link};
use crate::jaeger::error::{Told, enveloped};
use crate::jaeger::names;
use crate::jaeger::parameters::Parameters;
use crate::range::{HOUR_NANO, MILLISECOND_NANO};
use crate::state::App;

/// Default of `lookback`. Source: Jaeger's.
const DEPENDENCIES_LOOKBACK_NANO: i64 = 24 * HOUR_NANO;

/// What every answer but those of metrics is wrapped in.
#[derive(Serialize)]
struct Envelope<T> {
    data: T,
    total: usize,
    limit: usize,
    offset: usize,
    /// Go has one value for none and no list.
    errors: Option<Vec<Told>>,
}

impl<T: Serialize> Envelope<T> {
    fn of_one(data: T) -> Self {
        Self {
            data,
            total: 0,
            limit: 0,
            offset: 0,
            errors: None,
        }
    }
}

impl<T: Serialize> Envelope<Vec<T>> {
    fn answer(data: Vec<T>, partial: Option<Partial>) -> Response {
        let told = partial.map(|why| vec![Told::missing(why.to_string(), None)]);
        let total = data.len();
        Json(Self {
            total,
            errors: told,
            ..Self::of_one(data)
        })
        .into_response()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Operation {
    name: String,
    /// Empty where the span says none.
    span_kind: &'static str,
}

pub(super) async fn services(State(app): State<App>) -> Response {
    let answer = async {
        let (names, partial) = names::services(&app).await?;
        Ok(Envelope::answer(names, partial))
    };
    answer.await.unwrap_or_else(enveloped)
}

/// `/api/services/NAME/operations`. Grafana leaves slashes of the name as they are.
pub(super) async fn operations_of_service(
    State(app): State<App>,
    Path(rest): Path<String>,
) -> Response {
    let answer = async {
        let service = rest.strip_suffix("/operations");
        let service = service.filter(|name| !name.is_empty());
        let missing = || ApiError::not_found("expected /api/services/NAME/operations");
        let service = service.ok_or_else(missing)?;
        let (found, partial) = names::operations(&app, service, None).await?;
        let names: BTreeSet<String> = found.into_iter().map(|(name, _)| name).collect();
        Ok(Envelope::answer(names.into_iter().collect(), partial))
    };
    answer.await.unwrap_or_else(enveloped)
}

pub(super) async fn operations(State(app): State<App>, parameters: Parameters) -> Response {
    let answer = async {
        let service = service(&parameters)?;
        let kind = parameters.text(&["spanKind"]);
        let (found, partial) = names::operations(&app, service, kind).await?;
        let operation = |(name, span_kind)| Operation { name, span_kind };
        let operations: Vec<Operation> = found.into_iter().map(operation).collect();
        Ok(Envelope::answer(operations, partial))
    };
    answer.await.unwrap_or_else(enveloped)
}

/// Calls between services, those of one service or all.
pub(super) async fn dependencies(State(app): State<App>, parameters: Parameters) -> Response {
    let answer = async {
        let end = parameters.units(&["endTs"], MILLISECOND_NANO)?;
        let lookback = parameters.units(&["lookback"], MILLISECOND_NANO)?;
        let end = end.unwrap_or_else(|| app.clock.unix_nano());
        let lookback = lookback.unwrap_or(DEPENDENCIES_LOOKBACK_NANO);
        let start = end.saturating_sub(lookback).max(0);
        let (mut links, partial) = dependencies::links(&app, start, end).await?;
        if let Some(service) = parameters.text(&["service"]) {
            links.retain(|link| link.parent == service || link.child == service);
        }
        let links: Vec<DependencyLink> = links.into_iter().map(DependencyLink::from).collect();
        Ok(Envelope::answer(links, partial))
    };
    answer.await.unwrap_or_else(enveloped)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DependencyLink {
    parent: String,
    child: String,
    call_count: u64,
}

impl From<Link> for DependencyLink {
    fn from(link: Link) -> Self {
        Self {
            parent: link.parent,
            child: link.child,
            call_count: link.call_count,
        }
    }
}

fn service(parameters: &Parameters) -> Result<&str, ApiError> {
    let missing = || ApiError::invalid_parameter("service", "is required");
    parameters.text(&["service"]).ok_or_else(missing)
}
