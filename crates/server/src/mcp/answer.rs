//! Answers that an assistant can afford to read: JSON of a few rows, rounded, of bounded size, that says what it left out.

use chrono::{DateTime, SecondsFormat};
use rmcp::model::JsonObject;
use serde_json::{Number, Value, json};
use store_api::TimeRange;

use crate::range::MILLISECOND_NANO;

/// Bytes from which lists of an answer take no further rows.
const BYTES_MAX: usize = 48 << 10;

/// Texts are cut behind so many characters.
const TEXT_CHARS_MAX: usize = 256;

/// An answer in the making.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    fields: JsonObject,
    bytes: usize,
    cut: Vec<Value>,
}

impl Answer {
    /// One about spans that started in `time`.
    pub(crate) fn of(time: TimeRange) -> Self {
        let range = json!({ "start": at(time.start_unix_nano), "end": at(time.end_unix_nano) });
        Self::default().with("range", range)
    }

    /// Adds a field, a small one.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.bytes += size(&value);
        self.fields.insert(name.to_owned(), value);
        self
    }

    /// Adds a field where there is something to say.
    pub(crate) fn with_some(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Says why something may be missing.
    pub(crate) fn partial(self, why: Option<impl ToString>) -> Self {
        self.with_some("partial", why.map(|why| why.to_string()))
    }

    /// Adds a list of the first `rows_max` rows, fewer where the answer becomes too large, and says how many there would be.
    pub(crate) fn list(
        self,
        name: &str,
        rows: impl ExactSizeIterator<Item = Value>,
        rows_max: usize,
    ) -> Self {
        let n_rows = rows.len();
        self.first(name, rows.take(rows_max), n_rows)
    }

    /// The same of the first rows of `n_rows`.
    pub(crate) fn first(
        mut self,
        name: &str,
        rows: impl IntoIterator<Item = Value>,
        n_rows: usize,
    ) -> Self {
        let mut taken = Vec::new();
        for row in rows {
            let bytes = size(&row);
            if self.bytes + bytes > BYTES_MAX {
                break;
            }
            self.bytes += bytes;
            taken.push(row);
        }
        if taken.len() < n_rows {
            let n_taken = taken.len();
            self.cut.push(json!(format!(
                "{name}: these are the first {n_taken} of {n_rows}"
            )));
        }
        self.fields.insert(name.to_owned(), Value::Array(taken));
        self
    }

    /// Says that there is more than was looked for.
    pub(crate) fn more(mut self, what: impl Into<String>) -> Self {
        self.cut.push(Value::String(what.into()));
        self
    }

    /// The text.
    pub(crate) fn into_text(mut self) -> String {
        if !self.cut.is_empty() {
            self.fields.insert("cut".to_owned(), Value::Array(self.cut));
        }
        Value::Object(self.fields).to_string()
    }
}

fn size(value: &Value) -> usize {
    // With what stands around it.
    value.to_string().len() + 1
}

/// A text of strangers, cut where it is long.
pub(crate) fn text(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A point in time.
pub(crate) fn at(unix_nano: i64) -> Value {
    let time = DateTime::from_timestamp_nanos(unix_nano);
    Value::String(time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// Nanoseconds as milliseconds.
pub(crate) fn millis(nano: i64) -> Value {
    number(nano as f64 / MILLISECOND_NANO as f64)
}

/// A number of five digits; null where it is none.
pub(crate) fn number(value: f64) -> Value {
    if !value.is_finite() {
        return Value::Null;
    }
    let rounded = format!("{value:.4e}").parse().unwrap_or(value);
    let is_whole = f64::abs(rounded) < 1e15 && rounded.fract() == 0.0;
    match is_whole {
        true => Value::Number(Number::from(rounded as i64)),
        false => Number::from_f64(rounded).map_or(Value::Null, Value::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (12.0, "12"),
            (1.0 / 3.0, "0.33333"),
            (123_456.7, "123460"),
            (-1e-9, "-1e-9"),
            (1e300, "1e+300"),
            (f64::NAN, "null"),
            (f64::INFINITY, "null"),
        ] {
            assert_eq!(number(value).to_string(), text);
        }
        assert_eq!(millis(17_654_321).to_string(), "17.654");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(text("short"), "short");
        let long = "é".repeat(300);
        assert_eq!(text(&long).chars().count(), TEXT_CHARS_MAX + 1);
        assert_eq!(text(&long[..512]), &long[..512]);
    }

    #[test]
    fn an_answer_says_what_it_left_out() {
        let rows = (0..5).map(|row| json!(row));
        let answer = Answer::default().list("rows", rows, 3).into_text();
        assert_eq!(
            answer,
            r#"{"cut":["rows: these are the first 3 of 5"],"rows":[0,1,2]}"#
        );
        let all = Answer::default().list("rows", (0..2).map(|row| json!(row)), 3);
        assert_eq!(all.into_text(), r#"{"rows":[0,1]}"#);
    }

    #[test]
    fn an_answer_is_of_bounded_size() {
        let row = || json!("x".repeat(1_000));
        let rows = (0..1_000).map(|_| row());
        let others = (0..10).map(|_| row());
        let answer = Answer::default()
            .list("rows", rows, 1_000)
            .list("others", others, 10)
            .into_text();
        assert!(answer.len() < BYTES_MAX + 1_000, "{}", answer.len());
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let n = answer["rows"].as_array().expect("a list").len();
        assert_eq!(
            answer["cut"],
            json!([
                format!("rows: these are the first {n} of 1000"),
                "others: these are the first 0 of 10"
            ])
        );
    }
}
