//! Reading bytes of a block, within a budget.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::disk::DiskFile;

/// What one scan has read, and whether it could. Clones share it.
///
/// The Parquet reader turns causes into texts on their way out, so they are noted here.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReadBudget {
    read: Arc<AtomicU64>,
    max: Option<u64>,
    disk_failed: Arc<AtomicBool>,
}

/// The bytes that a scan may read are used up.
#[derive(Debug, thiserror::Error)]
#[error("more than {0} bytes would be read")]
pub(crate) struct BudgetSpent(u64);

impl ReadBudget {
    pub(crate) fn new(max: Option<u64>) -> Self {
        Self {
            max,
            ..Self::default()
        }
    }

    pub(crate) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Whether a read was refused for want of budget.
    pub(crate) fn is_spent(&self) -> bool {
        self.max.is_some_and(|max| self.bytes_read() > max)
    }

    /// Whether the disk failed to read.
    pub(crate) fn disk_failed(&self) -> bool {
        self.disk_failed.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: u64) -> Result<()> {
        let before = self.read.fetch_add(bytes, Ordering::Relaxed);
        match self.max {
            Some(max) if before.saturating_add(bytes) > max => {
                Err(ParquetError::External(Box::new(BudgetSpent(max))))
            }
            _ => Ok(()),
        }
    }
}

/// A block's file as the Parquet reader takes it.
#[derive(Debug, Clone)]
pub(crate) struct BlockInput {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) len: u64,
    pub(crate) budget: ReadBudget,
}

impl BlockInput {
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let read = self.file.read_at(offset, bytes);
        read.inspect_err(|_| self.budget.disk_failed.store(true, Ordering::Relaxed))
    }
}

impl Length for BlockInput {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for BlockInput {
    type T = BlockRead;

    fn get_read(&self, start: u64) -> Result<BlockRead> {
        Ok(BlockRead {
            input: self.clone(),
            at: start,
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if start
            .checked_add(length as u64)
            .is_none_or(|end| end > self.len)
        {
            return Err(ParquetError::EOF(format!(
                "bytes {start} to +{length} of a block of {} bytes",
                self.len
            )));
        }
        self.budget.take(length as u64)?;
        let mut bytes = vec![0; length];
        self.read_at(start, &mut bytes)?;
        Ok(Bytes::from(bytes))
    }
}

/// A block from some position on.
#[derive(Debug)]
pub(crate) struct BlockRead {
    input: BlockInput,
    at: u64,
}

impl Read for BlockRead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.input.len.saturating_sub(self.at);
        let len = out.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.input
            .budget
            .take(len as u64)
            .map_err(io::Error::other)?;
        self.input.read_at(self.at, &mut out[..len])?;
        self.at += len as u64;
        Ok(len)
    }
}
