//! What a trace looks like in a terminal.

use std::collections::HashMap;
use std::io::{self, Write};

use super::BoundsArgs;
use super::shape::Shape;
use super::tree::{Line, Spans, Tree};
use crate::commands::terminal::{Style, Terminal, counted, duration, fit, harmless};
use crate::commands::when::rfc3339_of_text;

/// Columns of the bar that shows when a span ran.
const BAR: usize = 24;
/// Columns beside the tree: the mark, the bar, duration, self time, status, and what is between.
const FIXED: usize = 2 + 1 + BAR + 2 + 8 + 2 + 8 + 2 + 5;
/// The tree has at least these, also where lines are longer for it.
const TREE_MIN: usize = 24;
/// Services of which the share of the critical path is told.
const SHARES_MAX: usize = 5;

/// Marks what is on the critical path.
const ON_PATH: &str = "*";

/// Draws `trace`. Errors: those of `out`.
pub(super) fn trace(
    trace: &api::TraceResponse,
    bounds: BoundsArgs,
    terminal: Terminal,
    out: &mut impl Write,
) -> io::Result<()> {
    let shape = Shape::new(trace);
    head(&shape, out)?;
    let drawing = Drawing {
        shape: &shape,
        terminal,
        tree: terminal.width.saturating_sub(FIXED).max(TREE_MIN),
    };
    let names = format!(
        "  {} {} {:>9}  {:>8}  STATUS",
        fit("SERVICE AND NAME", drawing.tree),
        fit("WHEN", BAR),
        "DURATION",
        "SELF"
    );
    writeln!(out, "\n{}", terminal.paint(Style::Dim, names))?;
    let mut tree = Tree::new(&shape, bounds);
    while let Some(line) = tree.next() {
        match line {
            Line::Spans(spans) => drawing.line(&spans, tree.continues(), out)?,
            Line::Orphans(trees) => writeln!(
                out,
                "\n  without their parent, which was not received ({trees}):"
            )?,
        }
    }
    left_out(&tree, trace.spans.len(), bounds, out)
}

/// What is said of the trace as a whole.
fn head(shape: &Shape<'_>, out: &mut impl Write) -> io::Result<()> {
    let trace = shape.trace;
    writeln!(
        out,
        "trace {}: {}, {}, {}, {}, {}",
        harmless(&trace.trace_id),
        rfc3339_of_text(&trace.start_unix_nano),
        duration(trace.duration_nano),
        counted(trace.span_count, "span"),
        counted(trace.services.len() as u64, "service"),
        counted(trace.error_count, "error"),
    )?;
    writeln!(out, "critical path ({ON_PATH}): {}", shares(shape))?;
    let facts = &trace.facts;
    match (facts.complete, facts.roots, facts.missing_parents) {
        (true, ..) => {}
        (false, 1, 0) => writeln!(out, "not complete: not all of it could be read")?,
        (false, roots, missing) => writeln!(
            out,
            "not complete: {}, {} not received",
            counted(roots, "root"),
            counted(missing, "parent")
        )?,
    }
    if facts.conflicting_spans > 0 {
        writeln!(
            out,
            "{} came again with other contents",
            counted(facts.conflicting_spans, "span")
        )?;
    }
    Ok(())
}

/// Whose time the critical path is, the most first.
fn shares(shape: &Shape<'_>) -> String {
    let mut by_service: HashMap<Option<&str>, i64> = HashMap::new();
    for part in &shape.path {
        let service = part.span.map(|row| shape.service(row));
        *by_service.entry(service).or_default() += part.end_nano - part.start_nano;
    }
    let mut shares: Vec<_> = by_service.into_iter().collect();
    shares.sort_by_key(|(service, nanos)| (-nanos, *service));
    let rest = shares.split_off(shares.len().min(SHARES_MAX));
    let mut said: Vec<String> = shares
        .into_iter()
        .map(|(service, nanos)| {
            let service = service.map_or("nobody".to_owned(), harmless);
            format!("{service} {}", duration(nanos))
        })
        .collect();
    if !rest.is_empty() {
        let nanos = rest.iter().map(|(_, nanos)| nanos).sum();
        said.push(format!("{} others {}", rest.len(), duration(nanos)));
    }
    match said.is_empty() {
        true => "no time".to_owned(),
        false => said.join(", "),
    }
}

fn left_out(tree: &Tree<'_>, n: usize, bounds: BoundsArgs, out: &mut impl Write) -> io::Result<()> {
    let after = n - tree.drawn - tree.too_deep;
    if tree.too_deep > 0 {
        let spans = counted(tree.too_deep as u64, "span");
        writeln!(
            out,
            "left out: {spans} below level {} (--depth)",
            bounds.depth
        )?;
    }
    if after > 0 {
        let spans = counted(after as u64, "span");
        writeln!(
            out,
            "left out: {spans} after {} lines (--lines)",
            bounds.lines
        )?;
    }
    Ok(())
}

