//! What Zipkin's searches ask for.

use traceql::ast::{CompareOp, Expr, ExprKind, Field, Intrinsic, Literal};
use traceql::{AttributeMatch, Scope, SearchForm};
use wire::zipkin::REMOTE_NAMES;

use crate::error::ApiError;
use crate::jaeger::parameters::{Names, Parameters};
use crate::jaeger::search::Search;
use crate::range::{HOUR_NANO, MILLISECOND_NANO};
use crate::state::App;

/// Traces of an answer when a request does not say. Source: Zipkin's `QUERY_LIMIT`.
pub(super) const LIMIT: i64 = 10;

/// How far back an answer reaches when a request does not say. Source: Zipkin's `QUERY_LOOKBACK`.
pub(super) const LOOKBACK_NANO: i64 = 24 * HOUR_NANO;

/// Nanoseconds of a microsecond.
const MICROSECOND_NANO: i64 = 1_000;

/// The search of `/api/v2/traces`.
pub(super) fn of_parameters(app: &App, parameters: &Parameters) -> Result<Search, ApiError> {
    let (start, end) = times(app, parameters)?;
    let mut search = Search {
        service: name(parameters, &["serviceName"]),
        operation: name(parameters, &["spanName"]),
        duration_min: parameters.units(&["minDuration"], MICROSECOND_NANO)?,
        duration_max: parameters.units(&["maxDuration"], MICROSECOND_NANO)?,
        start: Some(start),
        end: Some(end),
        limit: Some(parameters.integer(&["limit"])?.unwrap_or(LIMIT)),
        ..Search::default()
    };
    let remote = name(parameters, &["remoteServiceName"]);
    search
        .conditions
        .extend(remote.and_then(|name| called(&name)));
    let annotations = parameters.text(&["annotationQuery"]).unwrap_or_default();
    add_annotations(annotations, &mut search);
    Ok(search)
}

/// Start and end, nanoseconds since the Unix epoch, of `endTs` and `lookback`, which are milliseconds. What starts within the last of them counts.
pub(super) fn times(app: &App, parameters: &Parameters) -> Result<(i64, i64), ApiError> {
    let end = parameters.units(&["endTs"], MILLISECOND_NANO)?;
    let end = end.unwrap_or_else(|| app.clock.unix_nano());
    let lookback = parameters.units(&["lookback"], MILLISECOND_NANO)?;
    let lookback = lookback.unwrap_or(LOOKBACK_NANO);
    let start = end.saturating_sub(lookback).max(0);
    Ok((start, end.saturating_add(MILLISECOND_NANO)))
}

/// A name to look for. Zipkin's clients write `all` for any.
fn name(parameters: &Parameters, names: Names) -> Option<String> {
    let name = parameters.text(names).filter(|name| *name != "all");
    name.map(str::to_owned)
}

/// `error and http.method=GET`: keys of tags or values of annotations, and tags.
fn add_annotations(text: &str, search: &mut Search) {
    for part in text.split(" and ").map(str::trim) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        match (key, value) {
            ("", _) => {}
            ("error", "") => search.tags.push(("error".to_owned(), "true".to_owned())),
            (key, "") => search.conditions.push(exists(key)),
            ("error", message) if !matches!(message, "true" | "false") => {
                search.conditions.extend(failed_with(message));
            }
            (key, value) => search.tags.push((key.to_owned(), value.to_owned())),
        }
    }
}

/// A tag `key`, or an annotation of this text.
fn exists(key: &str) -> Expr {
    let attribute = Field::attribute(Scope::Any, key);
    let annotation = Field::Intrinsic(Intrinsic::EventName);
    ExprKind::Or(vec![
        compare(attribute, CompareOp::NotEq, Literal::Nil),
        compare(annotation, CompareOp::Eq, Literal::String(key.to_owned())),
    ])
    .into()
}

/// The tag `error` with a message, which is the status of the span.
fn failed_with(message: &str) -> Option<Expr> {
    let status = SearchForm {
        texts: vec![(Intrinsic::SpanStatusMessage, message.to_owned())],
        error: Some(true),
        ..SearchForm::default()
    };
    any_of([status, with_attribute("error", message)])
}

/// A call of what is named so; see [`REMOTE_NAMES`].
fn called(name: &str) -> Option<Expr> {
    any_of(REMOTE_NAMES.map(|key| with_attribute(key, name)))
}

fn with_attribute(name: &str, value: &str) -> SearchForm {
    SearchForm {
        attributes: vec![AttributeMatch {
            scope: Scope::Span,
            name: name.to_owned(),
            value: value.to_owned(),
        }],
        ..SearchForm::default()
    }
}

/// What one of `forms`, which are at least two, asks for.
fn any_of<const N: usize>(forms: [SearchForm; N]) -> Option<Expr> {
    let conditions = forms.iter().map(SearchForm::condition);
    let conditions: Option<Vec<Expr>> = conditions.collect();
    conditions.map(|conditions| ExprKind::Or(conditions).into())
}

fn compare(field: Field, op: CompareOp, literal: Literal) -> Expr {
    ExprKind::Compare {
        op,
        left: Box::new(ExprKind::Field(field).into()),
        right: Box::new(ExprKind::Literal(literal).into()),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use traceql::parse;

    use super::*;

    fn query_of(annotations: &str) -> String {
        let mut search = Search::default();
        add_annotations(annotations, &mut search);
        let query = search.query().unwrap();
        let text = query.to_string();
        assert_eq!(parse(&text).unwrap().query, query, "{text}");
        text
    }

    #[test]
    fn annotation_queries_are_tags_and_annotations() {
        expect_test::expect![[
            r#"{ .http.method = "GET" && (.cache.miss != nil || event:name = "cache.miss") }"#
        ]]
        .assert_eq(&query_of("http.method=GET and cache.miss"));
        expect_test::expect![[r#"{ }"#]].assert_eq(&query_of(" and "));
        expect_test::expect![[r#"{ .a = "b=c" && ((span:statusMessage = "say \"no\"" && span:status = error) || span.error = "say \"no\"") }"#]].assert_eq(&query_of("error=say \"no\" and a=b=c"));
        expect_test::expect![[r#"{ span:status = error || .error = true || .error = "true" }"#]]
            .assert_eq(&query_of("error"));
    }

    #[test]
    fn a_remote_service_is_what_a_span_calls_it() {
        let search = Search {
            conditions: called("db \"x\"").into_iter().collect(),
            ..Search::default()
        };
        expect_test::expect![[r#"{ span.peer.service = "db \"x\"" || span.server.address = "db \"x\"" || span.net.peer.name = "db \"x\"" || span.db.system.name = "db \"x\"" || span.db.system = "db \"x\"" || span.messaging.system = "db \"x\"" }"#]].assert_eq(&search.query().unwrap().to_string());
    }
}
