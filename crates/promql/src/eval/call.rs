//! Calls of functions.

use regex::Regex;

use super::{Context, quantile};
use crate::ast::{Expr, Node};
use crate::functions::Function;
use crate::labels::Labels;
use crate::vector::{Builder, LABELS_BYTES_MAX, Refusal, Series, Value, Vector};

impl Context<'_> {
    pub(super) fn call(
        &mut self,
        function: Function,
        arguments: &[Expr],
    ) -> Result<Value, Refusal> {
        match (function, arguments) {
            (Function::Each(change), [of]) => {
                let value = self.value(of)?;
                self.each(value, change)
            }
            (Function::Clamp, [of, least, most]) => {
                let (least, most) = (self.scalar(least)?, self.scalar(most)?);
                self.each_point(of, |at, v| clamped(v, least[at], most[at]))
            }
            (Function::ClampMin, [of, least]) => {
                let least = self.scalar(least)?;
                self.each_point(of, |at, v| clamped(v, least[at], f64::INFINITY))
            }
            (Function::ClampMax, [of, most]) => {
                let most = self.scalar(most)?;
                self.each_point(of, |at, v| clamped(v, f64::NEG_INFINITY, most[at]))
            }
            (Function::Round, [of, to @ ..]) => {
                let to = to.first().map(|to| self.scalar(to)).transpose()?;
                let to = to.unwrap_or_else(|| vec![1.0; self.times.len()]);
                // Halves go up. Source: Prometheus' documentation.
                self.each_point(of, |at, v| {
                    let inverse = to[at].recip();
                    Some((v * inverse + 0.5).floor() / inverse)
                })
            }
            (Function::Sort(ascending), [of]) => {
                let mut vector = self.vector(of)?;
                // Of several points there is no one order, and Prometheus sorts none either.
                if self.times.len() == 1 {
                    sort(&mut vector, ascending);
                }
                Ok(Value::Vector(vector))
            }
            (Function::HistogramQuantile, [q, of]) => {
                let q = self.scalar(q)?;
                let of = self.vector(of)?;
                Ok(Value::Vector(quantile::of_buckets(&q, of)?))
            }
            (Function::LabelReplace, [of, texts @ ..]) => {
                let of = self.vector(of)?;
                Ok(Value::Vector(self.relabelled(of, texts)?))
            }
            (Function::Vector, [of]) => {
                let points = self.scalar(of)?.into_iter().map(Some).collect();
                let labels = Labels::default();
                Ok(Value::Vector(vec![Series { labels, points }]))
            }
            (Function::Scalar, [of]) => {
                let vector = self.vector(of)?;
                let only = |point: usize| {
                    let mut present = vector.iter().filter_map(|one| one.points[point]);
                    present.next().filter(|_| present.next().is_none())
                };
                let values = (0..self.times.len()).map(|point| only(point).unwrap_or(f64::NAN));
                Ok(Value::Scalar(values.collect()))
            }
            (Function::Time, []) => Ok(Value::Scalar(self.times.to_vec())),
            // The parser has checked how many there are, and made leaves of what reads counters.
            _ => Ok(Value::Vector(Vec::new())),
        }
    }

    /// Each value changed by itself.
    pub(super) fn each(&self, value: Value, change: impl Fn(f64) -> f64) -> Result<Value, Refusal> {
        match value {
            Value::Scalar(values) => Ok(Value::Scalar(values.into_iter().map(change).collect())),
            Value::Vector(vector) => self.mapped(vector, |_, v| Some(change(v))),
        }
    }

    fn each_point(
        &mut self,
        of: &Expr,
        change: impl Fn(usize, f64) -> Option<f64>,
    ) -> Result<Value, Refusal> {
        let vector = self.vector(of)?;
        self.mapped(vector, change)
    }

    /// Each value changed, given the number of its point; names of metrics no longer fit.
    pub(super) fn mapped(
        &self,
        vector: Vector,
        change: impl Fn(usize, f64) -> Option<f64>,
    ) -> Result<Value, Refusal> {
        let mut builder = Builder::new(self.times.len());
        for Series { labels, points } in vector {
            let points = points.into_iter().enumerate();
            let points = points.map(|(at, value)| change(at, value?));
            builder.add(labels.nameless(), points.collect())?;
        }
        Ok(Value::Vector(builder.build()))
    }

    /// `label_replace`: where `source` matches, the label becomes what the replacement makes of the match.
    fn relabelled(&self, of: Vector, texts: &[Expr]) -> Result<Vector, Refusal> {
        let text = |at: usize| match texts.get(at).map(|text| &text.node) {
            Some(Node::Text(text)) => text.as_str(),
            _ => "",
        };
        let (label, replacement, source) = (text(0), text(1), text(2));
        let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
        let is_name = |c: char| is_first(c) || c.is_ascii_digit();
        if !label.starts_with(is_first) || !label.chars().all(is_name) {
            return Err(Refusal::Replace(format!("{label:?} is no name of a label")));
        }
        let pattern: Regex = traceql::pattern::compile(text(3)).map_err(Refusal::Replace)?;
        let mut builder = Builder::new(self.times.len());
        for Series { mut labels, points } in of {
            // As if each `$` stood for all of the value.
            let n_references = replacement.matches('$').count();
            let most = replacement.len() + n_references * labels.get(source).len();
            if most > LABELS_BYTES_MAX {
                return Err(Refusal::Labels);
            }
            let replaced = pattern.captures(labels.get(source)).map(|found| {
                let mut value = String::new();
                found.expand(replacement, &mut value);
                value
            });
            if let Some(value) = replaced {
                labels.set(label, value);
            }
            builder.add(labels, points)?;
        }
        Ok(builder.build())
    }
}

/// `None` where nothing lies between the bounds.
fn clamped(value: f64, least: f64, most: f64) -> Option<f64> {
    if least > most {
        return None;
    }
    if least.is_nan() || most.is_nan() {
        return Some(f64::NAN);
    }
    // `f64::max` gives the bound for what is no number.
    Some(if value.is_nan() {
        value
    } else {
        value.max(least).min(most)
    })
}

/// By the value at the only point; what is no number comes last.
fn sort(vector: &mut Vector, ascending: bool) {
    vector.sort_by(|a, b| {
        let value = |one: &Series| one.points[0].unwrap_or(f64::NAN);
        let (a, b) = (value(a), value(b));
        let order = a.partial_cmp(&b);
        let order = order.map(|order| if ascending { order } else { order.reverse() });
        order.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
    });
}
