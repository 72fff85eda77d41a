use std::collections::HashMap;

use columnar::{from_model, to_model};
use model::{Span, SpanId, TenantId};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use store_api::RequestDigest;
use telemetry::StorageMetrics;

use super::*;
use crate::block::{BLOCK_VERSION_KEY, BlockReader, TRACE_BUCKET_NANO, write_sorted};
use crate::catalog::BlockEntry;
use crate::disk::{Disk, RealDisk};
use crate::head::HeadBatch;

/// A folder of blocks.
struct Folder {
    disk: Arc<dyn Disk>,
    blocks: BlockReader,
    _folder: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(folder.path()).unwrap());
        Self {
            blocks: BlockReader::new(disk.clone(), 1 << 20, StorageMetrics::default()),
            disk,
            _folder: folder,
        }
    }

    /// A block of `spans`, of version 1 or 2.
    fn block(&self, id: u64, version: u8, spans: &[Span]) -> (u64, Arc<OpenBlock>) {
        let path = format!("{id}.parquet");
        let tenant = TenantId::default_tenant();
        if version == 1 {
            self.version_1(&path, spans);
        } else {
            let batch = from_model(spans, &tenant, 7);
            let digest = RequestDigest([0; 16]);
            let head = HeadBatch::new(tenant.clone(), digest, 7, batch, 0).unwrap();
            write_sorted(self.disk.as_ref(), &path, &[Arc::new(head)], |_| false).unwrap();
        }
        let entry = BlockEntry {
            id,
            tenant,
            path,
            spans: spans.len() as u64,
            bytes: 0,
            crc32c: None,
            oldest_unix_nano: i64::MIN,
            newest_unix_nano: i64::MAX,
            services: None,
            level: 0,
            hour: 0,
            keep_nano: None,
            flushed_unix_nano: 0,
            block_version: version.into(),
        };
        let open = self.blocks.open(&entry, &Reading::unlimited());
        (id, open.unwrap())
    }

    /// A block as builds before version 2 wrote it.
    fn version_1(&self, path: &str, spans: &[Span]) {
        let mut spans = spans.to_vec();
        spans.sort_by_key(|s| (s.trace_id, s.start_time_unix_nano));
        let batch = from_model(&spans, &TenantId::default_tenant(), 7);
        let version = KeyValue::new(BLOCK_VERSION_KEY.to_owned(), "1".to_owned());
        let properties = WriterProperties::builder()
            .set_key_value_metadata(Some(vec![version]))
            .set_max_row_group_row_count(Some(5))
            .build();
        let mut bytes = Vec::new();
        let writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties));
        let mut writer = writer.unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        self.disk.create(path).unwrap().write_at(0, &bytes).unwrap();
    }
}

const SMALL: Limits = Limits {
    batch_rows: 3,
    chunk_rows: 6,
    trace_rows: 5,
    fetched_rows: 4,
    fetched_rows_min: 2,
};

/// All spans in the order of a block, by its definition.
fn in_order(inputs: &[Vec<Span>]) -> Vec<Span> {
    let mut buckets: HashMap<TraceId, i64> = HashMap::new();
    for span in inputs.iter().flatten() {
        let bucket = span.start_time_unix_nano.div_euclid(TRACE_BUCKET_NANO);
        let earliest = buckets.entry(span.trace_id).or_insert(bucket);
        *earliest = bucket.min(*earliest);
    }
    let mut spans: Vec<Span> = inputs.iter().flatten().cloned().collect();
    spans.sort_by_key(|s| (buckets[&s.trace_id], s.trace_id, s.start_time_unix_nano));
    spans
}

/// The chunks of a merge of `inputs`, which are checked for what chunks promise.
fn merged(inputs: &[(u8, Vec<Span>)], limits: Limits) -> Vec<Span> {
    let folder = Folder::new();
    let blocks = inputs.iter().enumerate();
    let blocks = blocks.map(|(id, (version, spans))| folder.block(id as u64, *version, spans));
    let mut merger = Merger::new(blocks.collect(), &|_| true, limits).unwrap();
    let (mut spans, mut last): (Vec<Span>, Option<TraceId>) = (Vec::new(), None);
    while let Some(chunk) = merger.next().unwrap() {
        assert!(chunk.rows.len() < limits.chunk_rows + limits.trace_rows);
        assert_eq!(chunk.traces.last().unwrap().1, chunk.rows.len());
        let rows = to_model(&chunk.to_memory().unwrap()).unwrap();
        for (n, (id, _)) in chunk.traces.iter().enumerate() {
            let rows = &rows[chunk.rows_of(n)];
            assert!(rows.len() <= limits.trace_rows);
            assert!(rows.iter().all(|s| s.trace_id == *id));
            assert_eq!(
                chunk.continues && n == 0,
                last == Some(*id),
                "traces are whole"
            );
            last = Some(*id);
        }
        spans.extend(rows);
    }
    spans
}

