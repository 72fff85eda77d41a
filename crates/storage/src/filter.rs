//! What of a predicate this store can test while it reads.
//!
//! A [`Filter`] holds for every row that the predicate may hold for: what cannot be tested is taken as true. It is tested three times, each
//! time on more: on the catalog's entry of a block, on statistics and dictionaries of a row group (in `block`), on rows. Texts are compared
//! once per dictionary value, not per row.

mod attribute;
mod rows;

pub(crate) use attribute::AttributeTest;
pub(crate) use rows::RowsOf;

use std::cmp::Ordering;

use columnar::Column;
use store_api::{CompareOp, Field, Predicate, Scalar, TimeRange};

use crate::catalog::BlockEntry;

/// A condition on one row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    /// Holds for every row.
    True,
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Text(Column, CompareOp, String),
    Int(Column, CompareOp, i64),
    Attribute(AttributeTest),
}

impl Filter {
    /// The part of `predicate` that can be tested.
    pub(crate) fn of(predicate: &Predicate) -> Self {
        match predicate {
            Predicate::True => Self::True,
            Predicate::All(all) => Self::all(all.iter().map(Self::of).collect()),
            Predicate::Any(any) => {
                let any: Vec<_> = any.iter().map(Self::of).collect();
                if any.contains(&Self::True) {
                    Self::True
                } else {
                    Self::Any(any)
                }
            }
            Predicate::Compare(Field::Column(column), op, Scalar::String(text))
                if is_text(*column) =>
            {
                Self::Text(*column, *op, text.clone())
            }
            Predicate::Compare(Field::Column(column), op, Scalar::Int(number))
                if is_int(*column) =>
            {
                Self::Int(*column, *op, *number)
            }
            Predicate::Compare(Field::Column(_), ..) => Self::True,
            Predicate::Compare(Field::Attribute(scope, key), op, scalar) => {
                Self::Attribute(AttributeTest::new(*scope, key, *op, scalar))
            }
        }
    }

    /// Starts in `time`.
    pub(crate) fn started_in(time: TimeRange) -> Self {
        let start = |op, unix_nano| Self::Int(Column::StartTimeUnixNano, op, unix_nano);
        let mut parts = vec![start(CompareOp::GreaterEq, time.start_unix_nano)];
        if time.end_unix_nano != i64::MAX {
            parts.push(start(CompareOp::Less, time.end_unix_nano));
        }
        Self::All(parts)
    }

    /// The conjunction, the cheapest parts first.
    fn all(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::True => {}
                Self::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        flat.sort_by_key(Self::cost);
        match flat.len() {
            0 => Self::True,
            1 => flat.swap_remove(0),
            _ => Self::All(flat),
        }
    }

    /// The conditions that must all hold, the cheapest first; none for a filter that always holds.
    pub(crate) fn conjuncts(&self) -> &[Self] {
        match self {
            Self::True => &[],
            Self::All(parts) => parts,
            other => std::slice::from_ref(other),
        }
    }

    /// How much testing a row takes, compared with others.
    fn cost(&self) -> u32 {
        match self {
            Self::True => 0,
            Self::Int(..) => 1,
            Self::Text(..) => 2,
            Self::Attribute(test) => test.cost(),
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::cost).sum(),
        }
    }

    /// Whether the catalog's entry leaves it possible that it holds for a row of `block`.
    pub(crate) fn may_hold_in(&self, block: &BlockEntry) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|p| p.may_hold_in(block)),
            Self::Any(parts) => parts.iter().any(|p| p.may_hold_in(block)),
            Self::Text(Column::ServiceName, op, name) => {
                let services = block.services.as_ref();
                services.is_none_or(|all| all.iter().any(|s| holds(s.as_str().cmp(name), *op)))
            }
            Self::True | Self::Text(..) | Self::Int(..) | Self::Attribute(_) => true,
        }
    }
}

fn is_text(column: Column) -> bool {
    matches!(
        column,
        Column::Name | Column::StatusMessage | Column::TraceState | Column::ServiceName
    )
}

fn is_int(column: Column) -> bool {
    matches!(
        column,
        Column::StartTimeUnixNano
            | Column::EndTimeUnixNano
            | Column::DurationNano
            | Column::Kind
            | Column::StatusCode
            | Column::Flags
    )
}

/// Whether `op` holds for two values in this order.
pub(crate) fn holds(order: Ordering, op: CompareOp) -> bool {
    match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::NotEq => order.is_ne(),
        CompareOp::Less => order.is_lt(),
        CompareOp::LessEq => order.is_le(),
        CompareOp::Greater => order.is_gt(),
        CompareOp::GreaterEq => order.is_ge(),
    }
}
