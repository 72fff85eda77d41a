//! Data folders with catalogs of earlier versions, as builds of their time left them: `golden`.
//!
//! `catalog-1`: three commits, each of one block of one request (1 to 3) of four spans, and request 4 of one span in the log.
//! `catalog-2`: the same, with requests 1 and 2 merged, and trace 1 pinned.
//! `catalog-3`: the same, and with requests 1 to 3 another of one log record each (11 to 13), and counts of all spans.
//! `catalog-4`: the same with blocks in a Delta table; parts still lie beside the lake, those of the first two requests merged.

use std::path::Path;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use storage::{Config, LakeLocation, OpenError, Store};
use store_api::{Appended, Holds, KeepAll, SpanSink};

use crate::support::{
    all, all_logs, clock, config, counted, log, log_request, request, sorted, span,
};
use sim::disk::{Fault, FaultyDisk, Survives};

const GOLDENS: [&str; 4] = ["catalog-1", "catalog-2", "catalog-3", "catalog-4"];

pub(crate) fn golden(name: &str) -> FaultyDisk {
    let disk = FaultyDisk::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    let root = root.join(name);
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
                disk.plant(name, std::fs::read(&path).unwrap());
            }
        }
    }
    disk
}

fn spans_of(golden: &str, number: u8) -> Vec<model::Span> {
    let mut spans: Vec<_> = match number {
        4 => vec![span(9, 40)],
        n => (0..4)
            .map(|i| span(n % 2 + i as u8 % 2, u64::from(n) * 10 + i))
            .collect(),
    };
    if golden == "catalog-1" {
        // Trace ids of its time had all bytes alike.
        for id in spans.iter_mut().map(|s| &mut s.trace_id.0) {
            id[0] = id[1];
        }
    }
    spans
}

fn open(disk: &FaultyDisk, config: &Config) -> Result<Store, OpenError> {
    Store::open_on(
        Arc::new(disk.clone()),
        config,
        clock(),
        Default::default(),
        Arc::new(KeepAll),
    )
}

async fn check(golden: &str, disk: &FaultyDisk, config: &Config, when: &str) {
    let store = open(disk, config).unwrap_or_else(|e| panic!("{when}: {e} {e:?}"));
    assert_eq!(store.recovery().damaged, [""; 0], "{when}");
    let expected: Vec<_> = (1..=4).flat_map(|n| spans_of(golden, n)).collect();
    assert_eq!(all(&store).await, sorted(&expected), "{when}");
    // The requests of catalog 1 came half an hour apart, so only the last one is remembered.
    let remembered = if golden == "catalog-1" { 4 } else { 1 };
    for number in remembered..=4 {
        let spans = spans_of(golden, number);
        let done = store.append(request(number, &spans)).await;
        assert_eq!(done.unwrap(), Appended::Duplicate, "{when}: {number}");
    }
    store.append(request(5, &[span(5, 50)])).await.unwrap();
    store.flush().await.unwrap();
    assert_eq!(all(&store).await.len(), expected.len() + 1, "{when}");
    if ["catalog-3", "catalog-4"].contains(&golden) {
        let logs: Vec<_> = (1..=3).map(|n| log(n, u64::from(n))).collect();
        assert_eq!(all_logs(&store).await, sorted(&logs), "{when}");
        for number in 1..=3 {
            let logs = [log(number, u64::from(number))];
            let done = store.append(log_request(10 + number, &logs)).await;
            assert_eq!(done.unwrap(), Appended::Duplicate, "{when}: {number}");
        }
        let counted = counted(&store, 3600).await;
        for span in expected {
            assert_eq!(counted.get(&span.name), Some(&1), "{when}: {}", span.name);
        }
    }
    for folder in ["blocks/", "logs/", "rollups/", "edges/"] {
        assert_eq!(disk.paths(folder), [""; 0], "{when}");
    }
}

#[tokio::test]
async fn folders_with_earlier_catalogs_are_upgraded() {
    for name in GOLDENS {
        check(name, &golden(name), &config(), name).await;
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = Config {
            lake: LakeLocation::Folder(folder.path().to_owned()),
            ..config()
        };
        let disk = golden(name);
        // A table that is there already lies where the lake was then.
        for path in disk.paths("lake/") {
            let to = folder.path().join(path.strip_prefix("lake/").unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::write(to, disk.contents(&path)).unwrap();
        }
        check(name, &disk, &elsewhere, "to another folder").await;
    }
}

#[tokio::test]
async fn what_a_merge_made_of_blocks_is_upgraded() {
    let disk = golden("catalog-2");
    let store = open(&disk, &config()).unwrap();
    assert_eq!(store.pins(&model::TenantId::default_tenant()).len(), 1);
    let mut levels: Vec<String> = disk.paths("lake/spans/hour");
    levels
        .iter_mut()
        .for_each(|p| *p = p.split("-L").last().unwrap().to_owned());
    levels.sort();
    assert_eq!(levels, ["0.parquet", "1.parquet"]);
}

#[tokio::test]
async fn a_checkpoint_of_version_1_is_read() {
    #[derive(serde::Deserialize)]
    struct File<'a> {
        #[serde(borrow)]
        commit: &'a RawValue,
    }
    let disk = golden("catalog-1");
    let mut whole = json!({"version": 3, "watermark": 0, "blocks": [], "requests": []});
    let paths = disk.paths("catalog/");
    for path in &paths {
        let bytes = disk.contents(path);
        let file: File<'_> = serde_json::from_slice(&bytes).unwrap();
        let commit: Value = serde_json::from_str(file.commit.get()).unwrap();
        whole["watermark"] = commit["watermark"].clone();
        for list in ["blocks", "requests"] {
            let more = commit[list].as_array().unwrap().clone();
            whole[list].as_array_mut().unwrap().extend(more);
        }
        storage::disk::Disk::remove(&disk, path).unwrap();
    }
    let text = whole.to_string();
    let crc = crc32c::crc32c(text.as_bytes());
    let file = format!("{{\"format_version\":1,\"crc32c\":{crc},\"commit\":{text}}}\n");
    disk.plant(
        "catalog/00000000000000000003.checkpoint.json",
        file.into_bytes(),
    );
    check("catalog-1", &disk, &config(), "from a checkpoint").await;
}

#[tokio::test]
async fn power_may_go_at_any_operation_of_the_upgrade() {
    for golden in ["catalog-3", "catalog-4"] {
        lose_power_in_upgrade(golden).await;
    }
}

async fn lose_power_in_upgrade(name: &str) {
    for n in 1.. {
        let disk = golden(name);
        disk.inject(Fault::PowerLoss(n));
        let opened = open(&disk, &config()).is_ok();
        for survives in [
            Survives::Nothing,
            Survives::Everything,
            Survives::Sectors(n),
        ] {
            let when = format!("power lost at operation {n}, {survives:?} survives");
            let disk = disk.power_cut(survives);
            check(name, &disk, &config(), &when).await;
        }
        if opened {
            assert!(n > 30, "the upgrade has only {n} operations");
            return;
        }
    }
}

#[tokio::test]
async fn a_damaged_catalog_of_version_1_is_refused() {
    let disk = golden("catalog-1");
    let path = disk.paths("catalog/").remove(1);
    let text = String::from_utf8(disk.contents(&path)).unwrap();
    let changed = text.replace("\"watermark\":2", "\"watermark\":3");
    disk.set_contents(&path, changed.into_bytes());
    let error = open(&disk, &config()).unwrap_err();
    assert!(matches!(error, OpenError::Catalog(_)), "{error} {error:?}");
    assert_eq!(disk.paths("catalog/").len(), 3, "nothing is thrown away");
}
