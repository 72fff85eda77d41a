//! Answers in Prometheus' shape: values are texts, times are seconds.

use axum::Json;
use axum::response::{IntoResponse, Response};
use promql::{Labels, Series, number_text};
use serde::ser::{SerializeMap, SerializeSeq, SerializeTuple};
use serde::{Serialize, Serializer};

use crate::range::MILLISECOND_NANO;

#[derive(Serialize)]
struct Success<T> {
    status: &'static str,
    data: T,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    infos: Vec<String>,
}

/// An answer, with what may be missing and what else should be known.
pub(super) fn success(data: impl Serialize, warnings: Vec<String>, infos: Vec<String>) -> Response {
    let status = "success";
    Json(Success {
        status,
        data,
        warnings,
        infos,
    })
    .into_response()
}

/// What a query comes to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome<T> {
    pub(super) result_type: &'static str,
    pub(super) result: T,
}

/// Labels as an object.
pub(super) struct Metric<'a>(pub(super) &'a Labels);

/// A value at a time.
pub(super) struct Sample {
    pub(super) unix_nano: i64,
    pub(super) value: f64,
}

/// A series at one point.
#[derive(Serialize)]
pub(super) struct AtPoint<'a> {
    metric: Metric<'a>,
    value: Sample,
}

/// A series over a range.
#[derive(Serialize)]
pub(super) struct OverRange<'a> {
    metric: Metric<'a>,
    values: Samples<'a>,
}

struct Samples<'a> {
    times_unix_nano: &'a [i64],
    points: &'a [Option<f64>],
}

impl<'a> AtPoint<'a> {
    /// `None` where the series has no value at its first point.
    pub(super) fn new(series: &'a Series, unix_nano: i64) -> Option<Self> {
        let value = *series.points.first()?;
        Some(Self {
            metric: Metric(&series.labels),
            value: Sample {
                unix_nano,
                value: value?,
            },
        })
    }
}

impl<'a> OverRange<'a> {
    /// `None` where the series has no value.
    pub(super) fn new(series: &'a Series, times_unix_nano: &'a [i64]) -> Option<Self> {
        let points = series.points.as_slice();
        points.iter().any(Option::is_some).then_some(Self {
            metric: Metric(&series.labels),
            values: Samples {
                times_unix_nano,
                points,
            },
        })
    }
}

impl Serialize for Metric<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Sample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_tuple(2)?;
        let milliseconds = self.unix_nano / MILLISECOND_NANO;
        if milliseconds % 1_000 == 0 {
            pair.serialize_element(&(milliseconds / 1_000))?;
        } else {
            pair.serialize_element(&(milliseconds as f64 / 1e3))?;
        }
        pair.serialize_element(&number_text(self.value))?;
        pair.end()
    }
}

impl Serialize for Samples<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for (unix_nano, value) in self.times_unix_nano.iter().zip(self.points) {
            if let Some(value) = *value {
                let unix_nano = *unix_nano;
                list.serialize_element(&Sample { unix_nano, value })?;
            }
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_texts_and_times_seconds() {
        let series = Series {
            labels: Labels::from_iter([("client", "a \"b\""), ("le", "0.1")]),
            points: vec![Some(0.1), None, Some(f64::INFINITY), Some(f64::NAN)],
        };
        let times = [1_500, 2_000, 3_000, 4_000].map(|ms| ms * MILLISECOND_NANO);
        let range = serde_json::to_string(&OverRange::new(&series, &times));
        assert_eq!(
            range.expect("JSON"),
            r#"{"metric":{"client":"a \"b\"","le":"0.1"},"values":[[1.5,"0.1"],[3,"+Inf"],[4,"NaN"]]}"#
        );
        let point = serde_json::to_string(&AtPoint::new(&series, 7_000_000_000));
        assert_eq!(
            point.expect("JSON"),
            r#"{"metric":{"client":"a \"b\"","le":"0.1"},"value":[7,"0.1"]}"#
        );
    }
}
