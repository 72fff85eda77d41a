//! A data folder in the hands of tools: figures, checks, plans, reading.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use model::{Span, TenantId};
use sim::disk::FaultyDisk;
use storage::disk::Disk;
use storage::{Anatomy, BlockPlan, Inspector, Offline, OpenError, Store, Subject, Verified};
use store_api::{
    CompareOp, Field, Holds, KeepAll, Predicate, Scalar, ScanRequest, SpanSink, TimeRange,
};

use crate::support::{
    NOW, all, clock, config, eager, hold, log, log_request, request, sorted, span, trace_id,
};

pub(crate) fn store(disk: &FaultyDisk) -> Store {
    let config = storage::Config {
        compaction: eager(),
        ..config()
    };
    let disk = Arc::new(disk.clone());
    let filter = Arc::new(KeepAll);
    Store::open_on(disk, &config, clock(), Default::default(), filter).unwrap()
}

pub(crate) fn offline(disk: &FaultyDisk) -> Offline {
    Offline::open_on(Arc::new(disk.clone())).unwrap()
}

fn inspector(disk: &FaultyDisk) -> Inspector {
    Inspector::open_on(Arc::new(disk.clone()))
}

pub(crate) fn verify(disk: &FaultyDisk) -> Verified {
    offline(disk).verify().unwrap()
}

/// A folder with a block of each of `blocks` and a part of log records, and `tail` in the log.
pub(crate) async fn folder(blocks: &[&[Span]], tail: &[Span]) -> FaultyDisk {
    let disk = FaultyDisk::new();
    let store = store(&disk);
    store
        .append(log_request(200, &[log(1, 1), log(2, 2)]))
        .await
        .unwrap();
    for (number, spans) in (1..).zip(blocks) {
        store.append(request(number, spans)).await.unwrap();
        store.flush().await.unwrap();
    }
    if !tail.is_empty() {
        store.append(request(99, tail)).await.unwrap();
    }
    drop(store);
    disk
}

/// Every file, with its bytes.
pub(crate) fn contents(disk: &FaultyDisk) -> BTreeMap<String, Vec<u8>> {
    let paths = disk.paths("").into_iter();
    paths
        .map(|path| (path.clone(), disk.contents(&path)))
        .collect()
}

/// The files of parts.
pub(crate) fn parts(disk: &FaultyDisk) -> Vec<String> {
    let tables = ["lake/logs/hour", "lake/rollups/hour", "lake/edges/hour"].into_iter();
    tables.flat_map(|table| disk.paths(table)).collect()
}

/// Makes a file.
pub(crate) fn put(disk: &FaultyDisk, path: &str, bytes: &[u8]) {
    let file = disk.create(path).unwrap();
    file.write_at(0, bytes).unwrap();
}

/// Spans that share some texts, in traces of four.
pub(crate) fn many(n: u64) -> Vec<Span> {
    let span = |id| Span {
        name: format!("operation {}", id % 7),
        ..span((id / 4 % 200) as u8, id)
    };
    (0..n).map(span).collect()
}

#[tokio::test]
async fn figures_add_up_to_every_byte_on_the_disk() {
    let disk = folder(&[&many(3_000), &[span(3, 3)]], &[span(4, 4)]).await;
    let found = inspector(&disk).inspect().unwrap();
    let files = contents(&disk);
    let on_disk: u64 = files.values().map(|bytes| bytes.len() as u64).sum();
    assert_eq!((found.bytes, found.bytes_told()), (on_disk, on_disk));
    let names: Vec<_> = found.tables.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["spans", "logs", "rollups", "edges"]);
    for table in &found.tables {
        let mut sum = Anatomy::default();
        for file in &table.files {
            assert_eq!(file.unreadable, None);
            assert_eq!(file.bytes, files[&file.path].len() as u64, "{}", file.path);
            assert_eq!((file.anatomy.total(), file.anatomy.rest), (file.bytes, 0));
            sum.add(&file.anatomy);
        }
        assert_eq!(table.anatomy, sum);
        let of = |bytes: fn(&storage::ColumnFacts) -> u64| table.columns.iter().map(bytes).sum();
        let pages: u64 = of(|column| column.bytes);
        assert_eq!(pages, sum.data_pages + sum.dictionary_pages);
        let dictionaries: u64 = of(|column| column.dictionary_bytes);
        assert_eq!(dictionaries, sum.dictionary_pages);
        let indexes: u64 = of(|column| column.index_bytes);
        assert_eq!(indexes, sum.bloom_filters + sum.page_indexes);
    }
    let spans = &found.tables[0];
    assert_eq!((spans.files.len(), spans.rows), (2, 3_001));
    assert!(spans.anatomy.trace_tables > 0 && spans.anatomy.trace_filters > 0);
    let names = spans.columns.iter().find(|c| c.name == "name").unwrap();
    assert_eq!(names.values, 3_001);
    assert!(names.dictionary_bytes > 0 && names.compression.contains("ZSTD"));
    assert_eq!((found.tables[1].files.len(), found.tables[1].rows), (1, 2));
    assert_eq!(found.others["log"].files, 1);
}

