//! Questions from under which the deadline of an erasure takes what they read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use model::{SpanId, TenantId, TraceId};
use query::{AttributeValuesRequest, Engine};
use store_api::{
    Error, ErrorKind, Extent, ScanRequest, ScanStream, ServiceCounts, ServicesRequest, SpanSource,
    SummaryRequest, TimeRange, TraceSummaries,
};
use testkit::{MemorySource, traces};
use traceql::{Field, Query, Scope};

use crate::{answer, engine, request};

/// A source whose first scans end after a batch.
struct Overtaken {
    source: MemorySource,
    left: Arc<AtomicUsize>,
}

#[async_trait]
impl SpanSource for Overtaken {
    fn scan(&self, request: ScanRequest) -> ScanStream {
        let mut scan = self.source.scan(request);
        let take = |left: usize| left.checked_sub(1);
        let is_overtaken = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take);
        if is_overtaken.is_ok() {
            let error = Error::new(ErrorKind::Overtaken, "erased; ask again");
            let first = scan.batches.take(1);
            scan.batches = Box::pin(first.chain(stream::iter([Err(error)])));
        }
        scan
    }

    async fn trace_summaries(&self, request: SummaryRequest) -> Result<TraceSummaries, Error> {
        self.source.trace_summaries(request).await
    }

    async fn service_counts(&self, request: ServicesRequest) -> Result<ServiceCounts, Error> {
        self.source.service_counts(request).await
    }

    fn extent(&self, tenant: &TenantId) -> Extent {
        self.source.extent(tenant)
    }
}

/// What questions find, each as text, of a source whose next `times` scans are overtaken before each of them.
fn answers(times: usize) -> Vec<Result<String, ErrorKind>> {
    let spans = traces(
        "trace 1\n  web get 1..9\n    db ask 2..3\n    db ask 4..5\ntrace 2\n  web put 1..2\n",
    );
    let left = Arc::new(AtomicUsize::new(0));
    let source = Overtaken {
        source: MemorySource::new(spans, 1),
        left: left.clone(),
    };
    let engine = engine(source);
    let ask = |question: usize| {
        left.store(times, Ordering::SeqCst);
        answer(question_number(question, &engine))
    };
    (0..7).map(ask).collect()
}

async fn question_number(number: usize, engine: &Engine) -> Result<String, ErrorKind> {
    let tenant = TenantId::default_tenant();
    let (all, id) = (TimeRange::ALL, trace_id(1));
    let found = match number {
        0 => engine.trace(&tenant, id, all, None).await.map(|t| {
            let rows = t.map(|t| (t.batch.num_rows(), t.partial));
            format!("{rows:?}")
        }),
        1 => engine
            .span(&tenant, id, SpanId(2_u64.to_be_bytes()), None)
            .await
            .map(|t| format!("{:?}", t.map(|t| t.batch.num_rows()))),
        2 => engine
            .search(&request(Query::default()))
            .await
            .map(|s| format!("{} {:?}", s.traces.len(), s.partial)),
        3 => engine.operations(&tenant, "db", all, None).await.map(|o| {
            let counts: Vec<u64> = o.operations.iter().map(|o| o.span_count).collect();
            format!("{counts:?} {:?}", o.partial)
        }),
        4 => engine
            .attribute_names(&tenant, None, all, None)
            .await
            .map(|n| format!("{:?} {:?}", n.scopes, n.partial)),
        5 => {
            let request = AttributeValuesRequest {
                tenant,
                field: Field::Attribute {
                    scope: Scope::Resource,
                    name: "service.name".to_owned(),
                },
                filter: Query::default(),
                time: all,
                prefix: String::new(),
                limit: 10,
                deadline: None,
            };
            engine
                .attribute_values(&request)
                .await
                .map(|v| format!("{:?} {:?}", v.values, v.partial))
        }
        _ => {
            let ids = vec![id, trace_id(2)];
            let batches = engine
                .export_traces(&tenant, ids)
                .try_collect::<Vec<_>>()
                .await;
            batches.map(|b| {
                let rows: Vec<usize> = b.iter().map(|b| b.num_rows()).collect();
                format!("{rows:?}")
            })
        }
    };
    found.map_err(|e| e.kind())
}

fn trace_id(number: u128) -> TraceId {
    TraceId(number.to_be_bytes())
}

#[test]
fn a_question_that_is_overtaken_is_put_once_more() {
    let whole = answers(0);
    assert!(whole.iter().all(Result::is_ok), "{whole:?}");
    assert_eq!(answers(1), whole);
    let overtaken = answers(2);
    assert!(
        overtaken.iter().all(|a| *a == Err(ErrorKind::Overtaken)),
        "{overtaken:?}"
    );
}
