//! What both APIs do with parameters and with errors of the engine.

use model::{SpanId, TraceId};
use query::{Cursor, SearchOrder};
use store_api::{AttributeScope, TimeRange};
use traceql::ast::Query;
use traceql::lexer::{TokenKind, lex};
use traceql::{AttributeMatch, Diagnostics, Dialect, Scope, SearchForm};

use crate::error::ApiError;
use crate::range::{MILLISECOND_NANO, SECOND_NANO};

/// Intervals of an answer when the request has no step, about.
const POINTS_DEFAULT: i64 = 240;

/// A checked query of a dialect; the empty text selects every span.
pub(crate) fn parse_query(text: &str, dialect: Dialect) -> Result<Query, ApiError> {
    if text.trim().is_empty() {
        return Ok(Query::default());
    }
    traceql::parse_as(text, dialect)
        .map(|parsed| parsed.query)
        .map_err(ApiError::from)
}

impl From<Diagnostics> for ApiError {
    fn from(Diagnostics(found): Diagnostics) -> Self {
        let Some(first) = found.into_iter().next() else {
            return Self::internal("a query was refused without a reason");
        };
        let answer = Self::invalid_query(format!("{}: {}", first.kind.as_str(), first.message));
        let answer = answer.at(first.column.saturating_sub(1));
        match first.hint {
            Some(hint) => answer.hint(hint),
            None => answer,
        }
    }
}

impl From<query::Error> for ApiError {
    fn from(error: query::Error) -> Self {
        match error {
            query::Error::Cursor => Self::invalid_parameter("cursor", &error)
                .hint("leave it out to begin with the newest trace"),
            query::Error::Pattern(_) => Self::invalid_query(error.to_string()),
            query::Error::Unsupported { place, .. } => Self::invalid_query(error.to_string())
                .at(place.start)
                .hint("ask with one filter: `{ … }`"),
            query::Error::Limit(reason) => Self::invalid_query(reason),
            query::Error::Promql(refusal) => Self::invalid_query(refusal.to_string()),
            query::Error::Source(error) => error.into(),
            query::Error::View(_) | query::Error::Arrow(_) => Self::internal(error.to_string()),
        }
    }
}

/// `100ms` in nanoseconds.
pub(crate) fn parse_duration(name: &str, text: &str) -> Result<i64, ApiError> {
    let tokens = lex(text);
    let nanos = match tokens.first().map(|token| &token.kind) {
        Some(TokenKind::Duration(nanos)) if tokens.len() == 2 => i64::try_from(*nanos).ok(),
        _ => None,
    };
    nanos.ok_or_else(|| {
        ApiError::invalid_parameter(name, "is not a duration")
            .hint("write for instance 100ms or 1.5s")
    })
}

/// `30s`, or seconds as a plain number.
pub(crate) fn parse_step(text: &str) -> Result<i64, ApiError> {
    let nanos = match text.parse::<f64>() {
        Ok(seconds) => (seconds * SECOND_NANO as f64) as i64,
        Err(_) => parse_duration("step", text)?,
    };
    if nanos < MILLISECOND_NANO {
        return Err(ApiError::invalid_parameter("step", "is shorter than 1ms"));
    }
    Ok(nanos)
}

/// A round step that cuts a range into about [`POINTS_DEFAULT`] intervals.
pub(crate) fn default_step(time: TimeRange) -> i64 {
    round_step(time, POINTS_DEFAULT)
}

/// A round step that cuts a range into about `n_points` intervals.
pub(crate) fn round_step(time: TimeRange, n_points: i64) -> i64 {
    let length = time.end_unix_nano.saturating_sub(time.start_unix_nano);
    let rough = length / n_points;
    let units = [3_600, 300, 60, 15, 5, 1].map(|seconds| seconds * SECOND_NANO);
    let unit = units.into_iter().find(|unit| rough >= *unit);
    let unit = unit.unwrap_or(50 * MILLISECOND_NANO);
    (rough / unit).max(1) * unit
}

/// 16 or 32 hexadecimal digits.
pub(crate) fn parse_trace_id(text: &str) -> Result<TraceId, ApiError> {
    text.parse()
        .map_err(|error| ApiError::invalid_parameter("trace id", error))
}

/// 16 hexadecimal digits.
pub(crate) fn parse_span_id(text: &str) -> Result<SpanId, ApiError> {
    text.parse()
        .map_err(|error| ApiError::invalid_parameter("span id", error))
}

/// A cursor, when one was given.
pub(crate) fn parse_cursor(text: Option<&str>) -> Result<Option<Cursor>, ApiError> {
    let cursor = text
        .filter(|text| !text.is_empty())
        .map(str::parse)
        .transpose();
    cursor.map_err(ApiError::from)
}

