//! Merging, retention, pins and erasure, as a caller sees them.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::AsArray;
use bytes::Bytes;
use clock::{Clock, ManualClock};
use columnar::{Column, SpanColumns, from_model, to_model};
use futures::TryStreamExt;
use model::{KeyValue, Resource, Span, StatusCode, TenantId, TraceId};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use sim::disk::{FaultyDisk, Plan, Survives};
use storage::{Config, Pass, Retention, Store, TraceTable};
use store_api::{
    Append, Error, ErrorKind, HOLD_TRACES_MAX, Holds, KeepAll, REASON_BYTES_MAX, ScanRequest,
    ServicesRequest, SpanSink, SpanSource, SummaryRequest, TimeRange, TraceFilter, TraceSelection,
    Traces, Verdict,
};

use crate::support::{NOW, all, clock, config, eager, hold, request, sorted, span, trace_id};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Keeps traces with an error for 30 days, drops those whose first span is called so.
#[derive(Debug)]
struct Rules;

impl TraceFilter for Rules {
    fn judge(&self, _: &TenantId, traces: &Traces<'_>) -> Result<Vec<Verdict>, Error> {
        let columns = SpanColumns::new(traces.batch());
        let (codes, names) = (
            columns.int32(Column::StatusCode).unwrap(),
            columns.dict(Column::Name).unwrap(),
        );
        let verdict = |trace| {
            let rows = traces.rows(trace);
            if names.get(rows.start) == "drop me" {
                Verdict::Drop
            } else if rows
                .clone()
                .any(|row| codes.value(row) == StatusCode::ERROR.0)
            {
                Verdict::KeepFor(30 * DAY)
            } else {
                Verdict::Keep
            }
        };
        Ok((0..traces.len()).map(verdict).collect())
    }
}

struct Bench {
    disk: FaultyDisk,
    clock: Arc<ManualClock>,
    store: Store,
    digest: u8,
}

impl Bench {
    fn new(filter: Arc<dyn TraceFilter>) -> Self {
        let (disk, clock) = (FaultyDisk::new(), clock());
        let store = open(&disk, &clock, filter);
        Self {
            disk,
            clock,
            store,
            digest: 0,
        }
    }

    /// Appends and flushes: each call makes a block.
    async fn block(&mut self, spans: &[Span]) {
        self.append(spans).await;
        self.store.flush().await.unwrap();
    }

    async fn append(&mut self, spans: &[Span]) {
        self.digest += 1;
        let received = Append {
            batch: from_model(spans, &tenant(), self.clock.unix_nano()),
            ..request(self.digest, spans)
        };
        self.store.append(received).await.unwrap();
    }

    async fn after(&self, time: Duration) -> Pass {
        self.clock.advance(time);
        self.store.compact().await.unwrap()
    }

    fn blocks(&self) -> usize {
        self.disk.paths("lake/spans/hour").len()
    }
}

fn open(disk: &FaultyDisk, clock: &Arc<ManualClock>, filter: Arc<dyn TraceFilter>) -> Store {
    let config = Config {
        compaction: eager(),
        retention: Retention {
            keep: 14 * DAY,
            ..Retention::default()
        },
        ..config()
    };
    let disk = Arc::new(disk.clone());
    Store::open_on(disk, &config, clock.clone(), Default::default(), filter).unwrap()
}

fn error(trace: u8, id: u64) -> Span {
    Span {
        status_code: StatusCode::ERROR,
        ..span(trace, id)
    }
}

fn ids(traces: &[u8]) -> Vec<TraceId> {
    traces.iter().map(|t| trace_id(*t)).collect()
}

fn tenant() -> TenantId {
    TenantId::default_tenant()
}

/// The traces that summaries tell of, asked for by id and as the newest, which agree; and how many spans services have.
async fn summed(store: &Store, traces: &[u8]) -> (Vec<TraceId>, u64) {
    let ask = async |traces| {
        let request = SummaryRequest {
            tenant: tenant(),
            traces,
            deadline: None,
        };
        let answer = store.trace_summaries(request).await.unwrap().traces;
        let mut ids: Vec<_> = answer.iter().map(|t| t.trace_id).collect();
        ids.sort();
        ids
    };
    let by_id = ask(TraceSelection::Ids(ids(traces).into())).await;
    let (time, limit) = (TimeRange::ALL, 100);
    assert_eq!(ask(TraceSelection::Newest { time, limit }).await, by_id);
    let request = ServicesRequest {
        tenant: tenant(),
        time,
        deadline: None,
    };
    let counted = store.service_counts(request).await.unwrap().services;
    (by_id, counted.iter().map(|s| s.span_count).sum())
}

