//! The tree of a query.
//!
//! Trees keep where each part stood in the text, for diagnostics; the place is no part of a tree's identity, so
//! two trees are equal when they ask the same in the same order.
//!
//! `&&` and `||` have one precedence level and associate to the left; a run of one operator becomes one n-ary node.

use crate::Span;

/// A query: one spanset filter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// The condition between the braces; `None` for `{ }`, which selects every span.
    pub filter: Option<Expr>,
}

impl Query {
    /// Every distinct field the query mentions, in the order of first mention.
    pub fn fields(&self) -> Vec<&Field> {
        let mut fields = Vec::new();
        if let Some(filter) = &self.filter {
            filter.visit(&mut |expr| {
                if let ExprKind::Field(field) = &expr.kind
                    && !fields.contains(&field)
                {
                    fields.push(field);
                }
            });
        }
        fields
    }
}

/// A part of a condition, with its place in the text.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stood; empty for trees that were never text.
    pub span: Span,
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl From<ExprKind> for Expr {
    fn from(kind: ExprKind) -> Self {
        Self {
            kind,
            span: Span::default(),
        }
    }
}

impl Expr {
    /// Calls `seen` for this part and then for each part below it, from left to right.
    pub fn visit<'a>(&'a self, seen: &mut impl FnMut(&'a Expr)) {
        seen(self);
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Field(_) => {}
            ExprKind::Not(inner) => inner.visit(seen),
            ExprKind::Compare { left, right, .. } => {
                left.visit(seen);
                right.visit(seen);
            }
            ExprKind::And(parts) | ExprKind::Or(parts) => {
                for part in parts {
                    part.visit(seen);
                }
            }
        }
    }
}

/// What a part of a condition is.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A constant.
    Literal(Literal),
    /// An attribute or an intrinsic.
    Field(Field),
    /// `!inner`
    Not(Box<Expr>),
    /// `left op right`
    Compare {
        /// The operator.
        op: CompareOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand; a string literal when `op` is a regular-expression match.
        right: Box<Expr>,
    },
    /// `a && b && …`, at least two parts.
    And(Vec<Expr>),
    /// `a || b || …`, at least two parts.
    Or(Vec<Expr>),
}

/// A constant of the language.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `nil`: the attribute is absent.
    Nil,
    /// `true`, `false`
    Bool(bool),
    /// `42`, `minInt`, `maxInt`
    Int(i64),
    /// `4.2`; always finite.
    Float(f64),
    /// `1h30m`, in nanoseconds.
    Duration(i64),
    /// `"text"`, `` `text` ``
    String(String),
    /// `ok`, `error`, `unset`
    Status(Status),
    /// `server`, `client`, …
    Kind(Kind),
}

/// Status of a span, numbered as in OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// No status was set.
    Unset = 0,
    /// Explicitly successful.
    Ok = 1,
    /// Failed.
    Error = 2,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Unset, Self::Ok, Self::Error];

    /// The word of the language.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

/// Kind of a span, numbered as in OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The SDK did not say.
    Unspecified = 0,
    /// Work inside one process.
    Internal = 1,
    /// Answers a remote call.
    Server = 2,
    /// Makes a remote call.
    Client = 3,
    /// Puts a message on a queue.
    Producer = 4,
    /// Takes a message from a queue.
    Consumer = 5,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Unspecified,
        Self::Internal,
        Self::Server,
        Self::Client,
        Self::Producer,
        Self::Consumer,
    ];

    /// The word of the language.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `=`
    Eq,
    /// `!=`
    NotEq,
    /// `<`
    Less,
    /// `<=`
    LessEq,
    /// `>`
    Greater,
    /// `>=`
    GreaterEq,
    /// `=~`, anchored at both ends.
    Match,
    /// `!~`, anchored at both ends.
    NotMatch,
}

impl CompareOp {
    /// Every comparison.
    pub const ALL: [Self; 8] = [
        Self::Eq,
        Self::NotEq,
        Self::Less,
        Self::LessEq,
        Self::Greater,
        Self::GreaterEq,
        Self::Match,
        Self::NotMatch,
    ];

    /// The operator as written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::NotEq => "!=",
            Self::Less => "<",
            Self::LessEq => "<=",
            Self::Greater => ">",
            Self::GreaterEq => ">=",
            Self::Match => "=~",
            Self::NotMatch => "!~",
        }
    }

    /// The operator that says the same with its operands exchanged; `None` for regular expressions.
    pub const fn flipped(self) -> Option<Self> {
        match self {
            Self::Eq | Self::NotEq => Some(self),
            Self::Less => Some(Self::Greater),
            Self::LessEq => Some(Self::GreaterEq),
            Self::Greater => Some(Self::Less),
            Self::GreaterEq => Some(Self::LessEq),
            Self::Match | Self::NotMatch => None,
        }
    }
}

/// Whose attributes an attribute is looked up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// `.x`: the span's, then the resource's.
    Any,
    /// `span.x`
    Span,
    /// `resource.x`
    Resource,
    /// `event.x`: those of any event of the span.
    Event,
    /// `link.x`: those of any link of the span.
    Link,
    /// `instrumentation.x`
    Instrumentation,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 6] = [
        Self::Any,
        Self::Span,
        Self::Resource,
        Self::Event,
        Self::Link,
        Self::Instrumentation,
    ];

    /// The word before the dot; empty for [`Scope::Any`].
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Span => "span",
            Self::Resource => "resource",
            Self::Event => "event",
            Self::Link => "link",
            Self::Instrumentation => "instrumentation",
        }
    }

    /// The scope of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|scope| !name.is_empty() && scope.as_str() == name)
    }
}

