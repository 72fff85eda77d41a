//! Parquet's DELTA_BINARY_PACKED, for times.
//!
//! Source: Apache Parquet, `Encodings.md`, "Delta Encoding".

use super::hybrid::{pack_bits, put_varint};

const BLOCK: usize = 128;
const MINIBLOCKS: usize = 4;
const MINIBLOCK: usize = BLOCK / MINIBLOCKS;

/// Appends `values` to `out`; differences wrap, as the format says.
pub(super) fn encode(out: &mut Vec<u8>, values: &[i64]) {
    put_varint(out, BLOCK as u64);
    put_varint(out, MINIBLOCKS as u64);
    put_varint(out, values.len() as u64);
    put_signed(out, values.first().copied().unwrap_or(0));
    let mut deltas = [0_i64; BLOCK];
    for start in (1..values.len()).step_by(BLOCK) {
        let end = values.len().min(start + BLOCK);
        let n = end - start;
        for (delta, pair) in deltas.iter_mut().zip(values[start - 1..end].windows(2)) {
            *delta = pair[1].wrapping_sub(pair[0]);
        }
        let least = deltas[..n].iter().copied().min().unwrap_or(0);
        put_signed(out, least);
        let above = deltas[..n].iter().map(|d| d.wrapping_sub(least) as u64);
        let mut packed = [0_u64; BLOCK];
        packed
            .iter_mut()
            .zip(above)
            .for_each(|(to, from)| *to = from);
        // Miniblocks without values have width 0 and no bytes.
        let widths: [u32; MINIBLOCKS] = std::array::from_fn(|m| {
            let all = packed[m * MINIBLOCK..][..MINIBLOCK].iter();
            u64::BITS - all.fold(0, |all, v| all | v).leading_zeros()
        });
        out.extend(widths.map(|width| width as u8));
        for (miniblock, width) in packed.chunks(MINIBLOCK).zip(widths) {
            pack_bits(out, miniblock.iter().copied(), width);
        }
    }
}

fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)) as u64);
}
