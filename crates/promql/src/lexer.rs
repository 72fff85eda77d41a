//! Text to tokens.
//!
//! Source of the rules: Prometheus' documentation, "Querying basics". Whether a word is a keyword depends on where it stands, so the parser says.

use traceql::{Diagnostic, DiagnosticKind, Span};

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A name of a metric, label or function, or a keyword.
    Word(String),
    /// A number.
    Number(f64),
    /// A duration, in nanoseconds.
    Duration(i64),
    /// What stood in quotes.
    Text(String),
    /// An operator or a bracket.
    Sign(&'static str),
    /// Behind the last one.
    End,
}

/// Signs, longer ones before those that they begin with.
const SIGNS: [&str; 26] = [
    "==", "!=", "<=", ">=", "=~", "!~", "{", "}", "(", ")", "[", "]", ",", ":", "@", "+", "-", "*",
    "/", "%", "^", "=", "<", ">", "~", "!",
];

const UNITS_NANO: [(&str, i64); 7] = [
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
    ("y", 31_536_000_000_000_000),
];

/// The tokens of `text` with their places; the last is [`Token::End`].
///
/// Errors: what is no token, and where.
pub fn lex(text: &str) -> Result<Vec<(Token, Span)>, Diagnostic> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if first.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        if first == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (token, length) = match first {
            '"' | '\'' | '`' => quoted(rest, at)?,
            'a'..='z' | 'A'..='Z' | '_' => word(rest),
            ':' if rest[1..].starts_with(is_word_char) && !rest[1..].starts_with(is_digit) => {
                word(rest)
            }
            '0'..='9' => number(rest, at)?,
            '.' if rest[1..].starts_with(is_digit) => number(rest, at)?,
            _ => {
                let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
                let sign = sign.ok_or_else(|| {
                    let end = at + first.len_utf8();
                    problem(at, end, format!("unexpected character {first:?}"))
                })?;
                (Token::Sign(sign), sign.len())
            }
        };
        tokens.push((token, Span::new(at, at + length)));
        at += length;
    }
    tokens.push((Token::End, Span::new(at, at)));
    Ok(tokens)
}

/// A duration such as `1h30m`, in nanoseconds.
pub fn duration_nano(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total: i64 = 0;
    let mut larger = i64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c| !is_digit(c))?;
        let count: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit_of = |(unit, _): &&(&str, i64)| rest.starts_with(unit);
        let (unit, nano) = UNITS_NANO.iter().find(unit_of)?;
        // Units descend, and none stands twice.
        if *nano >= larger {
            return None;
        }
        larger = *nano;
        total = total.checked_add(count.checked_mul(*nano)?)?;
        rest = &rest[unit.len()..];
    }
    Some(total)
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn is_word_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}

fn problem(start: usize, end: usize, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(DiagnosticKind::Syntax, Span::new(start, end), message)
}

fn word(rest: &str) -> (Token, usize) {
    let length = rest.find(|c| !is_word_char(c)).unwrap_or(rest.len());
    (Token::Word(rest[..length].to_owned()), length)
}

/// A number or a duration: both begin with a digit, or `.` and a digit.
fn number(rest: &str, at: usize) -> Result<(Token, usize), Diagnostic> {
    let bytes = rest.as_bytes();
    let mut length = 0;
    while let Some(byte) = bytes.get(length) {
        let is_exponents_sign = matches!(byte, b'+' | b'-')
            && matches!(bytes[length - 1], b'e' | b'E')
            && !matches!(bytes[1], b'x' | b'X');
        if !byte.is_ascii_alphanumeric() && *byte != b'.' && !is_exponents_sign {
            break;
        }
        length += 1;
    }
    let text = &rest[..length];
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let number = match hexadecimal {
        Some(digits) => u64::from_str_radix(digits, 16).ok().map(|n| n as f64),
        // Rust reads words such as `inf` too, which do not begin like this.
        None => text.parse::<f64>().ok(),
    };
    let token = number.map(Token::Number);
    let token = token.or_else(|| duration_nano(text).map(Token::Duration));
    let token = token.ok_or_else(|| {
        let message = format!("{text:?} is neither a number nor a duration");
        problem(at, at + length, message)
            .hint("durations are written as in 1h30m, numbers as in 0.95")
    })?;
    Ok((token, length))
}

