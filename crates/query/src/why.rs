//! Why a question finds nothing: what each of its conditions finds by itself, what the others find without it, what is in the way of a
//! condition that finds nothing, and when there was something.
//!
//! One scan over all spans of the time range judges every condition; rows are counted as they come, so a span that was stored twice counts twice until its
//! blocks are merged.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Instant;

use arrow::array::RecordBatch;
use columnar::{Column, SpanColumns};
use model::TenantId;
use store_api::{Order, Predicate, TimeRange};
use traceql::ast::{
    Metrics, MetricsKind, MetricsOperand, Pipeline, Spanset, SpansetKind, StageKind,
};
use traceql::suggest::nearest;
use traceql::{Body, CompareOp, Expr, ExprKind, Field, Literal, Query, Scope, Span};

use crate::condition::{Condition, Needs, Origin};
use crate::conventions::other_names;
use crate::cursor::SearchOrder;
use crate::engine::{Engine, Partial, Question, Report, unless_overtaken};
use crate::error::Error;
use crate::eval::{FieldColumn, judge};
use crate::names::AttributeNames;
use crate::search::SearchRequest;
use crate::value::{Tri, Value};

/// Most distinct values of a field that are looked at for similar ones.
const VALUES_MAX: usize = 1_000;

/// Longer values are not offered instead.
const TEXT_BYTES_MAX: usize = 256;

/// Most names and values that are offered instead.
const SIMILAR_MAX: usize = 5;

/// Of which question.
#[derive(Debug, Clone)]
pub struct WhyRequest {
    /// Whose spans.
    pub tenant: TenantId,
    /// The question that found nothing.
    pub query: Query,
    /// When spans started.
    pub time: TimeRange,
    /// When to answer with what there is.
    pub deadline: Option<Instant>,
}

/// What is known about it.
#[derive(Debug, Clone)]
pub struct Why {
    /// Spans that started in the time range.
    pub span_count: u64,
    /// The filters of the question, in the order of its text.
    pub filters: Vec<FilterFacts>,
    /// When spans that match were last seen before the time range.
    pub matching_before_unix_nano: Option<i64>,
    /// When spans that match were last seen after it.
    pub matching_after_unix_nano: Option<i64>,
    /// When any span was last seen before the time range; asked for when there is none in it.
    pub any_before_unix_nano: Option<i64>,
    /// When any span was last seen after it; likewise.
    pub any_after_unix_nano: Option<i64>,
    /// Why the counts may be too small.
    pub partial: Option<Partial>,
    /// What was read.
    pub report: Report,
}

/// What a filter finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterFacts {
    /// The filter.
    pub text: String,
    /// Where it stands in the question.
    pub place: Span,
    /// Spans that meet it; of conditions on whole traces, spans that may.
    pub matched: u64,
    /// The conditions that it joins with `&&`.
    pub clauses: Vec<ClauseFacts>,
}

/// What a condition finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClauseFacts {
    /// The condition.
    pub text: String,
    /// Where it stands in the question.
    pub place: Span,
    /// Spans that meet it alone.
    pub matched: u64,
    /// Spans that meet all others of its filter.
    pub without: u64,
    /// Whether only whole traces tell; then spans count that may meet it.
    pub is_of_traces: bool,
    /// What is known of the field that it compares with a constant.
    pub field: Option<FieldFacts>,
}

/// What is known of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFacts {
    /// As the language writes it.
    pub name: String,
    /// Spans that have it.
    pub present: u64,
    /// Of them, those whose value is of the constant's type.
    pub of_type: u64,
    /// The types of the other values, as the language calls them.
    pub other_types: Vec<&'static str>,
    /// Attributes that are there and may be meant, where this one is not.
    pub similar_names: Vec<String>,
    /// Values that are there and may be meant, where this one is not.
    pub similar_values: Vec<String>,
}

