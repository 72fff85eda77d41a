//! What Jaeger's searches ask for, as a question to the engine.

use std::collections::BTreeSet;

use model::SpanKind;
use traceql::ast::{Expr, Query};
use traceql::{AttributeMatch, Dialect, Intrinsic, Scope, SearchForm};
use wire::jaeger::NAMELESS_SERVICE;

use crate::error::ApiError;
use crate::question::parse_query;
use crate::range::{HOUR_NANO, range};
use crate::state::App;

/// How far back answers reach when a request does not say. Source: the default of Jaeger's `/api/traces`.
pub(crate) const LOOKBACK_NANO: i64 = 48 * HOUR_NANO;

/// Traces of an answer when a request does not say. Source: Jaeger's default.
const LIMIT: i64 = 100;
/// Most of them.
const LIMIT_MAX: i64 = 10_000;

/// Most tags of a search.
const TAGS_MAX: usize = 64;

/// Selects the spans that [`NAMELESS_SERVICE`] stands for.
const NAMELESS: &str = "{ !(resource.service.name =~ `(?s).+`) }";

/// A search, whichever version of Jaeger's interfaces it came by. Every field that is set narrows it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Search {
    pub(crate) service: Option<String>,
    pub(crate) operation: Option<String>,
    /// Key and value.
    pub(crate) tags: Vec<(String, String)>,
    /// What else a span must meet.
    pub(crate) conditions: Vec<Expr>,
    /// Nanoseconds.
    pub(crate) duration_min: Option<i64>,
    /// Nanoseconds.
    pub(crate) duration_max: Option<i64>,
    /// Nanoseconds since the Unix epoch.
    pub(crate) start: Option<i64>,
    /// Nanoseconds since the Unix epoch.
    pub(crate) end: Option<i64>,
    /// Most traces.
    pub(crate) limit: Option<i64>,
}

impl Search {
    /// The engine's question.
    pub(crate) fn question(self, app: &App) -> Result<query::SearchRequest, ApiError> {
        let limit = self.limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            let problem = format_args!("is not between 1 and {LIMIT_MAX}");
            return Err(ApiError::invalid_parameter("limit", problem));
        }
        let start = self.start.or_else(|| {
            let now = app.clock.unix_nano();
            Some(
                self.end
                    .unwrap_or(now)
                    .min(now)
                    .saturating_sub(LOOKBACK_NANO)
                    .max(0),
            )
        });
        Ok(query::SearchRequest {
            tenant: app.tenant(),
            time: range(start, self.end, 1, &*app.clock)?,
            query: self.query()?,
            limit: limit as usize,
            // Jaeger shows whole traces, or no span at all.
            spans_per_trace: Some(1),
            order: query::SearchOrder::Start,
            cursor: None,
            deadline: Some(app.deadline()),
        })
    }

    pub(crate) fn query(self) -> Result<Query, ApiError> {
        // Jaeger's clients send 0 for no limit.
        let duration_max = self.duration_max.filter(|max| *max > 0);
        if duration_max.is_some_and(|max| max < self.duration_min.unwrap_or_default()) {
            let problem = "is less than the shortest duration";
            return Err(ApiError::invalid_parameter("longest duration", problem));
        }
        if self.tags.len() + self.conditions.len() > TAGS_MAX {
            let problem = format_args!("are more than {TAGS_MAX}");
            return Err(ApiError::invalid_parameter("tags", problem));
        }
        let is_nameless = self.service.as_deref() == Some(NAMELESS_SERVICE);
        let mut form = SearchForm {
            service: self.service.filter(|_| !is_nameless),
            operation: self.operation,
            duration_min_nanos: self.duration_min,
            duration_max_nanos: duration_max,
            conditions: self.conditions,
            ..SearchForm::default()
        };
        // Each once, so that the tree stays low.
        let mut known: BTreeSet<&str> = BTreeSet::new();
        known.extend(is_nameless.then_some(NAMELESS));
        for (key, value) in self.tags {
            match of_tag(&key, &value) {
                Some(condition) => drop(known.insert(condition)),
                None => add_tag(&mut form, key, value),
            }
        }
        for text in known {
            form.conditions.extend(condition(text)?);
        }
        Ok(form.to_query())
    }
}

/// What the one filter of `text` says.
fn condition(text: &str) -> Result<Option<Expr>, ApiError> {
    let query = parse_query(text, Dialect::Causeline)?;
    Ok(query.filter_only().flatten().cloned())
}

