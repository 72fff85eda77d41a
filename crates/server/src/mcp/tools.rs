//! The tools: one struct of arguments each, which says what it asks.
//!
//! Names and arguments are those of Tempo's server where it has the tool.

mod attributes;
mod compare;
mod diff;
mod map;
mod metrics;
mod path;
mod red;
mod services;
mod trace;
mod traceql;
mod why;

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use rmcp::handler::server::tool::schema_for_input;
use rmcp::model::{self, JsonObject, ToolAnnotations};
use rmcp::schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::mcp::answer::Answer;
use crate::mcp::arguments;
use crate::state::App;

/// A question; the struct has its arguments.
pub(crate) trait Ask: DeserializeOwned + JsonSchema + Send + 'static {
    /// Its name among the tools.
    const NAME: &'static str;

    /// What an assistant has to know to choose it.
    const ABOUT: &'static str;

    /// Asks.
    fn ask(self, app: App) -> impl Future<Output = Result<Answer, ApiError>> + Send;
}

/// A question whose arguments are still to be read.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    about: &'static str,
    schema: fn() -> Result<Arc<JsonObject>, String>,
    pub(crate) ask: fn(App, JsonObject) -> BoxFuture<'static, Result<String, ApiError>>,
}

impl Tool {
    const fn of<T: Ask>() -> Self {
        Self {
            name: T::NAME,
            about: T::ABOUT,
            schema: schema_for_input::<T>,
            ask: |app, given| {
                let answer = async {
                    let question: T = arguments::read(given)?;
                    Ok(question.ask(app).await?.into_text())
                };
                answer.boxed()
            },
        }
    }

    /// As `tools/list` has it.
    pub(crate) fn described(&self) -> Result<model::Tool, String> {
        let hints = ToolAnnotations::new().read_only(true).open_world(false);
        let tool = model::Tool::new(self.name, self.about, (self.schema)()?);
        Ok(tool.with_annotations(hints))
    }
}

/// All tools, those to begin with first.
pub(crate) const ALL: &[Tool] = &[
    Tool::of::<services::Services>(),
    Tool::of::<services::Operations>(),
    Tool::of::<attributes::Names>(),
    Tool::of::<attributes::Values>(),
    Tool::of::<traceql::Search>(),
    Tool::of::<metrics::Instant>(),
    Tool::of::<metrics::Range>(),
    Tool::of::<red::Red>(),
    Tool::of::<map::Map>(),
    Tool::of::<compare::Compare>(),
    Tool::of::<trace::Summary>(),
    Tool::of::<trace::Get>(),
    Tool::of::<diff::Diff>(),
    Tool::of::<why::Why>(),
    Tool::of::<traceql::Docs>(),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_tool_has_a_name_of_its_own_and_arguments_that_are_explained() {
        let names: BTreeSet<&str> = ALL.iter().map(|tool| tool.name).collect();
        assert_eq!(names.len(), ALL.len());
        for tool in ALL {
            let tool = tool.described().expect("an object");
            let schema = &tool.input_schema;
            assert_eq!(schema["additionalProperties"], false, "{schema:?}");
            let properties = schema.get("properties").and_then(|p| p.as_object());
            for (name, property) in properties.into_iter().flatten() {
                assert!(property["description"].is_string(), "{}: {name}", tool.name);
            }
        }
    }
}
