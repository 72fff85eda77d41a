//! What a terminal shows: widths, colours, and texts of strangers made harmless.

use std::env;
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::node::AnyError;

/// Columns when nobody says how many there are.
const WIDTH_DEFAULT: usize = 100;
/// Columns that are made use of.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=400;

/// The terminal, or what stands in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terminal {
    /// Columns of a line.
    pub(crate) width: usize,
    /// Whether to use colours.
    pub(crate) colour: bool,
}

/// How a text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// As the rest.
    Plain,
    /// What the eye should follow.
    Bold,
    /// What explains.
    Dim,
    /// What failed.
    Red,
}

impl Terminal {
    /// That of standard output: `COLUMNS` wide, with colours when it is a terminal and `NO_COLOR` is not set.
    pub(crate) fn of_stdout() -> Self {
        let columns = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self::new(columns, !no_colour && io::stdout().is_terminal())
    }

    /// One that is `columns` wide, when that is known.
    pub(crate) fn new(columns: Option<usize>, colour: bool) -> Self {
        let width = columns.unwrap_or(WIDTH_DEFAULT);
        let width = width.clamp(*WIDTHS.start(), *WIDTHS.end());
        Self { width, colour }
    }

    /// `text`, standing out.
    pub(crate) fn paint(self, style: Style, text: impl Display) -> String {
        let code = match style {
            Style::Bold if self.colour => "1",
            Style::Dim if self.colour => "2",
            Style::Red if self.colour => "31",
            _ => return text.to_string(),
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// `text` without anything that a terminal would obey, or that would end the line or change its direction.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' | '\r' => ' ',
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                '\u{fffd}'
            }
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// `text` in `width` columns: filled with spaces, or cut short with `…`.
pub(crate) fn fit(text: &str, width: usize) -> String {
    let wide = text.width();
    if wide <= width {
        return format!("{text}{}", " ".repeat(width - wide));
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let next = used + c.width().unwrap_or(0);
        if next >= width {
            break;
        }
        out.push(c);
        used = next;
    }
    out.push('…');
    out.push_str(&" ".repeat(width.saturating_sub(used + 1)));
    out
}

/// A duration for people: three digits or four, and a unit.
pub(crate) fn duration(nanos: i64) -> String {
    const MINUTE: f64 = 60e9;
    let value = nanos as f64;
    let (value, unit) = match value.abs() {
        size if size < 999.5 => return format!("{nanos} ns"),
        size if size < 999.5e3 => (value / 1e3, "µs"),
        size if size < 999.5e6 => (value / 1e6, "ms"),
        size if size < 2.0 * MINUTE => (value / 1e9, "s"),
        size if size < 120.0 * MINUTE => (value / MINUTE, "min"),
        size if size < 48.0 * 60.0 * MINUTE => (value / MINUTE / 60.0, "h"),
        _ => (value / MINUTE / 1440.0, "d"),
    };
    match value.abs() {
        size if size < 9.995 => format!("{value:.2} {unit}"),
        size if size < 99.95 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

/// `1 span`, `2 spans`.
pub(crate) fn counted(n: u64, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {what}{s}")
}

/// How a command ended whose reader may have gone, as `head` does once it has enough.
pub(crate) fn unless_reader_left(ended: Result<(), AnyError>) -> Result<(), AnyError> {
    ended.or_else(|error| match error.downcast_ref::<io::Error>() {
        Some(broken) if broken.kind() == ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_strangers_do_nothing() {
        assert_eq!(
            harmless("a\x1b[31mb\nc\u{202e}d"),
            "a\u{fffd}[31mb c\u{fffd}d"
        );
        assert_eq!(harmless("caf\u{e9} 日本"), "café 日本");
    }

    #[test]
    fn texts_fit_their_columns() {
        assert_eq!(fit("abc", 5), "abc  ");
        assert_eq!(fit("abcdef", 5), "abcd…");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日… ");
        assert_eq!(fit("abc", 0), "…", "no line is that narrow");
    }

    #[test]
    fn durations_have_three_digits() {
        let said = [
            0,
            999,
            1_000,
            9_994,
            999_499,
            999_500,
            12_345_678,
            1_234_000_000,
            119_000_000_000,
            150_000_000_000,
            7_200_000_000_000,
            i64::MAX,
        ];
        assert_eq!(
            said.map(duration),
            [
                "0 ns", "999 ns", "1.00 µs", "9.99 µs", "999 µs", "1.00 ms", "12.3 ms", "1.23 s",
                "119 s", "2.50 min", "2.00 h", "106752 d"
            ]
        );
        assert_eq!(duration(i64::MIN), "-106752 d");
    }

    #[test]
    fn widths_and_colours_are_bounded() {
        assert_eq!(Terminal::new(None, false).width, 100);
        assert_eq!(Terminal::new(Some(0), false).width, 40);
        assert_eq!(Terminal::new(Some(usize::MAX), false).width, 400);
        assert_eq!(
            Terminal::new(None, true).paint(Style::Red, "x"),
            "\x1b[31mx\x1b[0m"
        );
        assert_eq!(Terminal::new(None, false).paint(Style::Red, "x"), "x");
    }
}
