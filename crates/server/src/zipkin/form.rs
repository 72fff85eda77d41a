//! Whole traces as lists of spans.

use axum::body::Bytes;
use query::Trace;
use wire::zipkin::JsonSpan;

use crate::error::ApiError;
use crate::jaeger::error::Told;
use crate::jaeger::whole::{Form, Pieces, end_without_word};
use crate::pieces::{Cut, OF_BODIES, internal, of_trace, spans_of};

/// Where a trace is cut: each span repeats what its resource says.
const CUT: Cut = Cut {
    repeats_resources: true,
    ..OF_BODIES
};

/// How traces stand in an answer.
pub(super) enum Lists {
    /// One trace: a list of spans.
    Single,
    /// A list of such lists.
    Many,
}

impl Form for Lists {
    type Piece = Bytes;

    fn begin(&self) -> Option<Bytes> {
        self.outer(b"[")
    }

    fn trace(&self, trace: Trace, is_first: bool) -> Result<Pieces<Bytes>, ApiError> {
        let n_rows = trace.batch.num_rows();
        let pieces = of_trace(trace, CUT, move |trace, rows| {
            let mut out = Vec::new();
            let (is_begin, is_end) = (rows.start == 0, rows.end == n_rows);
            if is_begin {
                out.extend_from_slice(if is_first { b"[" } else { b",[" });
            }
            for (number, span) in spans_of(trace, rows)?.iter().enumerate() {
                if !is_begin || number > 0 {
                    out.push(b',');
                }
                serde_json::to_writer(&mut out, &JsonSpan(span)).map_err(internal)?;
            }
            if is_end {
                out.push(b']');
            }
            Ok(Bytes::from(out))
        })?;
        Ok(Box::new(pieces))
    }

    fn end(&self, missing: Vec<Told>) -> Result<Option<Bytes>, ApiError> {
        // What is missing has no place in the lists.
        end_without_word::<Bytes>(missing)?;
        Ok(self.outer(b"]"))
    }
}

impl Lists {
    fn outer(&self, bracket: &'static [u8]) -> Option<Bytes> {
        match self {
            Self::Single => None,
            Self::Many => Some(Bytes::from_static(bracket)),
        }
    }
}
