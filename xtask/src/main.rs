//! Automation of the repository: `cargo xtask tidy` checks the house rules that no compiler knows, `cargo xtask bench` measures.
//!
//! The checks run in `cargo test` too, so that nothing lands without them.

mod bench;
mod tidy;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match args.split_first() {
        Some((command, [])) if command == "tidy" => tidy(),
        Some((command, args)) if command == "bench" => bench::run(root(), args),
        _ => {
            eprintln!("usage: cargo xtask tidy | cargo xtask bench [--help]");
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
