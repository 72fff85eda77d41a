//! What is done to answer a question, in words.

use store_api::{AttributeProjection, Predicate};
use traceql::ast::{Metrics, MetricsKind, MetricsOperand, Pipeline, Series};
use traceql::{Body, Query};

use crate::condition::Needs;
use crate::context::TraceContext;
use crate::error::Error;
use crate::plan::Plan;

/// A step, and the steps that it consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub text: String,
    /// How.
    pub parts: Vec<Step>,
}

impl Step {
    fn of(text: impl Into<String>, parts: Vec<Self>) -> Self {
        Self {
            text: text.into(),
            parts,
        }
    }
}

/// The plan of a question that `traceql` has checked.
///
/// Errors: `Pattern`, for trees that were not checked.
pub fn explain(query: &Query) -> Result<Step, Error> {
    match &query.body {
        Body::Search(pipeline) => {
            let asks_traces = TraceContext::is_asked_by(&query.fields());
            let plan = Plan::of_pipeline(pipeline, asks_traces)?;
            let judge = match plan.by_rows() {
                Some(_) => Step::of(
                    "take a trace with a row that matches as found: its summary comes from the trace tables, its other rows are read where these are not exact",
                    Vec::new(),
                ),
                None => whole_traces(pipeline),
            };
            let scan = scan("scan the newest rows first, until a page is known", &plan);
            Ok(Step::of("search", vec![scan, judge]))
        }
        Body::Metrics(metrics) => of_metrics(metrics),
    }
}

fn of_metrics(metrics: &Metrics) -> Result<Step, Error> {
    let mut step = match &metrics.source.kind {
        MetricsKind::Series(series) => of_series(series)?,
        MetricsKind::Binary { op, left, right } => {
            let sides = [left, right].map(|side| match side {
                MetricsOperand::Metrics(metrics) => of_metrics(metrics),
                MetricsOperand::Constant(number) => Ok(Step::of(number.to_string(), Vec::new())),
            });
            let sides = sides.into_iter().collect::<Result<_, _>>()?;
            Step::of(
                format!("calculate with {}, series by series", op.as_str()),
                sides,
            )
        }
    };
    let stages = metrics.stages.iter();
    let stages = stages.map(|stage| Step::of(format!("then {stage}"), Vec::new()));
    step.parts.extend(stages);
    Ok(step)
}

fn of_series(series: &Series) -> Result<Step, Error> {
    let plan = Plan::of_pipeline(
        &series.pipeline,
        TraceContext::is_asked_by(&series.fields()),
    )?;
    let parts = match plan.by_rows() {
        Some(_) => vec![scan(
            "scan all rows once, and count those that match as they come",
            &plan,
        )],
        None => vec![
            scan("scan all rows once for the traces that may match", &plan),
            whole_traces(&series.pipeline),
        ],
    };
    Ok(Step::of(
        format!("series of {}", series.function.as_str()),
        parts,
    ))
}

fn whole_traces(pipeline: &Pipeline) -> Step {
    let judged = Step::of(format!("judge them by {pipeline}"), Vec::new());
    Step::of("read these traces whole, some at a time", vec![judged])
}

fn scan(text: &str, plan: &Plan) -> Step {
    let mut parts = Vec::new();
    if let Some(ids) = &plan.trace_ids {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        parts.push(format!("only the traces {}", ids.join(", ")));
    }
    parts.push(match plan.predicate() {
        Predicate::True => "nothing but their time rules out blocks and row groups".to_owned(),
        predicate => format!("pass over blocks and row groups that cannot have {predicate}"),
    });
    if plan.clauses.len() > 1 {
        parts.push(format!(
            "a trace may match once it has a row for each of {} filters",
            plan.clauses.len()
        ));
    }
    let mut needs = Needs::of([]);
    plan.clause_needs(&mut needs);
    let mut columns: Vec<String> = needs.columns.iter().map(|c| c.name().to_owned()).collect();
    if let AttributeProjection::Only(names) = &needs.attributes {
        columns.extend(
            names
                .iter()
                .map(|(scope, name)| format!("{}.{name}", scope.as_str())),
        );
    }
    columns.sort_unstable();
    columns.dedup();
    if !columns.is_empty() {
        parts.push(format!("judge rows by the columns {}", columns.join(", ")));
    }
    let parts = parts.into_iter().map(|text| Step::of(text, Vec::new()));
    Step::of(text, parts.collect())
}
