//! What a pod says about itself, and the names of its instrumentations.

use super::names::{code, mix, pod_name, push_uuid};
use super::proto::{Value, attribute, bytes, message, tag};
use crate::world::{Flavour, Language, Pod, World};

/// Instrumentation scopes of a service: servers, clients, databases, messaging, its own code.
pub(crate) const SCOPES: usize = 5;

/// Of the resources and scopes of a service.
pub(super) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.37.0";

/// The resource of a pod, as a field of `ResourceSpans`.
pub(super) fn resource(world: &World, pod: Pod) -> Vec<u8> {
    let service = &world.services[usize::from(pod.service)];
    let number = u64::from(pod.service) << 16 | u64::from(pod.replica);
    let name = pod_name(service.name, pod);
    let (mut instance, mut uid) = (String::new(), String::new());
    push_uuid(&mut instance, mix(number | 1 << 40), mix(number | 2 << 40));
    push_uuid(&mut uid, mix(number | 3 << 40), mix(number | 4 << 40));
    let node = mix(number | 5 << 40) % 48;
    let zone = ["a", "b", "c"][(node % 3) as usize];
    let host = format!(
        "ip-10-21-{}-{}.eu-central-1.compute.internal",
        node,
        node * 5 % 251
    );
    let version = format!(
        "{}.{}.{}",
        1 + pod.service % 7,
        pod.service % 40,
        number % 3
    );
    let node_name = format!("worker-{zone}-{}", code(node | 6 << 40, 6));
    let zone_name = format!("eu-central-1{zone}");
    let attributes = [
        ("service.name", service.name),
        ("service.namespace", service.namespace),
        ("service.version", &version),
        ("service.instance.id", &instance),
        ("deployment.environment.name", "production"),
        ("k8s.cluster.name", "shop-eu-1"),
        ("k8s.namespace.name", service.namespace),
        ("k8s.deployment.name", service.name),
        ("k8s.pod.name", &name),
        ("k8s.pod.uid", &uid),
        ("k8s.node.name", &node_name),
        ("host.name", &host),
        (
            "host.arch",
            if node.is_multiple_of(4) {
                "arm64"
            } else {
                "amd64"
            },
        ),
        ("cloud.provider", "aws"),
        ("cloud.region", "eu-central-1"),
        ("cloud.availability_zone", &zone_name),
        ("telemetry.sdk.name", "opentelemetry"),
        ("telemetry.sdk.language", service.language.name()),
        ("telemetry.sdk.version", sdk_version(service.language)),
    ];
    let mut out = Vec::new();
    message(&mut out, tag(1), |out| {
        for (key, value) in attributes {
            attribute(out, tag(1), key, Value::Text(value));
        }
    });
    out
}

/// The scope number `scope` of a service in `language`, as a field of `ScopeSpans`.
pub(super) fn scope(language: Language, scope: usize) -> Vec<u8> {
    let names = match language {
        Language::Java => [
            "io.opentelemetry.tomcat-10.0",
            "io.opentelemetry.java-http-client",
            "io.opentelemetry.jdbc",
            "io.opentelemetry.kafka-clients-2.6",
            "shop.tracing",
        ],
        Language::Go => [
            "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp",
            "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc",
            "github.com/exaring/otelpgx",
            "github.com/dnwe/otelsarama",
            "shop/internal/trace",
        ],
        Language::NodeJs => [
            "@opentelemetry/instrumentation-http",
            "@opentelemetry/instrumentation-undici",
            "@opentelemetry/instrumentation-mongodb",
            "@opentelemetry/instrumentation-kafkajs",
            "shop-tracing",
        ],
        Language::Python => [
            "opentelemetry.instrumentation.fastapi",
            "opentelemetry.instrumentation.grpc",
            "opentelemetry.instrumentation.psycopg",
            "opentelemetry.instrumentation.kafka",
            "shop.tracing",
        ],
        Language::DotNet => [
            "Microsoft.AspNetCore",
            "System.Net.Http",
            "OpenTelemetry.Instrumentation.StackExchangeRedis",
            "Confluent.Kafka.Extensions.Diagnostics",
            "Shop.Tracing",
        ],
        Language::Rust => [
            "tower-otel",
            "tonic-tracing",
            "sqlx-tracing",
            "rdkafka-otel",
            "shop",
        ],
    };
    let version = format!("{}.{}.0", scope % 2, 20 + names[scope].len() % 40);
    let mut out = Vec::new();
    message(&mut out, tag(1), |out| {
        bytes(out, tag(1), names[scope].as_bytes());
        bytes(out, tag(2), version.as_bytes());
    });
    out
}

/// Which of a service's instrumentations records such spans.
pub(super) fn scope_of(flavour: Flavour) -> usize {
    match flavour {
        Flavour::HttpServer { .. } | Flavour::RpcServer { .. } => 0,
        Flavour::HttpClient { .. } | Flavour::RpcClient { .. } => 1,
        Flavour::Database(_) => 2,
        Flavour::Producer { .. } | Flavour::Consumer { .. } => 3,
        Flavour::Internal { .. } | Flavour::Job { .. } => 4,
    }
}

fn sdk_version(language: Language) -> &'static str {
    match language {
        Language::Go => "1.38.0",
        Language::Java => "1.55.0",
        Language::NodeJs => "2.1.0",
        Language::Python => "1.37.0",
        Language::DotNet => "1.13.1",
        Language::Rust => "0.31.0",
    }
}
