//! What is kept of a trace around the spans that a search finds in it.

use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, ManualClock};
use columnar::to_model;
use model::{TenantId, TraceId};
use query::{Around, Engine, Error, Partial};
use testkit::{MemorySource, traces};

use crate::{answer, engine};

/// `d` hangs on a span that was not received; `twin` shares its id with `b`, whose child is `c`; `ring` names itself.
const TEXT: &str = "
trace 1
  web root 0..90 server id=1
    web a 1..80 id=2 n=1
      web b 2..70 client id=3
        db c 5..60 error id=4 n=2
          db leaf 6..50 id=5
    web idle 81..89 id=6
  db twin 3..69 server id=3 parent=2
  cart d 10..11 error id=7 parent=77
  cart ring 12..13 id=8 parent=8
trace 2
  web root 0..9 error
";

const ALL: usize = usize::MAX;

fn id(number: u128) -> TraceId {
    TraceId(number.to_be_bytes())
}

#[test]
fn what_is_found_is_kept_with_what_stands_around_it() {
    let spans = traces(TEXT);
    let twice = [spans.clone(), spans].concat();
    for batch_rows in [1, 3, 100] {
        let engine = engine(MemorySource::new(twice.clone(), batch_rows));
        let check = |text: &str, above: usize, below: usize, n_found: usize, expect: &str| {
            let query = traceql::parse(text).expect(text).query;
            let around = Around {
                ancestors_max: above,
                descendants_max: below,
            };
            let tenant = TenantId::default_tenant();
            let excerpt = answer(engine.excerpt(&tenant, id(1), &query, around, None));
            let excerpt = excerpt.expect(text).expect("the trace is there");
            let spans = to_model(&excerpt.trace.batch).expect("the whole schema");
            let mut names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
            names.sort_unstable();
            assert_eq!(names.join(" "), expect, "{text} {above} {below}");
            assert_eq!((excerpt.n_spans, excerpt.n_found), (9, n_found), "{text}");
            assert_eq!(excerpt.trace.conflicting.len(), spans.len());
            assert_eq!(excerpt.trace.partial, None);
        };
        let failed = "{ status = error }";
        check(failed, 0, 0, 2, "c d");
        check(failed, ALL, 0, 2, "a b c d root twin");
        check(failed, 1, 0, 2, "b c d twin");
        check(failed, 2, 0, 2, "a b c d twin");
        check(failed, 0, 1, 2, "c d leaf");
        check("{ name = \"twin\" }", 0, 0, 1, "twin");
        check("{ name = \"twin\" }", 0, 1, 1, "b c twin");
        check("{ name = \"twin\" }", 1, 0, 1, "a b twin");
        check("{ name = \"root\" }", ALL, 1, 1, "a idle root");
        check(
            "{ name = \"root\" }",
            0,
            ALL,
            1,
            "a b c idle leaf root twin",
        );
        check("{ name = \"ring\" }", ALL, ALL, 1, "ring");
        check("{ name = \"absent\" }", ALL, ALL, 0, "");
        check("{ }", 0, 0, 9, "a b c d idle leaf ring root twin");
        check("{ span.n = 1 } >> { status = error }", 0, 0, 1, "c");
        check(
            "{ } | by(resource.service.name) | count() = 2",
            0,
            0,
            2,
            "d ring",
        );
        check(
            "{ } | by(resource.service.name) | count() = 9",
            0,
            ALL,
            0,
            "",
        );
        check(
            "{ } | by(resource.service.name) | count() < 3 | { status = error }",
            0,
            0,
            1,
            "d",
        );
    }
}

#[test]
fn what_is_not_there_or_was_not_read_is_told() {
    let tenant = TenantId::default_tenant();
    let around = Around {
        ancestors_max: ALL,
        descendants_max: 0,
    };
    let failed = traceql::parse("{ status = error }").expect("a query").query;
    let whole = engine(MemorySource::new(traces(TEXT), 2));
    let absent = answer(whole.excerpt(&tenant, id(9), &failed, around, None));
    assert!(absent.expect("an answer").is_none());
    let rate = traceql::parse("{ } | rate()").expect("a query").query;
    let refused = answer(whole.excerpt(&tenant, id(1), &rate, around, None));
    assert!(matches!(refused, Err(Error::Unsupported { .. })));

    let clock = ManualClock::at(0);
    let source = MemorySource::new(traces(TEXT), 2).taking(clock.clone(), Duration::from_secs(1));
    let engine = Engine::new(Arc::new(source), Arc::new(clock.clone()));
    let deadline = Some(clock.instant() + Duration::from_secs(2));
    let half = answer(engine.excerpt(&tenant, id(1), &failed, around, deadline));
    let half = half.expect("an answer").expect("it may be there");
    assert_eq!(half.trace.partial, Some(Partial::Deadline));
    assert!(half.n_spans < 9, "{}", half.n_spans);
}
