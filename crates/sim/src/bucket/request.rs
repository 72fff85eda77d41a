//! What is asked of a bucket.

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Put,
    /// A put where there must be no object yet.
    PutNew,
    Delete,
    Begin,
    Part,
    Finish,
    Abort,
    Get,
    List,
}

impl Kind {
    /// Whether it changes something.
    pub(super) fn changes(self) -> bool {
        !matches!(self, Self::Get | Self::List)
    }

    /// Whether it puts a whole object.
    pub(super) fn is_put(self) -> bool {
        matches!(self, Self::Put | Self::PutNew)
    }

    /// Whether it may take effect after its sender was told that it failed. The others have no effect that anyone would see then.
    pub(super) fn may_be_late(self) -> bool {
        matches!(self, Self::Put | Self::PutNew | Self::Delete | Self::Finish)
    }

    /// In counts.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Put => "puts",
            Self::PutNew => "puts if absent",
            Self::Delete => "deletes",
            Self::Begin => "beginnings of uploads",
            Self::Part => "parts of uploads",
            Self::Finish => "completions of uploads",
            Self::Abort => "ends of uploads",
            Self::Get => "gets",
            Self::List => "pages of listings",
        }
    }
}
