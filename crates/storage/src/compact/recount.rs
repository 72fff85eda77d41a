//! What a merge changes of the counts.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use columnar::{Column, layout};
use rollup::EdgeDelta;

use super::merge::Chunk;
use crate::block::Place;
use crate::error::BlockError;
use crate::parts::Counts;

/// Corrects `counts` for the traces of `chunk` of which several blocks had rows, or of which rows do not stay: `keep` says of each row whether
/// it does. The others count as they did.
///
/// A trace that is too large for one chunk stays counted as its parts were.
pub(super) fn recount(counts: &mut Counts, chunk: &Chunk, keep: &[bool]) -> Result<(), BlockError> {
    let (mut whole, mut gone) = (Vec::new(), Vec::new());
    let mut parts: BTreeMap<u16, Vec<Place>> = BTreeMap::new();
    let input = |row: usize| chunk.inputs[chunk.rows[row].0 as usize];
    let end = chunk.traces.len() - usize::from(chunk.breaks_off);
    for trace in usize::from(chunk.continues)..end {
        let rows = chunk.rows_of(trace);
        let first = input(rows.start);
        if rows.clone().all(|row| keep[row] && input(row) == first) {
            continue;
        }
        for row in rows {
            let place = chunk.rows[row];
            parts.entry(input(row)).or_default().push(place);
            let side = if keep[row] { &mut whole } else { &mut gone };
            side.push(place);
        }
    }
    if parts.is_empty() {
        return Ok(());
    }
    let mut columns = EdgeDelta::COLUMNS;
    columns.sort_unstable();
    let rows = |places: &[Place], columns: &[Column]| -> Result<RecordBatch, BlockError> {
        Ok(layout::from_file(&chunk.gather(places)?, columns)?)
    };
    let parts = parts.values().map(|places| rows(places, &columns));
    let parts: Vec<RecordBatch> = parts.collect::<Result<_, _>>()?;
    counts.join(&rows(&whole, &columns)?, &parts)?;
    if !gone.is_empty() {
        counts.take_back(&rows(&gone, &Column::ALL)?)?;
    }
    Ok(())
}
