//! A span source in memory, exact to the letter of the contract: it returns as little as it may.
//!
//! It drops every row that the time range, the trace ids or the predicate rule out, so that an engine which asks for too
//! little is found out; [`MemorySource::ignoring_hints`] returns as much as it may instead. Batches come newest first, their
//! bounds as low as they can be.

mod summary;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use clock::ManualClock;
use columnar::{Column, from_model};
use futures::StreamExt;
use model::{AnyValue, KeyValue, Span, TenantId};
use store_api::{
    AttributeScope, CompareOp, Error, Extent, Field, Order, Predicate, Projection, ReadReport,
    Scalar, ScanBatch, ScanRequest, ScanStream, ServiceCounts, ServicesRequest, SpanSource,
    SummaryRequest, TraceSelection, TraceSummaries, TraceSummary,
};

pub use summary::summary;
pub(crate) use summary::{by_trace, services};

/// Spans of one tenant.
#[derive(Debug, Clone)]
pub struct MemorySource {
    tenant: TenantId,
    spans: Vec<Span>,
    batch_rows: usize,
    heeds_hints: bool,
    clock: Option<(ManualClock, Duration)>,
}

impl MemorySource {
    /// The spans of the default tenant, returned in batches of `batch_rows`.
    pub fn new(mut spans: Vec<Span>, batch_rows: usize) -> Self {
        spans.sort_by_key(|span| std::cmp::Reverse(span.start_time_unix_nano));
        Self {
            tenant: TenantId::default_tenant(),
            spans,
            batch_rows: batch_rows.max(1),
            heeds_hints: true,
            clock: None,
        }
    }

    /// The same, returning every row of the tenant (of the trace ids, where given) whatever else was asked, and vouching for no summary.
    pub fn ignoring_hints(mut self) -> Self {
        self.heeds_hints = false;
        self
    }

    /// The same, moving `clock` forward by `step` before each batch.
    pub fn taking(mut self, clock: ManualClock, step: Duration) -> Self {
        self.clock = Some((clock, step));
        self
    }

    fn answers(
        &self,
        span: &Span,
        ids: Option<&HashSet<model::TraceId>>,
        request: &ScanRequest,
    ) -> bool {
        let wanted = ids.is_none_or(|ids| ids.contains(&span.trace_id));
        wanted
            && (!self.heeds_hints
                || (request.time.contains(span.start_time_unix_nano)
                    && holds(&request.predicate, span)))
    }

    /// The spans of `tenant`.
    fn of_tenant(&self, tenant: &TenantId) -> &[Span] {
        if *tenant == self.tenant {
            &self.spans
        } else {
            &[]
        }
    }

    /// `span` with the attributes that `request` asks for.
    fn cut(&self, span: &Span, request: &ScanRequest) -> Span {
        let mut span = span.clone();
        if self.heeds_hints {
            let keep = |scope, attributes: &mut Vec<KeyValue>| {
                attributes.retain(|a| request.attributes.wants(scope, &a.key));
            };
            keep(AttributeScope::Span, &mut span.attributes);
            for event in &mut span.events {
                keep(AttributeScope::Event, &mut event.attributes);
            }
            for link in &mut span.links {
                keep(AttributeScope::Link, &mut link.attributes);
            }
        }
        span
    }

    fn step(&self) {
        if let Some((clock, step)) = &self.clock {
            clock.advance(*step);
        }
    }

    fn report(&self, rows: usize) -> Arc<ReadReport> {
        let report = Arc::new(ReadReport::default());
        report.update(|figures| figures.rows_read += rows as u64);
        report
    }
}

#[async_trait]
impl SpanSource for MemorySource {
    fn scan(&self, request: ScanRequest) -> ScanStream {
        let report = Arc::new(ReadReport::default());
        let ids = request
            .trace_ids
            .as_ref()
            .map(|ids| ids.iter().copied().collect());
        let spans = self.of_tenant(&request.tenant).iter();
        let spans = spans.filter(|span| self.answers(span, ids.as_ref(), &request));
        let spans: Vec<Span> = spans.map(|span| self.cut(span, &request)).collect();
        let batches: Vec<Result<ScanBatch, Error>> = spans
            .chunks(self.batch_rows)
            .enumerate()
            .map(|(idx, chunk)| {
                let next = spans.get((idx + 1) * self.batch_rows);
                let newest = next.map_or(i64::MIN, |span| span.start_time_unix_nano);
                Ok(ScanBatch {
                    batch: project(
                        &from_model(chunk, &self.tenant, idx as i64),
                        &request.projection,
                    )?,
                    newest_remaining_unix_nano: match request.order {
                        Order::NewestFirst => newest,
                        Order::Any => i64::MAX,
                    },
                })
            })
            .collect();
        let (this, counted) = (self.clone(), report.clone());
        let stream = futures::stream::iter(batches).inspect(move |batch| {
            this.step();
            if let Ok(batch) = batch {
                counted.update(|figures| figures.rows_read += batch.batch.num_rows() as u64);
            }
        });
        ScanStream {
            batches: Box::pin(stream),
            report,
        }
    }

