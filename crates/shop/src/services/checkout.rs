//! Checkout: turns a cart into a paid order and tells the worker.
//!
//! [`Fault::RetryStorm`] is a change of two numbers: how long a charge may take and how often it is tried.
//! [`Fault::LostContext`] sends messages without trace headers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use tonic::transport::{Channel, Endpoint};

use super::APP;
use super::contract::{Cart, Done, Order, OrderRequest, PaidOrder, Quote};
use super::payments::CHARGE;
use super::payments::proto::payments_client::PaymentsClient;
use super::payments::proto::{ChargeReply, ChargeRequest};
use crate::db::{Database, PoolSize, Statement};
use crate::failure::Failure;
use crate::instrument::http_client::{Call, HttpPeer};
use crate::instrument::{grpc, set, span, try_in_span};
use crate::process::Running;
use crate::queue::{self, Message};
use crate::{Error, Fault, Service, ShopArgs};
use tokio::task::JoinSet;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS orders (
        order_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, total_cents INTEGER NOT NULL,
        state TEXT NOT NULL
    ) WITHOUT ROWID;
";

const CREATE: Statement = Statement {
    operation: "INSERT",
    collection: "orders",
    text: "INSERT INTO orders (order_id, customer_id, total_cents, state) VALUES (?, ?, ?, 'pending')",
};

const SETTLE: Statement = Statement {
    operation: "UPDATE",
    collection: "orders",
    text: "UPDATE orders SET state = ? WHERE order_id = ?",
};

/// How a charge is tried.
#[derive(Clone, Copy)]
struct Patience {
    wait_ms: u64,
    attempts: u32,
    /// Pause before the second attempt, doubled for each one after.
    backoff: Duration,
}

const PATIENT: Patience = Patience {
    wait_ms: 3_000,
    attempts: 2,
    backoff: Duration::from_millis(100),
};

/// What [`Fault::RetryStorm`] sets: shorter than the bank takes, many times, at once.
const IMPATIENT: Patience = Patience {
    wait_ms: 120,
    attempts: 12,
    backoff: Duration::ZERO,
};

struct Checkout {
    database: Database,
    cart: HttpPeer,
    shipping: HttpPeer,
    worker: HttpPeer,
    /// One connection for each instance of payments, used in turn.
    payments: Vec<(SocketAddr, PaymentsClient<Channel>)>,
    next_payments: AtomicUsize,
    next_order: AtomicU64,
    order_prefix: String,
    patience: Patience,
    propagates: bool,
}

pub(crate) async fn start(args: &ShopArgs) -> Result<Running, Error> {
    let faults = args.faults();
    let payments = args
        .peers(Service::Payments)?
        .into_iter()
        .map(connect)
        .collect();
    let checkout = Checkout {
        database: Database::open(&args.data_dir, "orders", PoolSize::default(), SCHEMA).await?,
        cart: super::peer(args, Service::Cart)?,
        shipping: super::peer(args, Service::Shipping)?,
        worker: super::peer(args, Service::Worker)?,
        payments,
        next_payments: AtomicUsize::new(0),
        next_order: AtomicU64::new(1),
        // Differs from one start to the next, so that a data folder can be used again.
        order_prefix: format!("ord-{:x}", std::process::id()),
        patience: if faults.contains(Fault::RetryStorm) {
            IMPATIENT
        } else {
            PATIENT
        },
        propagates: !faults.contains(Fault::LostContext),
    };
    let routes = Router::new()
        .route("/orders", post(order))
        .with_state(Arc::new(checkout));
    Ok(Running::http(routes, JoinSet::new()))
}

/// A connection that is made when first used.
fn connect(address: SocketAddr) -> (SocketAddr, PaymentsClient<Channel>) {
    let endpoint =
        Endpoint::from_shared(format!("http://{address}")).expect("an address makes a valid URI");
    (address, PaymentsClient::new(endpoint.connect_lazy()))
}

async fn order(
    State(checkout): State<Arc<Checkout>>,
    Json(request): Json<OrderRequest>,
) -> Result<Json<Order>, Failure> {
    checkout.order(request).await.map(Json)
}

impl Checkout {
    async fn order(&self, request: OrderRequest) -> Result<Order, Failure> {
        let number = self.next_order.fetch_add(1, Ordering::Relaxed);
        let order_id = format!("{}-{number:06}", self.order_prefix);
        set(KeyValue::new("app.order.id", order_id.clone()));
        set(KeyValue::new("enduser.id", request.customer_id.clone()));

        let (items, total_cents) = self.price(&request).await?;
        set(KeyValue::new("app.order.total_cents", total_cents));
        self.create(&order_id, &request.customer_id, total_cents)
            .await?;

        let charge = ChargeRequest {
            idempotency_key: order_id.clone(),
            customer_id: request.customer_id.clone(),
            amount_cents: total_cents,
            currency: "EUR".to_owned(),
            card_number: request.card_number.clone(),
        };
        let paid = match self.charge(charge).await {
            Ok(paid) => paid,
            Err(failure) => {
                self.settle(&order_id, "failed").await?;
                return Err(failure);
            }
        };
        self.settle(&order_id, "paid").await?;
        self.empty_cart(&request.cart_id).await?;
        self.tell_worker(&order_id, request, items).await?;
        Ok(Order {
            order_id,
            payment_id: paid.payment_id,
            total_cents,
        })
    }

