//! Resources: the sections of the reference of the language.

use rmcp::model::{Resource, ResourceContents};

/// The whole reference.
const TRACEQL: &str = include_str!("../../../../docs/traceql.md");

/// The name of the whole.
pub(crate) const REFERENCE: &str = "reference";

/// The sections, by the headings that they begin with.
const SECTIONS: [(&str, &str); 5] = [
    ("basic", "Conditions on spans: fields, values, operators"),
    ("structural", "Relations between spans of a trace"),
    ("aggregates", "Pipelines: groups, aggregates, selections"),
    ("metrics", "Numbers made of spans, over time or at once"),
    ("dialects", "What Causeline and Tempo do differently"),
];

const SCHEME: &str = "docs://traceql/";
const MEDIA_TYPE: &str = "text/markdown";

/// The names of the sections, and of the whole.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let sections = SECTIONS.iter().map(|(name, _)| *name);
    std::iter::once(REFERENCE).chain(sections)
}

/// The section of that name, with its heading.
pub(crate) fn section(name: &str) -> Option<&'static str> {
    if name == REFERENCE {
        return Some(TRACEQL);
    }
    SECTIONS.iter().find(|(known, _)| *known == name)?;
    let is_of_name = |heading: &str| heading.eq_ignore_ascii_case(name);
    let (mut start, mut at) = (None, 0);
    for line in TRACEQL.split_inclusive('\n') {
        if let Some(heading) = line.strip_prefix("## ") {
            match start {
                Some(start) => return Some(&TRACEQL[start..at]),
                None if is_of_name(heading.trim_end()) => start = Some(at),
                None => {}
            }
        }
        at += line.len();
    }
    start.map(|start| &TRACEQL[start..])
}

/// What `resources/list` says.
pub(crate) fn all() -> Vec<Resource> {
    let resource = |name: &str, about: &str| {
        let size = section(name).map_or(0, str::len);
        Resource::new(format!("{SCHEME}{name}"), format!("traceql-{name}"))
            .with_description(about)
            .with_mime_type(MEDIA_TYPE)
            .with_size(size as u64)
    };
    let whole = resource(REFERENCE, "TraceQL, the whole reference");
    let sections = SECTIONS.iter().map(|(name, about)| resource(name, about));
    std::iter::once(whole).chain(sections).collect()
}

/// What `resources/read` says of a resource that there is.
pub(crate) fn contents(uri: &str) -> Option<ResourceContents> {
    let text = section(uri.strip_prefix(SCHEME)?)?;
    Some(ResourceContents::text(text, uri).with_mime_type(MEDIA_TYPE))
}

#[cfg(test)]
mod tests {
    use traceql::{Dialect, parse_as};

    use super::*;

    /// The lines between fences of `section`.
    fn examples(section: &str) -> Vec<&str> {
        let mut is_inside = false;
        let lines = section.lines().filter(|line| {
            let is_fence = line.starts_with("```");
            is_inside ^= is_fence;
            is_inside && !is_fence && !line.trim().is_empty()
        });
        lines.collect()
    }

    #[test]
    fn every_example_is_a_query() {
        for (name, _) in SECTIONS {
            let section = section(name).expect("a heading of that name");
            let examples = examples(section);
            assert!(examples.len() > 3, "{name} has examples");
            for example in examples {
                let parsed = parse_as(example, Dialect::Causeline);
                assert!(parsed.is_ok(), "{name}: {example}\n{parsed:?}");
                let of_tempo = parse_as(example, Dialect::Tempo).is_ok();
                assert_eq!(of_tempo, name != "dialects", "{name}: {example}");
            }
        }
    }

    #[test]
    fn every_resource_can_be_read() {
        let listed = all();
        assert_eq!(listed.len(), names().count());
        for resource in listed {
            assert!(contents(&resource.uri).is_some(), "{}", resource.uri);
        }
        for unknown in ["docs://traceql/", "docs://traceql/../settings", "basic", ""] {
            assert!(contents(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn every_field_and_function_is_named() {
        let text = TRACEQL;
        for intrinsic in traceql::Intrinsic::ALL {
            assert!(
                text.contains(&format!("`{}`", intrinsic.as_str())),
                "{}",
                intrinsic.as_str()
            );
        }
    }
}
