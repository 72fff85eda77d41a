//! `why`: what keeps a query from finding anything.

use query::{ClauseFacts, FieldFacts, FilterFacts, WhyRequest};
use rmcp::schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Ask;
use crate::error::ApiError;
use crate::mcp::answer::{Answer, at, text};
use crate::mcp::arguments::{When, query, time};
use crate::state::App;

/// Filters of a query that are told of.
const FILTERS_MAX: usize = 20;

/// Conditions of a filter that are told of.
const CONDITIONS_MAX: usize = 20;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(crate) struct Why {
    /// The TraceQL that finds nothing, or less than it should.
    query: String,
    /// Begin of the range: RFC 3339, Unix seconds, or so long ago as `1h`. An hour before the end by default.
    start: Option<When>,
    /// End of the range, likewise. Now by default.
    end: Option<When>,
}

impl Ask for Why {
    const NAME: &'static str = "why";
    const ABOUT: &'static str = "Why a query finds nothing: of each condition, how many spans meet it alone and how many meet the others without it; whether its attribute exists, under which similar names, with which types and similar values; and when there was something.";

    async fn ask(self, app: App) -> Result<Answer, ApiError> {
        let query = query("query", &self.query)?;
        let time = time(&app, self.start.as_ref(), self.end.as_ref())?;
        let question = WhyRequest {
            tenant: app.tenant(),
            query,
            time,
            deadline: Some(app.deadline()),
        };
        let found = app.engine.why(&question).await?;
        let filters = found.filters.iter().map(filter);
        Ok(Answer::of(time)
            .with("spans_in_range", found.span_count)
            .with_some("matching_before", found.matching_before_unix_nano.map(at))
            .with_some("matching_after", found.matching_after_unix_nano.map(at))
            .with_some("any_before", found.any_before_unix_nano.map(at))
            .with_some("any_after", found.any_after_unix_nano.map(at))
            .partial(found.partial)
            .list("filters", filters, FILTERS_MAX))
    }
}

fn filter(found: &FilterFacts) -> Value {
    let shown = found.clauses.iter().take(CONDITIONS_MAX);
    let left_out = found.clauses.len().saturating_sub(CONDITIONS_MAX);
    let mut row = json!({
        "filter": text(&found.text),
        "spans": found.matched,
        "conditions": shown.map(condition).collect::<Vec<_>>(),
    });
    if left_out > 0 {
        row["conditions_left_out"] = json!(left_out);
    }
    row
}

fn condition(found: &ClauseFacts) -> Value {
    let mut row = json!({
        "condition": text(&found.text),
        "spans_alone": found.matched,
        "spans_of_others_without_it": found.without,
    });
    if found.is_of_traces {
        row["note"] = json!("a condition on whole traces: these are the spans that may meet it");
    }
    if let Some(of) = &found.field {
        row["field"] = field(of);
    }
    row
}

fn field(found: &FieldFacts) -> Value {
    let texts = |texts: &[String]| texts.iter().map(|one| text(one)).collect::<Vec<_>>();
    json!({
        "name": text(&found.name),
        "spans_with_it": found.present,
        "of_the_compared_type": found.of_type,
        "other_types": found.other_types,
        "similar_names": texts(&found.similar_names),
        "similar_values": texts(&found.similar_values),
    })
}
