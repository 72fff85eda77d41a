//! Writers that meet at one table, what a checkpoint keeps, and what goes when.

use std::collections::HashSet;
use std::time::Duration;

use arrow::datatypes::{DataType, Field, Schema};
use clock::{ManualClock, SeededEntropy};
use object_store::memory::InMemory;

use super::*;
use crate::disk::RealDisk;
use crate::lake::{FolderObjects, LakeObjects};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// 2100-01-01: everything that the machine writes during a test is old.
const LATE: i64 = 4_102_444_800_000_000_000;

/// A lake, and writers of its table `t`.
struct Rig {
    lake: Lake,
    clock: Arc<ManualClock>,
    entropy: SeededEntropy,
    _folder: Option<tempfile::TempDir>,
}

impl Rig {
    fn in_memory() -> Self {
        let runtime = Arc::new(LakeRuntime::start(Some(HOUR)).unwrap());
        let objects = LakeObjects::new(Arc::new(InMemory::new()));
        Self::of(Lake::of_objects(objects, runtime), None)
    }

    fn in_folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(RealDisk::open(folder.path()).unwrap());
        let objects = LakeObjects::new(Arc::new(FolderObjects::new(disk, "w")));
        let runtime = Arc::new(LakeRuntime::start(None).unwrap());
        Self::of(Lake::of_objects(objects, runtime), Some(folder))
    }

    fn of(lake: Lake, folder: Option<tempfile::TempDir>) -> Self {
        Self {
            lake,
            clock: Arc::new(ManualClock::at(LATE)),
            entropy: SeededEntropy::new(1),
            _folder: folder,
        }
    }

    fn open(&self, app: &str) -> (Table, Vec<String>) {
        self.try_open(app, &["id"]).unwrap()
    }

    fn try_open(&self, app: &str, columns: &[&str]) -> Result<(Table, Vec<String>), TableError> {
        let fields = columns
            .iter()
            .map(|c| Field::new(*c, DataType::Int64, true));
        let spec = TableSpec {
            name: "t".to_owned(),
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            partition_columns: vec!["p".to_owned()],
            properties: BTreeMap::new(),
            app: app.to_owned(),
        };
        Table::open_or_create(&self.lake, &spec, self.clock.clone(), &self.entropy)
    }

    /// A commit that adds the file `p=1/name`.
    fn adding(&self, name: &str, txn: Option<Txn>) -> Prepared {
        Prepared {
            id: CommitId::random(&self.entropy),
            operation: "WRITE",
            adds: vec![DataFile {
                path: format!("p=1/{name}"),
                bytes: 3,
                modified_unix_milli: 5,
                partition_values: [("p".to_owned(), "1".to_owned())].into(),
                stats: Some("{\"numRecords\":1}".to_owned()),
                tags: [("k".to_owned(), format!("{{\"of\":\"{name}\"}}"))].into(),
            }],
            removes: vec![],
            txn,
            data_change: true,
        }
    }

    fn removing(&self, name: &str) -> Prepared {
        Prepared {
            adds: vec![],
            removes: vec![format!("p=1/{name}")],
            ..self.adding(name, None)
        }
    }

    fn write_file(&self, name: &str) {
        let disk = self.lake.table_disk("t/p=1").unwrap();
        let file = disk.create(name).unwrap();
        file.write_at(0, b"abc").unwrap();
        file.sync().unwrap();
    }

    /// The objects in a folder of the table.
    fn names(&self, folder: &str) -> Vec<String> {
        let disk = self.lake.table_disk("t").unwrap();
        let mut names: Vec<_> = disk
            .list(folder)
            .unwrap()
            .into_iter()
            .map(|e| e.name)
            .collect();
        names.sort();
        names
    }

    fn change_log(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = Path::from(format!("{LOG}/{name}"));
        let (objects, from) = (self.lake.table_objects("t"), path.clone());
        let get = async move { objects.get(&from).await.unwrap().bytes().await };
        let mut bytes = self.lake.runtime.wait_long(get).unwrap().unwrap().to_vec();
        change(&mut bytes);
        let objects = self.lake.table_objects("t");
        let put = async move { objects.put(&path, bytes.into()).await };
        self.lake.runtime.wait_long(put).unwrap().unwrap();
    }

    fn remove_log(&self, name: &str) {
        let objects = self.lake.table_objects("t");
        let path = Path::from(format!("{LOG}/{name}"));
        let remove = async move { objects.delete(&path).await };
        self.lake.runtime.wait_long(remove).unwrap().unwrap();
    }
}

