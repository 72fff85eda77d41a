//! In what two cohorts of spans differ: by how much the values of each attribute are distributed otherwise, and how sure that is.
//!
//! That an attribute is missing is one of its values. Numbers of which there are many are taken together in octaves. What hardly any two
//! spans share (ids), and what too few spans say anything about, comes last and says so.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use arrow::array::RecordBatch;
use columnar::{Column, SpanColumns};
use model::TenantId;
use store_api::TimeRange;
use traceql::{Body, Literal, Query};

use crate::condition::{Condition, Needs};
use crate::context::TraceContext;
use crate::distributions::{Distribution, Distributions, Placed};
use crate::divergence::jensen_shannon;
use crate::engine::{Engine, Partial, Question, Report, unless_overtaken};
use crate::error::Error;
use crate::eval::judge;
use crate::group::{GroupValue, Label};
use crate::tally::{Counter, Tally};
use crate::value::Tri;
use crate::weights::Weights;

/// Fewer spans of a cohort prove nothing.
const SPANS_MIN: f64 = 5.0;

/// More distinct numbers than these are taken together in octaves.
const NUMBERS_MAX: usize = 20;

/// Spans of a cohort: those that a search finds, in a time range.
#[derive(Debug, Clone)]
pub struct Cohort {
    /// A search.
    pub query: Query,
    /// When they started.
    pub time: TimeRange,
}

/// Which cohorts.
#[derive(Debug, Clone)]
pub struct CohortsRequest {
    /// Whose spans.
    pub tenant: TenantId,
    /// What is looked at.
    pub selection: Cohort,
    /// What it is compared with; of these, spans that are in the selection too are left out where it is one filter.
    pub baseline: Cohort,
    /// Most values told of each attribute.
    pub top: usize,
    /// When to answer with what there is.
    pub deadline: Option<Instant>,
}

/// In what they differ.
#[derive(Debug, Clone)]
pub struct CohortsResult {
    /// Spans of the selection, and how many they stand for.
    pub selection: (u64, f64),
    /// Spans of the baseline, and how many they stand for.
    pub baseline: (u64, f64),
    /// By attribute, those that differ most first.
    pub differences: Vec<Difference>,
    /// Why spans or attributes may be missing.
    pub partial: Option<Partial>,
    /// What was read.
    pub report: Report,
}

/// How the values of an attribute differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// As the language writes it, `name` for `span:name`.
    pub attribute: String,
    /// Whether the selection is made by it, so that it is no news.
    pub is_asked: bool,
    /// Other attributes that divide the spans in the same way.
    pub equivalent: Vec<String>,
    /// The Jensen–Shannon divergence times the support; 0 to 1.
    pub score: f64,
    /// The Jensen–Shannon divergence in bits; 0 to 1.
    pub divergence: f64,
    /// Half the width of its interval of 95 % confidence.
    pub margin: f64,
    /// The part of the spans that have the attribute, of the cohort where it is larger.
    pub support: f64,
    /// Whether to believe it.
    pub evidence: Evidence,
    /// Distinct values, or of numbers taken together octaves.
    pub n_values: usize,
    /// Those whose parts differ most.
    pub values: Vec<Share>,
    /// The part of each cohort that has no value.
    pub missing: (f64, f64),
}

/// Whether to believe a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// The interval of confidence does not have 0 in it.
    Enough,
    /// It has, or there are fewer than five spans.
    NotEnough,
    /// Hardly any two spans have the same value.
    NearlyUnique,
}

/// A value, and what part of each cohort has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// The value; of numbers taken together the least of them, inclusive.
    pub value: GroupValue,
    /// The end of the numbers that are taken together, exclusive.
    pub end: Option<f64>,
    /// The part of the selection.
    pub selection: f64,
    /// The part of the baseline.
    pub baseline: f64,
}

impl Engine {
    /// In what two cohorts differ.
    ///
    /// Errors: those of the source; `Pattern` for queries that `traceql` did not check; `Unsupported` for metrics. A passed deadline or a full limit makes
    /// the answer partial.
    /// Cost:   all attributes of all spans of both.
    pub async fn cohorts(&self, request: &CohortsRequest) -> Result<CohortsResult, Error> {
        let ask = || async move {
            let mut found = Counted::default();
            let mut question = Question::with_reserve(self, &request.tenant, request.deadline);
            let selection = &request.selection;
            let left_out = match selection.query.filter_only() {
                Some(filter) => Some((Condition::of_filter(filter)?, selection.time)),
                None => None,
            };
            for (number, cohort) in [selection, &request.baseline].into_iter().enumerate() {
                let left_out = left_out.as_ref().filter(|_| number == BASELINE);
                question = self
                    .count(cohort, number, left_out, question, &mut found)
                    .await?;
            }
            if found.values.overflowed {
                question.partial.get_or_insert(Partial::Names);
            }
            let (report, partial) = question.finish();
            let (n, weight) = (found.n, found.weight);
            let spans = |cohort: usize| (n[cohort], weight[cohort]);
            let mut differences = found.differences(request.top);
            let asked = selection.query.fields();
            let asked: Vec<String> = asked.into_iter().map(Label::name_of).collect();
            for difference in &mut differences {
                difference.is_asked = asked.contains(&difference.attribute);
            }
            Ok(CohortsResult {
                selection: spans(SELECTION),
                baseline: spans(BASELINE),
                differences,
                partial,
                report,
            })
        };
        unless_overtaken(ask).await
    }

