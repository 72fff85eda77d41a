//! Spans and queries from one small vocabulary, so that they meet.

use std::sync::Arc;

use model::{
    AnyValue, Event, KeyValue, Link, Resource, Scope as InstrumentationScope, Span, SpanId,
    SpanKind, StatusCode, TraceId,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use traceql::{CompareOp, Expr, ExprKind, Field, Intrinsic, Kind, Literal, Query, Scope, Status};

fn trace_id(n: u8) -> TraceId {
    let mut id = [0; 16];
    id[15] = n;
    TraceId(id)
}

fn span_id(n: u8) -> SpanId {
    SpanId([0, 0, 0, 0, 0, 0, 0, n])
}

fn single() -> impl Strategy<Value = AnyValue> {
    prop_oneof![
        select(&["", "a", "b", "ab", "5"]).prop_map(AnyValue::from),
        (-1..3_i64).prop_map(AnyValue::Int),
        select(&[0.0, 1.0, 1.5, f64::NAN, f64::INFINITY]).prop_map(AnyValue::Double),
        any::<bool>().prop_map(AnyValue::Bool),
    ]
}

fn value() -> impl Strategy<Value = AnyValue> {
    prop_oneof![
        8 => single(),
        2 => vec(single(), 0..3).prop_map(AnyValue::Array),
        1 => Just(AnyValue::Empty),
        1 => Just(AnyValue::Bytes(vec![1, 2])),
        1 => Just(AnyValue::KvList(vec![KeyValue::new("x", "a")])),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec(
        (select(&["x", "y", "x y"]), value()).prop_map(|(key, value)| KeyValue::new(key, value)),
        0..3,
    )
}

fn resource() -> impl Strategy<Value = Arc<Resource>> {
    (of(select(&["a", "b", ""])), attributes()).prop_map(|(service, mut attributes)| {
        attributes.extend(service.map(|name| KeyValue::new("service.name", name)));
        Arc::new(Resource {
            attributes,
            ..Resource::default()
        })
    })
}

fn scope() -> impl Strategy<Value = Arc<InstrumentationScope>> {
    (select(&["a", "b"]), attributes()).prop_map(|(name, attributes)| {
        Arc::new(InstrumentationScope {
            name: name.to_owned(),
            version: "1".to_owned(),
            attributes,
            ..InstrumentationScope::default()
        })
    })
}

fn event() -> impl Strategy<Value = Event> {
    (0..20_i64, select(&["a", "b"]), attributes()).prop_map(|(time, name, attributes)| Event {
        time_unix_nano: time,
        name: name.to_owned(),
        attributes,
        dropped_attributes_count: 0,
    })
}

fn link() -> impl Strategy<Value = Link> {
    (of(1..4_u8), of(1..6_u8), attributes()).prop_map(|(trace, span, attributes)| Link {
        trace_id: trace.map(trace_id),
        span_id: span.map(span_id),
        trace_state: String::new(),
        flags: 0,
        attributes,
        dropped_attributes_count: 0,
    })
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (1..7_u8, 1..6_u8, of(1..7_u8));
    let times = (1..16_i64, prop_oneof![Just(0), 1..24_i64]);
    let numbers = (0..7_i32, 0..4_i32);
    let trace_state = select(&["", "", "ot=th:8", "x=y,ot=th:c;rv:1"]);
    let texts = (select(&["a", "b", "ab"]), select(&["", "a"]), trace_state);
    let hung = (attributes(), vec(event(), 0..3), vec(link(), 0..2));
    (ids, times, numbers, texts, hung, resource(), scope()).prop_map(
        |(ids, times, numbers, texts, hung, resource, scope)| Span {
            trace_id: trace_id(ids.0),
            span_id: span_id(ids.1),
            parent_span_id: ids.2.map(span_id),
            trace_state: texts.2.to_owned(),
            flags: 0,
            name: texts.0.to_owned(),
            kind: SpanKind(numbers.0),
            start_time_unix_nano: times.0,
            end_time_unix_nano: times.1,
            attributes: hung.0,
            dropped_attributes_count: 0,
            events: hung.1,
            dropped_events_count: 0,
            links: hung.2,
            dropped_links_count: 0,
            status_code: StatusCode(numbers.1),
            status_message: texts.1.to_owned(),
            resource,
            scope,
        },
    )
}

/// Spans of a few traces; some are sent again, some again unfinished, some again with another name.
pub(crate) fn spans() -> impl Strategy<Value = Vec<Span>> {
    let again = vec((any::<prop::sample::Index>(), 0..3_u8), 0..6);
    (vec(span(), 1..40), again).prop_map(|(mut spans, again)| {
        for (which, how) in again {
            let mut span = which.get(&spans).clone();
            match how {
                0 => {}
                1 => span.end_time_unix_nano = 0,
                _ => span.name = "again".to_owned(),
            }
            spans.push(span);
        }
        spans
    })
}

fn field() -> impl Strategy<Value = Field> {
    prop_oneof![
        3 => (select(&Scope::ALL), select(&["x", "y", "x y", "none"]))
            .prop_map(|(scope, name)| Field::attribute(scope, name)),
        1 => Just(Field::attribute(Scope::Resource, "service.name")),
        3 => select(Intrinsic::ALL).prop_map(Field::Intrinsic),
    ]
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        2 => select(&["", "a", "b", "ab", "5"]).prop_map(|text| Literal::String(text.to_owned())),
        1 => (1..6_u8).prop_map(|n| Literal::String(span_id(n).to_string())),
        1 => (1..6_u8).prop_map(|n| Literal::String(trace_id(n).to_string())),
        2 => (-1..12_i64).prop_map(Literal::Int),
        1 => select(&[0.0, 1.0, 1.5]).prop_map(Literal::Float),
        1 => (0..12_i64).prop_map(Literal::Duration),
        1 => any::<bool>().prop_map(Literal::Bool),
        1 => select(&Status::ALL).prop_map(Literal::Status),
        1 => select(&Kind::ALL).prop_map(Literal::Kind),
        1 => Just(Literal::Nil),
    ]
}

fn operand() -> impl Strategy<Value = Expr> {
    prop_oneof![
        3 => field().prop_map(|field| ExprKind::Field(field).into()),
        2 => literal().prop_map(|literal| ExprKind::Literal(literal).into()),
    ]
}

fn compared() -> impl Strategy<Value = Expr> {
    let general = (operand(), select(&CompareOp::ALL[..6]), operand());
    let pattern = (
        field(),
        select(&[CompareOp::Match, CompareOp::NotMatch]),
        select(&["a|b", "a.*", "", ".+"]),
    );
    let compare = |left: Expr, op, right: Expr| -> Expr {
        ExprKind::Compare {
            op,
            left: Box::new(left),
            right: Box::new(right),
        }
        .into()
    };
    prop_oneof![
        3 => (field(), select(&CompareOp::ALL[..6]), literal()).prop_map(move |(field, op, literal)| {
            compare(ExprKind::Field(field).into(), op, ExprKind::Literal(literal).into())
        }),
        2 => general.prop_map(move |(left, op, right)| compare(left, op, right)),
        1 => pattern.prop_map(move |(field, op, pattern)| {
            let pattern = Literal::String(pattern.to_owned());
            compare(ExprKind::Field(field).into(), op, ExprKind::Literal(pattern).into())
        }),
    ]
}

/// Queries that the language's checks accept.
pub(crate) fn queries() -> impl Strategy<Value = Query> {
    let checked =
        |kind: ExprKind| traceql::parse(&Query::of_filter(Some(kind.into())).to_string()).is_ok();
    let leaf = prop_oneof![
        8 => compared().prop_filter("fits", move |expr| checked(expr.kind.clone())),
        1 => any::<bool>().prop_map(|truth| ExprKind::Literal(Literal::Bool(truth)).into()),
        1 => select(&["x", "y"]).prop_map(|name| ExprKind::Field(Field::attribute(Scope::Any, name)).into()),
    ];
    let tree = leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            1 => inner.clone().prop_map(|inner| ExprKind::Not(Box::new(inner)).into()),
            2 => vec(inner.clone(), 2..4).prop_map(|parts| ExprKind::And(parts).into()),
            2 => vec(inner.clone(), 2..4).prop_map(|parts| ExprKind::Or(parts).into()),
            1 => (inner.clone(), inner).prop_map(|(left, right)| ExprKind::Compare {
                op: CompareOp::NotEq,
                left: Box::new(left),
                right: Box::new(right),
            }.into()),
        ]
    });
    of(tree).prop_map(Query::of_filter)
}

