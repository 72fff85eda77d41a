//! `get-attribute-names` and `get-attribute-values`: what queries can be about.

use query::AttributeValuesRequest;
use rmcp::schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use traceql::Query;

use super::Ask;
use crate::error::ApiError;
use crate::mcp::answer::{Answer, text};
use crate::mcp::arguments::{When, search, time};
use crate::question::{parse_attribute_scope, parse_limit};
use crate::state::App;
use crate::tempo::field_of;

/// Names of one scope at most.
const NAMES_MAX: usize = 500;

/// Values at most, and unless another number is asked for.
const VALUES_MAX: usize = 500;
const VALUES_DEFAULT: usize = 50;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(crate) struct Names {
    /// `resource`, `span`, `event`, `link` or `instrumentation`; all by default.
    scope: Option<String>,
    /// Begin of the range: RFC 3339, Unix seconds, or so long ago as `1h`. An hour before the end by default.
    start: Option<When>,
    /// End of the range, likewise. Now by default.
    end: Option<When>,
}

impl Ask for Names {
    const NAME: &'static str = "get-attribute-names";
    const ABOUT: &'static str = "The names of the attributes that spans of the range have, by scope. In a query an attribute is written with its scope: `span.http.route`, `resource.service.name`.";

    async fn ask(self, app: App) -> Result<Answer, ApiError> {
        let time = time(&app, self.start.as_ref(), self.end.as_ref())?;
        let scope = self.scope.as_deref().filter(|name| !name.is_empty());
        let scope = scope.map(parse_attribute_scope).transpose()?;
        let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
        let names = app.engine.attribute_names(&tenant, scope, time, deadline);
        let found = names.await?;
        let mut answer = Answer::of(time).partial(found.partial);
        for (scope, names) in found.scopes {
            let names = names.iter().map(|name| Value::String(text(name)));
            answer = answer.list(scope.as_str(), names, NAMES_MAX);
        }
        Ok(answer)
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(crate) struct Values {
    /// The attribute as a query has it, such as `span.http.route`; or an intrinsic, such as `name` or `status`.
    name: String,
    /// Only values of spans that this query finds, such as `{ status = error }`.
    #[serde(rename = "filter-query")]
    filter: Option<String>,
    /// Only values that begin so.
    prefix: Option<String>,
    /// How many at most: 1 to 500, 50 by default.
    limit: Option<u32>,
    /// Begin of the range: RFC 3339, Unix seconds, or so long ago as `1h`. An hour before the end by default.
    start: Option<When>,
    /// End of the range, likewise. Now by default.
    end: Option<When>,
}

impl Ask for Values {
    const NAME: &'static str = "get-attribute-values";
    const ABOUT: &'static str = "The values of an attribute or intrinsic in the range with the number of spans that have each, the most frequent first.";

    async fn ask(self, app: App) -> Result<Answer, ApiError> {
        let time = time(&app, self.start.as_ref(), self.end.as_ref())?;
        let filter = match self.filter.as_deref().map(str::trim) {
            None | Some("") => Query::default(),
            Some(filter) => search("filter-query", filter)?,
        };
        let limit = parse_limit("limit", self.limit, VALUES_DEFAULT, VALUES_MAX)?;
        let question = AttributeValuesRequest {
            tenant: app.tenant(),
            field: field_of(&self.name),
            filter,
            prefix: self.prefix.unwrap_or_default(),
            limit,
            time,
            deadline: Some(app.deadline()),
        };
        let found = app.engine.attribute_values(&question).await?;
        let rows = found.values.iter().map(|value| {
            json!({
                "value": text(&value.text),
                "type": value.kind.as_str(),
                "spans": value.count,
            })
        });
        let answer = Answer::of(time)
            .with("attribute", question.field.to_string())
            .partial(found.partial)
            .list("values", rows, VALUES_MAX);
        Ok(match found.truncated {
            true => answer.more("values: there are more; ask with a prefix or a filter-query"),
            false => answer,
        })
    }
}
