//! Files to requests.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::mem;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use columnar::BatchBuilder;
use model::{Span, TenantId};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use prost::Message;
use prost::bytes::Bytes;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use wire::otlp::{
    DecodeError, Decoded, Limits, decode_json, decode_protobuf, spans_to_traces_data, to_messages,
};

use super::report::Refusal;
use super::{Format, elements, json};

/// Spans from which a request is sent.
const REQUEST_SPANS: u64 = 2_000;
/// Bytes from which a request is sent; a single span may have more.
const REQUEST_BYTES: usize = 2 << 20;
/// Rows of a Parquet file that are read at once.
const PARQUET_ROWS: usize = 2_000;

/// A request that is ready to be sent.
#[derive(Debug)]
pub(super) struct Request {
    /// An encoded `ExportTraceServiceRequest`.
    pub(super) body: Bytes,
    /// Its spans.
    pub(super) spans: u64,
    /// Where they come from.
    pub(super) place: String,
}

/// A piece of the files.
#[derive(Debug)]
pub(super) enum Item {
    Request(Request),
    Refused(Refusal),
}

/// Says that nobody takes items any more.
const NOBODY: &str = "the sender has ended";

/// Reads `files` one after the other into `items`. Ends early when nobody takes them.
pub(super) fn files(files: &[PathBuf], format: Option<Format>, items: &mpsc::Sender<Item>) {
    for path in files {
        let mut file = Elements {
            path,
            position: 0,
            items,
            pending: TracesData::default(),
            pending_spans: 0,
            pending_bytes: 0,
            pending_from: 0,
        };
        let read = file.read(format).and_then(|()| file.send());
        if let Err(reason) = read {
            if reason == NOBODY {
                return;
            }
            let place = format!("{} after element {}", path.display(), file.position);
            let reason = format!("{reason}; the rest of the file is not read");
            // What was understood before is sent all the same.
            let told = file.send().and_then(|()| file.refuse(place, reason, 0));
            if told.is_err() {
                return;
            }
        }
    }
}

/// A file that is being read, and what of it was not sent yet.
struct Elements<'a> {
    path: &'a Path,
    /// The element that is looked at, counted from 1.
    position: u64,
    items: &'a mpsc::Sender<Item>,
    pending: TracesData,
    pending_spans: u64,
    pending_bytes: usize,
    pending_from: u64,
}

