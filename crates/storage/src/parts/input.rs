//! A part's file as the Parquet reader takes it.
//!
//! The reader asks for pages one after the other, some bytes for the header of each and then its values, column by column in turn. On a disk that
//! costs little. Where every read is a request, a window of each column chunk is read ahead and kept instead.

use std::collections::HashMap;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};

use crate::disk::DiskFile;

/// Bytes of a window; most column chunks are smaller.
const WINDOW_BYTES: u64 = 256 << 10;

/// A file. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Input {
    file: Arc<dyn DiskFile>,
    len: u64,
    ahead: Option<Arc<Ahead>>,
}

/// What is read ahead of a file.
#[derive(Debug)]
struct Ahead {
    /// Column chunks, row group by row group.
    chunks: Vec<Range<u64>>,
    columns: usize,
    /// By chunk, where they begin and what they have; all of one row group. Held across a read: a file has one reader.
    windows: Mutex<HashMap<usize, (u64, Bytes)>>,
}

impl Input {
    pub(super) fn new(file: Arc<dyn DiskFile>) -> io::Result<Self> {
        Ok(Self {
            len: file.len()?,
            file,
            ahead: None,
        })
    }

    /// The same, with windows of the column chunks that `metadata` tells of.
    pub(super) fn reading_ahead(mut self, metadata: &ParquetMetaData) -> Self {
        let groups = metadata.row_groups().iter();
        let chunks = groups.flat_map(|group| group.columns()).map(|chunk| {
            let (start, len) = chunk.byte_range();
            start..start.saturating_add(len)
        });
        let chunks: Vec<_> = chunks.collect();
        let columns = metadata.file_metadata().schema_descr().num_columns().max(1);
        self.ahead = Some(Arc::new(Ahead {
            chunks,
            columns,
            windows: Mutex::default(),
        }));
        self
    }

    /// `len` bytes from `start` on, which the file has.
    fn bytes(&self, start: u64, len: usize) -> io::Result<Bytes> {
        let end = start + len as u64;
        let within = |chunk: &Range<u64>| chunk.start <= start && end <= chunk.end;
        let place = |ahead: &Arc<Ahead>| ahead.chunks.iter().position(within);
        let Some((ahead, chunk)) = self.ahead.as_ref().and_then(|a| Some((a, place(a)?))) else {
            return self.read(start, len);
        };
        let mut windows = ahead.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let group = chunk / ahead.columns;
        windows.retain(|other, _| other / ahead.columns == group);
        let has =
            |window: &&(u64, Bytes)| window.0 <= start && end <= window.0 + window.1.len() as u64;
        if windows.get(&chunk).filter(has).is_none() {
            let left = ahead.chunks[chunk].end - start;
            let window = self.read(start, left.min(WINDOW_BYTES.max(len as u64)) as usize)?;
            windows.insert(chunk, (start, window));
        }
        let window = windows.get(&chunk).filter(has);
        let (from, window) = window.ok_or(io::ErrorKind::UnexpectedEof)?;
        let at = (start - from) as usize;
        Ok(window.slice(at..at + len))
    }

    fn read(&self, start: u64, len: usize) -> io::Result<Bytes> {
        let mut bytes = vec![0; len];
        self.file.read_at(start, &mut bytes)?;
        Ok(Bytes::from(bytes))
    }
}

impl Length for Input {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for Input {
    type T = BufReader<InputFrom>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::new(InputFrom {
            input: self.clone(),
            at: start,
        }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.len) {
            return Err(ParquetError::EOF(format!(
                "bytes {start} to +{length} of a part of {} bytes",
                self.len
            )));
        }
        Ok(self.bytes(start, length)?)
    }
}

/// A file from some position on.
#[derive(Debug)]
pub(super) struct InputFrom {
    input: Input,
    at: u64,
}

impl Read for InputFrom {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.input.len.saturating_sub(self.at);
        let mut len = out.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        // No further than the column chunk, so that its window has it.
        let chunks = self.input.ahead.iter().flat_map(|ahead| &ahead.chunks);
        for chunk in chunks.filter(|chunk| chunk.contains(&self.at)) {
            len = len.min(usize::try_from(chunk.end - self.at).unwrap_or(usize::MAX));
        }
        let bytes = self.input.bytes(self.at, len)?;
        out[..len].copy_from_slice(&bytes);
        self.at += len as u64;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use arrow::array::{Int64Array, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::file::metadata::ParquetMetaDataReader;
    use parquet::file::properties::WriterProperties;

    use super::*;

    /// A file in memory that counts its reads.
    #[derive(Debug)]
    struct Counted(Vec<u8>, AtomicU64);

    impl DiskFile for Counted {
        fn allocate(&self, _: u64) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
            self.1.fetch_add(1, Ordering::Relaxed);
            let at = offset as usize;
            bytes.copy_from_slice(&self.0[at..at + bytes.len()]);
            Ok(())
        }

        fn len(&self) -> io::Result<u64> {
            Ok(self.0.len() as u64)
        }

        fn sync(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Row groups of many pages; a column that is larger than a window, and one that is not.
    fn file() -> (RecordBatch, Vec<u8>) {
        let rows = 0..40_000_i64;
        let texts = rows
            .clone()
            .map(|n| format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a)));
        let numbers = Int64Array::from_iter_values(rows);
        let texts = StringArray::from_iter_values(texts);
        let batch = RecordBatch::try_from_iter([
            ("number", Arc::new(numbers) as _),
            ("text", Arc::new(texts) as _),
        ]);
        let batch = batch.unwrap();
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(25_000))
            .set_data_page_row_count_limit(500)
            .set_write_batch_size(500)
            .set_dictionary_enabled(false);
        let properties = Some(properties.build());
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), properties).unwrap();
        writer.write(&batch).unwrap();
        (batch, writer.into_inner().unwrap())
    }

    #[test]
    fn a_file_is_the_same_in_fewer_reads() {
        let (batch, bytes) = file();
        assert!(bytes.len() as u64 > 2 * WINDOW_BYTES);
        let reads = [false, true].map(|is_remote| {
            let file = Arc::new(Counted(bytes.clone(), AtomicU64::new(0)));
            let mut input = Input::new(file.clone()).unwrap();
            let metadata = ParquetMetaDataReader::new().parse_and_finish(&input);
            if is_remote {
                input = input.reading_ahead(&metadata.unwrap());
            }
            let reader = ParquetRecordBatchReaderBuilder::try_new(input).unwrap();
            let mut rows = 0;
            for read in reader.with_batch_size(1_000).build().unwrap() {
                let read = read.unwrap();
                assert_eq!(read, batch.slice(rows, read.num_rows()));
                rows += read.num_rows();
            }
            assert_eq!(rows, batch.num_rows());
            file.1.load(Ordering::Relaxed)
        });
        assert!(reads[1] * 8 < reads[0], "{reads:?}");
    }
}
