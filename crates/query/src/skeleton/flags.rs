//! What is said of a span in a bit.

use std::collections::HashSet;

use arrow::array::Array;
use columnar::{Attributes, Column, DictColumn, SpanColumns, ViewError};
use model::{SpanId, StatusCode};

use crate::skeleton::order::{Order, Parent};
use crate::traces::Trace;

/// Its own status is error.
pub(crate) const ERROR: u16 = 1;
/// An event is called `exception`.
pub(crate) const EXCEPTION: u16 = 1 << 1;
/// It has events.
pub(crate) const EVENTS: u16 = 1 << 2;
/// It links to other spans.
pub(crate) const LINKS: u16 = 1 << 3;
/// Log records carry its id.
pub(crate) const LOGS: u16 = 1 << 4;
/// `faas.coldstart` is true.
pub(crate) const COLD_START: u16 = 1 << 5;
/// Its parent was not received.
pub(crate) const ORPHAN: u16 = 1 << 6;
/// It has no end.
pub(crate) const UNFINISHED: u16 = 1 << 7;
/// Its sender discarded attributes, events or links.
pub(crate) const TRUNCATED: u16 = 1 << 8;
/// Something in its attributes or events was redacted.
pub(crate) const REDACTED: u16 = 1 << 9;
/// It starts before its parent, which another resource sent: their clocks may differ.
pub(crate) const BEFORE_PARENT: u16 = 1 << 10;
/// The row stands for several spans, or has spans folded below it.
pub(crate) const FOLDED: u16 = 1 << 11;
/// Another span has its id, kind and service, and other contents.
pub(crate) const CONFLICTING: u16 = 1 << 12;
/// It stands in a circle of parents, which was cut here.
pub(crate) const CUT: u16 = 1 << 13;
/// It ends before it starts.
pub(crate) const ENDS_BEFORE_START: u16 = 1 << 14;

/// What redaction leaves in place of a value begins so.
const REDACTION_MARK: &str = "[redacted:";

/// By place: the bits. Those of rows (`FOLDED`) are not among them.
///
/// Cost: O(spans, their attributes and events); each distinct value is looked at once.
pub(crate) fn flags(
    trace: &Trace,
    order: &Order,
    with_logs: &HashSet<SpanId>,
) -> Result<Vec<u16>, ViewError> {
    let by_row = by_row(trace, with_logs)?;
    let columns = SpanColumns::new(&trace.batch);
    let resources = columns.dict(Column::Resource)?;
    let of_place = |(place, row): (usize, &usize)| {
        let row = *row;
        let of_parent = match order.parents[place] {
            Parent::None => 0,
            Parent::Missing => ORPHAN,
            Parent::Cut => CUT,
            Parent::At(parent) => {
                let parent = order.rows[parent];
                let is_before = order.times[row].start_nano < order.times[parent].start_nano;
                let is_foreign = resources.key(row) != resources.key(parent);
                bit(is_before && is_foreign, BEFORE_PARENT)
            }
        };
        by_row[row] | of_parent
    };
    Ok(order.rows.iter().enumerate().map(of_place).collect())
}

fn by_row(trace: &Trace, with_logs: &HashSet<SpanId>) -> Result<Vec<u16>, ViewError> {
    let columns = SpanColumns::new(&trace.batch);
    let ids = columns.ids(Column::SpanId)?;
    let statuses = columns.int32(Column::StatusCode)?.values();
    let (starts, ends) = (
        columns.int64(Column::StartTimeUnixNano)?.values(),
        columns.int64(Column::EndTimeUnixNano)?.values(),
    );
    let dropped = [
        columns.int64(Column::DroppedAttributesCount)?.values(),
        columns.int64(Column::DroppedEventsCount)?.values(),
        columns.int64(Column::DroppedLinksCount)?.values(),
    ];
    let (attributes, events, links) = (columns.attributes()?, columns.events()?, columns.links()?);
    let of_span = Marks::new(attributes);
    let of_event = Marks::new(events.attributes);
    let is_exception = each(events.names, |name| name == "exception");
    let flags = |row: usize| {
        let slots = events.slots(row);
        let has_exception = slots
            .clone()
            .any(|slot| is_exception[events.names.key(slot)]);
        let has_logs = !with_logs.is_empty()
            && span_id(ids.value(row)).is_some_and(|id| with_logs.contains(&id));
        let is_redacted =
            of_span.redacted(row) || slots.clone().any(|slot| of_event.redacted(slot));
        bit(statuses[row] == StatusCode::ERROR.0, ERROR)
            | bit(has_exception, EXCEPTION)
            | bit(!slots.is_empty(), EVENTS)
            | bit(!links.slots(row).is_empty(), LINKS)
            | bit(has_logs, LOGS)
            | bit(of_span.cold_start(row), COLD_START)
            | bit(ends[row] == 0, UNFINISHED)
            | bit(dropped.iter().any(|count| count[row] > 0), TRUNCATED)
            | bit(is_redacted, REDACTED)
            | bit(trace.conflicting[row], CONFLICTING)
            | bit(ends[row] != 0 && ends[row] < starts[row], ENDS_BEFORE_START)
    };
    Ok((0..ids.len()).map(flags).collect())
}

/// What is looked for among attributes, by key of their dictionaries.
struct Marks<'a> {
    attributes: Attributes<'a>,
    redacted: Vec<bool>,
    cold_start: Vec<bool>,
    yes: Vec<bool>,
}

impl<'a> Marks<'a> {
    fn new(attributes: Attributes<'a>) -> Self {
        Self {
            redacted: each(attributes.values(), |text| text.contains(REDACTION_MARK)),
            cold_start: each(attributes.keys(), |key| key == "faas.coldstart"),
            yes: each(attributes.values(), |text| text == "true"),
            attributes,
        }
    }

    fn redacted(&self, row: usize) -> bool {
        let values = self.attributes.values();
        let mut slots = self.attributes.slots(row);
        slots.any(|slot| self.redacted[values.key(slot)])
    }

    fn cold_start(&self, row: usize) -> bool {
        let (keys, values) = (self.attributes.keys(), self.attributes.values());
        let mut slots = self.attributes.slots(row);
        slots.any(|slot| self.cold_start[keys.key(slot)] && self.yes[values.key(slot)])
    }
}

/// By key: whether the text is such.
fn each(texts: DictColumn<'_>, is_such: impl Fn(&str) -> bool) -> Vec<bool> {
    (0..texts.n_values())
        .map(|key| is_such(texts.value(key)))
        .collect()
}

fn bit(is_set: bool, flag: u16) -> u16 {
    if is_set { flag } else { 0 }
}

fn span_id(bytes: &[u8]) -> Option<SpanId> {
    bytes.try_into().ok().map(SpanId)
}
