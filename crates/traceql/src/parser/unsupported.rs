//! TraceQL that is not taken, or not in the dialect that is asked in; refused by name.

use crate::diagnostics::{Diagnostic, DiagnosticKind, Span};

fn unsupported(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(DiagnosticKind::Unsupported, span, message)
}

/// What Causeline has beyond Tempo; `what` is in the plural.
pub(super) fn dialect(span: Span, what: &str) -> Diagnostic {
    let message = format!("{what} are not part of Tempo's TraceQL");
    unsupported(span, message).hint("the native API has them, whose dialect is Causeline's")
}

/// `parent`
pub(super) fn parent(span: Span) -> Diagnostic {
    unsupported(span, "the parent span is no value")
        .hint("write `parent.name` for its attributes; a root span has `nestedSetParent < 0`")
}

/// `({ … } | count()) + ({ … } | count())`
pub(super) fn scalar_pipeline(span: Span) -> Diagnostic {
    unsupported(span, "aggregates of several pipelines are not compared")
        .hint("compare within the pipeline: `{ … } | count() > 2`")
}

/// `{ … } | { … } && { … }`
pub(super) fn operators_in_stage(span: Span) -> Diagnostic {
    unsupported(span, "operators between spansets do not stand behind `|`")
        .hint("put what stands before them in parentheses: `({ … } | { … }) && { … }`")
}
