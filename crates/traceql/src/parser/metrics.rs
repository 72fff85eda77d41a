//! Metrics functions, what is done with their series, and arithmetic between series.

use super::mistakes::{self, syntax, type_error};
use super::term::{Term, TermKind};
use super::{Parser, limit};
use crate::ast::{
    ArithmeticOp, Compare, Metrics, MetricsFunction, MetricsKind, MetricsOperand, MetricsSource,
    Number, OverTime, Pipeline, Scalar, SecondStage, Series,
};
use crate::diagnostics::{Diagnostic, Span};
use crate::lexer::TokenKind;
use crate::{MAX_GROUPS, MAX_QUANTILES, MAX_STAGES, MAX_TOP, resolve};

/// Whether a word is a function that makes series of spans.
pub(super) fn is_metrics_function(word: &str) -> bool {
    OverTime::from_name(word).is_some()
        || matches!(
            word,
            "rate" | "count_over_time" | "quantile_over_time" | "histogram_over_time" | "compare"
        )
}

impl Parser<'_> {
    pub(super) fn at_metrics_function(&self) -> bool {
        matches!(self.peek(), TokenKind::Word(word) if is_metrics_function(word))
    }

    /// `rate() by (…)` of the spans of a pipeline; with the height of what stands in the function.
    pub(super) fn series(&mut self, pipeline: Pipeline) -> Result<(Metrics, usize), Diagnostic> {
        let start = self.token().span;
        let TokenKind::Word(name) = self.bump().kind else {
            return Err(self.refuse_instead_of_stage());
        };
        let mut height = 1;
        let function = match name {
            "rate" => {
                self.nothing(name)?;
                MetricsFunction::Rate
            }
            "count_over_time" => {
                self.nothing(name)?;
                MetricsFunction::CountOverTime
            }
            "quantile_over_time" => self.quantiles()?,
            "compare" => {
                let (compare, of_selection) = self.comparison_of_attributes()?;
                height = of_selection;
                MetricsFunction::Compare(compare)
            }
            _ => {
                let open = self.open(name)?;
                let of = self.listed_field()?;
                self.close(open, name)?;
                match OverTime::from_name(name) {
                    Some(op) => MetricsFunction::OverTime { op, of },
                    None => MetricsFunction::HistogramOverTime { of },
                }
            }
        };
        let mut by = Vec::new();
        if self.peek() == &TokenKind::Word("by") {
            let at = self.bump().span;
            if matches!(function, MetricsFunction::Compare(_)) {
                return Err(type_error(at, "`compare` has groups of its own")
                    .hint("it tells attributes apart by itself; leave `by(…)` out"));
            }
            by = self.fields("by", MAX_GROUPS)?;
        }
        let series = Series {
            pipeline,
            function,
            by,
        };
        let source = MetricsSource::at(self.since(start), MetricsKind::Series(series));
        let stages = Vec::new();
        Ok((Metrics { source, stages }, height))
    }

    /// `(field, q, …)`
    fn quantiles(&mut self) -> Result<MetricsFunction, Diagnostic> {
        let name = "quantile_over_time";
        let open = self.open(name)?;
        let of = self.listed_field()?;
        let mut quantiles = Vec::new();
        while self.peek() == &TokenKind::Comma {
            let comma = self.bump().span;
            if quantiles.len() == MAX_QUANTILES {
                let message = format!("`{name}(…)` takes at most {MAX_QUANTILES} quantiles");
                return Err(limit(comma, message));
            }
            quantiles.push(self.quantile()?);
        }
        if quantiles.is_empty() && self.peek() == &TokenKind::CloseParen {
            return Err(syntax(self.token().span, "the quantile is missing")
                .hint("write for example `quantile_over_time(duration, .99)`"));
        }
        self.close(open, name)?;
        Ok(MetricsFunction::QuantileOverTime { of, quantiles })
    }

    fn quantile(&mut self) -> Result<f64, Diagnostic> {
        let start = self.token().span;
        let number = self.number()?;
        let (value, span) = (number.as_f64(), self.since(start));
        if matches!(number, Number::Duration(_)) || !(0.0..=1.0).contains(&value) {
            let found = type_error(span, "a quantile lies between 0 and 1");
            return Err(match value {
                2.0..=100.0 => found.hint(format!("write `{}`", value / 100.0)),
                _ => found.hint("write for example `.99`"),
            });
        }
        // Written with a minus, zero is still zero.
        Ok(value.abs())
    }

    /// `({ selection }, top_n, start, end)`
    fn comparison_of_attributes(&mut self) -> Result<(Compare, usize), Diagnostic> {
        let open = self.open("compare")?;
        if self.peek() != &TokenKind::OpenBrace {
            return Err(self
                .unexpected("where the selection should stand")
                .hint("write for example `compare({ status = error })`"));
        }
        let selection = self.braces()?;
        let mut compare = Compare {
            selection: selection.expr,
            top_n: Compare::TOP_N_DEFAULT,
            time_unix_nano: None,
        };
        if self.peek() == &TokenKind::Comma {
            self.bump();
            compare.top_n = self.top("compare")?;
        }
        if self.peek() == &TokenKind::Comma {
            self.bump();
            compare.time_unix_nano = Some(self.selected_time()?);
        }
        self.close(open, "compare")?;
        Ok((compare, selection.height))
    }

    /// `start, end`, nanoseconds since 1970.
    fn selected_time(&mut self) -> Result<(i64, i64), Diagnostic> {
        let hint = "begin and end of the selection are whole nanoseconds since 1970";
        let first = self.token().span;
        let start = self.whole("where the begin of the selection should stand", hint)?;
        if self.peek() != &TokenKind::Comma {
            return Err(self
                .unexpected("behind the begin of the selection")
                .hint(hint));
        }
        self.bump();
        let end = self.whole("where the end of the selection should stand", hint)?;
        if start >= end {
            let message = "the selection ends before it begins";
            return Err(type_error(self.since(first), message).hint(hint));
        }
        Ok((start, end))
    }

    /// A whole number that is not negative.
    fn whole(&mut self, place: &str, hint: &str) -> Result<i64, Diagnostic> {
        let &TokenKind::Int(value) = self.peek() else {
            return Err(self.unexpected(place).hint(hint));
        };
        let span = self.bump().span;
        i64::try_from(value).map_err(|_| mistakes::out_of_range(span))
    }

    /// How many: from 1 to [`MAX_TOP`].
    fn top(&mut self, function: &str) -> Result<u32, Diagnostic> {
        let span = self.token().span;
        let hint = "write a whole number of at least 1";
        let number = self.whole(&format!("where `{function}` says how many"), hint)?;
        match u32::try_from(number) {
            Ok(0) => Err(type_error(span, "that leaves nothing").hint(hint)),
            Ok(number) if number <= MAX_TOP => Ok(number),
            _ => Err(limit(span, format!("`{function}` keeps at most {MAX_TOP}"))),
        }
    }

    /// A constant number, perhaps with a minus.
    fn number(&mut self) -> Result<Number, Diagnostic> {
        let start = self.at;
        if let Some((literal, _)) = self.constant()?
            && let Some(number) = Number::of_literal(&literal)
        {
            return Ok(number);
        }
        self.at = start;
        Err(self.unexpected("where a number should stand"))
    }

    /// What is done with series, behind `|`.
    pub(super) fn second_stage(&mut self, mut metrics: Metrics) -> Result<Metrics, Diagnostic> {
        let token = self.token().clone();
        let stage = match token.kind {
            TokenKind::Word(word @ ("topk" | "bottomk")) => {
                self.bump();
                let open = self.open(word)?;
                let n = self.top(word)?;
                self.close(open, word)?;
                match word {
                    "topk" => SecondStage::TopK(n),
                    _ => SecondStage::BottomK(n),
                }
            }
            TokenKind::Compare(op) if op.flipped().is_some() => {
                self.bump();
                SecondStage::Compare(op, self.number()?)
            }
            _ => return Err(self.refuse_instead_of_second_stage()),
        };
        if metrics.is_comparison() {
            let message = "series of `compare` are not cut further";
            return Err(type_error(self.since(token.span), message)
                .hint("its second argument says how many values it tells"));
        }
        if metrics.stages.len() == MAX_STAGES {
            let message = format!("more than {MAX_STAGES} stages stand behind the series");
            return Err(limit(token.span, message));
        }
        metrics.stages.push(stage);
        Ok(metrics)
    }
}

