//! SQLite through a connection pool, with the waits for a connection and every statement as spans.

use std::path::Path;
use std::time::Duration;

use opentelemetry::context::FutureExt;
use opentelemetry::trace::{SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteQueryResult,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Sqlite, SqlitePool};

use crate::failure::Failure;
use crate::instrument::{exception, span, start};
use crate::time::Stopwatch;

const SCOPE: &str = "shop.db";

/// A statement and the words by which its spans describe it.
pub(crate) struct Statement {
    pub(crate) operation: &'static str,
    pub(crate) collection: &'static str,
    pub(crate) text: &'static str,
}

/// How many connections a pool has and how long a request waits for one.
#[derive(Clone, Copy)]
pub(crate) struct PoolSize {
    pub(crate) connections: u32,
    pub(crate) wait_max: Duration,
}

impl Default for PoolSize {
    fn default() -> Self {
        PoolSize {
            connections: 4,
            wait_max: Duration::from_secs(2),
        }
    }
}

/// One service's database file and the pool in front of it.
#[derive(Clone)]
pub(crate) struct Database {
    pool: SqlitePool,
    name: &'static str,
    wait_max: Duration,
}

impl Database {
    /// Opens `NAME.db` in the folder, in WAL mode, and runs `schema`, which must be repeatable.
    pub(crate) async fn open(
        folder: &Path,
        name: &'static str,
        size: PoolSize,
        schema: &'static str,
    ) -> Result<Self, sqlx::Error> {
        let options = connect_options(folder, name);
        let pool = SqlitePoolOptions::new()
            .max_connections(size.connections)
            .min_connections(1)
            .acquire_timeout(size.wait_max)
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        sqlx::raw_sql(schema).execute(&pool).await?;
        Ok(Database {
            pool,
            name,
            wait_max: size.wait_max,
        })
    }

    /// The pool itself, for seeding at start, which is no request and leaves no spans.
    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Takes a connection out of the pool, waiting in a span of its own.
    ///
    /// Errors: [`Failure::PoolTimeout`] when none became free in time.
    pub(crate) async fn acquire(&self) -> Result<PoolConnection<Sqlite>, Failure> {
        let (open, idle) = (self.pool.size(), self.pool.num_idle());
        let max = self.pool.options().get_max_connections();
        let span = span("pool.acquire", SpanKind::Internal).with_attributes([
            KeyValue::new("db.system.name", "sqlite"),
            KeyValue::new("db.client.connection.pool.name", self.name),
            KeyValue::new("app.pool.size_max", i64::from(max)),
            KeyValue::new("app.pool.open", i64::from(open)),
            KeyValue::new("app.pool.idle", idle as i64),
        ]);
        let cx = start(SCOPE, span, &Context::current());
        if idle == 0 && open >= max {
            cx.span().add_event("pool.exhausted", vec![]);
        }
        let watch = Stopwatch::start();
        let taken = self.pool.acquire().with_context(cx.clone()).await;
        let waited_ms = watch.elapsed().as_secs_f64() * 1e3;
        cx.span()
            .set_attribute(KeyValue::new("app.pool.wait_ms", waited_ms));
        let out = taken.map_err(|error| match error {
            sqlx::Error::PoolTimedOut => {
                let waited_ms = self.wait_max.as_millis() as u64;
                Failure::PoolTimeout {
                    pool: self.name,
                    waited_ms,
                }
            }
            other => Failure::Database(other),
        });
        if let Err(failure) = &out {
            exception::record(&cx, failure);
        }
        cx.span().end();
        out
    }

    /// Runs a statement, given as the future of its result, in a client span.
    pub(crate) async fn observe<T: Rows>(
        &self,
        statement: &Statement,
        run: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Failure> {
        let name = format!("{} {}", statement.operation, statement.collection);
        let span = span(name.clone(), SpanKind::Client).with_attributes([
            KeyValue::new("db.system.name", "sqlite"),
            KeyValue::new("db.namespace", self.name),
            KeyValue::new("db.operation.name", statement.operation),
            KeyValue::new("db.collection.name", statement.collection),
            KeyValue::new("db.query.summary", name),
            KeyValue::new("db.query.text", statement.text),
        ]);
        let cx = start(SCOPE, span, &Context::current());
        let out = run
            .with_context(cx.clone())
            .await
            .map_err(Failure::Database);
        match &out {
            Ok(rows) => cx.span().set_attributes(rows.describe()),
            Err(failure) => exception::record(&cx, failure),
        }
        cx.span().end();
        out
    }
}

/// How every connection to a database of the shop is made.
pub(crate) fn connect_options(folder: &Path, name: &str) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(folder.join(format!("{name}.db")))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(5))
        .disable_statement_logging()
}

/// What a statement gave, for the span.
pub(crate) trait Rows {
    fn describe(&self) -> Option<KeyValue>;
}

impl<T> Rows for Vec<T> {
    fn describe(&self) -> Option<KeyValue> {
        Some(KeyValue::new(
            "db.response.returned_rows",
            self.len() as i64,
        ))
    }
}

impl<T> Rows for Option<T> {
    fn describe(&self) -> Option<KeyValue> {
        Some(KeyValue::new(
            "db.response.returned_rows",
            i64::from(self.is_some()),
        ))
    }
}

impl Rows for SqliteQueryResult {
    fn describe(&self) -> Option<KeyValue> {
        Some(KeyValue::new(
            "app.db.affected_rows",
            self.rows_affected() as i64,
        ))
    }
}

impl Rows for () {
    fn describe(&self) -> Option<KeyValue> {
        None
    }
}
