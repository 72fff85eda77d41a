//! TraceQL: lexer, parser, checks, formatter, diagnostics.