/// The spans of some traces.
async fn scan_of(store: &Store, traces: &[u8]) -> Vec<Span> {
    let request = ScanRequest {
        trace_ids: Some(ids(traces).into()),
        ..ScanRequest::all(tenant())
    };
    let batches: Vec<_> = store.scan(request).batches.try_collect().await.unwrap();
    let spans = batches.iter().map(|b| to_model(&b.batch).unwrap());
    spans.flatten().collect()
}

#[tokio::test]
async fn merging_keeps_the_set_of_spans_and_removes_twins() {
    let mut bench = Bench::new(Arc::new(KeepAll));
    let spans: Vec<Span> = (0..40).map(|id| span((id % 7) as u8, id)).collect();
    for chunk in spans.chunks(9) {
        bench.block(chunk).await;
    }
    bench.block(&spans[..5]).await;
    let unfinished = Span {
        end_time_unix_nano: 0,
        ..spans[7].clone()
    };
    bench.block(&[unfinished]).await;
    assert_eq!(bench.blocks(), 7);
    let pass = bench.after(Duration::ZERO).await;
    assert_eq!(
        (pass.rewritten, pass.written, pass.twins_removed),
        (7, 1, 6)
    );
    assert_eq!(all(&bench.store).await, sorted(&spans));
    assert_eq!(bench.blocks(), 1, "replaced files are gone");
    assert_eq!(
        bench.after(Duration::ZERO).await,
        Pass::default(),
        "there is nothing left to do"
    );

    drop(bench.store);
    let reopened = open(&bench.disk, &bench.clock, Arc::new(KeepAll));
    assert_eq!(all(&reopened).await, sorted(&spans));
}

#[tokio::test]
async fn a_scan_keeps_the_files_that_it_has_not_read_yet() {
    let mut bench = Bench::new(Arc::new(KeepAll));
    bench.block(&[span(1, 1)]).await;
    bench.block(&[span(2, 2)]).await;
    let before = bench.store.scan(ScanRequest::all(tenant()));
    bench.after(Duration::ZERO).await;
    assert_eq!(bench.blocks(), 3);
    let batches: Vec<_> = futures::TryStreamExt::try_collect(before.batches)
        .await
        .unwrap();
    let rows: usize = batches
        .iter()
        .map(|b: &store_api::ScanBatch| b.batch.num_rows())
        .sum();
    assert_eq!(rows, 2);
    bench.after(Duration::ZERO).await;
    assert_eq!(bench.blocks(), 1);
}

#[tokio::test]
async fn rules_decide_over_whole_traces_when_the_hour_settles() {
    let mut bench = Bench::new(Arc::new(Rules));
    let unwanted = Span {
        name: "drop me".to_owned(),
        ..span(4, 7)
    };
    // The error of trace 1 comes in another block than its other span.
    bench
        .block(&[span(1, 1), span(2, 2), span(3, 3), unwanted])
        .await;
    bench.block(&[error(1, 4)]).await;
    assert_eq!(bench.after(HOUR).await.dropped, 1);
    let kept = [span(1, 1), span(2, 2), span(3, 3), error(1, 4)];
    assert_eq!(all(&bench.store).await, sorted(&kept));
    assert_eq!(bench.blocks(), 2, "one for each class");
    bench.after(14 * DAY).await;
    assert_eq!(bench.blocks(), 1);
    assert_eq!(all(&bench.store).await, sorted(&[span(1, 1), error(1, 4)]));
    bench.after(16 * DAY).await;
    assert_eq!(all(&bench.store).await, [""; 0]);
    assert_eq!(bench.blocks(), 0);
}

