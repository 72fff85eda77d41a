//! Runs questions over a [`SpanSource`](store_api::SpanSource): search, trace by id, orphans, services, operations, attribute names and values;
//! over a [`LogSource`](store_api::LogSource): the log records of a trace; over a [`CountSource`](store_api::CountSource): roll-ups, rates, edges, PromQL.
//!
//! Vocabulary: a *condition* is the filter of a TraceQL query compiled for columns; a *plan* is a whole search compiled: its filters, what is done with
//! the spans that meet them, and *clauses*, of each of which a trace must have a span to be found; a *candidate* is a trace that may have one for each;
//! a candidate is *resolved* once its whole trace has been read, de-duplicated and judged.
//!
//! Flow of a search ([`Engine::search`]): parse (in `traceql`) → [`plan`], of [`condition`], [`operand`] and [`pushdown`] → scan newest first, collecting
//! candidates → resolve them, by [`spansets`] and [`tree`] where rows alone do not tell, in the order of what their start can be at best → stop when enough traces are known to come
//! first. Every other question is one scan, or counts what a pipeline finds into a [`tally`]: series, cohorts, heatmaps, merged trees. [`why`] looks at what a question does not find. [`Forest`], [`critical_path`] and [`self_times`] are arithmetic over the spans of one trace, wherever they come from; [`Skeleton`] puts a trace in the
//! order in which it is drawn, for the columns that `wire::skeleton` frames; [`Calls`] sets what two traces call, and what of their time that is, side by side.
//!
//! Invariants:
//! - Results do not depend on how a source cuts its spans into batches, nor on what it prunes.
//! - A span that was stored more than once is judged and counted once wherever whole traces are read; see [`traces`].
//! - Memory is bounded by named limits, and an answer that met one says so in `partial`.
//! - Time is read from a [`clock::Clock`] only.
//!
//! Evaluation is plain synchronous work on one batch at a time, between awaits of the source.
//!
//! Never here: HTTP, storage formats, query text.

mod calls;
mod cohorts;
mod condition;
mod context;
mod conventions;
mod counts;
mod critical_path;
mod cursor;
mod distributions;
mod divergence;
mod engine;
mod error;
mod eval;
mod excerpt;
mod explain;
mod facts;
mod forest;
mod found;
mod group;
mod heatmap;
mod held;
mod leave;
mod links;
mod logs;
mod map;
mod metrics;
mod names;
mod operand;
mod orphans;
mod plan;
mod promql;
mod pushdown;
mod rates;
mod retention;
mod search;
mod self_time;
mod shape;
mod skeleton;
mod some_spans;
mod spansets;
mod structure;
mod summary;
mod tally;
mod traces;
mod tree;
mod usual;
mod value;
mod weights;
mod why;
mod windows;

pub use calls::{Call, CallFigures, Calls};
pub use cohorts::{Cohort, CohortsRequest, CohortsResult, Difference, Evidence, Share};
pub use counts::{Counts, Summed};
pub use critical_path::{PathPart, SpanTime, critical_path};
pub use cursor::{Cursor, SearchOrder};
pub use engine::{Engine, Partial, Report};
pub use error::Error;
pub use excerpt::{Around, Excerpt};
pub use explain::{Step, explain};
pub use facts::TraceFacts;
pub use forest::Forest;
pub use found::FoundAttribute;
pub use group::{GroupValue, Label};
pub use heatmap::{HEATMAP_SIDE_MAX, Heatmap, HeatmapRequest, HeatmapRow};
pub use leave::{EXPORT_MESSAGE_SPANS, EXPORT_TRACES_MAX, Matching};
pub use links::{IncomingLink, IncomingLinks, LINKS_MAX, OutgoingLinks, SpanLink};
pub use logs::{LOG_RECORDS_MAX, Logs, TraceLogs};
pub use map::{EDGES_MAX, MapEdge, MapEdgeKey, MapNode, NODES_MAX, ServiceMap};
pub use metrics::{Exemplar, MetricsRequest, MetricsResult, MetricsSeries, SERIES_MAX};
pub use names::{
    AttributeNames, AttributeValue, AttributeValues, AttributeValuesRequest, NAMES_MAX, Operation,
    Operations, Service, Services,
};
pub use orphans::Orphans;
pub use promql::{
    Kept, METRICS, Metric, PromqlAnswer, PromqlAsk, PromqlExemplar, PromqlExemplars, PromqlRequest,
    SeriesList,
};
pub use rates::{ANSWER_POINTS_MAX, POINTS_MAX, RateKey, Rates, RatesRequest};
pub use retention::RetentionRules;
pub use search::{CANDIDATES_MAX, SearchRequest, SearchResult, search_scan};
pub use self_time::self_times;
pub use shape::TraceShape;
pub use skeleton::{FOLDED_FROM, FOLDED_ROWS, PREVIEW_ROWS, Skeleton, SkeletonFacts, TraceMatches};
pub use structure::{STRUCTURE_TRACES_MAX, Structure, StructureNode};
pub use summary::{FoundSpanset, MatchedSpan, ServiceCount, TraceSummary};
pub use traces::{BYTES_HELD_MAX, SPANS_HELD_MAX, Trace};
pub use usual::{OPERATIONS_MAX, OperationKey, TraceOperations, Usual, usual_quantile};
pub use why::{ClauseFacts, FieldFacts, FilterFacts, Why, WhyRequest};