    async fn count<'e>(
        &'e self,
        cohort: &Cohort,
        number: usize,
        left_out: Option<&(Condition, TimeRange)>,
        question: Question<'e>,
        found: &mut Counted,
    ) -> Result<Question<'e>, Error> {
        let Body::Search(pipeline) = &cohort.query.body else {
            return Err(Error::Unsupported {
                what: "metrics functions",
                place: traceql::Span::default(),
            });
        };
        let mut counter = Counter {
            question,
            time: cohort.time,
        };
        let spans = counter.spans(pipeline, cohort.query.fields()).await?;
        let extrapolates = cohort.query.hint("extrapolate") != Some(&Literal::Bool(false));
        let mut tally = CohortTally {
            number,
            left_out,
            extrapolates,
            found,
        };
        if counter.question.partial.is_none() {
            counter.count(&spans, &mut tally).await?;
        }
        Ok(counter.question)
    }
}

/// The cells of [`Distributions`].
const SELECTION: usize = 0;
const BASELINE: usize = 1;

/// Both cohorts under construction.
#[derive(Default)]
struct Counted {
    values: Distributions,
    n: [u64; 2],
    weight: [f64; 2],
    weight_squared: [f64; 2],
}

struct CohortTally<'a> {
    number: usize,
    left_out: Option<&'a (Condition, TimeRange)>,
    extrapolates: bool,
    found: &'a mut Counted,
}

impl Tally for CohortTally<'_> {
    fn needs(&self, needs: &mut Needs) {
        Distributions::needs(needs);
        Weights::needs(self.extrapolates, needs);
        if let Some((condition, _)) = self.left_out {
            condition.needs(needs);
        }
    }

    fn add(
        &mut self,
        batch: &RecordBatch,
        context: Option<&TraceContext>,
        rows: &[usize],
        time: TimeRange,
    ) -> Result<(), Error> {
        let columns = SpanColumns::new(batch);
        let starts = columns.int64(Column::StartTimeUnixNano)?;
        let weights = Weights::new(&columns, self.extrapolates)?;
        let left_out = match self.left_out {
            Some((condition, when)) => Some((judge(condition, batch, context)?, *when)),
            None => None,
        };
        let is_wanted = |row: &&usize| {
            let start = starts.value(**row);
            let is_selected = |(verdicts, when): &(Vec<Tri>, TimeRange)| {
                verdicts[**row] == Tri::True && when.contains(start)
            };
            time.contains(start) && !left_out.as_ref().is_some_and(is_selected)
        };
        let placed = |row: &usize| Placed {
            row: *row,
            cell: self.number as u32,
            weight: weights.of(*row),
        };
        let rows: Vec<Placed> = rows.iter().filter(is_wanted).map(placed).collect();
        for placed in &rows {
            self.found.n[self.number] += 1;
            self.found.weight[self.number] += placed.weight;
            self.found.weight_squared[self.number] += placed.weight * placed.weight;
        }
        Ok(self.found.values.add(batch, &rows)?)
    }
}

impl Counted {
    fn differences(self, top: usize) -> Vec<Difference> {
        let Self {
            values,
            n,
            weight,
            weight_squared,
        } = self;
        // Observations of the same worth. Source: Kish, "Survey Sampling" (1965).
        let effective = |cohort: usize| match weight_squared[cohort] {
            0.0 => 0.0,
            squared => weight[cohort] * weight[cohort] / squared,
        };
        let sizes = (effective(SELECTION), effective(BASELINE));
        let mut by_shape: HashMap<Vec<(u64, u64)>, usize> = HashMap::new();
        let mut differences: Vec<Difference> = Vec::new();
        for (attribute, distribution) in values.into_sorted() {
            let values = taken_together(&distribution);
            let shape = shape_of(&values);
            if let Some(at) = by_shape.get(&shape) {
                differences[*at].equivalent.push(attribute);
                continue;
            }
            by_shape.insert(shape, differences.len());
            let is_unique = is_nearly_unique(&distribution, n);
            let both = Sizes { weight, sizes };
            differences.push(both.difference(attribute, &distribution, values, is_unique, top));
        }
        differences.sort_by(|a, b| {
            let by_evidence = a.evidence.cmp(&b.evidence);
            by_evidence.then_with(|| b.score.total_cmp(&a.score))
        });
        differences
    }
}

