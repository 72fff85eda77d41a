//! What Linux knows of a process and of a folder. Source: proc(5).

use std::fs;
use std::path::Path;

/// User and system CPU time of a process with all its threads, also those that have ended, seconds; a hundredth is the least.
pub fn cpu_seconds(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold spaces; it ends with the last parenthesis.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// The most memory that was resident at once, bytes.
pub(crate) fn rss_high_bytes(pid: u32) -> Option<u64> {
    let kib = field(&format!("/proc/{pid}/status"), "VmHWM:")?;
    Some(kib * 1024)
}

/// Bytes that the process caused to be written to the disk, the log's and the blocks' together.
pub(crate) fn written_bytes(pid: u32) -> Option<u64> {
    field(&format!("/proc/{pid}/io"), "write_bytes:")
}

/// Time that a core was busy with anything, seconds since the machine started.
pub(crate) fn core_busy_seconds(core: usize) -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let name = format!("cpu{core} ");
    let line = stat.lines().find(|line| line.starts_with(&name))?;
    let ticks: Vec<u64> = line
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    // The fields 3 and 4 are idle and waiting for the disk; guests, after 8, are counted in the first already.
    let busy: u64 = ticks
        .iter()
        .take(8)
        .enumerate()
        .filter(|(n, _)| !matches!(n, 3 | 4))
        .map(|(_, ticks)| ticks)
        .sum();
    Some(busy as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Length of all files below a folder, bytes, and how many there are. Files that vanish meanwhile do not count.
pub(crate) fn folder_size(folder: &Path) -> (u64, u64) {
    let (mut bytes, mut files) = (0, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                bytes += metadata.len();
                files += 1;
            }
        }
    }
    (bytes, files)
}

/// The processor's name.
pub(crate) fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"))?;
    Some(name.trim_start_matches([' ', '\t', ':']).to_owned())
}

fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_process_is_read() {
        let pid = std::process::id();
        assert!(cpu_seconds(pid).is_some_and(|seconds| seconds < 3_600.0));
        assert!(rss_high_bytes(pid).is_some_and(|bytes| bytes > 100_000));
        assert!(core_busy_seconds(0).is_some_and(|seconds| seconds > 0.0));
        assert_eq!(cpu_seconds(u32::MAX), None);
        // Tests run in the folder of their crate, wherever they were compiled.
        let (bytes, files) = folder_size(Path::new("src"));
        assert!(bytes > 10_000 && files > 10);
    }
}
