//! Tag names and values, old and new.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use query::AttributeValuesRequest;
use store_api::AttributeScope;
use traceql::ast::Intrinsic;
use traceql::lexer::{TokenKind, lex};
use traceql::{Field, Scope, parse_lenient};

use crate::error::ApiError;
use crate::jaeger::parameters::Parameters;
use crate::question::parse_limit;
use crate::state::App;
use crate::tempo::parameters::{When, count};
use crate::tempo::proto::{
    SearchTagValuesResponse, SearchTagValuesV2Response, SearchTagsResponse, SearchTagsV2Response,
    SearchTagsV2Scope, TagValue,
};

/// The most names of a scope, and values of a name, that one answer has.
const LIMIT_MAX: usize = 10_000;

/// Names that Tempo lists as intrinsics, in its own spelling.
const INTRINSICS: [&str; 17] = [
    "duration",
    "event:name",
    "event:timeSinceStart",
    "instrumentation:name",
    "instrumentation:version",
    "kind",
    "name",
    "rootName",
    "rootServiceName",
    "span:duration",
    "span:kind",
    "span:name",
    "span:status",
    "span:statusMessage",
    "status",
    "statusMessage",
    "traceDuration",
];

/// What is asked for, of a URL or of a message; an empty text is none.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) scope: String,
    pub(crate) q: String,
    pub(crate) limit: Option<u32>,
    pub(crate) when: When,
}

impl Asked {
    fn of_url(parameters: &Parameters) -> Result<Self, ApiError> {
        let text = |names| parameters.text(names).unwrap_or_default().to_owned();
        Ok(Self {
            scope: text(&["scope"]),
            q: text(&["q"]),
            limit: count(parameters, &["limit"])?,
            when: When::of_search(parameters)?,
        })
    }
}

pub(crate) async fn names_v2(State(app): State<App>, parameters: Parameters) -> Response {
    let answer =
        async { Ok(Json(tags_v2(&app, &Asked::of_url(&parameters)?).await?).into_response()) };
    answer.await.unwrap_or_else(ApiError::into_text)
}

pub(crate) async fn names(State(app): State<App>, parameters: Parameters) -> Response {
    let answer =
        async { Ok(Json(tags(&app, &Asked::of_url(&parameters)?).await?).into_response()) };
    answer.await.unwrap_or_else(ApiError::into_text)
}

pub(crate) async fn values_v2(
    State(app): State<App>,
    Path(rest): Path<String>,
    parameters: Parameters,
) -> Response {
    let answer = async {
        let tag_values = tag_values(&app, tag_of(&rest)?, &Asked::of_url(&parameters)?).await?;
        Ok(Json(SearchTagValuesV2Response { tag_values }).into_response())
    };
    answer.await.unwrap_or_else(ApiError::into_text)
}

pub(crate) async fn values(
    State(app): State<App>,
    Path(rest): Path<String>,
    parameters: Parameters,
) -> Response {
    let answer = async {
        let values = tag_values(&app, tag_of(&rest)?, &Asked::of_url(&parameters)?).await?;
        let tag_values = values.into_iter().map(|value| value.value).collect();
        Ok(Json(SearchTagValuesResponse { tag_values }).into_response())
    };
    answer.await.unwrap_or_else(ApiError::into_text)
}

/// Names by scope; `intrinsic` is one of them.
pub(crate) async fn tags_v2(app: &App, asked: &Asked) -> Result<SearchTagsV2Response, ApiError> {
    let wanted = Some(asked.scope.as_str()).filter(|scope| !matches!(*scope, "" | "none" | "all"));
    let scope = wanted.and_then(|name| {
        AttributeScope::ALL
            .into_iter()
            .find(|scope| scope.as_str() == name)
    });
    if let (Some(name), None) = (wanted, scope)
        && name != "intrinsic"
    {
        return Err(
            ApiError::invalid_parameter("scope", format_args!("`{name}` is unknown"))
                .hint("one of resource, span, event, link, instrumentation, intrinsic"),
        );
    }
    let limit = parse_limit("limit", asked.limit, LIMIT_MAX, LIMIT_MAX)?;
    let mut scopes = Vec::new();
    if wanted != Some("intrinsic") {
        let time = asked.when.range(&*app.clock)?;
        let found = app
            .engine
            .attribute_names(&app.tenant(), scope, time, Some(app.deadline()))
            .await?;
        for (scope, mut tags) in found.scopes {
            tags.truncate(limit);
            scopes.push(SearchTagsV2Scope {
                name: scope.as_str().to_owned(),
                tags,
            });
        }
    }
    if wanted.is_none_or(|name| name == "intrinsic") {
        let tags = INTRINSICS.map(str::to_owned).to_vec();
        scopes.push(SearchTagsV2Scope {
            name: "intrinsic".to_owned(),
            tags,
        });
    }
    Ok(SearchTagsV2Response { scopes })
}

