//! The quote function: instances that log in to the carriers and read every tariff when they start, and are quick
//! afterwards.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

use crate::db::{Database, PoolSize, Statement};
use crate::failure::Failure;
use crate::instrument::{in_span, set, span, try_in_span};
use crate::services::APP;
use crate::services::contract::Quote;

/// Instances that stand ready after deployment: more than usually run at once.
const WARM_AT_FIRST: usize = 4;

/// How long the carriers take to let a new instance in; they are other people's systems.
const CARRIER_LOGIN: Duration = Duration::from_millis(180);

/// Delivery zones; the storefront's customers live in them.
pub(crate) const ZONES: [&str; 4] = ["eu-west", "eu-north", "us-east", "ap-south"];

/// Tariffs: each zone has one for every number of items below and each carrier's postal area.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS tariffs (
        zone TEXT NOT NULL, items INTEGER NOT NULL, area INTEGER NOT NULL, cents INTEGER NOT NULL
    );
";

/// 10,000 tariffs: 4 zones, 50 numbers of items, 50 areas.
const FILL: &str = "
    WITH RECURSIVE
      n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 2499),
      zone (zone, base) AS (VALUES ('eu-west', 390), ('eu-north', 490), ('us-east', 990), ('ap-south', 1290))
    INSERT INTO tariffs
    SELECT zone, n % 50 + 1, n / 50, base + 60 * (n % 50) + (n * 31) % 17
    FROM zone, n WHERE NOT EXISTS (SELECT 1 FROM tariffs)
";

const TARIFFS: Statement = Statement {
    operation: "SELECT",
    collection: "tariffs",
    text: "SELECT zone, items, area, cents FROM tariffs",
};

/// The function and its instances.
pub(super) struct QuoteFunction {
    database: Database,
    calls_max: u32,
    started: AtomicU32,
    /// Instances that wait for a call. A plain mutex: held to push or pop one.
    warm: Mutex<Vec<Instance>>,
}

/// A started copy of the function.
struct Instance {
    number: u32,
    calls: u32,
    tariffs: Tariffs,
}

/// The highest tariff of any area, by zone and number of items.
type Tariffs = HashMap<(String, i64), i64>;

impl QuoteFunction {
    /// Sets the function up with some warm instances; an instance is thrown away after `calls_max` calls.
    pub(super) async fn deploy(folder: &Path, calls_max: u32) -> Result<Self, sqlx::Error> {
        let database = Database::open(folder, "shipping", PoolSize::default(), SCHEMA).await?;
        sqlx::query(FILL).execute(database.pool()).await?;
        let rows = sqlx::query_as(TARIFFS.text)
            .fetch_all(database.pool())
            .await?;
        let tariffs = index(rows);
        let warm = (0..WARM_AT_FIRST as u32)
            .map(|number| Instance {
                number,
                calls: 0,
                tariffs: tariffs.clone(),
            })
            .collect();
        let started = AtomicU32::new(WARM_AT_FIRST as u32);
        Ok(QuoteFunction {
            database,
            calls_max,
            started,
            warm: Mutex::new(warm),
        })
    }

    /// Answers one call with a warm instance, or with one that has to start first.
    pub(super) async fn invoke(&self, zone: &str, items: i64) -> Result<Quote, Failure> {
        let warm = self.lock().pop();
        set(KeyValue::new("faas.name", "quote"));
        set(KeyValue::new("faas.trigger", "http"));
        set(KeyValue::new("faas.coldstart", warm.is_none()));
        let mut instance = match warm {
            Some(instance) => instance,
            None => self.cold_start().await?,
        };
        set(KeyValue::new(
            "faas.instance",
            format!("quote-{:05}", instance.number),
        ));
        instance.calls += 1;
        let key = (zone.to_owned(), items.clamp(1, 50));
        let cents = instance.tariffs.get(&key).copied();
        if instance.calls < self.calls_max {
            self.lock().push(instance);
        }
        let cents = cents.ok_or(Failure::NotFound("delivery zone"))?;
        Ok(Quote {
            cents,
            days: 2 + cents / 500,
        })
    }

    /// Starts an instance: logs in to the carriers, reads every tariff and indexes them.
    async fn cold_start(&self) -> Result<Instance, Failure> {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let init = span("function.init", SpanKind::Internal)
            .with_attributes([KeyValue::new("faas.instance", format!("quote-{number:05}"))]);
        try_in_span(APP, init, async {
            let login = span("carriers.login", SpanKind::Internal);
            in_span(APP, login, tokio::time::sleep(CARRIER_LOGIN)).await;
            let mut conn = self.database.acquire().await?;
            let query = sqlx::query_as(TARIFFS.text).fetch_all(&mut *conn);
            let tariffs = index(self.database.observe(&TARIFFS, query).await?);
            Ok(Instance {
                number,
                calls: 0,
                tariffs,
            })
        })
        .await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Instance>> {
        self.warm
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn index(rows: Vec<(String, i64, i64, i64)>) -> Tariffs {
    let mut tariffs = Tariffs::new();
    for (zone, items, _area, cents) in rows {
        let highest = tariffs.entry((zone, items)).or_insert(cents);
        *highest = cents.max(*highest);
    }
    tariffs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn instances_are_recycled_after_their_calls() {
        let folder = tempfile::tempdir().unwrap();
        let function = QuoteFunction::deploy(folder.path(), 2).await.unwrap();
        for _ in 0..WARM_AT_FIRST * 2 {
            function.invoke("eu-west", 3).await.unwrap();
        }
        assert_eq!(
            function.started.load(Ordering::Relaxed),
            WARM_AT_FIRST as u32,
            "all were warm"
        );
        function.invoke("eu-west", 3).await.unwrap();
        assert_eq!(
            function.started.load(Ordering::Relaxed),
            WARM_AT_FIRST as u32 + 1
        );
    }

    #[tokio::test]
    async fn every_zone_has_a_price_and_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let function = QuoteFunction::deploy(folder.path(), u32::MAX)
            .await
            .unwrap();
        for zone in ZONES {
            let few = function.invoke(zone, 1).await.unwrap();
            let many = function.invoke(zone, 40).await.unwrap();
            assert!(0 < few.cents && few.cents < many.cents, "{zone}");
        }
        let unknown = function.invoke("moon", 1).await;
        assert!(matches!(unknown, Err(Failure::NotFound(_))));
        assert_eq!(
            function.started.load(Ordering::Relaxed),
            WARM_AT_FIRST as u32
        );
    }
}
