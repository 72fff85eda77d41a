//! Details of some spans of a trace: long values cut, their rest by parts.

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Arguments};

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use model::{Span, SpanId, TraceId};

use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::native::convert::{REDACTION_MARK, details};
use crate::pieces::spans_of;
use crate::question::{parse_limit, parse_span_id, parse_trace_id};
use crate::state::App;

/// Spans that one request names.
const SPANS_MAX: usize = 256;

/// When an answer has so many bytes of values, the spans that follow are left out.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// Where values are cut unless the request says.
const VALUE_BYTES: usize = 4 << 10;

const VALUE_BYTES_MAX: usize = 64 << 10;

/// Bytes of a part of a value unless the request says.
const PART_BYTES: usize = 64 << 10;

const PART_BYTES_MAX: usize = 1 << 20;

/// Everything of some spans of a trace, but for the rest of long values.
#[utoipa::path(
    post,
    path = "/api/v1/traces/{traceId}/spans",
    operation_id = "spanSheets",
    params(("traceId" = String, Path, description = "16 or 32 hexadecimal digits, any case")),
    request_body = api::SpanSheetsRequest,
    responses(
        (status = 200, body = api::SpanSheetsResponse),
        (status = 400, body = api::ErrorBody, description = "not an id, or too many"),
        (status = 415, body = api::ErrorBody, description = "not sent as JSON"),
    )
)]
pub(crate) async fn sheets(
    State(app): State<App>,
    Path(id): Path<String>,
    body: Result<Json<api::SpanSheetsRequest>, JsonRejection>,
) -> Result<Json<api::SpanSheetsResponse>, ApiError> {
    let Json(request) = body?;
    let id = parse_trace_id(&id)?;
    let value_bytes = parse_limit(
        "valueBytes",
        request.value_bytes,
        VALUE_BYTES,
        VALUE_BYTES_MAX,
    )?;
    if request.span_ids.len() > SPANS_MAX {
        let problem = format_args!("are more than {SPANS_MAX}");
        return Err(ApiError::invalid_parameter("spanIds", problem));
    }
    let mut asked: Vec<SpanId> = Vec::new();
    for text in &request.span_ids {
        let span_id = parse_span_id(text)?;
        if !asked.contains(&span_id) {
            asked.push(span_id);
        }
    }
    let mut found = Found::read(&app, id, asked.iter().copied().collect()).await?;
    let mut answer = api::SpanSheetsResponse {
        spans: Vec::new(),
        absent: Vec::new(),
        left_out: Vec::new(),
        partial: found.partial.take(),
    };
    let mut bytes = 0;
    for span_id in asked {
        if bytes >= ANSWER_BYTES_MAX {
            answer.left_out.push(span_id.to_string());
            continue;
        }
        let twins = found.spans.remove(&span_id).unwrap_or_default();
        if twins.is_empty() {
            answer.absent.push(span_id.to_string());
        }
        for (twin, (span, conflicting)) in (0..).zip(twins) {
            let (mut sheet, taken) = sheet(&span, value_bytes);
            (sheet.twin, sheet.conflicting) = (twin, conflicting);
            bytes += taken;
            answer.spans.push(sheet);
        }
    }
    Ok(Json(answer))
}

