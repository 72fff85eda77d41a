//! parse ∘ format = identity, over generated trees that pass the checks.

use proptest::prelude::*;
use proptest::sample::select;
use traceql::ast::{
    Aggregate, AggregateOp, ArithmeticOp, Body, Compare, Form, Hint, Metrics, MetricsFunction,
    MetricsKind, MetricsOperand, Number, OverTime, Pipeline, Relation, Scalar, ScalarFilter,
    ScalarKind, SecondStage, Series, Spanset, SpansetKind, SpansetOp, StageKind,
};
use traceql::{CompareOp, Expr, Field, Literal, Query, parse};

use super::conditions::{calculations, conditions, fields, is_numeric, literal, number};

/// Operators that compare numbers.
fn order() -> impl Strategy<Value = CompareOp> {
    select(&CompareOp::ALL[..6])
}

fn filter() -> impl Strategy<Value = Option<Expr>> {
    prop::option::weighted(0.9, conditions())
}

fn constant() -> impl Strategy<Value = Number> {
    number().prop_filter_map("a number", |literal| Number::of_literal(&literal))
}

fn aggregate() -> impl Strategy<Value = Aggregate> {
    let of_span = calculations().prop_filter("of the span", |expr| !expr.fields().is_empty());
    (select(&AggregateOp::ALL), of_span).prop_map(|(op, of)| Aggregate {
        op,
        of: (op != AggregateOp::Count).then_some(of),
    })
}

fn scalar() -> impl Strategy<Value = Scalar> {
    let leaf = prop_oneof![
        3 => aggregate().prop_map(|aggregate| ScalarKind::Aggregate(aggregate).into()),
        1 => constant().prop_map(|number| ScalarKind::Constant(number).into()),
    ];
    let tree = leaf.prop_recursive(3, 6, 2, |inner| {
        prop_oneof![
            1 => inner.clone().prop_map(|inner| ScalarKind::Negate(Box::new(inner)).into()),
            3 => (inner.clone(), select(&ArithmeticOp::ALL), inner).prop_map(|(left, op, right)| {
                ScalarKind::Arithmetic {
                    op,
                    left: Box::new(left),
                    right: Box::new(right),
                }
                .into()
            }),
        ]
    });
    tree.prop_filter("every constant part has a value", has_value)
}

fn has_value(scalar: &Scalar) -> bool {
    match &scalar.kind {
        ScalarKind::Constant(_) | ScalarKind::Aggregate(_) => true,
        ScalarKind::Negate(inner) => {
            has_value(inner) && (inner.constant().is_none() || scalar.constant().is_some())
        }
        ScalarKind::Arithmetic { left, right, .. } => {
            let constants = left.constant().zip(right.constant());
            has_value(left)
                && has_value(right)
                && (constants.is_none() || scalar.constant().is_some())
        }
    }
}

fn n_aggregates(filter: &ScalarFilter) -> usize {
    let mut n = 0;
    filter.left.visit(&mut |_| n += 1);
    filter.right.visit(&mut |_| n += 1);
    n
}

fn stage() -> impl Strategy<Value = StageKind> {
    let compared = (order(), scalar(), scalar())
        .prop_map(|(op, left, right)| ScalarFilter { op, left, right })
        .prop_filter("with an aggregate", |filter| n_aggregates(filter) > 0);
    let group = prop_oneof![calculations(), conditions()];
    let group = group.prop_filter("of the span", |expr| !expr.fields().is_empty());
    prop_oneof![
        filter().prop_map(StageKind::Filter),
        compared.prop_map(StageKind::Scalar),
        prop::collection::vec(group, 1..3).prop_map(StageKind::By),
        Just(StageKind::Coalesce),
        prop::collection::vec(fields(), 1..4).prop_map(StageKind::Select),
    ]
}

fn piped(source: Spanset, stages: Vec<StageKind>) -> Pipeline {
    Pipeline {
        source,
        stages: stages.into_iter().map(Into::into).collect(),
    }
}

fn spanset_op() -> impl Strategy<Value = SpansetOp> {
    prop_oneof![
        Just(SpansetOp::And),
        Just(SpansetOp::Or),
        (select(&Relation::ALL), select(&Form::ALL))
            .prop_map(|(relation, form)| SpansetOp::Structural { relation, form }),
    ]
}

fn spanset() -> impl Strategy<Value = Spanset> {
    let leaf = filter().prop_map(|filter| SpansetKind::Filter(filter).into());
    leaf.prop_recursive(3, 6, 2, |inner| {
        // A pipeline is an operand and no more: alone in parentheses it would be one with what stands behind it.
        let operand = prop_oneof![
            3 => inner.clone(),
            1 => (inner, prop::collection::vec(stage(), 1..3)).prop_map(|(source, stages)| {
                SpansetKind::Pipeline(Box::new(piped(source, stages))).into()
            }),
        ];
        (operand.clone(), spanset_op(), operand).prop_map(|(left, op, right)| {
            SpansetKind::Binary {
                op,
                left: Box::new(left),
                right: Box::new(right),
            }
            .into()
        })
    })
}