/// Spans of few traces, which begin over some buckets.
fn spans() -> impl Strategy<Value = Vec<Span>> {
    let places = proptest::collection::vec((0..5_u8, 0..3_i64, 0..4_i64), 24);
    (testkit::spans(1..24), places).prop_map(|(mut spans, places)| {
        for (span, (trace, bucket, within)) in spans.iter_mut().zip(places) {
            span.trace_id = TraceId([trace + 1; 16]);
            span.start_time_unix_nano = bucket * TRACE_BUCKET_NANO + within;
        }
        spans
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn blocks_of_either_version_come_in_the_order_of_one(
        inputs in proptest::collection::vec((1..3_u8, spans()), 1..5),
        is_small: bool,
    ) {
        let limits = if is_small { SMALL } else { Limits::default() };
        let expected = in_order(&inputs.iter().map(|(_, s)| s.clone()).collect::<Vec<_>>());
        prop_assert!(testkit::same_rows(&merged(&inputs, limits), &expected));
    }
}

/// Span `n` of trace `trace`, which starts in bucket `bucket`.
fn span(trace: u8, bucket: i64, n: u64) -> Span {
    let spans = testkit::traces("trace 1\n  cart load 0..5");
    Span {
        trace_id: TraceId([trace; 16]),
        span_id: SpanId((1 + n).to_be_bytes()),
        start_time_unix_nano: bucket * TRACE_BUCKET_NANO + n as i64,
        ..spans[0].clone()
    }
}

#[test]
fn displaced_traces_larger_than_what_is_fetched_are_read_by_themselves() {
    // Both begin in bucket 0 of the second block, and have hundreds of rows in bucket 1 of the first.
    let first: Vec<Span> = (0..300)
        .flat_map(|n| [span(1, 1, n), span(2, 1, n), span(3, 1, n)])
        .collect();
    let second = vec![span(1, 0, 900), span(3, 0, 901)];
    let limits = Limits {
        batch_rows: 64,
        chunk_rows: 100,
        trace_rows: 90,
        fetched_rows: 50,
        fetched_rows_min: 50,
    };
    let expected = in_order(&[first.clone(), second.clone()]);
    let found = merged(&[(2, first), (2, second)], limits);
    assert!(testkit::same_rows(&found, &expected));
}

#[test]
fn only_wanted_traces_are_read() {
    let folder = Folder::new();
    let blocks = vec![
        folder.block(1, 2, &[span(1, 0, 1), span(2, 0, 2)]),
        folder.block(2, 1, &[span(2, 0, 3), span(3, 0, 4)]),
    ];
    let wanted = |id: &TraceId| id.0[0] == 2;
    let mut merger = Merger::new(blocks, &wanted, Limits::default()).unwrap();
    let chunk = merger.next().unwrap().unwrap();
    assert_eq!(chunk.traces, [(TraceId([2; 16]), 2)]);
    assert!(merger.next().unwrap().is_none());
}

#[test]
fn a_block_whose_table_lies_is_named() {
    let folder = Folder::new();
    let (_, honest) = folder.block(1, 2, &[span(1, 0, 1), span(1, 0, 2), span(2, 0, 3)]);
    let table = honest.trace_table(&Reading::unlimited()).unwrap().unwrap();
    assert_eq!((table.len(), table.n_rows()), (2, 3));
    let input = Arc::new(Input {
        id: 1,
        block: honest,
        reading: Reading::unlimited(),
    });
    let mut order = Order::default();
    order.add(0, TraceId([1; 16]), 0, 0, 3);
    let pieces = order.finish();
    let mut merger = Merger {
        inputs: feeds(vec![input], &pieces, &Limits::default()).unwrap(),
        pieces,
        next: 0,
        broken_off: None,
        limits: Limits::default(),
    };
    let error = merger.next().map(|_| ()).unwrap_err();
    let RewriteError::Read(MergeError {
        block, disk_failed, ..
    }) = error
    else {
        panic!("{error}");
    };
    assert_eq!((block, disk_failed), (1, false));
}
