//! `services` and `operations`: what there is.

use rmcp::schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::Ask;
use crate::error::ApiError;
use crate::mcp::answer::{Answer, text};
use crate::mcp::arguments::{When, time};
use crate::state::App;

/// Rows of one answer at most.
const ROWS_MAX: usize = 500;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(crate) struct Services {
    /// Begin of the range: RFC 3339, Unix seconds, or so long ago as `1h`. An hour before the end by default.
    start: Option<When>,
    /// End of the range, likewise. Now by default.
    end: Option<When>,
}

impl Ask for Services {
    const NAME: &'static str = "services";
    const ABOUT: &'static str = "The services with spans in the range, with their numbers of spans and of failed spans, those with most spans first.";

    async fn ask(self, app: App) -> Result<Answer, ApiError> {
        let time = time(&app, self.start.as_ref(), self.end.as_ref())?;
        let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
        let mut found = app.engine.services(&tenant, time, deadline).await?;
        found
            .services
            .sort_by_key(|service| std::cmp::Reverse(service.span_count));
        let rows = found.services.iter().map(|service| {
            json!({
                "name": text(&service.name),
                "spans": service.span_count,
                "errors": service.error_count,
            })
        });
        Ok(Answer::of(time)
            .partial(found.partial)
            .list("services", rows, ROWS_MAX))
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(crate) struct Operations {
    /// `service.name`, as `services` has it.
    service: String,
    /// Begin of the range: RFC 3339, Unix seconds, or so long ago as `1h`. An hour before the end by default.
    start: Option<When>,
    /// End of the range, likewise. Now by default.
    end: Option<When>,
}

impl Ask for Operations {
    const NAME: &'static str = "operations";
    const ABOUT: &'static str = "The names of a service's spans in the range, with kind and number of spans, the most frequent first. `red-summary` has their rates, errors and durations.";

    async fn ask(self, app: App) -> Result<Answer, ApiError> {
        let time = time(&app, self.start.as_ref(), self.end.as_ref())?;
        let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
        let found = app
            .engine
            .operations(&tenant, &self.service, time, deadline);
        let mut found = found.await?;
        found
            .operations
            .sort_by_key(|operation| std::cmp::Reverse(operation.span_count));
        let rows = found.operations.iter().map(|operation| {
            json!({
                "name": text(&operation.name),
                "kind": operation.kind.as_str(),
                "spans": operation.span_count,
            })
        });
        Ok(Answer::of(time)
            .partial(found.partial)
            .list("operations", rows, ROWS_MAX))
    }
}
