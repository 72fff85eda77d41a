//! The benchmark tool against the binary: a short run, whose every answer must agree with what was sent.

use std::ffi::OsString;
use std::fs;

use serde_json::Value;

#[test]
fn a_short_benchmark_finds_every_answer_right() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = folder.path().join("settings.yaml");
    fs::write(&settings, "storage: {flush_interval: 1s}\n").expect("the folder is writable");
    let report = folder.path().join("report.json");
    let mut command_line: Vec<OsString> = ["load", "bench", "--quick", "--spans", "20000"]
        .map(OsString::from)
        .to_vec();
    command_line.extend(["--questions", "3", "--binary"].map(OsString::from));
    command_line.push(env!("CARGO_BIN_EXE_causeline").into());
    for (flag, path) in [
        ("--config", &settings),
        ("--dir", &folder.path().join("bench")),
        ("--json", &report),
    ] {
        command_line.extend([flag.into(), path.into()]);
    }

    load::run(command_line).expect("the run ends, and nothing is wrong");

    let report = fs::read_to_string(&report).expect("the report is written");
    let report: Value = serde_json::from_str(&report).expect("it is JSON");
    let build = &report["builds"][0];
    let ingest = &build["ingest"][0];
    assert!(ingest["n_spans"].as_u64().is_some_and(|n| n >= 20_000));
    assert_eq!(ingest["became_quiet"], true);
    for figure in [
        "cpu_all_in",
        "disk_bytes_per_span",
        "rss_high_bytes",
        "ack_ms_p99",
    ] {
        let value = ingest[figure].as_f64();
        assert!(
            value.is_some_and(|value| value > 0.0),
            "{figure} in {ingest}"
        );
    }
    let classes = build["queries"].as_array().expect("a list");
    let answered = |class: &&Value| class["not_answered"].is_null();
    assert!(classes.iter().filter(answered).count() >= 10, "{classes:?}");
}
