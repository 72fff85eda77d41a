//! Runs questions over a span source.
