use std::sync::Arc;

use arrow::compute::concat_batches;
use columnar::{from_model, to_model};
use model::{Event, KeyValue, Link, Resource, Scope, Span, SpanId, SpanKind, StatusCode, TenantId};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use parquet::file::metadata::PageIndexPolicy;
use proptest::prelude::*;

use super::super::traces::TraceTable;
use super::*;

fn options() -> ArrowReaderOptions {
    ArrowReaderOptions::new()
        .with_schema(layout::schema())
        .with_page_index_policy(PageIndexPolicy::Required)
}

/// The rows of `block`, or those that `selection` has.
fn read(block: &[u8], selection: Option<RowSelection>) -> RecordBatch {
    let bytes = bytes::Bytes::copy_from_slice(block);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options());
    let mut builder = builder.unwrap().with_batch_size(1_000);
    if let Some(selection) = selection {
        builder = builder.with_row_selection(selection);
    }
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&layout::schema(), &batches).unwrap()
}

fn spans_of(file: &RecordBatch) -> Vec<Span> {
    to_model(&layout::from_file(file, &Column::ALL).unwrap()).unwrap()
}

/// A block of `rows` of batches of `requests`, in row groups of `group_rows`.
fn written(requests: &[Vec<Span>], rows: &[Place], group_rows: usize) -> (Vec<u8>, Written) {
    let batch = |spans: &Vec<Span>| {
        let memory = from_model(spans, &TenantId::default_tenant(), 7);
        Arc::new(layout::to_file(&memory).unwrap())
    };
    let sources: Vec<_> = requests.iter().map(batch).collect();
    let mut block = Vec::new();
    let mut writer = BlockWriter::new(&mut block).unwrap();
    writer.group_rows = group_rows;
    writer.push(&sources, rows.iter().copied()).unwrap();
    let figures = writer.finish().unwrap();
    (block, figures)
}

/// Rows of `requests` in an order that mixes them and keeps traces together.
fn mixed(requests: &[Vec<Span>]) -> (Vec<Place>, Vec<Span>) {
    let mut rows: Vec<(Place, &Span)> = Vec::new();
    for (source, spans) in requests.iter().enumerate() {
        let places = (0..).map(|row| (source as u32, row));
        rows.extend(places.zip(spans));
    }
    rows.sort_by_key(|(_, s)| (s.trace_id, s.start_time_unix_nano));
    rows.into_iter()
        .map(|(place, span)| (place, span.clone()))
        .unzip()
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        requests in proptest::collection::vec(testkit::spans(0..8), 1..4),
        group_rows in 1..20_usize,
    ) {
        let (rows, spans) = mixed(&requests);
        let (block, figures) = written(&requests, &rows, group_rows);
        prop_assert!(testkit::same_rows(&spans_of(&read(&block, None)), &spans));
        prop_assert_eq!(figures.spans, spans.len() as u64);
        prop_assert_eq!(figures.bytes, block.len() as u64);
        let starts = || spans.iter().map(|s| s.start_time_unix_nano);
        prop_assert_eq!(figures.oldest_unix_nano, starts().min().unwrap_or(i64::MAX));
        prop_assert_eq!(figures.newest_unix_nano, starts().max().unwrap_or(i64::MIN));
        let services: BTreeSet<_> = spans.iter().map(|s| s.service_name().to_owned()).collect();
        prop_assert_eq!(figures.services, Some(services.into_iter().collect::<Vec<_>>()));
        let traces: BTreeSet<_> = spans.iter().map(|s| s.trace_id).collect();
        prop_assert_eq!(figures.traces, traces.len() as u64);
    }
}

