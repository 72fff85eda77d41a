//! Text → tokens, each with its place.
//!
//! The lexer never fails: what cannot be a token becomes [`TokenKind::Invalid`] with its diagnostic, and reading
//! goes on behind it, so that half-typed queries can still be understood in part.
//!
//! Two rules of the language shape it. An attribute name runs until whitespace or one of `{ } ( ) = ~ ! < > & | ^ ,`,
//! so `.a-b` is one name and arithmetic needs spaces; parts in double quotes may hold anything. A number with a
//! unit is a duration: `1.5s`, `1h30m`.

mod literal;

use crate::ast::{CompareOp, Scope};
use crate::diagnostics::{Diagnostic, DiagnosticKind, Span};

/// A piece of the text that the parser takes as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: TokenKind<'a>,
    /// Where it stands.
    pub span: Span,
}

/// What a token is. Numbers carry their magnitude; a minus before them is a token of its own.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenKind<'a> {
    /// `{`
    OpenBrace,
    /// `}`
    CloseBrace,
    /// `(`
    OpenParen,
    /// `)`
    CloseParen,
    /// `,`
    Comma,
    /// `|`
    Pipe,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `!`
    Not,
    /// A comparison; `<`, `>` and `!~` are structural between spansets.
    Compare(CompareOp),
    /// `+ - * / % ^`
    Arithmetic(&'a str),
    /// An operator that stands only between spansets: `>>`, `!<`, `&~`, …
    Structural(&'a str),
    /// `span.x`, `.x`, `parent.span.x`
    Attribute(Scope, String),
    /// `span:name`, not yet checked against the list of intrinsics.
    Scoped(&'a str),
    /// A word: keyword, legacy intrinsic or mistake.
    Word(&'a str),
    /// A word followed by a dot that names no scope: `http.method`.
    Dotted(&'a str),
    /// A string, unescaped.
    String(String),
    /// Magnitude of an integer.
    Int(u64),
    /// A float.
    Float(f64),
    /// Magnitude of a duration in nanoseconds.
    Duration(u64),
    /// Text that is no token, with its diagnostic.
    Invalid(Box<Diagnostic>),
    /// End of the text.
    End,
}

/// Splits the text into tokens; the last one is always [`TokenKind::End`].
///
/// Cost: linear in the text.
pub fn lex(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next_token();
        let end = token.kind == TokenKind::End;
        tokens.push(token);
        if end {
            return tokens;
        }
    }
}

/// Makes the token of an operator from its spelling.
type Make = fn(&'static str) -> TokenKind<'static>;

/// Operators, the longest first.
const OPERATORS: [(&str, Make); 41] = [
    ("!>>", TokenKind::Structural),
    ("!<<", TokenKind::Structural),
    ("&>>", TokenKind::Structural),
    ("&<<", TokenKind::Structural),
    ("!=", |_| TokenKind::Compare(CompareOp::NotEq)),
    ("!~", |_| TokenKind::Compare(CompareOp::NotMatch)),
    ("=~", |_| TokenKind::Compare(CompareOp::Match)),
    ("<=", |_| TokenKind::Compare(CompareOp::LessEq)),
    (">=", |_| TokenKind::Compare(CompareOp::GreaterEq)),
    ("&&", |_| TokenKind::And),
    ("||", |_| TokenKind::Or),
    (">>", TokenKind::Structural),
    ("<<", TokenKind::Structural),
    ("!>", TokenKind::Structural),
    ("!<", TokenKind::Structural),
    ("&>", TokenKind::Structural),
    ("&<", TokenKind::Structural),
    ("&~", TokenKind::Structural),
    ("~", TokenKind::Structural),
    ("=", |_| TokenKind::Compare(CompareOp::Eq)),
    ("<", |_| TokenKind::Compare(CompareOp::Less)),
    (">", |_| TokenKind::Compare(CompareOp::Greater)),
    ("!", |_| TokenKind::Not),
    ("|", |_| TokenKind::Pipe),
    ("{", |_| TokenKind::OpenBrace),
    ("}", |_| TokenKind::CloseBrace),
    ("(", |_| TokenKind::OpenParen),
    (")", |_| TokenKind::CloseParen),
    (",", |_| TokenKind::Comma),
    ("+", TokenKind::Arithmetic),
    ("-", TokenKind::Arithmetic),
    ("*", TokenKind::Arithmetic),
    ("/", TokenKind::Arithmetic),
    ("%", TokenKind::Arithmetic),
    ("^", TokenKind::Arithmetic),
    // What other languages write; each gets a hint instead of a puzzle.
    ("&", |_| wrong("`&` is not an operator", "write `&&`")),
    (";", |_| wrong("`;` ends nothing here", "remove it")),
    ("$", |_| {
        wrong("variables are not part of TraceQL", "write the value")
    }),
    ("[", |_| {
        wrong("`[` is not part of TraceQL", "use parentheses")
    }),
    ("]", |_| {
        wrong("`]` is not part of TraceQL", "use parentheses")
    }),
    (":", |_| {
        wrong(
            "`:` belongs between a scope and an intrinsic",
            "write for example `span:name`",
        )
    }),
];

fn wrong(message: &str, hint: &str) -> TokenKind<'static> {
    TokenKind::Invalid(Box::new(
        Diagnostic::new(DiagnosticKind::Syntax, Span::default(), message).hint(hint),
    ))
}

/// Whether an unquoted part of an attribute name ends before `c`.
pub(crate) fn ends_name(c: char) -> bool {
    c.is_whitespace() || "{}()=~!<>&|^,".contains(c)
}

fn starts_word(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn continues_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn next_token(&mut self) -> Token<'a> {
        let start = match self.skip_blank() {
            Ok(()) => self.at,
            Err(diagnostic) => {
                return Token {
                    span: diagnostic.span,
                    kind: TokenKind::Invalid(Box::new(diagnostic)),
                };
            }
        };
        let kind = match self.read_token() {
            Ok(TokenKind::Invalid(mut diagnostic)) => {
                diagnostic.span = Span::new(start, self.at);
                TokenKind::Invalid(diagnostic)
            }
            Ok(kind) => kind,
            Err(diagnostic) => TokenKind::Invalid(Box::new(diagnostic)),
        };
        Token {
            kind,
            span: Span::new(start, self.at),
        }
    }

    fn read_token(&mut self) -> Result<TokenKind<'a>, Diagnostic> {
        let start = self.at;
        let Some(c) = self.peek() else {
            return Ok(TokenKind::End);
        };
        match c {
            '"' | '`' | '\'' => literal::string(self),
            '0'..='9' => literal::number(self),
            '.' if self.rest()[1..].starts_with(|next: char| next.is_ascii_digit()) => {
                literal::number(self)
            }
            '.' => self.attribute(Scope::Any, start),
            _ if starts_word(c) => self.word(),
            _ => self.operator(),
        }
    }

    fn operator(&mut self) -> Result<TokenKind<'a>, Diagnostic> {
        let start = self.at;
        for (written, make) in OPERATORS {
            if self.rest().starts_with(written) {
                self.at += written.len();
                return Ok(make(written));
            }
        }
        let c = self.bump().unwrap_or_default();
        Err(self.syntax(
            start,
            format!("`{}` is not part of TraceQL", c.escape_debug()),
        ))
    }

    /// A word, and what hangs on it: `span.x`, `span:name`, `http.method`.
    fn word(&mut self) -> Result<TokenKind<'a>, Diagnostic> {
        let start = self.at;
        self.skip_while(continues_word);
        let word = &self.text[start..self.at];
        match self.peek() {
            Some('.') => match (word, Scope::from_name(word)) {
                ("parent", _) => self.parent_attribute(start),
                (_, Some(scope)) => self.attribute(scope, start),
                (_, None) => {
                    self.skip_while(|c| !ends_name(c));
                    Ok(TokenKind::Dotted(&self.text[start..self.at]))
                }
            },
            Some(':') => {
                self.at += 1;
                self.skip_while(continues_word);
                Ok(TokenKind::Scoped(&self.text[start..self.at]))
            }
            _ => Ok(TokenKind::Word(word)),
        }
    }

    /// `parent.x`, `parent.span.x`, `parent.resource.x`; `self.at` is at the first dot.
    fn parent_attribute(&mut self, start: usize) -> Result<TokenKind<'a>, Diagnostic> {
        let scopes = [
            (".span.", Scope::ParentSpan),
            (".resource.", Scope::ParentResource),
        ];
        for (written, scope) in scopes {
            if self.rest().starts_with(written) {
                self.at += written.len() - 1;
                return self.attribute(scope, start);
            }
        }
        self.attribute(Scope::Parent, start)
    }

    /// The name behind a scope; `self.at` is at the dot.
    fn attribute(&mut self, scope: Scope, start: usize) -> Result<TokenKind<'a>, Diagnostic> {
        self.at += 1;
        let mut name = String::new();
        let mut part_begins = true;
        while let Some(c) = self.peek() {
            if c == '"' {
                if !part_begins {
                    let at = self.at;
                    self.skip_while(|c| !ends_name(c));
                    return Err(self
                        .syntax(at, "a quote can only begin a part of an attribute name")
                        .hint(
                            "quote whole parts, as in `span.\"a b\".c`, or put an operator here",
                        ));
                }
                self.quoted_part(&mut name)?;
                if self
                    .peek()
                    .is_some_and(|next| !ends_name(next) && next != '.')
                {
                    let at = self.at;
                    self.skip_while(|c| !ends_name(c));
                    return Err(self
                        .syntax(at, "a dot or an operator is missing behind the quoted part")
                        .hint("write for example `span.\"a b\".c`"));
                }
                part_begins = false;
            } else if ends_name(c) {
                break;
            } else {
                name.push(c);
                part_begins = c == '.';
                self.at += c.len_utf8();
            }
        }
        if name.is_empty() {
            let written = &self.text[start..self.at];
            return Err(self
                .syntax(
                    start,
                    format!("the attribute name behind `{written}` is missing"),
                )
                .hint("write for example `span.http.route`"));
        }
        Ok(TokenKind::Attribute(scope, name))
    }

    /// A part in double quotes; only `\"` and `\\` are escapes here.
    fn quoted_part(&mut self, name: &mut String) -> Result<(), Diagnostic> {
        let open = self.at;
        self.at += 1;
        while let Some(c) = self.bump() {
            match c {
                '"' => return Ok(()),
                '\\' => match self.bump() {
                    Some(escaped @ ('"' | '\\')) => name.push(escaped),
                    _ => {
                        let at = self.at;
                        self.skip_while(|c| !ends_name(c));
                        return Err(self
                            .syntax(
                                at.min(self.text.len()),
                                "unknown escape in an attribute name",
                            )
                            .hint("only `\\\"` and `\\\\` are escapes in a quoted name"));
                    }
                },
                other => name.push(other),
            }
        }
        Err(self
            .syntax(open, "the quoted attribute name does not end")
            .hint("add `\"`"))
    }

    /// Skips whitespace and comments.
    fn skip_blank(&mut self) -> Result<(), Diagnostic> {
        loop {
            self.skip_while(char::is_whitespace);
            if self.rest().starts_with("//") {
                self.skip_while(|c| c != '\n');
            } else if self.rest().starts_with("/*") {
                let start = self.at;
                match self.rest().find("*/") {
                    Some(length) => self.at += length + 2,
                    None => {
                        self.at = self.text.len();
                        return Err(self
                            .syntax(start, "the comment does not end")
                            .hint("add `*/`"));
                    }
                }
            } else {
                return Ok(());
            }
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn skip_while(&mut self, wanted: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !wanted(c)).unwrap_or(rest.len());
    }

    /// A syntax error from `start` to where reading stands.
    fn syntax(&self, start: usize, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(
            DiagnosticKind::Syntax,
            Span::new(start, self.at.max(start)),
            message,
        )
    }
}

#[cfg(test)]
mod tests;