fn txn(after: Option<u64>, version: u64) -> Option<Txn> {
    Some(Txn {
        app: "a".to_owned(),
        after,
        after_commit: None,
        version,
    })
}

fn paths(table: &Table) -> Vec<String> {
    table
        .snapshot()
        .files
        .iter()
        .map(|f| f.path.clone())
        .collect()
}

fn commit(table: &Table, commit: &Prepared) -> Result<u64, CommitError> {
    table.commit(commit, &mut Vec::new())
}

#[test]
fn two_writers_land_every_commit() {
    for rig in [Rig::in_memory(), Rig::in_folder()] {
        let writers = ["a", "b"].map(|app| rig.open(app).0);
        let rig = &rig;
        std::thread::scope(|scope| {
            for (number, table) in writers.iter().enumerate() {
                scope.spawn(move || {
                    for n in 0..20 {
                        commit(table, &rig.adding(&format!("{number}-{n}"), None)).unwrap();
                    }
                });
            }
        });
        let (third, damaged) = rig.open("c");
        assert_eq!(third.snapshot().version, 40);
        assert_eq!((paths(&third).len(), damaged.len()), (40, 0));
        for table in &writers {
            table.refresh(&mut Vec::new()).unwrap();
            assert_eq!(paths(table), paths(&third));
        }
    }
}

#[test]
fn a_commit_sees_what_came_before_it_and_is_told_when_it_is_repeated() {
    let rig = Rig::in_memory();
    let (one, two) = (rig.open("a").0, rig.open("b").0);
    commit(&one, &rig.adding("x", None)).unwrap();
    let (mut changes, own) = (Vec::new(), rig.adding("y", None));
    assert_eq!(two.commit(&own, &mut changes).unwrap(), 2);
    let seen: Vec<_> = changes
        .iter()
        .map(|c| (c.version, c.adds[0].path.as_str()))
        .collect();
    assert_eq!(seen, [(1, "p=1/x"), (2, "p=1/y")]);
    assert_eq!(changes[1].id, Some(own.id));
    // As after a put whose answer was lost.
    assert_eq!(two.commit(&own, &mut changes).unwrap(), 2);
    assert_eq!(
        one.commit(&own, &mut Vec::new()).unwrap(),
        2,
        "seen by its name"
    );
    assert_eq!(changes.len(), 2);
}

#[test]
fn of_two_that_remove_one_file_the_second_is_told() {
    let rig = Rig::in_memory();
    let (one, two) = (rig.open("a").0, rig.open("b").0);
    commit(&one, &rig.adding("x", None)).unwrap();
    two.refresh(&mut Vec::new()).unwrap();
    commit(&one, &rig.removing("x")).unwrap();
    let mut changes = Vec::new();
    let error = two.commit(&rig.removing("x"), &mut changes).unwrap_err();
    assert!(matches!(error, CommitError::Conflict(gone) if gone == ["p=1/x"]));
    assert_eq!(changes[0].removes, ["p=1/x"], "what it lost to is seen");
    assert_eq!(commit(&two, &rig.adding("y", None)).unwrap(), 3);
}

#[test]
fn who_finds_the_txn_moved_is_fenced() {
    let rig = Rig::in_memory();
    let (one, two) = (rig.open("a").0, rig.open("a").0);
    commit(&one, &rig.adding("x", txn(None, 3))).unwrap();
    let error = commit(&two, &rig.adding("y", txn(None, 3))).unwrap_err();
    assert!(matches!(
        error,
        CommitError::TxnMoved {
            found: Some(3),
            expected: None
        }
    ));
    assert_eq!(commit(&one, &rig.adding("z", txn(Some(3), 4))).unwrap(), 2);
    assert_eq!(paths(&rig.open("a").0), ["p=1/x", "p=1/z"]);
}

