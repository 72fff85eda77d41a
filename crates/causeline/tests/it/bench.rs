//! The benchmark tool against the binary: a short run, whose every answer must agree with what was sent.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// How the binary is described to the tool as if it were another backend.
const PEER: &str = "
arguments: [serve, --config, '{files}/settings.yaml', --data-dir, '{data}', --http, '127.0.0.1:{ui}', --tempo, '127.0.0.1:{tempo}',
  --otlp-grpc, '127.0.0.1:{grpc}', --otlp-http, '127.0.0.1:{otlp}']
ports: [ui, tempo, grpc, otlp]
files:
  settings.yaml: 'storage: {flush_interval: 1s}'
ready: http://127.0.0.1:{tempo}/ready
otlp_http: http://127.0.0.1:{otlp}
tempo: http://127.0.0.1:{tempo}
";

#[test]
fn a_short_benchmark_finds_every_answer_right_of_a_build_and_of_a_peer() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("the folder is writable");
        path
    };
    let binary = Path::new(env!("CARGO_BIN_EXE_causeline"));
    let report = folder.path().join("report.json");
    let mut command_line: Vec<OsString> = ["load", "bench", "--quick", "--spans", "20000"]
        .map(OsString::from)
        .to_vec();
    command_line.extend(["--questions", "3"].map(OsString::from));
    for (flag, path) in [
        ("--binary", binary),
        ("--against", binary),
        ("--peer", &write("peer.yaml", PEER)),
        (
            "--config",
            &write("settings.yaml", "storage: {flush_interval: 1s}"),
        ),
        ("--dir", &folder.path().join("bench")),
        ("--json", &report),
    ] {
        command_line.extend([flag.into(), path.into()]);
    }

    load::run(command_line).expect("the run ends, and nothing is wrong");

    let report = fs::read_to_string(&report).expect("the report is written");
    let report: Value = serde_json::from_str(&report).expect("it is JSON");
    for build in report["builds"].as_array().expect("a list") {
        check(build);
    }
    assert_eq!(report["builds"].as_array().map(Vec::len), Some(2));
}

fn check(build: &Value) {
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
    assert!(classes.iter().filter(answered).count() >= 8, "{classes:?}");
    let wrong = |class: &Value| class["mistakes"].as_array().is_none_or(|m| !m.is_empty());
    assert!(!classes.iter().any(wrong), "{classes:?}");
}
