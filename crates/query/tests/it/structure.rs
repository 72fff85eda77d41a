//! The merged tree has every span once, below the node of its parent.

use proptest::prelude::*;
use query::{SearchRequest, Structure, StructureNode};
use store_api::TimeRange;
use testkit::MemorySource;
use traceql::Query;

use crate::generate::spans;
use crate::{answer, engine, oracle, request};

/// Service, name and kind from the root to a node.
fn path(nodes: &[StructureNode], number: usize) -> Vec<String> {
    let node = &nodes[number];
    let mut path = node.parent.map_or(Vec::new(), |parent| path(nodes, parent));
    path.push(format!("{} {} {}", node.service, node.name, node.kind.0));
    path
}

fn merged(source: MemorySource, limit: usize) -> Structure {
    let request = SearchRequest {
        limit,
        time: TimeRange::ALL,
        ..request(Query::of_filter(None))
    };
    answer(engine(source).structure(&request)).expect("memory does not fail")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_span_is_in_one_node(spans in spans(), limit in 1..5_usize, batch_rows in 1..20_usize) {
        let all = oracle::search(&spans, &Query::of_filter(None), TimeRange::ALL);
        let shown = &all[..limit.min(all.len())];
        let found = merged(MemorySource::new(spans.clone(), batch_rows), limit);
        prop_assert_eq!(&found.partial, &None);
        prop_assert_eq!((found.left_out, found.trace_count), (0, shown.len() as u64));
        prop_assert_eq!(found.has_more, all.len() > shown.len());
        let n_spans = shown.iter().map(|trace| trace.spans.len() as u64).sum::<u64>();
        prop_assert_eq!(found.nodes.iter().map(|node| node.span_count).sum::<u64>(), n_spans);
        prop_assert_eq!(found.span_count, n_spans);
        let mut paths: Vec<_> = (0..found.nodes.len()).map(|n| path(&found.nodes, n)).collect();
        paths.sort();
        let n_paths = paths.len();
        paths.dedup();
        prop_assert_eq!(paths.len(), n_paths, "one node a path");
        let critical: i64 = found.nodes.iter().map(|node| node.critical_nano).sum();
        prop_assert!(critical <= found.duration_nano);
        for (number, node) in found.nodes.iter().enumerate() {
            prop_assert!(node.parent.is_none_or(|parent| parent < number));
            prop_assert!(node.trace_count <= node.span_count && node.p50_nano <= node.p95_nano);
            for (trace, span) in &node.examples {
                let is_it = |s: &model::Span| s.trace_id == *trace && s.span_id == *span && s.name == node.name;
                prop_assert!(spans.iter().any(is_it));
            }
        }
    }
}
