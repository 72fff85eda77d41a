//! What an answer cost.

use std::time::Duration;

use super::Ended;
use crate::commands::terminal::{counted, duration, harmless};

/// Adds what another page cost.
pub(super) fn add(sum: &mut api::ReadReport, page: &api::ReadReport) {
    let api::ReadReport {
        blocks_read,
        blocks_pruned,
        blocks_pruned_by_time,
        blocks_pruned_by_statistics,
        blocks_pruned_by_index,
        row_groups_read,
        row_groups_skipped,
        pages_read,
        pages_skipped,
        rows_decoded,
        rows_read,
        bytes_read,
        bytes_cached,
        elapsed_micros,
    } = page;
    for (sum, page) in [
        (&mut sum.blocks_read, blocks_read),
        (&mut sum.blocks_pruned, blocks_pruned),
        (&mut sum.blocks_pruned_by_time, blocks_pruned_by_time),
        (
            &mut sum.blocks_pruned_by_statistics,
            blocks_pruned_by_statistics,
        ),
        (&mut sum.blocks_pruned_by_index, blocks_pruned_by_index),
        (&mut sum.row_groups_read, row_groups_read),
        (&mut sum.row_groups_skipped, row_groups_skipped),
        (&mut sum.pages_read, pages_read),
        (&mut sum.pages_skipped, pages_skipped),
        (&mut sum.rows_decoded, rows_decoded),
        (&mut sum.rows_read, rows_read),
        (&mut sum.bytes_read, bytes_read),
        (&mut sum.bytes_cached, bytes_cached),
        (&mut sum.elapsed_micros, elapsed_micros),
    ] {
        *sum = sum.saturating_add(*page);
    }
}

/// How the question is answered, for people.
pub(super) fn plan(plan: &[api::PlanStep]) -> String {
    let line = |(number, step): (usize, &api::PlanStep)| {
        let what = if number == 0 { "plan" } else { "" };
        let indent = "  ".repeat(step.depth as usize);
        format!("{what:11} {indent}{}\n", harmless(&step.text))
    };
    plan.iter().enumerate().map(line).collect()
}

/// For people.
pub(super) fn text(ended: &Ended) -> String {
    let read = &ended.report;
    let elapsed = Duration::from_micros(read.elapsed_micros).as_nanos();
    let elapsed = duration(i64::try_from(elapsed).unwrap_or(i64::MAX));
    let more = if ended.more {
        ", and there are more"
    } else {
        ""
    };
    let mut out = format!("query       {}\n", harmless(&ended.query));
    for (what, figures) in [
        (
            "answer",
            format!(
                "{}{more}, in {}, {elapsed} in the server",
                counted(ended.traces, "trace"),
                counted(ended.pages, "request")
            ),
        ),
        (
            "blocks",
            format!(
                "{} read, {} skipped: {} by time, {} by statistics, {} by their index",
                read.blocks_read,
                read.blocks_pruned,
                read.blocks_pruned_by_time,
                read.blocks_pruned_by_statistics,
                read.blocks_pruned_by_index
            ),
        ),
        (
            "row groups",
            format!(
                "{} read, {} skipped",
                read.row_groups_read, read.row_groups_skipped
            ),
        ),
        (
            "pages",
            format!(
                "{} decoded, {} skipped",
                read.pages_read, read.pages_skipped
            ),
        ),
        (
            "rows",
            format!(
                "{} decoded, {} handed to the engine",
                read.rows_decoded, read.rows_read
            ),
        ),
        (
            "bytes",
            format!(
                "{} read, {} from memory",
                read.bytes_read, read.bytes_cached
            ),
        ),
    ] {
        out.push_str(&format!("{what:11} {figures}\n"));
    }
    out
}