impl Engine {
    /// Why a question finds nothing.
    ///
    /// Errors: those of the source; `Pattern` for queries that `traceql` did not check. A passed deadline makes the answer partial.
    /// Cost:   the columns of all conditions, over all spans of the time range.
    pub async fn why(&self, request: &WhyRequest) -> Result<Why, Error> {
        let ask = || async move {
            let mut question = Question::with_reserve(self, &request.tenant, request.deadline);
            let mut filters = filters_of(&request.query)?;
            let mut needs = Needs::of([Column::StartTimeUnixNano]);
            filters.iter().for_each(|filter| filter.needs(&mut needs));
            let (time, all) = (request.time, Predicate::True);
            let mut stream = question.scan(time, all, needs, Order::NewestFirst, None);
            let mut span_count = 0;
            while let Some(scanned) = question.next(&mut stream).await? {
                let batch = &scanned.batch;
                let starts = SpanColumns::new(batch).int64(Column::StartTimeUnixNano)?;
                let in_time: Vec<bool> =
                    starts.values().iter().map(|s| time.contains(*s)).collect();
                span_count += in_time.iter().filter(|is_in| **is_in).count() as u64;
                for filter in &mut filters {
                    filter.count(batch, &in_time)?;
                }
            }
            let (report, partial) = question.finish();
            let missing = filters.iter().any(|filter| filter.lacks_attribute());
            let names = match missing && span_count > 0 {
                true => {
                    let names = self.attribute_names(&request.tenant, None, time, request.deadline);
                    Some(names.await?)
                }
                false => None,
            };
            let before = TimeRange {
                start_unix_nano: i64::MIN,
                end_unix_nano: time.start_unix_nano,
            };
            let after = TimeRange {
                start_unix_nano: time.end_unix_nano,
                end_unix_nano: i64::MAX,
            };
            let mut why = Why {
                span_count,
                filters: filters
                    .iter()
                    .map(|filter| filter.facts(names.as_ref()))
                    .collect(),
                matching_before_unix_nano: None,
                matching_after_unix_nano: None,
                any_before_unix_nano: None,
                any_after_unix_nano: None,
                partial,
                report,
            };
            if let Some(search) = search_of(&request.query) {
                why.matching_before_unix_nano = self.last_seen(request, &search, before).await?;
                why.matching_after_unix_nano = self.last_seen(request, &search, after).await?;
            }
            if span_count == 0 {
                let any = Query::of_filter(None);
                why.any_before_unix_nano = self.last_seen(request, &any, before).await?;
                why.any_after_unix_nano = self.last_seen(request, &any, after).await?;
            }
            Ok(why)
        };
        unless_overtaken(ask).await
    }

    /// When a span that matches started, of the newest trace that has one.
    async fn last_seen(
        &self,
        request: &WhyRequest,
        query: &Query,
        time: TimeRange,
    ) -> Result<Option<i64>, Error> {
        let found = self
            .search(&SearchRequest {
                tenant: request.tenant.clone(),
                query: query.clone(),
                time,
                limit: 1,
                spans_per_trace: None,
                order: SearchOrder::Start,
                cursor: None,
                deadline: request.deadline,
            })
            .await?;
        let spans = found.traces.into_iter().flat_map(|trace| trace.spansets);
        let starts = spans
            .flat_map(|set| set.spans)
            .map(|span| span.start_unix_nano);
        Ok(starts.max())
    }
}

/// The search for what the question counts; `None` where it calculates with several.
fn search_of(query: &Query) -> Option<Query> {
    let Body::Metrics(metrics) = &query.body else {
        return Some(query.clone());
    };
    match &metrics.source.kind {
        MetricsKind::Series(series) => Some(Query {
            body: Body::Search(series.pipeline.clone()),
            ..query.clone()
        }),
        MetricsKind::Binary { .. } => None,
    }
}

/// A filter under way.
struct Filter<'a> {
    text: String,
    place: Span,
    matched: u64,
    clauses: Vec<Clause<'a>>,
}

/// A condition under way.
struct Clause<'a> {
    expr: &'a Expr,
    condition: Condition,
    matched: u64,
    without: u64,
    is_of_traces: bool,
    field: Option<Compared<'a>>,
}

/// A field that is compared with a constant.
struct Compared<'a> {
    field: &'a Field,
    op: CompareOp,
    literal: &'a Literal,
    present: u64,
    of_type: u64,
    seen: RefCell<Seen>,
}

/// Some of what was seen in a field.
#[derive(Default)]
struct Seen {
    other_types: BTreeSet<&'static str>,
    texts: BTreeSet<String>,
}

fn filters_of(query: &Query) -> Result<Vec<Filter<'_>>, Error> {
    let mut filters = Vec::new();
    match &query.body {
        Body::Search(pipeline) => of_pipeline(pipeline, &mut filters)?,
        Body::Metrics(metrics) => of_metrics(metrics, &mut filters)?,
    }
    Ok(filters)
}

fn of_metrics<'a>(metrics: &'a Metrics, filters: &mut Vec<Filter<'a>>) -> Result<(), Error> {
    match &metrics.source.kind {
        MetricsKind::Series(series) => of_pipeline(&series.pipeline, filters),
        MetricsKind::Binary { left, right, .. } => {
            for side in [left, right] {
                if let MetricsOperand::Metrics(metrics) = side {
                    of_metrics(metrics, filters)?;
                }
            }
            Ok(())
        }
    }
}

fn of_pipeline<'a>(pipeline: &'a Pipeline, filters: &mut Vec<Filter<'a>>) -> Result<(), Error> {
    of_spanset(&pipeline.source, filters)?;
    for stage in &pipeline.stages {
        if let StageKind::Filter(filter) = &stage.kind {
            filters.push(Filter::new(filter.as_ref(), stage.span)?);
        }
    }
    Ok(())
}

