//! Ledger: who paid what, in double entry, and a job that exports statements.
//!
//! [`Fault::PoolExhaustion`] shrinks the pool to two connections, as a careless setting would, and lets the export keep
//! its transaction open while it renders each page. Two exports at once then hold the whole pool for seconds.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use sqlx::Connection;
use tokio::task::JoinSet;

use super::APP;
use super::contract::{Balance, Done, Posting};
use crate::db::{Database, PoolSize, Statement};
use crate::dice::Dice;
use crate::failure::Failure;
use crate::instrument::{set, span, try_in_span};
use crate::process::{Running, Stop};
use crate::{Error, Fault, ShopArgs};

/// The account every payment goes to.
const SHOP_ACCOUNT: &str = "shop";

/// How many exports run side by side.
const EXPORTS: u64 = 2;

/// How long rendering and uploading one page of a statement takes.
const RENDER_PAGE: Duration = Duration::from_millis(250);

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS postings (
        id INTEGER PRIMARY KEY, payment_id TEXT NOT NULL, account TEXT NOT NULL,
        amount_cents INTEGER NOT NULL, UNIQUE (payment_id, account)
    );
    CREATE INDEX IF NOT EXISTS postings_account ON postings (account);
";

const POST: Statement = Statement {
    operation: "INSERT",
    collection: "postings",
    text: "INSERT OR IGNORE INTO postings (payment_id, account, amount_cents) \
           VALUES (?1, ?2, -?3), (?1, ?4, ?3)",
};

const COMMIT: Statement = Statement {
    operation: "COMMIT",
    collection: "postings",
    text: "COMMIT",
};

const BALANCE: Statement = Statement {
    operation: "SELECT",
    collection: "postings",
    text: "SELECT coalesce(-sum(amount_cents), 0), count(*) FROM postings WHERE account = ?",
};

const PAGE: Statement = Statement {
    operation: "SELECT",
    collection: "postings",
    text: "SELECT id, amount_cents FROM postings WHERE id > ? ORDER BY id LIMIT 200",
};

struct Ledger {
    database: Database,
    holds_connections: bool,
}

pub(crate) async fn start(args: &ShopArgs, stop: &Stop) -> Result<Running, Error> {
    let holds_connections = args.faults().contains(Fault::PoolExhaustion);
    let pool = if holds_connections {
        PoolSize {
            connections: 2,
            wait_max: Duration::from_millis(800),
        }
    } else {
        PoolSize::default()
    };
    let database = Database::open(&args.data_dir, "ledger", pool, SCHEMA).await?;
    let ledger = Arc::new(Ledger {
        database,
        holds_connections,
    });
    let mut tasks = JoinSet::new();
    let mut dice = Dice::new(args.seed);
    for _ in 0..EXPORTS {
        tasks.spawn(export_until(stop.clone(), ledger.clone(), dice.fork()));
    }
    let routes = Router::new()
        .route("/postings", post(record))
        .route("/accounts/{customer_id}/balance", get(balance))
        .with_state(ledger);
    Ok(Running::http(routes, tasks))
}

async fn record(
    State(ledger): State<Arc<Ledger>>,
    Json(posting): Json<Posting>,
) -> Result<Json<Done>, Failure> {
    let span = span("ledger.record", SpanKind::Internal).with_attributes([
        KeyValue::new("app.payment.id", posting.payment_id.clone()),
        KeyValue::new("app.payment.amount_cents", posting.amount_cents),
    ]);
    try_in_span(APP, span, ledger.record(posting)).await?;
    Ok(Json(Done { ok: true }))
}

async fn balance(
    State(ledger): State<Arc<Ledger>>,
    Path(customer_id): Path<String>,
) -> Result<Json<Balance>, Failure> {
    set(KeyValue::new("enduser.id", customer_id.clone()));
    let mut conn = ledger.database.acquire().await?;
    let query = sqlx::query_as(BALANCE.text).bind(customer_id);
    let row: Option<(i64, i64)> = ledger
        .database
        .observe(&BALANCE, query.fetch_optional(&mut *conn))
        .await?;
    let (spent_cents, payments) = row.unwrap_or_default();
    Ok(Json(Balance {
        spent_cents,
        payments,
    }))
}

impl Ledger {
    /// Takes the amount from the customer and gives it to the shop, both or neither, and once for each payment.
    async fn record(&self, posting: Posting) -> Result<(), Failure> {
        let mut conn = self.database.acquire().await?;
        let mut tx = conn.begin().await?;
        let query = sqlx::query(POST.text)
            .bind(posting.payment_id)
            .bind(posting.customer_id)
            .bind(posting.amount_cents)
            .bind(SHOP_ACCOUNT);
        self.database
            .observe(&POST, query.execute(&mut *tx))
            .await?;
        self.database.observe(&COMMIT, tx.commit()).await
    }

    /// Walks all postings page by page and renders each.
    ///
    /// Healthy, a connection is held for one page's query; under the fault one transaction spans the whole export.
    async fn export(&self) -> Result<(), Failure> {
        if self.holds_connections {
            let mut conn = self.database.acquire().await?;
            let mut tx = conn.begin().await?;
            let mut from = Some(0);
            // An export is never shorter than this many pages: it also renders cover, totals and signatures.
            for _ in 0..12 {
                if let Some(id) = from {
                    from = self.page(&mut tx, id).await?;
                }
                tokio::time::sleep(RENDER_PAGE).await;
            }
            return self.database.observe(&COMMIT, tx.commit()).await;
        }
        let mut from = Some(0);
        while let Some(id) = from {
            let mut conn = self.database.acquire().await?;
            from = self.page(&mut conn, id).await?;
            drop(conn);
            tokio::time::sleep(RENDER_PAGE).await;
        }
        Ok(())
    }

    /// Reads the page after a posting and returns the last one on it; `None` when nothing follows.
    async fn page(
        &self,
        conn: &mut sqlx::SqliteConnection,
        after: i64,
    ) -> Result<Option<i64>, Failure> {
        let query = sqlx::query_as(PAGE.text).bind(after);
        let rows: Vec<(i64, i64)> = self.database.observe(&PAGE, query.fetch_all(conn)).await?;
        Ok(rows.last().map(|(id, _)| *id))
    }
}

/// Exports now and again until the process is to end.
async fn export_until(mut stop: Stop, ledger: Arc<Ledger>, dice: Dice) {
    tokio::select! {
        () = stop.stopped() => {}
        () = export_repeatedly(&ledger, dice) => {}
    }
}

/// Exports with pauses that keep the two jobs from marching in step.
async fn export_repeatedly(ledger: &Ledger, mut dice: Dice) {
    loop {
        let pause = if ledger.holds_connections {
            dice.millis(200, 1_500)
        } else {
            dice.millis(8_000, 12_000)
        };
        tokio::time::sleep(pause).await;
        let span = span("statement.export", SpanKind::Internal).with_attributes([KeyValue::new(
            "app.job.holds_transaction",
            ledger.holds_connections,
        )]);
        // A failed export is told by its span; the next one starts afresh.
        let _ = try_in_span(APP, span, ledger.export()).await;
    }
}
