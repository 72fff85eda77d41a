//! Catalogue: products, search and "popular now", behind a cache.
//!
//! [`Fault::SlowQuery`] leaves out the index that popularity needs. [`Fault::CacheKeyMistake`] is in [`cache`]; it
//! shows because lists are loaded product by product, which nobody notices while the cache answers.

mod cache;
pub(crate) mod seed;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use serde::Deserialize;

use self::cache::Cache;
use super::APP;
use super::contract::Product;
use crate::db::{Database, PoolSize, Statement};
use crate::failure::Failure;
use crate::instrument::{set, span, try_in_span};
use crate::process::Running;
use crate::{Error, Fault, ShopArgs};
use tokio::task::JoinSet;

/// Days before today that count for popularity.
const POPULAR_DAYS: i64 = 7;

/// How long products stay cached; prices may be this stale.
const FRESH_FOR: Duration = Duration::from_secs(60);

const PRODUCT: Statement = Statement {
    operation: "SELECT",
    collection: "products",
    text: "SELECT sku, name, category, price_cents FROM products WHERE sku = ?",
};

const IN_CATEGORY: Statement = Statement {
    operation: "SELECT",
    collection: "products",
    text: "SELECT sku FROM products WHERE category = ? ORDER BY sku",
};

const FEATURED: Statement = Statement {
    operation: "SELECT",
    collection: "products",
    text: "SELECT sku FROM products WHERE featured = 1 ORDER BY sku",
};

const SEARCH: Statement = Statement {
    operation: "SELECT",
    collection: "products",
    text: "SELECT sku, name, category, price_cents FROM products \
           WHERE name LIKE '%' || ? || '%' ORDER BY name LIMIT 24",
};

const SEARCH_POPULAR: Statement = Statement {
    operation: "SELECT",
    collection: "products",
    text: "SELECT p.sku, p.name, p.category, p.price_cents FROM products p \
           WHERE p.name LIKE '%' || ? || '%' \
           ORDER BY (SELECT coalesce(sum(l.quantity), 0) FROM order_lines l \
                     WHERE l.sku = p.sku AND l.sold_on >= ?) DESC LIMIT 24",
};

type Row = (String, String, String, i64);

struct Catalogue {
    database: Database,
    products: Cache<Product>,
}

pub(crate) async fn start(args: &ShopArgs) -> Result<Running, Error> {
    let faults = args.faults();
    let database = Database::open(
        &args.data_dir,
        "catalogue",
        PoolSize::default(),
        seed::SCHEMA,
    )
    .await?;
    seed::fill(database.pool(), faults.contains(Fault::SlowQuery)).await?;
    let products = Cache::new(
        "product",
        FRESH_FOR,
        faults.contains(Fault::CacheKeyMistake),
    );
    let routes = Router::new()
        .route("/products", get(list))
        .route("/products/{sku}", get(product))
        .route("/search", get(search))
        .with_state(Arc::new(Catalogue { database, products }));
    Ok(Running::http(routes, JoinSet::new()))
}

#[derive(Deserialize)]
struct Listing {
    category: Option<String>,
}

async fn list(
    State(catalogue): State<Arc<Catalogue>>,
    Query(listing): Query<Listing>,
) -> Result<Json<Vec<Product>>, Failure> {
    let skus = catalogue.skus(listing.category).await?;
    let load = async {
        let mut products = Vec::with_capacity(skus.len());
        for sku in &skus {
            products.push(catalogue.product(sku).await?);
        }
        Ok(products)
    };
    let span = span("products.load", SpanKind::Internal)
        .with_attributes([KeyValue::new("app.products.count", skus.len() as i64)]);
    try_in_span(APP, span, load).await.map(Json)
}

async fn product(
    State(catalogue): State<Arc<Catalogue>>,
    Path(sku): Path<String>,
) -> Result<Json<Product>, Failure> {
    set(KeyValue::new("app.product.sku", sku.clone()));
    catalogue.product(&sku).await.map(Json)
}

#[derive(Deserialize)]
struct Search {
    q: String,
    sort: Option<String>,
}

async fn search(
    State(catalogue): State<Arc<Catalogue>>,
    Query(search): Query<Search>,
) -> Result<Json<Vec<Product>>, Failure> {
    let popular = search.sort.as_deref() == Some("popularity");
    let database = &catalogue.database;
    let mut conn = database.acquire().await?;
    let rows: Vec<Row> = if popular {
        let query = sqlx::query_as(SEARCH_POPULAR.text)
            .bind(search.q)
            .bind(seed::DAYS - POPULAR_DAYS);
        database
            .observe(&SEARCH_POPULAR, query.fetch_all(&mut *conn))
            .await?
    } else {
        let query = sqlx::query_as(SEARCH.text).bind(search.q);
        database
            .observe(&SEARCH, query.fetch_all(&mut *conn))
            .await?
    };
    set(KeyValue::new("app.search.hits", rows.len() as i64));
    set(KeyValue::new(
        "app.search.sort",
        if popular { "popularity" } else { "name" },
    ));
    Ok(Json(rows.into_iter().map(from_row).collect()))
}

impl Catalogue {
    async fn skus(&self, category: Option<String>) -> Result<Vec<String>, Failure> {
        let mut conn = self.database.acquire().await?;
        let rows: Vec<(String,)> = match category {
            Some(category) => {
                let query = sqlx::query_as(IN_CATEGORY.text).bind(category);
                self.database
                    .observe(&IN_CATEGORY, query.fetch_all(&mut *conn))
                    .await?
            }
            None => {
                let query = sqlx::query_as(FEATURED.text);
                self.database
                    .observe(&FEATURED, query.fetch_all(&mut *conn))
                    .await?
            }
        };
        Ok(rows.into_iter().map(|(sku,)| sku).collect())
    }

    /// One product, from the cache when it is there.
    async fn product(&self, sku: &str) -> Result<Product, Failure> {
        let key = self.products.key(sku);
        if let Some(product) = self.products.get(&key).await {
            return Ok(product);
        }
        let mut conn = self.database.acquire().await?;
        let query = sqlx::query_as(PRODUCT.text).bind(sku.to_owned());
        let row: Option<Row> = self
            .database
            .observe(&PRODUCT, query.fetch_optional(&mut *conn))
            .await?;
        let product = from_row(row.ok_or(Failure::NotFound("product"))?);
        self.products.put(key, product.clone());
        Ok(product)
    }
}

fn from_row((sku, name, category, price_cents): Row) -> Product {
    Product {
        sku,
        name,
        category,
        price_cents,
    }
}
