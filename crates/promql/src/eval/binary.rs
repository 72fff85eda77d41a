//! Operators between two values.

use std::collections::HashMap;

use super::Context;
use crate::ast::{Binary, BinaryOp, Cardinality, Matching};
use crate::labels::{Labels, NAME};
use crate::vector::{Builder, Refusal, Series, Value, Vector};

impl Matching {
    /// What series that belong together have in common.
    fn key(&self, labels: &Labels) -> Labels {
        labels.only(|name| self.labels.contains(name) == self.on && (self.on || name != NAME))
    }
}

impl Binary {
    /// What the operator makes of two values; `None` for a comparison that does not hold and leaves out.
    fn result(&self, left: f64, right: f64) -> Option<f64> {
        let truth = |holds: bool| match (self.gives_bool, holds) {
            (true, holds) => Some(f64::from(u8::from(holds))),
            (false, true) => Some(left),
            (false, false) => None,
        };
        match self.op {
            BinaryOp::Equal => truth(left == right),
            BinaryOp::NotEqual => truth(left != right),
            BinaryOp::Less => truth(left < right),
            BinaryOp::LessOrEqual => truth(left <= right),
            BinaryOp::Greater => truth(left > right),
            BinaryOp::GreaterOrEqual => truth(left >= right),
            BinaryOp::Add => Some(left + right),
            BinaryOp::Subtract => Some(left - right),
            BinaryOp::Multiply => Some(left * right),
            BinaryOp::Divide => Some(left / right),
            BinaryOp::Modulo => Some(left % right),
            BinaryOp::Atan2 => Some(left.atan2(right)),
            BinaryOp::Power => Some(left.powf(right)),
            BinaryOp::Or | BinaryOp::And | BinaryOp::Unless => None,
        }
    }

    /// Whether what comes out is still what went in, and so keeps its name.
    fn keeps_name(&self) -> bool {
        self.op.is_comparison() && !self.gives_bool
    }
}

