//! The binary form of a trace's skeleton: chunks of typed columns that a browser reads in place. `docs/trace-skeleton.md` has it byte by byte.
//!
//! A stream begins with [`begin`]; each [`Chunk`] follows with its own header, whose JSON names the columns that come after it. Every column begins at a multiple of
//! [`ALIGNMENT`] bytes of the stream, little endian. Lengths stand before what they are of, so a reader knows at once when a stream broke off.
//!
//! Deliberately elsewhere: which columns there are and what they mean (`query`), compression (of the transport).

use serde::Serialize;

/// The first bytes of every stream.
pub const MAGIC: [u8; 8] = *b"CLSKELET";

/// The version that is written.
pub const VERSION: u32 = 1;

/// What the stream is called in HTTP.
pub const MEDIA_TYPE: &str = "application/vnd.causeline.trace-skeleton";

/// Columns begin at multiples of so many bytes; so a reader can look at them as numbers of any width.
pub const ALIGNMENT: usize = 8;

/// What a chunk is. The numbers are on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum ChunkKind {
    /// Some spans, to be shown until the rest is there; another chunk follows.
    Preview = 1,
    /// All that was asked for; the last chunk.
    Whole = 2,
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

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Unique in its chunk.
    pub name: &'static str,
    /// What stands in it.
    pub numbers: Numbers,
}

/// A header and its columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk<H> {
    /// What it is.
    pub kind: ChunkKind,
    /// Facts, which become members of the JSON beside `columns`.
    pub facts: H,
    /// In the order in which they are sent.
    pub columns: Vec<Column>,
}

/// The JSON of a chunk.
#[derive(Serialize)]
struct Header<'a, H> {
    columns: Vec<Described>,
    #[serde(flatten)]
    facts: &'a H,
}

/// A column, as the JSON names it.
#[derive(Serialize)]
struct Described {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    length: usize,
}

/// What a stream begins with.
pub fn begin() -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes
}

impl<H: Serialize> Chunk<H> {
    /// The bytes of the chunk: its header first, then a piece for each column.
    ///
    /// Errors: facts that do not become JSON, which is a mistake of ours.
    pub fn into_pieces(self) -> Result<impl Iterator<Item = Vec<u8>>, serde_json::Error> {
        let described = self.columns.iter().map(|column| Described {
            name: column.name,
            kind: column.numbers.name(),
            length: column.numbers.len(),
        });
        let header = Header {
            columns: described.collect(),
            facts: &self.facts,
        };
        let json = serde_json::to_vec(&header)?;
        let lengths = self.columns.iter().map(|column| column.numbers.n_bytes());
        let body: usize = lengths.map(|bytes| bytes.next_multiple_of(ALIGNMENT)).sum();
        let mut head = Vec::with_capacity(16 + json.len().next_multiple_of(ALIGNMENT));
        head.extend_from_slice(&(self.kind as u32).to_le_bytes());
        head.extend_from_slice(&(json.len() as u32).to_le_bytes());
        head.extend_from_slice(&(body as u64).to_le_bytes());
        head.extend_from_slice(&json);
        pad(&mut head);
        let bodies = self.columns.into_iter().map(|column| {
            let mut bytes = column.numbers.to_bytes();
            pad(&mut bytes);
            bytes
        });
        Ok(std::iter::once(head).chain(bodies))
    }
}

impl Column {
    /// A column of numbers.
    pub fn new(name: &'static str, numbers: impl Into<Numbers>) -> Self {
        let numbers = numbers.into();
        Self { name, numbers }
    }

    /// A column of places in a list of `n` things: of two bytes where these are enough, else of four.
    pub fn of_places(name: &'static str, places: Vec<u32>, n: usize) -> Self {
        let numbers = if n <= usize::from(u16::MAX) + 1 {
            Numbers::U16(places.into_iter().map(|place| place as u16).collect())
        } else {
            Numbers::U32(places)
        };
        Self { name, numbers }
    }
}

impl Numbers {
    /// How the JSON calls the type.
    pub fn name(&self) -> &'static str {
        match self {
            Self::U8(_) => "u8",
            Self::U16(_) => "u16",
            Self::U32(_) => "u32",
            Self::U64(_) => "u64",
            Self::F64(_) => "f64",
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(numbers) => numbers.len(),
            Self::U16(numbers) => numbers.len(),
            Self::U32(numbers) => numbers.len(),
            Self::U64(numbers) => numbers.len(),
            Self::F64(numbers) => numbers.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that they take.
    pub fn n_bytes(&self) -> usize {
        let width = match self {
            Self::U8(_) => 1,
            Self::U16(_) => 2,
            Self::U32(_) => 4,
            Self::U64(_) | Self::F64(_) => 8,
        };
        width * self.len()
    }

    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::U8(numbers) => numbers.clone(),
            Self::U16(numbers) => little_endian(numbers, u16::to_le_bytes),
            Self::U32(numbers) => little_endian(numbers, u32::to_le_bytes),
            Self::U64(numbers) => little_endian(numbers, u64::to_le_bytes),
            Self::F64(numbers) => little_endian(numbers, f64::to_le_bytes),
        }
    }
}

/// The bytes of all numbers, with room for what makes them a multiple of [`ALIGNMENT`].
fn little_endian<T: Copy, const W: usize>(numbers: &[T], bytes_of: fn(T) -> [u8; W]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(numbers.len() * W + ALIGNMENT);
    for number in numbers {
        bytes.extend_from_slice(&bytes_of(*number));
    }
    bytes
}

impl From<Vec<u8>> for Numbers {
    fn from(numbers: Vec<u8>) -> Self {
        Self::U8(numbers)
    }
}

impl From<Vec<u16>> for Numbers {
    fn from(numbers: Vec<u16>) -> Self {
        Self::U16(numbers)
    }
}

impl From<Vec<u32>> for Numbers {
    fn from(numbers: Vec<u32>) -> Self {
        Self::U32(numbers)
    }
}

impl From<Vec<u64>> for Numbers {
    fn from(numbers: Vec<u64>) -> Self {
        Self::U64(numbers)
    }
}

impl From<Vec<f64>> for Numbers {
    fn from(numbers: Vec<f64>) -> Self {
        Self::F64(numbers)
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
}

#[cfg(test)]
mod tests;
