//! Generates the services of Tempo's streaming queries and of Jaeger's queries, and watches the embedded UI.

use tonic_build::manual::{Builder, Method, Service};

/// A method: its name in protobuf, its messages, and whether it streams its answer.
type Row = (&'static str, &'static str, &'static str, bool);

const TEMPO: [Row; 7] = [
    ("Search", "SearchRequest", "SearchResponse", true),
    (
        "SearchTags",
        "SearchTagsRequest",
        "SearchTagsResponse",
        true,
    ),
    (
        "SearchTagsV2",
        "SearchTagsRequest",
        "SearchTagsV2Response",
        true,
    ),
    (
        "SearchTagValues",
        "SearchTagValuesRequest",
        "SearchTagValuesResponse",
        true,
    ),
    (
        "SearchTagValuesV2",
        "SearchTagValuesRequest",
        "SearchTagValuesV2Response",
        true,
    ),
    (
        "MetricsQueryRange",
        "QueryRangeRequest",
        "QueryRangeResponse",
        true,
    ),
    (
        "MetricsQueryInstant",
        "QueryInstantRequest",
        "QueryInstantResponse",
        true,
    ),
];

// In both versions of Jaeger's service.
const SERVICES: Row = (
    "GetServices",
    "GetServicesRequest",
    "GetServicesResponse",
    false,
);
const OPERATIONS: Row = (
    "GetOperations",
    "GetOperationsRequest",
    "GetOperationsResponse",
    false,
);
const DEPENDENCIES: Row = (
    "GetDependencies",
    "GetDependenciesRequest",
    "GetDependenciesResponse",
    false,
);

const JAEGER_V3: [Row; 6] = [
    ("GetTrace", "GetTraceRequest", "TracesData", true),
    ("FindTraces", "FindTracesRequest", "TracesData", true),
    (
        "FindTraceSummaries",
        "FindTracesRequest",
        "FindTraceSummariesResponse",
        true,
    ),
    SERVICES,
    OPERATIONS,
    DEPENDENCIES,
];

const JAEGER_V2: [Row; 6] = [
    ("GetTrace", "GetTraceRequest", "SpansResponseChunk", true),
    (
        "ArchiveTrace",
        "GetTraceRequest",
        "ArchiveTraceResponse",
        false,
    ),
    (
        "FindTraces",
        "FindTracesRequest",
        "SpansResponseChunk",
        true,
    ),
    SERVICES,
    OPERATIONS,
    DEPENDENCIES,
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../../ui/dist");
    Builder::new().build_client(false).compile(&[
        service("tempopb", "StreamingQuerier", "tempo::proto", &TEMPO),
        service(
            "jaeger.api_v3",
            "QueryService",
            "jaeger::grpc::v3::proto",
            &JAEGER_V3,
        ),
        service(
            "jaeger.api_v2",
            "QueryService",
            "jaeger::grpc::v2::proto",
            &JAEGER_V2,
        ),
    ]);
}

/// A service whose messages stand in the module `messages`.
fn service(package: &str, name: &str, messages: &str, rows: &[Row]) -> Service {
    let service = Service::builder().name(name).package(package);
    let add = |service: tonic_build::manual::ServiceBuilder,
               (route, input, output, streams): &Row| {
        let method = Method::builder()
            .name(snake_case(route))
            .route_name(*route)
            .input_type(format!("crate::{messages}::{input}"))
            .output_type(format!("crate::{messages}::{output}"))
            .codec_path("tonic_prost::ProstCodec");
        let method = if *streams {
            method.server_streaming()
        } else {
            method
        };
        service.method(method.build())
    };
    rows.iter().fold(service, add).build()
}

/// `GetTrace` is `get_trace`.
fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
