//! Jaeger's query interfaces over gRPC, on a port of their own: `jaeger.api_v3.QueryService` and `jaeger.api_v2.QueryService`.
//!
//! Source of names and numbers: Jaeger's public interface definitions.

pub(crate) mod proto;
pub(crate) mod v2;
pub(crate) mod v3;

use axum::Router;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http::HeaderValue;
use query::Partial;
use tonic::metadata::MetadataValue;
use tonic::service::Routes;
use tonic::{Response, Status};
use wire::jaeger::message::{Duration, Timestamp};

use self::proto::{
    Dependency, GetDependenciesRequest, GetDependenciesResponse, GetOperationsRequest,
    GetServicesResponse, Operation,
};
use crate::error::ApiError;
use crate::jaeger::error::warning;
use crate::jaeger::search::Search;
use crate::jaeger::whole::{self, Form, Wanted};
use crate::jaeger::{dependencies, names};
use crate::pieces::Cut;
use crate::state::App;

/// Of messages, which clients refuse above 4 MiB unless they are told otherwise. A single span that is larger comes alone.
const OF_MESSAGES: Cut = Cut {
    spans: 256,
    bytes: 1 << 20,
    repeats_resources: true,
};

/// All routes of the listener.
pub(crate) fn router(app: &App) -> Router<App> {
    let services = Routes::new(v3::service(app.clone())).add_service(v2::service(app.clone()));
    services.into_axum_router().with_state(())
}

/// A stream of an answer.
type Stream<T> = BoxStream<'static, Result<T, Status>>;

/// The services that there are.
async fn get_services(app: &App) -> Result<Response<GetServicesResponse>, Status> {
    let (services, partial) = names::services(app).await?;
    let answer = Response::new(GetServicesResponse { services });
    Ok(with_warning(answer, partial))
}

/// Which service called which.
async fn get_dependencies(
    app: &App,
    request: GetDependenciesRequest,
) -> Result<Response<GetDependenciesResponse>, Status> {
    let start = required("start_time", request.start_time)?;
    let end = required("end_time", request.end_time)?;
    let (links, partial) = dependencies::links(app, start, end).await?;
    let dependency = |link: dependencies::Link| Dependency {
        parent: link.parent,
        child: link.child,
        call_count: link.call_count,
    };
    let dependencies = links.into_iter().map(dependency).collect();
    let answer = Response::new(GetDependenciesResponse { dependencies });
    Ok(with_warning(answer, partial))
}

/// Whole traces, the first of which is read before.
async fn traces<F: Form>(
    app: App,
    wanted: Wanted,
    form: F,
) -> Result<Response<Stream<F::Piece>>, Status> {
    let mut pieces = whole::traces(app, wanted, form);
    let first = pieces.next().await.transpose()?;
    let pieces = stream::iter(first.map(Ok)).chain(pieces);
    let pieces = pieces.map(|piece| piece.map_err(Status::from));
    Ok(Response::new(pieces.boxed()))
}

/// The whole traces that a search finds.
async fn found<F: Form>(
    app: &App,
    search: Search,
    form: F,
) -> Result<Response<Stream<F::Piece>>, Status> {
    let question = search.question(app)?;
    let found = app.engine.search(&question).await.map_err(ApiError::from)?;
    let wanted = Wanted {
        ids: found.traces.iter().map(|trace| trace.trace_id).collect(),
        ..Wanted::default()
    };
    let answer = traces(app.clone(), wanted, form).await?;
    Ok(with_warning(answer, found.partial))
}

/// The operations of a service, or of all, of a kind, or of all, each once for each kind, by name.
async fn operations(
    app: &App,
    request: GetOperationsRequest,
) -> Result<(Vec<Operation>, Option<Partial>), ApiError> {
    let kind = Some(request.span_kind.as_str()).filter(|kind| !kind.is_empty());
    let (found, partial) = names::operations(app, &request.service, kind).await?;
    let operation = |(name, span_kind): (String, &str)| Operation {
        name,
        span_kind: span_kind.to_owned(),
    };
    Ok((found.into_iter().map(operation).collect(), partial))
}

/// `answer` with the reason why it is not whole, in its metadata as in HTTP's header.
fn with_warning<T>(mut answer: Response<T>, partial: Option<Partial>) -> Response<T> {
    let warning = partial.and_then(|why| warning(&why));
    let warning = warning.as_ref().map(HeaderValue::as_bytes);
    if let Some(Ok(value)) = warning.map(MetadataValue::try_from) {
        answer.metadata_mut().insert("warning", value);
    }
    answer
}

/// A time that was given; the zero of either library stands for none.
fn unix_nano(name: &str, time: Option<Timestamp>) -> Result<Option<i64>, ApiError> {
    // Go's zero time is in the year 1.
    let given = time.filter(|time| time.seconds > 0 || (time.seconds == 0 && time.nanos > 0));
    let nano = given.map(|time| {
        let problem = "is not a time between 1970 and 2262";
        let nano = time.unix_nano();
        nano.ok_or_else(|| ApiError::invalid_parameter(name, problem))
    });
    nano.transpose()
}

fn required(name: &str, time: Option<Timestamp>) -> Result<i64, ApiError> {
    let missing = || ApiError::invalid_parameter(name, "is required");
    unix_nano(name, time)?.ok_or_else(missing)
}

/// A duration that was given.
fn nano(name: &str, duration: Option<Duration>) -> Result<Option<i64>, ApiError> {
    let given = duration.filter(|duration| *duration != Duration::default());
    let nano = given.map(|duration| {
        let nano = duration.nano().filter(|nano| *nano > 0);
        nano.ok_or_else(|| ApiError::invalid_parameter(name, "is not between 0 and 292 years"))
    });
    nano.transpose()
}

/// Most traces, where the request says.
fn limit(depth: i32) -> Option<i64> {
    (depth != 0).then_some(depth.into())
}