#[tokio::test]
async fn pins_outlive_retention_until_they_expire() {
    let mut bench = Bench::new(Arc::new(Rules));
    bench.block(&[span(1, 1), span(2, 2)]).await;
    let until = NOW + 20 * DAY.as_nanos() as i64;
    let pin = async |trace_ids: Vec<TraceId>, reason: &str| {
        let pinned = bench.store.pin(hold(trace_ids, reason), until);
        pinned.await
    };
    let made = pin(ids(&[2]), "incident").await.unwrap();
    assert_eq!(bench.store.pins(&tenant()), std::slice::from_ref(&made));
    let many = vec![TraceId([9; 16]); HOLD_TRACES_MAX + 1];
    let long = "x".repeat(REASON_BYTES_MAX + 1);
    for (trace_ids, reason) in [
        (vec![], "incident"),
        (many, "incident"),
        (vec![TraceId([0; 16])], "incident"),
        (ids(&[2]), " "),
        (ids(&[2]), &long),
    ] {
        let refused = pin(trace_ids, reason).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Invalid, "{refused}");
    }

    bench.after(15 * DAY).await;
    assert_eq!(all(&bench.store).await, sorted(&[span(2, 2)]));
    drop(bench.store);
    bench.disk = bench.disk.power_cut(Survives::Nothing);
    bench.store = open(&bench.disk, &bench.clock, Arc::new(Rules));
    assert_eq!(bench.store.pins(&tenant()), std::slice::from_ref(&made));
    assert_eq!(all(&bench.store).await, sorted(&[span(2, 2)]));
    assert!(!bench.store.unpin(&tenant(), 77).await.unwrap());
    bench.after(6 * DAY).await;
    assert_eq!(all(&bench.store).await, [""; 0]);
    assert_eq!(bench.store.pins(&tenant()), []);
}

#[tokio::test]
async fn a_full_disk_makes_room_from_the_oldest_hours() {
    let mut bench = Bench::new(Arc::new(KeepAll));
    bench.block(&[span(1, 1)]).await;
    bench.clock.advance(3 * HOUR);
    bench.block(&[span(2, 2)]).await;
    let store = {
        let config = Config {
            compaction: eager(),
            disk_reserve_bytes: 1 << 40,
            ..config()
        };
        drop(bench.store);
        bench
            .disk
            .set_capacity(Some(bench.disk.used_bytes() + (1 << 20)));
        let disk = Arc::new(bench.disk.clone());
        let clock = bench.clock.clone();
        Store::open_on(disk, &config, clock, Default::default(), Arc::new(KeepAll)).unwrap()
    };
    let pass = store.compact().await.unwrap();
    assert_eq!(pass.expired, 1);
    assert_eq!(
        all(&store).await,
        sorted(&[span(2, 2)]),
        "the last hours stay"
    );
}

#[tokio::test]
async fn erased_traces_are_gone_at_once_and_then_from_every_file() {
    let mut bench = Bench::new(Arc::new(KeepAll));
    bench.block(&[span(1, 1), span(2, 2)]).await;
    bench.append(&[span(1, 3), span(3, 4)]).await;
    bench
        .store
        .pin(hold(ids(&[1]), "kept for long"), i64::MAX)
        .await
        .unwrap();
    let left = sorted(&[span(2, 2), span(3, 4)]);
    let found = bench.store.prove_absent(ids(&[1, 2])).await.unwrap();
    assert_eq!(
        found.findings.len(),
        3,
        "the search finds block, segment and exemplars: {found:?}"
    );

    let deadline = NOW + HOUR.as_nanos() as i64;
    let erasure = bench
        .store
        .erase(hold(ids(&[1]), "a request"), deadline)
        .await
        .unwrap();
    assert_eq!(
        all(&bench.store).await,
        left,
        "hidden before anything is rewritten"
    );
    assert_eq!(summed(&bench.store, &[1, 2, 3]).await, (ids(&[2, 3]), 2));
    let named = scan_of(&bench.store, &[1, 2]).await;
    assert_eq!(sorted(&named), sorted(&[span(2, 2)]));
    bench.store.compact().await.unwrap();
    assert_eq!(all(&bench.store).await, left);
    assert_eq!(summed(&bench.store, &[1, 2, 3]).await, (ids(&[2, 3]), 2));
    let [done] = &bench.store.erasures(&tenant())[..] else {
        panic!("there is one erasure");
    };
    assert_eq!(
        (done.id, done.completed_unix_nano.is_some()),
        (erasure.id, true)
    );
    let proof = bench.store.prove_absent(ids(&[1])).await.unwrap();
    assert_eq!((proof.findings, proof.unreadable), (vec![], vec![]));

    // What comes late is acknowledged, and goes nowhere.
    bench.append(&[span(1, 5), span(2, 6)]).await;
    bench.append(&[span(1, 7)]).await;
    assert_eq!(
        all(&bench.store).await,
        sorted(&[span(2, 2), span(3, 4), span(2, 6)])
    );
    let proof = bench.store.prove_absent(ids(&[1])).await.unwrap();
    assert_eq!(proof.findings, []);
}

