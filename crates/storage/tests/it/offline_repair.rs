//! Repairs: what is damaged is put away, and the rest is served.

use std::sync::Arc;

use model::{Span, TraceId};
use sim::disk::{Fault, FaultyDisk, Survives};
use storage::disk::Disk;
use storage::{Repaired, Subject};
use store_api::{KeepAll, SpanSink};

use crate::offline::{contents, folder, offline, parts, put, store, verify};
use crate::support::{
    all, all_logs, clock, config, counted, eager, log, log_request, request, sorted, span,
};
use crate::upgrade::golden;

/// Repairs what is wrong with `disk`, after which nothing is.
fn repair(disk: &FaultyDisk) -> Vec<Repaired> {
    let folder = offline(disk);
    let verified = folder.verify().unwrap();
    assert_ne!(verified.problems, []);
    let done = folder.repair(&verified, clock()).unwrap();
    assert_eq!(folder.verify().unwrap().problems, [], "after {done:?}");
    done
}

fn change(disk: &FaultyDisk, path: &str, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = disk.contents(path);
    change(&mut bytes);
    disk.set_contents(path, bytes.clone());
    bytes
}

fn of<'a>(done: &'a [Repaired], path: &str) -> &'a Repaired {
    let of_path = done.iter().find(|repaired| repaired.path == path);
    of_path.unwrap_or_else(|| panic!("nothing of {path} in {done:?}"))
}

#[tokio::test]
async fn damaged_blocks_and_parts_are_taken_out() {
    let disk = folder(
        &[&[span(1, 1)], &[span(2, 2)], &[span(3, 3)]],
        &[span(4, 4)],
    )
    .await;
    // Of one process, so in the order of their numbers.
    let paths = disk.paths("lake/spans/hour");
    let running = store(&disk);
    running
        .append(log_request(150, &[log(7, 7)]))
        .await
        .unwrap();
    running.flush().await.unwrap();
    drop(running);
    let short = change(&disk, &paths[0], |bytes| bytes.truncate(bytes.len() / 2));
    disk.remove(&paths[1]).unwrap();
    let mut of_logs = disk.paths("lake/logs/hour");
    of_logs.retain(|path| path.ends_with("-00000001-L0.parquet"));
    let part = of_logs.remove(0);
    let part_bytes = change(&disk, &part, |bytes| bytes[100] ^= 1);

    let done = repair(&disk);
    let short_one = of(&done, &paths[0]);
    assert_eq!((short_one.saved, short_one.lost), (0, 1));
    assert_eq!(
        disk.contents(short_one.quarantined.as_deref().unwrap()),
        short
    );
    assert_eq!(
        (of(&done, &paths[1]).lost, &of(&done, &paths[1]).quarantined),
        (1, &None)
    );
    let of_part = of(&done, &part);
    assert_eq!(of_part.lost, 2);
    assert_eq!(
        disk.contents(of_part.quarantined.as_deref().unwrap()),
        part_bytes
    );
    assert_eq!(verify(&disk).notes.len(), 2, "the files in quarantine");
    let running = store(&disk);
    assert_eq!(all(&running).await, sorted(&[span(3, 3), span(4, 4)]));
    assert_eq!(all_logs(&running).await, sorted(&[log(7, 7)]));
}

#[tokio::test]
async fn row_groups_that_can_be_read_are_saved() {
    let spans: Vec<Span> = (0..70_000)
        .map(|id| Span {
            trace_id: TraceId(u128::from(id + 1).to_be_bytes()),
            ..span(1, id)
        })
        .collect();
    let disk = folder(&[&spans], &[]).await;
    let path = disk.paths("lake/spans/hour").remove(0);
    change(&disk, &path, |bytes| bytes[4..400].fill(0xff));
    let problems = verify(&disk).problems;
    assert!(
        problems[0].what.contains("row group 0: cannot read"),
        "{problems:?}"
    );
    let done = repair(&disk);
    let block = of(&done, &path);
    assert_eq!((block.saved, block.lost), (70_000 - 65_536, 65_536));
    let running = store(&disk);
    let mut kept = spans[65_536..].to_vec();
    kept.push(span(9, 9));
    running.append(request(120, &[span(9, 9)])).await.unwrap();
    assert_eq!(all(&running).await, sorted(&kept));
}

