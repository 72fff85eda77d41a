//! Cart: what each visitor means to buy.
//!
//! Prices are taken from catalogue when something is put in. [`Fault::LostContext`] lets those requests leave without
//! trace headers, so catalogue's part of the trace becomes a trace of its own.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use opentelemetry::KeyValue;

use super::contract::{Cart, CartItem, Done, Product};
use crate::db::{Database, PoolSize, Statement};
use crate::failure::Failure;
use crate::instrument::http_client::{Call, HttpPeer};
use crate::instrument::set;
use crate::process::Running;
use crate::{Error, Fault, Service, ShopArgs};
use tokio::task::JoinSet;

/// Most pieces of one product that can be put in at once.
const QUANTITY_MAX: i64 = 20;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS cart_items (
        cart_id TEXT NOT NULL, sku TEXT NOT NULL, quantity INTEGER NOT NULL,
        price_cents INTEGER NOT NULL, PRIMARY KEY (cart_id, sku)
    ) WITHOUT ROWID;
";

const ITEMS: Statement = Statement {
    operation: "SELECT",
    collection: "cart_items",
    text: "SELECT sku, quantity, price_cents FROM cart_items WHERE cart_id = ? ORDER BY sku",
};

const ADD: Statement = Statement {
    operation: "INSERT",
    collection: "cart_items",
    text: "INSERT INTO cart_items (cart_id, sku, quantity, price_cents) VALUES (?, ?, ?, ?) \
           ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity",
};

const EMPTY: Statement = Statement {
    operation: "DELETE",
    collection: "cart_items",
    text: "DELETE FROM cart_items WHERE cart_id = ?",
};

struct Carts {
    database: Database,
    catalogue: HttpPeer,
    propagates: bool,
}

pub(crate) async fn start(args: &ShopArgs) -> Result<Running, Error> {
    let database = Database::open(&args.data_dir, "cart", PoolSize::default(), SCHEMA).await?;
    let catalogue = super::peer(args, Service::Catalogue)?;
    let propagates = !args.faults().contains(Fault::LostContext);
    let routes = Router::new()
        .route("/carts/{cart_id}", get(show).delete(empty))
        .route("/carts/{cart_id}/items", post(add))
        .with_state(Arc::new(Carts {
            database,
            catalogue,
            propagates,
        }));
    Ok(Running::http(routes, JoinSet::new()))
}

async fn show(
    State(carts): State<Arc<Carts>>,
    Path(cart_id): Path<String>,
) -> Result<Json<Cart>, Failure> {
    let mut conn = carts.database.acquire().await?;
    let query = sqlx::query_as(ITEMS.text).bind(cart_id);
    let rows: Vec<(String, i64, i64)> = carts
        .database
        .observe(&ITEMS, query.fetch_all(&mut *conn))
        .await?;
    let total_cents = rows
        .iter()
        .map(|(_, quantity, price)| quantity * price)
        .sum();
    let items: Vec<_> = rows
        .into_iter()
        .map(|(sku, quantity, _)| CartItem { sku, quantity })
        .collect();
    set(KeyValue::new("app.cart.items", items.len() as i64));
    Ok(Json(Cart { items, total_cents }))
}

async fn add(
    State(carts): State<Arc<Carts>>,
    Path(cart_id): Path<String>,
    Json(item): Json<CartItem>,
) -> Result<Json<Done>, Failure> {
    if !(1..=QUANTITY_MAX).contains(&item.quantity) {
        return Err(Failure::Invalid("the quantity is out of bounds"));
    }
    let mut call = Call::get("/products/{sku}", format!("/products/{}", item.sku));
    if !carts.propagates {
        call = call.without_trace_headers();
    }
    let product: Product = carts.catalogue.send(call).await?;
    set(KeyValue::new("app.product.sku", item.sku));
    let mut conn = carts.database.acquire().await?;
    let query = sqlx::query(ADD.text)
        .bind(cart_id)
        .bind(product.sku)
        .bind(item.quantity)
        .bind(product.price_cents);
    carts
        .database
        .observe(&ADD, query.execute(&mut *conn))
        .await?;
    Ok(Json(Done { ok: true }))
}

async fn empty(
    State(carts): State<Arc<Carts>>,
    Path(cart_id): Path<String>,
) -> Result<Json<Done>, Failure> {
    let mut conn = carts.database.acquire().await?;
    let query = sqlx::query(EMPTY.text).bind(cart_id);
    carts
        .database
        .observe(&EMPTY, query.execute(&mut *conn))
        .await?;
    Ok(Json(Done { ok: true }))
}
