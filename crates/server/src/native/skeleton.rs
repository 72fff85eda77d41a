//! The skeleton of a trace: what the UI draws it from.

use std::collections::HashSet;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use columnar::{LogColumn, LogColumns};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use model::{SpanId, TraceId};
use query::{Skeleton, SkeletonFacts};
use wire::skeleton::{Chunk, MEDIA_TYPE, begin};

use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::native::find_id;
use crate::pieces::{self, apart, internal};
use crate::question::parse_trace_id;
use crate::state::App;

/// A trace as columns, in a binary form that a browser reads in place: first a preview, then the whole. `docs/trace-skeleton.md` describes it.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{traceId}/skeleton",
    operation_id = "traceSkeleton",
    params(("traceId" = String, Path, description = "16 or 32 hexadecimal digits, any case"), api::SkeletonRequest),
    responses(
        (status = 200, content_type = "application/vnd.causeline.trace-skeleton", description = "a stream of chunks, version 1", body = Vec<u8>),
        (status = 400, body = api::ErrorBody, description = "not a trace id, or no fold"),
        (status = 404, body = api::ErrorBody, description = "no spans of it"),
        (status = 409, body = api::ErrorBody, description = "the trace is no longer what the fold was seen in"),
    )
)]
pub(crate) async fn skeleton(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(request): Query<api::SkeletonRequest>,
) -> Result<Response, ApiError> {
    let id = parse_trace_id(&id)?;
    let trace = find_id(&app, id).await?;
    let with_logs = with_logs(&app, id).await?;
    let skeleton = move || Skeleton::new(trace, &with_logs).map_err(internal);
    let skeleton = apart(skeleton).await?;
    let begin = Bytes::from_owner(begin());
    let Some(places) = places(&request, &skeleton)? else {
        let (skeleton, preview) = apart(move || {
            let preview = skeleton.preview().map_err(internal)?;
            Ok((skeleton, preview))
        })
        .await?;
        let preview = preview.map(pieces_of).transpose()?;
        let preview = stream::iter(preview.into_iter().flatten());
        let whole = stream::once(whole(skeleton)).try_flatten();
        let all = stream::iter([begin]).chain(preview).map(Ok).chain(whole);
        return pieces::stream(MEDIA_TYPE, all.boxed(), 1).await;
    };
    let fold = apart(move || skeleton.fold(places).map_err(internal)).await?;
    let fold =
        fold.ok_or_else(|| ApiError::invalid_parameter("from", "is no fold of that count"))?;
    let all = stream::iter([begin]).chain(stream::iter(pieces_of(fold)?));
    pieces::stream(MEDIA_TYPE, all.map(Ok), 1).await
}

/// The places of the fold that is asked for; `None` when the whole trace is.
fn places(
    request: &api::SkeletonRequest,
    skeleton: &Skeleton,
) -> Result<Option<std::ops::Range<usize>>, ApiError> {
    let (Some(from), Some(count), Some(order)) = (request.from, request.count, &request.order)
    else {
        let is_bare = request.from.is_none() && request.count.is_none() && request.order.is_none();
        return match is_bare {
            true => Ok(None),
            false => Err(ApiError::invalid_parameter(
                "from",
                "comes with count and order",
            )),
        };
    };
    if order != skeleton.order_name() {
        return Err(
            ApiError::changed("spans of this trace arrived, or were removed, since")
                .hint("load the skeleton again"),
        );
    }
    let from = from as usize;
    Ok(Some(from..from.saturating_add(count as usize)))
}

/// The spans of which log records carry the id; those records that one answer has.
async fn with_logs(app: &App, id: TraceId) -> Result<HashSet<SpanId>, ApiError> {
    let deadline = Some(app.deadline());
    let found = app.logs.of_trace(&app.tenant(), id, deadline).await?;
    let ids = LogColumns::new(&found.batch).ids(LogColumn::SpanId);
    let ids = ids.map_err(internal)?.iter().flatten();
    Ok(ids
        .filter_map(|id| id.try_into().ok().map(SpanId))
        .collect())
}

/// The pieces of the whole chunk, which is made when the first of them is asked for.
async fn whole(
    skeleton: Skeleton,
) -> Result<impl Stream<Item = Result<Bytes, ApiError>>, ApiError> {
    let chunk = apart(move || skeleton.whole().map_err(internal)).await?;
    Ok(stream::iter(pieces_of(chunk)?.map(Ok)))
}

fn pieces_of(chunk: Chunk<SkeletonFacts>) -> Result<impl Iterator<Item = Bytes> + Send, ApiError> {
    let pieces = chunk.into_pieces().map_err(internal)?;
    Ok(pieces.map(Bytes::from))
}
