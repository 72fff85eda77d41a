//! Where a block's file lies: by tenant and hour of receipt.

/// Nanoseconds of an hour.
pub(crate) const HOUR_NANO: i64 = 3_600_000_000_000;

/// The folder of blocks received in `hour`, counted from the Unix epoch.
pub(crate) fn hour_folder(tenant: &str, hour: i64) -> String {
    hour_folder_of("blocks", tenant, hour)
}

/// The same of a table's files.
pub(crate) fn hour_folder_of(table: &str, tenant: &str, hour: i64) -> String {
    let (year, month, day) = civil_from_days(hour.div_euclid(24));
    let hour = hour.rem_euclid(24);
    format!("{table}/tenant={tenant}/hour={year:04}-{month:02}-{day:02}-{hour:02}")
}

/// The hour in the path of a block.
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
fn civil_from_days(days: i64) -> (i64, i64, i64) {
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
    use super::*;

    #[test]
    fn folders_are_named_by_the_hour_of_receipt() {
        let check = |unix_nano: i64, name: &str| {
            let hour = unix_nano.div_euclid(HOUR_NANO);
            let folder = hour_folder("default", hour);
            assert_eq!(folder, format!("blocks/tenant=default/hour={name}"));
            assert_eq!(hour_of_path(&format!("{folder}/1.parquet")), Some(hour));
        };
        check(0, "1970-01-01-00");
        check(1_709_251_199_000_000_000, "2024-02-29-23");
        check(1_795_387_500_000_000_000, "2026-11-22-22");
        check(i64::MAX, "2262-04-11-23");
        assert_eq!(hour_folder("a", -1), "blocks/tenant=a/hour=1969-12-31-23");
        for path in [
            "",
            "blocks/hour=2026-13-01-00/x",
            "blocks/hour=2026-01-01/x",
            "a/hour=x/y",
        ] {
            assert_eq!(hour_of_path(path), None);
        }
    }
}
