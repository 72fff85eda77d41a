//! Details of some spans of a trace, with long values cut.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::trace::SpanDetails;

/// Which spans.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpanSheetsRequest {
    /// 16 hexadecimal digits each; at most 256.
    pub span_ids: Vec<String>,
    /// Longer values are cut behind so many bytes; default 4096, at most 65536.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_bytes: Option<u32>,
}

/// Spans of a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpanSheetsResponse {
    /// In the order of the request; those that share an id by start.
    pub spans: Vec<SpanSheet>,
    /// Ids that no span of the trace has.
    pub absent: Vec<String>,
    /// Ids for which the answer has no room; ask again for these.
    pub left_out: Vec<String>,
    /// Why spans may be missing, or null.
    pub partial: Option<String>,
}

/// A span, and what is to be known of its values. A path names a value: `name`, `statusMessage`, `traceState`, `attributes/3`, `events/0/name`,
/// `events/0/attributes/1`, `links/0/traceState`, `links/0/attributes/1`, `resource/attributes/3`, `scope/attributes/0`; numbers count from 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpanSheet {
    /// Everything of the span, long values cut.
    pub span: SpanDetails,
    /// Which of the spans that share its id, counted from 0.
    pub twin: u32,
    /// Whether another span has its id, kind and service, and other contents.
    pub conflicting: bool,
    /// Values that were cut.
    pub cut: Vec<CutValue>,
    /// Paths of values in which something was redacted.
    pub redacted: Vec<String>,
}

/// A value of which only the beginning is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CutValue {
    /// Which.
    pub path: String,
    /// Bytes of the whole value.
    pub bytes: u64,
}

/// Which part of which value.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SpanValueRequest {
    /// The path of the value, as details of spans name it.
    pub path: String,
    /// Which of the spans that share the id; default 0.
    pub twin: Option<u32>,
    /// Where the part begins, in bytes; default 0. Inside of a character, that counts wholly.
    pub offset: Option<u64>,
    /// Bytes at most; default 65536, at most 1048576.
    pub length: Option<u32>,
}

/// A part of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpanValuePart {
    /// Where the text begins, in bytes.
    pub offset: u64,
    /// The part: whole characters.
    pub text: String,
    /// Where the next part begins, or null at the end.
    pub next: Option<u64>,
    /// Bytes of the whole value.
    pub bytes: u64,
}