    async fn trace_summaries(&self, request: SummaryRequest) -> Result<TraceSummaries, Error> {
        self.step();
        let traces = by_trace(self.of_tenant(&request.tenant));
        let sum = |spans: &[&Span]| TraceSummary {
            is_exact: self.heeds_hints && summary(spans).is_exact,
            ..summary(spans)
        };
        let mut left_out = i64::MIN;
        let traces = match request.traces {
            TraceSelection::Ids(ids) => {
                let ids: HashSet<_> = ids.iter().copied().collect();
                let wanted = traces.iter().filter(|(id, _)| ids.contains(id));
                wanted.map(|(_, spans)| sum(spans)).collect()
            }
            TraceSelection::Newest { time, limit } => {
                let started = |s: &&Span| time.contains(s.start_time_unix_nano);
                let wanted = traces.values().filter(|s| s.iter().any(started));
                let mut found: Vec<TraceSummary> = wanted.map(|spans| sum(spans)).collect();
                found.sort_by_key(|t| (std::cmp::Reverse(t.started_by_unix_nano()), t.trace_id));
                if let Some(next) = found.get(limit.max(1)) {
                    left_out = next.started_by_unix_nano();
                }
                found.truncate(limit.max(1));
                found
            }
        };
        Ok(TraceSummaries {
            traces,
            newest_remaining_unix_nano: left_out,
            report: self.report(0),
        })
    }

    async fn service_counts(&self, request: ServicesRequest) -> Result<ServiceCounts, Error> {
        self.step();
        let started = |s: &&Span| request.time.contains(s.start_time_unix_nano);
        let spans = self.of_tenant(&request.tenant).iter().filter(started);
        let spans: Vec<&Span> = spans.collect();
        Ok(ServiceCounts {
            services: services(&spans),
            report: self.report(spans.len()),
        })
    }

    fn extent(&self, tenant: &TenantId) -> Extent {
        if *tenant != self.tenant {
            return Extent::default();
        }
        Extent {
            spans: self.spans.len() as u64,
            oldest_unix_nano: self.spans.last().map(|span| span.start_time_unix_nano),
            newest_unix_nano: self.spans.first().map(|span| span.start_time_unix_nano),
        }
    }
}

fn project(batch: &RecordBatch, projection: &Projection) -> Result<RecordBatch, Error> {
    let Projection::Columns(columns) = projection else {
        return Ok(batch.clone());
    };
    let mut indices: Vec<usize> = columns.iter().map(|column| *column as usize).collect();
    indices.sort_unstable();
    indices.dedup();
    batch.project(&indices).map_err(|error| {
        Error::new(store_api::ErrorKind::Internal, "projecting a batch").caused_by(error)
    })
}

/// Whether a predicate holds for a span, as `store_api` defines it.
pub fn holds(predicate: &Predicate, span: &Span) -> bool {
    match predicate {
        Predicate::True => true,
        Predicate::All(parts) => parts.iter().all(|part| holds(part, span)),
        Predicate::Any(parts) => parts.iter().any(|part| holds(part, span)),
        Predicate::Compare(Field::Column(column), op, scalar) => {
            column_value(*column, span).is_some_and(|value| compares(&value, *op, scalar))
        }
        Predicate::Compare(Field::Attribute(scope, key), op, scalar) => attributes(*scope, span)
            .into_iter()
            .flatten()
            .filter(|attribute| attribute.key == *key)
            .any(|attribute| any_element(&attribute.value, *op, scalar)),
    }
}

fn any_element(value: &AnyValue, op: CompareOp, scalar: &Scalar) -> bool {
    match value {
        AnyValue::Array(items) => items.iter().any(|item| compares(item, op, scalar)),
        single => compares(single, op, scalar),
    }
}

fn attributes(scope: AttributeScope, span: &Span) -> Vec<&Vec<KeyValue>> {
    match scope {
        AttributeScope::Span => vec![&span.attributes],
        AttributeScope::Resource => vec![&span.resource.attributes],
        AttributeScope::Instrumentation => vec![&span.scope.attributes],
        AttributeScope::Event => span.events.iter().map(|event| &event.attributes).collect(),
        AttributeScope::Link => span.links.iter().map(|link| &link.attributes).collect(),
    }
}

/// The value of a column that predicates are made for.
fn column_value(column: Column, span: &Span) -> Option<AnyValue> {
    Some(match column {
        Column::StartTimeUnixNano => AnyValue::Int(span.start_time_unix_nano),
        Column::EndTimeUnixNano => AnyValue::Int(span.end_time_unix_nano),
        Column::DurationNano => AnyValue::Int(span.duration_nano()),
        Column::Name => span.name.as_str().into(),
        Column::Kind => AnyValue::Int(i64::from(span.kind.0)),
        Column::StatusCode => AnyValue::Int(i64::from(span.status_code.0)),
        Column::StatusMessage => span.status_message.as_str().into(),
        Column::TraceState => span.trace_state.as_str().into(),
        Column::ServiceName => span.service_name().into(),
        Column::Flags => AnyValue::Int(i64::from(span.flags)),
        _ => return None,
    })
}

fn compares(value: &AnyValue, op: CompareOp, scalar: &Scalar) -> bool {
    let order = match (value, scalar) {
        (AnyValue::String(a), Scalar::String(b)) => Some(a.cmp(b)),
        (AnyValue::Bool(a), Scalar::Bool(b)) => Some(a.cmp(b)),
        (AnyValue::Int(a), Scalar::Int(b)) => Some(a.cmp(b)),
        (AnyValue::Int(a), Scalar::Double(b)) => (*a as f64).partial_cmp(b),
        (AnyValue::Double(a), Scalar::Int(b)) => a.partial_cmp(&(*b as f64)),
        (AnyValue::Double(a), Scalar::Double(b)) => a.partial_cmp(b),
        _ => None,
    };
    order.is_some_and(|order| match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::NotEq => order.is_ne(),
        CompareOp::Less => order.is_lt(),
        CompareOp::LessEq => order.is_le(),
        CompareOp::Greater => order.is_gt(),
        CompareOp::GreaterEq => order.is_ge(),
    })
}
