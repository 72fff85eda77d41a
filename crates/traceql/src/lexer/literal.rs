//! Strings, numbers and durations.

use super::{Lexer, TokenKind};
use crate::diagnostics::Diagnostic;

/// Duration units with their length in nanoseconds. Days, weeks and years are of fixed length, as in Prometheus.
const UNITS: [(&str, u64); 11] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
    ("y", 31_536_000_000_000_000),
];

/// A string in double quotes (with escapes) or backticks (without); single quotes get a hint.
pub(super) fn string<'a>(lexer: &mut Lexer<'a>) -> Result<TokenKind<'a>, Diagnostic> {
    let open = lexer.at;
    let quote = lexer.bump().unwrap_or_default();
    let mut value = String::new();
    let mut broken: Option<Diagnostic> = None;
    while let Some(c) = lexer.bump() {
        match c {
            c if c == quote => {
                if let Some(diagnostic) = broken {
                    return Err(diagnostic);
                }
                if quote == '\'' {
                    return Err(lexer
                        .syntax(open, "strings do not stand in single quotes")
                        .hint("use double quotes or backticks"));
                }
                return Ok(TokenKind::String(value));
            }
            '\\' if quote == '"' => match escape(lexer) {
                Ok(c) => value.push(c),
                Err(diagnostic) => broken = broken.or(Some(diagnostic)),
            },
            '\n' if quote != '`' => break,
            c => value.push(c),
        }
    }
    Err(lexer
        .syntax(open, "the string does not end")
        .hint(match quote {
            '`' => "add a backtick",
            _ => "add `\"`",
        }))
}

/// What stands behind a backslash in double quotes.
fn escape(lexer: &mut Lexer<'_>) -> Result<char, Diagnostic> {
    let start = lexer.at - 1;
    let c = lexer.bump();
    let value = match c {
        Some('a') => Some('\u{7}'),
        Some('b') => Some('\u{8}'),
        Some('f') => Some('\u{c}'),
        Some('n') => Some('\n'),
        Some('r') => Some('\r'),
        Some('t') => Some('\t'),
        Some('v') => Some('\u{b}'),
        Some(c @ ('\\' | '"')) => Some(c),
        Some('x') => code_point(lexer, 2, 16).filter(char::is_ascii),
        Some('u') => code_point(lexer, 4, 16),
        Some('U') => code_point(lexer, 8, 16),
        Some('0'..='7') => {
            lexer.at -= 1;
            code_point(lexer, 3, 8).filter(char::is_ascii)
        }
        _ => None,
    };
    value.ok_or_else(|| {
        let written = &lexer.text[start..lexer.at];
        lexer
            .syntax(
                start,
                format!("`{}` is not an escape", written.escape_debug()),
            )
            .hint("double the backslash, or put the string in backticks")
    })
}

fn code_point(lexer: &mut Lexer<'_>, digits: usize, radix: u32) -> Option<char> {
    let text = lexer.rest().get(..digits)?;
    let value = text
        .bytes()
        .all(|b| char::from(b).is_digit(radix))
        .then(|| u32::from_str_radix(text, radix).ok())??;
    lexer.at += digits;
    char::from_u32(value)
}

/// An integer, float or duration.
pub(super) fn number<'a>(lexer: &mut Lexer<'a>) -> Result<TokenKind<'a>, Diagnostic> {
    let start = lexer.at;
    let is_digit = |c: char| c.is_ascii_digit();
    lexer.skip_while(is_digit);
    let mut is_float = false;
    if lexer.peek() == Some('.') {
        is_float = true;
        lexer.at += 1;
        lexer.skip_while(is_digit);
    }
    if exponent_follows(lexer.rest()) {
        is_float = true;
        lexer.at += 2;
        lexer.skip_while(is_digit);
    }
    let number = &lexer.text[start..lexer.at];
    let tail = lexer.at;
    lexer.skip_while(|c| c.is_alphanumeric() || c == '.' || c == '_');
    if lexer.at > tail {
        return duration(lexer, start);
    }
    if is_float {
        let value: f64 = number.parse().unwrap_or(f64::INFINITY);
        if !value.is_finite() {
            return Err(lexer.syntax(start, "the number is too large for a 64-bit float"));
        }
        return Ok(TokenKind::Float(value));
    }
    number
        .parse()
        .map(TokenKind::Int)
        .map_err(|_| too_large(lexer, start))
}

fn exponent_follows(rest: &str) -> bool {
    let mut bytes = rest.bytes();
    matches!(bytes.next(), Some(b'e' | b'E'))
        && match bytes.next() {
            Some(b'0'..=b'9') => true,
            Some(b'+' | b'-') => bytes.next().is_some_and(|b| b.is_ascii_digit()),
            _ => false,
        }
}

fn too_large(lexer: &Lexer<'_>, start: usize) -> Diagnostic {
    lexer
        .syntax(start, "the number does not fit 64 bits")
        .hint("`minInt` and `maxInt` name the limits")
}

/// A run of number and unit pairs, `1h30m`; the lexer stands behind it.
fn duration<'a>(lexer: &mut Lexer<'a>, start: usize) -> Result<TokenKind<'a>, Diagnostic> {
    let mut rest = &lexer.text[start..lexer.at];
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let unit_at = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(unit_at);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        rest = tail;
        let Some(unit_nanos) = unit_nanos(unit) else {
            let message = match unit {
                "" => "malformed number".to_owned(),
                _ => format!("`{unit}` is not a unit of time"),
            };
            return Err(lexer
                .syntax(start, message)
                .hint("units are ns, us, ms, s, m, h, d, w and y; a string needs quotes"));
        };
        total = scaled(number, unit_nanos)
            .ok_or_else(|| lexer.syntax(start, "malformed number"))?
            .and_then(|nanos| total.checked_add(nanos))
            .ok_or_else(|| {
                lexer
                    .syntax(start, "the duration is too long")
                    .hint("durations are counted in nanoseconds and reach 292 years")
            })?;
    }
    Ok(TokenKind::Duration(total))
}

fn unit_nanos(unit: &str) -> Option<u64> {
    UNITS
        .into_iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, nanos)| nanos)
}

/// `number · unit` without rounding in between. Outer `None`: malformed; inner `None`: too large.
fn scaled(number: &str, unit_nanos: u64) -> Option<Option<u64>> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    // 18 digits of fraction are below a nanosecond for every unit; the rest cannot matter.
    let fraction = &fraction[..fraction.len().min(18)];
    let whole: Option<u64> = if whole.is_empty() {
        Some(0)
    } else {
        whole.parse().ok()
    };
    let part: u64 = if fraction.is_empty() {
        0
    } else {
        fraction.parse().ok()?
    };
    let part_nanos =
        u128::from(part) * u128::from(unit_nanos) / 10u128.pow(u32::try_from(fraction.len()).ok()?);
    Some(
        whole
            .and_then(|whole| whole.checked_mul(unit_nanos))
            .and_then(|nanos| nanos.checked_add(u64::try_from(part_nanos).ok()?)),
    )
}
