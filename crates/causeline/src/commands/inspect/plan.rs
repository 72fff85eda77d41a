//! What a query reads and skips.

use std::fmt::{Error, Write};

use serde_json::{Value, json};
use storage::{BlockPlan, Plan};
use store_api::ReadFigures;

/// For people.
pub(super) fn text(plan: &Plan) -> Result<String, Error> {
    let mut out = String::new();
    for block in &plan.blocks {
        let BlockPlan {
            path,
            bytes,
            spans,
            figures,
            failed,
        } = block;
        let read = figures.bytes_read;
        if let Some(why) = failed {
            writeln!(out, "fails    {path}: {why}")?;
        } else if !figures.damaged_blocks.is_empty() {
            writeln!(out, "damaged  {path}: `causeline verify` says more")?;
        } else if figures.blocks_pruned_by_time > 0 {
            writeln!(out, "skipped  {path}: other times")?;
        } else if figures.blocks_pruned_by_statistics > 0 {
            writeln!(out, "skipped  {path}: other services")?;
        } else if figures.blocks_pruned_by_index > 0 {
            writeln!(out, "skipped  {path}: by its index, after {read} bytes")?;
        } else {
            writeln!(
                out,
                "read     {path}: {}; {read} bytes of {bytes}; {} rows of {spans} kept, {} decoded on the way",
                groups_and_pages(figures),
                figures.rows_read,
                figures.rows_decoded
            )?;
        }
    }
    let sum = sum(plan);
    let bytes: u64 = plan.blocks.iter().map(|block| block.bytes).sum();
    writeln!(
        out,
        "in all   {} of {} blocks read, {} skipped by time, {} by services, {} by index; {}; {} bytes of {bytes}; {} rows kept, {} decoded on the way",
        sum.blocks_read,
        plan.blocks.len(),
        sum.blocks_pruned_by_time,
        sum.blocks_pruned_by_statistics,
        sum.blocks_pruned_by_index,
        groups_and_pages(&sum),
        sum.bytes_read,
        sum.rows_read,
        sum.rows_decoded
    )?;
    Ok(out)
}

/// For programs.
pub(super) fn json(plan: &Plan) -> Value {
    let blocks = plan.blocks.iter().map(|block| {
        json!({
            "path": block.path,
            "bytes": block.bytes,
            "spans": block.spans,
            "failed": block.failed,
            "read": of_figures(&block.figures),
        })
    });
    json!({ "blocks": blocks.collect::<Vec<_>>(), "sum": of_figures(&sum(plan)) })
}

fn of_figures(figures: &ReadFigures) -> Value {
    json!({
        "blocks_read": figures.blocks_read,
        "blocks_pruned_by_time": figures.blocks_pruned_by_time,
        "blocks_pruned_by_statistics": figures.blocks_pruned_by_statistics,
        "blocks_pruned_by_index": figures.blocks_pruned_by_index,
        "row_groups_read": figures.row_groups_read,
        "row_groups_skipped": figures.row_groups_skipped,
        "pages_read": figures.pages_read,
        "pages_skipped": figures.pages_skipped,
        "bytes_read": figures.bytes_read,
        "rows_decoded": figures.rows_decoded,
        "rows_kept": figures.rows_read,
        "damaged_blocks": figures.damaged_blocks,
    })
}

fn groups_and_pages(figures: &ReadFigures) -> String {
    format!(
        "{} row groups ({} skipped), {} pages ({} skipped)",
        figures.row_groups_read,
        figures.row_groups_skipped,
        figures.pages_read,
        figures.pages_skipped
    )
}

fn sum(plan: &Plan) -> ReadFigures {
    let mut sum = ReadFigures::default();
    for block in &plan.blocks {
        sum.add(block.figures.clone());
    }
    sum
}
