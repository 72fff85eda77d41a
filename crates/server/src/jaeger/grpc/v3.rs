//! `jaeger.api_v3.QueryService`: traces are OTLP.

pub(crate) mod proto;

use std::collections::VecDeque;

use futures::StreamExt;
use futures::stream;
use query::Trace;
use tonic::{Request, Response, Status, async_trait};
use wire::otlp::spans_to_traces_data;

use self::proto::service::query_service_server::{QueryService, QueryServiceServer};
use self::proto::{
    FindTraceSummariesResponse, FindTracesRequest, GetDependenciesRequest, GetDependenciesResponse,
    GetOperationsRequest, GetOperationsResponse, GetServicesRequest, GetServicesResponse,
    GetTraceRequest, ServiceSummary, TraceQueryParameters, TraceSummary, TracesData,
};
use super::{
    OF_MESSAGES, Stream, found, get_dependencies, get_services, limit, nano, operations, required,
    traces, unix_nano, with_warning,
};
use crate::error::ApiError;
use crate::jaeger::error::Told;
use crate::jaeger::parameters::trace_id;
use crate::jaeger::search::{Search, no_filters};
use crate::jaeger::v3::{self, Summary, summaries};
use crate::jaeger::warnings::warned_spans;
use crate::jaeger::whole::{self, Form, Pieces, Wanted, end_without_word};
use crate::pieces::of_trace;
use crate::state::App;

/// Summaries of one message: a summary has a few hundred bytes.
const MESSAGE_SUMMARIES: usize = 100;

/// The service over `app`.
pub(crate) fn service(app: App) -> QueryServiceServer<Queries> {
    QueryServiceServer::new(Queries { app })
}

pub(crate) struct Queries {
    app: App,
}

#[async_trait]
impl QueryService for Queries {
    type GetTraceStream = Stream<TracesData>;
    type FindTracesStream = Stream<TracesData>;
    type FindTraceSummariesStream = Stream<FindTraceSummariesResponse>;

    async fn get_trace(
        &self,
        request: Request<GetTraceRequest>,
    ) -> Result<Response<Stream<TracesData>>, Status> {
        let request = request.into_inner();
        unix_nano("start_time", request.start_time)?;
        unix_nano("end_time", request.end_time)?;
        let trace = whole::find(&self.app, trace_id("trace_id", &request.trace_id)?).await?;
        let wanted = Wanted {
            at_hand: VecDeque::from([trace]),
            ..Wanted::default()
        };
        traces(self.app.clone(), wanted, Otlp).await
    }

    async fn find_traces(
        &self,
        request: Request<FindTracesRequest>,
    ) -> Result<Response<Stream<TracesData>>, Status> {
        let search = search(request.into_inner())?;
        found(&self.app, search, Otlp).await
    }

    async fn find_trace_summaries(
        &self,
        request: Request<FindTracesRequest>,
    ) -> Result<Response<Stream<FindTraceSummariesResponse>>, Status> {
        let search = search(request.into_inner())?;
        let (summaries, partial) = summaries(&self.app, search).await?;
        let summaries: Vec<TraceSummary> = summaries.into_iter().map(summary).collect();
        let message = |summaries: &[TraceSummary]| {
            Ok(FindTraceSummariesResponse {
                summaries: summaries.to_vec(),
            })
        };
        let messages: Vec<_> = summaries.chunks(MESSAGE_SUMMARIES).map(message).collect();
        let answer = Response::new(stream::iter(messages).boxed());
        Ok(with_warning(answer, partial))
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
        let answer = Response::new(GetOperationsResponse { operations });
        Ok(with_warning(answer, partial))
    }

    async fn get_dependencies(
        &self,
        request: Request<GetDependenciesRequest>,
    ) -> Result<Response<GetDependenciesResponse>, Status> {
        get_dependencies(&self.app, request.into_inner()).await
    }
}

fn search(request: FindTracesRequest) -> Result<Search, ApiError> {
    let missing = || ApiError::invalid_parameter("query", "is required");
    let query: TraceQueryParameters = request.query.ok_or_else(missing)?;
    if query.filter.is_some() {
        return Err(no_filters());
    }
    Ok(Search {
        service: Some(query.service_name).filter(|name| !name.is_empty()),
        operation: Some(query.operation_name).filter(|name| !name.is_empty()),
        tags: query.attributes.into_iter().collect(),
        duration_min: nano("duration_min", query.duration_min)?,
        duration_max: nano("duration_max", query.duration_max)?,
        start: Some(required("start_time_min", query.start_time_min)?),
        end: Some(required("start_time_max", query.start_time_max)?),
        limit: limit(query.search_depth),
        conditions: Vec::new(),
    })
}

fn summary(of: Summary) -> TraceSummary {
    let service = |of: v3::ServiceSummary| ServiceSummary {
        name: of.name,
        span_count: of.span_count,
        error_span_count: of.error_span_count,
    };
    TraceSummary {
        trace_id: of.trace_id,
        root_service_name: of.root_service_name,
        root_operation_name: of.root_operation_name,
        min_start_time_unix_nano: of.min_start_time_unix_nano,
        max_end_time_unix_nano: of.max_end_time_unix_nano,
        span_count: of.span_count,
        error_span_count: of.error_span_count,
        orphan_span_count: of.orphan_span_count,
        services: of.services.into_iter().map(service).collect(),
    }
}

/// A message for each piece of a trace.
struct Otlp;

impl Form for Otlp {
    type Piece = TracesData;

    fn begin(&self) -> Option<TracesData> {
        None
    }

    fn trace(&self, trace: Trace, _is_first: bool) -> Result<Pieces<TracesData>, ApiError> {
        let pieces = of_trace(trace, OF_MESSAGES, |trace, rows| {
            let data = spans_to_traces_data(&warned_spans(trace, rows)?);
            Ok(TracesData {
                resource_spans: data.resource_spans,
            })
        })?;
        Ok(Box::new(pieces))
    }

    fn end(&self, missing: Vec<Told>) -> Result<Option<TracesData>, ApiError> {
        end_without_word(missing)
    }
}
