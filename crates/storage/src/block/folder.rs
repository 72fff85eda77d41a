//! Where a file of a table lies, and what it is called: by hour of receipt, tenant, and who wrote it. Blocks and parts alike.

use std::sync::atomic::{AtomicU64, Ordering};

use clock::Entropy;
use model::TenantId;

/// Nanoseconds of an hour.
pub(crate) const HOUR_NANO: i64 = 3_600_000_000_000;

/// The partition columns of tables, in the order of folders.
pub(crate) const PARTITIONS: [&str; 2] = ["hour", "tenant_bucket"];

/// Folders of tenants within an hour.
const BUCKETS: u32 = 16;

/// The values of [`PARTITIONS`] for a file of `tenant` received in `hour`, counted from the Unix epoch.
pub(crate) fn partition_values(tenant: &TenantId, hour: i64) -> [String; 2] {
    let bucket = crc32c::crc32c(tenant.as_str().as_bytes()) % BUCKETS;
    [hour_text(hour), format!("{bucket:02}")]
}

/// The folder of a file, relative to its table.
pub(crate) fn block_folder(tenant: &TenantId, hour: i64) -> String {
    let values = partition_values(tenant, hour);
    let parts = PARTITIONS.iter().zip(values);
    let parts: Vec<String> = parts
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    parts.join("/")
}

/// Names for new files of blocks or parts, never used before: by node, process and number.
#[derive(Debug)]
pub(crate) struct BlockNames {
    node: String,
    /// By chance, so that two processes of one node, which must not be and can be, do not write over each other.
    process: u32,
    last: AtomicU64,
}

impl BlockNames {
    /// The names that this process gives.
    pub(crate) fn new(node: &str, entropy: &dyn Entropy) -> Self {
        Self::after(node, entropy, 0)
    }

    /// The same, with numbers after `last`.
    pub(crate) fn after(node: &str, entropy: &dyn Entropy, last: u64) -> Self {
        Self {
            node: node.to_owned(),
            // 0 is for files from before there were processes in names.
            process: (entropy.next_u64() as u32).max(1),
            last: AtomicU64::new(last),
        }
    }

    /// A name for a file of `level`.
    pub(crate) fn next(&self, level: u8) -> String {
        self.next_numbered(level).1
    }

    /// The same, and its number.
    pub(crate) fn next_numbered(&self, level: u8) -> (u64, String) {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let name = file_name(&self.node, self.process, number, level);
        (number, name)
    }

    /// The name of block or part `id` from a catalog that gave numbers alone.
    pub(crate) fn of_upgraded(node: &str, id: u64, level: u8) -> String {
        file_name(node, 0, id, level)
    }

    /// The number in the name of the file at `path`.
    pub(crate) fn number_of(path: &str) -> Option<u64> {
        let name = path.rsplit('/').next().unwrap_or_default();
        name.split('-').nth(2)?.parse().ok()
    }

    /// Whether the file at `path` was written by `node`.
    pub(crate) fn is_of(node: &str, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default();
        name.strip_prefix(node)
            .is_some_and(|rest| rest.starts_with('-') && rest.ends_with(".parquet"))
    }

    /// Whether the file at `path` was written by this node, and not by this process.
    pub(crate) fn is_of_before(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default();
        let of_process = format!("{}-{:08x}-", self.node, self.process);
        Self::is_of(&self.node, path) && !name.starts_with(&of_process)
    }
}

fn file_name(node: &str, process: u32, number: u64, level: u8) -> String {
    format!("{node}-{process:08x}-{number:08}-L{level}.parquet")
}

/// The name of an hour that is counted from the Unix epoch.
fn hour_text(hour: i64) -> String {
    let (year, month, day) = civil_from_days(hour.div_euclid(24));
    let hour = hour.rem_euclid(24);
    format!("{year:04}-{month:02}-{day:02}-{hour:02}")
}

/// The hour in the path of a file.
pub(crate) fn hour_of_path(path: &str) -> Option<i64> {
    let (_, rest) = path.split_once("/hour=")?;
    let (name, _) = rest.split_once('/')?;
    let mut numbers = name.split('-').map(|n| n.parse::<i64>().ok());
    let mut next = || numbers.next().flatten();
    let (year, month, day, hour) = (next()?, next()?, next()?, next()?);
    let in_range = (1..=12).contains(&month) && (1..=31).contains(&day) && (0..24).contains(&hour);
    in_range.then(|| days_from_civil(year, month, day) * 24 + hour)
}
/// When `hour` begins.
pub(crate) fn hour_start(hour: i64) -> i64 {
    hour.saturating_mul(HOUR_NANO)
}

/// Year, month and day of the day `days` after 1970-01-01.
/// Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
pub(super) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The inverse. Source: the same, `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use clock::SeededEntropy;

    use super::*;

    #[test]
    fn folders_are_named_by_the_hour_of_receipt_and_the_tenant() {
        let tenant = TenantId::default_tenant();
        let check = |unix_nano: i64, name: &str| {
            let hour = unix_nano.div_euclid(HOUR_NANO);
            let folder = block_folder(&tenant, hour);
            let bucket = &partition_values(&tenant, hour)[1];
            assert_eq!(folder, format!("hour={name}/tenant_bucket={bucket}"));
            assert_eq!(hour_of_path(&format!("t/{folder}/1.parquet")), Some(hour));
        };
        check(0, "1970-01-01-00");
        check(1_709_251_199_000_000_000, "2024-02-29-23");
        check(1_795_387_500_000_000_000, "2026-11-22-22");
        check(i64::MAX, "2262-04-11-23");
        check(-1, "1969-12-31-23");
        for path in [
            "",
            "blocks/hour=2026-13-01-00/x",
            "blocks/hour=2026-01-01/x",
            "a/hour=x/y",
        ] {
            assert_eq!(hour_of_path(path), None);
        }
    }

    #[test]
    fn a_name_tells_the_node_and_comes_once() {
        let entropy = SeededEntropy::new(1);
        let processes = [(); 2].map(|()| BlockNames::new("ab", &entropy));
        let mut names: Vec<String> = processes
            .iter()
            .flat_map(|p| [p.next(0), p.next(1)])
            .collect();
        names.push(BlockNames::of_upgraded("ab", 1, 0));
        let numbers: Vec<_> = names.iter().map(|n| BlockNames::number_of(n)).collect();
        assert_eq!(numbers, [1, 2, 1, 2, 1].map(Some));
        let (number, name) = BlockNames::after("ab", &entropy, 41).next_numbered(3);
        assert_eq!((number, BlockNames::number_of(&name)), (42, Some(42)));
        assert!(
            names
                .iter()
                .all(|name| BlockNames::is_of("ab", &format!("x/{name}")))
        );
        assert!(!BlockNames::is_of("a", &names[0]));
        let of_before = |names: &BlockNames, name: &str| names.is_of_before(&format!("x/{name}"));
        let told: Vec<bool> = names.iter().map(|n| of_before(&processes[1], n)).collect();
        assert_eq!(told, [true, true, false, false, true]);
        for other in ["a", "abc"] {
            let other = BlockNames::new(other, &entropy);
            assert!(names.iter().all(|name| !of_before(&other, name)));
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 5);
    }
}
