//! Parameters of URLs as Jaeger's, Prometheus' and Tempo's clients write them: some several times, some under two names.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Query};
use chrono::DateTime;
use http::request::Parts;
use model::{IdError, TraceId};

use crate::error::ApiError;
use crate::question::parse_duration;

/// The parameters, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

/// Spellings of a parameter; the first that has a value counts.
pub(crate) type Names<'a> = &'a [&'static str];

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let pairs = Query::from_request_parts(parts, state).await;
        let Query(pairs) =
            pairs.map_err(|error| ApiError::invalid_parameter("query", error.body_text()))?;
        Ok(Self(pairs))
    }
}

impl Parameters {
    /// Those of a form, or of what stands behind the `?` of a URL.
    pub(crate) fn of_form(form: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(form).into_owned().collect())
    }

    /// These, then `others`.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Every value of `name`.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let of_name = self.0.iter().filter(move |(key, _)| key == name);
        of_name.map(|(_, value)| value.as_str())
    }

    /// The value that counts, with its name; an empty one is none.
    fn given(&self, names: Names) -> Option<(&'static str, &str)> {
        names.iter().find_map(|name| {
            let value = self.all(name).next().filter(|value| !value.is_empty());
            Some((*name, value?))
        })
    }

    /// A text that is not empty.
    pub(crate) fn text(&self, names: Names) -> Option<&str> {
        self.given(names).map(|(_, value)| value)
    }

    /// A number.
    pub(crate) fn integer(&self, names: Names) -> Result<Option<i64>, ApiError> {
        self.parsed(names, |name, text| {
            let number = text.parse();
            number.map_err(|_| ApiError::invalid_parameter(name, "is not a whole number"))
        })
    }

    /// A time or duration that is counted in `unit_nano`, in nanoseconds.
    pub(crate) fn units(&self, names: Names, unit_nano: i64) -> Result<Option<i64>, ApiError> {
        self.parsed(names, |name, text| {
            let number: Option<i64> = text.parse().ok();
            let nano = number.and_then(|n| n.checked_mul(unit_nano));
            nano.filter(|nano| *nano >= 0).ok_or_else(|| {
                let problem = "is not a whole number of 0 or more that ends before the year 2262";
                ApiError::invalid_parameter(name, problem)
            })
        })
    }

    /// A duration as Go writes it (`1.5s`), in nanoseconds.
    pub(crate) fn duration(&self, names: Names) -> Result<Option<i64>, ApiError> {
        self.parsed(names, |name, text| match text {
            "0" => Ok(0),
            _ => parse_duration(name, text),
        })
    }

    /// A time of RFC 3339, in nanoseconds since the Unix epoch.
    pub(crate) fn time(&self, names: Names) -> Result<Option<i64>, ApiError> {
        self.parsed(names, |name, text| {
            let unix_nano = rfc3339(text).filter(|nano| *nano >= 0);
            unix_nano.ok_or_else(|| {
                ApiError::invalid_parameter(name, "is not a time between 1970 and 2262")
                    .hint("write for instance 2026-11-30T12:00:00.5Z")
            })
        })
    }

    /// A truth value, in any spelling that Go's `strconv.ParseBool` takes.
    pub(crate) fn truth(&self, names: Names) -> Result<Option<bool>, ApiError> {
        self.parsed(names, |name, text| match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
            _ => Err(ApiError::invalid_parameter(
                name,
                "is neither true nor false",
            )),
        })
    }

    /// The same; false when absent.
    pub(crate) fn flag(&self, names: Names) -> Result<bool, ApiError> {
        Ok(self.truth(names)?.unwrap_or_default())
    }

    /// What `parse` makes of a value and the name that it has.
    pub(crate) fn parsed<T>(
        &self,
        names: Names,
        parse: impl Fn(&'static str, &str) -> Result<T, ApiError>,
    ) -> Result<Option<T>, ApiError> {
        let given = self.given(names);
        given.map(|(name, text)| parse(name, text)).transpose()
    }
}

