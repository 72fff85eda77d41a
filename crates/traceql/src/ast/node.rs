//! A part of a tree with its place in the text.

use crate::Span;

/// A part of a tree, with its place in the text. Two nodes are equal when they say the same, wherever they stood.
#[derive(Debug, Clone)]
pub struct Node<K> {
    /// What it is.
    pub kind: K,
    /// Where it stood; empty for trees that were never text.
    pub span: Span,
}

impl<K> Node<K> {
    /// A part that stood at `span`.
    pub const fn at(span: Span, kind: K) -> Self {
        Self { kind, span }
    }
}

impl<K: PartialEq> PartialEq for Node<K> {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl<K: Default> Default for Node<K> {
    fn default() -> Self {
        K::default().into()
    }
}

impl<K> From<K> for Node<K> {
    fn from(kind: K) -> Self {
        Self::at(Span::default(), kind)
    }
}