fn of_spanset<'a>(spanset: &'a Spanset, filters: &mut Vec<Filter<'a>>) -> Result<(), Error> {
    match &spanset.kind {
        SpansetKind::Filter(filter) => filters.push(Filter::new(filter.as_ref(), spanset.span)?),
        SpansetKind::Pipeline(pipeline) => of_pipeline(pipeline, filters)?,
        SpansetKind::Binary { left, right, .. } => {
            of_spanset(left, filters)?;
            of_spanset(right, filters)?;
        }
    }
    Ok(())
}

impl<'a> Filter<'a> {
    fn new(filter: Option<&'a Expr>, place: Span) -> Result<Self, Error> {
        let parts: &[Expr] = match filter.map(|expr| &expr.kind) {
            Some(ExprKind::And(parts)) => parts,
            _ => filter.map(std::slice::from_ref).unwrap_or_default(),
        };
        Ok(Self {
            text: Query::of_filter(filter.cloned()).to_string(),
            place,
            matched: 0,
            clauses: parts.iter().map(Clause::new).collect::<Result<_, _>>()?,
        })
    }

    fn needs(&self, needs: &mut Needs) {
        for clause in &self.clauses {
            clause.condition.needs(needs);
            let fields = clause.field.iter().map(|compared| compared.field);
            needs.add_fields(&fields.collect::<Vec<_>>());
        }
    }

    fn count(&mut self, batch: &RecordBatch, in_time: &[bool]) -> Result<(), Error> {
        let verdicts = |clause: &Clause<'_>| judge(&clause.condition, batch, None);
        let verdicts: Vec<Vec<Tri>> = self
            .clauses
            .iter()
            .map(verdicts)
            .collect::<Result<_, _>>()?;
        for row in (0..batch.num_rows()).filter(|row| in_time[*row]) {
            let fails = |verdicts: &&Vec<Tri>| verdicts[row] == Tri::False;
            let n_failed = verdicts.iter().filter(fails).count();
            self.matched += u64::from(n_failed == 0);
            for (clause, verdicts) in self.clauses.iter_mut().zip(&verdicts) {
                let holds = verdicts[row] != Tri::False;
                clause.matched += u64::from(holds);
                clause.without += u64::from(n_failed == usize::from(!holds));
                clause.is_of_traces |= verdicts[row] == Tri::Unknown;
            }
        }
        for compared in self
            .clauses
            .iter_mut()
            .filter_map(|clause| clause.field.as_mut())
        {
            compared.count(batch, in_time)?;
        }
        Ok(())
    }

    fn lacks_attribute(&self) -> bool {
        let fields = self
            .clauses
            .iter()
            .filter_map(|clause| clause.field.as_ref());
        fields
            .filter(|compared| compared.present == 0)
            .any(|compared| matches!(compared.field, Field::Attribute { .. }))
    }

    fn facts(&self, names: Option<&AttributeNames>) -> FilterFacts {
        let clause = |clause: &Clause<'_>| ClauseFacts {
            text: clause.expr.to_string(),
            place: clause.expr.span,
            matched: clause.matched,
            without: clause.without,
            is_of_traces: clause.is_of_traces,
            field: clause
                .field
                .as_ref()
                .map(|compared| compared.facts(clause.matched, names)),
        };
        FilterFacts {
            text: self.text.clone(),
            place: self.place,
            matched: self.matched,
            clauses: self.clauses.iter().map(clause).collect(),
        }
    }
}

impl<'a> Clause<'a> {
    fn new(expr: &'a Expr) -> Result<Self, Error> {
        Ok(Self {
            expr,
            condition: Condition::of(expr)?,
            matched: 0,
            without: 0,
            is_of_traces: false,
            field: Compared::of(expr),
        })
    }
}

impl<'a> Compared<'a> {
    fn of(expr: &'a Expr) -> Option<Self> {
        let ExprKind::Compare { op, left, right } = &expr.kind else {
            return None;
        };
        let (field, literal) = match (&left.kind, &right.kind) {
            (ExprKind::Field(field), ExprKind::Literal(literal))
            | (ExprKind::Literal(literal), ExprKind::Field(field)) => (field, literal),
            _ => return None,
        };
        let is_of_parent =
            matches!(field, Field::Attribute { scope, .. } if Scope::OF_PARENT.contains(scope));
        (*literal != Literal::Nil && !is_of_parent).then(|| Self {
            field,
            op: *op,
            literal,
            present: 0,
            of_type: 0,
            seen: RefCell::default(),
        })
    }

