//! Bytes of a block, within the limits of a reading.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use super::reader::is_damage;
use super::reading::Reading;
use crate::disk::DiskFile;

/// A block's file as the Parquet reader takes it.
#[derive(Debug, Clone)]
pub(crate) struct BlockInput {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) len: u64,
    pub(crate) reading: Arc<Reading>,
}

impl BlockInput {
    /// `length` bytes from `start` on.
    ///
    /// Errors: when the file ends before, when the reading may not go on, when the disk fails.
    pub(crate) fn bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.len) {
            return Err(ParquetError::EOF(format!(
                "bytes {start} to +{length} of a block of {} bytes",
                self.len
            )));
        }
        let stopped = |stop| ParquetError::External(Box::new(stop));
        self.reading.take(length as u64).map_err(stopped)?;
        let mut bytes = vec![0; length];
        self.read_at(start, &mut bytes)?;
        Ok(Bytes::from(bytes))
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let read = self.file.read_at(offset, bytes);
        // A file that is shorter than it was, or gone, is damaged; anything else is the disk's fault.
        read.inspect_err(|e| {
            if !is_damage(e) {
                self.reading.disk_failed();
            }
        })
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
        self.bytes(start, length)
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
            .reading
            .take(len as u64)
            .map_err(io::Error::other)?;
        self.input.read_at(self.at, &mut out[..len])?;
        self.at += len as u64;
        Ok(len)
    }
}
