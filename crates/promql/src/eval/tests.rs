//! What queries come to, over given series.

use std::fmt::Write;

use expect_test::expect;

use crate::vector::{Refusal, Series, Value, Vector, number_text};
use crate::{Labels, parse};

/// Series written as `a=1,b=2 : 3 _ 4`, a line each; `_` is no value.
fn vector(text: &str) -> Vector {
    let series = |line: &str| {
        let (labels, points) = line.split_once(" : ").expect("labels and points");
        let pairs = labels.split(',').filter_map(|pair| pair.split_once('='));
        Series {
            labels: Labels::from_iter(pairs.map(|(name, value)| (name.trim(), value.trim()))),
            points: points.split_whitespace().map(|p| p.parse().ok()).collect(),
        }
    };
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(series)
        .collect()
}

fn shown(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Scalar(values) => {
            let values: Vec<String> = values.iter().map(|v| number_text(*v)).collect();
            writeln!(text, "{}", values.join(" ")).unwrap();
        }
        Value::Vector(vector) => {
            for Series { labels, points } in vector {
                let points = points.iter().map(|p| p.map_or("_".to_owned(), number_text));
                writeln!(text, "{labels} {}", Vec::from_iter(points).join(" ")).unwrap();
            }
        }
    }
    text
}

fn evaluated(query: &str, leaves: &[&str]) -> Result<Value, Refusal> {
    let leaves: Vec<Vector> = leaves.iter().map(|text| vector(text)).collect();
    let n_points = leaves
        .iter()
        .flatten()
        .map(|one| one.points.len())
        .max()
        .unwrap_or(1);
    let times: Vec<f64> = (0..n_points).map(|at| 100.0 + 10.0 * at as f64).collect();
    parse(query)
        .unwrap_or_else(|p| panic!("{query}: {}", p.message))
        .evaluate(&times, leaves)
}

fn check(query: &str, leaves: &[&str], expected: expect_test::Expect) {
    let told = match evaluated(query, leaves) {
        Ok(value) => shown(&value),
        Err(refusal) => format!("refused: {refusal}\n"),
    };
    expected.assert_eq(&told);
}

const CALLS: &str = "
__name__=m,client=a,server=x : 1 2 _
__name__=m,client=a,server=y : 3 _ _
__name__=m,client=b,server=x : 5 7 NaN";

