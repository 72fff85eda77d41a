//! What every store must do, whatever it is made of.
//!
//! [`source`] asks a [`SpanSource`] that holds known spans every kind of question; [`store`] also writes, retries, moves and
//! reopens. Both panic with what does not hold, and neither waits: time is the caller's.

mod attributes;
mod summaries;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use columnar::{Column, from_model, schema, to_model};
use futures::TryStreamExt;
use model::{Span, TenantId, TraceId};
use store_api::{
    Append, Appended, CompareOp, Extent, Field, Order, Predicate, Projection, RequestDigest,
    Scalar, ScanBatch, ScanRequest, SpanSink, SpanSource, TimeRange,
};

use crate::memory::holds;

/// A store under test.
#[async_trait]
pub trait Fixture: Send {
    /// The store.
    type Store: SpanSource + SpanSink;

    /// Opens the store; it is empty at first, and later holds what was acknowledged.
    async fn open(&mut self) -> Self::Store;

    /// Ends the use of a store before the next is opened.
    async fn close(&mut self, store: Self::Store);

    /// Moves what the store holds on to its next form, where there is one: from memory to files, say.
    async fn advance(&mut self, store: &Self::Store);
}

/// Checks all that a store promises, with `spans` in three requests.
pub async fn store(fixture: &mut impl Fixture, spans: &[Span]) {
    let tenant = TenantId::default_tenant();
    let other: TenantId = "other-tenant".parse().expect("a tenant's name");
    let opened = fixture.open().await;
    source(&opened, &[]).await;

    let third = spans.len() / 3;
    let parts = [
        &spans[..third],
        &spans[third..2 * third],
        &spans[2 * third..],
    ];
    let kept = |n: usize| {
        if parts[n].is_empty() {
            Appended::Stored
        } else {
            Appended::Duplicate
        }
    };
    append(&opened, &tenant, 0, parts[0], Appended::Stored).await;
    source(&opened, parts[0]).await;
    append(&opened, &tenant, 0, parts[0], kept(0)).await;
    source(&opened, parts[0]).await;

    fixture.advance(&opened).await;
    source(&opened, parts[0]).await;
    append(&opened, &tenant, 0, parts[0], kept(0)).await;

    // The same request twice at once: one is kept, and both are answered.
    let answers = futures::join!(
        opened.append(request(&tenant, 1, parts[1])),
        opened.append(request(&tenant, 1, parts[1])),
    );
    let answers = [
        answers.0.expect("the first append"),
        answers.1.expect("the second append"),
    ];
    assert!(
        parts[1].is_empty()
            || answers.contains(&Appended::Stored) && answers.contains(&Appended::Duplicate),
        "one of two equal requests is kept, not {answers:?}"
    );
    source(&opened, &spans[..2 * third]).await;

    // Digests are a tenant's own, and so are spans.
    append(&opened, &other, 0, parts[0], Appended::Stored).await;
    append(&opened, &other, 2, parts[2], Appended::Stored).await;
    source(&opened, &spans[..2 * third]).await;
    fixture.close(opened).await;

    let opened = fixture.open().await;
    source(&opened, &spans[..2 * third]).await;
    append(&opened, &tenant, 1, parts[1], kept(1)).await;
    append(&opened, &tenant, 2, parts[2], Appended::Stored).await;
    source(&opened, spans).await;
    fixture.advance(&opened).await;
    source(&opened, spans).await;
    fixture.close(opened).await;

    let opened = fixture.open().await;
    source(&opened, spans).await;
    for (n, part) in parts.iter().enumerate() {
        append(&opened, &tenant, n as u8, part, kept(n)).await;
    }
    append(&opened, &other, 2, parts[2], kept(2)).await;
    let others = [parts[0], parts[2]].concat();
    assert_eq!(
        scan(&opened, ScanRequest::all(other)).await.spans,
        texts(&others),
        "the other tenant"
    );
    fixture.close(opened).await;
}

/// Checks the answers of `source`, which holds exactly `spans` of the default tenant.
pub async fn source(source: &dyn SpanSource, spans: &[Span]) {
    let all = ScanRequest::all(TenantId::default_tenant());
    assert_eq!(
        scan(source, all.clone()).await.spans,
        texts(spans),
        "everything"
    );
    extents(source, spans).await;
    newest_first(source, &all, spans).await;
    projections(source, &all, spans).await;
    times(source, &all, spans).await;
    traces(source, &all, spans).await;
    predicates(source, &all, spans).await;
    attributes::check(source, &all, spans).await;
    summaries::check(source, spans).await;
}

async fn append(
    sink: &dyn SpanSink,
    tenant: &TenantId,
    digest: u8,
    spans: &[Span],
    expect: Appended,
) {
    let done = sink.append(request(tenant, digest, spans)).await;
    assert_eq!(
        done.expect("an append"),
        expect,
        "request {digest} of {tenant}"
    );
}

fn request(tenant: &TenantId, digest: u8, spans: &[Span]) -> Append {
    Append {
        tenant: tenant.clone(),
        digest: RequestDigest([digest; 16]),
        batch: from_model(spans, tenant, 0),
    }
}

