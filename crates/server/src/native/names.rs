//! Services, operations, attribute names and values.

use axum::Json;
use axum::extract::State;
use query::Partial;
use traceql::{Field, parse_lenient};

use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::question::{parse_attribute_scope, parse_limit, parse_scope};
use crate::range::{MILLISECOND_NANO, range};
use crate::state::App;

/// Services with spans in the range.
#[utoipa::path(
    get,
    path = "/api/v1/services",
    operation_id = "services",
    params(api::TimeRangeRequest),
    responses((status = 200, body = api::Services), (status = 400, body = api::ErrorBody))
)]
pub(crate) async fn services(
    State(app): State<App>,
    Query(request): Query<api::TimeRangeRequest>,
) -> Result<Json<api::Services>, ApiError> {
    let time = range(request.start, request.end, MILLISECOND_NANO, &*app.clock)?;
    let found = app
        .engine
        .services(&app.tenant(), time, Some(app.deadline()))
        .await?;
    let service = |s: query::Service| api::Service {
        name: s.name,
        span_count: s.span_count,
        error_count: s.error_count,
    };
    Ok(Json(api::Services {
        services: found.services.into_iter().map(service).collect(),
        partial: partial(found.partial),
    }))
}

/// Operations of a service with spans in the range.
#[utoipa::path(
    get,
    path = "/api/v1/services/{service}/operations",
    operation_id = "operations",
    params(("service" = String, Path, description = "`service.name`"), api::TimeRangeRequest),
    responses((status = 200, body = api::Operations), (status = 400, body = api::ErrorBody))
)]
pub(crate) async fn operations(
    State(app): State<App>,
    Path(service): Path<String>,
    Query(request): Query<api::TimeRangeRequest>,
) -> Result<Json<api::Operations>, ApiError> {
    let time = range(request.start, request.end, MILLISECOND_NANO, &*app.clock)?;
    let found = app
        .engine
        .operations(&app.tenant(), &service, time, Some(app.deadline()))
        .await?;
    let operation = |o: query::Operation| api::Operation {
        name: o.name,
        kind: o.kind.as_str().to_owned(),
        span_count: o.span_count,
    };
    Ok(Json(api::Operations {
        operations: found.operations.into_iter().map(operation).collect(),
        partial: partial(found.partial),
    }))
}

/// Attribute names in the range.
#[utoipa::path(
    get,
    path = "/api/v1/attributes",
    operation_id = "attributeNames",
    params(api::AttributeNamesRequest),
    responses((status = 200, body = api::AttributeNames), (status = 400, body = api::ErrorBody))
)]
pub(crate) async fn attribute_names(
    State(app): State<App>,
    Query(request): Query<api::AttributeNamesRequest>,
) -> Result<Json<api::AttributeNames>, ApiError> {
    let time = range(request.start, request.end, MILLISECOND_NANO, &*app.clock)?;
    let scope = request
        .scope
        .as_deref()
        .filter(|scope| !scope.is_empty())
        .map(parse_attribute_scope)
        .transpose()?;
    let found = app
        .engine
        .attribute_names(&app.tenant(), scope, time, Some(app.deadline()))
        .await?;
    let scopes = found.scopes.into_iter();
    let scopes = scopes.map(|(scope, names)| api::ScopeNames {
        scope: scope.as_str().to_owned(),
        names,
    });
    Ok(Json(api::AttributeNames {
        scopes: scopes.collect(),
        partial: partial(found.partial),
    }))
}

/// Values of an attribute in the range, the most frequent first.
#[utoipa::path(
    get,
    path = "/api/v1/attributes/{scope}/{name}/values",
    operation_id = "attributeValues",
    params(
        ("scope" = String, Path, description = "`resource`, `span`, `event`, `link` or `instrumentation`"),
        ("name" = String, Path, description = "the attribute's name"),
        api::AttributeValuesRequest,
    ),
    responses((status = 200, body = api::AttributeValues), (status = 400, body = api::ErrorBody))
)]
pub(crate) async fn attribute_values(
    State(app): State<App>,
    Path((scope, name)): Path<(String, String)>,
    Query(request): Query<api::AttributeValuesRequest>,
) -> Result<Json<api::AttributeValues>, ApiError> {
    let question = query::AttributeValuesRequest {
        tenant: app.tenant(),
        field: Field::attribute(parse_scope(&scope)?, name),
        filter: request.q.as_deref().map(parse_lenient).unwrap_or_default(),
        prefix: request.prefix.unwrap_or_default(),
        limit: parse_limit("limit", request.limit, 50, 1000)?,
        time: range(request.start, request.end, MILLISECOND_NANO, &*app.clock)?,
        deadline: Some(app.deadline()),
    };
    let found = app.engine.attribute_values(&question).await?;
    let value = |v: query::AttributeValue| api::AttributeValue {
        kind: v.kind.as_str().to_owned(),
        value: v.text,
        count: v.count,
    };
    Ok(Json(api::AttributeValues {
        values: found.values.into_iter().map(value).collect(),
        truncated: found.truncated,
        partial: partial(found.partial),
    }))
}

fn partial(why: Option<Partial>) -> Option<String> {
    why.map(|why| why.to_string())
}
