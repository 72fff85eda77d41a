//! Shipping: delivery quotes, computed by a "function" with warm and cold instances, and shipments.
//!
//! [`Fault::ColdStarts`] recycles an instance after three calls, so every third has to start one.

mod function;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use serde::Deserialize;

use self::function::QuoteFunction;
pub(crate) use self::function::ZONES;
use super::APP;
use super::contract::{Booked, Quote, Shipment};
use crate::failure::Failure;
use crate::instrument::{in_span, set, span};
use crate::process::Running;
use crate::{Error, Fault, ShopArgs};
use tokio::task::JoinSet;

/// Calls an instance serves under the fault.
const CALLS_BEFORE_RECYCLING: u32 = 3;

struct Shipping {
    quotes: QuoteFunction,
    shipments: AtomicU64,
}

pub(crate) async fn start(args: &ShopArgs) -> Result<Running, Error> {
    let calls_max = if args.faults().contains(Fault::ColdStarts) {
        CALLS_BEFORE_RECYCLING
    } else {
        u32::MAX
    };
    let quotes = QuoteFunction::deploy(&args.data_dir, calls_max).await?;
    let routes = Router::new()
        .route("/quotes", get(quote))
        .route("/shipments", post(ship))
        .with_state(Arc::new(Shipping {
            quotes,
            shipments: AtomicU64::new(1),
        }));
    Ok(Running::http(routes, JoinSet::new()))
}

#[derive(Deserialize)]
struct QuoteFor {
    zone: String,
    items: i64,
}

async fn quote(
    State(shipping): State<Arc<Shipping>>,
    Query(wanted): Query<QuoteFor>,
) -> Result<Json<Quote>, Failure> {
    set(KeyValue::new("app.shipping.zone", wanted.zone.clone()));
    shipping
        .quotes
        .invoke(&wanted.zone, wanted.items)
        .await
        .map(Json)
}

async fn ship(
    State(shipping): State<Arc<Shipping>>,
    Json(shipment): Json<Shipment>,
) -> Result<Json<Booked>, Failure> {
    set(KeyValue::new("app.order.id", shipment.order_id));
    set(KeyValue::new("app.shipping.zone", shipment.zone.clone()));
    let span = span("label.print", SpanKind::Internal);
    let tracking_id = in_span(APP, span, async {
        let number = shipping.shipments.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number:07}", shipment.zone.to_uppercase())
    })
    .await;
    Ok(Json(Booked { tracking_id }))
}
