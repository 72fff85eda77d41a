//! Call paths as people read them.

use query::Calls;

/// Steps of a path that are shown, the last ones.
const STEPS_MAX: usize = 6;

/// Characters of a service, and of a name, in a path.
const STEP_CHARS_MAX: usize = 60;

/// `gateway GET / > cart load`; what is far above is `…`.
pub(super) fn path<const N: usize>(calls: &Calls<N>, call: usize) -> String {
    let mut above = calls.path(call);
    let mut steps: Vec<String> = above
        .by_ref()
        .take(STEPS_MAX)
        .map(|call| {
            let (service, name) = (short(calls.service(call)), short(calls.name(call)));
            format!("{service} {name}").trim().to_owned()
        })
        .collect();
    if above.next().is_some() {
        steps.push("…".to_owned());
    }
    steps.reverse();
    steps.join(" > ")
}

fn short(text: &str) -> String {
    match text.char_indices().nth(STEP_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use columnar::from_model;
    use model::TenantId;
    use query::{Report, Trace, TraceShape};

    use super::*;

    #[test]
    fn a_long_path_is_shown_from_its_end() {
        let mut text = "trace 1\n".to_owned();
        for depth in 0..9 {
            let indent = "  ".repeat(depth + 1);
            let name = "n".repeat(if depth == 8 { 100 } else { depth + 1 });
            text.push_str(&format!("{indent}s {name} 0..10\n"));
        }
        let batch = from_model(&testkit::traces(&text), &TenantId::default_tenant(), 7);
        let trace = Trace {
            conflicting: vec![false; batch.num_rows()],
            batch,
            n_duplicates: 0,
            report: Report::default(),
            partial: None,
        };
        let shape = TraceShape::of(&trace).expect("the whole schema");
        let mut calls = Calls::<1>::default();
        calls.add(0, &trace, &shape).expect("the whole schema");
        assert_eq!(path(&calls, 1), "s n > s nn");
        let last = "n".repeat(STEP_CHARS_MAX);
        assert_eq!(
            path(&calls, 8),
            format!("… > s nnnn > s nnnnn > s nnnnnn > s nnnnnnn > s nnnnnnnn > s {last}…")
        );
    }
}