#[tokio::test]
async fn what_can_be_read_of_a_damaged_log_goes_into_blocks() {
    let disk = folder(&[&[span(1, 1)]], &[span(2, 2)]).await;
    let running = store(&disk);
    running.append(request(101, &[span(3, 3)])).await.unwrap();
    running.append(request(102, &[span(4, 4)])).await.unwrap();
    running
        .append(log_request(103, &[log(5, 5)]))
        .await
        .unwrap();
    drop(running);
    let segment = disk.paths("log/").pop().unwrap();
    let bytes = disk.contents(&segment);
    let starts = (64..bytes.len()).step_by(8);
    let records: Vec<_> = starts
        .filter(|&at| bytes[at..].starts_with(&bytes[32..40]))
        .collect();
    let damaged = change(&disk, &segment, |bytes| bytes[records[0] + 100] ^= 1);
    let problems = verify(&disk).problems;
    assert_eq!(
        (problems[0].subject, problems[0].path.as_str()),
        (Subject::Log, segment.as_str())
    );
    assert!(
        problems[0]
            .what
            .contains("1 acknowledged records cannot be read"),
        "{problems:?}"
    );
    let done = repair(&disk);
    let copy = of(&done, &segment).quarantined.as_deref().unwrap();
    assert_eq!(disk.contents(copy), damaged);
    assert_eq!(
        disk.paths("log/"),
        [""; 0],
        "nothing is left to be read back"
    );
    let running = store(&disk);
    assert!(running.recovery().damaged.is_empty());
    assert_eq!(
        all(&running).await,
        sorted(&[span(1, 1), span(2, 2), span(4, 4)])
    );
    assert_eq!(
        all_logs(&running).await,
        sorted(&[log(1, 1), log(2, 2), log(5, 5)])
    );
}

#[tokio::test]
async fn a_damaged_catalog_is_made_anew() {
    let spans = [span(1, 1), span(2, 2), span(3, 3), span(4, 4)];
    let [first, second, third, tail] = spans.each_ref().map(std::slice::from_ref);
    // A step of three in a row is damaged, or gone, or all are; or an entry of the table's log, or all of both.
    for damage in 0..8 {
        let disk = folder(&[first, second, third], tail).await;
        let steps = disk.paths("catalog/");
        let entries = disk.paths("lake/spans/_delta_log/");
        let cut = |paths: &[String]| {
            for path in paths {
                change(&disk, path, |bytes| bytes.truncate(9));
            }
        };
        match damage {
            0..3 => drop(change(&disk, &steps[damage], |bytes| bytes[40] ^= 1)),
            3 => disk.remove(&steps[1]).unwrap(),
            4 => cut(&steps),
            5 => cut(&entries[2..3]),
            6 => disk.remove(&entries[1]).unwrap(),
            _ => {
                cut(&steps);
                cut(&entries);
            }
        }
        assert!(
            verify(&disk)
                .problems
                .iter()
                .all(|p| p.subject == Subject::Catalog),
            "{damage}"
        );
        let expected = format!("of {} parts", parts(&disk).len());
        let done = repair(&disk);
        assert!(of(&done, "catalog").what.contains(&expected), "{done:?}");
        if damage > 4 {
            let of_table = of(&done, "lake/spans");
            assert_eq!(of_table.what, "made anew of 3 blocks");
        }
        let running = store(&disk);
        assert!(running.recovery().damaged.is_empty());
        assert_eq!(all(&running).await, sorted(&spans), "{damage}");
        assert_eq!(all_logs(&running).await, sorted(&[log(1, 1), log(2, 2)]));
        // What comes later has numbers of its own.
        running.append(request(110, &[span(6, 6)])).await.unwrap();
        running.flush().await.unwrap();
        running.compact().await.unwrap();
        drop(running);
        assert_eq!(verify(&disk).problems, []);
        assert_eq!(all(&store(&disk)).await.len(), 5);
    }
}

/// What a merge replaced a moment ago is still there, for other readers.
#[tokio::test]
async fn parts_that_were_replaced_do_not_count_again_in_a_catalog_made_anew() {
    let disk = FaultyDisk::new();
    let graceful = || storage::Config {
        compaction: eager(),
        vacuum_grace: std::time::Duration::from_secs(3600),
        ..config()
    };
    let open = || {
        let (disk, filter) = (Arc::new(disk.clone()), Arc::new(KeepAll));
        storage::Store::open_on(disk, &graceful(), clock(), Default::default(), filter).unwrap()
    };
    let running = open();
    for number in 1..=3 {
        let spans = [span(number, u64::from(number))];
        running.append(request(number, &spans)).await.unwrap();
        let logs = log_request(100 + number, &[log(number, u64::from(number))]);
        running.append(logs).await.unwrap();
        running.flush().await.unwrap();
    }
    running.compact().await.unwrap();
    let before = counted(&running, 10).await;
    drop(running);
    assert_eq!(disk.paths("lake/rollups/hour").len(), 4);
    for path in disk.paths("catalog/") {
        change(&disk, &path, |bytes| bytes.truncate(9));
    }
    repair(&disk);
    let running = open();
    assert_eq!(counted(&running, 10).await, before);
    let logs: Vec<_> = (1..=3).map(|n| log(n, u64::from(n))).collect();
    assert_eq!(all_logs(&running).await, sorted(&logs));
}