    fn count(&mut self, batch: &RecordBatch, in_time: &[bool]) -> Result<(), Error> {
        let columns = SpanColumns::new(batch);
        let column = FieldColumn::new(&columns, &Origin::Field(self.field.clone()), None)?;
        let (rows, wanted) = (batch.num_rows(), type_of(&Value::of_literal(self.literal)));
        let n = |verdicts: Vec<Tri>| {
            let rows = verdicts.into_iter().zip(in_time);
            rows.filter(|(verdict, is_in)| **is_in && *verdict == Tri::True)
                .count() as u64
        };
        self.present += n(column.test(rows, |value| (type_of(value) != NO_TYPE).into()));
        let seen = &self.seen;
        let of_type = column.test(rows, |value| {
            let ty = type_of(value);
            let mut seen = seen.borrow_mut();
            match value {
                Value::Text(text)
                    if ty == wanted
                        && text.len() <= TEXT_BYTES_MAX
                        && seen.texts.len() < VALUES_MAX =>
                {
                    seen.texts.insert(text.clone().into_owned());
                }
                _ if ty != wanted && ty != NO_TYPE => {
                    seen.other_types.insert(ty);
                }
                _ => {}
            }
            (ty == wanted).into()
        });
        self.of_type += n(of_type);
        Ok(())
    }

    fn facts(&self, matched: u64, names: Option<&AttributeNames>) -> FieldFacts {
        let seen = self.seen.borrow();
        let similar_names = match (self.field, names) {
            (Field::Attribute { scope, name }, Some(names)) if self.present == 0 => {
                similar_names(*scope, name, names)
            }
            _ => Vec::new(),
        };
        let similar_values = match self.literal {
            Literal::String(text) if matched == 0 && self.op == CompareOp::Eq => {
                similar(text, seen.texts.iter().map(String::as_str))
            }
            _ => Vec::new(),
        };
        FieldFacts {
            name: self.field.to_string(),
            present: self.present,
            of_type: self.of_type,
            other_types: seen.other_types.iter().copied().collect(),
            similar_names,
            similar_values,
        }
    }
}

/// The type of what is not there.
const NO_TYPE: &str = "nil";

/// The types that compare with each other.
fn type_of(value: &Value<'_>) -> &'static str {
    match value {
        Value::Absent | Value::Unknown => NO_TYPE,
        Value::Bool(_) => "boolean",
        Value::Int(_) | Value::Float(_) => "number",
        Value::Text(_) => "string",
        Value::Status(_) => "status",
        Value::Kind(_) => "kind",
        // Elements compare one by one.
        Value::Array(items) => items.first().map_or(NO_TYPE, type_of),
        Value::Other => "bytes or map",
    }
}

/// Attributes that may be meant: those of the same name elsewhere, those of its name in other versions of the semantic conventions, then those of similar names.
fn similar_names(scope: Scope, name: &str, names: &AttributeNames) -> Vec<String> {
    let spelled = |scope: &str, name: &str| {
        let field = format!("{{ {scope}.{name} = 1 }}");
        match traceql::parse(&field) {
            Ok(_) => format!("{scope}.{name}"),
            Err(_) => format!("{scope}.{name:?}"),
        }
    };
    let mut found = Vec::new();
    for (known, names) in &names.scopes {
        if names.iter().any(|known| known == name) && known.as_str() != scope.as_str() {
            found.push(spelled(known.as_str(), name));
        }
    }
    for (known, names) in &names.scopes {
        let renamed = other_names(name).filter(|other| names.iter().any(|known| known == other));
        found.extend(renamed.map(|other| spelled(known.as_str(), other)));
    }
    for (known, names) in &names.scopes {
        let near = similar(name, names.iter().map(String::as_str));
        let near = near.into_iter().filter(|near| near != name);
        found.extend(near.map(|near| spelled(known.as_str(), &near)));
    }
    let mut seen = BTreeSet::new();
    found.retain(|name| seen.insert(name.clone()));
    found.truncate(SIMILAR_MAX);
    found
}

/// Texts that may be meant: the nearest one, and those that differ by case or marks, or that the text is part of.
fn similar<'t>(text: &str, known: impl Iterator<Item = &'t str> + Clone) -> Vec<String> {
    let letters = |text: &str| -> String {
        let letters = text.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let wanted = letters(text);
    let same = known.clone().filter(|known| letters(known) == wanted);
    let near = nearest(text, known.clone());
    let part = known
        .clone()
        .filter(|known| wanted.len() >= 3 && letters(known).contains(&wanted));
    let mut found: Vec<String> = Vec::new();
    for known in same.chain(near).chain(part) {
        if known != text && !found.iter().any(|found| found == known) {
            found.push(known.to_owned());
        }
    }
    found.truncate(SIMILAR_MAX);
    found
}
