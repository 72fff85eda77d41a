//! Names to choose from, and which service calls which.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use query::{AttributeValuesRequest, Partial};
use serde::Serialize;
use store_api::{AttributeScope, TimeRange};
use traceql::ast::Query;
use traceql::{Field, Scope, SearchForm};
use wire::jaeger::NAMELESS_SERVICE;
use wire::zipkin::REMOTE_NAMES;

use super::told;
use crate::error::ApiError;
use crate::jaeger::dependencies::{self, Link};
use crate::jaeger::error::with_warning;
use crate::jaeger::names;
use crate::jaeger::parameters::Parameters;
use crate::range::range;
use crate::state::App;
use crate::zipkin::search;

/// Most names of an answer that is looked for among attributes.
const NAMES_MAX: usize = 1_000;

/// `/api/v2/services`. Spans without a service have no endpoint that names one.
pub(super) async fn services(State(app): State<App>) -> Response {
    let answer = async {
        let (mut found, partial) = names::services(&app).await?;
        found.retain(|name| name != NAMELESS_SERVICE);
        Ok(listed(found, partial))
    };
    told(answer.await)
}

/// `/api/v2/spans`: the names of a service's spans.
pub(super) async fn spans(
    State(app): State<App>,
    parameters: Result<Parameters, ApiError>,
) -> Response {
    let answer = async {
        let parameters = parameters?;
        let service = required(&parameters, "serviceName")?;
        let (found, partial) = names::operations(&app, service, None).await?;
        let found: BTreeSet<String> = found.into_iter().map(|(name, _)| name).collect();
        Ok(listed(found.into_iter().collect(), partial))
    };
    told(answer.await)
}

/// `/api/v2/remoteServices`: what a service's spans call the other side.
pub(super) async fn remote_services(
    State(app): State<App>,
    parameters: Result<Parameters, ApiError>,
) -> Response {
    let answer = async {
        let parameters = parameters?;
        let service = required(&parameters, "serviceName")?;
        let form = SearchForm {
            service: Some(service.to_owned()),
            ..SearchForm::default()
        };
        let time = recent(&app)?;
        let (mut found, mut partial) = (BTreeSet::new(), None);
        for key in REMOTE_NAMES {
            let field = Field::attribute(Scope::Span, key);
            let (values, why) = values_of(&app, field, form.to_query(), time).await?;
            found.extend(values.into_iter().filter(|name| !name.is_empty()));
            partial = partial.or(why);
        }
        Ok(listed(found.into_iter().collect(), partial))
    };
    told(answer.await)
}

/// `/api/v2/autocompleteKeys`: the tags of spans.
pub(super) async fn keys(State(app): State<App>) -> Response {
    let answer = async {
        let (tenant, time, deadline) = (app.tenant(), recent(&app)?, Some(app.deadline()));
        let scope = Some(AttributeScope::Span);
        let found = app.engine.attribute_names(&tenant, scope, time, deadline);
        let found = found.await?;
        let names = found.scopes.into_iter().flat_map(|(_, names)| names);
        Ok(listed(names.take(NAMES_MAX).collect(), found.partial))
    };
    told(answer.await)
}

/// `/api/v2/autocompleteValues`: the values of a tag.
pub(super) async fn values(
    State(app): State<App>,
    parameters: Result<Parameters, ApiError>,
) -> Response {
    let answer = async {
        let parameters = parameters?;
        let field = Field::attribute(Scope::Any, required(&parameters, "key")?);
        let time = recent(&app)?;
        let (mut found, partial) = values_of(&app, field, Query::default(), time).await?;
        found.sort_unstable();
        Ok(listed(found, partial))
    };
    told(answer.await)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DependencyLink {
    parent: String,
    child: String,
    call_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    error_count: u64,
}

impl From<Link> for DependencyLink {
    fn from(link: Link) -> Self {
        Self {
            parent: link.parent,
            child: link.child,
            call_count: link.call_count,
            error_count: link.error_count,
        }
    }
}

/// `/api/v2/dependencies`.
pub(super) async fn dependencies(
    State(app): State<App>,
    parameters: Result<Parameters, ApiError>,
) -> Response {
    let answer = async {
        let parameters = parameters?;
        required(&parameters, "endTs")?;
        let (start, end) = search::times(&app, &parameters)?;
        let (links, partial) = dependencies::links(&app, start, end).await?;
        let links: Vec<DependencyLink> = links.into_iter().map(DependencyLink::from).collect();
        Ok(listed(links, partial))
    };
    told(answer.await)
}

async fn values_of(
    app: &App,
    field: Field,
    filter: Query,
    time: TimeRange,
) -> Result<(Vec<String>, Option<Partial>), ApiError> {
    let request = AttributeValuesRequest {
        tenant: app.tenant(),
        field,
        filter,
        prefix: String::new(),
        limit: NAMES_MAX,
        time,
        deadline: Some(app.deadline()),
    };
    let found = app.engine.attribute_values(&request).await?;
    let values = found.values.into_iter().map(|value| value.text);
    Ok((values.collect(), found.partial))
}

/// The last hour: every attribute of the range is read.
fn recent(app: &App) -> Result<TimeRange, ApiError> {
    range(None, None, 1, &*app.clock)
}

fn listed<T: Serialize>(items: Vec<T>, partial: Option<Partial>) -> Response {
    with_warning(
        axum::response::IntoResponse::into_response(Json(items)),
        partial,
    )
}

fn required<'p>(parameters: &'p Parameters, name: &'static str) -> Result<&'p str, ApiError> {
    let value = parameters.all(name).find(|value| !value.is_empty());
    value.ok_or_else(|| ApiError::invalid_parameter(name, "is required"))
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
