//! The file of an export, in any of its forms.
//!
//! It is written under another name, and gets its own when it is whole.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use columnar::BatchBuilder;
use model::TenantId;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use prost::Message;
use wire::otlp::{Limits, OtlpJson, decode_protobuf};

use super::Format;
use crate::node::AnyError;

/// Rows of a row group of an exported Parquet file; about what is in memory while one is written.
const ROW_GROUP_ROWS: usize = 32_768;

/// A file that is being written.
pub(super) struct Target {
    writer: Writer,
    /// The name it is written under, and its own; `None` for standard output.
    names: Option<(PathBuf, PathBuf)>,
    spans: u64,
}

/// What was written.
pub(super) struct Written {
    pub(super) spans: u64,
}

enum Writer {
    Jsonl(Box<dyn Write>),
    Protobuf(Box<dyn Write>),
    Parquet(Box<ArrowWriter<File>>),
}

impl Target {
    /// Creates the file, or refuses the form for standard output.
    pub(super) fn create(path: &Path, format: Format) -> Result<Self, AnyError> {
        let to_stdout = path == Path::new("-");
        if to_stdout && format == Format::Parquet {
            return Err("Parquet needs a file, since its end says where everything is".into());
        }
        let names = (!to_stdout).then(|| {
            let mut unfinished = path.as_os_str().to_owned();
            unfinished.push(".part");
            (PathBuf::from(unfinished), path.to_owned())
        });
        let file = match &names {
            Some((unfinished, _)) => {
                let file = File::create(unfinished);
                Some(file.map_err(|e| format!("{}: {e}", unfinished.display()))?)
            }
            None => None,
        };
        let writer = match (format, file) {
            (Format::Parquet, Some(file)) => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
                    .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
                    .build();
                let schema = columnar::schema();
                Writer::Parquet(Box::new(ArrowWriter::try_new(
                    file,
                    schema,
                    Some(properties),
                )?))
            }
            (Format::Jsonl, file) => Writer::Jsonl(bytes_of(file)),
            (_, file) => Writer::Protobuf(bytes_of(file)),
        };
        Ok(Self {
            writer,
            names,
            spans: 0,
        })
    }

    /// Writes an encoded `TracesData`.
    pub(super) fn write(&mut self, message: &[u8]) -> Result<(), AnyError> {
        match &mut self.writer {
            Writer::Jsonl(out) => {
                let traces = TracesData::decode(message)?;
                self.spans += n_spans(&traces);
                serde_json::to_writer(&mut *out, &OtlpJson(&traces))?;
                out.write_all(b"\n")?;
            }
            Writer::Protobuf(out) => {
                self.spans += n_spans(&TracesData::decode(message)?);
                let mut head = Vec::new();
                prost::encode_length_delimiter(message.len(), &mut head)?;
                out.write_all(&head)?;
                out.write_all(message)?;
            }
            Writer::Parquet(out) => {
                let limits = Limits {
                    body_bytes_max: usize::MAX,
                    ..Limits::default()
                };
                let decoded = decode_protobuf(message, &limits)?;
                if decoded.rejected.count() > 0 {
                    return Err(decoded.rejected.message().into());
                }
                let batch = decoded.rows.finish(&TenantId::default_tenant(), 0);
                self.spans += batch.num_rows() as u64;
                out.write(&batch)?;
            }
        }
        Ok(())
    }

    /// Makes the file whole and gives it its name.
    pub(super) fn finish(self) -> Result<Written, AnyError> {
        match self.writer {
            Writer::Jsonl(mut out) | Writer::Protobuf(mut out) => out.flush()?,
            Writer::Parquet(out) => drop(out.close()?),
        }
        if let Some((unfinished, path)) = &self.names {
            File::open(unfinished)?.sync_all()?;
            std::fs::rename(unfinished, path).map_err(|e| format!("{}: {e}", path.display()))?;
        }
        Ok(Written { spans: self.spans })
    }
}

fn bytes_of(file: Option<File>) -> Box<dyn Write> {
    match file {
        Some(file) => Box::new(BufWriter::new(file)),
        None => Box::new(BufWriter::new(io::stdout())),
    }
}

fn n_spans(traces: &TracesData) -> u64 {
    let scopes = traces.resource_spans.iter().flat_map(|r| &r.scope_spans);
    scopes.map(|scope| scope.spans.len() as u64).sum()
}
