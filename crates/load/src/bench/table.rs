//! The figures, as a person reads them.

use super::budget::{self, Budget};
use super::classes;
use super::report::{BuildReport, Report, Spread};

const MEGA: f64 = 1e6;

/// Prints all tables on standard output.
pub(super) fn print(report: &Report) {
    println!(
        "\n{} spans, seed {}, {} connections, server on core {} of {} ({})",
        report.spans,
        report.seed,
        report.connections,
        report.server_core,
        report.other_cores + 1,
        report.processor.as_deref().unwrap_or("unknown processor"),
    );
    let compares = report.builds.len() > 1;
    head("ingest", compares);
    for (name, budget, digits, figure) in rows() {
        let values: Vec<Option<Spread>> = report.builds.iter().map(&figure).collect();
        row(name, budget, &values, digits);
    }
    for build in &report.builds {
        remarks(build);
    }
    if report.builds.iter().all(|build| build.queries.is_empty()) {
        return;
    }
    head("queries, ms: warm p50 (first round; p99; CPU)", compares);
    for (number, class) in classes::NAMES.iter().enumerate() {
        let answers: Vec<_> = report
            .builds
            .iter()
            .filter_map(|build| build.queries.get(number))
            .collect();
        let cells: Vec<String> = answers
            .iter()
            .map(|class| match &class.not_answered {
                Some(_) => "not answered".to_owned(),
                None => format!(
                    "{} ({}; {}; {})",
                    short(class.p50),
                    short(class.first_p50),
                    short(class.p99),
                    short(class.cpu_ms)
                ),
            })
            .collect();
        let medians: Vec<Option<f64>> = answers
            .iter()
            .map(|class| class.not_answered.is_none().then_some(class.p50))
            .collect();
        line(class.0, &cells, ratio(&medians), class.1);
    }
    for build in &report.builds {
        for class in &build.queries {
            if let Some(reason) = &class.not_answered {
                println!("{}, {}: not answered: {reason}", build.label, class.name);
            }
        }
    }
}

type Figure = Box<dyn Fn(&BuildReport) -> Option<Spread>>;

/// Name, budget, digits behind the point, and where the figure is.
fn rows() -> Vec<(&'static str, Budget, usize, Figure)> {
    let ingest = |of: fn(&super::report::Ingest) -> Option<f64>| -> Figure {
        Box::new(move |build| build.over_rounds(of))
    };
    let once = |of: fn(&BuildReport) -> f64| -> Figure {
        Box::new(move |build| (of(build) > 0.0).then(|| Spread::of(&[of(build)])))
    };
    vec![
        (
            "CPU s/M spans, acknowledged",
            budget::CPU_ACKED,
            2,
            ingest(|i| Some(i.cpu_acked)),
        ),
        (
            "CPU s/M spans, all in",
            budget::CPU_ALL_IN,
            2,
            ingest(|i| Some(i.cpu_all_in)),
        ),
        (
            "spans/s by the clock",
            budget::SPANS_PER_SECOND,
            0,
            ingest(|i| Some(i.spans_per_second)),
        ),
        (
            "ack p50, ms",
            budget::ACK_P50,
            1,
            ingest(|i| Some(i.ack_ms_p50)),
        ),
        (
            "ack p99, ms",
            budget::ACK_P99,
            1,
            ingest(|i| Some(i.ack_ms_p99)),
        ),
        (
            "ack max, ms",
            budget::NONE,
            1,
            ingest(|i| Some(i.ack_ms_max)),
        ),
        (
            "peak RSS, ingest, MB",
            budget::RSS_INGEST,
            0,
            ingest(|i| Some(i.rss_high_bytes as f64 / MEGA)),
        ),
        (
            "peak RSS, queries, MB",
            budget::RSS_QUERIES,
            0,
            once(|b| b.rss_high_queries_bytes as f64 / MEGA),
        ),
        (
            "disk, bytes/span, quiet",
            budget::DISK,
            1,
            ingest(|i| Some(i.disk_bytes_per_span)),
        ),
        (
            "written, bytes/span",
            budget::WRITTEN,
            1,
            ingest(|i| i.written_bytes_per_span),
        ),
        (
            "sent to found by id, ms",
            budget::FOUND_BY_ID,
            1,
            ingest(|i| i.found_by_id_ms.map(|s| s.median)),
        ),
        (
            "sent to found by search, ms",
            budget::FOUND_BY_SEARCH,
            1,
            ingest(|i| i.found_by_search_ms.map(|s| s.median)),
        ),
        (
            "start to ready, empty, ms",
            budget::READY_EMPTY,
            0,
            ingest(|i| Some(i.ready_empty_ms)),
        ),
        (
            "start to ready, filled, ms",
            budget::READY_FILLED,
            0,
            once(|b| b.ready_filled_ms),
        ),
        (
            "quiet after the last ack, s",
            budget::NONE,
            1,
            ingest(|i| Some(i.quiet_after_seconds)),
        ),
        (
            "core taken by others, %",
            budget::NONE,
            0,
            ingest(|i| Some(i.core_taken_by_others * 100.0)),
        ),
        (
            "sender, CPU s/M spans",
            budget::NONE,
            2,
            ingest(|i| Some(i.sender_cpu)),
        ),
    ]
}

/// What a reader of the figures must know besides.
fn remarks(build: &BuildReport) {
    for run in &build.ingest {
        if !run.became_quiet {
            println!(
                "{}: not quiet in time; all-in figures are too low",
                build.label
            );
        }
        if !run.refusals.is_empty() {
            println!("{}: told to come again: {:?}", build.label, run.refusals);
        }
        if run.server_nice >= 0 {
            println!(
                "{}: ran without priority over other work (nice {})",
                build.label, run.server_nice
            );
        }
    }
}

fn head(what: &str, compares: bool) {
    let other = if compares { "against" } else { "" };
    let ratio = if compares { "ratio" } else { "" };
    println!(
        "\n{what}\n{:34}{:>34}{other:>34}{ratio:>8} | {:>8}{:>8} | {:>14}{:>20}{:>12}",
        "", "this", "must", "aim", "VictoriaTraces", "Tempo", "ClickHouse"
    );
}

fn row(name: &str, budget: Budget, values: &[Option<Spread>], digits: usize) {
    let cell = |value: &Option<Spread>| match value {
        None => "-".to_owned(),
        Some(Spread { median, min, max }) if min == max => format!("{median:.digits$}"),
        Some(Spread { median, min, max }) => {
            format!("{median:.digits$} ({min:.digits$}-{max:.digits$})")
        }
    };
    let medians: Vec<Option<f64>> = values.iter().map(|v| v.map(|v| v.median)).collect();
    let cells: Vec<String> = values.iter().map(cell).collect();
    line(name, &cells, ratio(&medians), budget);
}

fn line(name: &str, cells: &[String], ratio: Option<f64>, budget: Budget) {
    let cell = |number: usize| cells.get(number).map_or("", String::as_str);
    let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
    let text = format!(
        "{name:34}{:>34}{:>34}{ratio:>8} | {:>8}{:>8} | {:>14}{:>20}{:>12}",
        cell(0),
        cell(1),
        budget.must,
        budget.aim,
        budget.victoria_traces,
        budget.tempo,
        budget.clickhouse
    );
    println!("{}", text.trim_end());
}

/// The first figure over the second.
fn ratio(values: &[Option<f64>]) -> Option<f64> {
    match values {
        [Some(this), Some(against)] if *against > 0.0 => Some(this / against),
        _ => None,
    }
}

/// Three digits that count.
fn short(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}
