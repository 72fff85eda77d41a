//! Worker: holds the queues, fulfils orders and notifies customers.
//!
//! Other services publish with `POST /queues/{queue}/messages`. Orders are stored and handed to shipping; each then
//! becomes a message on the second queue, from which e-mails are sent.

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use opentelemetry::trace::{SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use tokio::task::JoinSet;

use super::APP;
use super::contract::{Booked, Done, Notification, PaidOrder, Shipment};
use crate::db::{Database, PoolSize, Statement};
use crate::failure::Failure;
use crate::instrument::http_client::{Call, HttpPeer};
use crate::instrument::{in_span, set, span};
use crate::process::{Running, Stop};
use crate::queue::{self, Message, Queue};
use crate::{Error, Service, ShopArgs};

const NOTIFICATIONS: &str = "notifications";

/// How long the mail server takes to accept a message.
const MAIL: Duration = Duration::from_millis(12);

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS fulfilments (
        order_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, items INTEGER NOT NULL,
        tracking_id TEXT NOT NULL
    ) WITHOUT ROWID;
";

const STORE: Statement = Statement {
    operation: "INSERT",
    collection: "fulfilments",
    text: "INSERT OR IGNORE INTO fulfilments (order_id, customer_id, items, tracking_id) \
           VALUES (?, ?, ?, ?)",
};

struct Worker {
    database: Database,
    shipping: HttpPeer,
    orders: Queue,
    notifications: Queue,
}

pub(crate) async fn start(args: &ShopArgs, stop: &Stop) -> Result<Running, Error> {
    let (orders, order_consumer) = queue::queue("orders");
    let (notifications, notification_consumer) = queue::queue(NOTIFICATIONS);
    let worker = Arc::new(Worker {
        database: open(&args.data_dir).await?,
        shipping: super::peer(args, Service::Shipping)?,
        orders,
        notifications,
    });
    let mut tasks = JoinSet::new();
    let fulfiller = worker.clone();
    tasks.spawn(order_consumer.run(stop.clone(), move |message| {
        fulfil(fulfiller.clone(), message)
    }));
    tasks.spawn(notification_consumer.run(stop.clone(), notify));
    let routes = Router::new()
        .route("/queues/{queue}/messages", post(publish))
        .with_state(worker);
    Ok(Running::http(routes, tasks))
}

async fn open(folder: &FilePath) -> Result<Database, sqlx::Error> {
    Database::open(folder, "fulfilment", PoolSize::default(), SCHEMA).await
}

async fn publish(
    State(worker): State<Arc<Worker>>,
    Path(queue): Path<String>,
    Json(message): Json<Message>,
) -> Result<Json<Done>, Failure> {
    let queue = match queue.as_str() {
        "orders" => &worker.orders,
        NOTIFICATIONS => &worker.notifications,
        _ => return Err(Failure::NotFound("queue")),
    };
    let depth = queue.publish(message)?;
    set(KeyValue::new("app.queue.depth", depth as i64));
    Ok(Json(Done { ok: true }))
}

async fn fulfil(worker: Arc<Worker>, message: Message) -> Result<(), Failure> {
    let order: PaidOrder = read(message)?;
    set(KeyValue::new("app.order.id", order.order_id.clone()));
    set(KeyValue::new("enduser.id", order.customer_id.clone()));
    let shipment = Shipment {
        order_id: order.order_id.clone(),
        zone: order.zone,
    };
    let call = Call::post("/shipments", "/shipments".into(), &shipment);
    let booked: Booked = worker.shipping.send(call).await?;

    let mut conn = worker.database.acquire().await?;
    let query = sqlx::query(STORE.text)
        .bind(order.order_id.clone())
        .bind(order.customer_id)
        .bind(order.items)
        .bind(booked.tracking_id);
    worker
        .database
        .observe(&STORE, query.execute(&mut *conn))
        .await?;
    drop(conn);

    let notification = Notification {
        order_id: order.order_id.clone(),
        email: order.email,
        template: "order-shipped".to_owned(),
    };
    let message = Message::new(
        format!("mail-{}", order.order_id),
        serde_json::json!(notification),
    );
    queue::send(NOTIFICATIONS, message, true, async |message| {
        worker.notifications.publish(message).map(drop)
    })
    .await
}

async fn notify(message: Message) -> Result<(), Failure> {
    let notification: Notification = read(message)?;
    set(KeyValue::new("app.order.id", notification.order_id));
    // The address has no business in a span; it is here so that redaction has something to do.
    let span = span("email.send", SpanKind::Internal).with_attributes([
        KeyValue::new("app.customer.email", notification.email),
        KeyValue::new("app.email.template", notification.template),
    ]);
    in_span(APP, span, async {
        tokio::time::sleep(MAIL).await;
        Context::current().span().add_event("mail.accepted", vec![]);
    })
    .await;
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(message: Message) -> Result<T, Failure> {
    serde_json::from_value(message.body)
        .map_err(|_| Failure::Invalid("the message's body is not as agreed"))
}
