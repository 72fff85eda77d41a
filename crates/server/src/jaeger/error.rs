//! Errors in the two shapes in which Jaeger tells them.

use axum::Json;
use axum::response::Response;
use http::{HeaderValue, header};
use query::Partial;
use serde::Serialize;
use serde_json::json;

use crate::error::ApiError;

/// An element of `errors` in an envelope of version 1.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<u16>,
    pub(crate) msg: String,
    #[serde(rename = "traceID", skip_serializing_if = "Option::is_none")]
    pub(crate) trace_id: Option<String>,
}

impl Told {
    /// Something that is missing from an answer.
    pub(crate) fn missing(msg: impl Into<String>, trace_id: Option<String>) -> Self {
        Self {
            code: None,
            msg: msg.into(),
            trace_id,
        }
    }
}

/// The answer of version 1.
pub(crate) fn enveloped(error: ApiError) -> Response {
    let told = Told {
        code: Some(error.status.as_u16()),
        msg: error.text(),
        trace_id: None,
    };
    let body = json!({
        "data": null, "total": 0, "limit": 0, "offset": 0,
        "errors": [told],
    });
    error.answer(Json(body))
}

/// `answer` with the reason why it is not whole, for shapes that have no place for one.
pub(crate) fn with_warning(mut answer: Response, partial: Option<Partial>) -> Response {
    if let Some(warning) = partial.and_then(|why| warning(&why)) {
        answer.headers_mut().insert(header::WARNING, warning);
    }
    answer
}

/// The value of a header `Warning`; what a header cannot hold of the reason is a question mark. Source: RFC 7234, section 5.5.
pub(crate) fn warning(why: &Partial) -> Option<HeaderValue> {
    let plain = |c: char| match c {
        '"' | '\\' => '\'',
        ' '..='~' => c,
        _ => '?',
    };
    let text: String = why.to_string().chars().map(plain).collect();
    HeaderValue::from_str(&format!("299 causeline \"{text}\"")).ok()
}

/// The answer of version 3, in the shape of its gRPC gateway.
pub(crate) fn gateway(error: ApiError) -> Response {
    let body = json!({
        "error": {
            "httpCode": error.status.as_u16(),
            "message": error.text(),
        }
    });
    error.answer(Json(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_told_in_a_header() {
        let told = |why| {
            let answer = with_warning(Response::default(), Some(why));
            let value = answer.headers()[header::WARNING].to_str();
            value.expect("plain text").to_owned()
        };
        let odd = Partial::Source("a \"b\"\n\\ ·".to_owned());
        assert_eq!(told(odd), "299 causeline \"a 'b'?' ?\"");
        assert!(told(Partial::Deadline).contains("deadline"));
        let whole = with_warning(Response::default(), None);
        assert!(whole.headers().is_empty());
    }

    #[tokio::test]
    async fn errors_have_jaegers_shapes() {
        let error = || ApiError::not_found("no such trace").hint("look elsewhere");
        let text = async |answer: Response| {
            assert_eq!(answer.status(), 404);
            let body = axum::body::to_bytes(answer.into_body(), 1_000).await;
            String::from_utf8(body.expect("a body").to_vec()).expect("text")
        };
        expect_test::expect![[
            r#"{"data":null,"errors":[{"code":404,"msg":"no such trace; look elsewhere"}],"limit":0,"offset":0,"total":0}"#
        ]]
        .assert_eq(&text(enveloped(error())).await);
        expect_test::expect![[
            r#"{"error":{"httpCode":404,"message":"no such trace; look elsewhere"}}"#
        ]]
        .assert_eq(&text(gateway(error())).await);
    }
}