/// Spans in which every column has runs, repetitions and values of its own, over many pages.
fn many(n: u64) -> Vec<Span> {
    let resources: Vec<_> = (0..5)
        .map(|n| {
            let name = format!("service-{n}");
            Arc::new(Resource {
                attributes: vec![KeyValue::new("service.name", name.as_str())],
                ..Resource::default()
            })
        })
        .collect();
    let scope = Arc::new(Scope::default());
    let span = |n: u64| {
        let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let event = |e: u64| Event {
            time_unix_nano: (n + e) as i64,
            name: if e == 0 {
                "exception".into()
            } else {
                format!("event {n}")
            },
            attributes: (0..e).map(|a| KeyValue::new("attempt", a as i64)).collect(),
            dropped_attributes_count: 0,
        };
        let link = |l: u64| Link {
            trace_id: l.is_multiple_of(2).then_some(TraceId([l as u8; 16])),
            span_id: Some(SpanId(mixed.to_be_bytes())),
            trace_state: String::new(),
            flags: 1,
            attributes: vec![KeyValue::new("n", n as i64)],
            dropped_attributes_count: 0,
        };
        let mut attributes = vec![
            KeyValue::new(
                "http.request.method",
                ["GET", "POST"][(n / 40 % 2) as usize],
            ),
            KeyValue::new("url.path", format!("/orders/{n}").as_str()),
            KeyValue::new("shop.user", format!("user {}", mixed % 700).as_str()),
        ];
        if n.is_multiple_of(3) {
            attributes.push(KeyValue::new(
                "http.response.status_code",
                200 + (mixed % 5) as i64,
            ));
        }
        if n == 4_321 {
            attributes.push(KeyValue::new("long", "x".repeat(2 << 20).as_str()));
        }
        Span {
            trace_id: TraceId(u128::from(n / 17).to_be_bytes()),
            span_id: SpanId(mixed.to_be_bytes()),
            parent_span_id: (!n.is_multiple_of(17)).then(|| SpanId((n - 1).to_be_bytes())),
            trace_state: String::new(),
            flags: 0x101,
            name: format!("operation {}", mixed % 300),
            kind: SpanKind((n / 100 % 6) as i32),
            start_time_unix_nano: 1_700_000_000_000_000_000 + (n * 1_000 + mixed % 999) as i64,
            end_time_unix_nano: 1_700_000_000_000_000_000 + (mixed % 1_000_000_000) as i64,
            attributes,
            dropped_attributes_count: 0,
            events: (0..n % 50 / 47).map(event).collect(),
            dropped_events_count: 0,
            links: (0..n % 30 / 28).map(link).collect(),
            dropped_links_count: 0,
            status_code: StatusCode((mixed % 3) as i32),
            status_message: String::new(),
            resource: resources[(n / 60 % 5) as usize].clone(),
            scope: scope.clone(),
        }
    };
    (0..n).map(span).collect()
}

#[test]
fn many_pages_are_read_whole_and_in_part() {
    let all = many(10_000);
    let requests: Vec<_> = all.chunks(700).map(<[Span]>::to_vec).collect();
    let (rows, spans) = mixed(&requests);
    let (block, _) = written(&requests, &rows, 6_000);
    let file = read(&block, None);
    assert_eq!(spans_of(&file), spans);
    for (skip, take) in [(0, 1), (1_023, 2), (4_090, 300), (5_999, 2), (9_998, 2)] {
        let selection = vec![RowSelector::skip(skip), RowSelector::select(take)];
        let part = read(&block, Some(selection.into()));
        assert_eq!(spans_of(&part), spans[skip..skip + take], "from {skip}");
    }
}

#[test]
fn a_projection_is_read_by_its_columns() {
    let spans = many(300);
    let (rows, _) = mixed(std::slice::from_ref(&spans));
    let (block, _) = written(&[spans], &rows, 100);
    let wanted = [Column::TraceId, Column::EndTimeUnixNano, Column::Attributes];
    let builder =
        ParquetRecordBatchReaderBuilder::try_new_with_options(bytes::Bytes::from(block), options());
    let builder = builder.unwrap();
    let mask = ProjectionMask::roots(builder.parquet_schema(), layout::positions(&wanted));
    let reader = builder.with_projection(mask).build().unwrap();
    for batch in reader {
        let memory = layout::from_file(&batch.unwrap(), &wanted).unwrap();
        assert_eq!(memory.num_columns(), 3);
    }
}

