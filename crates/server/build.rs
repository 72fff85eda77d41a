//! Generates the service of Tempo's streaming queries, and watches the embedded UI.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../../ui/dist");
    let methods = [
        ("search", "Search", "SearchRequest", "SearchResponse"),
        (
            "search_tags",
            "SearchTags",
            "SearchTagsRequest",
            "SearchTagsResponse",
        ),
        (
            "search_tags_v2",
            "SearchTagsV2",
            "SearchTagsRequest",
            "SearchTagsV2Response",
        ),
        (
            "search_tag_values",
            "SearchTagValues",
            "SearchTagValuesRequest",
            "SearchTagValuesResponse",
        ),
        (
            "search_tag_values_v2",
            "SearchTagValuesV2",
            "SearchTagValuesRequest",
            "SearchTagValuesV2Response",
        ),
    ];
    let mut service = Service::builder()
        .name("StreamingQuerier")
        .package("tempopb");
    for (name, route, input, output) in methods {
        let method = Method::builder()
            .name(name)
            .route_name(route)
            .input_type(format!("crate::tempo::proto::{input}"))
            .output_type(format!("crate::tempo::proto::{output}"))
            .codec_path("tonic_prost::ProstCodec")
            .server_streaming();
        service = service.method(method.build());
    }
    Builder::new()
        .build_client(true)
        .compile(&[service.build()]);
}