/// Names of spans and resources without their scopes, each once.
pub(crate) async fn tags(app: &App, asked: &Asked) -> Result<SearchTagsResponse, ApiError> {
    let scopes = tags_v2(app, asked).await?.scopes;
    let mut tag_names: Vec<String> = scopes.into_iter().flat_map(|scope| scope.tags).collect();
    tag_names.sort_unstable();
    tag_names.dedup();
    Ok(SearchTagsResponse { tag_names })
}

/// Values of `tag`, the most frequent first.
pub(crate) async fn tag_values(
    app: &App,
    tag: &str,
    asked: &Asked,
) -> Result<Vec<TagValue>, ApiError> {
    let question = AttributeValuesRequest {
        tenant: app.tenant(),
        field: field_of(tag),
        // Half-typed filters come from autocompletion and must not fail.
        filter: parse_lenient(&asked.q),
        prefix: String::new(),
        limit: parse_limit("limit", asked.limit, LIMIT_MAX, LIMIT_MAX)?,
        time: asked.when.range(&*app.clock)?,
        deadline: Some(app.deadline()),
    };
    let values = app
        .engine
        .attribute_values(&question)
        .await?
        .values
        .into_iter();
    Ok(values
        .map(|value| TagValue {
            kind: type_of(tag, value.kind).to_owned(),
            value: value.text,
        })
        .collect())
}

/// Tempo's word for a type of values.
fn type_of(tag: &str, kind: columnar::ValueType) -> &'static str {
    match kind {
        _ if matches!(tag, "status" | "span:status" | "kind" | "span:kind") => "keyword",
        columnar::ValueType::Int => "int",
        columnar::ValueType::Double => "float",
        columnar::ValueType::Bool => "bool",
        _ => "string",
    }
}

/// The tag of a path that ends in `/values`; the tag itself may hold slashes.
fn tag_of(rest: &str) -> Result<&str, ApiError> {
    let tag = rest.strip_suffix("/values").filter(|tag| !tag.is_empty());
    tag.ok_or_else(|| ApiError::not_found("expected /tag/NAME/values"))
}

/// `span.http.route`, `.x`, `name`, `span:duration`, or, from older clients, an attribute's bare name.
pub(crate) fn field_of(tag: &str) -> Field {
    let tokens = lex(tag);
    match tokens.first().map(|token| &token.kind) {
        Some(TokenKind::Attribute(scope, name)) if tokens.len() == 2 => {
            return Field::attribute(*scope, name.clone());
        }
        _ => {}
    }
    match Intrinsic::from_name(tag) {
        Some(intrinsic) => Field::Intrinsic(intrinsic),
        None => by_prefix(tag),
    }
}

/// Names with characters that TraceQL would want quoted, and bare names.
fn by_prefix(tag: &str) -> Field {
    let scoped = tag
        .split_once('.')
        .and_then(|(scope, name)| Some((Scope::from_name(scope)?, name)));
    match scoped {
        Some((scope, name)) => Field::attribute(scope, name),
        None => Field::attribute(Scope::Any, tag.strip_prefix('.').unwrap_or(tag)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_name_fields() {
        assert_eq!(
            field_of("span.http.route"),
            Field::attribute(Scope::Span, "http.route")
        );
        assert_eq!(field_of(".a"), Field::attribute(Scope::Any, "a"));
        assert_eq!(
            field_of("http.route"),
            Field::attribute(Scope::Any, "http.route")
        );
        assert_eq!(
            field_of("resource.a/b c"),
            Field::attribute(Scope::Resource, "a/b c")
        );
        assert!(matches!(field_of("status"), Field::Intrinsic(_)));
        assert!(matches!(field_of("span:name"), Field::Intrinsic(_)));
    }

    #[test]
    fn tags_may_hold_slashes() {
        assert_eq!(tag_of("span.a/b/values").unwrap(), "span.a/b");
        assert!(tag_of("values").is_err());
    }
}
