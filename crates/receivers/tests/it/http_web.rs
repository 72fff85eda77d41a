//! OTLP/HTTP and browsers: CORS, rebinding.

use receivers::Cors;
use reqwest::{Method, RequestBuilder};

use crate::node::{JSON, Node, json};

fn preflight(node: &Node, origin: &str) -> RequestBuilder {
    let url = node.http_url("/v1/traces");
    node.client
        .request(Method::OPTIONS, url)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,x-api-key")
}

#[tokio::test]
async fn a_page_of_this_machine_asks_and_sends() {
    let node = Node::start().await;
    let origin = "http://localhost:5173";
    let res = preflight(&node, origin).send().await.unwrap();
    assert_eq!(res.status(), 204);
    let headers = res.headers();
    assert_eq!(headers["access-control-allow-origin"], origin);
    assert_eq!(headers["access-control-allow-methods"], "POST");
    assert_eq!(headers["vary"], "origin");
    let allowed = headers["access-control-allow-headers"].to_str().unwrap();
    for name in [
        "content-type",
        "content-encoding",
        "traceparent",
        "tracestate",
        "x-api-key",
    ] {
        assert!(allowed.contains(name), "{name}");
    }
    let sent = node.post(JSON, json(&[1])).header("origin", origin);
    let res = sent.send().await.unwrap();
    assert_eq!(res.status(), 200);
    assert_eq!(res.headers()["access-control-allow-origin"], origin);
    let sent = node.post(JSON, "x").header("origin", origin);
    let res = sent.send().await.unwrap();
    assert_eq!(res.status(), 400);
    assert_eq!(res.headers()["access-control-allow-origin"], origin);
}

#[tokio::test]
async fn a_page_of_a_stranger_gets_no_leave() {
    let node = Node::start().await;
    let origin = "https://evil.example";
    let sent = node.post(JSON, json(&[1])).header("origin", origin);
    for request in [preflight(&node, origin), sent] {
        let res = request.send().await.unwrap();
        assert_eq!(res.status(), 403);
        assert!(!res.headers().contains_key("access-control-allow-origin"));
    }
    assert_eq!(node.sink.n_spans(), 0);
}

#[tokio::test]
async fn any_page_may_send_where_the_operator_says_so() {
    let node = Node::with(|config| config.cors = Cors::Any).await;
    let origin = "https://shop.example";
    let asked = preflight(&node, origin).header("access-control-request-private-network", "true");
    let res = asked.send().await.unwrap();
    assert_eq!(res.headers()["access-control-allow-origin"], origin);
    assert_eq!(
        res.headers()["access-control-allow-private-network"],
        "true"
    );
}

#[tokio::test]
async fn a_name_that_was_bent_to_loopback_is_refused() {
    let node = Node::start().await;
    for (host, status) in [("evil.example", 403), ("localhost:4318", 200)] {
        let sent = node.post(JSON, json(&[1])).header("host", host);
        assert_eq!(sent.send().await.unwrap().status(), status, "{host}");
    }
    assert_eq!(node.sink.n_spans(), 1);
}
