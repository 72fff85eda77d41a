//! A search compiled: the conditions of its filters, each once, what is done with the spans that meet them, and what a trace must have to be found.

use arrow::array::RecordBatch;
use model::TraceId;
use store_api::Predicate;
use traceql::ast::{
    AggregateOp, ArithmeticOp, CompareOp, Form, Number, Pipeline, Scalar, ScalarKind, Spanset,
    SpansetKind, SpansetOp, Stage, StageKind,
};
use traceql::{Body, Expr, Query};

use crate::condition::{Condition, Needs};
use crate::context::TraceContext;
use crate::error::Error;
use crate::eval::judge;
use crate::operand::Operand;
use crate::pushdown;
use crate::value::{Test, Tri, Value};

/// Most clauses of a plan; what more a query says is looked at in whole traces only.
const CLAUSES_MAX: usize = 64;

/// A search, ready to run.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The filters, in the order of the text.
    pub(crate) filters: Vec<Filter>,
    /// What spans are grouped by and numbers are made of.
    pub(crate) operands: Vec<Operand>,
    pub(crate) steps: Steps,
    /// A trace that is found has for each of these a span, which started in time, that meets one of these filters. At least one.
    pub(crate) clauses: Vec<Vec<usize>>,
    /// The only traces that can be found, when the query names them.
    pub(crate) trace_ids: Option<Vec<TraceId>>,
    /// Whether rows alone do not tell which spans are found.
    needs_traces: bool,
}

/// The condition between braces.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) condition: Condition,
    /// Holds wherever the condition may.
    pub(crate) predicate: Predicate,
}

/// A pipeline.
#[derive(Debug)]
pub(crate) struct Steps {
    pub(crate) source: Set,
    /// Without those that only say what is shown.
    pub(crate) steps: Vec<Step>,
}

/// A set of spans; filters by number.
#[derive(Debug)]
pub(crate) enum Set {
    Filter(usize),
    Steps(Box<Steps>),
    Binary(SpansetOp, Box<Set>, Box<Set>),
}

/// What is done with spansets.
#[derive(Debug)]
pub(crate) enum Step {
    Filter(usize),
    Scalar {
        left: Figure,
        test: Test,
        right: Figure,
    },
    By(Vec<Named>),
    Coalesce,
}

/// An operand, by number, with a name.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) operand: usize,
}

/// The parts of a plan that are numbered, as they are met.
#[derive(Default)]
struct Parts {
    filters: Vec<Filter>,
    operands: Vec<Operand>,
}

/// A number of a spanset.
#[derive(Debug)]
pub(crate) enum Figure {
    Constant(Number),
    Count { name: String },
    Aggregate { op: AggregateOp, of: Named },
    Negate(Box<Figure>),
    Arithmetic(ArithmeticOp, Box<Figure>, Box<Figure>),
}

impl Plan {
    /// Compiles a search that `traceql` has checked.
    ///
    /// Errors: `Pattern`, for trees that were not checked; `Unsupported`, for metrics.
    pub(crate) fn compile(query: &Query) -> Result<Self, Error> {
        match &query.body {
            Body::Search(pipeline) => {
                Self::of_pipeline(pipeline, TraceContext::is_asked_by(&query.fields()))
            }
            Body::Metrics(metrics) => Err(Error::Unsupported {
                what: "metrics functions",
                place: metrics.source.span,
            }),
        }
    }

    /// Compiles a pipeline; `asks_traces` when one of its fields needs whole traces.
    pub(crate) fn of_pipeline(pipeline: &Pipeline, asks_traces: bool) -> Result<Self, Error> {
        let mut parts = Parts::default();
        let steps = Steps::of(pipeline, &mut parts)?;
        let Parts { filters, operands } = parts;
        let mut clauses = steps.clauses(&filters);
        // Clauses that every row may meet do not help beside others.
        let tells = |clause: &Vec<usize>| predicate_of(clause, &filters) != Predicate::True;
        if clauses.iter().any(tells) {
            clauses.retain(tells);
            clauses.truncate(CLAUSES_MAX);
        } else {
            clauses.truncate(1);
        }
        let is_filter = matches!(steps.source, Set::Filter(_)) && steps.steps.is_empty();
        Ok(Self {
            trace_ids: match &pipeline.source.kind {
                SpansetKind::Filter(filter) => pushdown::trace_ids(filter.as_ref()),
                _ => None,
            },
            needs_traces: asks_traces || !is_filter,
            filters,
            operands,
            steps,
            clauses,
        })
    }

    /// The condition that a span is found by, when it alone tells.
    pub(crate) fn by_rows(&self) -> Option<&Filter> {
        match (self.needs_traces, &self.steps.source) {
            (false, Set::Filter(number)) => Some(&self.filters[*number]),
            _ => None,
        }
    }

    /// Holds for every row that may meet a filter of a clause.
    pub(crate) fn predicate(&self) -> Predicate {
        let of_clauses = self
            .clauses
            .iter()
            .map(|clause| predicate_of(clause, &self.filters));
        pushdown::any(of_clauses.collect())
    }

    /// The set of all clauses.
    pub(crate) fn all_clauses(&self) -> u64 {
        u64::MAX >> (CLAUSES_MAX - self.clauses.len())
    }

