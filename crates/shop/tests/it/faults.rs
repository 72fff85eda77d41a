//! Each fault leaves its mark in the traces. That a healthy shop has none of them is checked in [`crate::healthy`].

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use shop::Fault;

use crate::receiver::{Seen, by_trace};
use crate::shop::Shop;

/// What can be seen of a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    /// Searches by popularity that take, at the median, far longer than other statements of catalogue.
    SlowStatement,
    /// A wait for a connection that failed, while an export held one.
    ExhaustedPool,
    /// One order with four or more charges on the wire, early ones given up, and more than one carried out.
    RepeatedCharges,
    /// A listing in which no product came from the cache and each took a query, after many were cached.
    CacheNeverHits,
    /// A charge that release 4.7.1 declined.
    DeclinedByNewRelease,
    /// A quote that had to start the function first.
    ColdStart,
    /// A server span and a consumer span at the root of a trace.
    Uprooted,
}

impl Mark {
    pub(crate) const ALL: [Mark; 7] = [
        Mark::SlowStatement,
        Mark::ExhaustedPool,
        Mark::RepeatedCharges,
        Mark::CacheNeverHits,
        Mark::DeclinedByNewRelease,
        Mark::ColdStart,
        Mark::Uprooted,
    ];
}

/// A span that shows the mark, if one has arrived.
pub(crate) fn find(mark: Mark, spans: &[Seen]) -> Option<Seen> {
    match mark {
        Mark::SlowStatement => slow_statement(spans),
        Mark::ExhaustedPool => exhausted_pool(spans),
        Mark::RepeatedCharges => repeated_charges(spans),
        Mark::CacheNeverHits => cache_never_hits(spans),
        Mark::DeclinedByNewRelease => spans.iter().find(|span| is_declined(span)).cloned(),
        Mark::ColdStart => cold_start(spans),
        Mark::Uprooted => uprooted(spans),
    }
}

/// Compares medians, which a busy machine does not upset.
fn slow_statement(spans: &[Seen]) -> Option<Seen> {
    let mut statements: Vec<_> = spans
        .iter()
        .filter(|span| span.service() == "catalogue" && !span.get("db.query.text").is_empty())
        .collect();
    statements.sort_by_key(|span| span.nanos);
    let (popular, usual): (Vec<&Seen>, Vec<&Seen>) = statements
        .iter()
        .partition(|span| span.get("db.query.text").contains("order_lines"));
    let (median, usual_median) = (popular.get(popular.len() / 2)?, usual.get(usual.len() / 2)?);
    let enough = popular.len() >= 4 && usual.len() >= 20;
    (enough && median.nanos > 30 * usual_median.nanos).then(|| (*median).clone())
}

fn exhausted_pool(spans: &[Seen]) -> Option<Seen> {
    let export = |span: &Seen| {
        span.name == "statement.export" && span.get("app.job.holds_transaction") == "true"
    };
    let failed = |span: &&Seen| {
        span.name == "pool.acquire"
            && span.is_error
            && span.service() == "ledger"
            && span.events.iter().any(|(name, _)| name == "pool.exhausted")
            && exception(span).contains("PoolTimedOut")
    };
    spans
        .iter()
        .any(export)
        .then(|| spans.iter().find(failed).cloned())?
}

fn repeated_charges(spans: &[Seen]) -> Option<Seen> {
    by_trace(spans).into_values().find_map(|trace| {
        let calls = || {
            trace
                .iter()
                .filter(|span| span.service() == "checkout" && span.get("rpc.method") == "Charge")
        };
        let given_up = calls()
            .filter(|span| exception(span).contains("Elapsed"))
            .count();
        let served = trace
            .iter()
            .filter(|span| span.is_server("payments"))
            .count();
        let last = calls().max_by_key(|span| span.get("app.retry.attempt").parse::<u32>().ok())?;
        (calls().count() >= 4 && given_up >= 3 && served >= 3).then(|| (*last).clone())
    })
}

