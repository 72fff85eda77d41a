//! The few protobuf messages of answers, and their JSON.
//!
//! Source: `google/rpc/{status,error_details}.proto`, `trace_service.proto` and `logs_service.proto` of OTLP's `collector`.

use std::time::Duration;

use columnar::Signal;
use prost::Message;
use serde_json::json;

use crate::export::Accepted;
use crate::refusal::{Code, Refusal};

/// The encodings of OTLP/HTTP, and of Zipkin's spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Protobuf,
    Json,
}

impl Format {
    /// The one that a media type names.
    pub(crate) fn of_media_type(name: &str) -> Option<Self> {
        let is_named = |format: &Self| name.eq_ignore_ascii_case(format.content_type());
        [Self::Protobuf, Self::Json].into_iter().find(is_named)
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    pub(crate) fn status(self, refusal: &Refusal) -> Vec<u8> {
        match self {
            Self::Protobuf => status(refusal).encode_to_vec(),
            Self::Json => {
                let code = refusal.reason.code() as u8;
                json!({"code": code, "message": refusal.message})
                    .to_string()
                    .into_bytes()
            }
        }
    }

    pub(crate) fn response(self, accepted: &Accepted) -> Vec<u8> {
        match self {
            Self::Protobuf => response(accepted).encode_to_vec(),
            Self::Json if accepted.rejected == 0 => b"{}".to_vec(),
            Self::Json => {
                let rejected = match accepted.signal {
                    Signal::Spans => "rejectedSpans",
                    Signal::Logs => "rejectedLogRecords",
                };
                json!({"partialSuccess": {
                    rejected: accepted.rejected.to_string(),
                    "errorMessage": accepted.message,
                }})
                .to_string()
                .into_bytes()
            }
        }
    }
}

/// `google.rpc.Status`, with the details that tell a sender whether and when to retry.
pub(crate) fn status(refusal: &Refusal) -> Status {
    let code = refusal.reason.code();
    let retry = refusal.retry_after.map(|wait| Any {
        type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
        value: RetryInfo::new(wait).encode_to_vec(),
    });
    let bad_request = (code == Code::InvalidArgument).then(|| Any {
        type_url: "type.googleapis.com/google.rpc.BadRequest".to_owned(),
        value: BadRequest {
            field_violations: vec![FieldViolation {
                field: String::new(),
                description: refusal.message.clone(),
            }],
        }
        .encode_to_vec(),
    });
    Status {
        code: i32::from(code as u8),
        message: refusal.message.clone(),
        details: retry.into_iter().chain(bad_request).collect(),
    }
}

/// `partial_success` stays unset when every span or log record was accepted.
pub(crate) fn response(accepted: &Accepted) -> ExportResponse {
    let partial_success = (accepted.rejected > 0).then(|| ExportPartialSuccess {
        rejected: i64::try_from(accepted.rejected).unwrap_or(i64::MAX),
        error_message: accepted.message.clone(),
    });
    ExportResponse { partial_success }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Status {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) details: Vec<Any>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Any {
    #[prost(string, tag = "1")]
    pub(crate) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) value: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<ProtoDuration>,
}

impl RetryInfo {
    fn new(wait: Duration) -> Self {
        Self {
            retry_delay: Some(ProtoDuration {
                seconds: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
                nanos: wait.subsec_nanos() as i32,
            }),
        }
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct ProtoDuration {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct BadRequest {
    #[prost(message, repeated, tag = "1")]
    field_violations: Vec<FieldViolation>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct FieldViolation {
    #[prost(string, tag = "1")]
    field: String,
    #[prost(string, tag = "2")]
    description: String,
}

/// `ExportTraceServiceResponse` and `ExportLogsServiceResponse`, which are alike on the wire.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<ExportPartialSuccess>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ExportPartialSuccess {
    /// `rejected_spans` or `rejected_log_records`.
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}
