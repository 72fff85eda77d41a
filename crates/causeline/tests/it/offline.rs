//! Commands on a data folder: inspect, verify, repair, export without a server.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::node::{Node, status_of};
use crate::otlp::{must_export, request, span, trace_id};

/// Whether a command succeeds, and what it says.
fn causeline(args: &[&str]) -> (bool, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_causeline"))
        .args(args)
        .output();
    let output = run.expect("the binary runs");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

fn json(args: &[&str]) -> serde_json::Value {
    let (done, said) = causeline(args);
    assert!(done, "{said}");
    serde_json::from_str(&said).expect("JSON")
}

/// The files under `folder`, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => found.push(path),
            }
        }
    }
    found.sort();
    found
}

/// The files of blocks in the data folder `folder`.
fn blocks(folder: &Path) -> Vec<PathBuf> {
    let mut found = files(&folder.join("lake/spans"));
    found.retain(|path| path.extension().is_some_and(|e| e == "parquet"));
    found
}

fn bytes(files: &[PathBuf]) -> u64 {
    let len = |file: &PathBuf| file.metadata().expect("a file").len();
    files.iter().map(len).sum()
}

/// A data folder with a block for each of traces 1 to 3, whose spans are called `work`, and a temporary folder that holds it.
async fn three_blocks() -> (tempfile::TempDir, PathBuf) {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = temporary.path().join("data");
    for trace in 1..4 {
        // Each end flushes a block.
        let node = Node::start(&folder, &[]);
        let spans = request("shop", vec![span(trace, 1, "work")]);
        must_export(&node.url("OTLP/HTTP"), &spans).await;
        node.terminate();
    }
    (temporary, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_inspected_to_the_byte() {
    let (_temporary, folder) = three_blocks().await;
    let dir = folder.to_str().expect("a path in UTF-8");
    let found = json(&["inspect", dir, "--json"]);
    assert_eq!(found["bytes"], bytes(&files(&folder)));
    let spans = &found["tables"][0];
    assert_eq!(spans["name"], "spans");
    assert_eq!(spans["bytes"], bytes(&blocks(&folder)));
    let columns = spans["columns"].as_array().expect("columns");
    let of_columns: u64 = columns.iter().filter_map(|c| c["bytes"].as_u64()).sum();
    let of = |what: &str| spans["anatomy"][what].as_u64().expect("a figure");
    assert_eq!(of_columns, of("data_pages") + of("dictionary_pages"));
    assert_eq!(of("rest"), 0);

    let (done, said) = causeline(&["inspect", dir, "--blocks"]);
    assert!(done, "{said}");
    for part in [
        "bytes a row",
        "trace_id ",
        "tables of traces",
        "log ",
        "lake/spans/hour=",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let block = blocks(&folder).remove(0);
    let name = block.file_name().and_then(|n| n.to_str()).expect("a name");
    let (done, said) = causeline(&["inspect", dir, "--block", name]);
    assert!(done && said.contains("row group 0: "), "{said}");
    let detail = json(&["inspect", dir, "--block", name, "--json"]);
    assert!(detail["groups"][0]["columns"][0]["places"][0]["bytes"].is_u64());
    assert!(!causeline(&["inspect", dir, "--block", "nothing"]).0);

    let nobody = "{ resource.service.name = \"nobody\" }";
    let (done, said) = causeline(&["inspect", dir, "--query", nobody, "--start", "1d"]);
    assert!(
        done && said.contains("other services") && said.contains("in all   0 of"),
        "{said}"
    );
    let shop = "{ resource.service.name = \"shop\" && name = \"work\" }";
    let plan = json(&["inspect", dir, "--query", shop, "--start", "1d", "--json"]);
    assert_eq!(plan["sum"]["rows_kept"], 3, "{plan}");
    assert!(plan["sum"]["bytes_read"].as_u64() > Some(0));

    // Beside a server too.
    let node = Node::start(&folder, &[]);
    assert!(causeline(&["inspect", dir]).0);
    drop(node);
    assert!(!causeline(&["inspect", "nothing/here"]).0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_told_and_repaired_and_the_rest_is_served() {
    let (_temporary, folder) = three_blocks().await;
    let dir = folder.to_str().expect("a path in UTF-8");
    let node = Node::start(&folder, &[]);
    for command in [&["verify", dir][..], &["verify", dir, "--repair"]] {
        let (done, said) = causeline(command);
        assert!(
            !done && said.contains("in use by another process"),
            "{said}"
        );
    }
    node.terminate();
    let (whole, said) = causeline(&["verify", dir]);
    assert!(whole && !said.contains("problem"), "{said}");

    let damaged = blocks(&folder).remove(0);
    let mut content = std::fs::read(&damaged).expect("a block");
    let middle = content.len() / 2;
    content[middle] ^= 1;
    std::fs::write(&damaged, &content).expect("a changed block");
    let (whole, said) = causeline(&["verify", dir]);
    assert!(
        !whole && said.contains("problem: lake/spans/hour="),
        "{said}"
    );
    assert!(
        said.contains("the checksum of the file differs") && said.contains("--repair"),
        "{said}"
    );
    let (repaired, said) = causeline(&["verify", dir, "--repair"]);
    assert!(
        repaired && said.contains("repair: lake/spans/") && said.contains("after the repair"),
        "{said}"
    );
    let [copy] = &files(&folder.join("quarantine"))[..] else {
        panic!("one file in quarantine")
    };
    assert_eq!(std::fs::read(copy).expect("the damaged file"), content);

    // A catalog that nobody can read.
    let commit = files(&folder.join("catalog")).pop().expect("a commit");
    std::fs::write(&commit, "{").expect("a damaged commit");
    let (whole, said) = causeline(&["verify", dir]);
    assert!(!whole && said.contains("problem: catalog/"), "{said}");
    let (repaired, said) = causeline(&["verify", dir, "--repair"]);
    assert!(repaired && said.contains("made anew"), "{said}");
    let (whole, said) = causeline(&["verify", dir]);
    assert!(whole && said.contains("note: quarantine/"), "{said}");

    let node = Node::start(&folder, &[]);
    let mut found = 0;
    for trace in 1..4 {
        let url = format!("{}/api/v1/traces/{}", node.url("UI"), trace_id(trace));
        found += u32::from(status_of(&url).await == 200);
    }
    assert!(found >= 2, "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_exported_without_a_server() {
    let (temporary, folder) = three_blocks().await;
    // The last spans are in the log alone.
    let node = Node::start(&folder, &[]);
    let spans = request("shop", vec![span(4, 1, "work")]);
    must_export(&node.url("OTLP/HTTP"), &spans).await;
    let work = ["--query", "{ name = \"work\" }", "--start", "1d"];
    let out = |name: &str| {
        let path = temporary.path().join(name);
        path.to_str().expect("a path in UTF-8").to_owned()
    };
    let online = out("online.jsonl");
    let ui = node.url("UI");
    let from_server = ["export", "--server", &ui, "-o", &online];
    let (done, said) = causeline(&[&from_server[..], &work].concat());
    assert!(done, "{said}");
    let dir = folder.to_str().expect("a path in UTF-8");
    let offline = out("offline.jsonl");
    let from_folder = ["export", "--data-dir", dir, "-o", &offline];
    let from_folder = [&from_folder[..], &work].concat();
    let (done, said) = causeline(&from_folder);
    assert!(!done && said.contains("in use"), "{said}");
    node.kill_9();
    let (done, said) = causeline(&from_folder);
    assert!(done, "{said}");
    let text = |path: &str| std::fs::read_to_string(path).expect("an export");
    assert_eq!(text(&offline).lines().count(), 4);
    assert_eq!(text(&offline), text(&online));

    let by_id = ["export", &trace_id(4), "--data-dir", dir, "-o", "-"];
    let (done, said) = causeline(&by_id);
    assert!(done && said.contains("work"), "{said}");
    let range = out("range.jsonl");
    let all = ["export", "--start", "1d", "--data-dir", dir, "-o", &range];
    let (done, said) = causeline(&all);
    assert!(
        done && text(&range).matches("\"work\"").count() == 4,
        "{said}"
    );
    let nothing = ["--query", "{ name = \"nothing\" }", "--start", "1d"];
    let (done, said) = causeline(&[&all[..1], &nothing, &all[3..]].concat());
    assert!(!done && said.contains("no trace matches"), "{said}");
}