    /// By row: the clauses that it may meet.
    pub(crate) fn clauses_met(&self, batch: &RecordBatch) -> Result<Vec<u64>, Error> {
        let mut met = vec![0; batch.num_rows()];
        for (number, clause) in self.clauses.iter().enumerate() {
            for filter in clause {
                let verdicts = judge(&self.filters[*filter].condition, batch, None)?;
                for (met, verdict) in met.iter_mut().zip(verdicts) {
                    *met |= u64::from(verdict != Tri::False) << number;
                }
            }
        }
        Ok(met)
    }

    /// What judging rows by the filters of clauses takes.
    pub(crate) fn clause_needs(&self, needs: &mut Needs) {
        for filter in self.clauses.iter().flatten() {
            self.filters[*filter].condition.needs(needs);
        }
    }
}

fn predicate_of(clause: &[usize], filters: &[Filter]) -> Predicate {
    let parts = clause
        .iter()
        .map(|filter| filters[*filter].predicate.clone());
    pushdown::any(parts.collect())
}

impl Parts {
    fn filter(&mut self, filter: Option<&Expr>) -> Result<usize, Error> {
        self.filters.push(Filter {
            condition: Condition::of_filter(filter)?,
            predicate: pushdown::predicate(filter),
        });
        Ok(self.filters.len() - 1)
    }

    fn named(&mut self, name: String, expr: &Expr) -> Result<Named, Error> {
        self.operands.push(Operand::of(expr)?);
        let operand = self.operands.len() - 1;
        Ok(Named { name, operand })
    }
}

impl Steps {
    fn of(pipeline: &Pipeline, parts: &mut Parts) -> Result<Self, Error> {
        let source = Set::of(&pipeline.source, parts)?;
        let mut steps = Vec::new();
        for stage in &pipeline.stages {
            steps.extend(Step::of(stage, parts)?);
        }
        Ok(Self { source, steps })
    }

    fn clauses(&self, filters: &[Filter]) -> Vec<Vec<usize>> {
        let mut clauses = self.source.clauses(filters);
        clauses.extend(self.steps.iter().filter_map(|step| match step {
            Step::Filter(filter) => Some(vec![*filter]),
            _ => None,
        }));
        clauses
    }
}

impl Set {
    fn of(spanset: &Spanset, parts: &mut Parts) -> Result<Self, Error> {
        Ok(match &spanset.kind {
            SpansetKind::Filter(filter) => Self::Filter(parts.filter(filter.as_ref())?),
            SpansetKind::Pipeline(pipeline) => Self::Steps(Box::new(Steps::of(pipeline, parts)?)),
            SpansetKind::Binary { op, left, right } => Self::Binary(
                *op,
                Box::new(Self::of(left, parts)?),
                Box::new(Self::of(right, parts)?),
            ),
        })
    }

    /// What a trace must have for this set not to be empty.
    fn clauses(&self, filters: &[Filter]) -> Vec<Vec<usize>> {
        match self {
            Self::Filter(filter) => vec![vec![*filter]],
            Self::Steps(steps) => steps.clauses(filters),
            Self::Binary(op, left, right) => {
                let (mut left, mut right) = (left.clauses(filters), right.clauses(filters));
                match op {
                    SpansetOp::Or => {
                        // One clause of each side, of those that tell most.
                        let best = |clauses: &mut Vec<Vec<usize>>| {
                            let tells = |clause: &Vec<usize>| {
                                predicate_of(clause, filters) != Predicate::True
                            };
                            let at = clauses.iter().position(tells).unwrap_or(0);
                            clauses.swap_remove(at)
                        };
                        let mut either = best(&mut left);
                        either.extend(best(&mut right));
                        vec![either]
                    }
                    SpansetOp::Structural {
                        form: Form::Negated,
                        ..
                    } => right,
                    SpansetOp::And | SpansetOp::Structural { .. } => {
                        left.append(&mut right);
                        left
                    }
                }
            }
        }
    }
}

impl Step {
    fn of(stage: &Stage, parts: &mut Parts) -> Result<Option<Self>, Error> {
        Ok(Some(match &stage.kind {
            StageKind::Filter(filter) => Self::Filter(parts.filter(filter.as_ref())?),
            StageKind::Scalar(filter) => Self::Scalar {
                left: Figure::of(&filter.left, parts)?,
                test: number_test(filter.op)?,
                right: Figure::of(&filter.right, parts)?,
            },
            StageKind::By(exprs) => {
                let named = exprs
                    .iter()
                    .map(|expr| parts.named(format!("by({expr})"), expr));
                Self::By(named.collect::<Result<_, _>>()?)
            }
            StageKind::Coalesce => Self::Coalesce,
            StageKind::Select(_) => return Ok(None),
        }))
    }
}

/// A comparison of numbers.
pub(crate) fn number_test(op: CompareOp) -> Result<Test, Error> {
    Test::new(op, &Value::Absent).map_err(Error::Pattern)
}

impl Figure {
    fn of(scalar: &Scalar, parts: &mut Parts) -> Result<Self, Error> {
        let name = || scalar.to_string();
        Ok(match &scalar.kind {
            ScalarKind::Constant(number) => Self::Constant(*number),
            ScalarKind::Aggregate(aggregate) => match &aggregate.of {
                None => Self::Count { name: name() },
                Some(of) => Self::Aggregate {
                    op: aggregate.op,
                    of: parts.named(name(), of)?,
                },
            },
            ScalarKind::Negate(inner) => Self::Negate(Box::new(Self::of(inner, parts)?)),
            ScalarKind::Arithmetic { op, left, right } => Self::Arithmetic(
                *op,
                Box::new(Self::of(left, parts)?),
                Box::new(Self::of(right, parts)?),
            ),
        })
    }
}
