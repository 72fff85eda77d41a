//! Values over points of time.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::labels::Labels;

/// A series: at each point a value, or none.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What tells it from others.
    pub labels: Labels,
    /// One for each point.
    pub points: Vec<Option<f64>>,
}

/// Series with different labels, in an order that means something after `sort` and `topk` only.
pub type Vector = Vec<Series>;

/// What a query comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A value for each point.
    Scalar(Vec<f64>),
    /// Series.
    Vector(Vector),
}

/// Most points of a vector that is made of others, those included where a series has no value.
pub const POINTS_MAX: usize = 2_000_000;

/// Most bytes of the labels of all its series.
pub const LABELS_BYTES_MAX: usize = 32 << 20;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Two series of a result have the same labels.
    #[error("two series of a result have the same labels, {0}; keep a label that tells them apart")]
    Result(Labels),
    /// Several series of the side that has to have one match.
    #[error(
        "several series match {0} on the {1} side; write group_left or group_right, or match on more labels"
    )]
    Match(Labels, &'static str),
    /// Matching would make a vector of too many points.
    #[error(
        "a result has more than {POINTS_MAX} points; group by fewer labels, or take a longer step"
    )]
    Points,
    /// A vector would have too many labels, or too long ones.
    #[error("the labels of a result take more than {} MiB; group by fewer labels", LABELS_BYTES_MAX >> 20)]
    Labels,
    /// `label_replace` was given what it cannot work with.
    #[error("label_replace: {0}")]
    Replace(String),
}

/// A vector in the making: series with the same labels become one, as long as they have no point in common.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    n_points: usize,
    labels_bytes: usize,
    places: HashMap<Labels, usize>,
    series: Vector,
}

impl Builder {
    pub(crate) fn new(n_points: usize) -> Self {
        Self {
            n_points,
            ..Self::default()
        }
    }

    /// Where the series of these labels stands; made when absent.
    pub(crate) fn place(&mut self, labels: Labels) -> Result<usize, Refusal> {
        match self.places.entry(labels) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(_) if (self.series.len() + 1) * self.n_points > POINTS_MAX => {
                Err(Refusal::Points)
            }
            Entry::Vacant(new) => {
                self.labels_bytes += new.key().bytes();
                if self.labels_bytes > LABELS_BYTES_MAX {
                    return Err(Refusal::Labels);
                }
                self.series.push(Series {
                    labels: new.key().clone(),
                    points: vec![None; self.n_points],
                });
                Ok(*new.insert(self.series.len() - 1))
            }
        }
    }

    pub(crate) fn set(&mut self, place: usize, point: usize, value: f64) -> Result<(), Refusal> {
        let series = &mut self.series[place];
        if series.points[point].replace(value).is_some() {
            return Err(Refusal::Result(series.labels.clone()));
        }
        Ok(())
    }

    /// Adds `points` to the series of `labels`.
    pub(crate) fn add(&mut self, labels: Labels, points: Vec<Option<f64>>) -> Result<(), Refusal> {
        let place = self.place(labels)?;
        for (point, value) in points.into_iter().enumerate() {
            if let Some(value) = value {
                self.set(place, point, value)?;
            }
        }
        Ok(())
    }

    /// The series that have a value at some point, in the order in which they came.
    pub(crate) fn build(self) -> Vector {
        let has_value = |one: &Series| one.points.iter().any(Option::is_some);
        self.series.into_iter().filter(has_value).collect()
    }
}

/// A number as Prometheus writes it.
pub fn number_text(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        let sign = if value > 0.0 { "+" } else { "-" };
        format!("{sign}Inf")
    } else {
        format!("{value}")
    }
}
