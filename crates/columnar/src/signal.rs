//! The kinds of batches.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use crate::log_schema::{LOG_FORMAT_VERSION, log_schema};
use crate::schema::{FORMAT_VERSION, schema};

/// What the rows of a batch are; the numbers are on disk and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Signal {
    Spans = 0,
    Logs = 1,
}

impl Signal {
    /// Every signal, by number.
    pub const ALL: [Self; 2] = [Self::Spans, Self::Logs];

    /// The signal numbered `n`, or `None`.
    pub fn from_number(n: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| *signal as u32 == n)
    }

    /// The signal whose whole schema `schema` is, or `None`.
    pub fn of(schema: &SchemaRef) -> Option<Self> {
        let is_same =
            |ours: SchemaRef| Arc::ptr_eq(&ours, schema) || ours.fields() == schema.fields();
        Self::ALL
            .into_iter()
            .find(|signal| is_same(signal.schema()))
    }

    /// The schema of its batches.
    pub fn schema(self) -> SchemaRef {
        match self {
            Self::Spans => schema(),
            Self::Logs => log_schema(),
        }
    }

    /// The version of that schema.
    pub fn format_version(self) -> u32 {
        match self {
            Self::Spans => FORMAT_VERSION,
            Self::Logs => LOG_FORMAT_VERSION,
        }
    }

    /// The word in settings, metrics and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spans => "spans",
            Self::Logs => "logs",
        }
    }
}
