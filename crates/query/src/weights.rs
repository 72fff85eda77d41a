//! How many spans a span stands for.

use columnar::{Column, SpanColumns, ViewError};
use rollup::AdjustedCounts;

use crate::condition::Needs;

/// How many spans each row stands for, by the sampling probability in its trace state.
pub(crate) enum Weights<'a> {
    /// Itself alone.
    One,
    Adjusted(AdjustedCounts<'a>),
}

impl<'a> Weights<'a> {
    pub(crate) fn needs(extrapolates: bool, needs: &mut Needs) {
        if extrapolates {
            needs.columns.push(Column::TraceState);
        }
    }

    pub(crate) fn new(columns: &SpanColumns<'a>, extrapolates: bool) -> Result<Self, ViewError> {
        if !extrapolates {
            return Ok(Self::One);
        }
        let adjusted = AdjustedCounts::new(columns.dict(Column::TraceState)?);
        Ok(match adjusted.are_all_one() {
            true => Self::One,
            false => Self::Adjusted(adjusted),
        })
    }

    pub(crate) fn of(&self, row: usize) -> f64 {
        match self {
            Self::One => 1.0,
            Self::Adjusted(adjusted) => adjusted.of(row),
        }
    }
}