#[tokio::test]
async fn one_file_is_told_page_by_page() {
    let disk = folder(&[&many(3_000), &[span(3, 3)]], &[]).await;
    let inspector = inspector(&disk);
    let path = disk.paths("lake/spans/hour").remove(0);
    let name = path.rsplit('/').next().unwrap();
    for called in [path.as_str(), name, name.trim_end_matches(".parquet")] {
        let found = inspector.file(called).unwrap().unwrap();
        assert_eq!(found.file.path, path);
        let [group] = &found.groups[..] else {
            panic!("one row group")
        };
        assert_eq!(group.rows, 3_000);
        for chunk in &group.columns {
            let pages: u64 = chunk.places.iter().map(|page| page.bytes).sum();
            let column = &chunk.column;
            assert_eq!(pages + column.dictionary_bytes, column.bytes);
            assert_eq!(chunk.places.len() as u64, column.pages);
        }
    }
    let by_number = inspector.file("1").unwrap().unwrap();
    assert_eq!(by_number.file.id, Some(1), "a part");
    assert_eq!(inspector.file("0").unwrap(), None);
    assert_eq!(inspector.file("7777").unwrap(), None);
}

#[tokio::test]
async fn a_folder_is_looked_at_beside_a_store_and_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let config = storage::Config {
        data_dir: folder.path().to_owned(),
        ..config()
    };
    let running = Store::open(config, clock(), Default::default()).unwrap();
    running.append(request(1, &[span(1, 1)])).await.unwrap();
    running.flush().await.unwrap();
    running.append(request(2, &[span(2, 2)])).await.unwrap();
    let found = Inspector::open(folder.path()).unwrap().inspect().unwrap();
    assert_eq!(found.tables[0].rows, 1);
    assert_eq!(found.bytes, found.bytes_told());
    let taken = || Offline::open(folder.path());
    assert!(matches!(taken(), Err(OpenError::Locked)));
    drop(running);
    let found = taken().unwrap().verify().unwrap();
    assert_eq!((found.problems, found.spans, found.records), (vec![], 1, 1));
}

#[tokio::test]
async fn a_check_changes_nothing() {
    let disk = folder(&[&[span(1, 1)]], &[span(2, 2)]).await;
    let before = contents(&disk);
    verify(&disk);
    assert_eq!(contents(&disk), before);
}

