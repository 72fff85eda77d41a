//! Findings about a query text: where, what, and what to write instead.
//!
//! Positions are byte offsets into the text (for editors that mark a range) together with a line and a column
//! counted in characters from 1 (for people). Messages are lower-case and without a full stop.

use std::fmt;

/// A range of the query text, in bytes; `start == end` marks a place between two characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

impl Span {
    /// The range from `start` up to, not including, `end`.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest range that covers both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }
}

/// What sort of finding this is; a caller decides by it whether the query can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DiagnosticKind {
    /// The text is not of the language.
    Syntax,
    /// The text is of the language but its operands do not fit.
    Type,
    /// The text is of the language, but of a part or dialect that is not taken.
    Unsupported,
    /// The query is larger than a limit allows.
    Limit,
    /// The query runs, but perhaps not as its author meant.
    Warning,
}

impl DiagnosticKind {
    /// The word shown to people and used in API answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax error",
            Self::Type => "type error",
            Self::Unsupported => "not supported",
            Self::Limit => "limit exceeded",
            Self::Warning => "warning",
        }
    }
}

/// One finding about the text of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What sort of finding.
    pub kind: DiagnosticKind,
    /// Which bytes of the text it is about.
    pub span: Span,
    /// Line of `span.start`, from 1.
    pub line: usize,
    /// Column of `span.start` in its line, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead, where we know.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A finding without a hint. Line and column are filled in by [`Diagnostic::locate`].
    pub fn new(kind: DiagnosticKind, span: Span, message: impl Into<String>) -> Self {
        Self {
            kind,
            span,
            line: 1,
            column: 1,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what to write instead, unless a closer look has said so already.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// Computes line and column from the text the finding is about.
    #[must_use]
    pub fn locate(mut self, text: &str) -> Self {
        let before = text.get(..self.span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        self.line = before.matches('\n').count() + 1;
        self.column = before[line_start..].chars().count() + 1;
        self
    }

    /// Draws the finding below the line of `text` it is about, for terminals and logs.
    pub fn render(&self, text: &str) -> String {
        let line = text.split('\n').nth(self.line - 1).unwrap_or_default();
        let marked = text
            .get(self.span.start..self.span.end)
            .and_then(|range| range.split('\n').next())
            .map_or(1, |range| range.chars().count().max(1));
        let indent = " ".repeat(self.column - 1);
        let carets = "^".repeat(marked);
        let mut out = format!(
            "{}\n  | {line}\n  | {indent}{carets} {}",
            self.headline(),
            self.message
        );
        if let Some(hint) = &self.hint {
            out.push_str("\n  = hint: ");
            out.push_str(hint);
        }
        out
    }

    fn headline(&self) -> String {
        format!(
            "{} at {}",
            self.kind.as_str(),
            Place(self.line, self.column)
        )
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.headline(), self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

struct Place(usize, usize);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => write!(f, "column {}", self.1),
            line => write!(f, "line {line}, column {}", self.1),
        }
    }
}

/// Why a query was refused: one or more findings, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, diagnostic) in self.0.iter().enumerate() {
            if idx > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}
