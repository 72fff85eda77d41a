//! About how many bytes a span takes.

use columnar::{Attributes, Column, DictColumn, Events, Links, SpanColumns, ViewError};

/// Ids, times, numbers and framing of a span, and of an event and a link of it.
const SPAN_BYTES: usize = 64;
const EVENT_BYTES: usize = 16;
const LINK_BYTES: usize = 40;

/// The sizes of the spans of a batch: their own texts and a fixed share, without resource and scope.
pub(crate) struct Sizes<'a> {
    names: DictColumn<'a>,
    messages: DictColumn<'a>,
    trace_states: DictColumn<'a>,
    attributes: Lengths<'a>,
    events: (Events<'a>, Lengths<'a>),
    links: (Links<'a>, Lengths<'a>),
}

/// The lengths of the distinct keys and values of attributes.
struct Lengths<'a> {
    attributes: Attributes<'a>,
    keys: Vec<u32>,
    values: Vec<u32>,
}

impl<'a> Lengths<'a> {
    fn new(attributes: Attributes<'a>) -> Self {
        let lengths = |texts: DictColumn<'_>| {
            let all = (0..texts.n_values()).map(|value| texts.value(value).len() as u32);
            all.collect()
        };
        Self {
            keys: lengths(attributes.keys()),
            values: lengths(attributes.values()),
            attributes,
        }
    }

    /// Of the attributes of `row`.
    #[inline]
    fn of(&self, row: usize) -> usize {
        let (keys, values) = (self.attributes.keys(), self.attributes.values());
        let slots = self.attributes.slots(row);
        let lengths = slots.map(|slot| {
            let length = self.keys[keys.key(slot)] + self.values[values.key(slot)];
            length as usize
        });
        lengths.sum()
    }
}

impl<'a> Sizes<'a> {
    pub(crate) fn new(columns: &SpanColumns<'a>) -> Result<Self, ViewError> {
        let (events, links) = (columns.events()?, columns.links()?);
        Ok(Self {
            names: columns.dict(Column::Name)?,
            messages: columns.dict(Column::StatusMessage)?,
            trace_states: columns.dict(Column::TraceState)?,
            attributes: Lengths::new(columns.attributes()?),
            events: (events, Lengths::new(events.attributes)),
            links: (links, Lengths::new(links.attributes)),
        })
    }

    /// Of the span of `row`.
    #[inline]
    pub(crate) fn of(&self, row: usize) -> i64 {
        let texts = [self.names, self.messages, self.trace_states];
        let mut bytes = SPAN_BYTES + self.attributes.of(row);
        bytes += texts.iter().map(|text| text.get(row).len()).sum::<usize>();
        let (events, attributes) = &self.events;
        for slot in events.slots(row) {
            bytes += EVENT_BYTES + events.names.get(slot).len() + attributes.of(slot);
        }
        let (links, attributes) = &self.links;
        for slot in links.slots(row) {
            bytes += LINK_BYTES + links.trace_states.get(slot).len() + attributes.of(slot);
        }
        bytes as i64
    }
}