#[tokio::test]
async fn no_name_of_an_erased_trace_is_left_in_a_block() {
    let mut bench = Bench::new(Arc::new(KeepAll));
    let resource = Resource {
        attributes: vec![KeyValue::new("service.name", "secret service")],
        ..Resource::default()
    };
    let secret = Span {
        name: "secret operation".to_owned(),
        attributes: vec![KeyValue::new("url.path", "/secret")],
        resource: Arc::new(resource),
        ..span(1, 1)
    };
    bench.block(&[secret, span(2, 2)]).await;
    assert!(named_in_blocks(&bench.disk, "secret") >= 6);
    bench
        .store
        .erase(hold(ids(&[1]), "a request"), NOW)
        .await
        .unwrap();
    bench.store.compact().await.unwrap();
    assert_eq!(all(&bench.store).await, sorted(&[span(2, 2)]));
    assert_eq!(named_in_blocks(&bench.disk, "secret"), 0);
}

/// How often blocks have texts with `part`: in footers, tables of traces and dictionaries.
fn named_in_blocks(disk: &FaultyDisk, part: &str) -> usize {
    let mut found = 0;
    for path in disk.paths("lake/spans/hour") {
        let bytes = Bytes::from(disk.contents(&path));
        let options = ArrowReaderOptions::new().with_schema(columnar::layout::schema());
        let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes.clone(), options);
        let reader = reader.unwrap();
        let metadata = reader.metadata().clone();
        let file = metadata.file_metadata();
        let place = file.key_value_metadata().unwrap().iter();
        let mut place = place.filter(|p| p.key == "causeline.trace_table");
        let place = place.next().unwrap().value.clone().unwrap();
        let numbers: Vec<usize> = place.split(',').map(|n| n.parse().unwrap()).collect();
        let table = TraceTable::decode(&bytes[numbers[1]..numbers[1] + numbers[2]]).unwrap();
        let mut texts: Vec<String> = table
            .iter()
            .flat_map(|trace| {
                let (service, name) = trace.title();
                let services = trace.services().map(|(name, ..)| name);
                let texts = [service, name].into_iter().chain(services);
                texts.map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        for group in metadata.row_groups() {
            let statistics = group.columns().iter().filter_map(|c| c.statistics());
            let bounds = statistics.filter_map(|s| s.min_bytes_opt().zip(s.max_bytes_opt()));
            texts.extend(bounds.map(|(least, greatest)| {
                let both = [least, greatest].concat();
                String::from_utf8_lossy(&both).into_owned()
            }));
        }
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            for column in batch.columns() {
                if let Some(texts_of) = column.as_any_dictionary_opt() {
                    let values = texts_of.values().as_string::<i32>();
                    texts.extend(values.iter().flatten().map(str::to_owned));
                }
            }
        }
        found += texts.iter().filter(|text| text.contains(part)).count();
    }
    found
}

#[tokio::test]
async fn the_deadline_of_an_erasure_does_not_wait_for_scans() {
    let mut bench = Bench::new(Arc::new(KeepAll));
    bench.block(&[span(1, 1), span(2, 2)]).await;
    let scan = bench.store.scan(ScanRequest::all(tenant()));
    let deadline = NOW + HOUR.as_nanos() as i64;
    bench
        .store
        .erase(hold(ids(&[1]), "a request"), deadline)
        .await
        .unwrap();
    bench.store.compact().await.unwrap();
    let open = |store: &Store| store.erasures(&tenant())[0].completed_unix_nano.is_none();
    assert!(open(&bench.store), "a scan has the old block");
    bench.after(HOUR).await;
    assert!(!open(&bench.store));
    let proof = bench.store.prove_absent(ids(&[1])).await.unwrap();
    assert_eq!(proof.findings, []);
    drop(scan);
}

