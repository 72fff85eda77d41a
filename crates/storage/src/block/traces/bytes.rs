//! Integers of variable length. Source: LEB128, and the zigzag mapping of Protocol Buffers.

use super::decode::TraceTableError;

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Bytes that are taken from the front.
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn take(&mut self, n: usize) -> Result<&'a [u8], TraceTableError> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(TraceTableError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], TraceTableError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(TraceTableError::Short)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn varint(&mut self) -> Result<u64, TraceTableError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(TraceTableError::Number);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(TraceTableError::Number)
    }

    pub(super) fn signed(&mut self) -> Result<i64, TraceTableError> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A number of rows.
    pub(super) fn count32(&mut self) -> Result<u32, TraceTableError> {
        u32::try_from(self.varint()?).map_err(|_| TraceTableError::Number)
    }

    /// A number of things that take at least `bytes_each` of what is left, so that a wrong one cannot ask for memory.
    pub(super) fn count(&mut self, bytes_each: usize) -> Result<usize, TraceTableError> {
        let count = usize::try_from(self.varint()?).map_err(|_| TraceTableError::Number)?;
        match count.checked_mul(bytes_each) {
            Some(bytes) if bytes <= self.0.len() => Ok(count),
            _ => Err(TraceTableError::Short),
        }
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> Result<u32, TraceTableError> {
        let value = self.varint()?;
        if value < end as u64 {
            u32::try_from(value).map_err(|_| TraceTableError::Number)
        } else {
            Err(TraceTableError::Number)
        }
    }
}
