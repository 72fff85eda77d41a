//! Automation of the repository: `cargo xtask tidy` checks the house rules that no compiler knows, `cargo xtask bench` measures,
//! `cargo xtask sim` runs seeds of the simulation in the release profile.
//!
//! The checks, and some seeds, run in `cargo test` too, so that nothing lands without them.

mod bench;
mod tidy;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

const USAGE: &str = "usage: cargo xtask tidy
       cargo xtask bench [--help]
       cargo xtask sim [--seed N | --seeds A..B] [--steps N] [--threads N] [--verbose]";

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match args.split_first() {
        Some((command, [])) if command == "tidy" => tidy(),
        Some((command, args)) if command == "bench" => bench::run(root(), args),
        Some((command, args)) if command == "sim" => sim(args),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn tidy() -> ExitCode {
    let problems = tidy::check(root());
    for problem in &problems {
        eprintln!("{problem}");
    }
    ExitCode::from(u8::from(!problems.is_empty()))
}

/// Builds the simulation with all that it stands on, and hands the arguments on.
fn sim(args: &[OsString]) -> ExitCode {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(root())
        .args(["run", "--quiet", "--release", "--package", "sim", "--"])
        .args(args);
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the root")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_house_is_tidy() {
        let problems = super::tidy::check(super::root());
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}