#[tokio::test]
async fn a_plan_says_what_is_read_and_skipped() {
    let disk = folder(&[&[span(1, 1), span(2, 2)], &[span(3, 3)]], &[]).await;
    let inspector = inspector(&disk);
    let everything = ScanRequest::all(TenantId::default_tenant());
    let plan = async |request: &ScanRequest| -> Vec<BlockPlan> {
        inspector.plan(request, clock()).await.unwrap().blocks
    };
    let all = plan(&everything).await;
    let rows: Vec<_> = all.iter().map(|b| b.figures.rows_read).collect();
    assert_eq!(rows, [2, 1]);
    for block in &all {
        assert_eq!((block.figures.blocks_read, &block.failed), (1, &None));
        assert!(block.figures.bytes_read > 0 && block.figures.pages_read > 0);
    }
    let late = ScanRequest {
        time: TimeRange {
            start_unix_nano: NOW + 3,
            end_unix_nano: i64::MAX,
        },
        ..everything.clone()
    };
    let of_late = plan(&late).await;
    assert_eq!(of_late[0].figures.blocks_pruned_by_time, 1);
    assert_eq!(of_late[0].figures.bytes_read, 0);
    assert_eq!(of_late[1].figures.rows_read, 1);
    let service = Field::Column(columnar::Column::ServiceName);
    let nobody = Scalar::String("nobody".to_owned());
    let of_nobody = ScanRequest {
        predicate: Predicate::Compare(service, CompareOp::Eq, nobody),
        ..everything.clone()
    };
    for block in plan(&of_nobody).await {
        assert_eq!(block.figures.blocks_pruned_by_statistics, 1);
    }
    let one = ScanRequest {
        trace_ids: Some(Arc::from([trace_id(3)])),
        ..everything
    };
    let of_one = plan(&one).await;
    assert_eq!(of_one[0].figures.blocks_pruned_by_index, 1);
    assert_eq!(of_one[1].figures.rows_read, 1);
}

#[tokio::test]
async fn a_folder_is_read_without_a_store_and_not_changed() {
    let disk = folder(&[&[span(1, 1), span(2, 2)]], &[span(3, 3), span(1, 4)]).await;
    let running = store(&disk);
    running
        .erase(hold(vec![trace_id(2)], "asked for"), NOW + 1)
        .await
        .unwrap();
    drop(running);
    let before = contents(&disk);
    let source = offline(&disk).source(clock()).unwrap();
    assert_eq!(
        all(&source).await,
        sorted(&[span(1, 1), span(3, 3), span(1, 4)])
    );
    assert!(source.recovery().damaged.is_empty());
    drop(source);
    assert_eq!(contents(&disk), before);
}

#[tokio::test]
async fn what_stores_write_and_merge_is_found_to_be_well() {
    let (first, second) = (many(5_000), many(700));
    let disk = folder(&[&first, &second, &[span(9, 9)]], &[span(4, 4)]).await;
    let checked = |disk: &FaultyDisk| {
        let found = verify(disk);
        assert_eq!((found.problems, found.without_checksum), (vec![], 0));
        assert_eq!(found.parts, parts(disk).len() as u64);
        (found.blocks, found.spans)
    };
    assert_eq!(checked(&disk), (3, 5_701));
    let found = verify(&disk);
    assert_eq!((found.segments, found.records), (1, 1));
    assert!(found.parts >= 3 && found.part_rows > 2);
    let running = store(&disk);
    running.flush().await.unwrap();
    running.compact().await.unwrap();
    drop(running);
    // 701 spans of the second request are those of the first once more.
    assert_eq!(checked(&disk), (1, 5_002));
}

#[tokio::test]
async fn folders_of_earlier_formats_are_checked_too() {
    for (name, spans) in [("block-v1", 3), ("block-v2", 3)] {
        let folder = tempfile::tempdir().unwrap();
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
        crate::golden::copy(&golden.join(name), folder.path());
        let found = Offline::open(folder.path()).unwrap().verify().unwrap();
        assert_eq!((found.problems, found.spans), (vec![], spans), "{name}");
        assert_eq!((found.blocks, found.without_checksum), (1, 1));
    }
    let nothing = tempfile::tempdir().unwrap();
    assert!(Offline::open(nothing.path()).is_err());
    assert!(Inspector::open(nothing.path()).is_err());
    assert_eq!(std::fs::read_dir(nothing.path()).unwrap().count(), 0);
}

/// Changes bytes of the file at `path`, one after the other, and expects each to be told.
fn each_byte_is_told(disk: &FaultyDisk, path: &str, places: impl Iterator<Item = usize>) {
    let whole = disk.contents(path);
    for at in places {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        disk.set_contents(path, bytes);
        let problems = verify(disk).problems;
        let named = problems.iter().any(|p| p.path == path);
        assert!(
            named,
            "byte {at} of {} of {path}: {problems:?}",
            whole.len()
        );
    }
    disk.set_contents(path, whole);
}