/// Texts of spansets: filters, and operators and pipelines of them.
fn spanset() -> impl Strategy<Value = String> {
    let operators = &[
        "&&", "||", ">", "<", ">>", "<<", "~", "!>", "!<", "!>>", "!<<", "!~", "&>", "&<", "&>>",
        "&<<", "&~",
    ];
    let plain = select(&[
        "{ }",
        "{ status = error }",
        "{ kind = server }",
        "{ name = \"a\" }",
        "{ duration + 2 > 10ns }",
    ]);
    let filter = prop_oneof![
        3 => queries().prop_map(|query| query.to_string()),
        2 => plain.prop_map(str::to_owned),
    ];
    filter.prop_recursive(2, 6, 2, move |inner| {
        prop_oneof![
            4 => (inner.clone(), select(operators), inner.clone())
                .prop_map(|(left, op, right)| format!("({left}) {op} ({right})")),
            1 => (inner, stage()).prop_map(|(source, stage)| format!("({source} | {stage})")),
        ]
    })
}

/// Texts of stages.
fn stage() -> impl Strategy<Value = String> {
    let aggregate = select(&[
        "count()",
        "max(duration)",
        "min(duration)",
        "sum(.x)",
        "avg(duration)",
        "max(.x * 2)",
        "sum(childCount)",
        "-count() + 4",
        "avg(event:timeSinceStart)",
    ]);
    let number = select(&["1", "2", "3", "5ns", "0.5", "count() / 2"]);
    prop_oneof![
        3 => (aggregate, select(&["=", "!=", "<", "<=", ">", ">="]), number)
            .prop_map(|(left, op, right)| format!("{left} {op} {right}")),
        2 => select(&["by(.x)", "by(name, status)", "by(resource.service.name)", "by(duration)", "by(kind, event.x)", "by(.x * 2)"])
            .prop_map(str::to_owned),
        1 => Just("coalesce()".to_owned()),
        1 => Just("select(.y, name, nestedSetLeft)".to_owned()),
        2 => queries().prop_map(|query| query.to_string()),
    ]
}

/// Searches of any form that the language's checks accept.
pub(crate) fn pipelines() -> impl Strategy<Value = Query> {
    let parsed = |(source, stages): (String, Vec<String>)| {
        let text = [vec![source], stages].concat().join(" | ");
        traceql::parse(&text).ok().map(|parsed| parsed.query)
    };
    (spanset(), vec(stage(), 0..3)).prop_filter_map("fits", parsed)
}
