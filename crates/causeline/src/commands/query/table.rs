//! Traces as rows.

use crate::commands::terminal::{Style, Terminal, duration, fit, harmless};
use crate::commands::when::rfc3339_of_text;

/// Columns of start, duration, spans, errors and trace id, with two between each.
const FIXED: usize = 20 + 2 + 8 + 2 + 6 + 2 + 6 + 2 + 2 + 32;
/// The root has at least these, also where the line is longer for it.
const ROOT_MIN: usize = 16;

/// The names of the columns.
pub(super) fn head(terminal: Terminal) -> String {
    let root = fit("ROOT", root_width(terminal));
    let head = format!(
        "{:20}  {:>8}  {:>6}  {:>6}  {root}  TRACE ID",
        "START", "DURATION", "SPANS", "ERRORS"
    );
    format!("{}\n", terminal.paint(Style::Dim, head))
}

/// A trace, and below it up to `spans_max` of its spans that match.
pub(super) fn rows(trace: &api::TraceSummary, spans_max: usize, terminal: Terminal) -> String {
    let errors = format!("{:>6}", trace.error_count);
    let style = if trace.error_count > 0 {
        Style::Red
    } else {
        Style::Plain
    };
    let mut out = format!(
        "{:20}  {:>8}  {:>6}  {}  {}  {}\n",
        rfc3339_of_text(&trace.start_unix_nano),
        duration(trace.duration_nano),
        trace.span_count,
        terminal.paint(style, errors),
        fit(&root(trace), root_width(terminal)),
        harmless(&trace.trace_id)
    );
    let shown = trace.spans.iter().take(spans_max);
    let n_shown = shown.len() as u64;
    for span in shown {
        out.push_str(&matched(span, trace, terminal));
    }
    if n_shown > 0 && n_shown < trace.matched {
        let rest = format!("    {} more match", trace.matched - n_shown);
        out.push_str(&format!("{}\n", terminal.paint(Style::Dim, rest)));
    }
    out
}

fn root_width(terminal: Terminal) -> usize {
    terminal.width.saturating_sub(FIXED).max(ROOT_MIN)
}

fn root(trace: &api::TraceSummary) -> String {
    let missing = if trace.has_root { "" } else { "(no root) " };
    let service = trace.root_service.as_deref().unwrap_or("?");
    let name = trace.root_name.as_deref().unwrap_or("?");
    format!("{missing}{} {}", harmless(service), harmless(name))
}

/// A span that matches: when after the trace's start, how long, what, and the attributes that the query names.
fn matched(span: &api::MatchedSpan, trace: &api::TraceSummary, terminal: Terminal) -> String {
    let nanos = |text: &str| text.parse::<i64>().unwrap_or_default();
    let after = nanos(&span.start_unix_nano).saturating_sub(nanos(&trace.start_unix_nano));
    let mut what = format!("{} {}", harmless(&span.service), harmless(&span.name));
    for attribute in &span.attributes {
        let (key, value) = (harmless(&attribute.key), harmless(&attribute.value));
        what.push_str(&format!("  {key}={value}"));
    }
    let is_error = span.status == "error";
    let status = if is_error { "error  " } else { "" };
    let times = format!(
        "    {:>9}  {:>8}  ",
        format!("+{}", duration(after)),
        duration(span.duration_nano)
    );
    let left = terminal
        .width
        .saturating_sub(times.chars().count() + status.len());
    let what = fit(&what, left);
    let status = terminal.paint(Style::Red, status);
    let status = if is_error { status } else { String::new() };
    format!("{times}{status}{}\n", what.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn trace() -> api::TraceSummary {
        let attribute = api::Attribute {
            key: "http.route".to_owned(),
            kind: "string".to_owned(),
            value: "/pay\x1b[2J".to_owned(),
        };
        api::TraceSummary {
            trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
            root_service: Some("gateway".to_owned()),
            root_name: Some("POST /checkout of everything".to_owned()),
            has_root: true,
            start_unix_nano: "1764079200000000000".to_owned(),
            duration_nano: 231_400_000,
            span_count: 42,
            error_count: 1,
            services: Vec::new(),
            matched: 3,
            groups: Vec::new(),
            spans: vec![api::MatchedSpan {
                span_id: "00f067aa0ba902b7".to_owned(),
                name: "Charge".to_owned(),
                service: "payments".to_owned(),
                start_unix_nano: "1764079200012000000".to_owned(),
                duration_nano: 4_100_000,
                status: "error".to_owned(),
                attributes: vec![attribute],
            }],
        }
    }

    #[test]
    fn rows_fit_the_terminal() {
        let mut out = String::new();
        let mut rootless = trace();
        (rootless.has_root, rootless.root_name) = (false, None);
        for terminal in [Terminal::new(None, false), Terminal::new(Some(120), false)] {
            out.push_str(&head(terminal));
            out.push_str(&rows(&trace(), 2, terminal));
            out.push_str(&rows(&rootless, 0, terminal));
        }
        expect![[r#"
            START                 DURATION   SPANS  ERRORS  ROOT                TRACE ID
            2025-11-25T14:00:00Z    231 ms      42       1  gateway POST /che…  4bf92f3577b34da6a3ce929d0e0e4736
                 +12.0 ms   4.10 ms  error  payments Charge  http.route=/pay�[2J
                2 more match
            2025-11-25T14:00:00Z    231 ms      42       1  (no root) gateway…  4bf92f3577b34da6a3ce929d0e0e4736
            START                 DURATION   SPANS  ERRORS  ROOT                                    TRACE ID
            2025-11-25T14:00:00Z    231 ms      42       1  gateway POST /checkout of everything    4bf92f3577b34da6a3ce929d0e0e4736
                 +12.0 ms   4.10 ms  error  payments Charge  http.route=/pay�[2J
                2 more match
            2025-11-25T14:00:00Z    231 ms      42       1  (no root) gateway ?                     4bf92f3577b34da6a3ce929d0e0e4736
        "#]].assert_eq(&out);
    }
}
