//! Arguments of tools: their types beyond JSON's, and what is wrong with them.

use std::borrow::Cow;

use chrono::DateTime;
use clock::Clock;
use rmcp::model::JsonObject;
use rmcp::schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};
use store_api::TimeRange;
use traceql::{Body, Dialect, Query};

use crate::error::ApiError;
use crate::question::{parse_duration, parse_query};
use crate::range::{parse_unix, range};
use crate::state::App;

/// The arguments of a call.
///
/// Errors: the argument and what is wrong with it; those that are not known, too.
pub(crate) fn read<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(Value::Object(arguments)).map_err(|error| {
        let name = error.path().to_string();
        let name = if name == "." { "arguments" } else { &name };
        ApiError::invalid_parameter(name, error.inner())
            .hint("tools/list has the schema of the arguments")
    })
}

/// A point in time as people and programs write it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a time is a text or a number")]
pub(crate) enum When {
    Text(String),
    Seconds(Number),
}

impl JsonSchema for When {
    fn schema_name() -> Cow<'static, str> {
        "When".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number"] })
    }
}

impl When {
    /// In nanoseconds since the Unix epoch.
    fn unix_nano(&self, name: &str, clock: &dyn Clock) -> Result<i64, ApiError> {
        let text = match self {
            Self::Text(text) => text.trim(),
            Self::Seconds(seconds) => return parse_unix(name, &seconds.to_string()),
        };
        if text == "now" {
            return Ok(clock.unix_nano());
        }
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            let nanos = time.timestamp_nanos_opt();
            return nanos.ok_or_else(|| {
                ApiError::invalid_parameter(name, "is not a time between 1970 and 2262")
            });
        }
        if let Ok(nanos) = parse_unix(name, text) {
            return Ok(nanos);
        }
        let ago = text.strip_suffix("ago").unwrap_or(text).trim_end();
        let ago = ago.strip_prefix("now-").unwrap_or(ago);
        let ago = parse_duration(name, ago).map_err(|_| {
            ApiError::invalid_parameter(name, "is not a time")
                .hint("write 2026-11-30T14:00:00Z, Unix seconds, or so long ago as 90m or 2d")
        })?;
        Ok(clock.unix_nano().saturating_sub(ago).max(0))
    }
}

/// The range of two arguments; the last hour by default.
pub(crate) fn time(
    app: &App,
    start: Option<&When>,
    end: Option<&When>,
) -> Result<TimeRange, ApiError> {
    let clock = &*app.clock;
    let nanos = |name, when: Option<&When>| when.map(|when| when.unix_nano(name, clock));
    let (start, end) = (nanos("start", start), nanos("end", end));
    range(start.transpose()?, end.transpose()?, 1, clock)
}

/// The query of an argument.
pub(crate) fn query(name: &str, text: &str) -> Result<Query, ApiError> {
    parse_query(text, Dialect::Causeline).map_err(|error| error.of(name))
}

/// A query that asks for spans.
pub(crate) fn search(name: &str, text: &str) -> Result<Query, ApiError> {
    let query = query(name, text)?;
    match query.body {
        Body::Search(_) => Ok(query),
        Body::Metrics(_) => Err(ApiError::invalid_query(format!(
            "{name}: it asks for metrics, not for spans"
        ))
        .hint("ask for metrics with traceql-metrics-instant, or leave out what follows the spans")),
    }
}

/// A query that asks for series.
pub(crate) fn metrics(name: &str, text: &str) -> Result<Query, ApiError> {
    let query = query(name, text)?;
    match query.body {
        Body::Metrics(_) => Ok(query),
        Body::Search(_) => Err(ApiError::invalid_query(format!(
            "{name}: it asks for spans, not for metrics"
        ))
        .hint("add a function such as `| rate()`, or search with traceql-search")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clock::ManualClock;
    use serde_json::json;

    const SECOND: i64 = 1_000_000_000;

    fn when(value: Value) -> Result<i64, ApiError> {
        let clock = ManualClock::at(10_000 * SECOND);
        let when: When = serde_json::from_value(value).expect("a text or a number");
        when.unix_nano("start", &clock)
    }

    #[test]
    fn times_are_absolute_or_so_long_ago() {
        for (value, seconds) in [
            (json!("now"), 10_000),
            (json!("1h"), 6_400),
            (json!("1h ago"), 6_400),
            (json!("1m30s ago"), 9_910),
            (json!("now-15m"), 9_100),
            (json!("100d"), 0),
            (json!(1_700_000_000), 1_700_000_000),
            (json!("1700000000"), 1_700_000_000),
            (json!("2025-11-25T15:00:00+01:00"), 1_764_079_200),
        ] {
            let found = when(value.clone()).map(|nanos| nanos / SECOND);
            assert_eq!(found.map_err(|e| e.text()), Ok(seconds), "{value}");
        }
        for value in ["yesterday", "", "ago", "9999-01-01T00:00:00Z", "1e40"] {
            assert!(when(json!(value)).is_err(), "{value}");
        }
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it is read counts")]
    struct Arguments {
        query: String,
        limit: Option<u32>,
        start: Option<When>,
    }

    #[test]
    fn what_is_wrong_with_arguments_is_said_of_each() {
        for (arguments, says) in [
            (json!({}), "arguments: missing field `query`"),
            (
                json!({ "query": 1 }),
                "query: invalid type: integer `1`, expected a string",
            ),
            (
                json!({ "query": "{ }", "limit": -1 }),
                "limit: invalid value: integer `-1`, expected u32",
            ),
            (
                json!({ "query": "{ }", "start": [] }),
                "start: a time is a text or a number",
            ),
            (
                json!({ "q": "{ }" }),
                "q: unknown field `q`, expected one of `query`, `limit`, `start`",
            ),
        ] {
            let Value::Object(object) = arguments.clone() else {
                panic!("an object: {arguments}");
            };
            let refused = read::<Arguments>(object).expect_err("wrong");
            assert_eq!(refused.message, says, "{arguments}");
        }
    }

    #[test]
    fn a_query_of_the_other_sort_names_the_tool() {
        let refused = search("query", "{ } | rate()").expect_err("metrics");
        assert!(refused.text().contains("traceql-metrics-instant"));
        let refused = metrics("query", "{ }").expect_err("a search");
        assert!(refused.text().contains("traceql-search"));
        let refused = search("selection", "{ duration > }").expect_err("a part");
        assert!(refused.message.starts_with("selection: syntax error: "));
        assert!(
            refused.placed_text().contains("column 14"),
            "{}",
            refused.placed_text()
        );
    }
}