/// The members of a JSON object of texts.
pub(crate) fn tags_of_json(name: &str, json: &str) -> Result<BTreeMap<String, String>, ApiError> {
    serde_json::from_str(json).map_err(|error| {
        ApiError::invalid_parameter(name, format_args!("is no JSON object of texts: {error}"))
            .hint(r#"write for instance {"error":"true"}"#)
    })
}

/// Grafana leaves the `+` of an offset as it is, which a URL's rules then read as a space.
pub(crate) fn rfc3339(text: &str) -> Option<i64> {
    const OFFSET: usize = "+00:00".len();
    let mut text = text.to_owned();
    let sign_at = text.len().saturating_sub(OFFSET);
    if text.as_bytes().get(sign_at) == Some(&b' ') {
        text.replace_range(sign_at..=sign_at, "+");
    }
    let time = DateTime::parse_from_rfc3339(&text).ok()?;
    time.timestamp_nanos_opt()
}

/// A trace id: 1 to 32 hexadecimal digits, of which senders leave out leading zeros, or base64 of its bytes, in either alphabet, with or
/// without padding.
pub(crate) fn trace_id(name: &str, text: &str) -> Result<TraceId, ApiError> {
    let invalid = |error: IdError| {
        ApiError::invalid_parameter(name, error).hint("give 1 to 32 hexadecimal digits, or base64")
    };
    if is_hex_id(text) {
        return hex_trace_id(name, text);
    }
    match base64_id(text) {
        Some(id) if id != TraceId([0; 16]) => Ok(id),
        Some(_) => Err(invalid(IdError::Zero)),
        None => Err(invalid(
            text.parse::<TraceId>().err().unwrap_or(IdError::Zero),
        )),
    }
}

/// A trace id: 1 to 32 hexadecimal digits, of which senders leave out leading zeros.
pub(crate) fn hex_trace_id(name: &str, text: &str) -> Result<TraceId, ApiError> {
    let invalid = |error: IdError| {
        ApiError::invalid_parameter(name, error).hint("give 1 to 32 hexadecimal digits")
    };
    match is_hex_id(text) {
        true => format!("{text:0>32}").parse().map_err(invalid),
        false => Err(invalid(
            text.parse::<TraceId>().err().unwrap_or(IdError::Zero),
        )),
    }
}

fn is_hex_id(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn base64_id(text: &str) -> Option<TraceId> {
    use base64::Engine;
    use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
    let digits = text.trim_end_matches('=');
    let engine = if digits.contains(['-', '_']) {
        BASE64_URL_SAFE_NO_PAD
    } else {
        BASE64_STANDARD_NO_PAD
    };
    trace_id_of(&engine.decode(digits).ok()?)
}

/// An id of 16 bytes, or of the 8 that a 64-bit tracer has.
pub(crate) fn trace_id_of(bytes: &[u8]) -> Option<TraceId> {
    let mut id = [0; 16];
    match bytes.len() {
        16 | 8 => id[16 - bytes.len()..].copy_from_slice(bytes),
        _ => return None,
    }
    Some(TraceId(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Parameters(pairs.iter().map(own).collect())
    }

    #[test]
    fn the_first_spelling_with_a_value_counts() {
        let given = parameters(&[("a", ""), ("b", "2"), ("b", "3"), ("c", "x")]);
        assert_eq!(given.integer(&["a", "b"]).unwrap(), Some(2));
        assert_eq!(given.text(&["a"]), None);
        assert!(given.all("b").eq(["2", "3"]));
        let error = given.integer(&["a", "c"]).unwrap_err();
        assert!(error.message.starts_with("c: "), "{error:?}");
    }

    #[test]
    fn values_are_of_their_types_or_refused() {
        let given = parameters(&[
            ("us", "1500"),
            ("far", "9223372036854775807"),
            ("before", "-1"),
            ("go", "1h30m"),
            ("zero", "0"),
            ("utc", "2026-11-30T12:00:00.5Z"),
            ("offset", "2026-11-30T13:00:00+01:00"),
            ("unescaped", "2026-11-30T13:00:00 01:00"),
            ("day", "2026-11-30"),
            ("past", "1969-12-31T23:59:59Z"),
            ("emoji", "🙂"),
            ("yes", "T"),
        ]);
        assert_eq!(given.units(&["us"], 1_000).unwrap(), Some(1_500_000));
        assert!(given.units(&["far"], 1_000).is_err());
        assert!(given.units(&["before"], 1).is_err());
        assert_eq!(given.duration(&["go"]).unwrap(), Some(5_400_000_000_000));
        assert_eq!(given.duration(&["zero"]).unwrap(), Some(0));
        let noon = 1_796_040_000_000_000_000;
        assert_eq!(given.time(&["utc"]).unwrap(), Some(noon + 500_000_000));
        for name in [&["offset"], &["unescaped"]] {
            assert_eq!(given.time(name).unwrap(), Some(noon), "{name:?}");
        }
        for name in [&["day"], &["past"], &["emoji"]] {
            assert!(given.time(name).is_err(), "{name:?}");
        }
        assert!(given.flag(&["yes"]).unwrap());
        assert!(!given.flag(&["absent"]).unwrap());
        assert!(given.flag(&["go"]).is_err());
    }

    #[test]
    fn ids_are_hexadecimal_or_base64() {
        let id: TraceId = "00000000000000000f1a2b3c4d5e6f70".parse().unwrap();
        for text in [
            "f1a2b3c4d5e6f70",
            "0F1A2B3C4D5E6F70",
            "00000000000000000f1a2b3c4d5e6f70",
            "AAAAAAAAAAAPGis8TV5vcA==",
            "AAAAAAAAAAAPGis8TV5vcA",
            "DxorPE1eb3A=",
        ] {
            assert_eq!(trace_id("id", text).unwrap(), id, "{text}");
        }
        let high = TraceId([0xff; 16]);
        for text in ["_____________________w", "/////////////////////w=="] {
            assert_eq!(trace_id("id", text).unwrap(), high, "{text}");
        }
        for text in [
            "",
            "0",
            "AAAAAAAAAAAAAAAAAAAAAA==",
            "not an id",
            "00000000000000000f1a2b3c4d5e6f70a",
            "🙂",
            "AA==",
        ] {
            assert!(trace_id("id", text).is_err(), "{text}");
        }
    }
}
