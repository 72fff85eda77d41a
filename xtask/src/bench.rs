//! `cargo xtask bench`: builds the release binary and the load tool, and runs the benchmarks.
//!
//! Everything that measures is in crates/load; this only builds and calls, so that the house rules need no HTTP client.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Runs `load bench` with `args` on the binary of this checkout, or on the one that `--binary` names.
pub(crate) fn run(root: &Path, args: &[OsString]) -> ExitCode {
    let has = |flag: &str| {
        args.iter().any(|arg| {
            let arg = arg.to_string_lossy();
            arg.strip_prefix(flag)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    };
    let named = has("--binary");
    if !root.join("ui/dist/index.html").exists() && !named {
        eprintln!(
            "the release binary embeds the UI, which is not built: run `make bench`, or `make ui` first"
        );
        return ExitCode::FAILURE;
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let mut bench = Command::new(target.join("release/load"));
    bench.arg("bench");
    if !has("--dir") {
        bench.arg("--dir").arg(target.join("bench"));
    }
    // Another build may not know the settings.
    if !has("--config") && (!has("--against") || has("--peer")) {
        bench
            .arg("--config")
            .arg(root.join("crates/load/bench.yaml"));
    }
    let mut binaries = vec!["load"];
    if !named {
        binaries.push("causeline");
        bench.arg("--binary").arg(target.join("release/causeline"));
    }
    bench.args(args);
    for binary in binaries {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.current_dir(root);
        build.args(["build", "--release", "--locked", "--bin", binary]);
        if !succeeds(&mut build) {
            return ExitCode::FAILURE;
        }
    }
    if succeeds(&mut bench) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn succeeds(command: &mut Command) -> bool {
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("{}: {error}", command.get_program().display());
            false
        }
    }
}
