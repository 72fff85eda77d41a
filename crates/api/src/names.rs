//! Names and values that questions can use.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Services with spans in the range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Services {
    /// By name.
    pub services: Vec<Service>,
    /// Why some may be missing, or null.
    pub partial: Option<String>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// `service.name`; empty for spans without one.
    pub name: String,
    /// Its spans in the range.
    pub span_count: u64,
    /// Of them, with status error.
    pub error_count: u64,
}

/// Operations of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Operations {
    /// By name, then kind.
    pub operations: Vec<Operation>,
    /// Why some may be missing, or null.
    pub partial: Option<String>,
}

/// A span name and kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// The span name.
    pub name: String,
    /// `internal`, `server`, `client`, `producer`, `consumer` or `unspecified`.
    pub kind: String,
    /// Its spans in the range.
    pub span_count: u64,
}

/// Attribute names by scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttributeNames {
    /// In the order resource, span, event, link, instrumentation.
    pub scopes: Vec<ScopeNames>,
    /// Why some may be missing, or null.
    pub partial: Option<String>,
}

/// Attribute names of one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScopeNames {
    /// `resource`, `span`, `event`, `link` or `instrumentation`.
    pub scope: String,
    /// Sorted.
    pub names: Vec<String>,
}

/// Which names.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AttributeNamesRequest {
    /// Start of the range, Unix milliseconds; default an hour before the end.
    pub start: Option<i64>,
    /// End of the range, Unix milliseconds; default now.
    pub end: Option<i64>,
    /// Only this scope.
    pub scope: Option<String>,
}

/// Values of an attribute, the most frequent first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AttributeValues {
    /// At most `limit`.
    pub values: Vec<AttributeValue>,
    /// Whether there are more than the limit.
    pub truncated: bool,
    /// Why some may be missing, or null.
    pub partial: Option<String>,
}

/// A value and how often it occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttributeValue {
    /// `string`, `bool`, `int`, `double`, `array`, `kvlist`, `bytes` or `empty`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The value as text; arrays and key-value lists as OTLP/JSON, bytes as base64.
    pub value: String,
    /// Spans (events, links) that carry it in the range.
    pub count: u64,
}

/// Which values.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AttributeValuesRequest {
    /// Start of the range, Unix milliseconds; default an hour before the end.
    pub start: Option<i64>,
    /// End of the range, Unix milliseconds; default now.
    pub end: Option<i64>,
    /// TraceQL filter on the spans; may be half-typed.
    pub q: Option<String>,
    /// Only values that begin so.
    pub prefix: Option<String>,
    /// Values at most; default 50, at most 1000.
    pub limit: Option<u32>,
}
