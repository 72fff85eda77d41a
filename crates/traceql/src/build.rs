//! Search forms → trees, so that no caller glues query text together.

use crate::ast::{
    Body, CompareOp, Expr, ExprKind, Field, Intrinsic, Literal, Metrics, MetricsKind,
    MetricsOperand, Pipeline, Query, Scope, SpansetKind, StageKind, Status,
};

/// The fields of a search form; every field that is set narrows the search.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SearchForm {
    /// `resource.service.name`
    pub service: Option<String>,
    /// `span:name`
    pub operation: Option<String>,
    /// Intrinsics that are texts, and must all be equal to theirs.
    pub texts: Vec<(Intrinsic, String)>,
    /// Attributes that must all match.
    pub attributes: Vec<AttributeMatch>,
    /// Shortest duration of a span, inclusive, in nanoseconds.
    pub duration_min_nanos: Option<i64>,
    /// Longest duration of a span, inclusive, in nanoseconds.
    pub duration_max_nanos: Option<i64>,
    /// `true`: failed spans only; `false`: others only.
    pub error: Option<bool>,
    /// What has no field of its own here, and must hold too.
    pub conditions: Vec<Expr>,
}

/// An attribute of a search form.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeMatch {
    /// Whose attributes.
    pub scope: Scope,
    /// The key.
    pub name: String,
    /// The value as typed: `200` finds the integer, the float and the text.
    pub value: String,
}

impl SearchForm {
    /// The query that the form stands for.
    pub fn to_query(&self) -> Query {
        Query::of_filter(self.condition())
    }

    /// What the form asks for, of the spans that a query gives. In a question for metrics, of those that go into it.
    pub fn narrow(&self, mut query: Query) -> Query {
        let Some(condition) = self.condition() else {
            return query;
        };
        match &mut query.body {
            Body::Search(pipeline) => pipeline.narrow(condition),
            Body::Metrics(metrics) => metrics.narrow(&condition),
        }
        query
    }

    /// What a span must meet; `None` when the form asks for nothing. Attributes without a name are left out.
    pub fn condition(&self) -> Option<Expr> {
        let service = Field::attribute(Scope::Resource, "service.name");
        let duration = Field::Intrinsic(Intrinsic::SpanDuration);
        let status = Field::Intrinsic(Intrinsic::SpanStatus);
        let name = Field::Intrinsic(Intrinsic::SpanName);
        let text = |value: &String| Literal::String(value.clone());
        let mut parts = Vec::new();
        parts.extend(
            (self.service.as_ref()).map(|value| compare(&service, CompareOp::Eq, text(value))),
        );
        parts.extend(
            (self.operation.as_ref()).map(|value| compare(&name, CompareOp::Eq, text(value))),
        );
        parts.extend(self.texts.iter().map(|(intrinsic, value)| {
            let field = Field::Intrinsic(*intrinsic);
            compare(&field, CompareOp::Eq, text(value))
        }));
        parts.extend(
            self.attributes
                .iter()
                .filter(|attribute| !attribute.name.is_empty())
                .map(AttributeMatch::condition),
        );
        parts.extend(
            self.duration_min_nanos
                .map(|nanos| compare(&duration, CompareOp::GreaterEq, Literal::Duration(nanos))),
        );
        parts.extend(
            self.duration_max_nanos
                .map(|nanos| compare(&duration, CompareOp::LessEq, Literal::Duration(nanos))),
        );
        parts.extend(self.error.map(|error| {
            let op = if error {
                CompareOp::Eq
            } else {
                CompareOp::NotEq
            };
            compare(&status, op, Literal::Status(Status::Error))
        }));
        parts.extend(self.conditions.iter().cloned());
        match parts.len() {
            0 | 1 => parts.pop(),
            _ => Some(ExprKind::And(parts).into()),
        }
    }
}

impl Pipeline {
    /// Keeps only the spans that meet `condition`: within the one filter that there is, or as a step at the end.
    fn narrow(&mut self, condition: Expr) {
        match &mut self.source.kind {
            SpansetKind::Filter(filter) if self.stages.is_empty() => {
                *filter = Some(match filter.take() {
                    Some(filter) => ExprKind::And(vec![filter, condition]).into(),
                    None => condition,
                });
            }
            _ => self.stages.push(StageKind::Filter(Some(condition)).into()),
        }
    }
}

