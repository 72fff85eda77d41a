//! The way of ended spans: each pod's exporter, then the gateway collector that merges what the pods send.

use std::collections::VecDeque;

use crate::encode::{Encoder, Ended, Envelope, Journey, SCOPES};
use crate::world::World;

/// Most spans that an exporter sends at once. Source: the OpenTelemetry SDK's batch span processor, `maxExportBatchSize`.
const EXPORT_SPANS_MAX: u32 = 512;

/// How long an exporter waits. Source: the same, `scheduledDelayMillis`.
const EXPORT_DELAY_NANO: u64 = 5_000_000_000;

/// At how many spans the gateway sends; the export that reaches it goes along whole, so that requests are a tenth larger.
const GATEWAY_SPANS: u32 = 2_048;

/// A request as a collector sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// OTLP `ExportTraceServiceRequest`, protobuf.
    pub body: Vec<u8>,
    /// Spans in it.
    pub n_spans: u32,
    /// Resources in it.
    pub n_resources: u32,
}

/// All exporters and the gateway.
#[derive(Debug)]
pub(crate) struct Exporters {
    encoder: Encoder,
    pods: Vec<Exporter>,
    gateway: Request,
    body_bytes: usize,
    ready: VecDeque<Request>,
}

#[derive(Debug)]
struct Exporter {
    envelope: Envelope,
    spans: [Vec<u8>; SCOPES],
    n_spans: u32,
    due_unix_nano: u64,
}

impl Exporters {
    pub(crate) fn new(world: &World, seed: u64, start_unix_nano: u64) -> Self {
        let n_pods = world.pods.len() as u64;
        let exporter = |pod| Exporter {
            envelope: Envelope::new(world, pod),
            spans: Default::default(),
            n_spans: 0,
            // Pods did not start at the same moment.
            due_unix_nano: start_unix_nano + EXPORT_DELAY_NANO * (u64::from(pod) + 1) / n_pods,
        };
        Self {
            encoder: Encoder::new(world, seed),
            pods: (0..world.pods.len() as u16).map(exporter).collect(),
            gateway: empty(0),
            body_bytes: 0,
            ready: VecDeque::new(),
        }
    }

    /// Encodes a span and exports its pod's batch when that is full.
    pub(crate) fn take(&mut self, span: &Ended, journey: &Journey) {
        let number = usize::from(span.pod);
        let pod = &mut self.pods[number];
        let scope = self.encoder.scope_of(span.operation);
        self.encoder.span(&mut pod.spans[scope], span, journey);
        pod.n_spans += 1;
        if pod.n_spans == EXPORT_SPANS_MAX {
            pod.due_unix_nano = span.end_unix_nano + EXPORT_DELAY_NANO;
            self.export(number);
        }
    }

    /// Exports the batches of pods that waited long enough.
    pub(crate) fn tick(&mut self, now_unix_nano: u64) {
        for number in 0..self.pods.len() {
            let pod = &mut self.pods[number];
            if pod.due_unix_nano <= now_unix_nano {
                pod.due_unix_nano = now_unix_nano + EXPORT_DELAY_NANO;
                self.export(number);
            }
        }
    }

    /// Exports everything.
    pub(crate) fn close(&mut self) {
        for number in 0..self.pods.len() {
            self.export(number);
        }
        if self.gateway.n_spans > 0 {
            self.send();
        }
    }

    /// The next request that the gateway sent.
    pub(crate) fn pop(&mut self) -> Option<Request> {
        self.ready.pop_front()
    }

    fn export(&mut self, number: usize) {
        let pod = &mut self.pods[number];
        if pod.n_spans == 0 {
            return;
        }
        pod.envelope.wrap(&mut self.gateway.body, &pod.spans);
        self.gateway.n_spans += pod.n_spans;
        self.gateway.n_resources += 1;
        pod.n_spans = 0;
        pod.spans.iter_mut().for_each(Vec::clear);
        if self.gateway.n_spans >= GATEWAY_SPANS {
            self.send();
        }
    }

    fn send(&mut self) {
        self.body_bytes = self.body_bytes.max(self.gateway.body.len());
        let next = empty(self.body_bytes);
        self.ready
            .push_back(std::mem::replace(&mut self.gateway, next));
    }
}

fn empty(body_bytes: usize) -> Request {
    Request {
        body: Vec::with_capacity(body_bytes),
        n_spans: 0,
        n_resources: 0,
    }
}