/// An answer, as a multiset of texts.
struct Answer {
    batches: Vec<ScanBatch>,
    spans: Vec<String>,
}

/// A scan of whole spans.
async fn scan(source: &dyn SpanSource, request: ScanRequest) -> Answer {
    let batches = batches(source, request).await;
    let spans = batches
        .iter()
        .flat_map(|b| to_model(&b.batch).expect("whole spans"));
    let spans = texts(&spans.collect::<Vec<_>>());
    Answer { batches, spans }
}

async fn batches(source: &dyn SpanSource, request: ScanRequest) -> Vec<ScanBatch> {
    let stream = source.scan(request);
    let batches: Vec<ScanBatch> = stream.batches.try_collect().await.expect("an answer");
    let rows: usize = batches.iter().map(|b| b.batch.num_rows()).sum();
    assert_eq!(
        stream.report.figures().rows_read,
        rows as u64,
        "the report counts rows"
    );
    batches
}

fn texts(spans: &[Span]) -> Vec<String> {
    let mut texts: Vec<String> = spans.iter().map(|s| format!("{s:?}")).collect();
    texts.sort_unstable();
    texts
}

/// Whether every one of `part` is in `whole`, as often.
fn includes(whole: &[String], part: &[String]) -> bool {
    let mut left: BTreeMap<&String, isize> = BTreeMap::new();
    whole
        .iter()
        .for_each(|text| *left.entry(text).or_default() += 1);
    part.iter()
        .for_each(|text| *left.entry(text).or_default() -= 1);
    left.values().all(|&n| n >= 0)
}

async fn extents(source: &dyn SpanSource, spans: &[Span]) {
    let starts = || spans.iter().map(|s| s.start_time_unix_nano);
    let expected = Extent {
        spans: spans.len() as u64,
        oldest_unix_nano: starts().min(),
        newest_unix_nano: starts().max(),
    };
    assert_eq!(source.extent(&TenantId::default_tenant()), expected);
    let nobody: TenantId = "nobody".parse().expect("a tenant's name");
    assert_eq!(source.extent(&nobody), Extent::default());
    let answer = batches(source, ScanRequest::all(nobody)).await;
    assert!(answer.is_empty(), "an unknown tenant has an empty stream");
}

async fn newest_first(source: &dyn SpanSource, all: &ScanRequest, spans: &[Span]) {
    let request = ScanRequest {
        order: Order::NewestFirst,
        ..all.clone()
    };
    let answer = scan(source, request).await;
    assert_eq!(answer.spans, texts(spans), "newest first");
    check_bounds(&answer.batches);
    let last = answer.batches.last().map(|b| b.newest_remaining_unix_nano);
    assert!(
        last.is_none_or(|bound| bound == i64::MIN),
        "the last batch says that it is"
    );
}

/// No span starts after the bound of any batch before its own, and bounds do not rise.
fn check_bounds(batches: &[ScanBatch]) {
    let mut bound = i64::MAX;
    for batch in batches {
        for span in to_model(&batch.batch).expect("whole spans") {
            assert!(
                span.start_time_unix_nano <= bound,
                "a span newer than the bound {bound}"
            );
        }
        assert!(
            batch.newest_remaining_unix_nano <= bound,
            "a bound that rises"
        );
        bound = batch.newest_remaining_unix_nano;
    }
}

async fn projections(source: &dyn SpanSource, all: &ScanRequest, spans: &[Span]) {
    let lists = Column::ALL.map(|column| vec![column]);
    let out_of_order = vec![
        Column::Name,
        Column::TraceId,
        Column::Attributes,
        Column::TraceId,
    ];
    for columns in lists.into_iter().chain([vec![], out_of_order]) {
        let request = ScanRequest {
            projection: Projection::Columns(columns.clone()),
            ..all.clone()
        };
        let answer = batches(source, request).await;
        let rows: usize = answer.iter().map(|b| b.batch.num_rows()).sum();
        assert_eq!(rows, spans.len(), "rows with columns {columns:?}");
        let asked: BTreeSet<Column> = columns.into_iter().collect();
        for batch in answer {
            let fields = batch.batch.schema();
            let schema = schema();
            let expected = asked.iter().map(|&column| schema.field(column as usize));
            assert!(
                fields.fields().iter().map(AsRef::as_ref).eq(expected),
                "{fields:?} for {asked:?}"
            );
        }
    }
}

