//! A query that the server refuses, with the place in its text.

use std::fmt;

use traceql::{Diagnostic, DiagnosticKind, Diagnostics, Span};

use crate::commands::client::ClientError;
use crate::node::AnyError;

/// Why a query was refused, drawn below its text.
#[derive(Debug)]
struct Refused(String);

/// `error`; with the place in `query` when it says one.
pub(super) fn explained(error: ClientError, query: &str) -> AnyError {
    let ClientError::Refused {
        body: Some(body), ..
    } = &error
    else {
        return error.into();
    };
    match body.position {
        Some(position) if body.code == "invalid_query" => {
            let found = finding(body, position as usize, query);
            Refused(found.render(query)).into()
        }
        _ => error.into(),
    }
}

/// The server's finding. It tells the column of a text that does not parse, which is read here again for its line, and the offset of
/// a part that parses and cannot be answered.
fn finding(body: &api::ErrorBody, position: usize, query: &str) -> Diagnostic {
    let parsed = traceql::parse(query).err();
    let same = |found: &Diagnostic| {
        let said = format!("{}: {}", found.kind.as_str(), found.message);
        found.column == position + 1 && said == body.message
    };
    let first = parsed.and_then(|Diagnostics(found)| found.into_iter().next());
    if let Some(found) = first.filter(same) {
        return found;
    }
    let start = query.floor_char_boundary(position);
    let before = &query[..start];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let kind = DiagnosticKind::Unsupported;
    let prefix = format!("{}: ", kind.as_str());
    let message = body.message.strip_prefix(&prefix).unwrap_or(&body.message);
    Diagnostic {
        kind,
        span: Span::new(start, start),
        line: before.matches('\n').count() + 1,
        column: query[line_start..start].chars().count() + 1,
        message: message.to_owned(),
        hint: body.hint.clone(),
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use reqwest::StatusCode;

    fn check(query: &str, message: &str, position: u32, expect: Expect) {
        let body = api::ErrorBody {
            code: "invalid_query".to_owned(),
            message: message.to_owned(),
            hint: Some("ask otherwise".to_owned()),
            request_id: "r".to_owned(),
            position: Some(position),
        };
        let error = ClientError::Refused {
            status: StatusCode::BAD_REQUEST,
            body: Some(Box::new(body)),
        };
        expect.assert_eq(&explained(error, query).to_string());
    }

    #[test]
    fn the_place_is_shown_whichever_way_it_is_told() {
        let query = "{ name = \"é\"\n  && span.a = }";
        let Diagnostics(found) = traceql::parse(query).unwrap_err();
        let said = format!("{}: {}", found[0].kind.as_str(), found[0].message);
        check(
            query,
            &said,
            found[0].column as u32 - 1,
            expect![[r#"
            syntax error at line 2, column 15
              |   && span.a = }
              |               ^ the value behind `=` is missing"#]],
        );
        check(
            "{ name = \"é\" } >>\n {}",
            "not yet",
            20,
            expect![[r#"
            not supported at line 2, column 2
              |  {}
              |  ^ not yet
              = hint: ask otherwise"#]],
        );
        check(
            "{",
            "elsewhere",
            u32::MAX,
            expect![[r#"
            not supported at column 2
              | {
              |  ^ elsewhere
              = hint: ask otherwise"#]],
        );
    }
}