/// What all lines have in common.
struct Drawing<'a> {
    shape: &'a Shape<'a>,
    terminal: Terminal,
    /// Columns of the tree.
    tree: usize,
}

impl Drawing<'_> {
    fn line(&self, spans: &Spans, continues: &[bool], out: &mut impl Write) -> io::Result<()> {
        let Self {
            shape, terminal, ..
        } = self;
        let times = |row: &usize| shape.times[*row];
        let start = spans.rows.iter().map(|row| times(row).start_nano).min();
        let end = spans.rows.iter().map(|row| times(row).end_nano).max();
        let whole = end.unwrap_or(0).saturating_sub(start.unwrap_or(0));
        let own = spans.rows.iter().map(|row| shape.self_times[*row]);
        let own = own.fold(0, i64::saturating_add);
        let is_on_path = spans.rows.iter().any(|row| !shape.path_of(*row).is_empty());
        let (mark, style) = match is_on_path {
            true => (ON_PATH, Style::Bold),
            false => (" ", Style::Plain),
        };
        let (status, status_style) = self.status(spans);
        let line = format!(
            "{} {} {} {:>9}  {:>8}  {}",
            terminal.paint(style, mark),
            terminal.paint(style, fit(&self.text(spans, continues), self.tree)),
            terminal.paint(style, self.bar(spans)),
            duration(whole),
            duration(own),
            terminal.paint(status_style, status)
        );
        writeln!(out, "{}", line.trim_end())
    }

    /// Guides, service, name, and what else there is to say.
    fn text(&self, spans: &Spans, continues: &[bool]) -> String {
        let first = &self.shape.trace.spans[spans.rows[0]];
        let mut text = guides(continues, self.tree / 2);
        text.push_str(&harmless(self.shape.service(spans.rows[0])));
        text.push(' ');
        text.push_str(&harmless(&first.name));
        if spans.rows.len() > 1 {
            text.push_str(&format!(" ×{}", spans.rows.len()));
        }
        if !matches!(first.kind.as_str(), "internal" | "unspecified") {
            text.push_str(&format!(" ({})", harmless(&first.kind)));
        }
        if spans.too_deep > 0 {
            text.push_str(&format!(" +{} below", spans.too_deep));
        }
        if let Some(message) = &first.status_message {
            text.push_str(&format!(": {}", harmless(message)));
        }
        text
    }

    /// When the spans of a line ran: `━` on the critical path, `─` beside it.
    fn bar(&self, spans: &Spans) -> String {
        let mut cells = [' '; BAR];
        for row in &spans.rows {
            let time = self.shape.times[*row];
            self.fill(&mut cells, time.start_nano, time.end_nano, '─');
        }
        for part in spans.rows.iter().flat_map(|row| self.shape.path_of(*row)) {
            self.fill(&mut cells, part.start_nano, part.end_nano, '━');
        }
        cells.iter().collect()
    }

    /// Fills the cells of a time, at least one, with `with`.
    fn fill(&self, cells: &mut [char; BAR], from: i64, to: i64, with: char) {
        let whole = self.shape.trace.duration_nano.max(1) as u128;
        let scaled = |at: i64| at.max(0) as u128 * BAR as u128;
        let first = (scaled(from) / whole).min(BAR as u128 - 1) as usize;
        let end = scaled(to).div_ceil(whole).min(BAR as u128) as usize;
        cells[first..end.max(first + 1)].fill(with);
    }

    fn status(&self, spans: &Spans) -> (&'static str, Style) {
        let mut all = spans.rows.iter().map(|row| &self.shape.trace.spans[*row]);
        let first = &self.shape.trace.spans[spans.rows[0]];
        let unfinished = |span: &api::SpanRow| span.flags.iter().any(|flag| flag == "unfinished");
        match first.status.as_str() {
            "error" => ("error", Style::Red),
            _ if all.any(unfinished) => ("open", Style::Plain),
            "ok" => ("ok", Style::Plain),
            _ => ("", Style::Plain),
        }
    }
}

/// `│  └─ ` before a text; where that takes more than `width_max` columns, the level instead.
fn guides(continues: &[bool], width_max: usize) -> String {
    let Some((last, above)) = continues.split_last() else {
        return String::new();
    };
    if 2 * continues.len() > width_max {
        return format!("{:·>width$}╴", continues.len() + 1, width = width_max - 1);
    }
    let mut text: String = above
        .iter()
        .map(|on| if *on { "│ " } else { "  " })
        .collect();
    text.push_str(if *last { "├╴" } else { "└╴" });
    text
}

#[cfg(test)]
mod tests;
