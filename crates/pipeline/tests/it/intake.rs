//! Redact, then append, then count.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use columnar::to_model;
use model::{KeyValue, Span, TenantId};
use pipeline::{Intake, Received, RedactionConfig, Redactor};
use store_api::{Append, Appended, Error, ErrorKind, RequestDigest, SpanSink};
use telemetry::{AppendLabels, IntakeMetrics, RedactionHit, Transport};

use crate::support::{batch, plain_span};

/// Remembers what it was given and answers as told.
struct Sink {
    answer: Result<Appended, ErrorKind>,
    seen: Mutex<Vec<Append>>,
}

#[async_trait]
impl SpanSink for Sink {
    async fn append(&self, append: Append) -> Result<Appended, Error> {
        self.seen
            .lock()
            .expect("no test panics while it holds this")
            .push(append);
        self.answer.map_err(|kind| Error::new(kind, "told to fail"))
    }
}

struct Setup {
    sink: Arc<Sink>,
    metrics: IntakeMetrics,
    intake: Intake,
}

fn setup(answer: Result<Appended, ErrorKind>) -> Setup {
    let sink = Arc::new(Sink {
        answer,
        seen: Mutex::default(),
    });
    let metrics = IntakeMetrics::default();
    let redactor = Redactor::new(&RedactionConfig::default()).expect("the default is right");
    Setup {
        intake: Intake::new(sink.clone(), redactor, metrics.clone()),
        sink,
        metrics,
    }
}

impl Setup {
    fn accepted(&self) -> u64 {
        self.metrics.spans_accepted.get_or_create(&LABELS).get()
    }

    fn duplicates(&self) -> u64 {
        self.metrics.requests_duplicate.get_or_create(&LABELS).get()
    }

    fn hits(&self, rule: &str, attribute: &str) -> u64 {
        let series = RedactionHit {
            rule: rule.into(),
            attribute: attribute.into(),
        };
        self.metrics.redaction_hits.get_or_create(&series).get()
    }
}

const LABELS: AppendLabels = AppendLabels {
    transport: Transport::otlp_http,
};

fn received(spans: &[Span]) -> Received {
    Received {
        tenant: TenantId::default_tenant(),
        digest: RequestDigest([9; 16]),
        transport: LABELS.transport,
        batch: batch(spans),
    }
}

fn span_with(key: &str, value: &str) -> Span {
    Span {
        attributes: vec![KeyValue::new(key, value)],
        ..plain_span()
    }
}

#[tokio::test]
async fn the_sink_sees_redacted_spans_only_and_then_they_are_counted() {
    let setup = setup(Ok(Appended::Stored));
    // One small batch, refined in place, and one large, refined on another thread.
    for n in [2, 2_000] {
        let spans = vec![span_with("password", "hunter2"); n];
        let before = (setup.accepted(), setup.hits("credential-key", "password"));
        let answer = setup.intake.accept(received(&spans)).await.unwrap();
        assert_eq!(answer, Appended::Stored);
        let append = setup.sink.seen.lock().unwrap().pop().unwrap();
        assert_eq!(append.digest, RequestDigest([9; 16]));
        assert!(!format!("{:?}", to_model(&append.batch)).contains("hunter2"));
        assert_eq!(setup.accepted() - before.0, n as u64);
        assert_eq!(
            setup.hits("credential-key", "password") - before.1,
            n as u64
        );
    }
}

#[tokio::test]
async fn duplicates_are_counted_as_such_and_failures_not_at_all() {
    let duplicate = setup(Ok(Appended::Duplicate));
    let spans = [span_with("password", "hunter2")];
    let answer = duplicate.intake.accept(received(&spans)).await.unwrap();
    assert_eq!(answer, Appended::Duplicate);
    assert_eq!((duplicate.accepted(), duplicate.duplicates()), (0, 1));
    assert_eq!(duplicate.hits("credential-key", "password"), 0);

    let failing = setup(Err(ErrorKind::Unavailable));
    let error = failing.intake.accept(received(&spans)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!((failing.accepted(), failing.duplicates()), (0, 0));
    assert_eq!(failing.hits("credential-key", "password"), 0);
}

#[tokio::test]
async fn an_empty_batch_does_not_reach_the_sink() {
    let setup = setup(Err(ErrorKind::Unavailable));
    let answer = setup.intake.accept(received(&[])).await.unwrap();
    assert_eq!(answer, Appended::Stored);
    assert!(setup.sink.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_batch_of_another_schema_is_our_bug() {
    let setup = setup(Ok(Appended::Stored));
    let mut received = received(&[plain_span()]);
    received.batch = received.batch.project(&[0]).unwrap();
    let error = setup.intake.accept(received).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Internal);
    assert!(setup.sink.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn series_of_hits_are_bounded_and_their_labels_redacted() {
    let setup = setup(Ok(Appended::Stored));
    let spans: Vec<Span> = (0..1_500)
        .map(|i| span_with(&format!("k{i}.password"), "hunter2"))
        .chain([span_with("ada@example.com", "x")])
        .collect();
    setup.intake.accept(received(&spans)).await.unwrap();
    let other = setup.hits("credential-key", "other");
    assert!((500..=501).contains(&other), "{other}");
    let mut text = String::new();
    let mut registry = telemetry::Registry::default();
    registry.register("hits", "", setup.metrics.redaction_hits.clone());
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    assert!(
        text.contains("k0.password")
            || text.contains("k1.password")
            || text.contains("k2.password")
    );
    assert!(!text.contains("ada@example.com") && !text.contains("hunter2"));
}