#[tokio::test]
async fn a_pin_that_is_made_during_a_pass_is_heeded() {
    let mut bench = Bench::new(Arc::new(Rules));
    let unwanted = Span {
        name: "drop me".to_owned(),
        ..span(4, 7)
    };
    let until = NOW + 100 * DAY.as_nanos() as i64;
    let pin = async |store: &Store, trace| {
        let made = store.pin(hold(ids(&[trace]), "incident"), until).await;
        made.unwrap();
    };
    bench
        .block(&[span(1, 1), span(2, 2), unwanted.clone()])
        .await;
    bench.after(Duration::ZERO).await;
    // First by rule, then by age: trace 2 is pinned from the beginning, so that either pass writes a block.
    pin(&bench.store, 2).await;
    let all_three = sorted(&[span(1, 1), span(2, 2), unwanted]);
    for (time, trace) in [(HOUR, 4), (15 * DAY, 1)] {
        bench.clock.advance(time);
        let mut held = bench.disk.hold("lake/spans/hour", 1);
        let pass = bench.store.compact();
        tokio::pin!(pass);
        tokio::select! {
            biased;
            _ = held.recv() => {}
            done = &mut pass => panic!("{done:?} without a block"),
        }
        pin(&bench.store, trace).await;
        bench.disk.release();
        pass.await.unwrap();
        assert_eq!(all(&bench.store).await, all_three, "after {time:?}");
    }
}

/// A flush fails at any of its operations on blocks, and the disk does not even let it remove what it wrote.
#[tokio::test]
async fn an_erasure_takes_along_what_a_failed_flush_left() {
    for nth in 1.. {
        let mut bench = Bench::new(Arc::new(KeepAll));
        bench.append(&[span(1, 1), span(2, 2)]).await;
        let mut held = bench.disk.hold("lake/spans/hour", nth);
        let flush = bench.store.flush();
        tokio::pin!(flush);
        tokio::select! {
            biased;
            _ = held.recv() => {}
            done = &mut flush => {
                assert!(done.is_ok() && nth > 5, "{done:?} after {nth} operations");
                return;
            }
        }
        let broken = Plan {
            broken_per_mille: 1000,
            ..Plan::new(nth)
        };
        bench.disk.set_plan(Some(broken));
        bench.disk.release();
        assert!(flush.await.is_err());
        bench.disk.set_plan(None);
        let erased = bench.store.erase(hold(ids(&[1]), "asked for"), NOW).await;
        erased.unwrap();
        bench.store.compact().await.unwrap();
        assert!(
            bench.store.erasures(&tenant())[0]
                .completed_unix_nano
                .is_some()
        );
        let proof = bench.store.prove_absent(ids(&[1])).await.unwrap();
        assert_eq!(
            (proof.findings, proof.unreadable),
            (vec![], vec![]),
            "{nth}"
        );
    }
}

#[tokio::test]
async fn spans_dated_years_ahead_expire_with_the_hour_of_their_receipt() {
    let mut bench = Bench::new(Arc::new(KeepAll));
    let ahead = Span {
        start_time_unix_nano: NOW + 3650 * DAY.as_nanos() as i64,
        ..span(1, 1)
    };
    bench.block(&[ahead]).await;
    let keep = |hours: u32| Config {
        compaction: eager(),
        retention: Retention {
            keep: hours * HOUR,
            ..Retention::default()
        },
        ..config()
    };
    drop(bench.store);
    let (disk, clock) = (Arc::new(bench.disk.clone()), bench.clock.clone());
    let filter = Arc::new(KeepAll);
    bench.store = Store::open_on(disk, &keep(2), clock, Default::default(), filter).unwrap();
    // Each hour that closes is merged with the last block of the one before.
    for id in 2..4 {
        bench.after(HOUR).await;
        assert_eq!(all(&bench.store).await.len() as u64, id - 1);
        bench.block(&[span(2, id)]).await;
    }
    bench.after(HOUR).await;
    assert_eq!(all(&bench.store).await, sorted(&[span(2, 2), span(2, 3)]));
}
