//! `tempopb.StreamingQuerier`: Grafana's streaming search, tags and metrics.
//!
//! A stream is one whole answer in packets of at most [`PACKET_TRACES`] traces; the client joins them by trace id.

use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use tonic::{Request, Response, Status, async_trait};

use crate::error::ApiError;
use crate::state::App;
use crate::tempo::parameters::When;
use crate::tempo::proto::streaming::streaming_querier_server::{
    StreamingQuerier, StreamingQuerierServer,
};
use crate::tempo::proto::{
    QueryInstantRequest, QueryInstantResponse, QueryRangeRequest, QueryRangeResponse,
    SearchRequest, SearchResponse, SearchTagValuesRequest, SearchTagValuesResponse,
    SearchTagValuesV2Response, SearchTagsRequest, SearchTagsResponse, SearchTagsV2Response,
};
use crate::tempo::{metrics, search, tags};

/// Keeps packets far below 1 MiB, which Grafana reads at most: a summary has a few KiB.
const PACKET_TRACES: usize = 50;

/// The service over `app`.
pub(crate) fn service(app: App) -> StreamingQuerierServer<Querier> {
    StreamingQuerierServer::new(Querier { app })
}

pub(crate) struct Querier {
    app: App,
}

type Answer<T> = Result<Response<BoxStream<'static, Result<T, Status>>>, Status>;

#[async_trait]
impl StreamingQuerier for Querier {
    type SearchStream = BoxStream<'static, Result<SearchResponse, Status>>;
    type SearchTagsStream = BoxStream<'static, Result<SearchTagsResponse, Status>>;
    type SearchTagsV2Stream = BoxStream<'static, Result<SearchTagsV2Response, Status>>;
    type SearchTagValuesStream = BoxStream<'static, Result<SearchTagValuesResponse, Status>>;
    type SearchTagValuesV2Stream = BoxStream<'static, Result<SearchTagValuesV2Response, Status>>;
    type MetricsQueryRangeStream = BoxStream<'static, Result<QueryRangeResponse, Status>>;
    type MetricsQueryInstantStream = BoxStream<'static, Result<QueryInstantResponse, Status>>;

    async fn search(&self, request: Request<SearchRequest>) -> Answer<SearchResponse> {
        let question = search::question_of(&self.app, request.into_inner())?;
        let app = self.app.clone();
        let answer = async move {
            app.engine
                .search(&question)
                .await
                .map_err(|error| ApiError::from(error).into())
        };
        let packets = answer.map(|found: Result<_, Status>| match found {
            Ok(found) => packets(search::response(found)),
            Err(status) => vec![Err(status)],
        });
        Ok(Response::new(
            packets.map(stream::iter).flatten_stream().boxed(),
        ))
    }

    async fn search_tags(&self, request: Request<SearchTagsRequest>) -> Answer<SearchTagsResponse> {
        one(tags::tags(&self.app, &of_tags(request.into_inner())).await)
    }

    async fn search_tags_v2(
        &self,
        request: Request<SearchTagsRequest>,
    ) -> Answer<SearchTagsV2Response> {
        one(tags::tags_v2(&self.app, &of_tags(request.into_inner())).await)
    }

    async fn search_tag_values(
        &self,
        request: Request<SearchTagValuesRequest>,
    ) -> Answer<SearchTagValuesResponse> {
        let request = request.into_inner();
        let values = tags::tag_values(&self.app, &request.tag_name, &of_values(&request)).await;
        one(values.map(|values| SearchTagValuesResponse {
            tag_values: values.into_iter().map(|v| v.value).collect(),
        }))
    }

    async fn search_tag_values_v2(
        &self,
        request: Request<SearchTagValuesRequest>,
    ) -> Answer<SearchTagValuesV2Response> {
        let request = request.into_inner();
        let values = tags::tag_values(&self.app, &request.tag_name, &of_values(&request)).await;
        one(values.map(|tag_values| SearchTagValuesV2Response { tag_values }))
    }

    async fn metrics_query_range(
        &self,
        request: Request<QueryRangeRequest>,
    ) -> Answer<QueryRangeResponse> {
        let request = request.into_inner();
        let step = i64::try_from(request.step).unwrap_or(i64::MAX);
        let asked = metrics::Asked {
            q: request.query,
            when: When::of_nanos(request.start, request.end)?,
            step_nano: (step != 0).then_some(step),
            exemplars: (request.exemplars != 0).then_some(request.exemplars),
        };
        one(metrics::over_time(&self.app, &asked).await)
    }

    async fn metrics_query_instant(
        &self,
        request: Request<QueryInstantRequest>,
    ) -> Answer<QueryInstantResponse> {
        let request = request.into_inner();
        let asked = metrics::Asked {
            q: request.query,
            when: When::of_nanos(request.start, request.end)?,
            ..metrics::Asked::default()
        };
        one(metrics::at_once(&self.app, &asked).await)
    }
}

/// A stream of one message.
fn one<T: Send + 'static>(answer: Result<T, ApiError>) -> Answer<T> {
    let message = answer?;
    Ok(Response::new(stream::iter([Ok(message)]).boxed()))
}

/// The last packet carries the metrics.
fn packets(mut response: SearchResponse) -> Vec<Result<SearchResponse, Status>> {
    let metrics = response.metrics.take();
    let mut packets: Vec<_> = response
        .traces
        .chunks(PACKET_TRACES)
        .map(|traces| {
            Ok(SearchResponse {
                traces: traces.to_vec(),
                metrics: None,
            })
        })
        .collect();
    packets.push(Ok(SearchResponse {
        traces: Vec::new(),
        metrics,
    }));
    packets
}

fn of_tags(request: SearchTagsRequest) -> tags::Asked {
    tags::Asked {
        scope: request.scope,
        q: request.query,
        limit: None,
        when: When::of_seconds(request.start, request.end),
    }
}

fn of_values(request: &SearchTagValuesRequest) -> tags::Asked {
    tags::Asked {
        q: request.query.clone(),
        when: When::of_seconds(request.start, request.end),
        ..tags::Asked::default()
    }
}
