//! A whole query.

use super::{
    Expr, Field, Hint, Literal, Metrics, MetricsFunction, Pipeline, Series, Spanset, SpansetKind,
    StageKind,
};
use crate::Span;

/// A query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// What it asks for.
    pub body: Body,
    /// How it may be run.
    pub hints: Vec<Hint>,
}

/// What a query asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Traces with spansets that come out of the pipeline.
    Search(Pipeline),
    /// Series over time.
    Metrics(Metrics),
}

impl Default for Body {
    fn default() -> Self {
        Self::Search(Pipeline::default())
    }
}

/// A part of a query that is no plain filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beyond {
    /// What it is, in the plural.
    pub what: &'static str,
    /// Where it stands.
    pub place: Span,
}

impl Query {
    /// A search for the spans of one filter; `None` selects every span.
    pub fn of_filter(filter: Option<Expr>) -> Self {
        let source = Spanset::from(SpansetKind::Filter(filter));
        Self {
            body: Body::Search(source.into()),
            hints: Vec::new(),
        }
    }

    /// The condition of a query that is one filter and nothing else; the inner `None` for `{ }`.
    ///
    /// For callers that can answer no more than that; [`Query::beyond_filter`] says what keeps them from it.
    pub fn filter_only(&self) -> Option<Option<&Expr>> {
        match &self.body {
            Body::Search(Pipeline { source, stages }) if stages.is_empty() => match &source.kind {
                SpansetKind::Filter(filter) => Some(filter.as_ref()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The first part of the query that one filter cannot say; `None` exactly when [`Query::filter_only`] has it.
    pub fn beyond_filter(&self) -> Option<Beyond> {
        let pipeline = match &self.body {
            Body::Search(pipeline) => pipeline,
            Body::Metrics(metrics) => {
                let place = metrics.source.span;
                let what = "metrics functions";
                return Some(Beyond { what, place });
            }
        };
        let source = &pipeline.source;
        let (what, place) = match (&source.kind, pipeline.stages.first()) {
            (SpansetKind::Filter(_), None) => return None,
            (SpansetKind::Filter(_), Some(stage)) => ("pipelines", stage.span),
            _ => ("operators between spansets", source.span),
        };
        Some(Beyond { what, place })
    }

    /// The fields that the stages of a search select, in the order of the text.
    pub fn selected(&self) -> Vec<&Field> {
        let Body::Search(pipeline) = &self.body else {
            return Vec::new();
        };
        let selected = pipeline
            .stages
            .iter()
            .filter_map(|stage| match &stage.kind {
                StageKind::Select(fields) => Some(fields),
                _ => None,
            });
        selected.flatten().collect()
    }

    /// The value of a hint; of several of the same name that of the last.
    pub fn hint(&self, name: &str) -> Option<&Literal> {
        let mut hints = self.hints.iter().rev();
        hints.find(|hint| hint.name == name).map(|hint| &hint.value)
    }

    /// Every distinct field the query mentions, in the order of first mention.
    pub fn fields(&self) -> Vec<&Field> {
        let mut fields = Vec::new();
        match &self.body {
            Body::Search(pipeline) => pipeline.add_fields(&mut fields),
            Body::Metrics(metrics) => metrics.visit(&mut |series| series.add_fields(&mut fields)),
        }
        fields
    }
}

fn add<'a>(fields: &mut Vec<&'a Field>, mentioned: impl IntoIterator<Item = &'a Field>) {
    for field in mentioned {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
}

impl Pipeline {
    /// Adds every field that the pipeline mentions and that is not in `fields` yet.
    pub fn add_fields<'a>(&'a self, fields: &mut Vec<&'a Field>) {
        self.source.add_fields(fields);
        for stage in &self.stages {
            match &stage.kind {
                StageKind::Filter(filter) => add(fields, filter.iter().flat_map(Expr::fields)),
                StageKind::Scalar(filter) => {
                    for side in [&filter.left, &filter.right] {
                        side.visit(&mut |aggregate| {
                            add(fields, aggregate.of.iter().flat_map(Expr::fields));
                        });
                    }
                }
                StageKind::By(exprs) => add(fields, exprs.iter().flat_map(Expr::fields)),
                StageKind::Coalesce => {}
                StageKind::Select(selected) => add(fields, selected),
            }
        }
    }
}

impl Spanset {
    fn add_fields<'a>(&'a self, fields: &mut Vec<&'a Field>) {
        match &self.kind {
            SpansetKind::Filter(filter) => add(fields, filter.iter().flat_map(Expr::fields)),
            SpansetKind::Pipeline(pipeline) => pipeline.add_fields(fields),
            SpansetKind::Binary { left, right, .. } => {
                left.add_fields(fields);
                right.add_fields(fields);
            }
        }
    }
}

impl Series {
    /// Every distinct field that the series mentions, in the order of first mention.
    pub fn fields(&self) -> Vec<&Field> {
        let mut fields = Vec::new();
        self.add_fields(&mut fields);
        fields
    }

    fn add_fields<'a>(&'a self, fields: &mut Vec<&'a Field>) {
        self.pipeline.add_fields(fields);
        add(fields, self.function.of());
        if let MetricsFunction::Compare(compare) = &self.function {
            add(fields, compare.selection.iter().flat_map(Expr::fields));
        }
        add(fields, &self.by);
    }
}
