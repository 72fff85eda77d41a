//! Properties of the decoders, with `prost` and the generated messages as the oracle.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod generated;
mod hostile_bytes;
mod logs;
mod seeds;

use columnar::{BatchBuilder, to_model};
use model::{Span, TenantId};
use wire::otlp::Decoded;

fn batch(decoded: Decoded) -> arrow::array::RecordBatch {
    decoded.rows.finish(&TenantId::default_tenant(), 0)
}

fn spans(decoded: Decoded) -> Vec<Span> {
    to_model(&batch(decoded)).unwrap()
}