#[tokio::test]
async fn blocks_that_a_damaged_catalog_named_are_put_away_when_they_are_damaged_too() {
    let disk = folder(&[&[span(1, 1)], &[span(2, 2)]], &[]).await;
    let commit = disk.paths("catalog/").pop().unwrap();
    change(&disk, &commit, |bytes| bytes[40] ^= 1);
    let block = disk.paths("lake/spans/hour").pop().unwrap();
    let bytes = change(&disk, &block, |bytes| bytes[40] ^= 0xff);
    let done = repair(&disk);
    assert_eq!(
        disk.contents(of(&done, &block).quarantined.as_deref().unwrap()),
        bytes
    );
    assert_eq!(all(&store(&disk)).await, sorted(&[span(1, 1)]));
}

#[tokio::test]
async fn files_that_nothing_names_are_put_away() {
    let disk = folder(&[&[span(1, 1)], &[span(2, 2)]], &[]).await;
    let path = disk.paths("lake/spans/hour").remove(0);
    let orphan = path.replace("-L0", "-L7");
    assert_ne!(orphan, path);
    put(&disk, &orphan, &disk.contents(&path));
    let found = verify(&disk);
    assert_eq!(found.problems, []);
    assert!(found.notes[0].starts_with(&orphan), "{:?}", found.notes);
    let name = orphan.rsplit('/').next().unwrap();
    for place in ["", ".2"].map(|more| format!("quarantine/{name}{more}")) {
        put(&disk, &orphan, &disk.contents(&path));
        let folder = offline(&disk);
        let done = folder.repair(&folder.verify().unwrap(), clock()).unwrap();
        assert_eq!(of(&done, &orphan).quarantined.as_ref(), Some(&place));
        assert_eq!(disk.contents(&place), disk.contents(&path));
    }
    assert_eq!(all(&store(&disk)).await, sorted(&[span(1, 1), span(2, 2)]));
}

#[tokio::test]
async fn pins_and_erasures_and_later_formats_are_left_to_a_person() {
    let disk = folder(&[&[span(1, 1)]], &[span(2, 2)]).await;
    put(&disk, "state/holds.json", b"{}");
    let segment = disk.paths("log/").pop().unwrap();
    change(&disk, &segment, |bytes| bytes[30] ^= 1);
    let before = contents(&disk);
    let folder = offline(&disk);
    let verified = folder.verify().unwrap();
    let subjects: Vec<_> = verified.problems.iter().map(|p| p.subject).collect();
    assert_eq!(subjects, [Subject::Holds, Subject::Log]);
    assert_eq!(folder.repair(&verified, clock()).unwrap(), []);
    assert_eq!(contents(&disk), before);
    drop(folder);
    let commit = disk.paths("catalog/").pop().unwrap();
    let text = String::from_utf8(disk.contents(&commit)).unwrap();
    let later = text.replace("\"format_version\":5", "\"format_version\":6");
    disk.set_contents(&commit, later.into_bytes());
    let folder = offline(&disk);
    let verified = folder.verify().unwrap();
    let subjects: Vec<_> = verified.problems.iter().map(|p| p.subject).collect();
    assert_eq!(subjects, [Subject::Holds, Subject::Version]);
    assert!(folder.repair(&verified, clock()).is_err());
}

/// The log records of the golden folder.
fn golden_logs() -> Vec<String> {
    let logs: Vec<_> = (1..=3).map(|n| log(n, u64::from(n))).collect();
    sorted(&logs)
}

#[tokio::test]
async fn what_an_upgrade_that_was_cut_short_has_moved_is_not_taken_out() {
    let mut repaired = 0;
    for n in (1..).step_by(3) {
        let disk = golden("catalog-4");
        disk.inject(Fault::PowerLoss(n));
        let opened = storage::Store::open_on(
            Arc::new(disk.clone()),
            &config(),
            clock(),
            Default::default(),
            Arc::new(KeepAll),
        );
        if opened.is_ok() {
            break;
        }
        let disk = disk.power_cut(Survives::Everything);
        if verify(&disk).problems.is_empty() {
            continue;
        }
        repaired += 1;
        let done = repair(&disk);
        assert_eq!(done.iter().map(|d| d.lost).sum::<u64>(), 0, "{done:?}");
        assert_eq!(all_logs(&store(&disk)).await, golden_logs(), "{n}");
    }
    assert!(repaired > 2, "{repaired} folders had something to repair");
}

#[tokio::test]
async fn a_damaged_catalog_with_parts_beside_the_lake_is_made_anew() {
    for n_damaged in [1, 7] {
        let disk = golden("catalog-4");
        for path in disk.paths("catalog/").iter().take(n_damaged) {
            change(&disk, path, |bytes| bytes.truncate(9));
        }
        let done = repair(&disk);
        assert!(of(&done, "catalog").what.contains("of 6 parts"), "{done:?}");
        assert_eq!(disk.paths("logs/"), [""; 0], "they are in the lake");
        let running = store(&disk);
        assert_eq!(all_logs(&running).await, golden_logs());
        assert_eq!(all(&running).await.len(), 13);
        let counted = counted(&running, 10).await;
        assert!(counted.values().all(|times| *times == 1), "{counted:?}");
    }
}
