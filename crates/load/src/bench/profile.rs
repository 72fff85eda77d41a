//! Where the server's CPU goes, by sampling with `perf`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Samples a second; a prime, so that they do not fall into step with timers.
const SAMPLES_PER_SECOND: &str = "499";

/// Symbols printed.
const SYMBOLS: usize = 40;

/// A recording under way; without `perf` nothing.
#[derive(Debug)]
pub(super) struct Profile {
    recorder: Option<Child>,
    file: PathBuf,
}

impl Profile {
    /// Records process `pid` into `file` from now on.
    pub(super) fn start(pid: u32, file: &Path) -> Self {
        let recorder = Command::new("perf")
            .args(["record", "-q", "-F", SAMPLES_PER_SECOND, "-p"])
            .arg(pid.to_string())
            .arg("-o")
            .arg(file)
            .stdout(Stdio::null())
            .spawn();
        if let Err(error) = &recorder {
            eprintln!("no profile: perf does not run ({error})");
        }
        Self {
            recorder: recorder.ok(),
            file: file.to_owned(),
        }
    }

    /// Ends the recording and prints it: by the first part of the symbols' paths, which is mostly the crate, and by symbol.
    pub(super) fn finish(self) {
        let Some(mut recorder) = self.recorder else {
            return;
        };
        // It writes its file when told to stop.
        let _ = kill_process(Pid::from_child(&recorder), Signal::INT);
        let _ = recorder.wait();
        let printed = Command::new("perf")
            .args(["report", "--stdio", "-q", "--no-children", "-g", "none"])
            .args(["-F", "overhead,symbol", "-i"])
            .arg(&self.file)
            .stderr(Stdio::null())
            .output();
        match printed {
            Ok(output) if output.status.success() => {
                print(&String::from_utf8_lossy(&output.stdout));
            }
            Ok(output) => eprintln!("no profile: perf report ended with {}", output.status),
            Err(error) => eprintln!("no profile: {error}"),
        }
    }
}

fn print(text: &str) {
    let samples: Vec<(f64, &str)> = text.lines().filter_map(parse).collect();
    let mut rooms: BTreeMap<&str, f64> = BTreeMap::new();
    for (percent, symbol) in &samples {
        *rooms.entry(room(symbol)).or_default() += percent;
    }
    let mut rooms: Vec<(&str, f64)> = rooms.into_iter().collect();
    rooms.sort_by(|a, b| b.1.total_cmp(&a.1));
    println!("\nwhere the CPU goes while ingesting, % by crate");
    for (room, percent) in rooms.into_iter().filter(|(_, percent)| *percent >= 0.5) {
        println!("{percent:6.2}  {room}");
    }
    println!("\nthe same by symbol");
    for (percent, symbol) in samples.iter().take(SYMBOLS) {
        println!("{percent:6.2}  {symbol}");
    }
}

/// A line such as ` 12.34%  [.] core::fmt::write`; `[k]` marks the kernel.
fn parse(line: &str) -> Option<(f64, &str)> {
    let (percent, symbol) = line.trim().split_once('%')?;
    let symbol = symbol.trim();
    let symbol = symbol.strip_prefix("[.]").map_or(symbol, str::trim);
    Some((percent.parse().ok()?, symbol))
}

/// `parquet` of `parquet::encodings::rle::RleEncoder::put` and of `<parquet::… as …>::…`.
fn room(symbol: &str) -> &str {
    if symbol.starts_with("[k]") {
        return "kernel";
    }
    let path = symbol.trim_start_matches(['<', '&', '*', '(', '[']);
    let path = path.strip_prefix("dyn ").unwrap_or(path);
    match path.split_once("::") {
        Some((first, _)) => first,
        None => "C and others",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_crates() {
        let crate_of = |line| parse(line).map(|(percent, symbol)| (percent, room(symbol)));
        assert_eq!(
            crate_of("    12.34%  [.] <parquet::a::B as core::fmt::Debug>::fmt  "),
            Some((12.34, "parquet"))
        );
        assert_eq!(crate_of(" 3.00%  [k] copy_user"), Some((3.0, "kernel")));
        assert_eq!(
            crate_of(" 1.50%  [.] ZSTD_compress"),
            Some((1.5, "C and others"))
        );
        assert_eq!(crate_of("# Samples"), None);
    }
}
