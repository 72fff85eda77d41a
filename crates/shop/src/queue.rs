//! The in-process queues of the worker: published to over HTTP, consumed in batches.
//!
//! A message carries headers beside its body, as messages of any broker do, and the producer writes its trace
//! context there. The consumer's `process` span continues that trace and links to the `receive` span of its batch; the
//! `receive` span is a trace of its own, since a batch has many parents, and links to every producer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry::context::FutureExt;
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::{Link, SpanBuilder, SpanContext, SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue, global};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::instrument::{mark_failed, span, start};
use crate::process::Stop;

const SCOPE: &str = "shop.queue";

/// Messages a queue holds before it refuses more.
const DEPTH_MAX: usize = 1_000;

/// Messages taken at once.
const BATCH_MAX: usize = 8;

/// A message on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    /// Metadata such as `traceparent`.
    #[serde(default)]
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: serde_json::Value,
}

impl Message {
    pub(crate) fn new(id: String, body: serde_json::Value) -> Self {
        Message {
            id,
            headers: HashMap::new(),
            body,
        }
    }

    /// The trace context its producer wrote, or an empty one.
    fn context(&self) -> Context {
        global::get_text_map_propagator(|propagator| {
            propagator.extract_with_context(&Context::new(), &Read(&self.headers))
        })
    }

    fn producer(&self) -> Option<SpanContext> {
        let producer = self.context().span().span_context().clone();
        producer.is_valid().then_some(producer)
    }
}

/// Sends `message` by `deliver` in a producer span, with the span's context in the message's headers.
///
/// `propagates` is false under [`crate::Fault::LostContext`].
pub(crate) async fn send<F>(
    queue: &'static str,
    mut message: Message,
    propagates: bool,
    deliver: impl FnOnce(Message) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let span = describe("send", queue, SpanKind::Producer, &message);
    let cx = start(SCOPE, span, &Context::current());
    if propagates {
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&cx, &mut Write(&mut message.headers));
        });
    }
    let out = deliver(message).with_context(cx.clone()).await;
    if let Err(failure) = &out {
        mark_failed(&cx, failure);
    }
    cx.span().end();
    out
}

/// The sending end of a queue, inside the worker.
pub(crate) struct Queue {
    name: &'static str,
    sender: mpsc::Sender<Message>,
    depth: std::sync::Arc<AtomicUsize>,
}

/// The receiving end.
pub(crate) struct Consumer {
    name: &'static str,
    receiver: mpsc::Receiver<Message>,
    depth: std::sync::Arc<AtomicUsize>,
}

/// Makes a queue that holds at most [`DEPTH_MAX`] messages.
pub(crate) fn queue(name: &'static str) -> (Queue, Consumer) {
    let (sender, receiver) = mpsc::channel(DEPTH_MAX);
    let depth = std::sync::Arc::new(AtomicUsize::new(0));
    (
        Queue {
            name,
            sender,
            depth: depth.clone(),
        },
        Consumer {
            name,
            receiver,
            depth,
        },
    )
}

impl Queue {
    /// Puts a message in and returns how many then wait.
    ///
    /// Errors: [`Failure::QueueFull`]; the caller may try again later.
    pub(crate) fn publish(&self, message: Message) -> Result<usize, Failure> {
        self.sender
            .try_send(message)
            .map_err(|_| Failure::QueueFull(self.name))?;
        Ok(self.depth.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl Consumer {
    /// Hands every message to `work`, batch after batch, until the process is to end or the queue is gone.
    pub(crate) async fn run<F>(mut self, mut stop: Stop, work: impl Fn(Message) -> F)
    where
        F: Future<Output = Result<(), Failure>>,
    {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        loop {
            let received = tokio::select! {
                biased;
                received = self.receiver.recv_many(&mut batch, BATCH_MAX) => received,
                () = stop.stopped() => 0,
            };
            if received == 0 {
                return;
            }
            self.depth.fetch_sub(batch.len(), Ordering::Relaxed);
            let receive = self.receive_span(&batch);
            for message in batch.drain(..) {
                process(self.name, &receive, message, &work).await;
            }
        }
    }

    /// The span of taking a batch, a trace of its own that links to every producer.
    fn receive_span(&self, batch: &[Message]) -> SpanContext {
        let links = batch.iter().filter_map(Message::producer);
        let span = span(format!("receive {}", self.name), SpanKind::Client)
            .with_attributes([
                KeyValue::new("messaging.system", "shop_queue"),
                KeyValue::new("messaging.operation.name", "receive"),
                KeyValue::new("messaging.operation.type", "receive"),
                KeyValue::new("messaging.destination.name", self.name),
                KeyValue::new("messaging.batch.message_count", batch.len() as i64),
                KeyValue::new("app.queue.depth", self.depth.load(Ordering::Relaxed) as i64),
            ])
            .with_links(
                links
                    .map(|producer| Link::new(producer, vec![], 0))
                    .collect(),
            );
        let cx = start(SCOPE, span, &Context::new());
        cx.span().end();
        cx.span().span_context().clone()
    }
}

async fn process<F>(
    queue: &'static str,
    receive: &SpanContext,
    message: Message,
    work: impl Fn(Message) -> F,
) where
    F: Future<Output = Result<(), Failure>>,
{
    let span = describe("process", queue, SpanKind::Consumer, &message)
        .with_links(vec![Link::new(receive.clone(), vec![], 0)]);
    let cx = start(SCOPE, span, &message.context());
    if let Err(failure) = work(message).with_context(cx.clone()).await {
        mark_failed(&cx, &failure);
    }
    cx.span().end();
}

fn describe(verb: &'static str, queue: &str, kind: SpanKind, message: &Message) -> SpanBuilder {
    span(format!("{verb} {queue}"), kind).with_attributes([
        KeyValue::new("messaging.system", "shop_queue"),
        KeyValue::new("messaging.operation.name", verb),
        KeyValue::new("messaging.operation.type", verb),
        KeyValue::new("messaging.destination.name", queue.to_owned()),
        KeyValue::new("messaging.message.id", message.id.clone()),
    ])
}

struct Read<'a>(&'a HashMap<String, String>);

impl Extractor for Read<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

struct Write<'a>(&'a mut HashMap<String, String>);

impl Injector for Write<'_> {
    fn set(&mut self, key: &str, value: String) {
        self.0.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn messages_come_out_in_order_and_the_consumer_ends_with_the_queue() {
        let (queue, consumer) = queue("orders");
        for n in 0..20 {
            let depth = queue
                .publish(Message::new(n.to_string(), json!({ "n": n })))
                .unwrap();
            assert_eq!(depth, n + 1);
        }
        drop(queue);
        let seen = Mutex::new(Vec::new());
        let work = async |message: Message| {
            seen.lock().unwrap().push(message.id);
            Ok(())
        };
        let (never, _sender) = Stop::never();
        consumer.run(never, work).await;
        let expected: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        assert_eq!(*seen.lock().unwrap(), expected);
    }

    #[tokio::test]
    async fn a_full_queue_refuses() {
        let (queue, _consumer) = queue("orders");
        for n in 0..DEPTH_MAX {
            queue
                .publish(Message::new(n.to_string(), json!(null)))
                .unwrap();
        }
        let refused = queue.publish(Message::new("late".into(), json!(null)));
        assert!(matches!(refused, Err(Failure::QueueFull("orders"))));
    }
}
