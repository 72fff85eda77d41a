//! House rules: layers, module docs, sizes, what must not be in a commit.

use std::fs;
use std::path::{Path, PathBuf};

/// The layer of each crate; arrows point to lower layers only. Source: the style guide's table of crates.
const LAYERS: &[(&str, u32)] = &[
    ("clock", 0),
    ("model", 0),
    ("settings", 0),
    ("telemetry", 0),
    ("columnar", 1),
    ("wire", 2),
    ("rollup", 2),
    ("traceql", 1),
    ("promql", 2),
    ("store-api", 2),
    ("storage", 3),
    ("query", 3),
    ("pipeline", 3),
    ("api", 4),
    ("receivers", 5),
    ("server", 5),
    ("shop", 5),
    ("causeline", 6),
    ("testkit", 7),
    ("load", 7),
    ("sim", 7),
];

/// The shop is ordinary client code: it knows no room of the house.
const STANDS_ALONE: &str = "shop";

const LINES_MAX: usize = 600;

/// Every breach, one line each.
pub(crate) fn check(root: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    for &(name, layer) in LAYERS {
        let manifest = root.join("crates").join(name).join("Cargo.toml");
        match fs::read_to_string(&manifest) {
            Ok(text) => check_edges(name, layer, &text, &mut problems),
            Err(error) => problems.push(format!("{}: {error}", manifest.display())),
        }
    }
    let crates = fs::read_dir(root.join("crates"))
        .into_iter()
        .flatten()
        .flatten();
    for unknown in crates
        .map(|e| e.file_name())
        .filter(|n| LAYERS.iter().all(|(name, _)| n != name))
    {
        problems.push(format!(
            "crates/{}: has no layer in xtask/src/tidy.rs",
            unknown.display()
        ));
    }
    for file in files_under(root) {
        check_file(root, &file, &mut problems);
    }
    problems
}

fn check_edges(name: &str, layer: u32, manifest: &str, problems: &mut Vec<String>) {
    let shipped = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    let shipped = shipped.split("\n[").next().unwrap_or_default();
    let dependencies = shipped
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next());
    for dependency in dependencies {
        let Some(&(_, below)) = LAYERS.iter().find(|(n, _)| *n == dependency) else {
            continue;
        };
        let allowed = below < layer && name != STANDS_ALONE;
        if !allowed {
            problems.push(format!("crates/{name}: must not depend on {dependency}"));
        }
    }
}

fn check_file(root: &Path, file: &Path, problems: &mut Vec<String>) {
    let shown = file.strip_prefix(root).unwrap_or(file).display();
    let Ok(text) = fs::read_to_string(file) else {
        return; // a picture
    };
    let extension = file
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    let is_test = file
        .components()
        .any(|c| matches!(c.as_os_str().to_str(), Some("tests" | "tests.rs" | "e2e")));
    if extension == "rs" && !is_test {
        if !text.starts_with("//!") && !text.starts_with("#!") {
            problems.push(format!("{shown}: does not open with module docs"));
        }
        let lines = text.lines().count();
        if lines > LINES_MAX {
            problems.push(format!(
                "{shown}: {lines} lines; is there a second noun in it?"
            ));
        }
    }
    let own = ["/wo", "rk/"].concat();
    let home = ["/ro", "ot/"].concat();
    for path in [&own, &home] {
        if text.contains(path.as_str()) {
            problems.push(format!("{shown}: names a path of one machine ({path})"));
        }
    }
    if file.file_name().is_some_and(|n| n == "package-lock.json")
        && text.contains("\"resolved\": \"http")
    {
        problems.push(format!("{shown}: holds download addresses"));
    }
}

/// Files that are ours: nothing built, nothing fetched.
fn files_under(root: &Path) -> Vec<PathBuf> {
    const SKIPPED: [&str; 9] = [
        "target",
        "node_modules",
        "dist",
        ".git",
        ".work",
        "corpus",
        "artifacts",
        "causeline-data",
        "data-dir",
    ];
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if SKIPPED.iter().any(|s| entry.file_name() == *s) {
                continue;
            }
            if path.is_dir() {
                folders.push(path)
            } else {
                files.push(path)
            }
        }
    }
    files
}
