//! A second reader of trace skeletons, written from `docs/trace-skeleton.md` and not from their writer, so that tests compare two opinions.

use std::collections::BTreeMap;

use serde_json::Value;

/// Why bytes are no skeleton.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// They begin otherwise.
    NotASkeleton,
    /// A version that this reader does not know.
    Version(u32),
    /// They end too early.
    Short,
    /// They contradict the format; how.
    Malformed(&'static str),
}

/// The numbers of a column.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "one per width")]
pub enum Numbers {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    F64(Vec<f64>),
}

/// A chunk as it was read.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// 1 for a preview, 2 for the whole.
    pub kind: u32,
    /// The JSON.
    pub header: Value,
    /// By name.
    pub columns: BTreeMap<String, Numbers>,
}

/// The chunks of a stream, the last of which is a whole one.
///
/// Errors: for all bytes that are not exactly one stream.
pub fn read(bytes: &[u8]) -> Result<Vec<Chunk>, ReadError> {
    let mut rest = bytes;
    if rest.len() < 8 || take(&mut rest, 8)? != b"CLSKELET" {
        return Err(ReadError::NotASkeleton);
    }
    match u32_of(&mut rest)? {
        1 => take(&mut rest, 4)?,
        version => return Err(ReadError::Version(version)),
    };
    let mut chunks = Vec::new();
    loop {
        let chunk = chunk(&mut rest)?;
        let is_last = chunk.kind == 2;
        chunks.push(chunk);
        if is_last {
            break;
        }
    }
    match rest {
        [] => Ok(chunks),
        _ => Err(ReadError::Malformed("there is more after the last chunk")),
    }
}

impl Chunk {
    /// A column of `f64`; panics where there is none.
    pub fn f64(&self, name: &str) -> &[f64] {
        match &self.columns[name] {
            Numbers::F64(numbers) => numbers,
            other => panic!("{name} is {other:?}"),
        }
    }

    /// A column of whole numbers of any width; panics where there is none.
    pub fn whole(&self, name: &str) -> Vec<u64> {
        match &self.columns[name] {
            Numbers::U8(numbers) => numbers.iter().map(|n| u64::from(*n)).collect(),
            Numbers::U16(numbers) => numbers.iter().map(|n| u64::from(*n)).collect(),
            Numbers::U32(numbers) => numbers.iter().map(|n| u64::from(*n)).collect(),
            Numbers::U64(numbers) => numbers.clone(),
            Numbers::F64(_) => panic!("{name} is f64"),
        }
    }

    /// The texts of a dictionary; panics where there is none, or its bytes are not UTF-8.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let bytes = self.whole(&format!("{name}.bytes"));
        let bytes: Vec<u8> = bytes.into_iter().map(|byte| byte as u8).collect();
        let mut start = 0;
        let text = |end: u64| {
            let text = bytes[start..end as usize].to_vec();
            start = end as usize;
            String::from_utf8(text).expect("UTF-8")
        };
        self.whole(&format!("{name}.ends"))
            .into_iter()
            .map(text)
            .collect()
    }
}

fn chunk(rest: &mut &[u8]) -> Result<Chunk, ReadError> {
    let kind = u32_of(rest)?;
    if !(1..=2).contains(&kind) {
        return Err(ReadError::Malformed("a chunk of an unknown kind"));
    }
    let json_length = u32_of(rest)? as usize;
    let body_length = u64::from_le_bytes(array(take(rest, 8)?));
    let json = take(rest, json_length)?;
    take(rest, padding(json_length))?;
    let header: Value =
        serde_json::from_slice(json).map_err(|_| ReadError::Malformed("a header is not JSON"))?;
    let body_length = usize::try_from(body_length).map_err(|_| ReadError::Short)?;
    let mut body = take(rest, body_length)?;
    let described = header["columns"]
        .as_array()
        .ok_or(ReadError::Malformed("a header without columns"))?;
    let mut columns = BTreeMap::new();
    for column in described {
        let (name, kind) = (column["name"].as_str(), column["type"].as_str());
        let length = column["length"].as_u64();
        let (Some(name), Some(kind), Some(length)) = (name, kind, length) else {
            return Err(ReadError::Malformed("a column without name, type, length"));
        };
        let length = usize::try_from(length).map_err(|_| ReadError::Short)?;
        columns.insert(name.to_owned(), numbers(&mut body, kind, length)?);
    }
    match body {
        [] => Ok(Chunk {
            kind,
            header,
            columns,
        }),
        _ => Err(ReadError::Malformed("a body longer than its columns")),
    }
}

fn numbers(body: &mut &[u8], kind: &str, length: usize) -> Result<Numbers, ReadError> {
    let width = match kind {
        "u8" => 1,
        "u16" => 2,
        "u32" => 4,
        "u64" | "f64" => 8,
        _ => return Err(ReadError::Malformed("a column of an unknown type")),
    };
    let n_bytes = length.checked_mul(width).ok_or(ReadError::Short)?;
    let bytes = take(body, n_bytes)?;
    take(body, padding(n_bytes))?;
    let parts = bytes.chunks_exact(width);
    Ok(match kind {
        "u8" => Numbers::U8(bytes.to_vec()),
        "u16" => Numbers::U16(parts.map(|part| u16::from_le_bytes(array(part))).collect()),
        "u32" => Numbers::U32(parts.map(|part| u32::from_le_bytes(array(part))).collect()),
        "u64" => Numbers::U64(parts.map(|part| u64::from_le_bytes(array(part))).collect()),
        _ => Numbers::F64(parts.map(|part| f64::from_le_bytes(array(part))).collect()),
    })
}

fn u32_of(rest: &mut &[u8]) -> Result<u32, ReadError> {
    take(rest, 4).map(|bytes| u32::from_le_bytes(array(bytes)))
}

fn take<'a>(rest: &mut &'a [u8], n: usize) -> Result<&'a [u8], ReadError> {
    let (taken, left) = rest.split_at_checked(n).ok_or(ReadError::Short)?;
    *rest = left;
    Ok(taken)
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

/// Bytes up to the next multiple of 8.
fn padding(n: usize) -> usize {
    n.wrapping_neg() % 8
}