#[test]
fn aggregations() {
    check(
        "sum(m)",
        &[CALLS],
        expect![[r#"
        {} 9 9 NaN
    "#]],
    );
    check(
        "sum by (client) (m)",
        &[CALLS],
        expect![[r#"
        {client="a"} 4 2 _
        {client="b"} 5 7 NaN
    "#]],
    );
    check(
        "avg without (client) (m)",
        &[CALLS],
        expect![[r#"
        {server="x"} 3 4.5 NaN
        {server="y"} 3 _ _
    "#]],
    );
    check(
        "count(m)",
        &[CALLS],
        expect![[r#"
        {} 3 2 1
    "#]],
    );
    check(
        "group by (server, absent) (m)",
        &[CALLS],
        expect![[r#"
        {server="x"} 1 1 1
        {server="y"} 1 _ _
    "#]],
    );
    check(
        "max(m) - min(m)",
        &[CALLS, CALLS],
        expect![[r#"
        {} 4 5 NaN
    "#]],
    );
    check(
        "topk(1, m)",
        &[CALLS],
        expect![[r#"
        {__name__="m", client="b", server="x"} 5 7 NaN
    "#]],
    );
    check(
        "topk by (server) (1, m)",
        &[CALLS],
        expect![[r#"
        {__name__="m", client="b", server="x"} 5 7 NaN
        {__name__="m", client="a", server="y"} 3 _ _
    "#]],
    );
    check(
        "bottomk(2, m)",
        &[CALLS],
        expect![[r#"
        {__name__="m", client="a", server="x"} 1 2 _
        {__name__="m", client="a", server="y"} 3 _ _
        {__name__="m", client="b", server="x"} _ 7 NaN
    "#]],
    );
    check("topk(0/0, m) or topk(-1, m)", &[CALLS, CALLS], expect![""]);
    check(
        "sum by (__name__) (m)",
        &[CALLS],
        expect![[r#"
        {__name__="m"} 9 9 NaN
    "#]],
    );
}

#[test]
fn arithmetic_and_comparisons() {
    check("-2 ^ 2 + 7 % 4 * 2", &[], expect![["2\n"]]);
    check("2 ^ 3 ^ 2", &[], expect![["512\n"]]);
    check("1 / 0 > bool 3", &[], expect![["1\n"]]);
    check("-1 / 0", &[], expect![["-Inf\n"]]);
    check(
        "m * 2",
        &[CALLS],
        expect![[r#"
        {client="a", server="x"} 2 4 _
        {client="a", server="y"} 6 _ _
        {client="b", server="x"} 10 14 NaN
    "#]],
    );
    check(
        "m > 2",
        &[CALLS],
        expect![[r#"
        {__name__="m", client="a", server="x"} _ _ _
        {__name__="m", client="a", server="y"} 3 _ _
        {__name__="m", client="b", server="x"} 5 7 _
    "#]],
    );
    check(
        "2 < m",
        &[CALLS],
        expect![[r#"
        {__name__="m", client="a", server="x"} _ _ _
        {__name__="m", client="a", server="y"} 3 _ _
        {__name__="m", client="b", server="x"} 5 7 _
    "#]],
    );
    check(
        "m >= bool 2",
        &[CALLS],
        expect![[r#"
        {client="a", server="x"} 0 1 _
        {client="a", server="y"} 1 _ _
        {client="b", server="x"} 1 1 0
    "#]],
    );
}

#[test]
fn matching() {
    check(
        "m / m",
        &[CALLS, CALLS],
        expect![[r#"
        {client="a", server="x"} 1 1 _
        {client="a", server="y"} 1 _ _
        {client="b", server="x"} 1 1 NaN
    "#]],
    );
    let limits = "__name__=l,client=a,team=red : 10 20 30\n__name__=l,client=b,team=blue : 1 _ 3";
    check(
        "m + on(client) group_left(team) l",
        &[CALLS, limits],
        expect![[r#"
        {client="a", server="x", team="red"} 11 22 _
        {client="a", server="y", team="red"} 13 _ _
        {client="b", server="x", team="blue"} 6 _ NaN
    "#]],
    );
    check(
        "l < on(client) group_right m",
        &[limits, CALLS],
        expect![[r#"
        {__name__="m", client="b", server="x"} 1 _ _
    "#]],
    );
    check(
        "m + on(client) l",
        &[CALLS, limits],
        expect![[r#"
        refused: several series match {client="a"} on the left side; write group_left or group_right, or match on more labels
    "#]],
    );
    check(
        "l + on(client) m",
        &[limits, CALLS],
        expect![[r#"
        refused: several series match {client="a"} on the right side; write group_left or group_right, or match on more labels
    "#]],
    );
    check(
        "l - ignoring(team, server) m",
        &[limits, "__name__=m,client=a,server=x : 1 2 3"],
        expect![[r#"
        {client="a"} 9 18 27
    "#]],
    );
    check(
        "sum(m) / on() vector(2)",
        &[CALLS],
        expect![[r#"
        {} 4.5 4.5 NaN
    "#]],
    );
}

#[test]
fn set_operations() {
    let some = "__name__=n,client=a,server=x : 7 _ 8";
    check(
        "m and n",
        &[CALLS, some],
        expect![[r#"
        {__name__="m", client="a", server="x"} 1 _ _
    "#]],
    );
    check(
        "m unless on(client) n",
        &[CALLS, some],
        expect![[r#"
        {__name__="m", client="a", server="x"} _ 2 _
        {__name__="m", client="b", server="x"} 5 7 NaN
    "#]],
    );
    check(
        "sum by (client) (m) or sum by (client) (n)",
        &[CALLS, some],
        expect![[r#"
        {client="a"} 4 2 8
        {client="b"} 5 7 NaN
    "#]],
    );
    check(
        "m OR n",
        &[CALLS, some],
        expect![[r#"
        {__name__="m", client="a", server="x"} 1 2 _
        {__name__="m", client="a", server="y"} 3 _ _
        {__name__="m", client="b", server="x"} 5 7 NaN
        {__name__="n", client="a", server="x"} _ _ 8
    "#]],
    );
    check(
        "m or vector(0)",
        &["__name__=m,a=b : 1 _"],
        expect![[r#"
        {__name__="m", a="b"} 1 _
        {} 0 0
    "#]],
    );
    check(
        "sum(m) or vector(0)",
        &["__name__=m,a=b : 1 _"],
        expect![[r#"
        {} 1 0
    "#]],
    );
}

#[test]
fn functions() {
    check(
        "clamp(m, 2, 5)",
        &[CALLS],
        expect![[r#"
        {client="a", server="x"} 2 2 _
        {client="a", server="y"} 3 _ _
        {client="b", server="x"} 5 5 NaN
    "#]],
    );
    check(
        "clamp_max(clamp_min(m, 6), 6.5)",
        &["__name__=m : 1 7"],
        expect![[r#"
        {} 6 6.5
    "#]],
    );
    check("clamp(m, 5, 2)", &[CALLS], expect![""]);
    check(
        "round(m, 0.5) + abs(ceil(m))",
        &["__name__=m : 1.3 -1.75", "__name__=m : 1.3 -1.75"],
        expect![[r#"
        {} 3.5 -0.5
    "#]],
    );
    check(
        "sgn(m)",
        &["__name__=m : 0 -3"],
        expect![[r#"
        {} 0 -1
    "#]],
    );
    check(
        "sort_desc(m)",
        &["a=1 : 2\na=2 : NaN\na=3 : 5"],
        expect![[r#"
        {a="3"} 5
        {a="1"} 2
        {a="2"} NaN
    "#]],
    );
    check(
        "scalar(m) + time()",
        &["a=1 : 2 _ 3\na=2 : 1 _ _"],
        expect![["NaN NaN 123\n"]],
    );
    check(
        "label_replace(m, \"s\", \"$1-x\", \"client\", \"(.*)b\")",
        &["client=ab : 1\nclient=c : 2"],
        expect![[r#"
        {client="ab", s="a-x"} 1
        {client="c"} 2
    "#]],
    );
    check(
        "label_replace(m, \"client\", \"\", \"\", \"\")",
        &["client=a : 1\nclient=c : 2"],
        expect![[r#"
        refused: two series of a result have the same labels, {}; keep a label that tells them apart
    "#]],
    );
    check(
        "label_replace(m, \"a b\", \"\", \"\", \"\")",
        &["client=a : 1"],
        expect![[r#"
        refused: label_replace: "a b" is no name of a label
    "#]],
    );
    check(
        "abs({a=\"b\"})",
        &["__name__=m,a=b : 1\n__name__=n,a=b : 2"],
        expect![[r#"
        refused: two series of a result have the same labels, {a="b"}; keep a label that tells them apart
    "#]],
    );
}

#[test]
fn quantiles_are_prometheus_ones() {
    // 1 below 1 s, 3 from 1 s to 2 s, 4 above 4 s.
    let buckets = "le=1,op=a : 1\nle=2,op=a : 4\nle=4.0,op=a : 4\nle=+Inf,op=a : 8\nop=a : 100";
    let at = |q: &str| {
        let query = format!("histogram_quantile({q}, m)");
        shown(&evaluated(&query, &[buckets]).unwrap())
    };
    for (q, expected) in [
        ("0", "0"),
        ("0.125", "1"),
        ("0.25", "1.3333333333333333"),
        ("0.5", "2"),
        ("0.9", "4"),
        ("1", "4"),
        ("-0.1", "-Inf"),
        ("1.1", "+Inf"),
        ("NaN", "NaN"),
    ] {
        assert_eq!(at(q), format!("{{op=\"a\"}} {expected}\n"), "{q}");
    }
    check(
        "histogram_quantile(0.5, m)",
        &["le=1 : 1 0 _ 5\nle=+Inf : _ 0 _ 4"],
        expect![[r#"
        {} NaN NaN _ 0.5
    "#]],
    );
    check(
        "histogram_quantile(0.5, m)",
        &["le=+Inf : 5"],
        expect![[r#"
        {} NaN
    "#]],
    );
}

#[test]
fn a_product_of_many_series_is_refused() {
    let many = (0..1_500).map(|n| format!("k=1,n={n} : {}\n", "1 ".repeat(1_500)));
    let many: String = many.collect();
    // Each of them has its only value at a point of its own.
    let one = (0..1_500).map(|n| {
        format!(
            "k=1,o={n} : {}1 {}\n",
            "_ ".repeat(n),
            "_ ".repeat(1_499 - n)
        )
    });
    let one: String = one.collect();
    let refused = evaluated("m * on(k) group_left(o) n", &[&many, &one]).unwrap_err();
    assert_eq!(refused, Refusal::Points);
}

mod at_one_point {
    use super::*;
    use proptest::prelude::*;

    fn series() -> impl Strategy<Value = Vector> {
        let point = prop_oneof![Just(None), (0..5_i8).prop_map(|v| Some(f64::from(v)))];
        let one = ("[ab]", "[xy]", proptest::collection::vec(point, 4));
        let many = proptest::collection::vec(one, 0..5);
        many.prop_map(|many| {
            let mut vector: Vector = Vec::new();
            for (client, server, points) in many {
                let labels = Labels::from_iter([
                    ("__name__", "m"),
                    ("client", &*client),
                    ("server", &*server),
                ]);
                if vector.iter().all(|one| one.labels != labels) {
                    vector.push(Series { labels, points });
                }
            }
            vector
        })
    }

    /// What is there, by labels.
    fn at(value: &Value, point: usize) -> Vec<(String, String)> {
        let Value::Vector(vector) = value else {
            unreachable!("the queries give vectors")
        };
        let present = vector
            .iter()
            .filter_map(|one| Some((&one.labels, one.points[point]?)));
        let mut present: Vec<_> = present
            .map(|(l, v)| (l.to_string(), number_text(v)))
            .collect();
        present.sort();
        present
    }

    proptest! {
        /// A range is its points, each asked for alone.
        #[test]
        fn a_value_depends_on_its_point_alone(m in series(), n in series(), query in proptest::sample::select(vec![
            "sum by (client) (m) / sum by (client) (n)", "m and on(server) n", "m or n", "m unless n", "topk(1, m) + 0 * topk(1, m)",
            "bottomk by (client) (1, m)", "m > n", "m + on(client, server) group_left n", "clamp(m, 1, 3) or -n", "avg(m) or count(n)",
        ])) {
            let query = parse(query).unwrap();
            let given = || -> Vec<Vector> {
                let mut given = vec![m.clone(), n.clone()];
                given.resize(query.leaves.len(), m.clone());
                given
            };
            let whole = query.evaluate(&[1.0, 2.0, 3.0, 4.0], given());
            for point in 0..4 {
                let mut alone = given();
                for series in alone.iter_mut().flatten() {
                    series.points = vec![series.points[point]];
                }
                match (&whole, query.evaluate(&[1.0], alone)) {
                    (Ok(whole), Ok(alone)) => prop_assert_eq!(at(whole, point), at(&alone, 0)),
                    (Ok(_), Err(refusal)) => prop_assert!(false, "{}", refusal),
                    // Refused for another point.
                    (Err(_), _) => {}
                }
            }
        }
    }
}