async fn times(source: &dyn SpanSource, all: &ScanRequest, spans: &[Span]) {
    let mut starts: Vec<i64> = spans.iter().map(|s| s.start_time_unix_nano).collect();
    starts.sort_unstable();
    let middle = starts.get(starts.len() / 2).copied().unwrap_or(0);
    let (first, last) = (
        starts.first().copied().unwrap_or(0),
        starts.last().copied().unwrap_or(0),
    );
    for (start, end) in [
        (i64::MIN, middle),
        (middle, i64::MAX),
        (first, last),
        (middle, middle),
        (last, first),
    ] {
        let time = TimeRange {
            start_unix_nano: start,
            end_unix_nano: end,
        };
        let expected: Vec<Span> = spans
            .iter()
            .filter(|s| time.contains(s.start_time_unix_nano))
            .cloned()
            .collect();
        let answer = scan(
            source,
            ScanRequest {
                time,
                ..all.clone()
            },
        )
        .await;
        assert!(
            includes(&answer.spans, &texts(&expected)),
            "spans of {time:?} are missing"
        );
        assert!(
            includes(&texts(spans), &answer.spans),
            "spans of {time:?} from nowhere"
        );
    }
}

async fn traces(source: &dyn SpanSource, all: &ScanRequest, spans: &[Span]) {
    let ids: BTreeSet<TraceId> = spans.iter().map(|s| s.trace_id).collect();
    let unknown = TraceId([0xab; 16]);
    let single = ids.iter().take(5).map(|&id| vec![id]);
    let several: Vec<TraceId> = ids.iter().rev().step_by(2).copied().collect();
    let twice = ids
        .iter()
        .take(1)
        .flat_map(|&id| [unknown, id, id])
        .collect();
    for wanted in single.chain([vec![], vec![unknown], several, twice]) {
        let request = ScanRequest {
            trace_ids: Some(Arc::from(wanted.clone())),
            order: Order::NewestFirst,
            ..all.clone()
        };
        let expected: Vec<Span> = spans
            .iter()
            .filter(|s| wanted.contains(&s.trace_id))
            .cloned()
            .collect();
        let answer = scan(source, request.clone()).await;
        assert_eq!(answer.spans, texts(&expected), "traces {wanted:?}");
        check_bounds(&answer.batches);
        // Without the column that it is found by.
        let request = ScanRequest {
            projection: Projection::Columns(vec![Column::Name]),
            ..request
        };
        let answer = batches(source, request).await;
        let rows: usize = answer.iter().map(|b| b.batch.num_rows()).sum();
        assert_eq!(rows, expected.len(), "rows of traces {wanted:?}");
    }
}

async fn predicates(source: &dyn SpanSource, all: &ScanRequest, spans: &[Span]) {
    let compare = |column, op, scalar| Predicate::Compare(Field::Column(column), op, scalar);
    let text = |text: &str| Scalar::String(text.to_owned());
    let mut predicates = vec![
        Predicate::Any(vec![]),
        compare(Column::ServiceName, CompareOp::Eq, text("no such service")),
        compare(Column::StatusCode, CompareOp::NotEq, Scalar::Int(0)),
        // A scalar of another type than the column's.
        compare(Column::DurationNano, CompareOp::Less, Scalar::Double(1e9)),
        compare(Column::Name, CompareOp::Eq, Scalar::Int(1)),
    ];
    for span in spans.iter().take(4) {
        let service = compare(
            Column::ServiceName,
            CompareOp::Eq,
            text(span.service_name()),
        );
        let name = compare(Column::Name, CompareOp::NotEq, text(&span.name));
        let slower = compare(
            Column::DurationNano,
            CompareOp::GreaterEq,
            Scalar::Int(span.duration_nano()),
        );
        let kind = compare(
            Column::Kind,
            CompareOp::Eq,
            Scalar::Int(i64::from(span.kind.0)),
        );
        let parent = compare(Column::ParentSpanId, CompareOp::Eq, text(""));
        predicates.push(Predicate::All(vec![
            service.clone(),
            slower.clone(),
            kind.clone(),
        ]));
        predicates.push(Predicate::Any(vec![name.clone(), slower, parent]));
        predicates.push(Predicate::All(vec![
            name,
            Predicate::Any(vec![service, kind]),
        ]));
    }
    for predicate in predicates {
        let expected: Vec<Span> = spans
            .iter()
            .filter(|s| holds(&predicate, s))
            .cloned()
            .collect();
        let request = ScanRequest {
            predicate: predicate.clone(),
            ..all.clone()
        };
        let answer = scan(source, request).await;
        assert!(
            includes(&answer.spans, &texts(&expected)),
            "spans are missing with {predicate:?}"
        );
        assert!(
            includes(&texts(spans), &answer.spans),
            "spans from nowhere with {predicate:?}"
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{MemorySource, spans};

    fn block_on(future: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime without drivers").block_on(future);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn the_source_in_memory_conforms(spans in spans(0..20), batch_rows in 1..7_usize) {
            let exact = MemorySource::new(spans.clone(), batch_rows);
            block_on(source(&exact, &spans));
            block_on(source(&exact.ignoring_hints(), &spans));
        }
    }

    #[test]
    #[should_panic(expected = "everything")]
    fn a_source_that_loses_a_span_does_not() {
        let all = crate::traces("trace 1\n  a load 0..1\n    b load 0..1\n");
        let source_of_fewer = MemorySource::new(all[1..].to_vec(), 10);
        block_on(source(&source_of_fewer, &all));
    }
}