/// A part of one value of a span.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{traceId}/spans/{spanId}/value",
    operation_id = "spanValue",
    params(
        ("traceId" = String, Path, description = "16 or 32 hexadecimal digits, any case"),
        ("spanId" = String, Path, description = "16 hexadecimal digits, any case"),
        api::SpanValueRequest,
    ),
    responses(
        (status = 200, body = api::SpanValuePart),
        (status = 400, body = api::ErrorBody, description = "not an id, or a part beyond the limit"),
        (status = 404, body = api::ErrorBody, description = "no such span or value"),
    )
)]
pub(crate) async fn value(
    State(app): State<App>,
    Path((id, span_id)): Path<(String, String)>,
    Query(request): Query<api::SpanValueRequest>,
) -> Result<Json<api::SpanValuePart>, ApiError> {
    let (id, span_id) = (parse_trace_id(&id)?, parse_span_id(&span_id)?);
    let length = parse_limit("length", request.length, PART_BYTES, PART_BYTES_MAX)?;
    let mut found = Found::read(&app, id, HashSet::from([span_id])).await?;
    let twins = found.spans.remove(&span_id).unwrap_or_default();
    let twin = request.twin.unwrap_or_default() as usize;
    let Some((span, _)) = twins.into_iter().nth(twin) else {
        let missing = ApiError::not_found(format!("no such span {span_id} of trace {id}"));
        return Err(missing.hint(found.partial.unwrap_or_default()));
    };
    let mut whole = None;
    each_value(&mut details(&span), &mut |path, text| {
        if whole.is_none() && is_same(path, &request.path) {
            whole = Some(std::mem::take(text));
        }
    });
    let whole = whole
        .ok_or_else(|| ApiError::not_found(format!("the span has no value `{}`", request.path)))?;
    Ok(Json(part(
        &whole,
        request.offset.unwrap_or_default(),
        length,
    )))
}

/// Spans that were asked for, by id.
struct Found {
    /// Those that share an id by start, each with whether it is in conflict.
    spans: HashMap<SpanId, Vec<(Span, bool)>>,
    partial: Option<String>,
}

impl Found {
    async fn read(app: &App, id: TraceId, asked: HashSet<SpanId>) -> Result<Self, ApiError> {
        let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
        let found = app.engine.some_spans(&tenant, id, &asked, deadline).await?;
        let spans = spans_of(&found, 0..found.batch.num_rows())?;
        let mut by_id: HashMap<SpanId, Vec<(Span, bool)>> = HashMap::new();
        for (span, conflicting) in spans.into_iter().zip(found.conflicting) {
            by_id
                .entry(span.span_id)
                .or_default()
                .push((span, conflicting));
        }
        Ok(Self {
            spans: by_id,
            partial: found.partial.map(|partial| partial.to_string()),
        })
    }
}

/// The span with values of at most `value_bytes`, and how many bytes its values have.
fn sheet(span: &Span, value_bytes: usize) -> (api::SpanSheet, usize) {
    let mut details = details(span);
    let (mut cut, mut redacted, mut taken) = (Vec::new(), Vec::new(), 0);
    each_value(&mut details, &mut |path, text| {
        if text.contains(REDACTION_MARK) {
            redacted.push(path.to_string());
        }
        if text.len() > value_bytes {
            cut.push(api::CutValue {
                path: path.to_string(),
                bytes: text.len() as u64,
            });
            text.truncate(text.floor_char_boundary(value_bytes));
            text.shrink_to_fit();
        }
        taken += text.len();
    });
    let sheet = api::SpanSheet {
        span: details,
        twin: 0,
        conflicting: false,
        cut,
        redacted,
    };
    (sheet, taken)
}

/// The part of `whole` from `offset` on, of about `length` bytes, at least a character.
fn part(whole: &str, offset: u64, length: usize) -> api::SpanValuePart {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    let start = whole.floor_char_boundary(offset);
    let first = whole[start..].chars().next().map_or(0, char::len_utf8);
    let end = whole.floor_char_boundary(start.saturating_add(length));
    let end = end.max(start + first);
    api::SpanValuePart {
        offset: start as u64,
        text: whole[start..end].to_owned(),
        next: (end < whole.len()).then_some(end as u64),
        bytes: whole.len() as u64,
    }
}