fn quoted(rest: &str, at: usize) -> Result<(Token, usize), Diagnostic> {
    let mut chars = rest.char_indices();
    let quote = chars.next().map_or('"', |(_, quote)| quote);
    let mut text = String::new();
    while let Some((place, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok((Token::Text(text), place + 1)),
            '\\' if quote != '`' => {
                let escaped = chars.next().map(|(_, c)| c);
                let plain = escaped.and_then(|c| escape(c, quote, &mut chars));
                let start = at + place;
                text.push(plain.ok_or_else(|| {
                    problem(start, start + 1, "unknown escape sequence")
                        .hint("write \\\\ for a backslash, or put the text in back quotes")
                })?);
            }
            '\n' if quote != '`' => break,
            _ => text.push(c),
        }
    }
    Err(problem(
        at,
        at + 1,
        format!("the text that begins with {quote} does not end"),
    ))
}

/// What an escape sequence that begins with `c` stands for. Source: Go's string literals; those of bytes above 127 are not text.
fn escape(c: char, quote: char, chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    let mut code = |radix: u32, digits: usize, first: Option<char>| {
        let mut value = first.map_or(0, |c| c.to_digit(radix).unwrap_or(0));
        for _ in 0..digits {
            value = value * radix + chars.next()?.1.to_digit(radix)?;
        }
        char::from_u32(value)
    };
    match c {
        'a' => Some('\x07'),
        'b' => Some('\x08'),
        'f' => Some('\x0c'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\x0b'),
        '\\' => Some('\\'),
        'x' => code(16, 2, None).filter(char::is_ascii),
        'u' => code(16, 4, None),
        'U' => code(16, 8, None),
        '0'..='7' => code(8, 2, Some(c)).filter(char::is_ascii),
        _ => Some(c).filter(|c| *c == quote),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        lex(text)
            .unwrap()
            .into_iter()
            .map(|(token, _)| token)
            .collect()
    }

    #[test]
    fn numbers_durations_and_words() {
        let word = |text: &str| Token::Word(text.to_owned());
        let minute = 60_000_000_000;
        for (text, token) in [
            (".9", Token::Number(0.9)),
            ("5", Token::Number(5.0)),
            ("1e3", Token::Number(1e3)),
            ("1e-3", Token::Number(1e-3)),
            ("0x1F", Token::Number(31.0)),
            ("5m", Token::Duration(5 * minute)),
            ("1h30m", Token::Duration(90 * minute)),
            ("3600s", Token::Duration(60 * minute)),
            ("300ms", Token::Duration(300_000_000)),
            ("a:b_1", word("a:b_1")),
            (":a", word(":a")),
            ("\"a\\\"\\\\.\\u00e9\"", Token::Text("a\"\\.é".to_owned())),
            ("`a\\.b`", Token::Text("a\\.b".to_owned())),
            ("'it'", Token::Text("it".to_owned())),
        ] {
            assert_eq!(tokens(text), [token, Token::End], "{text}");
        }
        assert_eq!(tokens("1-2 # note").len(), 4);
    }

    #[test]
    fn what_is_no_token_is_told_with_its_place() {
        for (text, start) in [
            ("1 $", 2),
            ("\"a", 0),
            ("'\\q'", 1),
            ("5mm", 0),
            ("1m1h", 0),
            ("1x", 0),
            ("99999999999999y", 0),
            ("\"\\xff\"", 1),
            ("\"\\ud800\"", 1),
            ("a €", 2),
            ("\"a\nb\"", 0),
            ("1.2.3", 0),
            ("0x", 0),
        ] {
            assert_eq!(lex(text).unwrap_err().span.start, start, "{text}");
        }
    }
}
