//! Which spans get a row of their own when there are more than rows, and what stands for the others.
//!
//! Rows are given level by level, from the top. Siblings that are alike get one together where the order has gathered them. When rows run out, what is left of a list
//! of siblings gets the last one, and spans whose children get none keep them folded below themselves.

use std::collections::VecDeque;
use std::ops::Range;

use crate::skeleton::order::{Order, Parent};

/// What is folded in a row. The numbers are on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FoldKind {
    /// The row stands for siblings that are alike, and for all below them.
    Alike = 1,
    /// The row is a span; what is below it is folded.
    Below = 2,
    /// The row stands for siblings of any sort, and for all below them.
    Rest = 3,
}

/// Spans that have no row of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fold {
    pub(crate) kind: FoldKind,
    /// Where they are.
    pub(crate) places: Range<usize>,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Of its span, or of the first that it stands for.
    pub(crate) place: usize,
    pub(crate) fold: Option<Fold>,
}

impl Row {
    /// Whether the row is a span, and not several.
    pub(crate) fn is_span(&self) -> bool {
        self.fold
            .as_ref()
            .is_none_or(|fold| fold.kind == FoldKind::Below)
    }
}

/// At most `rows_max` rows, which is at least 1, for the spans at `range`, siblings with all below them. In the order of places.
///
/// Cost: O(rows log rows), and O(siblings) where these are many.
pub(crate) fn arrange(order: &Order, range: Range<usize>, rows_max: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::with_capacity(range.len().min(rows_max));
    // Whoever unfolds siblings that are alike wants to see them.
    let unfolded = order.group(range.start, range.end) == Some(range.end);
    let mut lists = VecDeque::from([(range, None, unfolded)]);
    while let Some((list, parent, unfolded)) = lists.pop_front() {
        if list.is_empty() {
            continue;
        }
        if rows.len() == rows_max {
            let places = list;
            if let Some(parent) = parent {
                let row: &mut Row = &mut rows[parent];
                row.fold = Some(Fold {
                    kind: FoldKind::Below,
                    places,
                });
            }
            continue;
        }
        let mut at = list.start;
        while at < list.end {
            let group = if unfolded {
                None
            } else {
                order.group(at, list.end)
            };
            let is_alike = group.is_some();
            let end = group.unwrap_or_else(|| order.after(at));
            let is_last_row = rows.len() + 1 == rows_max;
            let fold = |kind, places| Some(Fold { kind, places });
            let (end, fold) = if is_last_row && end < list.end {
                (list.end, fold(FoldKind::Rest, at..list.end))
            } else if is_alike {
                (end, fold(FoldKind::Alike, at..end))
            } else {
                lists.push_back((at + 1..end, Some(rows.len()), false));
                (end, None)
            };
            rows.push(Row { place: at, fold });
            at = end;
        }
    }
    rows.sort_unstable_by_key(|row| row.place);
    rows
}

/// The row that shows what is at `place`: its own, or the one that it is folded in. `None` when no row does.
pub(crate) fn row_of(rows: &[Row], places: &Range<usize>, place: usize) -> Option<usize> {
    if !places.contains(&place) {
        return None;
    }
    rows.partition_point(|row| row.place <= place)
        .checked_sub(1)
}

/// The row of the parent of the span at `place`, when it has one among `rows`.
pub(crate) fn parent_row(
    order: &Order,
    rows: &[Row],
    places: &Range<usize>,
    place: usize,
) -> Option<usize> {
    match order.parents[place] {
        Parent::At(parent) => row_of(rows, places, parent),
        _ => None,
    }
}
