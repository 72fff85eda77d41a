//! How a question is answered, and why it finds nothing.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ReadReport;

/// Of which question.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct ExplainRequest {
    /// TraceQL, a search or metrics; default `{}`.
    pub q: Option<String>,
    /// Start, Unix milliseconds; default an hour before the end.
    pub start: Option<i64>,
    /// End, Unix milliseconds; default now.
    pub end: Option<i64>,
    /// Whether to answer the question too, and to tell what that cost; default true.
    pub run: Option<bool>,
}

/// How a question is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The TraceQL, formatted.
    pub query: String,
    /// What is done, each step behind what it is part of.
    pub plan: Vec<PlanStep>,
    /// What answering it took; null when it was not answered.
    pub answer: Option<AnswerCost>,
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanStep {
    /// How many steps it is part of.
    pub depth: u32,
    /// What is done.
    pub text: String,
}

/// What an answer was, and what it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnswerCost {
    /// Traces of the first page of a search, or series of metrics.
    pub found: u64,
    /// Why the answer is not whole, or null.
    pub partial: Option<String>,
    /// What was read.
    pub report: ReadReport,
}

/// Why a question finds nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// The TraceQL, formatted; places are columns of this text.
    pub query: String,
    /// Spans that started in the time range.
    pub span_count: u64,
    /// The filters of the question.
    pub filters: Vec<FilterFacts>,
    /// When spans that match were last seen before the time range, in nanoseconds; null when never, or when that is not known.
    pub matching_before_unix_nano: Option<String>,
    /// When spans that match were last seen after it.
    pub matching_after_unix_nano: Option<String>,
    /// When any span was last seen before the time range; only where there is none in it.
    pub any_before_unix_nano: Option<String>,
    /// When any span was last seen after it; likewise.
    pub any_after_unix_nano: Option<String>,
    /// Why the counts may be too small, or null.
    pub partial: Option<String>,
    /// What was read.
    pub report: ReadReport,
}

/// What a filter finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FilterFacts {
    /// The filter.
    pub text: String,
    /// Spans that meet it.
    pub matched: u64,
    /// The conditions that it joins with `&&`.
    pub clauses: Vec<ClauseFacts>,
}

/// What a condition finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClauseFacts {
    /// The condition.
    pub text: String,
    /// Spans that meet it alone.
    pub matched: u64,
    /// Spans that meet all others of its filter.
    pub without: u64,
    /// Whether only whole traces tell; then spans count that may meet it.
    pub is_of_traces: bool,
    /// What is known of the field that it compares with a constant, or null.
    pub field: Option<FieldFacts>,
}

/// What is known of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldFacts {
    /// As TraceQL writes it.
    pub name: String,
    /// Spans that have it.
    pub present: u64,
    /// Of them, those whose value is of the constant's type.
    pub of_type: u64,
    /// The types of the other values.
    pub other_types: Vec<String>,
    /// Attributes that are there and may be meant, where this one is not.
    pub similar_names: Vec<String>,
    /// Values that are there and may be meant, where this one is not.
    pub similar_values: Vec<String>,
}
