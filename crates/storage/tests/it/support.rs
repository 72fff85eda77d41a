//! What the tests share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clock::ManualClock;
use columnar::{from_model, logs_from_model, logs_to_model, to_model};
use futures::TryStreamExt;
use model::{LogRecord, SeverityNumber, Span, SpanId, TenantId, TraceId};
use rollup::{EdgeDelta, Limits, RedDelta};
use sim::disk::FaultyDisk;
use storage::{Config, Policy};
use store_api::{
    Append, CountRequest, CountSource, CountTable, HoldRequest, LogRequest, LogSource,
    RequestDigest, ScanRequest, SpanSource, TimeRange,
};

/// 2026-11-22T22:00:00Z.
pub(crate) const NOW: i64 = 1_795_384_800_000_000_000;

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(NOW))
}

/// Small files, neither flush nor merge but on demand, and no grace for other readers.
pub(crate) fn config() -> Config {
    Config {
        segment_bytes: 64 << 10,
        flush_interval: std::time::Duration::from_secs(3600),
        compaction_interval: std::time::Duration::from_secs(3600),
        disk_reserve_bytes: 0,
        vacuum_grace: std::time::Duration::ZERO,
        ..Config::new("")
    }
}

/// Merges whatever there is to merge.
pub(crate) fn eager() -> Policy {
    Policy {
        fan_in: 2,
        settle: std::time::Duration::ZERO,
        ..Policy::default()
    }
}

/// Trace `number`, with an id that looks like no digest of [`request`].
pub(crate) fn trace_id(number: u8) -> TraceId {
    let mut id = [number; 16];
    id[0] = 0xee;
    TraceId(id)
}

/// A plain span: trace `trace`, id `id`.
pub(crate) fn span(trace: u8, id: u64) -> Span {
    Span {
        trace_id: trace_id(trace),
        span_id: SpanId(id.to_be_bytes()),
        parent_span_id: None,
        trace_state: String::new(),
        flags: 0,
        name: format!("operation {id}"),
        kind: model::SpanKind::SERVER,
        start_time_unix_nano: NOW + id as i64,
        end_time_unix_nano: NOW + id as i64 + 1,
        attributes: vec![model::KeyValue::new("id", id as i64)],
        dropped_attributes_count: 0,
        events: vec![],
        dropped_events_count: 0,
        links: vec![],
        dropped_links_count: 0,
        status_code: model::StatusCode::OK,
        status_message: String::new(),
        resource: Arc::default(),
        scope: Arc::default(),
    }
}

/// A request with `spans`, recognised by `digest`.
pub(crate) fn request(digest: u8, spans: &[Span]) -> Append {
    let tenant = TenantId::default_tenant();
    Append {
        batch: from_model(spans, &tenant, NOW),
        tenant,
        digest: RequestDigest([digest; 16]),
    }
}

/// Everything of the default tenant, in a fixed order, as text.
pub(crate) async fn all(source: &dyn SpanSource) -> Vec<String> {
    let request = ScanRequest::all(TenantId::default_tenant());
    let batches: Vec<_> = source.scan(request).batches.try_collect().await.unwrap();
    let spans = batches.iter().flat_map(|b| to_model(&b.batch).unwrap());
    sorted(&spans.collect::<Vec<_>>())
}

/// `rows` in a fixed order, as text: a multiset that can be compared.
pub(crate) fn sorted<T: std::fmt::Debug>(rows: &[T]) -> Vec<String> {
    let mut texts: Vec<_> = rows.iter().map(|s| format!("{s:?}")).collect();
    texts.sort();
    texts
}

/// A plain log record of trace `trace`, number `id`.
pub(crate) fn log(trace: u8, id: u64) -> LogRecord {
    LogRecord {
        trace_id: Some(trace_id(trace)),
        span_id: Some(SpanId(id.to_be_bytes())),
        time_unix_nano: NOW + id as i64,
        observed_time_unix_nano: 0,
        severity_number: SeverityNumber(9),
        severity_text: "INFO".to_owned(),
        event_name: String::new(),
        body: format!("message {id}").as_str().into(),
        attributes: vec![model::KeyValue::new("id", id as i64)],
        dropped_attributes_count: 0,
        flags: 1,
        resource: Arc::default(),
        scope: Arc::default(),
    }
}

/// A request with `logs`, recognised by `digest`.
pub(crate) fn log_request(digest: u8, logs: &[LogRecord]) -> Append {
    let tenant = TenantId::default_tenant();
    Append {
        batch: logs_from_model(logs, &tenant, NOW),
        tenant,
        digest: RequestDigest([digest; 16]),
    }
}

