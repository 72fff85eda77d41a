//! Projections of attributes.

use columnar::{Column, to_model};
use model::{KeyValue, Span};
use store_api::{AttributeProjection, AttributeScope, Projection, ScanRequest, SpanSource};

/// Checks that the attributes asked for are in the answer, and none that were never stored.
pub(super) async fn check(source: &dyn SpanSource, all: &ScanRequest, spans: &[Span]) {
    let mut names: Vec<(AttributeScope, String)> = Vec::new();
    for span in spans.iter().take(4) {
        let lists = of_scopes(span);
        let keys = lists.iter().flat_map(|(scope, list)| {
            let every_other = list.iter().step_by(2);
            every_other.map(|a| (*scope, a.key.clone()))
        });
        names.extend(keys);
    }
    names.push((AttributeScope::Span, "http.response.status_code".to_owned()));
    let one = names.iter().take(1).cloned().collect();
    for names in [names, one, vec![]] {
        let request = ScanRequest {
            attributes: AttributeProjection::Only(names.clone()),
            ..all.clone()
        };
        let found = super::batches(source, request).await;
        let found = found
            .iter()
            .flat_map(|b| to_model(&b.batch).expect("whole spans"));
        let found: Vec<Span> = found.map(|span| cut(span, &names)).collect();
        let expected: Vec<Span> = spans.iter().map(|s| cut(s.clone(), &names)).collect();
        assert_eq!(
            super::texts(&found),
            super::texts(&expected),
            "attributes {names:?}"
        );
        let request = ScanRequest {
            attributes: AttributeProjection::Only(names),
            projection: Projection::Columns(vec![Column::Attributes]),
            ..all.clone()
        };
        let found = super::batches(source, request).await;
        let rows: usize = found.iter().map(|b| b.batch.num_rows()).sum();
        assert_eq!(rows, spans.len(), "rows of the attributes alone");
    }
}

fn of_scopes(span: &Span) -> Vec<(AttributeScope, &[KeyValue])> {
    let events = span
        .events
        .iter()
        .map(|e| (AttributeScope::Event, &e.attributes[..]));
    let links = span
        .links
        .iter()
        .map(|l| (AttributeScope::Link, &l.attributes[..]));
    let own = [(AttributeScope::Span, &span.attributes[..])];
    own.into_iter().chain(events).chain(links).collect()
}

/// `span` with only the attributes that `names` names.
fn cut(mut span: Span, names: &[(AttributeScope, String)]) -> Span {
    let projection = AttributeProjection::Only(names.to_vec());
    let keep = |scope, list: &mut Vec<KeyValue>| list.retain(|a| projection.wants(scope, &a.key));
    keep(AttributeScope::Span, &mut span.attributes);
    span.events
        .iter_mut()
        .for_each(|e| keep(AttributeScope::Event, &mut e.attributes));
    span.links
        .iter_mut()
        .for_each(|l| keep(AttributeScope::Link, &mut l.attributes));
    span
}