impl Context<'_> {
    pub(super) fn binary(&mut self, binary: &Binary) -> Result<Value, Refusal> {
        let (left, right) = (self.value(&binary.left)?, self.value(&binary.right)?);
        match (left, right) {
            (Value::Scalar(left), Value::Scalar(right)) => {
                let pairs = left.into_iter().zip(right);
                let values = pairs.map(|(l, r)| binary.result(l, r).unwrap_or(f64::NAN));
                Ok(Value::Scalar(values.collect()))
            }
            (Value::Vector(left), Value::Scalar(right)) => {
                self.with_scalar(binary, left, |at, v| binary.result(v, right[at]))
            }
            (Value::Scalar(left), Value::Vector(right)) => {
                // A comparison that leaves out keeps the value of the vector.
                let value = |at: usize, v: f64| match binary.result(left[at], v) {
                    Some(_) if binary.keeps_name() => Some(v),
                    result => result,
                };
                self.with_scalar(binary, right, value)
            }
            (Value::Vector(left), Value::Vector(right)) if binary.op.is_set() => {
                Ok(Value::Vector(self.set(binary, left, right)?))
            }
            (Value::Vector(left), Value::Vector(right)) => {
                Ok(Value::Vector(self.matched(binary, left, right)?))
            }
        }
    }

    fn with_scalar(
        &self,
        binary: &Binary,
        vector: Vector,
        value: impl Fn(usize, f64) -> Option<f64>,
    ) -> Result<Value, Refusal> {
        if !binary.keeps_name() {
            return self.mapped(vector, value);
        }
        let left_out = |mut series: Series| {
            for (at, point) in series.points.iter_mut().enumerate() {
                *point = point.and_then(|v| value(at, v));
            }
            series
        };
        Ok(Value::Vector(vector.into_iter().map(left_out).collect()))
    }

    /// `and`, `or`, `unless`.
    fn set(&self, binary: &Binary, left: Vector, right: Vector) -> Result<Vector, Refusal> {
        let n_points = self.times.len();
        let keys_of = |side: &Vector| -> Vec<Labels> {
            let keys = side.iter().map(|one| binary.matching.key(&one.labels));
            keys.collect()
        };
        let (left_keys, right_keys) = (keys_of(&left), keys_of(&right));
        // Who decides about whom: `or` lets the left side leave out of the right one.
        let is_or = binary.op == BinaryOp::Or;
        let (deciding, keys) = if is_or {
            (&left, &left_keys)
        } else {
            (&right, &right_keys)
        };
        let mut present: HashMap<&Labels, Vec<bool>> = HashMap::new();
        for (series, key) in deciding.iter().zip(keys) {
            let known = present.entry(key).or_insert_with(|| vec![false; n_points]);
            for (known, point) in known.iter_mut().zip(&series.points) {
                *known |= point.is_some();
            }
        }
        let stays_where_present = binary.op == BinaryOp::And;
        let decided = |series: &Series, key: &Labels| -> Vec<Option<f64>> {
            let known = present.get(key);
            let is_known = |at: usize| known.is_some_and(|known| known[at]);
            let points = series.points.iter().enumerate();
            let points = points.map(|(at, v)| v.filter(|_| is_known(at) == stays_where_present));
            points.collect()
        };
        let mut builder = Builder::new(n_points);
        for (series, key) in left.iter().zip(&left_keys) {
            let points = if is_or {
                series.points.clone()
            } else {
                decided(series, key)
            };
            builder.add(series.labels.clone(), points)?;
        }
        if is_or {
            for (series, key) in right.iter().zip(&right_keys) {
                builder.add(series.labels.clone(), decided(series, key))?;
            }
        }
        Ok(builder.build())
    }

    /// Arithmetic and comparisons of series that belong together.
    fn matched(&self, binary: &Binary, left: Vector, right: Vector) -> Result<Vector, Refusal> {
        let matching = &binary.matching;
        let is_swapped = matching.cardinality == Cardinality::OneToMany;
        // Each series of the one side goes with any of the many side.
        let (many, one) = if is_swapped {
            (right, left)
        } else {
            (left, right)
        };
        let (many_side, one_side) = if is_swapped {
            ("right", "left")
        } else {
            ("left", "right")
        };
        let n_points = self.times.len();
        // Of each key the series that has a value, and the value.
        let mut ones: HashMap<Labels, Vec<Option<(usize, f64)>>> = HashMap::new();
        for (at, series) in one.iter().enumerate() {
            let key = matching.key(&series.labels);
            let known = ones.entry(key);
            let known = known.or_insert_with(|| vec![None; n_points]);
            for (known, value) in known.iter_mut().zip(&series.points) {
                let value = value.map(|value| (at, value));
                if known.is_some() && value.is_some() {
                    let key = matching.key(&series.labels);
                    return Err(Refusal::Match(key, one_side));
                }
                *known = known.or(value);
            }
        }
        let is_one_to_one = matching.cardinality == Cardinality::OneToOne;
        let mut met: HashMap<Labels, Vec<bool>> = HashMap::new();
        let mut builder = Builder::new(n_points);
        for series in &many {
            let key = matching.key(&series.labels);
            let Some(partners) = ones.get(&key) else {
                continue;
            };
            let met = is_one_to_one.then(|| met.entry(key.clone()));
            let mut met = met.map(|met| met.or_insert_with(|| vec![false; n_points]));
            // The place of the last partner's labels, since there is seldom another.
            let mut place: Option<(usize, usize)> = None;
            for (point, pair) in series.points.iter().zip(partners).enumerate() {
                let (Some(value), Some((partner, other))) = pair else {
                    continue;
                };
                if let Some(met) = &mut met
                    && std::mem::replace(&mut met[point], true)
                {
                    return Err(Refusal::Match(key, many_side));
                }
                let (l, r) = if is_swapped {
                    (other, value)
                } else {
                    (value, other)
                };
                let Some(result) = binary.result(*l, *r) else {
                    continue;
                };
                let known = place.filter(|(of, _)| of == partner);
                let at = match known {
                    Some((_, at)) => at,
                    None => {
                        let labels = labels_of(binary, &series.labels, &one[*partner].labels);
                        builder.place(labels)?
                    }
                };
                place = Some((*partner, at));
                builder.set(at, point, result)?;
            }
        }
        Ok(builder.build())
    }
}

/// The labels of what comes out of two series.
fn labels_of(binary: &Binary, many: &Labels, one: &Labels) -> Labels {
    let matching = &binary.matching;
    let mut labels = if binary.keeps_name() {
        many.clone()
    } else {
        many.clone().nameless()
    };
    if matching.cardinality == Cardinality::OneToOne {
        return labels.only(|name| {
            let is_named = matching.labels.contains(name);
            if matching.on { is_named } else { !is_named }
        });
    }
    for name in &matching.included {
        labels.set(name, one.get(name));
    }
    labels
}
