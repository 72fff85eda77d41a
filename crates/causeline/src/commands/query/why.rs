//! Why a search finds nothing, for people.

use crate::commands::terminal::{counted, harmless};
use crate::commands::when::rfc3339_of_text;

/// What is in the way, a line each.
pub(super) fn text(why: &api::Why) -> String {
    let mut lines = Vec::new();
    if why.span_count == 0 {
        lines.push("no span started in the time range".to_owned());
        lines.extend(seen("spans", "before", why.any_before_unix_nano.as_deref()));
        lines.extend(seen("spans", "after", why.any_after_unix_nano.as_deref()));
    } else {
        lines.push(format!(
            "{} in the time range; of them meet",
            counted(why.span_count, "span")
        ));
        for clause in why.filters.iter().flat_map(|filter| &filter.clauses) {
            let alone = counted(clause.matched, "span");
            let without = counted(clause.without, "span");
            let may = if clause.is_of_traces { "may meet " } else { "" };
            lines.push(format!(
                "  {may}{}: {alone}; without it {without} would match",
                harmless(&clause.text)
            ));
            lines.extend(clause.field.iter().flat_map(|field| advice(clause, field)));
        }
        for filter in why.filters.iter().filter(|_| why.filters.len() > 1) {
            let matched = counted(filter.matched, "span");
            lines.push(format!("  {}: {matched}", harmless(&filter.text)));
        }
    }
    let (before, after) = (
        why.matching_before_unix_nano.as_deref(),
        why.matching_after_unix_nano.as_deref(),
    );
    lines.extend(seen("matching spans", "before", before));
    lines.extend(seen("matching spans", "after", after));
    lines.extend(
        why.partial
            .iter()
            .map(|why| format!("not all was looked at: {why}")),
    );
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn seen(what: &str, side: &str, unix_nano: Option<&str>) -> Option<String> {
    let time = rfc3339_of_text(unix_nano?);
    Some(format!("{what} {side} the time range: last seen {time}"))
}

fn advice(clause: &api::ClauseFacts, field: &api::FieldFacts) -> Vec<String> {
    let list = |items: &[String]| {
        let items: Vec<String> = items.iter().map(|item| harmless(item)).collect();
        items.join(", ")
    };
    let name = harmless(&field.name);
    let mut lines = Vec::new();
    if field.present == 0 {
        lines.push(format!("    no span has {name}"));
    } else if field.of_type == 0 && clause.matched == 0 {
        lines.push(format!(
            "    its values are of another type: {}",
            list(&field.other_types)
        ));
    }
    if !field.similar_names.is_empty() {
        lines.push(format!("    there is {}", list(&field.similar_names)));
    }
    if !field.similar_values.is_empty() {
        lines.push(format!(
            "    there are the values {}",
            list(&field.similar_values)
        ));
    }
    lines
}