impl Elements<'_> {
    fn read(&mut self, format: Option<Format>) -> Result<(), String> {
        let file = File::open(self.path).map_err(|e| e.to_string())?;
        let mut input = BufReader::with_capacity(64 << 10, file);
        let start = input.fill_buf().map_err(|e| e.to_string())?;
        let format = format.map_or_else(|| elements::detect(start), Ok)?;
        match format {
            Format::OtlpJson => {
                let names = ["resourceSpans", "resource_spans", "batches"];
                json::elements(&mut input, &names, &mut |text| {
                    let document = format!("{{\"resourceSpans\":[{text}]}}");
                    self.decoded(decode_json(document.as_bytes(), &limits()))
                })
            }
            Format::OtlpProtobuf => elements::messages(&mut input, &mut |message| {
                self.decoded(decode_protobuf(message, &limits()))
            }),
            Format::Jaeger => json::elements(&mut input, &["data"], &mut |text| self.jaeger(text)),
            Format::Zipkin => json::elements(&mut input, &[], &mut |text| self.zipkin(text)),
            Format::Parquet => self.parquet(input.into_inner()),
        }
    }

    fn place(&self) -> String {
        format!("{} element {}", self.path.display(), self.position)
    }

    /// What an OTLP element became.
    fn decoded(&mut self, decoded: Result<Decoded, DecodeError>) -> Result<(), String> {
        self.position += 1;
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(error) => return self.refuse(self.place(), error.to_string(), 0),
        };
        if decoded.rejected.count() > 0 {
            let (message, count) = (decoded.rejected.message(), decoded.rejected.count());
            self.refuse(self.place(), message, count)?;
        }
        let batch = decoded.rows.finish(&TenantId::default_tenant(), 0);
        self.batch(&batch)
    }

    fn jaeger(&mut self, text: &str) -> Result<(), String> {
        self.position += 1;
        match wire::jaeger::decode_trace(text) {
            Ok(converted) => {
                for (span, problem) in converted.refused {
                    let place = format!("{} span {span}", self.place());
                    self.refuse(place, problem.to_string(), 1)?;
                }
                self.spans(&converted.spans)
            }
            Err(problem) => self.refuse(self.place(), problem.to_string(), 0),
        }
    }

    /// A span, or a trace: a list of spans.
    fn zipkin(&mut self, text: &str) -> Result<(), String> {
        if text.starts_with('[') {
            let spans = serde_json::from_str::<Vec<&RawValue>>(text);
            let spans = spans.map_err(|e| e.to_string())?;
            return spans
                .into_iter()
                .try_for_each(|span| self.zipkin_span(span.get()));
        }
        self.zipkin_span(text)
    }

    fn zipkin_span(&mut self, text: &str) -> Result<(), String> {
        self.position += 1;
        match wire::zipkin::decode_span(text) {
            Ok(span) => self.spans(&[span]),
            Err(problem) => self.refuse(self.place(), problem.to_string(), 1),
        }
    }

    fn parquet(&mut self, file: File) -> Result<(), String> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| e.to_string())?;
        if builder.schema().fields() != columnar::schema().fields() {
            return Err("has other columns than an export".to_owned());
        }
        let batches = builder.with_batch_size(PARQUET_ROWS).build();
        for batch in batches.map_err(|e| e.to_string())? {
            let batch = batch.map_err(|e| e.to_string())?;
            self.position += batch.num_rows() as u64;
            self.batch(&batch)?;
        }
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<(), String> {
        let messages = to_messages(batch, REQUEST_SPANS as usize).map_err(|e| e.to_string())?;
        messages
            .into_iter()
            .try_for_each(|message| self.add(message))
    }

    fn spans(&mut self, spans: &[Span]) -> Result<(), String> {
        let pieces = spans.chunks(REQUEST_SPANS as usize);
        pieces
            .map(spans_to_traces_data)
            .try_for_each(|message| self.add(message))
    }

    fn add(&mut self, message: TracesData) -> Result<(), String> {
        let bytes = message.encoded_len();
        if self.pending_spans > 0 && self.pending_bytes + bytes > REQUEST_BYTES {
            self.send()?;
        }
        if self.pending_spans == 0 {
            self.pending_from = self.position;
        }
        let scopes = message.resource_spans.iter().flat_map(|r| &r.scope_spans);
        self.pending_spans += scopes.map(|scope| scope.spans.len() as u64).sum::<u64>();
        self.pending_bytes += bytes;
        self.pending.resource_spans.extend(message.resource_spans);
        match self.pending_spans >= REQUEST_SPANS {
            true => self.send(),
            false => Ok(()),
        }
    }

    /// Hands over what is pending.
    fn send(&mut self) -> Result<(), String> {
        if self.pending_spans == 0 {
            return Ok(());
        }
        let (path, from, to) = (self.path.display(), self.pending_from, self.position);
        let request = Request {
            body: mem::take(&mut self.pending).encode_to_vec().into(),
            spans: mem::take(&mut self.pending_spans),
            place: format!("{path} elements {from} to {to}"),
        };
        self.pending_bytes = 0;
        self.give(Item::Request(request))
    }

    fn refuse(&self, place: String, reason: String, spans: u64) -> Result<(), String> {
        self.give(Item::Refused(Refusal {
            place,
            reason,
            spans,
        }))
    }

    fn give(&self, item: Item) -> Result<(), String> {
        let given = self.items.blocking_send(item);
        given.map_err(|_| NOBODY.to_owned())
    }
}

/// Those of a listener, but for the size of an element, which is bounded where it is read.
fn limits() -> Limits {
    Limits {
        body_bytes_max: usize::MAX,
        ..Limits::default()
    }
}
