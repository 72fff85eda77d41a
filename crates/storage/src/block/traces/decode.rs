//! Reading. Any bytes are taken; memory stays within a small multiple of what they are.

use std::io::Read;

use model::TraceId;

use super::TraceTable;
use super::bytes::Input;
use super::encode::{COMPRESSED, EXPANSION_MAX, PLAIN};

/// Bytes that are not a table or a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TraceTableError {
    /// They end too early.
    #[error("the section is too short")]
    Short,
    /// Some are left over.
    #[error("the section is too long")]
    Long,
    /// A number is out of its bounds.
    #[error("a number is out of bounds")]
    Number,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    Text,
    /// The compressed part cannot be expanded.
    #[error("the compressed part is damaged")]
    Compression,
}

impl TraceTable {
    /// The table of a section's bytes; its checksum is the caller's matter.
    ///
    /// Errors: `TraceTableError` when they are not one.
    pub fn decode(section: &[u8]) -> Result<Self, TraceTableError> {
        let mut input = Input(section);
        let [form] = input.array()?;
        let len = u32::from_le_bytes(input.array()?) as usize;
        match form {
            PLAIN if input.0.len() == len => decode_plain(input.0),
            COMPRESSED => decode_plain(&expand(input.0, len)?),
            _ => Err(TraceTableError::Number),
        }
    }
}

fn expand(bytes: &[u8], len: usize) -> Result<Vec<u8>, TraceTableError> {
    if len > bytes.len().saturating_mul(EXPANSION_MAX) {
        return Err(TraceTableError::Number);
    }
    let decoder = zstd::stream::read::Decoder::new(bytes);
    let decoder = decoder.map_err(|_| TraceTableError::Compression)?;
    let mut plain = Vec::with_capacity(len);
    let read = decoder.take(len as u64 + 1).read_to_end(&mut plain);
    match read {
        Ok(read) if read == len => Ok(plain),
        _ => Err(TraceTableError::Compression),
    }
}

fn decode_plain(bytes: &[u8]) -> Result<TraceTable, TraceTableError> {
    let mut input = Input(bytes);
    let texts = texts(&mut input)?;
    let sets = service_sets(&mut input, texts.len())?;
    // An id and at least a byte in each of eight columns.
    let n = input.count(16 + 8)?;
    let ids = input.take(16 * n)?.chunks_exact(16);
    let ids: Vec<TraceId> = ids
        .filter_map(|id| id.try_into().ok().map(TraceId))
        .collect();
    let mut table = TraceTable {
        rows: row_starts(&mut input, n)?,
        runs: runs(&ids),
        ids,
        texts,
        ..TraceTable::default()
    };
    let mut before = 0_i64;
    for _ in 0..n {
        before = before.wrapping_add(input.signed()?);
        table.starts.push(before);
    }
    for start in &table.starts {
        table.ends.push(start.wrapping_add(input.signed()?));
    }
    for start in &table.starts {
        let newest = start.wrapping_add(input.varint()? as i64);
        table.newest_starts.push(newest.max(*start));
    }
    table.flags = input.take(n)?.to_vec();
    table.titles = titles(&mut input, n, table.texts.len())?;
    services(&mut input, &sets, &mut table)?;
    if input.0.is_empty() {
        Ok(table)
    } else {
        Err(TraceTableError::Long)
    }
}

fn texts(input: &mut Input<'_>) -> Result<Vec<String>, TraceTableError> {
    let n = input.count(1)?;
    let mut texts = Vec::with_capacity(n);
    for _ in 0..n {
        let len = input.count(1)?;
        let text = std::str::from_utf8(input.take(len)?).map_err(|_| TraceTableError::Text)?;
        texts.push(text.to_owned());
    }
    Ok(texts)
}

fn service_sets(input: &mut Input<'_>, n_texts: usize) -> Result<Vec<Vec<u32>>, TraceTableError> {
    let n = input.count(1)?;
    let mut sets = Vec::with_capacity(n);
    for _ in 0..n {
        let len = input.count(1)?;
        let set = (0..len).map(|_| input.below(n_texts));
        sets.push(set.collect::<Result<_, _>>()?);
    }
    Ok(sets)
}

fn row_starts(input: &mut Input<'_>, n: usize) -> Result<Vec<u64>, TraceTableError> {
    let mut rows = Vec::with_capacity(n + 1);
    let mut row = 0_u64;
    rows.push(row);
    for _ in 0..n {
        let next = row.checked_add(input.varint()?);
        row = next.ok_or(TraceTableError::Number)?;
        rows.push(row);
    }
    Ok(rows)
}

fn titles(
    input: &mut Input<'_>,
    n: usize,
    n_texts: usize,
) -> Result<Vec<(u32, u32)>, TraceTableError> {
    let mut services = Vec::with_capacity(n);
    for _ in 0..n {
        services.push(input.below(n_texts)?);
    }
    let title = |service| Ok((service, input.below(n_texts)?));
    services.into_iter().map(title).collect()
}

fn services(
    input: &mut Input<'_>,
    sets: &[Vec<u32>],
    table: &mut TraceTable,
) -> Result<(), TraceTableError> {
    let mut chosen = Vec::with_capacity(table.len());
    for _ in 0..table.len() {
        chosen.push(&sets[input.below(sets.len())? as usize]);
    }
    for set in chosen {
        for &text in set {
            table
                .services
                .push((text, input.count32()?, input.count32()?));
        }
        let end = u32::try_from(table.services.len()).map_err(|_| TraceTableError::Number)?;
        table.service_ends.push(end);
    }
    Ok(())
}

/// Where runs of ascending `ids` end.
fn runs(ids: &[TraceId]) -> Vec<usize> {
    let breaks = ids.windows(2).enumerate();
    let breaks = breaks.filter_map(|(n, pair)| (pair[0] >= pair[1]).then_some(n + 1));
    let last = (!ids.is_empty()).then_some(ids.len());
    breaks.chain(last).collect()
}
