//! Figures of a data folder and of one file, for people.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{Result, Write};

use storage::{Anatomy, ColumnFacts, FileDetail, Inspection, TableFacts, TableFile};

use crate::commands::when::rfc3339;

/// A whole folder; each file too where `lists_files`.
pub(super) fn folder(
    found: &Inspection,
    lists_files: bool,
) -> std::result::Result<String, std::fmt::Error> {
    let mut out = String::new();
    let out_ref = &mut out;
    writeln!(
        out_ref,
        "{} bytes, version {} of the catalog; up to segment {} the log is in blocks and parts",
        found.bytes, found.version, found.watermark
    )?;
    for table in &found.tables {
        let (files, bytes, rows) = (table.files.len(), table.bytes, table.rows);
        let each = per_row(bytes, rows);
        writeln!(
            out_ref,
            "  {:12} {files:>6} files {bytes:>14} bytes {rows:>12} rows {each:>9.2} bytes a row",
            table.name
        )?;
    }
    for (folder, files) in &found.others {
        let is_table = found.tables.iter().any(|table| table.name == *folder);
        let what = match folder.as_str() {
            "" => "beside the folders",
            "log" => "segments, preallocated",
            _ if is_table => "named by no commit",
            _ => "",
        };
        writeln!(
            out_ref,
            "  {folder:12} {:>6} files {:>14} bytes {what}",
            files.files, files.bytes
        )?;
    }
    for table in found.tables.iter().filter(|table| !table.files.is_empty()) {
        of_table(table, out_ref)?;
        if lists_files {
            files(&table.files, out_ref)?;
        }
        for file in &table.files {
            if let Some(why) = &file.unreadable {
                writeln!(out_ref, "cannot be read: {}: {why}", file.path)?;
            }
        }
    }
    Ok(out)
}

/// One file with its row groups.
pub(super) fn file(found: &FileDetail) -> std::result::Result<String, std::fmt::Error> {
    let mut out = String::new();
    let file = &found.file;
    writeln!(
        out,
        "{}: {} rows, {} bytes, level {}, tenant {}",
        file.path, file.rows, file.bytes, file.level, file.tenant
    )?;
    writeln!(
        out,
        "from {} to {}",
        rfc3339(file.oldest_unix_nano),
        rfc3339(file.newest_unix_nano)
    )?;
    if let Some(why) = &file.unreadable {
        writeln!(out, "cannot be read: {why}")?;
        return Ok(out);
    }
    columns(&found.columns, &file.anatomy, file.rows, &mut out)?;
    for (number, group) in found.groups.iter().enumerate() {
        writeln!(
            out,
            "\nrow group {number}: {} rows, {} bytes",
            group.rows, group.bytes
        )?;
        writeln!(
            out,
            "{:44} {:>12} {:>12} {:>8} {:>22}  encodings",
            "column", "bytes", "dictionary", "pages", "bytes of a page"
        )?;
        for chunk in &group.columns {
            let bytes = chunk.places.iter().map(|page| page.bytes);
            let (least, most) = (bytes.clone().min().unwrap_or(0), bytes.max().unwrap_or(0));
            let column = &chunk.column;
            writeln!(
                out,
                "{:44} {:>12} {:>12} {:>8} {:>22}  {}",
                column.name,
                column.bytes,
                column.dictionary_bytes,
                column.pages,
                format!("{least} to {most}"),
                words(&column.encodings)
            )?;
        }
    }
    Ok(out)
}

fn of_table(table: &TableFacts, out: &mut String) -> Result {
    let mut levels: BTreeMap<u8, (u64, u64, u64)> = BTreeMap::new();
    for file in &table.files {
        let (files, rows, bytes) = levels.entry(file.level).or_default();
        *files += 1;
        *rows += file.rows;
        *bytes += file.bytes;
    }
    writeln!(out, "\n{}", table.name)?;
    for (level, (files, rows, bytes)) in levels {
        writeln!(
            out,
            "  level {level}: {files} files, {rows} rows, {bytes} bytes"
        )?;
    }
    columns(&table.columns, &table.anatomy, table.rows, out)
}

/// Columns by their bytes, and then what else the files are made of.
fn columns(columns: &[ColumnFacts], anatomy: &Anatomy, rows: u64, out: &mut String) -> Result {
    let total = anatomy.total();
    writeln!(
        out,
        "{:44} {:>9} {:>14} {:>6} {:>14} {:>12} {:>10} {:>8}  how",
        "column", "bytes/row", "bytes", "share", "uncompressed", "dictionary", "indexes", "pages"
    )?;
    let mut by_bytes: Vec<&ColumnFacts> = columns.iter().collect();
    by_bytes.sort_by_key(|column| Reverse(column.bytes));
    for column in by_bytes {
        writeln!(
            out,
            "{:44} {:>9.3} {:>14} {:>5.1}% {:>14} {:>12} {:>10} {:>8}  {} {}",
            column.name,
            per_row(column.bytes, rows),
            column.bytes,
            share(column.bytes, total),
            column.plain_bytes,
            column.dictionary_bytes,
            column.index_bytes,
            column.pages,
            words(&column.compression),
            words(&column.encodings)
        )?;
    }
    for (what, bytes) in [
        ("all pages of values", anatomy.data_pages),
        ("all dictionaries", anatomy.dictionary_pages),
        ("Bloom filters of columns", anatomy.bloom_filters),
        ("page indexes", anatomy.page_indexes),
        ("filters of trace ids", anatomy.trace_filters),
        ("tables of traces", anatomy.trace_tables),
        ("footers", anatomy.footers),
        ("what nothing points to", anatomy.rest),
        ("sum", total),
    ] {
        let (each, share) = (per_row(bytes, rows), share(bytes, total));
        let what = format!("({what})");
        writeln!(out, "{what:44} {each:>9.3} {bytes:>14} {share:>5.1}%")?;
    }
    Ok(())
}

fn files(files: &[TableFile], out: &mut String) -> Result {
    writeln!(
        out,
        "\n{:>12} {:>14} {:>6} {:>5}  {:20}  {:20}  path",
        "rows", "bytes", "groups", "level", "from", "to"
    )?;
    for file in files {
        writeln!(
            out,
            "{:>12} {:>14} {:>6} {:>5}  {:20}  {:20}  {}",
            file.rows,
            file.bytes,
            file.row_groups,
            file.level,
            rfc3339(file.oldest_unix_nano),
            rfc3339(file.newest_unix_nano),
            file.path
        )?;
    }
    Ok(())
}

fn words(all: &std::collections::BTreeSet<String>) -> String {
    all.iter().map(String::as_str).collect::<Vec<_>>().join("+")
}

fn per_row(bytes: u64, rows: u64) -> f64 {
    bytes as f64 / rows.max(1) as f64
}

fn share(bytes: u64, total: u64) -> f64 {
    100.0 * bytes as f64 / total.max(1) as f64
}
