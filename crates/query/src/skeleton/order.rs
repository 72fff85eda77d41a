//! The order of a trace's spans: each before its descendants, and these next to it.
//!
//! The *place* of a span is its number in that order. Siblings come by start. In a trace of more than [`FOLDED_FROM`] spans, siblings that are *alike* (of one
//! service, name and kind, and orphans of one parent) come together where the first of them would, when there are at least [`ALIKE_MIN`], so that they are a range of places.
//! Orphans of one parent always come together.

use std::collections::HashMap;
use std::ops::Range;

use arrow::array::{Array, FixedSizeBinaryArray, RecordBatch};
use columnar::{Column, DictColumn, SpanColumns, ViewError};

use crate::context::first_rows;
use crate::critical_path::SpanTime;
use crate::forest::Forest;

/// Above so many spans, siblings that are alike are folded. Source: `ui-design.md` TR-30.
pub const FOLDED_FROM: usize = 250_000;

/// Fewer siblings than these are never folded. Source: `ui-design.md` TR-13.
const ALIKE_MIN: usize = 5;

/// What the order follows from.
pub(crate) const COLUMNS: [Column; 7] = [
    Column::SpanId,
    Column::ParentSpanId,
    Column::StartTimeUnixNano,
    Column::EndTimeUnixNano,
    Column::Name,
    Column::Kind,
    Column::ServiceName,
];

/// Where the parent of a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parent {
    /// It names none.
    None,
    /// It names one that was not received.
    Missing,
    /// It would be its own ancestor: of spans in a circle, the first.
    Cut,
    /// At this place.
    At(usize),
}

/// The order of the spans of one trace.
#[derive(Debug)]
pub(crate) struct Order {
    /// Follows from the ids of the spans and the place of each: 16 hexadecimal digits.
    pub(crate) name: String,
    /// By place: the row.
    pub(crate) rows: Vec<usize>,
    /// By place.
    pub(crate) parents: Vec<Parent>,
    /// By place: the span and its descendants.
    pub(crate) sizes: Vec<usize>,
    /// By place: a number that siblings share which are alike.
    alike: Vec<u32>,
    /// By row: the trees.
    pub(crate) forest: Forest,
    /// By row.
    pub(crate) times: Vec<SpanTime>,
    /// How many spans stand one below the other, at most.
    pub(crate) depth: usize,
    /// Whether siblings that are alike may be folded.
    pub(crate) folds: bool,
}

impl Order {
    /// The order of the spans of `batch`, which are those of a trace, in the order of [`Trace`](crate::Trace). Of its columns those of [`COLUMNS`] are needed.
    ///
    /// Cost: O(n log n) time, some 100 bytes of memory a span.
    pub(crate) fn of(batch: &RecordBatch, folded_from: usize) -> Result<Self, ViewError> {
        let columns = SpanColumns::new(batch);
        let n = columns.len();
        let (ids, named) = (
            columns.ids(Column::SpanId)?,
            columns.ids(Column::ParentSpanId)?,
        );
        let rows_of = first_rows(ids, 0..n);
        let parent_of = |row: usize| {
            let id = named.is_valid(row).then(|| named.value(row));
            id.and_then(|id| rows_of.get(id).copied())
        };
        let forest = Forest::new((0..n).map(parent_of));
        let mut order = Self {
            name: String::new(),
            rows: Vec::with_capacity(n),
            parents: Vec::with_capacity(n),
            sizes: vec![1; n],
            alike: Vec::with_capacity(n),
            times: times_of(&columns)?,
            depth: 0,
            folds: n > folded_from,
            forest,
        };
        let kinship = Kinship::new(&columns)?;
        let unresolved = |row: usize| match (named.is_null(row), parent_of(row)) {
            (true, _) => Parent::None,
            (false, None) => Parent::Missing,
            (false, Some(_)) => Parent::Cut,
        };
        order.walk(&kinship, unresolved);
        for place in (0..n).rev() {
            if let Parent::At(parent) = order.parents[place] {
                order.sizes[parent] += order.sizes[place];
            }
        }
        let mix = |sum: u64, row: &usize| {
            (sum.rotate_left(23) ^ id_of(ids.value(*row))).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        };
        order.name = format!("{:016x}", order.rows.iter().fold(n as u64, mix));
        Ok(order)
    }

    /// How many spans there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The sibling after the one at `place`, when it is within the same range.
    pub(crate) fn after(&self, place: usize) -> usize {
        place + self.sizes[place]
    }

    /// Where the siblings end, not beyond `to`, that are folded together with the one at `from`, which is the first of them. `None` when it is not folded.
    ///
    /// Cost: O(siblings of the group).
    pub(crate) fn group(&self, from: usize, to: usize) -> Option<usize> {
        if !self.folds {
            return None;
        }
        let (mut at, mut n) = (from, 0);
        while at < to && self.alike[at] == self.alike[from] {
            at = self.after(at);
            n += 1;
        }
        (n >= ALIKE_MIN).then_some(at)
    }