fn pipeline() -> impl Strategy<Value = Pipeline> {
    (spanset(), prop::collection::vec(stage(), 0..3))
        .prop_map(|(source, stages)| piped(source, stages))
}

fn function() -> impl Strategy<Value = MetricsFunction> {
    let numeric = || fields().prop_filter("of numbers", is_numeric);
    let quantiles = prop::collection::vec(0.0..=1.0_f64, 1..4);
    prop_oneof![
        Just(MetricsFunction::Rate),
        Just(MetricsFunction::CountOverTime),
        (select(&OverTime::ALL), numeric())
            .prop_map(|(op, of)| MetricsFunction::OverTime { op, of }),
        (numeric(), quantiles)
            .prop_map(|(of, quantiles)| MetricsFunction::QuantileOverTime { of, quantiles }),
        numeric().prop_map(|of| MetricsFunction::HistogramOverTime { of }),
    ]
}

fn series(
    pipeline: Pipeline,
    function: MetricsFunction,
    by: Vec<Field>,
    stages: Vec<SecondStage>,
) -> Metrics {
    let series = Series {
        pipeline,
        function,
        by,
    };
    Metrics {
        source: MetricsKind::Series(series).into(),
        stages,
    }
}

fn second_stages() -> impl Strategy<Value = Vec<SecondStage>> {
    let stage = prop_oneof![
        (1..=10_000_u32).prop_map(SecondStage::TopK),
        (1..=10_000_u32).prop_map(SecondStage::BottomK),
        (order(), constant()).prop_map(|(op, number)| SecondStage::Compare(op, number)),
    ];
    prop::collection::vec(stage, 0..3)
}

fn calculated() -> impl Strategy<Value = Metrics> {
    let by = prop::collection::vec(fields(), 0..3);
    let leaf = (pipeline(), function(), by, second_stages())
        .prop_map(|(pipeline, function, by, stages)| series(pipeline, function, by, stages));
    leaf.prop_recursive(2, 3, 2, |inner| {
        let side = inner.prop_map(|metrics| MetricsOperand::Metrics(Box::new(metrics)));
        let factor = constant()
            .prop_filter("no duration", |number| {
                !matches!(number, Number::Duration(_))
            })
            .prop_map(MetricsOperand::Constant)
            .boxed();
        let sides = prop_oneof![
            (side.clone(), side.clone()),
            (side.clone(), factor.clone()),
            (factor, side),
        ];
        (sides, select(&ArithmeticOp::ALL[..4]), second_stages()).prop_map(
            |((left, right), op, stages)| Metrics {
                source: MetricsKind::Binary { op, left, right }.into(),
                stages,
            },
        )
    })
}

fn comparison() -> impl Strategy<Value = Metrics> {
    let time = prop::option::of((0..i64::MAX - 1, 1..1000_i64));
    let time = time.prop_map(|time| time.map(|(start, long)| (start, start.saturating_add(long))));
    (pipeline(), filter(), 1..100_u32, time).prop_map(
        |(pipeline, selection, top_n, time_unix_nano)| {
            let compare = Compare {
                selection,
                top_n,
                time_unix_nano,
            };
            let function = MetricsFunction::Compare(compare);
            series(pipeline, function, Vec::new(), Vec::new())
        },
    )
}

fn hint() -> impl Strategy<Value = Hint> {
    let of_our_own = ("x_[a-z]{0,5}", literal(traceql::Type::Any));
    let sample = (0.001..=1.0_f64).prop_map(Literal::Float);
    prop_oneof![
        any::<bool>().prop_map(|recent| ("most_recent".to_owned(), Literal::Bool(recent))),
        sample.prop_map(|share| ("sample".to_owned(), share)),
        (0..100_i64).prop_map(|n| ("exemplars".to_owned(), Literal::Int(n))),
        of_our_own,
    ]
    .prop_map(|(name, value)| Hint { name, value })
}

/// One filter, that parses and checks.
pub(crate) fn filters() -> impl Strategy<Value = Query> {
    prop::option::weighted(0.95, conditions()).prop_map(Query::of_filter)
}

/// Queries that parse and check, small enough that the limits are far.
pub(crate) fn queries() -> impl Strategy<Value = Query> {
    let body = prop_oneof![
        3 => pipeline().prop_map(Body::Search),
        2 => calculated().prop_map(Body::Metrics),
        1 => comparison().prop_map(Body::Metrics),
    ];
    let hints = prop::collection::vec(hint(), 0..3);
    let whole = (body, hints).prop_map(|(body, hints)| Query { body, hints });
    prop_oneof![1 => filters(), 2 => whole]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn printing_and_reading_gives_the_tree_back(query in queries()) {
        let text = query.to_string();
        let parsed = parse(&text);
        prop_assert!(parsed.is_ok(), "{text}\n{}", parsed.unwrap_err());
        let parsed = parsed.unwrap();
        prop_assert_eq!(&parsed.query, &query, "{}", text);
        prop_assert_eq!(parsed.query.to_string(), text);
    }
}
