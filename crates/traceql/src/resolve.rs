//! Checks that operands fit: what the grammar allows but the types do not.
//!
//! Attributes have the type of whatever they hold, so they compare with anything. Numbers of any type (integer,
//! float, duration) compare with each other, and are calculated with. Status and kind have no order. `nil` asks whether
//! an attribute is there, so it makes no sense for what every span has.

mod condition;

use condition::Conditions;

use crate::ast::{
    Aggregate, Body, CompareOp, Expr, Metrics, MetricsFunction, MetricsKind, MetricsOperand,
    Number, Pipeline, Query, Scalar, ScalarFilter, ScalarKind, Series, Spanset, SpansetKind,
    StageKind, Type,
};
use crate::diagnostics::{Diagnostic, DiagnosticKind, Span};

pub(crate) use condition::{is_condition, no_number};

/// Adds what is wrong with the types of a query to `found`; also warnings.
pub fn check(query: &Query, found: &mut Vec<Diagnostic>) {
    let mut checker = Checker {
        conditions: Conditions::new(found),
    };
    match &query.body {
        Body::Search(pipeline) => checker.pipeline(pipeline),
        Body::Metrics(metrics) => checker.metrics(metrics),
    }
}

struct Checker<'a> {
    conditions: Conditions<'a>,
}

impl Checker<'_> {
    fn pipeline(&mut self, pipeline: &Pipeline) {
        self.spanset(&pipeline.source);
        for stage in &pipeline.stages {
            match &stage.kind {
                StageKind::Filter(filter) => self.filter(filter.as_ref()),
                StageKind::Scalar(filter) => self.scalar_filter(filter, stage.span),
                StageKind::By(exprs) => exprs.iter().for_each(|expr| self.group(expr)),
                StageKind::Coalesce | StageKind::Select(_) => {}
            }
        }
    }

    fn spanset(&mut self, spanset: &Spanset) {
        match &spanset.kind {
            SpansetKind::Filter(filter) => self.filter(filter.as_ref()),
            SpansetKind::Pipeline(pipeline) => self.pipeline(pipeline),
            SpansetKind::Binary { left, right, .. } => {
                self.spanset(left);
                self.spanset(right);
            }
        }
    }

    fn filter(&mut self, filter: Option<&Expr>) {
        if let Some(filter) = filter {
            self.conditions.condition(filter, "a filter");
        }
    }

    /// An expression of `by(…)`: any value, but one of the span.
    fn group(&mut self, expr: &Expr) {
        if self.conditions.type_of(expr).is_some() && expr.fields().is_empty() {
            let message = "spans are grouped by something of theirs";
            self.report(
                expr.span,
                message,
                "write for example `by(span.http.route)`",
            );
        }
    }

    fn scalar_filter(&mut self, filter: &ScalarFilter, place: Span) {
        let (left, right) = (self.scalar(&filter.left), self.scalar(&filter.right));
        let mut n_aggregates = 0;
        for side in [&filter.left, &filter.right] {
            side.visit(&mut |_| n_aggregates += 1);
        }
        if n_aggregates == 0 {
            let message = "no aggregate is compared";
            self.report(place, message, "write for example `count() > 2`");
        }
        for (ty, other) in [(left, &filter.right), (right, &filter.left)] {
            if ty == Some(Type::Duration)
                && let ScalarKind::Constant(Number::Int(number)) = other.kind
            {
                self.conditions.bare_nanoseconds(number, other.span);
            }
        }
        self.impossible_count(filter);
    }

    /// `count() < 0` is legal and never holds.
    fn impossible_count(&mut self, filter: &ScalarFilter) {
        let (ScalarKind::Aggregate(Aggregate { of: None, .. }), ScalarKind::Constant(limit)) =
            (&filter.left.kind, &filter.right.kind)
        else {
            return;
        };
        let least = limit.as_f64();
        let never = match filter.op {
            CompareOp::Less => least <= 1.0,
            CompareOp::LessEq | CompareOp::Eq => least < 1.0,
            _ => false,
        };
        if never {
            let message = "this never holds: a spanset has at least one span";
            self.conditions.found.push(
                Diagnostic::new(DiagnosticKind::Warning, filter.right.span, message)
                    .hint("traces without such spans are not found by counting"),
            );
        }
    }

    /// The type of a number of spansets; `None` when an error below it has been reported already.
    fn scalar(&mut self, scalar: &Scalar) -> Option<Type> {
        match &scalar.kind {
            ScalarKind::Constant(number) => Some(number.value_type()),
            ScalarKind::Aggregate(aggregate) => self.aggregate(aggregate),
            ScalarKind::Negate(inner) => {
                let ty = self.scalar(inner)?;
                self.computes(scalar, inner.constant().is_some())?;
                Some(ty)
            }
            ScalarKind::Arithmetic { op, left, right } => {
                let types = (self.scalar(left), self.scalar(right));
                let (left_type, right_type) = (types.0?, types.1?);
                let constants = left.constant().zip(right.constant());
                self.computes(scalar, constants.is_some())?;
                Some(op.result_type(left_type, right_type))
            }
        }
    }

    /// Reports a calculation without a result, when its operands are constants.
    fn computes(&mut self, scalar: &Scalar, is_constant: bool) -> Option<()> {
        if is_constant && scalar.constant().is_none() {
            self.conditions.found.push(no_number(scalar.span));
            return None;
        }
        Some(())
    }

    fn aggregate(&mut self, Aggregate { op, of }: &Aggregate) -> Option<Type> {
        let Some(of) = of else {
            return Some(Type::Int);
        };
        let ty = self.conditions.number(of, op.as_str())?;
        if of.fields().is_empty() {
            let message = format!("`{}` is of something of each span", op.as_str());
            self.report(of.span, message, "write for example `duration` or `.bytes`");
            return None;
        }
        Some(ty)
    }

    fn metrics(&mut self, metrics: &Metrics) {
        match &metrics.source.kind {
            MetricsKind::Series(series) => self.series(series, metrics.source.span),
            MetricsKind::Binary { left, right, .. } => {
                for side in [left, right] {
                    if let MetricsOperand::Metrics(metrics) = side {
                        self.metrics(metrics);
                    }
                }
            }
        }
    }

    fn series(&mut self, series: &Series, place: Span) {
        self.pipeline(&series.pipeline);
        if let MetricsFunction::Compare(compare) = &series.function {
            self.filter(compare.selection.as_ref());
        }
        let Some(field) = series.function.of() else {
            return;
        };
        let ty = field.value_type();
        if !(ty.is_number() || ty == Type::Any) {
            let function = series.function.as_str();
            let message = format!(
                "`{function}` needs numbers, `{field}` is of type {}",
                ty.as_str()
            );
            self.report(place, message, "write for example `duration` or `.bytes`");
        }
    }

    fn report(&mut self, place: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.conditions.report(place, message, hint);
    }
}