/// The condition of a tag that Jaeger makes of a field with few values; `None` for any other tag.
fn of_tag(key: &str, value: &str) -> Option<&'static str> {
    Some(match (key, value) {
        ("error", "true") => "{ span:status = error || .error = true || .error = \"true\" }",
        ("error", "false") => "{ span:status != error }",
        ("otel.status_code", "ERROR") => "{ span:status = error }",
        ("otel.status_code", "OK") => "{ span:status = ok }",
        ("otel.status_code", "UNSET") => "{ span:status = unset }",
        ("span.kind", "server") => "{ span:kind = server }",
        ("span.kind", "client") => "{ span:kind = client }",
        ("span.kind", "producer") => "{ span:kind = producer }",
        ("span.kind", "consumer") => "{ span:kind = consumer }",
        ("span.kind", "internal") => "{ span:kind = internal }",
        _ => return None,
    })
}

/// The condition of a tag that is a text of its own, or an attribute of the span or its resource.
fn add_tag(form: &mut SearchForm, name: String, value: String) {
    let intrinsic = match name.as_str() {
        "otel.status_description" => Some(Intrinsic::SpanStatusMessage),
        "otel.scope.name" | "otel.library.name" => Some(Intrinsic::InstrumentationName),
        "otel.scope.version" | "otel.library.version" => Some(Intrinsic::InstrumentationVersion),
        _ => None,
    };
    match intrinsic {
        Some(intrinsic) => form.texts.push((intrinsic, value)),
        None => form.attributes.push(AttributeMatch {
            scope: Scope::Any,
            name,
            value,
        }),
    }
}

/// Jaeger's experimental filters are trees of their own. To leave a condition out would find more than was asked for.
pub(crate) fn no_filters() -> ApiError {
    ApiError::invalid_parameter("query.filter", "structured filters are not supported")
        .hint("use the other parameters, or TraceQL on Tempo's port")
}

/// The kind of a word, which is empty for spans without one.
pub(crate) fn span_kind(name: &str, word: &str) -> Result<SpanKind, ApiError> {
    let kinds = [
        SpanKind::UNSPECIFIED,
        SpanKind::INTERNAL,
        SpanKind::SERVER,
        SpanKind::CLIENT,
        SpanKind::PRODUCER,
        SpanKind::CONSUMER,
    ];
    let kind = kinds.into_iter().find(|kind| kind.as_str() == word);
    kind.ok_or_else(|| {
        ApiError::invalid_parameter(name, "is no kind of span")
            .hint("one of server, client, producer, consumer, internal, unspecified")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query_of(tags: &[(&str, &str)]) -> String {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let search = Search {
            service: Some("cart".to_owned()),
            tags: tags.iter().map(own).collect(),
            ..Search::default()
        };
        let text = search.query().unwrap().to_string();
        parse_query(&text, Dialect::Causeline).unwrap();
        text
    }

    #[test]
    fn tags_of_jaegers_translation_ask_for_fields() {
        let query = query_of(&[
            ("error", "true"),
            ("span.kind", "client"),
            ("otel.status_description", "say \"no\""),
            ("otel.scope.name", "lib"),
            ("http.status_code", "500"),
        ]);
        for part in [
            "resource.service.name = \"cart\"",
            "span:status = error",
            "span:kind = client",
            "span:statusMessage = \"say \\\"no\\\"\"",
            "instrumentation:name = \"lib\"",
            "(.http.status_code = \"500\" || .http.status_code = 500)",
        ] {
            assert!(query.contains(part), "{part} in {query}");
        }
    }

    #[test]
    fn every_known_tag_is_a_query() {
        for (key, values) in [
            ("error", &["true", "false"][..]),
            ("otel.status_code", &["ERROR", "OK", "UNSET"]),
            (
                "span.kind",
                &["server", "client", "producer", "consumer", "internal"],
            ),
        ] {
            for value in values {
                assert!(of_tag(key, value).is_some(), "{key} {value}");
                query_of(&[(key, value)]);
            }
            assert_eq!(of_tag(key, "another"), None);
        }
    }

    #[test]
    fn a_service_without_a_name_can_be_asked_for() {
        let search = Search {
            service: Some(NAMELESS_SERVICE.to_owned()),
            ..Search::default()
        };
        let query = search.query().unwrap().to_string();
        assert!(query.contains("!(resource.service.name =~"), "{query}");
        assert!(!query.contains(NAMELESS_SERVICE), "{query}");
    }

    #[test]
    fn what_no_span_can_meet_is_refused() {
        let durations = |min, max| Search {
            duration_min: Some(min),
            duration_max: Some(max),
            ..Search::default()
        };
        assert!(durations(2, 1).query().is_err());
        assert!(durations(2, 0).query().is_ok(), "0 is no limit");
        let tags = |n: usize| Search {
            tags: vec![("span.kind".to_owned(), "server".to_owned()); n],
            ..Search::default()
        };
        let query = tags(TAGS_MAX).query().unwrap().to_string();
        assert_eq!(query, "{ span:kind = server }", "a condition stands once");
        assert!(tags(TAGS_MAX + 1).query().is_err());
    }
}