impl Metrics {
    fn narrow(&mut self, condition: &Expr) {
        match &mut self.source.kind {
            MetricsKind::Series(series) => series.pipeline.narrow(condition.clone()),
            MetricsKind::Binary { left, right, .. } => {
                for side in [left, right] {
                    if let MetricsOperand::Metrics(metrics) = side {
                        metrics.narrow(condition);
                    }
                }
            }
        }
    }
}

impl AttributeMatch {
    /// Equality with every typed reading of the value.
    fn condition(&self) -> Expr {
        let field = Field::attribute(self.scope, self.name.clone());
        let mut readings = vec![Literal::String(self.value.clone())];
        if let Ok(number) = self.value.parse::<i64>() {
            readings.push(Literal::Int(number));
        } else if let Some(number) = self.value.parse::<f64>().ok().filter(|n| n.is_finite()) {
            readings.push(Literal::Float(number));
        } else if let Ok(truth) = self.value.parse::<bool>() {
            readings.push(Literal::Bool(truth));
        }
        let mut parts: Vec<Expr> = readings
            .into_iter()
            .map(|literal| compare(&field, CompareOp::Eq, literal))
            .collect();
        match parts.len() {
            1 => parts.swap_remove(0),
            _ => ExprKind::Or(parts).into(),
        }
    }
}

fn compare(field: &Field, op: CompareOp, literal: Literal) -> Expr {
    ExprKind::Compare {
        op,
        left: Box::new(ExprKind::Field(field.clone()).into()),
        right: Box::new(ExprKind::Literal(literal).into()),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[test]
    fn an_empty_form_selects_everything() {
        assert_eq!(SearchForm::default().to_query().to_string(), "{ }");
    }

    #[test]
    fn every_field_narrows_and_hostile_values_stay_values() {
        let form = SearchForm {
            service: Some("ca\"rt\\ } || {".to_owned()),
            operation: Some("GET /".to_owned()),
            texts: vec![(Intrinsic::SpanStatusMessage, "no \"way\"".to_owned())],
            attributes: vec![
                attribute(Scope::Any, "http.status_code", "200"),
                attribute(Scope::Span, "odd key=\"", "true"),
                attribute(Scope::Resource, "zone", "a"),
                attribute(Scope::Any, "", "dropped"),
            ],
            duration_min_nanos: Some(1_500_000),
            duration_max_nanos: Some(2_000_000_000),
            error: Some(true),
            conditions: vec![
                ExprKind::Not(Box::new(compare(
                    &Field::attribute(Scope::Span, "quiet"),
                    CompareOp::Eq,
                    Literal::Bool(true),
                )))
                .into(),
            ],
        };
        let query = form.to_query();
        expect_test::expect![[r#"{ resource.service.name = "ca\"rt\\ } || {" && span:name = "GET /" && span:statusMessage = "no \"way\"" && (.http.status_code = "200" || .http.status_code = 200) && (span."odd key=\"" = "true" || span."odd key=\"" = true) && resource.zone = "a" && span:duration >= 1500us && span:duration <= 2s && span:status = error && !(span.quiet = true) }"#]]
            .assert_eq(&query.to_string());
        assert_eq!(parse(&query.to_string()).unwrap().query, query);
    }

    #[test]
    fn a_form_narrows_every_sort_of_query() {
        let form = SearchForm {
            operation: Some("x".to_owned()),
            ..SearchForm::default()
        };
        for (text, expected) in [
            ("{ }", "{ span:name = \"x\" }"),
            ("{ .a || .b }", "{ (.a || .b) && span:name = \"x\" }"),
            (
                "{ .a } >> { .b }",
                "{ .a } >> { .b } | { span:name = \"x\" }",
            ),
            (
                "{ .a } | count() > 2",
                "{ .a } | count() > 2 | { span:name = \"x\" }",
            ),
            (
                "({ .a } | rate()) / ({ } | rate()) | topk(5)",
                "({ .a && span:name = \"x\" } | rate()) / ({ span:name = \"x\" } | rate()) | topk(5)",
            ),
        ] {
            let query = parse(text).unwrap().query;
            assert_eq!(SearchForm::default().narrow(query.clone()), query);
            let narrowed = form.narrow(query);
            assert_eq!(narrowed.to_string(), expected);
            assert_eq!(parse(expected).unwrap().query, narrowed);
        }
    }

    fn attribute(scope: Scope, name: &str, value: &str) -> AttributeMatch {
        AttributeMatch {
            scope,
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }
}
