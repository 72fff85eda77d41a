use expect_test::{Expect, expect};

use super::*;

const DEFAULT: BoundsArgs = BoundsArgs {
    depth: 40,
    lines: 500,
    no_fold: false,
};

/// Names of services, by their number in [`span`].
const SERVICES: [&str; 3] = ["gateway", "cart", "payments"];

/// A span from `start` to `end` milliseconds.
fn span(
    id: usize,
    parent: Option<usize>,
    service: u32,
    name: &str,
    start: i64,
    end: i64,
) -> api::SpanRow {
    api::SpanRow {
        span_id: format!("{id:016x}"),
        parent_span_id: parent.map(|id| format!("{id:016x}")),
        name: name.to_owned(),
        service,
        kind: "internal".to_owned(),
        status: "unset".to_owned(),
        status_message: None,
        start_offset_nano: start * 1_000_000,
        duration_nano: (end - start) * 1_000_000,
        event_count: 0,
        link_count: 0,
        flags: Vec::new(),
    }
}

fn response(spans: Vec<api::SpanRow>) -> api::TraceResponse {
    let end = |span: &api::SpanRow| span.start_offset_nano + span.duration_nano;
    let is_error = |span: &&api::SpanRow| span.status == "error";
    api::TraceResponse {
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
        start_unix_nano: "1764079200000000000".to_owned(),
        duration_nano: spans.iter().map(end).max().unwrap_or(0),
        services: SERVICES.map(str::to_owned).to_vec(),
        span_count: spans.len() as u64,
        error_count: spans.iter().filter(is_error).count() as u64,
        facts: api::TraceFacts {
            complete: true,
            roots: 1,
            ..Default::default()
        },
        spans,
    }
}

fn drawn(spans: Vec<api::SpanRow>, bounds: BoundsArgs, columns: usize) -> String {
    drawn_of(&response(spans), bounds, columns)
}

fn drawn_of(response: &api::TraceResponse, bounds: BoundsArgs, columns: usize) -> String {
    let mut out = Vec::new();
    let terminal = Terminal::new(Some(columns), false);
    trace(response, bounds, terminal, &mut out).expect("memory takes all");
    String::from_utf8(out).expect("text")
}

fn check(spans: Vec<api::SpanRow>, bounds: BoundsArgs, expect: Expect) {
    expect.assert_eq(&drawn(spans, bounds, 100));
}

/// A checkout that asks the cart twelve times, has an orphan, and sends something that nobody waits for.
fn checkout() -> Vec<api::SpanRow> {
    let mut root = span(1, None, 0, "POST /checkout", 0, 240);
    root.kind = "server".to_owned();
    let mut spans = vec![root];
    for n in 0..12 {
        let start = 5 + 10 * n as i64;
        let mut get = span(10 + n, Some(1), 0, "GetItem", start, start + 8);
        get.kind = "client".to_owned();
        spans.push(get);
        spans.push(span(
            30 + n,
            Some(10 + n),
            1,
            "SELECT",
            start + 1,
            start + 4,
        ));
    }
    let mut charge = span(50, Some(1), 2, "Charge\x1b[31m", 130, 235);
    charge.status = "error".to_owned();
    charge.status_message = Some("declined\nby the bank".to_owned());
    spans.push(charge);
    spans.push(span(51, Some(50), 2, "audit", 140, 150));
    let mut open = span(52, Some(50), 2, "retry", 160, 160);
    open.flags = vec!["unfinished".to_owned()];
    spans.push(open);
    spans.push(span(60, Some(99), 1, "restock", 200, 210));
    spans.sort_by_key(|span| span.start_offset_nano);
    spans
}

