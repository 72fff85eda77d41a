//! A tree and the vectors of its leaves to a value, for all points at once.
//!
//! Source of what operators and functions give: Prometheus' documentation, "Operators" and "Functions".

mod aggregate;
mod binary;
mod call;
mod quantile;

use crate::ast::{Expr, Node, Query};
use crate::vector::{Refusal, Value, Vector};

/// What a calculation needs besides its tree.
pub(crate) struct Context<'a> {
    /// The points, in seconds since the Unix epoch.
    pub(crate) times: &'a [f64],
    /// The vectors of the leaves; each is taken once.
    leaves: Vec<Vector>,
}

impl Query {
    /// The value of the query at `times`, seconds since the Unix epoch, given a vector for each leaf.
    ///
    /// Errors: [`Refusal`] where PromQL does not say which of several series is meant.
    /// Cost:   some passes over the points of all leaves; `and`, `or`, `unless` and matching look at series by their labels. No value has more points than
    ///         all leaves together.
    pub fn evaluate(&self, times: &[f64], leaves: Vec<Vector>) -> Result<Value, Refusal> {
        let mut context = Context { times, leaves };
        context.value(&self.root)
    }
}

impl Context<'_> {
    pub(crate) fn value(&mut self, expr: &Expr) -> Result<Value, Refusal> {
        match &expr.node {
            Node::Number(number) => Ok(Value::Scalar(vec![*number; self.times.len()])),
            Node::Leaf(leaf) => {
                let found = self.leaves.get_mut(*leaf).map(std::mem::take);
                Ok(Value::Vector(found.unwrap_or_default()))
            }
            Node::Negate(of) => {
                let value = self.value(of)?;
                self.each(value, |v| -v)
            }
            Node::Call(function, arguments) => self.call(*function, arguments),
            Node::Aggregate(aggregate) => self.aggregate(aggregate),
            Node::Binary(binary) => self.binary(binary),
            // The parser lets neither stand where a value is calculated.
            Node::Text(_) | Node::Range(..) => Ok(Value::Vector(Vec::new())),
        }
    }

    /// The vector of an expression; the parser has seen that it is one.
    pub(crate) fn vector(&mut self, expr: &Expr) -> Result<Vector, Refusal> {
        Ok(match self.value(expr)? {
            Value::Vector(vector) => vector,
            Value::Scalar(_) => Vec::new(),
        })
    }

    /// Likewise of a scalar.
    pub(crate) fn scalar(&mut self, expr: &Expr) -> Result<Vec<f64>, Refusal> {
        Ok(match self.value(expr)? {
            Value::Scalar(values) => values,
            Value::Vector(_) => vec![f64::NAN; self.times.len()],
        })
    }
}

#[cfg(test)]
mod tests;
