//! A span source in memory, exact to the letter of the contract: it returns as little as it may.
//!
//! It drops every row that the time range, the trace ids or the predicate rule out, so that an engine which asks for too
//! little is found out; [`MemorySource::ignoring_hints`] returns as much as it may instead. Batches come newest first, their
//! bounds as low as they can be.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use clock::ManualClock;
use columnar::{Column, from_model};
use futures::StreamExt;
use model::{AnyValue, KeyValue, Span, TenantId};
use store_api::{
    AttributeScope, CompareOp, Error, Extent, Field, Order, Predicate, Projection, Scalar,
    ScanBatch, ScanReport, ScanRequest, ScanStream, SpanSource,
};

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

    /// The same, returning every row of the tenant (of the trace ids, where given) whatever else was asked.
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
}

impl SpanSource for MemorySource {
    fn scan(&self, request: ScanRequest) -> ScanStream {
        let report = Arc::new(ScanReport::default());
        let ids = request
            .trace_ids
            .as_ref()
            .map(|ids| ids.iter().copied().collect());
        let spans: Vec<Span> = match request.tenant == self.tenant {
            true => self
                .spans
                .iter()
                .filter(|span| self.answers(span, ids.as_ref(), &request))
                .cloned()
                .collect(),
            false => Vec::new(),
        };
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
        let (clock, counted) = (self.clock.clone(), report.clone());
        let stream = futures::stream::iter(batches).inspect(move |batch| {
            if let Some((clock, step)) = &clock {
                clock.advance(*step);
            }
            if let Ok(batch) = batch {
                counted.add_rows(batch.batch.num_rows() as u64, 0);
            }
        });
        ScanStream {
            batches: Box::pin(stream),
            report,
        }
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
