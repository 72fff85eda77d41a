//! `jaeger.api_v2.QueryService`: spans are of Jaeger's own model, each with its process.

pub(crate) mod proto;

use std::collections::VecDeque;

use model::TraceId;
use query::Trace;
use tonic::{Request, Response, Status, async_trait};

use self::proto::service::query_service_server::{QueryService, QueryServiceServer};
use self::proto::{
    ArchiveTraceResponse, FindTracesRequest, GetDependenciesRequest, GetDependenciesResponse,
    GetOperationsRequest, GetOperationsResponse, GetServicesRequest, GetServicesResponse,
    GetTraceRequest, SpansResponseChunk, TraceQueryParameters,
};
use super::{
    OF_MESSAGES, Stream, found, get_dependencies, get_services, limit, nano, operations, traces,
    unix_nano, with_warning,
};
use crate::error::ApiError;
use crate::jaeger::archive::archive;
use crate::jaeger::error::Told;
use crate::jaeger::parameters::trace_id_of;
use crate::jaeger::search::Search;
use crate::jaeger::warnings;
use crate::jaeger::whole::{self, Form, Pieces, Wanted, end_without_word};
use crate::pieces::{of_trace, spans_of};
use crate::state::App;

/// The service over `app`.
pub(crate) fn service(app: App) -> QueryServiceServer<Queries> {
    QueryServiceServer::new(Queries { app })
}

pub(crate) struct Queries {
    app: App,
}

#[async_trait]
impl QueryService for Queries {
    type GetTraceStream = Stream<SpansResponseChunk>;
    type FindTracesStream = Stream<SpansResponseChunk>;

    async fn get_trace(
        &self,
        request: Request<GetTraceRequest>,
    ) -> Result<Response<Stream<SpansResponseChunk>>, Status> {
        let trace = whole::find(&self.app, id_of(&request.into_inner())?).await?;
        let wanted = Wanted {
            at_hand: VecDeque::from([trace]),
            ..Wanted::default()
        };
        traces(self.app.clone(), wanted, Chunks).await
    }

    async fn archive_trace(
        &self,
        request: Request<GetTraceRequest>,
    ) -> Result<Response<ArchiveTraceResponse>, Status> {
        archive(&self.app, id_of(&request.into_inner())?).await?;
        Ok(Response::new(ArchiveTraceResponse {}))
    }

    async fn find_traces(
        &self,
        request: Request<FindTracesRequest>,
    ) -> Result<Response<Stream<SpansResponseChunk>>, Status> {
        let search = search(request.into_inner())?;
        found(&self.app, search, Chunks).await
    }

    async fn get_services(
        &self,
        _request: Request<GetServicesRequest>,
    ) -> Result<Response<GetServicesResponse>, Status> {
        get_services(&self.app).await
    }

    async fn get_operations(
        &self,
        request: Request<GetOperationsRequest>,
    ) -> Result<Response<GetOperationsResponse>, Status> {
        let (operations, partial) = operations(&self.app, request.into_inner()).await?;
        let names = operations.iter().map(|operation| operation.name.clone());
        let mut operation_names: Vec<String> = names.collect();
        operation_names.dedup();
        let answer = Response::new(GetOperationsResponse {
            operation_names,
            operations,
        });
        Ok(with_warning(answer, partial))
    }

    async fn get_dependencies(
        &self,
        request: Request<GetDependenciesRequest>,
    ) -> Result<Response<GetDependenciesResponse>, Status> {
        get_dependencies(&self.app, request.into_inner()).await
    }
}

fn id_of(request: &GetTraceRequest) -> Result<TraceId, ApiError> {
    unix_nano("start_time", request.start_time)?;
    unix_nano("end_time", request.end_time)?;
    let id = trace_id_of(&request.trace_id).filter(|id| id.0 != [0; 16]);
    let problem = "is not 16 bytes, or zeros";
    id.ok_or_else(|| ApiError::invalid_parameter("trace_id", problem))
}

/// Jaeger's own rules: the range may be open, as over HTTP.
fn search(request: FindTracesRequest) -> Result<Search, ApiError> {
    let missing = || ApiError::invalid_parameter("query", "is required");
    let query: TraceQueryParameters = request.query.ok_or_else(missing)?;
    Ok(Search {
        service: Some(query.service_name).filter(|name| !name.is_empty()),
        operation: Some(query.operation_name).filter(|name| !name.is_empty()),
        tags: query.tags.into_iter().collect(),
        duration_min: nano("duration_min", query.duration_min)?,
        duration_max: nano("duration_max", query.duration_max)?,
        start: unix_nano("start_time_min", query.start_time_min)?,
        end: unix_nano("start_time_max", query.start_time_max)?,
        limit: limit(query.search_depth),
        conditions: Vec::new(),
    })
}

/// A message for each piece of a trace.
struct Chunks;

impl Form for Chunks {
    type Piece = SpansResponseChunk;

    fn begin(&self) -> Option<SpansResponseChunk> {
        None
    }

    fn trace(&self, trace: Trace, _is_first: bool) -> Result<Pieces<SpansResponseChunk>, ApiError> {
        let pieces = of_trace(trace, OF_MESSAGES, |trace, rows| {
            let spans = spans_of(trace, rows.clone())?;
            let message = |(row, span): (usize, &model::Span)| {
                let mut message = wire::jaeger::span(span);
                let of_trace = warnings::of_trace(trace).filter(|_| row == 0);
                message.warnings.extend(of_trace.unwrap_or_default());
                message.warnings.extend(warnings::of_span(trace, row, span));
                message.process = Some(wire::jaeger::process(&span.resource));
                message
            };
            Ok(SpansResponseChunk {
                spans: rows.zip(&spans).map(message).collect(),
            })
        })?;
        Ok(Box::new(pieces))
    }

    fn end(&self, missing: Vec<Told>) -> Result<Option<SpansResponseChunk>, ApiError> {
        end_without_word(missing)
    }
}
