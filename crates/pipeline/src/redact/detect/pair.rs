//! Credentials behind their name: `password=…`, `"token": "…"`, `Cookie: …`.

use std::ops::Range;

use crate::redact::key::is_credential_key;

/// The values of credentials in `text`.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    while let Some(n) = bytes[from..]
        .iter()
        .position(|b| matches!(b, b'=' | b':' | b'%'))
    {
        let at = from + n;
        from = at + 1;
        let Some(separator) = Separator::at(text, at) else {
            continue;
        };
        let floor = found.last().map_or(0, |f| f.end);
        let Some(name) = name_before(text, floor, at) else {
            continue;
        };
        if !is_credential_key(name.text) {
            continue;
        }
        if let Some(value) = value_after(text, &name, &separator) {
            from = value.end;
            found.push(value);
        }
    }
    found
}

/// What stands between name and value.
struct Separator {
    end: usize,
    is_colon: bool,
}

impl Separator {
    fn at(text: &str, at: usize) -> Option<Self> {
        let rest = &text.as_bytes()[at..];
        let (width, is_colon) = match rest {
            [b':', b'=', ..] | [b'=', b'>', ..] | [b'=', b'=', ..] => (2, false),
            [b':', b':', ..] => return None,
            [b'%', b'3', b'd' | b'D', ..] => (3, false),
            [b'%', b'3', b'a' | b'A', ..] => (3, true),
            [b'=', ..] => (1, false),
            [b':', ..] => (1, true),
            _ => return None,
        };
        Some(Self {
            end: at + width,
            is_colon,
        })
    }
}

struct Name<'a> {
    text: &'a str,
    quoted: bool,
    /// Whether spaces lie between the name and the separator.
    spaced: bool,
}

/// The name that ends before `at`, with quotes and spaces around it.
fn name_before(text: &str, floor: usize, at: usize) -> Option<Name<'_>> {
    let bytes = &text.as_bytes()[..at];
    let mut end = at;
    while end > floor && bytes[end - 1] == b' ' {
        end -= 1;
    }
    let spaced = end < at;
    let mut quoted = false;
    while end > floor && matches!(bytes[end - 1], b'"' | b'\'' | b'\\' | b'`' | b']') {
        quoted |= bytes[end - 1] != b']';
        end -= 1;
    }
    let in_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    // Connection strings write `User Password=…` with a space; the last word is enough.
    let length = bytes[floor..end]
        .iter()
        .rev()
        .take_while(|b| in_name(b))
        .count();
    let mut start = end - length;
    // `%3Ftoken`: the digits belong to an encoded separator.
    if start > floor && bytes[start - 1] == b'%' && length > 2 {
        start += 2;
    }
    // What follows a marker is not named by it.
    let is_marker = text[..start].ends_with("[redacted:");
    (start < end && !is_marker).then(|| Name {
        text: &text[start..end],
        quoted,
        spaced,
    })
}

/// The value behind the separator, unless it does not look like one.
fn value_after(text: &str, name: &Name<'_>, separator: &Separator) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut start = separator.end;
    while start < bytes.len() && matches!(bytes[start], b' ' | b'\t') {
        start += 1;
    }
    let spaced = name.spaced || start > separator.end;
    if let Some(value) = quoted_value(text, start) {
        return (!value.is_empty()).then_some(value);
    }
    if separator.is_colon && !name.quoted && is_header(name.text) {
        let line = memchr::memchr2(b'\n', b'\r', &bytes[start..]);
        let end = line.map_or(bytes.len(), |n| start + n);
        return (start < end).then_some(start..end);
    }
    let end = unquoted_end(bytes, start);
    let value = &text[start..end];
    let looks_secret = value.bytes().any(|b| b.is_ascii_digit()) || value.len() >= 16;
    // `token: expired` is prose and `a.token = b.token` is SQL; `password=anything` is a pair.
    let doubtful = (separator.is_colon && !name.quoted) || spaced;
    let is_value = !value.is_empty() && !is_placeholder(value) && (!doubtful || looks_secret);
    is_value.then_some(start..end)
}

