//! A request as a collector sends it: four services, each with two scopes, spans of HTTP servers, clients and databases.

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, InstrumentationScope, KeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status, TracesData, span::Event,
};

const SERVICES: [&str; 4] = ["gateway", "checkout", "catalogue", "payments"];
const SCOPES: [&str; 2] = [
    "opentelemetry.instrumentation.http",
    "opentelemetry.instrumentation.sql",
];
const ROUTES: [&str; 6] = [
    "/",
    "/cart",
    "/cart/{id}",
    "/products/{id}",
    "/orders",
    "/orders/{id}/items",
];

/// Small, fast and good enough for fixtures; Vigna's SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// `n` spans, the same for the same seed.
pub(crate) fn request(n: usize, seed: u64) -> TracesData {
    let random = &mut Random(seed);
    let per_scope = n / (SERVICES.len() * SCOPES.len());
    let resource_spans = SERVICES.into_iter().map(|service| ResourceSpans {
        resource: Some(resource(service)),
        scope_spans: SCOPES
            .into_iter()
            .map(|scope| ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: scope.to_owned(),
                    version: "1.32.0".to_owned(),
                    ..Default::default()
                }),
                spans: (0..per_scope).map(|_| span(random)).collect(),
                schema_url: String::new(),
            })
            .collect(),
        schema_url: "https://opentelemetry.io/schemas/1.37.0".to_owned(),
    });
    TracesData {
        resource_spans: resource_spans.collect(),
    }
}

fn resource(service: &str) -> Resource {
    let attributes = [
        ("service.name", service),
        ("service.version", "4.7.1"),
        (
            "service.instance.id",
            "0f6c1a1e-6f0b-4a51-9c80-6d1f4cfc2f11",
        ),
        ("deployment.environment.name", "production"),
        ("telemetry.sdk.language", "java"),
        ("telemetry.sdk.name", "opentelemetry"),
        ("k8s.pod.name", "pod-7d9c5f6b8d-x2x9z"),
        ("host.name", "node-17.eu-central-1.example"),
    ];
    Resource {
        attributes: attributes.map(|(key, value)| text(key, value)).to_vec(),
        ..Default::default()
    }
}

fn span(random: &mut Random) -> Span {
    let mut trace_id = random.next().to_be_bytes().to_vec();
    trace_id.extend(random.next().to_be_bytes());
    let start = 1_760_000_000_000_000_000 + random.below(30_000_000_000);
    let route = ROUTES[random.below(6) as usize];
    let status = [200, 200, 200, 200, 201, 304, 404, 500][random.below(8) as usize];
    let failed = status == 500;
    let id = random.below(50_000);
    let mut attributes = vec![
        text(
            "http.request.method",
            ["GET", "GET", "POST"][random.below(3) as usize],
        ),
        text("http.route", route),
        text("url.path", &route.replace("{id}", &id.to_string())),
        text("url.scheme", "https"),
        int("http.response.status_code", status),
        text("server.address", "shop.example"),
        int("server.port", 8443),
        text(
            "client.address",
            &format!("10.{}.{}.{}", id % 4, id % 200, id % 250),
        ),
        text("network.protocol.version", "1.1"),
        int("thread.id", 20 + random.below(64) as i64),
    ];
    if random.below(4) == 0 {
        attributes.push(text("enduser.id", &format!("user-{id}")));
    }
    let event = |random: &mut Random| Event {
        time_unix_nano: start + random.below(1_000_000),
        name: "exception".to_owned(),
        attributes: vec![
            text("exception.type", "java.io.IOException"),
            text(
                "exception.message",
                &format!("connection {id} reset by peer"),
            ),
        ],
        dropped_attributes_count: 0,
    };
    Span {
        trace_id,
        span_id: random.next().to_be_bytes().to_vec(),
        parent_span_id: random.next().to_be_bytes().to_vec(),
        flags: 0x101,
        name: format!("GET {route}"),
        kind: 2 + random.below(2) as i32,
        start_time_unix_nano: start,
        end_time_unix_nano: start + random.below(200_000_000),
        attributes,
        events: if failed {
            vec![event(random)]
        } else {
            Vec::new()
        },
        status: failed.then(|| Status {
            message: "internal error".to_owned(),
            code: 2,
        }),
        ..Default::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn int(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        key_strindex: 0,
    }
}
