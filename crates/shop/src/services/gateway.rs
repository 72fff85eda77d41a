//! Gateway: the shop's door. It knows who is asking and passes requests on.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};
use serde::{Deserialize, Serialize};

use super::contract::{Balance, Cart, CartItem, Done, Order, OrderRequest, Product, Quote};
use crate::failure::Failure;
use crate::instrument::http_client::{Call, HttpPeer};
use crate::instrument::http_server::text;
use crate::instrument::set;
use crate::process::Running;
use crate::{Error, Service, ShopArgs};
use tokio::task::JoinSet;

struct Gateway {
    catalogue: HttpPeer,
    cart: HttpPeer,
    checkout: HttpPeer,
    ledger: HttpPeer,
    shipping: HttpPeer,
}

pub(crate) fn start(args: &ShopArgs) -> Result<Running, Error> {
    let gateway = Gateway {
        catalogue: super::peer(args, Service::Catalogue)?,
        cart: super::peer(args, Service::Cart)?,
        checkout: super::peer(args, Service::Checkout)?,
        ledger: super::peer(args, Service::Ledger)?,
        shipping: super::peer(args, Service::Shipping)?,
    };
    let routes = Router::new()
        .route("/", get(home))
        .route("/categories/{category}", get(category))
        .route("/search", get(search))
        .route("/products/{sku}", get(product))
        .route("/cart", get(cart))
        .route("/cart/items", post(add_to_cart))
        .route("/checkout", post(checkout))
        .route("/account", get(account))
        .with_state(Arc::new(gateway))
        .route_layer(from_fn(describe_visitor));
    Ok(Running::http(routes, JoinSet::new()))
}

/// A visitor, as the storefront's headers tell.
struct Visitor {
    customer_id: String,
    session_id: String,
    zone: String,
}

impl Visitor {
    fn of(headers: &HeaderMap) -> Self {
        let header = |name| text(headers, name).unwrap_or("unknown").to_owned();
        Visitor {
            customer_id: header("x-customer-id"),
            session_id: header("x-session-id"),
            zone: header("x-zone"),
        }
    }
}

/// Puts on the server span who is asking, in which variant of the shop, and, carelessly, with which token.
async fn describe_visitor(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let visitor = Visitor::of(headers);
    let variant = if visitor.customer_id.ends_with(['0', '2', '4', '6', '8']) {
        "one-page"
    } else {
        "three-steps"
    };
    let cx = Context::current();
    let span = cx.span();
    span.set_attributes([
        KeyValue::new("enduser.id", visitor.customer_id),
        KeyValue::new("session.id", visitor.session_id),
        KeyValue::new("app.shipping.zone", visitor.zone),
        KeyValue::new("feature_flag.key", "checkout-layout"),
        KeyValue::new("feature_flag.result.variant", variant),
    ]);
    if let Some(token) = text(headers, "authorization") {
        let values = Array::String(vec![StringValue::from(token.to_owned())]);
        span.set_attribute(KeyValue::new(
            "http.request.header.authorization",
            Value::Array(values),
        ));
    }
    next.run(request).await
}

async fn home(State(gateway): State<Arc<Gateway>>) -> Result<Json<Vec<Product>>, Failure> {
    gateway
        .catalogue
        .send(Call::get("/products", "/products".into()))
        .await
        .map(Json)
}

async fn category(
    State(gateway): State<Arc<Gateway>>,
    Path(category): Path<String>,
) -> Result<Json<Vec<Product>>, Failure> {
    let path = format!("/products?category={category}");
    gateway
        .catalogue
        .send(Call::get("/products", path))
        .await
        .map(Json)
}

#[derive(Deserialize)]
struct Search {
    q: String,
    #[serde(default)]
    sort: String,
}

async fn search(
    State(gateway): State<Arc<Gateway>>,
    Query(search): Query<Search>,
) -> Result<Json<Vec<Product>>, Failure> {
    let path = format!("/search?q={}&sort={}", search.q, search.sort);
    gateway
        .catalogue
        .send(Call::get("/search", path))
        .await
        .map(Json)
}

/// What a product page shows.
#[derive(Serialize)]
struct ProductPage {
    product: Product,
    delivery: Quote,
}

async fn product(
    State(gateway): State<Arc<Gateway>>,
    Path(sku): Path<String>,
    headers: HeaderMap,
) -> Result<Json<ProductPage>, Failure> {
    let zone = Visitor::of(&headers).zone;
    let of_product = Call::get("/products/{sku}", format!("/products/{sku}"));
    let of_quote = Call::get("/quotes", format!("/quotes?zone={zone}&items=1"));
    let (product, delivery) = tokio::try_join!(
        gateway.catalogue.send(of_product),
        gateway.shipping.send(of_quote)
    )?;
    Ok(Json(ProductPage { product, delivery }))
}

async fn cart(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
) -> Result<Json<Cart>, Failure> {
    let path = format!("/carts/{}", Visitor::of(&headers).session_id);
    gateway
        .cart
        .send(Call::get("/carts/{cart_id}", path))
        .await
        .map(Json)
}

async fn add_to_cart(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    Json(item): Json<CartItem>,
) -> Result<Json<Done>, Failure> {
    let path = format!("/carts/{}/items", Visitor::of(&headers).session_id);
    gateway
        .cart
        .send(Call::post("/carts/{cart_id}/items", path, &item))
        .await
        .map(Json)
}

async fn checkout(
    State(gateway): State<Arc<Gateway>>,
    Json(order): Json<OrderRequest>,
) -> Result<Json<Order>, Failure> {
    let order: Order = gateway
        .checkout
        .send(Call::post("/orders", "/orders".into(), &order))
        .await?;
    set(KeyValue::new("app.order.id", order.order_id.clone()));
    Ok(Json(order))
}

async fn account(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
) -> Result<Json<Balance>, Failure> {
    let path = format!("/accounts/{}/balance", Visitor::of(&headers).customer_id);
    gateway
        .ledger
        .send(Call::get("/accounts/{customer_id}/balance", path))
        .await
        .map(Json)
}
