//! Parquet's hybrid of runs and bit-packed groups of eight, for levels and dictionary indices.
//!
//! Source: Apache Parquet, `Encodings.md`, "Run Length Encoding / Bit-Packing Hybrid".

/// Values of a bit-packed group. Runs begin where a group would, and are at least two groups long.
const GROUP: usize = 8;

/// Bits that hold numbers up to `max`.
pub(super) fn width_of(max: u32) -> u32 {
    u32::BITS - max.leading_zeros()
}

/// Appends `values`, each below 2^`width`, to `out`.
pub(super) fn encode<T: Copy + Eq + Into<u32>>(out: &mut Vec<u8>, values: &[T], width: u32) {
    // `start..at` waits to be packed.
    let (mut start, mut at) = (0, 0);
    while at + 2 * GROUP <= values.len() {
        let first = values[at];
        let is_run = values[at..at + 2 * GROUP].iter().all(|&v| v == first);
        if !is_run {
            at += GROUP;
            continue;
        }
        let more = values[at + 2 * GROUP..].iter().position(|&v| v != first);
        let end = more.map_or(values.len(), |more| at + 2 * GROUP + more);
        pack(out, &values[start..at], width);
        put_run(out, first.into(), end - at, width);
        (start, at) = (end, end);
    }
    pack(out, &values[start..], width);
}

fn put_run(out: &mut Vec<u8>, value: u32, len: usize, width: u32) {
    put_varint(out, (len as u64) << 1);
    let bytes = width.div_ceil(8) as usize;
    out.extend_from_slice(&value.to_le_bytes()[..bytes]);
}

fn pack<T: Copy + Into<u32>>(out: &mut Vec<u8>, values: &[T], width: u32) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(GROUP);
    put_varint(out, (groups as u64) << 1 | 1);
    let padding = groups * GROUP - values.len();
    match width {
        8 => {
            out.extend(values.iter().map(|&v| v.into() as u8));
            out.resize(out.len() + padding, 0);
        }
        16 => {
            out.extend(values.iter().flat_map(|&v| (v.into() as u16).to_le_bytes()));
            out.resize(out.len() + 2 * padding, 0);
        }
        _ => {
            let zeros = std::iter::repeat_n(0, padding);
            pack_bits(
                out,
                values.iter().map(|&v| u64::from(v.into())).chain(zeros),
                width,
            );
        }
    }
}

/// Appends `values`, each below 2^`width`, from the lowest bit up; together they fill whole bytes.
pub(super) fn pack_bits(out: &mut Vec<u8>, values: impl Iterator<Item = u64>, width: u32) {
    let (mut bits, mut n) = (0_u128, 0);
    for value in values {
        bits |= u128::from(value) << n;
        n += width;
        if n >= 64 {
            out.extend_from_slice(&(bits as u64).to_le_bytes());
            bits >>= 64;
            n -= 64;
        }
    }
    debug_assert_eq!(n % 8, 0);
    out.extend_from_slice(&(bits as u64).to_le_bytes()[..n as usize / 8]);
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
