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
