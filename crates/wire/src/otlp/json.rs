//! Reads an OTLP/JSON export request into columns, as it streams by.
//!
//! Source: the OTLP specification's "JSON Protobuf Encoding" and protobuf's JSON mapping. Names stand in lowerCamelCase, as their
//! protobuf originals are accepted too; unknown ones are passed over; `null` is the default. Ids are hexadecimal of any case,
//! 64-bit integers strings or numbers. Beyond the specification, an enum may be given by its name. Of a scalar that occurs twice the
//! last one counts; lists add up.
//!
//! Depth: what is not a value has a fixed one; a value is skipped, without a stack, below [`columnar::VALUE_DEPTH_MAX`] levels, and so is what
//! unknown names hold. Memory: the columns, and one attribute at a time.

mod attributes;
mod log;
mod message;
mod request;
mod scalar;
mod span;

use columnar::{LogBatchBuilder, SpanBatchBuilder};

use self::request::{Record, Request};
use super::{DecodeError, Decoded, Limits, RejectReason};

/// Decodes the OTLP/JSON of an `ExportTraceServiceRequest`.
///
/// Input:  the uncompressed body.
/// Output: the spans in their order, and what was left out; see the module docs of [`crate::otlp`].
/// Errors: `TooLarge` above `limits.body_bytes_max`, `Json` when the text is no JSON or a field has the wrong type.
/// Cost:   O(bytes); memory within the bounds that [`Limits`] gives.
pub fn decode_json(body: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    decode::<SpanBatchBuilder>(body, limits)
}

/// Decodes the OTLP/JSON of an `ExportLogsServiceRequest`; all else as in [`decode_json`].
pub fn decode_logs_json(
    body: &[u8],
    limits: &Limits,
) -> Result<Decoded<LogBatchBuilder>, DecodeError> {
    decode::<LogBatchBuilder>(body, limits)
}

fn decode<R: Record>(body: &[u8], limits: &Limits) -> Result<Decoded<R>, DecodeError> {
    let text = utf8(body, limits)?;
    let mut request = Request::<R>::new(limits);
    let mut json = serde_json::Deserializer::from_str(text);
    message::read(&mut json, &mut request)
        .and_then(|()| json.end())
        .map_err(|error| json_error(&error))?;
    Ok(request.finish())
}

/// The text of a body of JSON.
///
/// Errors: `TooLarge` above `limits.body_bytes_max`; `Json` where it is not UTF-8.
pub(crate) fn utf8<'b>(body: &'b [u8], limits: &Limits) -> Result<&'b str, DecodeError> {
    limits.check_size(body)?;
    std::str::from_utf8(body).map_err(|error| {
        let before = &body[..error.valid_up_to()];
        let lines = before.iter().filter(|&&b| b == b'\n').count();
        let last = before.iter().rposition(|&b| b == b'\n');
        DecodeError::Json {
            problem: "text is not UTF-8",
            line: lines + 1,
            column: before.len() - last.map_or(0, |at| at + 1) + 1,
        }
    })
}

/// A request that is no JSON of its kind.
pub(crate) fn json_error(error: &serde_json::Error) -> DecodeError {
    DecodeError::Json {
        problem: problem(error),
        line: error.line(),
        column: error.column(),
    }
}

/// The error without the content that serde_json quotes.
pub(crate) fn problem(error: &serde_json::Error) -> &'static str {
    use serde_json::error::Category;
    match error.classify() {
        Category::Syntax => "not valid JSON",
        Category::Eof => "ends early",
        Category::Data | Category::Io => "a field is not of its type",
    }
}
