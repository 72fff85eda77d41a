//! In which order a merge takes the traces of its inputs.
//!
//! A block has its traces by bucket and id, where the bucket is that of the trace's earliest span *in the block*. Over several blocks a trace
//! belongs where its earliest span of all puts it, so in some of them it stands behind that place: it is *displaced* there. Spans of
//! a trace are sent within seconds and buckets are of ten, so these are few; their rows are fetched ahead of the others.

use model::TraceId;

use crate::block::TRACE_BUCKET_NANO;

/// The rows of a trace in one input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) id: TraceId,
    bucket: i64,
    pub(super) first_row: u32,
    pub(super) rows: u32,
    pub(super) input: u16,
    /// Whether the rows do not come when those before it have been read, but must be fetched.
    pub(super) is_displaced: bool,
}

impl Piece {
    /// The row after the last.
    pub(super) fn end_row(&self) -> u32 {
        self.first_row + self.rows
    }
}

/// Pieces on their way into the order of the output. Memory: 40 bytes each.
#[derive(Debug, Default)]
pub(super) struct Order {
    pieces: Vec<Piece>,
}

impl Order {
    /// Adds rows of an input: those of trace `id`, whose earliest span there starts at `start_unix_nano`.
    pub(super) fn add(
        &mut self,
        input: u16,
        id: TraceId,
        start_unix_nano: i64,
        first_row: u32,
        rows: u32,
    ) {
        self.pieces.push(Piece {
            id,
            bucket: start_unix_nano.div_euclid(TRACE_BUCKET_NANO),
            first_row,
            rows,
            input,
            is_displaced: false,
        });
    }

    /// The pieces in the order of the output: those of a trace together, by input and row; traces by the bucket of their earliest span, and
    /// id. O(pieces · log pieces).
    pub(super) fn finish(self) -> Vec<Piece> {
        let mut pieces = self.pieces;
        pieces.sort_unstable_by_key(|p| (p.id, p.bucket));
        for trace in pieces.chunk_by_mut(|a, b| a.id == b.id) {
            let bucket = trace[0].bucket;
            for piece in trace {
                piece.is_displaced = piece.bucket != bucket;
                piece.bucket = bucket;
            }
        }
        pieces.sort_unstable_by_key(|p| (p.bucket, p.id, p.input, p.first_row));
        let n_inputs = pieces.iter().map(|p| usize::from(p.input) + 1).max();
        let mut read = vec![0; n_inputs.unwrap_or(0)];
        let mut last: Option<(TraceId, u16)> = None;
        for piece in &mut pieces {
            // What is not in the order that the format promises is fetched as well.
            let read = &mut read[usize::from(piece.input)];
            let again = last.replace((piece.id, piece.input)) == Some((piece.id, piece.input));
            piece.is_displaced |= piece.first_row < *read || again;
            if !piece.is_displaced {
                *read = piece.end_row();
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn id(n: u8) -> TraceId {
        TraceId([n; 16])
    }

    /// Traces of inputs as `(id, bucket)`, two rows each, and the order as `(id, input, whether it is displaced)`.
    fn check(inputs: &[&[(u8, i64)]], expect: &[(u8, u16, bool)]) {
        let mut order = Order::default();
        for (input, traces) in inputs.iter().enumerate() {
            for (n, (trace, bucket)) in traces.iter().enumerate() {
                let start = bucket * TRACE_BUCKET_NANO + 5;
                order.add(input as u16, id(*trace), start, 2 * n as u32, 2);
            }
        }
        let pieces = order.finish();
        let found: Vec<_> = pieces
            .iter()
            .map(|p| (p.id.0[0], p.input, p.is_displaced))
            .collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn traces_come_by_the_bucket_of_their_earliest_span() {
        check(&[], &[]);
        check(
            &[&[(2, 0), (1, 1), (3, 1)], &[(1, -1), (2, 0), (4, 1)]],
            &[
                (1, 0, true),
                (1, 1, false),
                (2, 0, false),
                (2, 1, false),
                (3, 0, false),
                (4, 1, false),
            ],
        );
    }

    #[test]
    fn rows_that_are_not_in_order_are_displaced() {
        check(&[&[(2, 0), (1, 0)]], &[(1, 0, false), (2, 0, true)]);
        check(
            &[&[(1, 0), (2, 0), (1, 0)]],
            &[(1, 0, false), (1, 0, true), (2, 0, false)],
        );
    }
}