fn cache_never_hits(spans: &[Seen]) -> Option<Seen> {
    let lookups: Vec<_> = spans
        .iter()
        .filter(|span| span.name == "cache.get")
        .collect();
    let filled = lookups
        .iter()
        .any(|span| span.get("cache.entries").parse().is_ok_and(|n: u32| n > 48));
    if !filled || lookups.iter().any(|span| span.get("cache.hit") == "true") {
        return None;
    }
    let mut queries = BTreeMap::<_, usize>::new();
    for query in spans.iter().filter(|span| span.name == "SELECT products") {
        *queries.entry(query.parent.as_str()).or_default() += 1;
    }
    let repeats = |span: &&Seen| {
        span.name == "products.load"
            && queries
                .get(span.span.as_str())
                .is_some_and(|n| n.to_string() == span.get("app.products.count"))
    };
    spans.iter().find(repeats).cloned()
}

fn is_declined(span: &Seen) -> bool {
    span.name == "card.authorise" && span.is_error && span.version() == "4.7.1"
}

fn cold_start(spans: &[Seen]) -> Option<Seen> {
    let init = spans.iter().find(|span| span.name == "function.init")?;
    let invoked = |span: &&Seen| span.span == init.parent && span.get("faas.coldstart") == "true";
    spans.iter().find(invoked).cloned()
}

fn uprooted(spans: &[Seen]) -> Option<Seen> {
    let root = |kind, service: &str| {
        spans
            .iter()
            .find(|span| span.parent.is_empty() && span.kind == kind && span.service() == service)
    };
    root(SpanKind::Consumer, "worker")
        .and(root(SpanKind::Server, "catalogue"))
        .cloned()
}

/// The type of the exception recorded on a span; empty without one.
fn exception(span: &Seen) -> &str {
    let exception = span.events.iter().find(|(name, _)| name == "exception");
    exception
        .and_then(|(_, attributes)| attributes.get("exception.type"))
        .map_or("", String::as_str)
}

async fn shows(shop: &Shop, mark: Mark) -> Seen {
    shop.receiver
        .wait_for(&format!("{mark:?}"), |spans| find(mark, spans))
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_queries_cold_starts_lost_context_and_retries_show() {
    let shop = Shop::start([
        Fault::SlowQuery,
        Fault::ColdStarts,
        Fault::LostContext,
        Fault::RetryStorm,
    ])
    .await;
    let slow = shows(&shop, Mark::SlowStatement).await;
    assert!(slow.get("db.query.text").contains("l.sku = p.sku"));
    let cold = shows(&shop, Mark::ColdStart).await;
    assert_eq!(
        (cold.name.as_str(), cold.get("faas.name")),
        ("GET /quotes", "quote")
    );
    let root = shows(&shop, Mark::Uprooted).await;
    assert_eq!(root.name, "GET /products/{sku}");
    let charge = shows(&shop, Mark::RepeatedCharges).await;
    assert_eq!(charge.kind, SpanKind::Client);
    shop.supervisor.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exhausted_pool_a_bad_release_and_a_useless_cache_show() {
    let shop = Shop::start([
        Fault::PoolExhaustion,
        Fault::BadRelease,
        Fault::CacheKeyMistake,
    ])
    .await;
    let acquire = shows(&shop, Mark::ExhaustedPool).await;
    assert_eq!(acquire.get("error.type"), "pool_timeout");
    assert_eq!(acquire.get("app.pool.size_max"), "2");
    shows(&shop, Mark::CacheNeverHits).await;

    let declined = shows(&shop, Mark::DeclinedByNewRelease).await;
    let (_, event) = declined
        .events
        .iter()
        .find(|(name, _)| name == "exception")
        .unwrap();
    assert_eq!(event["exception.type"], "shop::payments::CardDeclined");
    assert!(
        event["exception.stacktrace"].contains("authorise"),
        "{event:#?}"
    );
    let both = |spans: &[Seen]| {
        let good = |span: &&Seen| span.name == "card.authorise" && span.version() == "4.7.0";
        spans.iter().find(good).map(|_| ())
    };
    shop.receiver.wait_for("a charge by 4.7.0", both).await;
    let Shop {
        receiver,
        supervisor,
        ..
    } = shop;
    supervisor.shutdown().await;
    let by_old =
        |span: &Seen| span.version() == "4.7.0" && exception(span).contains("CardDeclined");
    assert!(
        !receiver.spans().iter().any(by_old),
        "4.7.0 declines nothing"
    );
}