impl Metrics {
    fn is_comparison(&self) -> bool {
        match &self.source.kind {
            MetricsKind::Series(series) => matches!(series.function, MetricsFunction::Compare(_)),
            MetricsKind::Binary { .. } => false,
        }
    }
}

impl Term {
    /// `self op right`, of which at least one is no number.
    pub(super) fn calculate_series(
        self,
        op: ArithmeticOp,
        at: Span,
        right: Self,
    ) -> Result<Metrics, Diagnostic> {
        let span = self.span.to(right.span);
        let left = self.into_side(op)?;
        let right = right.into_side(op)?;
        if matches!(op, ArithmeticOp::Modulo | ArithmeticOp::Power) {
            let message = format!("series are not calculated with by `{}`", op.as_str());
            return Err(syntax(at, message).hint("there are `+`, `-`, `*` and `/`"));
        }
        let source = MetricsSource::at(span, MetricsKind::Binary { op, left, right });
        let stages = Vec::new();
        Ok(Metrics { source, stages })
    }

    fn into_side(self, op: ArithmeticOp) -> Result<MetricsOperand, Diagnostic> {
        let span = self.span;
        match self.kind {
            TermKind::Metrics(metrics) if metrics.is_comparison() => Err(type_error(
                span,
                "series of `compare` are not calculated with",
            )),
            TermKind::Metrics(metrics) => Ok(MetricsOperand::Metrics(metrics)),
            TermKind::Scalar(kind) => factor(&Scalar::at(span, kind)).map(MetricsOperand::Constant),
            TermKind::Spanset(_) | TermKind::Pipeline(_) => Err(syntax(
                span,
                format!("`{}` stands between series or numbers", op.as_str()),
            )
            .hint("make series of the spans first: `({ … } | rate())`")),
        }
    }
}

/// A number beside series.
fn factor(scalar: &Scalar) -> Result<Number, Diagnostic> {
    let mut has_aggregate = false;
    scalar.visit(&mut |_| has_aggregate = true);
    match scalar.constant() {
        Some(Number::Duration(_)) => Err(type_error(
            scalar.span,
            "series are not calculated with by a duration",
        )
        .hint("write seconds as a plain number: `0.5` for `500ms`")),
        Some(number) => Ok(number),
        None if has_aggregate => Err(syntax(
            scalar.span,
            "aggregates and series do not stand in one calculation",
        )
        .hint("series are made by metrics functions: `count_over_time()`")),
        None => Err(resolve::no_number(scalar.span)),
    }
}