#[test]
fn a_checkpoint_keeps_files_with_tags_txns_and_tombstones() {
    for rig in [Rig::in_memory(), Rig::in_folder()] {
        let (table, _) = rig.open("a");
        for n in 0..6 {
            let after = (n > 0).then(|| n - 1);
            commit(&table, &rig.adding(&format!("{n}"), txn(after, n))).unwrap();
        }
        commit(&table, &rig.removing("0")).unwrap();
        table.checkpoint(DAY).unwrap();
        // Every entry is as old as can be, so only what the checkpoint and what follows needs stays.
        let log: Vec<_> = rig
            .names(LOG)
            .into_iter()
            .filter(|n| n.starts_with('0'))
            .collect();
        let version = format!("{:020}", 7);
        assert_eq!(
            log,
            [
                format!("{version}.checkpoint.parquet"),
                format!("{version}.json")
            ]
        );
        commit(&table, &rig.adding("last", txn(Some(5), 6))).unwrap();
        let (again, damaged) = rig.open("a");
        let (before, after) = (table.snapshot(), again.snapshot());
        assert_eq!(
            before.files, after.files,
            "tags, statistics and partition values"
        );
        assert_eq!((after.version, after.txns.get("a")), (8, Some(&6)));
        assert!(again.is_tombstone("p=1/0") && damaged.is_empty());
        assert_eq!(
            commit(&again, &rig.adding("x", txn(Some(6), 7))).unwrap(),
            9
        );
        assert_eq!(commit(&rig.open("a").0, &rig.removing("last")).unwrap(), 10);
    }
}

#[test]
fn a_damaged_checkpoint_is_told_and_replaced_by_what_came_before_it() {
    let rig = Rig::in_memory();
    let (table, _) = rig.open("a");
    for name in ["x", "y"] {
        commit(&table, &rig.adding(name, None)).unwrap();
        table.checkpoint(DAY * 100_000).unwrap();
    }
    let name = format!("{:020}.checkpoint.parquet", 2);
    rig.change_log(&name, |bytes| bytes.truncate(bytes.len() / 2));
    let (again, damaged) = rig.open("a");
    assert_eq!(damaged, [format!("t/{LOG}/{name}")]);
    assert_eq!(again.snapshot().files, table.snapshot().files);
    // Without what came before it, it is needed.
    rig.remove_log(&format!("{:020}.checkpoint.parquet", 1));
    rig.remove_log(&format!("{:020}.json", 0));
    let error = rig.try_open("a", &["id"]).unwrap_err();
    assert!(matches!(error, TableError::Damaged { path, .. } if path.ends_with(&name)));
}

#[test]
fn damaged_and_missing_entries_are_named() {
    let rig = Rig::in_memory();
    let (table, _) = rig.open("a");
    for name in ["x", "y"] {
        commit(&table, &rig.adding(name, None)).unwrap();
    }
    let name = format!("{:020}.json", 1);
    rig.change_log(&name, |bytes| {
        let last = bytes.len() - 10;
        bytes[last] ^= 1;
    });
    let error = rig.try_open("a", &["id"]).unwrap_err().to_string();
    assert!(
        error.contains(&format!("t/{LOG}/{name} is damaged")),
        "{error}"
    );
    rig.remove_log(&name);
    let error = rig.try_open("a", &["id"]).unwrap_err();
    assert!(matches!(error, TableError::Missing { path } if path.ends_with(&name)));
}

