//! Sets of spans of a trace: filters, and what is made of two sets.

use super::{Expr, Node, Pipeline};

/// A set of spans, with its place in the text.
pub type Spanset = Node<SpansetKind>;

/// What a set of spans is.
#[derive(Debug, Clone, PartialEq)]
pub enum SpansetKind {
    /// `{ condition }`; `None` for `{ }`, which selects every span.
    Filter(Option<Expr>),
    /// `({ … } | stage | …)` as an operand; it has at least one stage.
    Pipeline(Box<Pipeline>),
    /// `left op right`
    Binary {
        /// The operator.
        op: SpansetOp,
        /// Left operand.
        left: Box<Spanset>,
        /// Right operand.
        right: Box<Spanset>,
    },
}

impl Default for SpansetKind {
    fn default() -> Self {
        Self::Filter(None)
    }
}

/// How a set of spans is made of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpansetOp {
    /// `&&`: the spans of both, when neither is empty.
    And,
    /// `||`: the spans of both.
    Or,
    /// By where spans stand in the tree of the trace.
    Structural {
        /// What a span on the right is to one on the left.
        relation: Relation,
        /// Which spans come out.
        form: Form,
    },
}

/// What a span of the right side is to a span of the left side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `>`
    Child,
    /// `<`
    Parent,
    /// `>>`
    Descendant,
    /// `<<`
    Ancestor,
    /// `~`: another child of the same parent.
    Sibling,
}

impl Relation {
    /// Every relation.
    pub const ALL: [Self; 5] = [
        Self::Child,
        Self::Parent,
        Self::Descendant,
        Self::Ancestor,
        Self::Sibling,
    ];

    /// The plain operator.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Child => ">",
            Self::Parent => "<",
            Self::Descendant => ">>",
            Self::Ancestor => "<<",
            Self::Sibling => "~",
        }
    }
}

/// Which spans a structural operator gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// Those of the right side that stand so to a span of the left.
    Plain,
    /// `!>`: those of the right side that stand so to none of the left.
    Negated,
    /// `&>`: those of both sides that stand so to each other.
    Union,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Negated, Self::Union];

    /// What stands before the relation.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Negated => "!",
            Self::Union => "&",
        }
    }
}

impl SpansetOp {
    /// The structural operator written so.
    pub fn structural(text: &str) -> Option<Self> {
        Form::ALL.into_iter().find_map(|form| {
            let relation = text.strip_prefix(form.prefix())?;
            let relation = Relation::ALL
                .into_iter()
                .find(|known| known.as_str() == relation)?;
            Some(Self::Structural { relation, form })
        })
    }
}
