//! What of a span can be asked about: attributes by scope, and intrinsics.

use super::Type;

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
    /// `parent.x`: as [`Scope::Any`], of the parent span.
    Parent,
    /// `parent.span.x`
    ParentSpan,
    /// `parent.resource.x`
    ParentResource,
}

impl Scope {
    /// Every scope of a span's own attributes.
    pub const ALL: [Self; 6] = [
        Self::Any,
        Self::Span,
        Self::Resource,
        Self::Event,
        Self::Link,
        Self::Instrumentation,
    ];

    /// The scopes of the parent span's attributes, which only [`Dialect::Causeline`](crate::Dialect) has.
    pub const OF_PARENT: [Self; 3] = [Self::Parent, Self::ParentSpan, Self::ParentResource];

    /// The scope that says of a span what this one says of its parent; itself for the others.
    pub const fn of_own(self) -> Self {
        match self {
            Self::Parent => Self::Any,
            Self::ParentSpan => Self::Span,
            Self::ParentResource => Self::Resource,
            own => own,
        }
    }

    /// The words before the last dot; empty for [`Scope::Any`].
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Span => "span",
            Self::Resource => "resource",
            Self::Event => "event",
            Self::Link => "link",
            Self::Instrumentation => "instrumentation",
            Self::Parent => "parent",
            Self::ParentSpan => "parent.span",
            Self::ParentResource => "parent.resource",
        }
    }

    /// The scope of that name, one of [`Scope::ALL`].
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
    /// When the span began, in nanoseconds since 1970.
    SpanStartTime: "span:startTime", "", Int;
    /// Number of spans of the trace.
    TraceSpanCount: "trace:spanCount", "", Int;
    /// Number of spans of the trace with status error.
    TraceErrorCount: "trace:errorCount", "", Int;
    /// Whether the trace has a root span, one without parent.
    TraceHasRoot: "trace:hasRoot", "", Bool;
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
    /// Whether only [`Dialect::Causeline`](crate::Dialect) has it.
    pub const fn is_beyond_tempo(self) -> bool {
        matches!(
            self,
            Self::SpanStartTime | Self::TraceSpanCount | Self::TraceErrorCount | Self::TraceHasRoot
        )
    }

    /// The intrinsic of that spelling, scoped (`span:name`) or legacy (`name`).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|intrinsic| {
            intrinsic.as_str() == name || (!name.is_empty() && intrinsic.legacy() == name)
        })
    }
}