/// A value, or an octave of numbers, with its counts in both cohorts.
struct Counts {
    value: GroupValue,
    end: Option<f64>,
    counts: (f64, f64),
}

fn of_cell(cells: &crate::distributions::Cells, cohort: usize) -> f64 {
    let cell = cohort as u32;
    cells.sum(cell..cell + 1)
}

/// The values of an attribute; of numbers the octaves, where there are many.
fn taken_together(distribution: &Distribution) -> Vec<Counts> {
    let number = |value: &GroupValue| match value {
        GroupValue::Int(number) | GroupValue::Duration(number) => Some(*number as f64),
        GroupValue::Float(bits) => Some(f64::from_bits(*bits)),
        GroupValue::Nil | GroupValue::Bool(_) | GroupValue::Text(_) => None,
    };
    let n_numbers = distribution.values.keys().filter_map(number).count();
    let mut octaves: BTreeMap<i32, (f64, f64)> = BTreeMap::new();
    let mut values = Vec::new();
    for (value, cells) in &distribution.values {
        let counts = (of_cell(cells, SELECTION), of_cell(cells, BASELINE));
        match number(value).filter(|n| n_numbers > NUMBERS_MAX && *n > 0.0 && n.is_finite()) {
            Some(number) => {
                let sum = octaves.entry(number.log2().floor() as i32).or_default();
                *sum = (sum.0 + counts.0, sum.1 + counts.1);
            }
            None => values.push(Counts {
                value: value.clone(),
                end: None,
                counts,
            }),
        }
    }
    values.extend(octaves.into_iter().map(|(octave, counts)| Counts {
        value: GroupValue::float(f64::from(octave).exp2()),
        end: Some(f64::from(octave + 1).exp2()),
        counts,
    }));
    values.sort_unstable_by(|a, b| a.value.cmp(&b.value));
    values
}

/// What attributes have in common that divide spans in the same way.
fn shape_of(values: &[Counts]) -> Vec<(u64, u64)> {
    let bits = |value: &Counts| (value.counts.0.to_bits(), value.counts.1.to_bits());
    let mut shape: Vec<(u64, u64)> = values.iter().map(bits).collect();
    shape.sort_unstable();
    shape
}

/// Whether more than half of the spans that have the attribute have a value of their own, or more values than are told apart.
fn is_nearly_unique(distribution: &Distribution, n: [u64; 2]) -> bool {
    let is_number = |value: &GroupValue| !matches!(value, GroupValue::Text(_));
    let is_of_numbers = distribution.values.keys().all(is_number);
    let n_spans = (n[SELECTION] + n[BASELINE]) as f64;
    let weight = distribution.total.sum(0..2).min(n_spans);
    let n_values = distribution.values.len();
    !is_of_numbers
        && (distribution.overflowed || (n_values > NUMBERS_MAX && n_values as f64 > weight / 2.0))
}

/// Both cohorts: how many spans they stand for, and how many observations that is.
struct Sizes {
    weight: [f64; 2],
    sizes: (f64, f64),
}

impl Sizes {
    fn difference(
        &self,
        attribute: String,
        distribution: &Distribution,
        values: Vec<Counts>,
        is_unique: bool,
        top: usize,
    ) -> Difference {
        let part = |count: f64, cohort: usize| match self.weight[cohort] {
            0.0 => 0.0,
            all => (count / all).min(1.0),
        };
        let present = |cohort: usize| part(of_cell(&distribution.total, cohort), cohort);
        let missing = (1.0 - present(SELECTION), 1.0 - present(BASELINE));
        let mut counts: Vec<(f64, f64)> = values.iter().map(|value| value.counts).collect();
        counts.push((
            missing.0 * self.weight[SELECTION],
            missing.1 * self.weight[BASELINE],
        ));
        let found = jensen_shannon(&counts, self.sizes);
        let support = present(SELECTION).max(present(BASELINE));
        let n_values = values.len();
        let mut shares: Vec<Share> = values
            .into_iter()
            .map(|value| Share {
                selection: part(value.counts.0, SELECTION),
                baseline: part(value.counts.1, BASELINE),
                value: value.value,
                end: value.end,
            })
            .collect();
        let apart = |share: &Share| (share.selection - share.baseline).abs();
        shares.sort_by(|a, b| apart(b).total_cmp(&apart(a)));
        shares.truncate(top);
        let is_enough = self.sizes.0 >= SPANS_MIN
            && self.sizes.1 >= SPANS_MIN
            && found.bits - found.margin > 0.0;
        Difference {
            attribute,
            is_asked: false,
            equivalent: Vec::new(),
            score: found.bits * support,
            divergence: found.bits,
            margin: found.margin,
            support,
            evidence: match (is_unique, is_enough) {
                (true, _) => Evidence::NearlyUnique,
                (false, true) => Evidence::Enough,
                (false, false) => Evidence::NotEnough,
            },
            n_values,
            values: shares,
            missing,
        }
    }
}
