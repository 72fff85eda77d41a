//! The native API's contract: requests, answers, errors.
//!
//! Served under `/api/v1` and described by the OpenAPI document that `server` assembles from these types and its routes
//! (`docs/openapi.json` is its golden). Names are camelCase. Absolute times are decimal strings of nanoseconds since the Unix
//! epoch, since JSON numbers lose digits above 2^53; durations and offsets are numbers of nanoseconds. Ranges in requests are
//! Unix milliseconds.
//!
//! Never here: handlers, business rules, Arrow.

mod compare;
mod counts;
mod error;
mod explain;
mod holds;
mod links;
mod logs;
mod map;
mod metrics;
mod names;
mod search;
mod selection;
mod sheet;
mod skeleton;
mod status;
mod structure;
mod trace;
mod usual;

pub use compare::{
    CohortSize, CompareRequest, CompareResponse, Difference, HeatmapRequest, HeatmapResponse,
    HeatmapRow, ValueShare,
};
pub use counts::{
    CountsRequest, EdgeEnd, EdgeRow, EdgesResponse, Figures, RollupRow, RollupsResponse,
};
pub use error::ErrorBody;
pub use explain::{
    AnswerCost, ClauseFacts, ExplainRequest, Explanation, FieldFacts, FilterFacts, PlanStep, Why,
};
pub use holds::{
    Erasure, ErasureFinding, ErasureProof, ErasureRequest, Erasures, Pin, PinRequest, Pins,
};
pub use links::{IncomingLink, LinkedTrace, OutgoingLink, TraceLinksRequest, TraceLinksResponse};
pub use logs::{LogRecord, TraceLogsResponse};
pub use map::{MapEdge, MapNode, MapRequest, MapResponse};
pub use metrics::{Exemplar, MetricsRequest, MetricsResponse, MetricsSeries};
pub use names::{
    AttributeNames, AttributeNamesRequest, AttributeValue, AttributeValues, AttributeValuesRequest,
    Operation, Operations, ScopeNames, Service, Services,
};
pub use search::{
    MatchedGroup, MatchedSpan, ReadReport, SearchRequest, SearchResponse, ServiceCount,
    TimeRangeRequest, TraceSummary,
};
pub use selection::{ExportRequest, TraceSelection};
pub use sheet::{
    CutValue, SpanSheet, SpanSheetsRequest, SpanSheetsResponse, SpanValuePart, SpanValueRequest,
};
pub use skeleton::{SkeletonRequest, TraceMatches, TraceMatchesRequest};
pub use status::Status;
pub use structure::{SpanReference, StructureNode, StructureRequest, StructureResponse};
pub use trace::{
    Attribute, Event, Link, Resource, Scope, SpanDetails, SpanDetailsResponse, SpanRow, TraceFacts,
    TraceResponse,
};
pub use usual::{UsualFigures, UsualOperation, UsualRequest, UsualResponse};
