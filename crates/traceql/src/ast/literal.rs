//! Constants.

use super::Type;

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
