//! Regular expressions as TraceQL means them: RE2 syntax, anchored at both ends, `.` matches line feeds.

use regex::{Regex, RegexBuilder};

/// Memory a compiled pattern may take, in bytes; `x{1000}{1000}` is refused by it.
pub const SIZE_LIMIT_BYTES: usize = 1 << 20;

/// Compiles `pattern` so that it matches whole values.
///
/// Errors: the engine's one-line explanation when the pattern is malformed or larger than [`SIZE_LIMIT_BYTES`].
pub fn compile(pattern: &str) -> Result<Regex, String> {
    // Compiled alone first: `a)|(b` would otherwise become well-formed inside the anchors.
    build(pattern)?;
    build(&format!("^(?s:{pattern})$")).or_else(|_| build(&format!("^(?s:{pattern}\n)$")))
}

fn build(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .size_limit(SIZE_LIMIT_BYTES)
        .build()
        .map_err(|error| explain(&error))
}

/// The engine draws its errors over several lines; the last one says what is wrong.
fn explain(error: &regex::Error) -> String {
    let text = match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
        other => other.to_string(),
    };
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_values_only() {
        let matches = |pattern: &str, value: &str| compile(pattern).unwrap().is_match(value);
        assert!(matches("a|b", "b"));
        assert!(!matches("a|b", "ab"));
        assert!(!matches("GET", "GET /"));
        assert!(matches("GET.*", "GET /\nnext"));
        assert!(matches("", ""));
        assert!(!matches("", "x"));
        assert!(matches("(?x) a b # note", "ab"));
    }

    #[test]
    fn broken_and_huge_patterns_are_explained() {
        assert_eq!(compile("a)|(b").unwrap_err(), "unopened group");
        assert_eq!(compile("[").unwrap_err(), "unclosed character class");
        assert_eq!(
            compile("x{1000}{1000}").unwrap_err(),
            "the pattern is too large"
        );
    }
}
