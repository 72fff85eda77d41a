//! Looks for traces in every file of the store: the proof of an erasure.
//!
//! Every file is searched for the ids as they are (16 bytes) and as people write them (hexadecimal, either case). Blocks and parts are
//! compressed, so their trace ids, the trace ids of links and the tables of traces are decoded and compared as well; so are checkpoints of the
//! table's log, of which everything is decoded. The file of pins and erasures itself names
//! the traces until their erasures are forgotten, since late spans must be recognised; it is passed over, and so is its successor while it is
//! being written.

use std::collections::BTreeSet;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, BuildError};
use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;
use columnar::{Column, LogColumn, LogColumns, SpanColumns};
use model::TraceId;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use store_api::{Finding, Proof};

use crate::block::{BlockRows, OpenBlock, Reading};
use crate::catalog::PartTable;
use crate::disk::{Disk, read_all};
use crate::error::BlockError;
use crate::holds;
use crate::table::LOG;

/// Rows of a batch of ids.
const BATCH_ROWS: usize = 8_192;

/// Searches every file on `disks` for `ids`. Reads everything, one file at a time in memory.
pub(crate) fn search(disks: &[Arc<dyn Disk>], ids: &[TraceId]) -> std::io::Result<Proof> {
    let patterns = Patterns::new(ids).map_err(std::io::Error::other)?;
    let mut proof = Proof::default();
    for disk in disks {
        search_disk(disk.as_ref(), &patterns, &mut proof)?;
    }
    proof.findings.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(proof)
}

fn search_disk(disk: &dyn Disk, patterns: &Patterns<'_>, proof: &mut Proof) -> std::io::Result<()> {
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in disk.list(&folder)? {
            let path = match folder.as_str() {
                "" => entry.name,
                folder => format!("{folder}/{}", entry.name),
            };
            if entry.is_dir {
                folders.push(path);
            } else if !path.starts_with(holds::PATH) {
                file(disk, path, patterns, proof)?;
            }
        }
    }
    Ok(())
}

fn file(
    disk: &dyn Disk,
    path: String,
    patterns: &Patterns<'_>,
    proof: &mut Proof,
) -> std::io::Result<()> {
    let bytes = match read_all(disk, &path) {
        // It was removed since it was listed.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        bytes => bytes?,
    };
    proof.files += 1;
    proof.bytes += bytes.len() as u64;
    let mut found = patterns.in_bytes(&bytes);
    if path.ends_with(".parquet") {
        let decoded = match table_of(&path) {
            _ if path.contains(&format!("{LOG}/")) => patterns.in_checkpoint(bytes.into()),
            None => patterns.in_block(disk, &path),
            Some(PartTable::Logs) => patterns.in_logs(bytes.into()),
            Some(PartTable::Rollups) => patterns.in_rollups(bytes.into()),
            // They name no trace.
            Some(PartTable::Edges) => Ok(BTreeSet::new()),
        };
        match decoded {
            Ok(more) => found.extend(more),
            Err(BlockError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => proof.unreadable.push(path.clone()),
        }
    }
    if !found.is_empty() {
        proof.findings.push(Finding {
            path,
            trace_ids: found.into_iter().collect(),
        });
    }
    Ok(())
}

/// The table of parts that the file at `path` belongs to, on the disk of the lake, or the data folder where the lake may lie.
fn table_of(path: &str) -> Option<PartTable> {
    let in_lake = path.strip_prefix("lake/").unwrap_or(path);
    PartTable::ALL.into_iter().find(|table| {
        let rest = in_lake.strip_prefix(table.name());
        rest.is_some_and(|rest| rest.starts_with('/'))
    })
}

struct Patterns<'a> {
    ids: &'a [TraceId],
    wanted: BTreeSet<TraceId>,
    /// Three patterns an id.
    automaton: AhoCorasick,
}

impl<'a> Patterns<'a> {
    fn new(ids: &'a [TraceId]) -> Result<Self, BuildError> {
        let spellings = ids.iter().flat_map(|id| {
            let text = id.to_string();
            [
                id.0.to_vec(),
                text.to_ascii_uppercase().into_bytes(),
                text.into_bytes(),
            ]
        });
        let automaton = AhoCorasick::new(spellings)?;
        Ok(Self {
            ids,
            wanted: ids.iter().copied().collect(),
            automaton,
        })
    }

    fn in_bytes(&self, bytes: &[u8]) -> BTreeSet<TraceId> {
        let matches = self.automaton.find_overlapping_iter(bytes);
        matches
            .map(|m| self.ids[m.pattern().as_usize() / 3])
            .collect()
    }

    /// Adds those of `ids` that are searched for to `found`.
    fn among<'i>(
        &self,
        ids: impl Iterator<Item = Option<&'i [u8]>>,
        found: &mut BTreeSet<TraceId>,
    ) {
        let ids = ids.flatten().filter_map(|id| id.try_into().ok());
        found.extend(ids.map(TraceId).filter(|id| self.wanted.contains(id)));
    }

    /// Whatever its columns are: their values stand as they are in Arrow's own format.
    fn in_checkpoint(&self, bytes: Bytes) -> Result<BTreeSet<TraceId>, BlockError> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()?;
        let mut found = BTreeSet::new();
        for batch in reader {
            let batch = batch?;
            let mut plain = StreamWriter::try_new(Vec::new(), batch.schema_ref())?;
            plain.write(&batch)?;
            found.extend(self.in_bytes(&plain.into_inner()?));
        }
        Ok(found)
    }

    fn in_logs(&self, bytes: Bytes) -> Result<BTreeSet<TraceId>, BlockError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
        let roots = [LogColumn::TraceId as usize];
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        let mut found = BTreeSet::new();
        for batch in builder.with_projection(mask).build()? {
            let batch = batch?;
            let ids = LogColumns::new(&batch).ids(LogColumn::TraceId)?;
            self.among(ids.iter(), &mut found);
        }
        Ok(found)
    }

    fn in_rollups(&self, bytes: bytes::Bytes) -> Result<BTreeSet<TraceId>, BlockError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
        let mut found = BTreeSet::new();
        for batch in builder.build()? {
            let named = rollup::exemplar_traces(&batch?)?;
            found.extend(named.intersection(&self.wanted));
        }
        Ok(found)
    }

    /// Those that the table of traces, a row or a link of the block at `path` names.
    fn in_block(&self, disk: &dyn Disk, path: &str) -> Result<BTreeSet<TraceId>, BlockError> {
        let reading = Reading::unlimited();
        let block = Arc::new(OpenBlock::read(0, path, disk, &reading)?);
        let mut found = BTreeSet::new();
        if let Some(table) = block.trace_table(&reading)? {
            let held = table.iter().map(|trace| trace.id());
            found.extend(held.filter(|id| self.wanted.contains(id)));
        }
        // It has no ids, only whether it may have one, and may be wrong; but it must be what was written.
        block.trace_filter(&reading)?;
        let columns = [Column::TraceId, Column::Links];
        let mut rows = BlockRows::new(block.clone(), reading, &columns, None, BATCH_ROWS);
        while let Some(batch) = rows.next()? {
            let batch = block.layout.to_memory(&batch, &columns)?;
            let columns = SpanColumns::new(&batch);
            let links = columns.links()?;
            for ids in [columns.ids(Column::TraceId)?, links.trace_ids] {
                self.among(ids.iter(), &mut found);
            }
        }
        Ok(found)
    }
}
