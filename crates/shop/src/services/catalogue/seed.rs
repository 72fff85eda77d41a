//! The catalogue's tables and what is in them at first: 48 products and a year of sales.

use sqlx::SqlitePool;

/// Days of sales history; the last one is today.
pub(super) const DAYS: i64 = 365;

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS products (
        sku TEXT PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL,
        price_cents INTEGER NOT NULL, featured INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS products_category ON products (category);
    CREATE TABLE IF NOT EXISTS order_lines (
        id INTEGER PRIMARY KEY, sku TEXT NOT NULL, quantity INTEGER NOT NULL, sold_on INTEGER NOT NULL
    );
";

/// Sales of the past year: 250,000 lines, spread over products and days by multiplication with primes.
const FILL_ORDER_LINES: &str = "
    WITH RECURSIVE line (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM line WHERE id < 250000)
    INSERT INTO order_lines (id, sku, quantity, sold_on)
    SELECT id, 'SKU-' || (1001 + (id * 7919) % 48), 1 + id % 3, (id * 104729) % 365 FROM line
";

const ADD_INDEX: &str =
    "CREATE INDEX IF NOT EXISTS order_lines_sku_sold_on ON order_lines (sku, sold_on, quantity)";

const DROP_INDEX: &str = "DROP INDEX IF EXISTS order_lines_sku_sold_on";

/// Categories, and the names of their six products each.
pub(crate) const SHELVES: [(&str, [&str; 6]); 8] = [
    (
        "desks",
        [
            "Walnut desk",
            "Oak desk",
            "Standing desk",
            "Corner desk",
            "Folding desk",
            "Writing desk",
        ],
    ),
    (
        "chairs",
        [
            "Mesh chair",
            "Oak chair",
            "Reading chair",
            "Bar chair",
            "Rocking chair",
            "Kneeling chair",
        ],
    ),
    (
        "lamps",
        [
            "Brass lamp",
            "Paper lamp",
            "Reading lamp",
            "Floor lamp",
            "Desk lamp",
            "Clamp lamp",
        ],
    ),
    (
        "kitchen",
        [
            "Steel pan",
            "Tea kettle",
            "Bread knife",
            "Oak board",
            "Salt mill",
            "Milk jug",
        ],
    ),
    (
        "garden",
        [
            "Garden bench",
            "Steel spade",
            "Rain barrel",
            "Herb planter",
            "Bird house",
            "Garden lamp",
        ],
    ),
    (
        "textiles",
        [
            "Wool blanket",
            "Linen towel",
            "Cotton rug",
            "Felt slippers",
            "Wool rug",
            "Linen curtain",
        ],
    ),
    (
        "storage",
        [
            "Oak shelf",
            "Steel shelf",
            "Felt basket",
            "Shoe rack",
            "Paper tray",
            "Desk drawer",
        ],
    ),
    (
        "office",
        [
            "Paper ream",
            "Brass clips",
            "Fountain pen",
            "Desk pad",
            "Cork board",
            "Letter opener",
        ],
    ),
];

/// Fills empty tables and brings the index into the state asked for.
pub(super) async fn fill(pool: &SqlitePool, without_index: bool) -> Result<(), sqlx::Error> {
    let (products,): (i64,) = sqlx::query_as("SELECT count(*) FROM products")
        .fetch_one(pool)
        .await?;
    if products == 0 {
        let mut tx = pool.begin().await?;
        for (number, (category, name)) in all_products().enumerate() {
            sqlx::query("INSERT INTO products VALUES (?, ?, ?, ?, ?)")
                .bind(sku(number))
                .bind(name)
                .bind(category)
                .bind(900 + (number as i64 * 1_713) % 24_000)
                .bind(number % 4 == 0)
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query(FILL_ORDER_LINES).execute(&mut *tx).await?;
        tx.commit().await?;
    }
    let index = if without_index { DROP_INDEX } else { ADD_INDEX };
    sqlx::query(index).execute(pool).await?;
    Ok(())
}

fn all_products() -> impl Iterator<Item = (&'static str, &'static str)> {
    SHELVES
        .iter()
        .flat_map(|(category, names)| names.iter().map(move |name| (*category, *name)))
}

/// The number by which a product is sold, counted from 0.
pub(crate) fn sku(number: usize) -> String {
    format!("SKU-{}", 1001 + number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Database, PoolSize};

    async fn index_exists(pool: &SqlitePool) -> bool {
        let (n,): (i64,) = sqlx::query_as(
            "SELECT count(*) FROM sqlite_schema WHERE name = 'order_lines_sku_sold_on'",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        n == 1
    }

    #[tokio::test]
    async fn filling_twice_changes_nothing_but_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let size = PoolSize::default();
        let database = Database::open(folder.path(), "catalogue", size, SCHEMA)
            .await
            .unwrap();
        let pool = database.pool();
        fill(pool, false).await.unwrap();
        assert!(index_exists(pool).await);
        fill(pool, true).await.unwrap();
        assert!(!index_exists(pool).await);
        let (products, lines): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM products), (SELECT count(*) FROM order_lines)",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        assert_eq!((products, lines), (48, 250_000));
        let (sold,): (i64,) =
            sqlx::query_as("SELECT count(DISTINCT sku) FROM order_lines NATURAL JOIN products")
                .fetch_one(pool)
                .await
                .unwrap();
        assert_eq!(sold, 48, "every product has sales");
    }
}
