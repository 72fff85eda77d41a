//! The tree of a query.

use std::collections::BTreeSet;

use crate::functions::Function;
use crate::matcher::Selector;

/// A checked query.
#[derive(Debug, Clone)]
pub struct Query {
    /// What is calculated.
    pub(crate) root: Expr,
    /// What has to be found first; the tree names them by their position.
    pub leaves: Vec<Leaf>,
}

/// Series to be found.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Which.
    pub selector: Selector,
    /// What of them.
    pub reading: Reading,
    /// How much earlier, in nanoseconds.
    pub offset_nano: i64,
    /// When not `None`, nothing but the sum over series that agree in these labels is looked at, so that no more need be told apart.
    pub kept_labels: Option<BTreeSet<String>>,
    /// Where it stands in the text.
    pub place: traceql::Span,
}

/// What is read of counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reading {
    /// Where they stand.
    Count,
    /// What they grew by in this many nanoseconds up to a point, a second.
    Rate(i64),
    /// The same, in the whole window.
    Increase(i64),
}

/// What kind of value an expression has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar,
    Vector,
    /// A selector with a window, which only `rate` and `increase` take.
    Range,
    Text,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "a number",
            Self::Vector => "an instant vector",
            Self::Range => "a range vector",
            Self::Text => "a text",
        }
    }
}

/// A part of a query.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) node: Node,
    pub(crate) kind: Kind,
    pub(crate) place: traceql::Span,
    /// Levels below and with it.
    pub(crate) height: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Node {
    Number(f64),
    Text(String),
    /// The position of a leaf; its reading is `Count` until a function takes its window.
    Leaf(usize),
    /// A selector with a window in nanoseconds.
    Range(usize, i64),
    Negate(Box<Expr>),
    Call(Function, Vec<Expr>),
    Aggregate(Aggregate),
    Binary(Binary),
}

/// How series become fewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AggregateOp {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Group,
    TopK,
    BottomK,
}

impl AggregateOp {
    const ALL: [(&'static str, Self); 8] = [
        ("sum", Self::Sum),
        ("avg", Self::Avg),
        ("min", Self::Min),
        ("max", Self::Max),
        ("count", Self::Count),
        ("group", Self::Group),
        ("topk", Self::TopK),
        ("bottomk", Self::BottomK),
    ];

    /// Of the word in lower case.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(name, _)| *name == word);
        found.map(|(_, op)| *op)
    }

    pub(crate) fn takes_parameter(self) -> bool {
        matches!(self, Self::TopK | Self::BottomK)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Aggregate {
    pub(crate) op: AggregateOp,
    pub(crate) by: Grouping,
    /// How many, of `topk` and `bottomk`.
    pub(crate) parameter: Option<Box<Expr>>,
    pub(crate) of: Box<Expr>,
}

/// Which labels tell groups apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Grouping {
    By(BTreeSet<String>),
    Without(BTreeSet<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Or,
    And,
    Unless,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Atan2,
    Power,
}

impl BinaryOp {
    /// How tightly it binds; `^` the tightest, and from the right.
    pub(crate) fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And | Self::Unless => 2,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual => 3,
            Self::Add | Self::Subtract => 4,
            Self::Multiply | Self::Divide | Self::Modulo | Self::Atan2 => 5,
            Self::Power => 6,
        }
    }

    pub(crate) fn is_set(self) -> bool {
        self.precedence() <= Self::And.precedence()
    }

    pub(crate) fn is_comparison(self) -> bool {
        self.precedence() == Self::Equal.precedence()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Binary {
    pub(crate) op: BinaryOp,
    /// Whether a comparison gives 0 and 1 instead of leaving out what does not hold.
    pub(crate) gives_bool: bool,
    pub(crate) matching: Matching,
    pub(crate) left: Box<Expr>,
    pub(crate) right: Box<Expr>,
}

/// Which series of two sides belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Matching {
    /// Labels that must agree: these, or all but these.
    pub(crate) on: bool,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) cardinality: Cardinality,
    /// Labels of the side of one that go to the answer.
    pub(crate) included: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cardinality {
    OneToOne,
    /// `group_left`
    ManyToOne,
    /// `group_right`
    OneToMany,
}