/// The content of the quotes that open at `start`; to the end of the text when they do not close. The quotes may be escaped.
fn quoted_value(text: &str, start: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let escapes = bytes[start..].iter().take_while(|b| **b == b'\\').count();
    let quote = *bytes.get(start + escapes)?;
    if !matches!(quote, b'"' | b'\'' | b'`') {
        return None;
    }
    let open = start + escapes + 1;
    let mut at = open;
    let mut run = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => run += 1,
            b if b == quote && run <= escapes => return Some(open..at - run),
            _ => run = 0,
        }
        if bytes[at] == quote {
            run = 0;
        }
        at += 1;
    }
    Some(open..bytes.len())
}

fn unquoted_end(bytes: &[u8], start: usize) -> usize {
    let mut end = start;
    // A bracket that closes one of the value's own belongs to it.
    let mut n_open = 0;
    while end < bytes.len() {
        let b = bytes[end];
        n_open += usize::from(b == b'[');
        if b == b']' && n_open > 0 {
            n_open -= 1;
            end += 1;
            continue;
        }
        let ends = b.is_ascii_whitespace()
            || matches!(
                b,
                b'&' | b';' | b'"' | b'\'' | b'<' | b'>' | b')' | b']' | b'}' | b'|' | b'`' | b'\\'
            )
            || b == b',' && bytes.get(end + 1).is_none_or(u8::is_ascii_whitespace)
            || bytes[end..].starts_with(b"%26");
        if ends {
            break;
        }
        end += 1;
    }
    end
}

/// Headers whose whole line is secret.
fn is_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with("cookie") || name.ends_with("authorization")
}

/// A parameter of a prepared statement, a template's variable, or a word that says there is no value.
fn is_placeholder(value: &str) -> bool {
    let bytes = value.as_bytes();
    let variable = |rest: &[u8]| rest.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    match bytes {
        [b'?', rest @ ..] | [b'$', rest @ ..] => {
            rest.iter().all(u8::is_ascii_digit) || rest.starts_with(b"{")
        }
        [b':', first, rest @ ..] => first.is_ascii_alphabetic() && variable(rest),
        [b'%', b's' | b'd'] => true,
        [b'*', ..] => bytes.iter().all(|b| *b == b'*'),
        [b'{' | b'[', ..] => !bytes.iter().any(u8::is_ascii_alphanumeric),
        _ => ["null", "none", "true", "false", "undefined", "nil"]
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::find;

    fn hidden(text: &str) -> Vec<&str> {
        find(text).into_iter().map(|r| &text[r]).collect()
    }

    #[test]
    fn values_behind_names_are_found() {
        let cases = [
            ("password=hunter", "hunter"),
            ("https://x.example/cb?token=abc&x=1", "abc"),
            ("?a=1&API_KEY=k%2Fx#f", "k%2Fx#f"),
            ("Server=db;User Id=ada;Password=l,ove;Timeout=3", "l,ove"),
            (
                r#"{"user":"ada","password":"love \"x\" y","n":1}"#,
                r#"love \"x\" y"#,
            ),
            (r#"{\"password\":\"love\",\"n\":1}"#, "love"),
            (r#"{"client_secret": 12345}"#, "12345"),
            (r#"{"password":"cut of"#, "cut of"),
            ("{'token': 'x y'}", "x y"),
            ("Cookie: sid=1; theme=dark", "sid=1; theme=dark"),
            ("x-api-key: abc123", "abc123"),
            ("login(password='secret', user=ada)", "secret"),
            ("UPDATE u SET password = 'love' WHERE id = 1", "love"),
            ("next=%2Fa%3Ftoken%3Dabc%26x", "abc"),
            ("access_token => 'x1'", "x1"),
            ("headers[authorization]=abc", "abc"),
            ("password=[redacted:order]rest", "[redacted:order]rest"),
            ("password=a[1]b&x=1", "a[1]b"),
        ];
        for (text, value) in cases {
            assert_eq!(hidden(text), [value], "{text}");
        }
    }

    #[test]
    fn sql_prose_and_other_names_are_not() {
        for text in [
            "SELECT token FROM t WHERE password = ?",
            "SELECT * FROM t WHERE password = $1 AND token = :token",
            "SELECT 1 FROM a JOIN b ON a.token = b.token",
            "UPDATE t SET password = %s",
            "invalid token: unexpected end",
            "token: expired",
            "token_count=12",
            "max_tokens=100",
            "password=",
            "password=***",
            "password=null",
            "std::secret::x",
            "primary_key=12",
            "a=b:c",
            "[redacted:credential]=x",
        ] {
            assert_eq!(hidden(text), Vec::<&str>::new(), "{text}");
        }
    }
}