    /// Whether `range` is made of siblings with all that is below them.
    pub(crate) fn are_siblings(&self, range: &Range<usize>) -> bool {
        if range.is_empty() || range.end > self.len() {
            return false;
        }
        let top = |place: usize| match self.parents[place] {
            Parent::At(parent) => Some(parent),
            _ => None,
        };
        let mut at = range.start;
        while at < range.end {
            if top(at) != top(range.start) {
                return false;
            }
            at = self.after(at);
        }
        at == range.end
    }

    fn walk(&mut self, kinship: &Kinship<'_>, unresolved: impl Fn(usize) -> Parent) {
        let mut siblings = kinship.orphans_together(self.forest.tops());
        self.gather(kinship, &mut siblings);
        // Rows to come with their level, the next at the end of the list, and the parent of each.
        let mut to_come: Vec<(usize, usize, Parent)> = Vec::new();
        let push = |to_come: &mut Vec<_>, siblings: &[usize], level, parent: Option<usize>| {
            for row in siblings.iter().rev() {
                let parent = parent.map_or_else(|| unresolved(*row), Parent::At);
                to_come.push((*row, level, parent));
            }
        };
        push(&mut to_come, &siblings, 1, None);
        while let Some((row, level, parent)) = to_come.pop() {
            let place = self.rows.len();
            self.rows.push(row);
            self.parents.push(parent);
            self.alike.push(kinship.number(row));
            self.depth = self.depth.max(level);
            let mut siblings = self.forest.children(row).to_vec();
            self.gather(kinship, &mut siblings);
            push(&mut to_come, &siblings, level + 1, Some(place));
        }
    }

    /// Puts those of `siblings` together that are alike, where they are folded.
    fn gather(&self, kinship: &Kinship<'_>, siblings: &mut Vec<usize>) {
        if !self.folds || siblings.len() < ALIKE_MIN {
            return;
        }
        let mut groups: HashMap<u32, Vec<usize>> = HashMap::new();
        for row in siblings.iter() {
            groups.entry(kinship.number(*row)).or_default().push(*row);
        }
        let mut gathered = Vec::with_capacity(siblings.len());
        for row in siblings.iter() {
            match groups.get_mut(&kinship.number(*row)) {
                // Empty from the second member on.
                Some(group) if group.is_empty() || group.len() >= ALIKE_MIN => {
                    gathered.append(group);
                }
                _ => gathered.push(*row),
            }
        }
        *siblings = gathered;
    }
}

/// Which siblings are alike.
struct Kinship<'a> {
    /// By row.
    numbers: Vec<u32>,
    /// By row: what an orphan or child names.
    named: &'a FixedSizeBinaryArray,
}

impl<'a> Kinship<'a> {
    fn new(columns: &SpanColumns<'a>) -> Result<Self, ViewError> {
        let services = distinct(columns.dict(Column::ServiceName)?);
        let names = distinct(columns.dict(Column::Name)?);
        let (of_service, of_name) = (
            columns.dict(Column::ServiceName)?,
            columns.dict(Column::Name)?,
        );
        let kinds = columns.int32(Column::Kind)?;
        let named = columns.ids(Column::ParentSpanId)?;
        let mut known = HashMap::new();
        let number = |row: usize| {
            let (service, name) = (services[of_service.key(row)], names[of_name.key(row)]);
            let parent = named.is_valid(row).then(|| named.value(row));
            let next = known.len() as u32;
            *known
                .entry((service, name, kinds.value(row), parent))
                .or_insert(next)
        };
        Ok(Self {
            numbers: (0..columns.len()).map(number).collect(),
            named,
        })
    }

    fn number(&self, row: usize) -> u32 {
        self.numbers[row]
    }

    /// The tops with the orphans of one parent together, where the first of them stands.
    fn orphans_together(&self, tops: &[usize]) -> Vec<usize> {
        let mut families: HashMap<&[u8], Vec<usize>> = HashMap::new();
        let id_of = |row: usize| self.named.is_valid(row).then(|| self.named.value(row));
        for row in tops {
            if let Some(id) = id_of(*row) {
                families.entry(id).or_default().push(*row);
            }
        }
        let mut together = Vec::with_capacity(tops.len());
        for row in tops {
            match id_of(*row) {
                Some(id) => together.extend(families.remove(id).into_iter().flatten()),
                None => together.push(*row),
            }
        }
        together
    }
}

/// A span id as a number, whose digits in hexadecimal are those of the id.
pub(crate) fn id_of(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_be_bytes)
}

/// By key of a dictionary: a number that equal texts share.
fn distinct(dictionary: DictColumn<'_>) -> Vec<u32> {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let number = |key| {
        let next = numbers.len() as u32;
        *numbers.entry(dictionary.value(key)).or_insert(next)
    };
    (0..dictionary.n_values()).map(number).collect()
}

fn times_of(columns: &SpanColumns<'_>) -> Result<Vec<SpanTime>, ViewError> {
    let starts = columns.int64(Column::StartTimeUnixNano)?.values().iter();
    let ends = columns.int64(Column::EndTimeUnixNano)?.values().iter();
    let time = |(start, end): (&i64, &i64)| SpanTime {
        start_nano: *start,
        end_nano: *end,
    };
    Ok(starts.zip(ends).map(time).collect())
}