#[test]
fn a_table_gets_new_columns_once() {
    let rig = Rig::in_memory();
    let (old, _) = rig.open("a");
    let (new, _) = rig.try_open("b", &["id", "more"]).unwrap();
    assert_eq!(new.snapshot().version, 1);
    rig.try_open("b", &["id", "more"]).unwrap();
    rig.open("a");
    old.refresh(&mut Vec::new()).unwrap();
    assert_eq!(
        old.snapshot().version,
        1,
        "who knows fewer columns takes none away"
    );
    let schema = old.state().metadata["schemaString"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(schema.contains("more"));
}

#[test]
fn a_writer_that_was_away_while_the_log_was_cleaned_up_reads_it_anew() {
    let rig = Rig::in_memory();
    let (away, table) = (rig.open("b").0, rig.open("a").0);
    for name in ["x", "y"] {
        commit(&table, &rig.adding(name, None)).unwrap();
    }
    commit(&table, &rig.removing("x")).unwrap();
    table.checkpoint(DAY).unwrap();
    rig.clock.advance(DAY);
    let mut changes = Vec::new();
    let version = away.commit(&rig.adding("z", None), &mut changes).unwrap();
    assert_eq!(version, 4, "not the number of an entry that is gone");
    assert_eq!(paths(&away), ["p=1/y", "p=1/z"]);
    assert_eq!(changes.len(), 2);
}

#[test]
fn a_txn_that_another_set_to_the_same_number_is_told() {
    let rig = Rig::in_memory();
    let (one, two) = (rig.open("a").0, rig.open("a").0);
    let first = rig.adding("x", txn(None, 3));
    commit(&one, &first).unwrap();
    commit(&two, &rig.adding("y", None)).unwrap();
    let after_first = |version: u64| {
        let txn = txn(Some(3), version).unwrap();
        Some(Txn {
            after_commit: Some(first.id),
            ..txn
        })
    };
    commit(&two, &rig.adding("z", txn(Some(3), 3))).unwrap();
    let error = commit(&one, &rig.adding("w", after_first(4))).unwrap_err();
    assert!(matches!(error, CommitError::TxnMoved { .. }));
}

#[test]
fn files_that_left_the_table_are_due_after_their_grace_when_nobody_holds_them() {
    let rig = Rig::in_memory();
    let (table, _) = rig.open("a");
    for name in ["kept", "removed", "read"] {
        commit(&table, &rig.adding(name, None)).unwrap();
    }
    let is_read = |f: &&Arc<DataFile>| f.path.ends_with("read");
    let read = table.snapshot().files.iter().find(is_read).unwrap().clone();
    for name in ["removed", "read"] {
        commit(&table, &rig.removing(name)).unwrap();
    }
    rig.clock.advance(HOUR);
    assert_eq!(table.due_tombstones(2 * HOUR, true, |_| true), (vec![], 2));
    rig.clock.advance(HOUR);
    let (due, left) = table.due_tombstones(2 * HOUR, true, |_| true);
    assert_eq!((due.as_slice(), left), (&["p=1/removed".to_owned()][..], 1));
    assert_eq!(table.due_tombstones(2 * HOUR, false, |_| true).0.len(), 2);
    table.forget_tombstones(&due);
    drop(read);
    let due = vec!["p=1/read".to_owned()];
    assert_eq!(table.due_tombstones(2 * HOUR, true, |_| true), (due, 0));
}

#[test]
fn a_vacuum_removes_old_files_that_never_were_in_the_table() {
    for rig in [Rig::in_memory(), Rig::in_folder()] {
        let (table, _) = rig.open("a");
        for name in ["kept", "removed", "orphan", "tried"] {
            rig.write_file(name);
        }
        for name in ["kept", "removed"] {
            commit(&table, &rig.adding(name, None)).unwrap();
        }
        commit(&table, &rig.removing("removed")).unwrap();
        let tried = HashSet::from(["p=1/tried".to_owned()]);
        assert_eq!(table.vacuum(HOUR, &tried).unwrap(), 1);
        assert_eq!(rig.names("p=1"), ["kept", "removed", "tried"]);
        assert_eq!(paths(&rig.open("a").0), ["p=1/kept"]);
    }
}

#[test]
fn a_file_that_is_being_written_is_no_orphan() {
    let rig = Rig::in_memory();
    let (table, _) = rig.open("a");
    rig.write_file("new");
    let meta = table.list().unwrap().remove(0);
    let written = meta.last_modified.timestamp_nanos_opt().unwrap();
    let clock = Arc::new(ManualClock::at(written));
    let table = Table {
        clock: clock.clone(),
        ..table
    };
    clock.advance(23 * HOUR);
    assert_eq!(
        table.vacuum(Duration::ZERO, &Default::default()).unwrap(),
        0
    );
    clock.advance(2 * HOUR);
    assert_eq!(
        table.vacuum(Duration::ZERO, &Default::default()).unwrap(),
        1
    );
}
