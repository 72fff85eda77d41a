//! Spans of a data folder.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use arrow::array::RecordBatch;
use clock::{Clock, SystemClock};
use futures::{Stream, TryStreamExt};
use model::{TenantId, TraceId};
use prost::Message;
use query::{EXPORT_MESSAGE_SPANS, EXPORT_TRACES_MAX, Engine, Matching};
use store_api::TimeRange;
use wire::otlp::to_messages;

use super::file::Target;
use crate::commands::take_folder;
use crate::node::AnyError;

const MILLISECOND_NANO: i64 = 1_000_000;
/// Spans of senders whose clocks are ahead are of now; as a server has it.
const AHEAD_NANO: i64 = 60_000_000_000;

/// Writes what `selection` asks for, as a server would answer it: all of it, or an error.
pub(super) async fn export(
    folder: &Path,
    selection: &api::TraceSelection,
    target: &mut Target,
) -> Result<(), AnyError> {
    let clock = Arc::new(SystemClock);
    let source = take_folder(folder)?.source(clock.clone())?;
    if !source.recovery().damaged.is_empty() {
        let damaged = source.recovery().damaged.join(", ");
        let problem = format!("damaged: {damaged}; `causeline verify --repair` puts it away");
        return Err(problem.into());
    }
    let engine = Engine::new(Arc::new(source), clock);
    let tenant = TenantId::default_tenant();
    let nanos = |millis: i64| millis.saturating_mul(MILLISECOND_NANO);
    let now = SystemClock.unix_nano().saturating_add(AHEAD_NANO);
    let time = TimeRange {
        start_unix_nano: nanos(selection.start.unwrap_or_default()),
        end_unix_nano: selection.end.map_or(now, nanos),
    };
    let ids = match &selection.query {
        None if selection.trace_ids.is_empty() => {
            return write(engine.export_range(&tenant, time), target).await;
        }
        None => {
            let ids = selection.trace_ids.iter().map(|id| id.parse());
            ids.collect::<Result<Vec<TraceId>, _>>()?
        }
        Some(text) => {
            let query = traceql::parse(text)?.query;
            let found = engine.matching_traces(&tenant, query, time, EXPORT_TRACES_MAX, None);
            match found.await? {
                Matching::All(ids) if ids.is_empty() => {
                    return Err("no trace matches the query".into());
                }
                Matching::All(ids) => ids,
                Matching::TooMany => {
                    let problem = format!("more than {EXPORT_TRACES_MAX} traces match");
                    return Err(problem.into());
                }
                Matching::Partial(reason) => return Err(reason.to_string().into()),
            }
        }
    };
    write(engine.export_traces(&tenant, ids), target).await
}

async fn write(
    batches: impl Stream<Item = Result<RecordBatch, query::Error>>,
    target: &mut Target,
) -> Result<(), AnyError> {
    let mut batches = pin!(batches);
    while let Some(batch) = batches.try_next().await? {
        for message in to_messages(&batch, EXPORT_MESSAGE_SPANS)? {
            target.write(&message.encode_to_vec())?;
        }
    }
    Ok(())
}
