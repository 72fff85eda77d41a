//! A shop without faults: whole traces through every service, the conventions, and none of the faults' marks.

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::faults::{self, Mark};
use crate::receiver::{Seen, by_trace, is_whole, parent};
use crate::shop::Shop;

/// The attributes that tell a call of another service from a query.
const CALLS: [&str; 2] = ["http.request.method", "rpc.system"];

/// A whole trace of an order, from the customer to the e-mail.
fn order_trace(spans: &[Seen]) -> Option<Vec<Seen>> {
    by_trace(spans)
        .into_values()
        .find(|trace| {
            trace.iter().any(|span| span.name == "email.send")
                && is_whole(trace)
                && is_answered(trace)
        })
        .map(|trace| trace.into_iter().cloned().collect())
}

/// Whether what each call and each message led to has arrived too: services export on their own, a callee's spans often after its caller's.
fn is_answered(trace: &[&Seen]) -> bool {
    let has_child = |of: &Seen, kind| {
        trace
            .iter()
            .any(|span| span.kind == kind && span.parent == of.span)
    };
    trace.iter().all(|span| match span.kind {
        SpanKind::Producer => has_child(span, SpanKind::Consumer),
        SpanKind::Client if CALLS.iter().any(|key| !span.get(key).is_empty()) => {
            has_child(span, SpanKind::Server)
        }
        _ => true,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_are_whole_traces_through_every_service_and_nothing_fails() {
    let shop = Shop::start([]).await;
    let order = shop
        .receiver
        .wait_for("the whole trace of an order", order_trace)
        .await;
    let order: Vec<&Seen> = order.iter().collect();
    check_path(&order);
    check_conventions(&order);
    check_secrets(&order);
    check_batch_links(&shop, &order).await;

    // Enough traffic for every kind of page, then end and look at everything.
    let enough = |spans: &[Seen]| (by_trace(spans).len() > 100).then_some(());
    shop.receiver.wait_for("a hundred traces", enough).await;
    let Shop {
        receiver,
        supervisor,
        ..
    } = shop;
    supervisor.shutdown().await;
    let spans = receiver.spans();

    let failed: Vec<_> = spans.iter().filter(|span| span.is_error).collect();
    assert!(
        failed.is_empty(),
        "{} spans failed, such as {:#?}",
        failed.len(),
        failed[0]
    );
    for (id, trace) in by_trace(&spans) {
        assert!(
            is_whole(&trace),
            "the last spans were sent: {id} {trace:#?}"
        );
    }
    for mark in Mark::ALL {
        assert!(
            faults::find(mark, &spans).is_none(),
            "{mark:?} in a healthy shop"
        );
    }
    check_resources(&spans);
}

/// Who calls whom in an order.
fn check_path(order: &[&Seen]) {
    let services: BTreeSet<_> = order.iter().map(|span| span.service()).collect();
    let expected = [
        "cart",
        "checkout",
        "gateway",
        "ledger",
        "payments",
        "shipping",
        "storefront",
        "worker",
    ];
    assert_eq!(services, BTreeSet::from(expected));

    for (service, name, caller) in [
        ("gateway", "POST /checkout", "storefront"),
        ("checkout", "POST /orders", "gateway"),
        ("cart", "GET /carts/{cart_id}", "checkout"),
        ("payments", "shop.payments.v1.Payments/Charge", "checkout"),
        ("ledger", "POST /postings", "payments"),
        ("worker", "POST /queues/{queue}/messages", "checkout"),
        ("shipping", "POST /shipments", "worker"),
    ] {
        let server = find(order, |span| span.is_server(service) && span.name == name);
        let client = parent(order, server);
        assert_eq!(
            (client.service(), client.kind),
            (caller, SpanKind::Client),
            "{name}"
        );
    }
    let process = find(order, |span| span.name == "process orders");
    let send = parent(order, process);
    assert_eq!(
        (process.kind, process.service()),
        (SpanKind::Consumer, "worker")
    );
    assert_eq!(
        (send.kind, send.service()),
        (SpanKind::Producer, "checkout")
    );
    let process = find(order, |span| span.name == "process notifications");
    assert_eq!(parent(order, process).name, "send notifications");
}

fn check_conventions(order: &[&Seen]) {
    let root = find(order, |span| span.parent.is_empty());
    assert_eq!(
        (root.service(), root.kind),
        ("storefront", SpanKind::Client)
    );
    assert!(root.get("user_agent.original").starts_with("Mozilla/5.0"));

    let gateway = find(order, |span| span.is_server("gateway"));
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/checkout"),
        ("url.path", "/checkout"),
        ("http.response.status_code", "200"),
        ("server.address", "127.0.0.1"),
        ("feature_flag.key", "checkout-layout"),
    ] {
        assert_eq!(gateway.get(key), value, "{key}");
    }
    let charge = find(order, |span| span.is_server("payments"));
    assert_eq!(charge.get("rpc.system"), "grpc");
    assert_eq!(charge.get("rpc.service"), "shop.payments.v1.Payments");
    assert_eq!(charge.get("rpc.method"), "Charge");
    assert!(charge.get("app.order.id").starts_with("ord-"));
    let insert = find(order, |span| span.name == "INSERT postings");
    assert_eq!(insert.kind, SpanKind::Client);
    assert_eq!(insert.get("db.system.name"), "sqlite");
    assert_eq!(insert.get("db.operation.name"), "INSERT");
    assert!(
        insert
            .get("db.query.text")
            .starts_with("INSERT OR IGNORE INTO postings")
    );
    let acquire = find(order, |span| {
        span.name == "pool.acquire" && span.service() == "ledger"
    });
    assert_eq!(acquire.get("app.pool.size_max"), "4");
    let send = find(order, |span| span.name == "send orders");
    assert_eq!(send.get("messaging.destination.name"), "orders");
    assert_eq!(send.get("messaging.operation.type"), "send");
}

/// Three careless attributes, for redaction to find.
fn check_secrets(order: &[&Seen]) {
    let gateway = find(order, |span| span.is_server("gateway"));
    assert!(
        gateway
            .get("http.request.header.authorization")
            .starts_with("Bearer eyJ")
    );
    let authorise = find(order, |span| span.name == "card.authorise");
    assert!(authorise.get("app.payment.card_number").len() >= 15);
    let email = find(order, |span| span.name == "email.send");
    assert!(email.get("app.customer.email").ends_with("@example.com"));
}

/// The batch that held the order links to its producer, and the order's processing to the batch.
async fn check_batch_links(shop: &Shop, order: &[&Seen]) {
    let process = find(order, |span| span.name == "process orders");
    let [(_, batch)] = process.links.as_slice() else {
        panic!("one link: {process:#?}")
    };
    let producer = (process.trace.clone(), process.parent.clone());
    let receive = |spans: &[Seen]| spans.iter().find(|span| span.span == *batch).cloned();
    let receive = shop
        .receiver
        .wait_for("the span of the batch", receive)
        .await;
    assert_eq!(receive.name, "receive orders");
    assert!(receive.links.contains(&producer), "{receive:#?}");
    assert_ne!(receive.trace, process.trace);
}

fn check_resources(spans: &[Seen]) {
    let services: BTreeSet<_> = spans.iter().map(Seen::service).collect();
    assert_eq!(services.len(), 9, "{services:?}");
    let instances: BTreeSet<_> = spans
        .iter()
        .map(|span| span.resource["service.instance.id"].as_str())
        .collect();
    assert_eq!(instances.len(), 10, "payments has two");
    let protocols: BTreeSet<_> = spans.iter().map(|span| span.over_grpc).collect();
    assert_eq!(
        protocols.len(),
        2,
        "some services export over gRPC and some over HTTP"
    );
    for span in spans {
        assert_eq!(span.resource["service.namespace"], "shop");
        assert_eq!(span.resource["deployment.environment.name"], "demo");
        assert!(!span.resource["host.name"].is_empty());
        assert!(!span.version().is_empty());
    }
}

fn find<'a>(trace: &[&'a Seen], wanted: impl Fn(&Seen) -> bool) -> &'a Seen {
    match trace.iter().find(|span| wanted(span)) {
        Some(span) => span,
        None => panic!("no such span in {trace:#?}"),
    }
}