/// Visits every text of a span that may be long, with its path.
fn each_value(span: &mut api::SpanDetails, visit: &mut dyn FnMut(Arguments<'_>, &mut String)) {
    visit(format_args!("name"), &mut span.name);
    if let Some(message) = &mut span.status_message {
        visit(format_args!("statusMessage"), message);
    }
    visit(format_args!("traceState"), &mut span.trace_state);
    each_attribute(format_args!(""), &mut span.attributes, visit);
    for (at, event) in span.events.iter_mut().enumerate() {
        visit(format_args!("events/{at}/name"), &mut event.name);
        each_attribute(format_args!("events/{at}/"), &mut event.attributes, visit);
    }
    for (at, link) in span.links.iter_mut().enumerate() {
        visit(format_args!("links/{at}/traceState"), &mut link.trace_state);
        each_attribute(format_args!("links/{at}/"), &mut link.attributes, visit);
    }
    each_attribute(
        format_args!("resource/"),
        &mut span.resource.attributes,
        visit,
    );
    each_attribute(format_args!("scope/"), &mut span.scope.attributes, visit);
}

fn each_attribute(
    of: Arguments<'_>,
    attributes: &mut [api::Attribute],
    visit: &mut dyn FnMut(Arguments<'_>, &mut String),
) {
    for (at, attribute) in attributes.iter_mut().enumerate() {
        visit(format_args!("{of}attributes/{at}"), &mut attribute.value);
    }
}

/// Whether a path is written so.
fn is_same(path: Arguments<'_>, text: &str) -> bool {
    /// What is left of a text, from which what is written is taken.
    struct Left<'a>(&'a str);
    impl fmt::Write for Left<'_> {
        fn write_str(&mut self, written: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(written).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    let mut left = Left(text);
    fmt::write(&mut left, path).is_ok() && left.0.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span() -> Span {
        let text = "trace 1\n  web GET 0..9 short=abc long=ääääää card=\"[redacted:card] x\" resource.big=1234567890 scope.name2=n\n    ! log 1 text=1234567890\n    > 00000000000000000000000000000002 00000000000000a1 why=1234567890";
        testkit::traces(text).remove(0)
    }

    #[test]
    fn long_values_are_cut_and_named() {
        let (sheet, taken) = sheet(&span(), 7);
        let cut = sheet.cut.iter().map(|cut| (cut.path.as_str(), cut.bytes));
        let expect = [
            ("attributes/1", 12),
            ("attributes/2", 17),
            ("events/0/attributes/0", 10),
            ("links/0/attributes/0", 10),
            ("resource/attributes/1", 10),
        ];
        assert_eq!(cut.collect::<Vec<_>>(), expect);
        assert_eq!(sheet.redacted, ["attributes/2"]);
        assert_eq!(sheet.span.attributes[1].value, "äää");
        assert_eq!(sheet.span.attributes[0].value, "abc");
        assert!(taken < 60, "{taken}");
    }

    #[test]
    fn every_path_is_found_again() {
        let mut paths = Vec::new();
        each_value(&mut details(&span()), &mut |path, _| {
            paths.push(path.to_string())
        });
        assert!(paths.len() > 9, "{paths:?}");
        for (at, path) in paths.iter().enumerate() {
            let mut found = Vec::new();
            let mut number = 0;
            each_value(&mut details(&span()), &mut |other, _| {
                if is_same(other, path) {
                    found.push(number);
                }
                number += 1;
            });
            assert_eq!(found, [at], "{path}");
        }
        assert!(!is_same(format_args!("a/{}", 1), "a/10"));
        assert!(!is_same(format_args!("a/{}", 10), "a/1"));
    }

    #[test]
    fn parts_make_the_whole() {
        let whole = "a€b𝄞ü";
        for length in 1..=whole.len() {
            let (mut text, mut next) = (String::new(), Some(0));
            while let Some(offset) = next {
                let part = part(whole, offset, length);
                assert_eq!((part.offset, part.bytes), (offset, whole.len() as u64));
                text += &part.text;
                next = part.next;
            }
            assert_eq!(text, whole);
        }
        assert_eq!(part(whole, 2, 1).offset, 1, "inside of a character");
        let beyond = part(whole, u64::MAX, 5);
        assert_eq!((beyond.text.as_str(), beyond.next), ("", None));
    }
}
