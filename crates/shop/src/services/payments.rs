//! Payments: charges cards over gRPC, once for each order.
//!
//! [`Fault::BadRelease`] shows in [`issuer`], which release 4.7.1 changed. [`Fault::RetryStorm`] begins here: the bank
//! becomes slow, and callers that do not wait multiply its work, because a charge goes on when its caller has hung up.

mod issuer;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use opentelemetry::trace::{SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use tonic::{Request, Response, Status};

pub(crate) use self::issuer::CardDeclined;
use self::proto::payments_server::{Payments, PaymentsServer};
use self::proto::{ChargeReply, ChargeRequest};
use super::APP;
use super::contract::{Done, Posting};
use crate::db::{Database, PoolSize, Statement};
use crate::dice::Dice;
use crate::failure::Failure;
use crate::instrument::grpc::{self, Method};
use crate::instrument::http_client::{Call, HttpPeer};
use crate::instrument::{exception, set, span, try_in_span};
use crate::process::Running;
use crate::{Error, Fault, Service, ShopArgs};

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    reason = "generated from proto/payments.proto"
)]
pub(crate) mod proto {
    tonic::include_proto!("shop.payments.v1");
}

pub(crate) const CHARGE: Method = Method {
    service: "shop.payments.v1.Payments",
    method: "Charge",
};

/// How long the bank takes to say yes: lowest and highest, in milliseconds.
const BANK_MS: (u64, u64) = (8, 20);

/// The same on the bank's bad day.
const SLOW_BANK_MS: (u64, u64) = (350, 700);

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS payments (
        idempotency_key TEXT PRIMARY KEY, payment_id TEXT NOT NULL, customer_id TEXT NOT NULL,
        amount_cents INTEGER NOT NULL, network TEXT NOT NULL
    ) WITHOUT ROWID;
";

const FIND: Statement = Statement {
    operation: "SELECT",
    collection: "payments",
    text: "SELECT payment_id, network FROM payments WHERE idempotency_key = ?",
};

const STORE: Statement = Statement {
    operation: "INSERT",
    collection: "payments",
    text: "INSERT OR IGNORE INTO payments \
           (idempotency_key, payment_id, customer_id, amount_cents, network) VALUES (?, ?, ?, ?, ?)",
};

struct Desk {
    database: Database,
    ledger: HttpPeer,
    release: String,
    bank_ms: (u64, u64),
    /// A plain mutex: held for one throw of the dice.
    dice: Mutex<Dice>,
}

struct Grpc(Arc<Desk>);

pub(crate) async fn start(args: &ShopArgs) -> Result<Running, Error> {
    let slow_bank = args.faults().contains(Fault::RetryStorm);
    let desk = Desk {
        database: Database::open(&args.data_dir, "payments", PoolSize::default(), SCHEMA).await?,
        ledger: super::peer(args, Service::Ledger)?,
        release: args.release().to_owned(),
        bank_ms: if slow_bank { SLOW_BANK_MS } else { BANK_MS },
        dice: Mutex::new(Dice::new(args.seed)),
    };
    let service = PaymentsServer::new(Grpc(Arc::new(desk)));
    // Untraced as HTTP: the gRPC span of `instrument::grpc` is the server span.
    Ok(Running::grpc(Router::new().route_service(
        "/shop.payments.v1.Payments/{*method}",
        service,
    )))
}

#[tonic::async_trait]
impl Payments for Grpc {
    async fn charge(
        &self,
        request: Request<ChargeRequest>,
    ) -> Result<Response<ChargeReply>, Status> {
        let desk = self.0.clone();
        let (metadata, _, charge) = request.into_parts();
        grpc::serve(CHARGE, &metadata, async move { desk.charge(charge).await }).await
    }
}

impl Desk {
    async fn charge(&self, charge: ChargeRequest) -> Result<ChargeReply, Failure> {
        set(KeyValue::new("enduser.id", charge.customer_id.clone()));
        set(KeyValue::new(
            "app.order.id",
            charge.idempotency_key.clone(),
        ));
        set(KeyValue::new(
            "app.payment.amount_cents",
            charge.amount_cents,
        ));
        if charge.amount_cents <= 0 {
            return Err(Failure::Invalid("the amount is not positive"));
        }
        if let Some((payment_id, network)) = self.find(&charge.idempotency_key).await? {
            set(KeyValue::new("app.payment.repeated", true));
            return Ok(ChargeReply {
                payment_id,
                network,
                repeated: true,
            });
        }
        let network = self.authorise(&charge).await?.to_owned();
        let payment_id = format!("pay-{}", charge.idempotency_key);
        self.store(&charge, &payment_id, &network).await?;
        let posting = Posting {
            payment_id: payment_id.clone(),
            customer_id: charge.customer_id,
            amount_cents: charge.amount_cents,
        };
        let _: Done = self
            .ledger
            .send(Call::post("/postings", "/postings".into(), &posting))
            .await?;
        Ok(ChargeReply {
            payment_id,
            network,
            repeated: false,
        })
    }

    /// Finds the card's network and asks the bank.
    async fn authorise(&self, charge: &ChargeRequest) -> Result<&'static str, Failure> {
        // Somebody thought this would help with debugging: the card number has no business in a span.
        let span = span("card.authorise", SpanKind::Internal).with_attributes([
            KeyValue::new("app.payment.card_number", charge.card_number.clone()),
            KeyValue::new("app.payment.currency", charge.currency.clone()),
        ]);
        try_in_span(APP, span, async {
            let network = match issuer::network(&self.release, &charge.card_number) {
                Ok(network) => network,
                Err(declined) => {
                    let failure = Failure::CardDeclined(declined);
                    exception::record(&Context::current(), &failure);
                    return Err(failure);
                }
            };
            set(KeyValue::new("app.payment.network", network));
            tokio::time::sleep(self.bank_time()).await;
            Context::current()
                .span()
                .add_event("bank.authorised", vec![]);
            Ok(network)
        })
        .await
    }

    /// How long the bank takes this time.
    fn bank_time(&self) -> Duration {
        let (low, high) = self.bank_ms;
        self.dice
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .millis(low, high)
    }

    async fn find(&self, key: &str) -> Result<Option<(String, String)>, Failure> {
        let mut conn = self.database.acquire().await?;
        let query = sqlx::query_as(FIND.text).bind(key.to_owned());
        self.database
            .observe(&FIND, query.fetch_optional(&mut *conn))
            .await
    }

    async fn store(&self, charge: &ChargeRequest, id: &str, network: &str) -> Result<(), Failure> {
        let mut conn = self.database.acquire().await?;
        let query = sqlx::query(STORE.text)
            .bind(charge.idempotency_key.clone())
            .bind(id.to_owned())
            .bind(charge.customer_id.clone())
            .bind(charge.amount_cents)
            .bind(network.to_owned());
        self.database
            .observe(&STORE, query.execute(&mut *conn))
            .await?;
        Ok(())
    }
}
