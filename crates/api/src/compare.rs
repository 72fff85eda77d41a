//! In what two cohorts of spans differ; how long spans took, over time.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ReadReport;

/// Which cohorts.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct CompareRequest {
    /// TraceQL of the spans that are looked at, for instance `{ status = error }`.
    pub selection: String,
    /// TraceQL of the spans that these are compared with; default `{}`. Spans that are in the selection too are left out where that is one filter.
    pub baseline: Option<String>,
    /// Start, Unix milliseconds; default an hour before the end.
    pub start: Option<i64>,
    /// End, Unix milliseconds; default now.
    pub end: Option<i64>,
    /// Start of the selection, where it is another.
    pub selection_start: Option<i64>,
    /// End of the selection, likewise.
    pub selection_end: Option<i64>,
    /// Start of the baseline, likewise.
    pub baseline_start: Option<i64>,
    /// End of the baseline, likewise.
    pub baseline_end: Option<i64>,
    /// Most values told of each attribute; default 10, at most 100.
    pub top: Option<u32>,
}

/// In what they differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompareResponse {
    /// Of the selection.
    pub selection: CohortSize,
    /// Of the baseline.
    pub baseline: CohortSize,
    /// By attribute: those that differ most first, then those without enough evidence, then those with a value of its own for hardly any two spans.
    pub differences: Vec<Difference>,
    /// What the first three say, for people.
    pub sentences: Vec<String>,
    /// Why spans or attributes may be missing, or null.
    pub partial: Option<String>,
    /// What was read.
    pub report: ReadReport,
}

/// How large a cohort is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CohortSize {
    /// Its spans.
    pub span_count: u64,
    /// How many they stand for, by the sampling probabilities in their trace states.
    pub adjusted_count: f64,
}

/// How the values of an attribute differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// As TraceQL writes it.
    pub attribute: String,
    /// Whether the selection is made by it, so that it is no news.
    pub is_asked: bool,
    /// Other attributes that divide the spans in the same way.
    pub equivalent: Vec<String>,
    /// Divergence times support; 0 to 1.
    pub score: f64,
    /// The Jensen–Shannon divergence in bits; 0 to 1.
    pub divergence: f64,
    /// Half the width of its interval of 95 % confidence.
    pub margin: f64,
    /// The part of the spans that have the attribute, of the cohort where it is larger.
    pub support: f64,
    /// `enough`, `notEnough` or `nearlyUnique`.
    pub evidence: String,
    /// Distinct values, or of numbers taken together octaves.
    pub value_count: u64,
    /// Those whose parts differ most.
    pub values: Vec<ValueShare>,
    /// The part of the selection that has no value.
    pub selection_missing: f64,
    /// The part of the baseline that has no value.
    pub baseline_missing: f64,
}

/// A value, and what part of each cohort has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValueShare {
    /// The type of the value.
    #[serde(rename = "type")]
    pub kind: String,
    /// The value; of numbers that are taken together the least, inclusive.
    pub value: String,
    /// The end of the numbers that are taken together, exclusive, or null.
    pub end: Option<f64>,
    /// The part of the selection.
    pub selection: f64,
    /// The part of the baseline.
    pub baseline: f64,
}

/// Which spans, and how finely.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HeatmapRequest {
    /// TraceQL of the spans that count; default `{}`.
    pub q: Option<String>,
    /// Start, Unix milliseconds; default an hour before the end.
    pub start: Option<i64>,
    /// End, Unix milliseconds; default now.
    pub end: Option<i64>,
    /// Intervals; default 120, at most 1000.
    pub columns: Option<u32>,
    /// Most rows; default 60, at most 1000.
    pub rows: Option<u32>,
}

/// Counts by interval and duration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeatmapResponse {
    /// The TraceQL that ran, formatted.
    pub query: String,
    /// Start of the first interval.
    pub start_unix_nano: String,
    /// End of the last.
    pub end_unix_nano: String,
    /// From the shortest durations to the longest.
    pub rows: Vec<HeatmapRow>,
    /// Spans counted.
    pub span_count: u64,
    /// Whether spans count for others that sampling left out.
    pub is_estimate: bool,
    /// Why spans may be missing, or null.
    pub partial: Option<String>,
    /// What was read.
    pub report: ReadReport,
}

/// Spans of about the same duration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeatmapRow {
    /// The least duration in nanoseconds, inclusive.
    pub from_nano: f64,
    /// The end of the durations, exclusive.
    pub to_nano: f64,
    /// Spans by interval.
    pub counts: Vec<f64>,
}