/// The order of that name, or that of the start.
pub(crate) fn parse_order(sort: Option<&str>) -> Result<SearchOrder, ApiError> {
    let Some(name) = sort.filter(|name| !name.is_empty()) else {
        return Ok(SearchOrder::default());
    };
    SearchOrder::of_name(name).ok_or_else(|| {
        let names = SearchOrder::ALL.map(SearchOrder::as_str).join(", ");
        ApiError::invalid_parameter("sort", "is not an order").hint(format!("one of {names}"))
    })
}

/// `limit` when it lies in `1..=max`, or the default.
pub(crate) fn parse_limit(
    name: &str,
    limit: Option<u32>,
    default: usize,
    max: usize,
) -> Result<usize, ApiError> {
    match limit.map(|limit| limit as usize) {
        None | Some(0) => Ok(default),
        Some(limit) if limit <= max => Ok(limit),
        Some(_) => Err(ApiError::invalid_parameter(
            name,
            format_args!("is more than {max}"),
        )),
    }
}

/// The scope of attributes of that name.
pub(crate) fn parse_attribute_scope(name: &str) -> Result<AttributeScope, ApiError> {
    let mut known = AttributeScope::ALL.into_iter();
    known.find(|scope| scope.as_str() == name).ok_or_else(|| {
        let names = AttributeScope::ALL.map(AttributeScope::as_str).join(", ");
        ApiError::invalid_parameter("scope", "is unknown").hint(format!("one of {names}"))
    })
}

/// The scope of that name.
pub(crate) fn parse_scope(name: &str) -> Result<Scope, ApiError> {
    Scope::from_name(name).ok_or_else(|| {
        ApiError::invalid_parameter("scope", "is unknown")
            .hint("one of resource, span, event, link, instrumentation")
    })
}

/// The conditions of logfmt-like `key=value key2="a b"`: on the span or its resource, but for what has an intrinsic of its own.
pub(crate) fn parse_tags(name: &str, text: &str, form: &mut SearchForm) -> Result<(), ApiError> {
    for pair in pairs(text) {
        let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            let problem = format_args!("`{pair}` is not key=value");
            return Err(ApiError::invalid_parameter(name, problem)
                .hint("put values with spaces in double quotes"));
        };
        let value = unquote(value);
        match key {
            "name" => form.operation = Some(value),
            "status" | "error" if matches!(value.as_str(), "error" | "true") => {
                form.error = Some(true)
            }
            "service.name" => form.service = Some(value),
            _ => form.attributes.push(AttributeMatch {
                scope: Scope::Any,
                name: key.to_owned(),
                value,
            }),
        }
    }
    Ok(())
}

/// Splits at white space outside of double quotes.
fn pairs(text: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let split = text.split(move |c: char| {
        let escapes = quoted && c == '\\' && !escaped;
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = escapes;
        c.is_whitespace() && !quoted
    });
    split.filter(|pair| !pair.is_empty())
}

fn unquote(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
    inner.map_or_else(
        || value.to_owned(),
        |inner| inner.replace("\\\"", "\"").replace("\\\\", "\\"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_conditions() {
        let mut form = SearchForm::default();
        parse_tags(
            "tags",
            r#"service.name=cart  http.route="/a b" note="say \"hi\"" name=GET error=true"#,
            &mut form,
        )
        .unwrap();
        let query = form.to_query().to_string();
        for part in [
            "resource.service.name = \"cart\"",
            "\"/a b\"",
            "say \\\"hi\\\"",
            "span:name = \"GET\"",
            "status = error",
        ] {
            assert!(query.contains(part), "{part} in {query}");
        }
        assert!(parse_tags("tags", "no-value", &mut form).is_err());
    }

    #[test]
    fn durations_are_go_like() {
        assert_eq!(parse_duration("d", "1.5s").unwrap(), 1_500_000_000);
        assert_eq!(parse_duration("d", "1h30m").unwrap(), 5_400_000_000_000);
        for bad in ["", "5", "fast", "1s 2s", "5 s", "300000000d"] {
            assert!(parse_duration("d", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn steps_are_read_in_their_units() {
        for (text, nanos) in [
            ("15", Some(15 * SECOND_NANO)),
            ("1m", Some(60 * SECOND_NANO)),
            ("0", None),
            ("-1s", None),
            ("NaN", None),
        ] {
            assert_eq!(parse_step(text).ok(), nanos, "{text}");
        }
    }

    #[test]
    fn a_step_without_wish_is_round() {
        let of = |seconds: i64| {
            default_step(TimeRange {
                start_unix_nano: 0,
                end_unix_nano: seconds * SECOND_NANO,
            })
        };
        assert_eq!(of(3_600), 15 * SECOND_NANO);
        assert_eq!(of(86_400), 300 * SECOND_NANO);
        assert_eq!(of(24), 100 * MILLISECOND_NANO);
        assert_eq!(of(0), 50 * MILLISECOND_NANO);
    }
}