#[test]
fn a_trace_is_a_tree_with_its_critical_path() {
    check(
        checkout(),
        DEFAULT,
        expect![[r#"
        trace 4bf92f3577b34da6a3ce929d0e0e4736: 2025-11-25T14:00:00Z, 240 ms, 29 spans, 3 services, 1 error
        critical path (*): payments 105 ms, gateway 99.0 ms, cart 36.0 ms

          SERVICE AND NAME                               WHEN                      DURATION      SELF  STATUS
        * gateway POST /checkout (server)                ━━━━━━━━━━━━━──────────━    240 ms   39.0 ms
        * ├╴gateway GetItem ×12 (client)                 ━━━━━━━━━━━━━               118 ms   60.0 ms
        * │ └╴cart SELECT ×12                            ━━━━━━━━━━━━                113 ms   36.0 ms
        * └╴payments Charge�[31m: declined by the bank                ━─━━━━━━━━━    105 ms   95.0 ms  error
        *   ├╴payments audit                                           ━            10.0 ms   10.0 ms
            └╴payments retry                                             ─             0 ns      0 ns  open

          without their parent, which was not received (1):
          cart restock                                                       ─      10.0 ms   10.0 ms
    "#]],
    );
}

#[test]
fn nothing_is_folded_when_asked() {
    let bounds = BoundsArgs {
        no_fold: true,
        lines: 6,
        ..DEFAULT
    };
    check(
        checkout(),
        bounds,
        expect![[r#"
        trace 4bf92f3577b34da6a3ce929d0e0e4736: 2025-11-25T14:00:00Z, 240 ms, 29 spans, 3 services, 1 error
        critical path (*): payments 105 ms, gateway 99.0 ms, cart 36.0 ms

          SERVICE AND NAME                               WHEN                      DURATION      SELF  STATUS
        * gateway POST /checkout (server)                ━━━━━━━━━━━━━──────────━    240 ms   39.0 ms
        * ├╴gateway GetItem (client)                     ━━                         8.00 ms   5.00 ms
        * │ └╴cart SELECT                                ━                          3.00 ms   3.00 ms
        * ├╴gateway GetItem (client)                      ━━                        8.00 ms   5.00 ms
        * │ └╴cart SELECT                                 ━                         3.00 ms   3.00 ms
        * ├╴gateway GetItem (client)                       ━━                       8.00 ms   5.00 ms
        left out: 23 spans after 6 lines (--lines)
    "#]],
    );
}

#[test]
fn what_is_deep_or_long_is_left_out_and_told() {
    let bounds = BoundsArgs {
        depth: 2,
        lines: 3,
        ..DEFAULT
    };
    check(
        checkout(),
        bounds,
        expect![[r#"
        trace 4bf92f3577b34da6a3ce929d0e0e4736: 2025-11-25T14:00:00Z, 240 ms, 29 spans, 3 services, 1 error
        critical path (*): payments 105 ms, gateway 99.0 ms, cart 36.0 ms

          SERVICE AND NAME                               WHEN                      DURATION      SELF  STATUS
        * gateway POST /checkout (server)                ━━━━━━━━━━━━━──────────━    240 ms   39.0 ms
        * ├╴gateway GetItem ×12 (client) +12 below       ━━━━━━━━━━━━━               118 ms   60.0 ms
        * └╴payments Charge�[31m +2 below: declined by …              ━─━━━━━━━━━    105 ms   95.0 ms  error
        left out: 14 spans below level 2 (--depth)
        left out: 1 span after 3 lines (--lines)
    "#]],
    );
}

#[test]
fn no_spans_and_no_time() {
    check(
        Vec::new(),
        DEFAULT,
        expect![[r#"
        trace 4bf92f3577b34da6a3ce929d0e0e4736: 2025-11-25T14:00:00Z, 0 ns, 0 spans, 3 services, 0 errors
        critical path (*): no time

          SERVICE AND NAME                               WHEN                      DURATION      SELF  STATUS
    "#]],
    );
    check(
        vec![span(1, None, 7, "", 0, 0)],
        DEFAULT,
        expect![[r#"
        trace 4bf92f3577b34da6a3ce929d0e0e4736: 2025-11-25T14:00:00Z, 0 ns, 1 span, 3 services, 0 errors
        critical path (*): no time

          SERVICE AND NAME                               WHEN                      DURATION      SELF  STATUS
          ?                                              ─                             0 ns      0 ns
    "#]],
    );
}

#[test]
fn what_is_missing_or_odd_is_told_in_the_head() {
    let mut response = response(vec![span(1, None, 0, "GET /", 0, 5)]);
    response.facts.complete = false;
    response.facts.conflicting_spans = 2;
    let text = drawn_of(&response, DEFAULT, 100);
    assert!(
        text.contains("\nnot complete: not all of it could be read\n"),
        "{text}"
    );
    assert!(
        text.contains("\n2 spans came again with other contents\n"),
        "{text}"
    );
    (response.facts.roots, response.facts.missing_parents) = (0, 1);
    let text = drawn_of(&response, DEFAULT, 100);
    assert!(
        text.contains("\nnot complete: 0 roots, 1 parent not received\n"),
        "{text}"
    );
}

#[test]
fn lines_are_as_wide_as_the_terminal() {
    for columns in [60, 100, 200] {
        for line in drawn(checkout(), DEFAULT, columns).lines().skip(4) {
            assert!(
                line.chars().count() <= columns.max(TREE_MIN + FIXED),
                "{columns}: {line}"
            );
        }
    }
}

#[test]
fn a_hundred_thousand_spans_are_a_screen_or_a_few() {
    let n = 100_000;
    let chain = (0..n).map(|id| {
        let parent = (id > 0).then(|| id - 1);
        span(id, parent, 0, "deeper", id as i64, 2 * n as i64 - id as i64)
    });
    let text = drawn(chain.collect(), DEFAULT, 100);
    assert!(
        text.ends_with("left out: 99960 spans below level 40 (--depth)\n"),
        "{text}"
    );
    let all = BoundsArgs {
        depth: u32::MAX,
        ..DEFAULT
    };
    let chain = (0..n).map(|id| span(id, (id > 0).then(|| id - 1), 0, "deeper", 0, 1));
    let text = drawn(chain.collect(), all, 100);
    assert!(
        text.ends_with("left out: 99500 spans after 500 lines (--lines)\n"),
        "{text}"
    );
    assert!(text.lines().count() < 520);

    let wide = (0..n).map(|id| {
        let parent = (id > 0).then_some(0);
        span(id, parent, 1, &format!("job {}", id % 5), 0, 10)
    });
    let text = drawn(wide.collect(), DEFAULT, 100);
    assert_eq!(text.lines().count(), 4 + 6, "{text}");
}
