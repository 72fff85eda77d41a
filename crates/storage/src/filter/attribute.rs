//! Comparisons of attributes.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use columnar::{ValueType, resource_from_json, scope_from_json, value_from_text};
use model::AnyValue;
use store_api::{AttributeScope, CompareOp, Scalar};

use super::holds;

/// Most distinct resources whose verdict a scan remembers.
const SHARED_MAX: usize = 65_536;

/// An attribute compared with a constant. Holds when any attribute of the name, or any element of an array, compares so.
#[derive(Debug, Clone)]
pub(crate) struct AttributeTest {
    pub(crate) scope: AttributeScope,
    pub(crate) key: String,
    pub(crate) op: CompareOp,
    pub(crate) scalar: Scalar,
    /// Verdicts on resources or instrumentation scopes by their text: reading one takes microseconds, and a few stand in every row group.
    // Held to look up and insert.
    shared: Arc<Mutex<HashMap<String, bool>>>,
}

impl PartialEq for AttributeTest {
    fn eq(&self, other: &Self) -> bool {
        let key = |this: &Self| (this.scope, this.op);
        key(self) == key(other) && self.key == other.key && self.scalar == other.scalar
    }
}

impl AttributeTest {
    pub(super) fn new(scope: AttributeScope, key: &str, op: CompareOp, scalar: &Scalar) -> Self {
        Self {
            scope,
            key: key.to_owned(),
            op,
            scalar: scalar.clone(),
            shared: Arc::default(),
        }
    }

    pub(super) fn cost(&self) -> u32 {
        match self.scope {
            AttributeScope::Resource | AttributeScope::Instrumentation => 4,
            AttributeScope::Span => 8,
            AttributeScope::Event | AttributeScope::Link => 32,
        }
    }

    /// Whether it holds for a value as a column has it.
    pub(crate) fn holds_text(&self, kind: ValueType, text: &str) -> bool {
        match kind {
            ValueType::String => self.holds_string(text),
            ValueType::Empty | ValueType::KvList | ValueType::Bytes => false,
            ValueType::Int => match text.parse() {
                Ok(number) => self.holds_int(number),
                // What is not of its type reads as text, as in `columnar::to_model`.
                Err(_) => self.holds_string(text),
            },
            ValueType::Bool | ValueType::Double | ValueType::Array => {
                match value_from_text(kind, text) {
                    Ok(value) => self.holds_value(&value),
                    Err(_) => self.holds_string(text),
                }
            }
        }
    }

    pub(crate) fn holds_int(&self, number: i64) -> bool {
        let order = match &self.scalar {
            Scalar::Int(scalar) => Some(number.cmp(scalar)),
            Scalar::Double(scalar) => (number as f64).partial_cmp(scalar),
            Scalar::String(_) | Scalar::Bool(_) => None,
        };
        self.holds(order)
    }

    pub(crate) fn holds_string(&self, text: &str) -> bool {
        match &self.scalar {
            Scalar::String(scalar) => holds(text.cmp(scalar), self.op),
            _ => false,
        }
    }

    /// The text that it compares with, if it is one.
    pub(crate) fn string(&self) -> Option<&String> {
        match &self.scalar {
            Scalar::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it may hold for an integer from `min` to `max`.
    pub(crate) fn may_hold_between(&self, min: i64, max: i64) -> bool {
        match self.op {
            CompareOp::Eq => match &self.scalar {
                Scalar::Int(number) => (min..=max).contains(number),
                Scalar::Double(number) => min as f64 <= *number && *number <= max as f64,
                Scalar::String(_) | Scalar::Bool(_) => false,
            },
            CompareOp::NotEq => true,
            // Orders are monotonic, so that one of the ends decides.
            _ => self.holds_int(min) || self.holds_int(max),
        }
    }

    fn holds_value(&self, value: &AnyValue) -> bool {
        let order = match (value, &self.scalar) {
            (AnyValue::String(text), _) => return self.holds_string(text),
            (AnyValue::Int(number), _) => return self.holds_int(*number),
            (AnyValue::Array(items), _) => return items.iter().any(|item| self.holds_one(item)),
            (AnyValue::Bool(a), Scalar::Bool(b)) => Some(a.cmp(b)),
            (AnyValue::Double(a), Scalar::Double(b)) => a.partial_cmp(b),
            (AnyValue::Double(a), Scalar::Int(b)) => a.partial_cmp(&(*b as f64)),
            _ => None,
        };
        self.holds(order)
    }

    /// The same for an element: arrays in arrays compare with nothing.
    fn holds_one(&self, value: &AnyValue) -> bool {
        !matches!(value, AnyValue::Array(_)) && self.holds_value(value)
    }

    fn holds(&self, order: Option<Ordering>) -> bool {
        order.is_some_and(|order| holds(order, self.op))
    }

    /// Whether it holds for a resource or an instrumentation scope by its text in the column.
    pub(crate) fn holds_shared(&self, text: &str) -> bool {
        let known = || self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(verdict) = known().get(text) {
            return *verdict;
        }
        let attributes = match self.scope {
            AttributeScope::Resource => resource_from_json(text).map(|r| r.attributes),
            _ => scope_from_json(text).map(|s| s.attributes),
        };
        // What cannot be read is the engine's to judge.
        let verdict = attributes.is_none_or(|all| {
            let mut named = all.iter().filter(|a| a.key == self.key);
            named.any(|a| self.holds_value(&a.value))
        });
        let mut known = known();
        if known.len() < SHARED_MAX {
            known.insert(text.to_owned(), verdict);
        }
        verdict
    }

    /// The texts that a value must have for it to hold, whatever its type but an array; `None` when they cannot be told.
    pub(crate) fn texts(&self) -> Option<Vec<String>> {
        /// Up to here, each integer is a double of its own.
        const EXACT_MAX: i64 = 1 << 53;
        if self.op != CompareOp::Eq {
            return None;
        }
        let double = |number: f64| {
            let text = |n| columnar::value_to_text(&AnyValue::Double(n)).1;
            let mut texts = vec![text(number)];
            if number == 0.0 {
                texts.push(text(-number));
            }
            texts
        };
        match &self.scalar {
            Scalar::String(text) => Some(vec![text.clone()]),
            Scalar::Bool(truth) => Some(vec![truth.to_string()]),
            Scalar::Int(number) if number.abs() < EXACT_MAX => {
                let mut texts = double(*number as f64);
                texts.push(number.to_string());
                Some(texts)
            }
            Scalar::Double(number) if number.abs() < EXACT_MAX as f64 => {
                let mut texts = double(*number);
                if number.fract() == 0.0 {
                    texts.push((*number as i64).to_string());
                }
                Some(texts)
            }
            Scalar::Int(_) | Scalar::Double(_) => None,
        }
    }
}