#[tokio::test]
async fn a_changed_byte_is_told_wherever_it_is() {
    let disk = folder(&[&many(300)], &[span(4, 4), span(5, 5)]).await;
    let tables = [
        "lake/spans/hour",
        "lake/logs/hour",
        "lake/rollups/hour",
        "lake/edges/hour",
    ];
    for path in tables.iter().filter_map(|table| disk.paths(table).pop()) {
        let len = disk.contents(&path).len();
        each_byte_is_told(&disk, &path, (0..len).step_by(211).chain(len - 12..len));
    }
    let catalog = disk.paths("catalog/").remove(0);
    let text = String::from_utf8(disk.contents(&catalog)).unwrap();
    each_byte_is_told(&disk, &catalog, (0..text.len()).step_by(5));
    for table in ["spans", "logs", "edges"] {
        let log = format!("lake/{table}/_delta_log/");
        let entry = disk.paths(&log).remove(1);
        let text = String::from_utf8(disk.contents(&entry)).unwrap();
        // The first line, of which other tools show a part, has the checksum of the others.
        let first = text.find('\n').unwrap() + 1;
        each_byte_is_told(&disk, &entry, (first..text.len()).step_by(7));
    }
    let segment = disk.paths("log/").remove(0);
    let bytes = disk.contents(&segment);
    let salt = &bytes[32..40];
    let starts = (64..bytes.len()).step_by(8);
    let record = starts.filter(|&at| bytes[at..].starts_with(salt)).max();
    // The last record may be torn, since no later one proves that it was acknowledged; the header may not.
    each_byte_is_told(
        &disk,
        &segment,
        (8..64).chain(64..record.unwrap()).step_by(13),
    );
    let mut torn = bytes.clone();
    torn[record.unwrap() + 70] ^= 1;
    disk.set_contents(&segment, torn);
    let found = verify(&disk);
    assert_eq!((found.problems.len(), found.records), (0, 0));
    assert!(found.notes[0].starts_with(&segment), "{:?}", found.notes);
}

#[tokio::test]
async fn no_damage_of_a_part_ends_a_check() {
    let disk = folder(&[&many(40)], &[]).await;
    for path in parts(&disk) {
        let whole = disk.contents(&path);
        for at in (3..whole.len()).step_by(90) {
            let mut bytes = whole.clone();
            bytes[at..]
                .iter_mut()
                .take(3)
                .for_each(|byte| *byte ^= 0xa5);
            disk.set_contents(&path, bytes);
            assert_eq!(verify(&disk).problems.len(), 1, "byte {at} of {path}");
        }
        disk.set_contents(&path, whole);
    }
}

#[tokio::test]
async fn damage_says_where_it_is() {
    let disk = folder(&[&many(3_000)], &[span(4, 4)]).await;
    let path = disk.paths("lake/spans/hour").remove(0);
    let whole = disk.contents(&path);
    let block = inspector(&disk).file(&path).unwrap().unwrap();
    let chunk = |name: &str| {
        let columns = &block.groups[0].columns;
        columns.iter().find(|c| c.column.name == name).unwrap()
    };
    let page = chunk("span_id").places[0];
    let footer = whole.len() - 20;
    for (at, expected) in [
        (
            page.offset + page.bytes / 2,
            "row group 0: cannot read span_id: ",
        ),
        (footer as u64, "the checksum of the file differs"),
    ] {
        let mut bytes = whole.clone();
        bytes[at as usize] ^= 0x40;
        disk.set_contents(&path, bytes);
        let [problem] = &verify(&disk).problems[..] else {
            panic!("one problem")
        };
        assert!(matches!(problem.subject, Subject::Block(_)));
        assert!(problem.what.contains(expected), "{}", problem.what);
    }
    disk.set_contents(&path, whole);
    put(&disk, "state/holds.json", b"{}");
    let [problem] = &verify(&disk).problems[..] else {
        panic!("one problem")
    };
    assert_eq!(
        (problem.subject, problem.path.as_str()),
        (Subject::Holds, "state/holds.json")
    );
}