    /// What the cart holds and costs, delivery included.
    async fn price(&self, request: &OrderRequest) -> Result<(i64, i64), Failure> {
        let path = format!("/carts/{}", request.cart_id);
        let cart: Cart = self.cart.send(Call::get("/carts/{cart_id}", path)).await?;
        let items: i64 = cart.items.iter().map(|item| item.quantity).sum();
        set(KeyValue::new("app.cart.items", items));
        if items == 0 {
            return Err(Failure::Invalid("the cart is empty"));
        }
        let path = format!("/quotes?zone={}&items={items}", request.zone);
        let quote: Quote = self.shipping.send(Call::get("/quotes", path)).await?;
        Ok((items, cart.total_cents + quote.cents))
    }

    /// Charges the card, again when an instance of payments does not answer; not when it answers no.
    async fn charge(&self, charge: ChargeRequest) -> Result<ChargeReply, Failure> {
        let span = span("payment.charge", SpanKind::Internal).with_attributes([KeyValue::new(
            "app.retry.attempts_max",
            i64::from(self.patience.attempts),
        )]);
        try_in_span(APP, span, async {
            let mut backoff = self.patience.backoff;
            let mut attempt = 1;
            loop {
                let failure = match self.charge_once(&charge, attempt).await {
                    Ok(reply) => return Ok(reply),
                    Err(failure) => failure,
                };
                let may_retry = matches!(
                    failure,
                    Failure::Timeout { .. }
                        | Failure::Rpc {
                            code: tonic::Code::Unavailable,
                            ..
                        }
                );
                if !may_retry || attempt == self.patience.attempts {
                    return Err(failure);
                }
                tokio::time::sleep(backoff).await;
                backoff *= 2;
                attempt += 1;
            }
        })
        .await
    }

    async fn charge_once(
        &self,
        charge: &ChargeRequest,
        attempt: u32,
    ) -> Result<ChargeReply, Failure> {
        let turn = self.next_payments.fetch_add(1, Ordering::Relaxed) % self.payments.len();
        let (address, client) = &self.payments[turn];
        let attributes = vec![
            KeyValue::new("server.address", address.ip().to_string()),
            KeyValue::new("server.port", i64::from(address.port())),
            KeyValue::new("app.retry.attempt", i64::from(attempt)),
        ];
        let mut client = client.clone();
        let send = |request| async move { client.charge(request).await };
        let peer = Service::Payments.name();
        grpc::call(
            CHARGE,
            peer,
            self.patience.wait_ms,
            attributes,
            charge.clone(),
            send,
        )
        .await
    }

    async fn create(&self, order_id: &str, customer_id: &str, cents: i64) -> Result<(), Failure> {
        let mut conn = self.database.acquire().await?;
        let query = sqlx::query(CREATE.text)
            .bind(order_id.to_owned())
            .bind(customer_id.to_owned())
            .bind(cents);
        self.database
            .observe(&CREATE, query.execute(&mut *conn))
            .await?;
        Ok(())
    }

    async fn settle(&self, order_id: &str, state: &'static str) -> Result<(), Failure> {
        let mut conn = self.database.acquire().await?;
        let query = sqlx::query(SETTLE.text)
            .bind(state)
            .bind(order_id.to_owned());
        self.database
            .observe(&SETTLE, query.execute(&mut *conn))
            .await?;
        Ok(())
    }

    async fn empty_cart(&self, cart_id: &str) -> Result<(), Failure> {
        let call = Call::delete("/carts/{cart_id}", format!("/carts/{cart_id}"));
        let _: Done = self.cart.send(call).await?;
        Ok(())
    }

    /// Publishes the paid order; the worker fulfils it in its own time.
    async fn tell_worker(
        &self,
        order_id: &str,
        request: OrderRequest,
        items: i64,
    ) -> Result<(), Failure> {
        let paid = PaidOrder {
            order_id: order_id.to_owned(),
            customer_id: request.customer_id,
            email: request.email,
            zone: request.zone,
            items,
        };
        let message = Message::new(order_id.to_owned(), serde_json::json!(paid));
        queue::send("orders", message, self.propagates, async |message| {
            let path = "/queues/orders/messages".to_owned();
            let mut call = Call::post("/queues/{queue}/messages", path, &message);
            if !self.propagates {
                call = call.without_trace_headers();
            }
            let _: Done = self.worker.send(call).await?;
            Ok(())
        })
        .await
    }
}
