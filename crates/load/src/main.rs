//! The tool: `load bench`, `load send`, `load stats`.
//!
//! `cargo xtask bench` builds the release binaries and runs `load bench`; docs/benchmarks.md says what is measured and how.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match load::run(std::env::args_os()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}