/// The log records of traces 0 to 15 of the default tenant, in a fixed order, as text.
pub(crate) async fn all_logs(source: &dyn LogSource) -> Vec<String> {
    let request = LogRequest {
        tenant: TenantId::default_tenant(),
        trace_ids: (0..16).map(trace_id).collect(),
        rows_max: usize::MAX,
        deadline: None,
    };
    let answer = source.logs(request).await.unwrap();
    assert_eq!(answer.incomplete, None);
    let records = answer
        .batches
        .iter()
        .flat_map(|batch| logs_to_model(batch).unwrap());
    sorted(&records.collect::<Vec<_>>())
}

/// The tables beside the spans.
pub(crate) const PART_TABLES: [&str; 3] = ["logs", "rollups", "edges"];

/// The files that the log of `table` in the data folder says are in it.
pub(crate) fn published(disk: &FaultyDisk, table: &str) -> BTreeSet<String> {
    let folder = format!("lake/{table}");
    let entries = disk.paths(&format!("{folder}/_delta_log/0")).into_iter();
    files_of_log(&folder, entries.map(|path| disk.contents(&path)))
}

/// The files of the table in `folder` by the entries of its log, as any tool reads it that knows no checkpoints.
pub(crate) fn files_of_log(
    folder: &str,
    entries: impl Iterator<Item = Vec<u8>>,
) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for entry in entries {
        for line in String::from_utf8(entry).unwrap().lines() {
            let action: serde_json::Value = serde_json::from_str(line).unwrap();
            let path_of = |kind: &str| action[kind]["path"].as_str();
            if let Some(path) = path_of("add") {
                assert!(files.insert(format!("{folder}/{path}")), "twice: {path}");
            }
            if let Some(path) = path_of("remove") {
                assert!(
                    files.remove(&format!("{folder}/{path}")),
                    "not there: {path}"
                );
            }
        }
    }
    files
}

/// Other tools find every file that is there, and no other. Of a log with checkpoints, entries may be gone, so it is not looked at.
pub(crate) fn check_published(disk: &FaultyDisk, when: &str) {
    for table in PART_TABLES {
        let log = disk.paths(&format!("lake/{table}/_delta_log/"));
        if log.iter().any(|path| path.ends_with(".parquet")) {
            continue;
        }
        let there = disk.paths(&format!("lake/{table}/hour"));
        let published = published(disk, table);
        assert_eq!(Vec::from_iter(published), there, "{when}: {table}");
    }
}

/// Asks for a pin or an erasure of traces of the default tenant.
pub(crate) fn hold(trace_ids: Vec<TraceId>, reason: &str) -> HoldRequest {
    HoldRequest {
        tenant: TenantId::default_tenant(),
        trace_ids,
        reason: reason.to_owned(),
    }
}

/// All counts of the default tenant.
pub(crate) async fn counts(
    source: &dyn CountSource,
    table: CountTable,
    resolution_seconds: i32,
) -> arrow::array::RecordBatch {
    let request = CountRequest {
        tenant: TenantId::default_tenant(),
        table,
        resolution_seconds,
        time: TimeRange::ALL,
        deadline: None,
    };
    let answer = source.counts(request).await.unwrap();
    assert_eq!(answer.incomplete, None);
    answer.rows
}

/// Roll-ups of the default tenant.
pub(crate) async fn rollups(source: &dyn CountSource, resolution_seconds: i32) -> RedDelta {
    let rows = counts(source, CountTable::Rollups, resolution_seconds).await;
    let mut sums = RedDelta::new(&Limits::default());
    sums.add_batch(&rows, |resolution, _| resolution == resolution_seconds)
        .unwrap();
    sums
}

/// Edges of the default tenant.
pub(crate) async fn edges(source: &dyn CountSource, resolution_seconds: i32) -> EdgeDelta {
    let rows = counts(source, CountTable::Edges, resolution_seconds).await;
    let mut sums = EdgeDelta::new(&Limits::default());
    sums.add_batch(&rows, |resolution, _| resolution == resolution_seconds)
        .unwrap();
    sums
}

/// How many spans count under each operation.
pub(crate) async fn counted(
    source: &dyn CountSource,
    resolution_seconds: i32,
) -> BTreeMap<String, i64> {
    let mut counted = BTreeMap::new();
    for (series, figures) in rollups(source, resolution_seconds).await.rows() {
        *counted.entry(series.operation).or_default() += figures.durations.count;
    }
    counted
}