fn metadata(block: &[u8]) -> ArrowReaderMetadata {
    let bytes = bytes::Bytes::copy_from_slice(block);
    ArrowReaderMetadata::load(&bytes, options()).unwrap()
}

/// The section that the metadata points to under `key`, checked.
fn section<'a>(block: &'a [u8], metadata: &ArrowReaderMetadata, key: &str) -> &'a [u8] {
    let pairs = metadata.metadata().file_metadata().key_value_metadata();
    let pair = pairs.unwrap().iter().find(|p| p.key == key).unwrap();
    let numbers = pair.value.as_ref().unwrap().split(',');
    let numbers: Vec<usize> = numbers.map(|n| n.parse().unwrap()).collect();
    let [_, at, len, crc] = numbers[..] else {
        panic!("{numbers:?}")
    };
    let bytes = &block[at..at + len];
    assert_eq!(crc32c::crc32c(bytes) as usize, crc);
    bytes
}

#[test]
fn the_table_of_traces_is_where_the_metadata_says() {
    let spans = many(500);
    let (rows, spans_in_order) = mixed(std::slice::from_ref(&spans));
    let (block, figures) = written(&[spans], &rows, 150);
    let metadata = metadata(&block);
    let table = TraceTable::decode(section(&block, &metadata, TRACE_TABLE_KEY)).unwrap();
    assert_eq!(table.n_rows(), 500);
    assert_eq!(table.len() as u64, figures.traces);
    for trace in table.iter() {
        let rows = trace.rows().start as usize..trace.rows().end as usize;
        assert!(
            spans_in_order[rows]
                .iter()
                .all(|s| s.trace_id == trace.id())
        );
    }
    assert!(!section(&block, &metadata, TRACE_FILTER_KEY).is_empty());
}

#[test]
fn bounds_are_of_columns_that_hold_no_attributes() {
    let spans = many(3_000);
    let (rows, _) = mixed(std::slice::from_ref(&spans));
    let (block, _) = written(&[spans], &rows, 2_000);
    let metadata = metadata(&block);
    for group in metadata.metadata().row_groups() {
        let bounded = group.columns().iter().filter(|c| {
            let statistics = c.statistics().unwrap();
            statistics.min_bytes_opt().is_some() || statistics.max_bytes_opt().is_some()
        });
        let names: Vec<_> = bounded.map(|c| c.column_path().string()).collect();
        assert_eq!(
            names,
            [
                "start_time",
                "duration_nano",
                "name",
                "kind",
                "status_code",
                "service_name"
            ]
        );
    }
}

#[test]
fn an_empty_block_is_readable() {
    let (block, figures) = written(&[], &[], 10);
    assert_eq!(read(&block, None).num_rows(), 0);
    assert_eq!((figures.spans, figures.traces), (0, 0));
    assert_eq!(figures.services, Some(vec![]));
}

#[test]
fn a_batch_of_another_schema_is_refused() {
    let memory = from_model(&many(1), &TenantId::default_tenant(), 7);
    let mut writer = BlockWriter::new(Vec::new()).unwrap();
    let refused = writer.push(&[Arc::new(memory)], [(0, 0)]);
    assert!(matches!(refused, Err(BlockError::View(_))), "{refused:?}");
}

#[test]
fn every_page_has_a_checksum() {
    let spans = many(2_000);
    let (rows, in_order) = mixed(std::slice::from_ref(&spans));
    let (block, _) = written(&[spans], &rows, 2_000);
    let metadata = metadata(&block);
    let ids = metadata.metadata().row_group(0).column(2);
    assert_eq!(ids.column_path().string(), "span_id");
    let mut damaged = block.clone();
    // Random bytes, which any reader would believe.
    damaged[ids.data_page_offset() as usize + 200] ^= 1;
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(
        bytes::Bytes::from(damaged),
        options(),
    );
    let result: Result<Vec<_>, _> = reader.unwrap().build().unwrap().collect();
    assert!(result.is_err());
    assert_eq!(spans_of(&read(&block, None)), in_order);
}
