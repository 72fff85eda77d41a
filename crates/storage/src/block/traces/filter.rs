//! Which traces a block does not have.

use model::TraceId;

use super::decode::TraceTableError;

/// Bytes of a block of the filter: eight words, in each of which an id sets one bit.
const BLOCK_BYTES: usize = 32;

/// Bits of the filter per trace: one absent id in about 100 passes.
const BITS_PER_TRACE: usize = 10;

/// A split-block Bloom filter of trace ids: an id that it refuses is not in the block.
///
/// Source: Apache Parquet, `BloomFilter.md`, for the structure; ids are mixed by two rounds of SplitMix64 instead of hashed by XXH64.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraceIdFilter {
    blocks: Vec<[u32; 8]>,
}

impl TraceIdFilter {
    /// The filter of `ids`.
    pub(crate) fn of(ids: &[TraceId]) -> Self {
        let n_blocks = (ids.len() * BITS_PER_TRACE).div_ceil(8 * BLOCK_BYTES);
        let mut filter = Self {
            blocks: vec![[0; 8]; n_blocks],
        };
        for id in ids {
            let hash = hash(id);
            let block = filter.block_of(hash);
            for (word, bit) in filter.blocks[block].iter_mut().zip(bits(hash)) {
                *word |= bit;
            }
        }
        filter
    }

    /// Whether the block may have the trace `id`. O(1), one cache line.
    pub fn may_hold(&self, id: &TraceId) -> bool {
        if self.blocks.is_empty() {
            return false;
        }
        let hash = hash(id);
        let block = &self.blocks[self.block_of(hash)];
        block
            .iter()
            .zip(bits(hash))
            .all(|(word, bit)| word & bit != 0)
    }

    /// Bytes of memory.
    pub fn memory_bytes(&self) -> usize {
        BLOCK_BYTES * self.blocks.len()
    }

    /// The section's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let words = self.blocks.iter().flatten();
        words.flat_map(|word| word.to_le_bytes()).collect()
    }

    /// The filter of a section's bytes; its checksum is the caller's matter.
    ///
    /// Errors: `Short` when they are not whole blocks.
    pub fn decode(section: &[u8]) -> Result<Self, TraceTableError> {
        let (blocks, rest) = section.as_chunks::<BLOCK_BYTES>();
        if !rest.is_empty() {
            return Err(TraceTableError::Short);
        }
        let block = |bytes: &[u8; BLOCK_BYTES]| {
            let (words, _) = bytes.as_chunks::<4>();
            std::array::from_fn(|n| u32::from_le_bytes(words[n]))
        };
        Ok(Self {
            blocks: blocks.iter().map(block).collect(),
        })
    }

    fn block_of(&self, hash: u64) -> usize {
        // Source: D. Lemire, "Fast Random Integer Generation in an Interval", 2019.
        (((hash >> 32) * self.blocks.len() as u64) >> 32) as usize
    }
}

/// The bit of each word. Source: the salts of Parquet's `BloomFilter.md`.
fn bits(hash: u64) -> [u32; 8] {
    const SALTS: [u32; 8] = [
        0x47b6_137b,
        0x4497_4d91,
        0x8824_ad5b,
        0xa2b7_289d,
        0x7054_95c7,
        0x2df1_424b,
        0x9efc_4947,
        0x5c6b_fb31,
    ];
    SALTS.map(|salt| 1 << ((hash as u32).wrapping_mul(salt) >> 27))
}

fn hash(id: &TraceId) -> u64 {
    let number = u128::from_le_bytes(id.0);
    mix(mix(number as u64) ^ (number >> 64) as u64)
}

/// Source: the finaliser of SplitMix64.
fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