/// Something of a span that a condition can ask about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// A property every span, trace, event, link or scope has.
    Intrinsic(Intrinsic),
    /// A key of some attributes.
    Attribute {
        /// Whose attributes.
        scope: Scope,
        /// The key, without quotes or escapes.
        name: String,
    },
}

impl Field {
    /// An attribute field.
    pub fn attribute(scope: Scope, name: impl Into<String>) -> Self {
        Self::Attribute {
            scope,
            name: name.into(),
        }
    }

    /// The type of the field's values: fixed for intrinsics, open for attributes.
    pub const fn value_type(&self) -> Type {
        match self {
            Self::Intrinsic(intrinsic) => intrinsic.value_type(),
            Self::Attribute { .. } => Type::Any,
        }
    }
}

/// Type of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// Known only from the data: attributes.
    Any,
    /// The type of `nil`.
    Nil,
    /// Truth values and conditions.
    Bool,
    /// 64-bit integers.
    Int,
    /// 64-bit floats.
    Float,
    /// Nanoseconds.
    Duration,
    /// Text.
    String,
    /// Span status.
    Status,
    /// Span kind.
    Kind,
}

impl Type {
    /// The word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "attribute",
            Self::Nil => "nil",
            Self::Bool => "boolean",
            Self::Int => "integer",
            Self::Float => "float",
            Self::Duration => "duration",
            Self::String => "string",
            Self::Status => "status",
            Self::Kind => "kind",
        }
    }

    /// Whether values of the type are numbers, which compare with each other whatever their type.
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Float | Self::Duration)
    }
}

impl Literal {
    /// The type of the constant.
    pub const fn value_type(&self) -> Type {
        match self {
            Self::Nil => Type::Nil,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Float(_) => Type::Float,
            Self::Duration(_) => Type::Duration,
            Self::String(_) => Type::String,
            Self::Status(_) => Type::Status,
            Self::Kind(_) => Type::Kind,
        }
    }

    /// The constant that a bare word names.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word {
            "nil" => return Some(Self::Nil),
            "true" => return Some(Self::Bool(true)),
            "false" => return Some(Self::Bool(false)),
            "minInt" => return Some(Self::Int(i64::MIN)),
            "maxInt" => return Some(Self::Int(i64::MAX)),
            _ => {}
        }
        let status = Status::ALL.into_iter().find(|s| s.as_str() == word);
        let kind = Kind::ALL.into_iter().find(|k| k.as_str() == word);
        status.map(Self::Status).or(kind.map(Self::Kind))
    }
}

/// Declares the intrinsics with their spelling, legacy spelling and type in one table.
macro_rules! intrinsics {
    ($($(#[$doc:meta])* $name:ident: $scoped:literal, $legacy:literal, $ty:ident;)*) => {
        /// A property every span, trace, event, link or instrumentation scope has.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Intrinsic {
            $($(#[$doc])* $name,)*
        }

        impl Intrinsic {
            /// Every intrinsic.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The preferred spelling: scoped where there is one.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $scoped,)* }
            }

            /// The older spelling without scope; empty when there is none.
            pub const fn legacy(self) -> &'static str {
                match self { $(Self::$name => $legacy,)* }
            }

            /// The type of its values.
            pub const fn value_type(self) -> Type {
                match self { $(Self::$name => Type::$ty,)* }
            }
        }
    };
}

intrinsics! {
    /// Status of the span.
    SpanStatus: "span:status", "status", Status;
    /// Message that goes with the status.
    SpanStatusMessage: "span:statusMessage", "statusMessage", String;
    /// End minus start of the span.
    SpanDuration: "span:duration", "duration", Duration;
    /// Name of the span, its operation.
    SpanName: "span:name", "name", String;
    /// Kind of the span.
    SpanKind: "span:kind", "kind", Kind;
    /// Id of the span, 16 hex digits.
    SpanId: "span:id", "", String;
    /// Id of the parent, 16 hex digits; absent on a root span.
    SpanParentId: "span:parentID", "", String;
    /// Number of spans whose parent this is.
    SpanChildCount: "span:childCount", "", Int;
    /// Latest end minus earliest start of the trace.
    TraceDuration: "trace:duration", "traceDuration", Duration;
    /// Name of the trace's root span.
    TraceRootName: "trace:rootName", "rootName", String;
    /// Service of the trace's root span.
    TraceRootService: "trace:rootService", "rootServiceName", String;
    /// Id of the trace, 32 hex digits.
    TraceId: "trace:id", "", String;
    /// Name of an event of the span.
    EventName: "event:name", "", String;
    /// Time of an event minus start of the span.
    EventTimeSinceStart: "event:timeSinceStart", "", Duration;
    /// Span id a link points at, 16 hex digits.
    LinkSpanId: "link:spanID", "", String;
    /// Trace id a link points at, 32 hex digits.
    LinkTraceId: "link:traceID", "", String;
    /// Name of the instrumentation scope.
    InstrumentationName: "instrumentation:name", "", String;
    /// Version of the instrumentation scope.
    InstrumentationVersion: "instrumentation:version", "", String;
    /// Number of the span on the way down a depth-first walk of the trace, from 1.
    NestedSetLeft: "nestedSetLeft", "nestedSetLeft", Int;
    /// Number of the span on the way up.
    NestedSetRight: "nestedSetRight", "nestedSetRight", Int;
    /// `nestedSetLeft` of the parent; −1 on a root span.
    NestedSetParent: "nestedSetParent", "nestedSetParent", Int;
}

impl Intrinsic {
    /// The intrinsic of that spelling, scoped (`span:name`) or legacy (`name`).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|intrinsic| {
            intrinsic.as_str() == name || (!name.is_empty() && intrinsic.legacy() == name)
        })
    }
}
