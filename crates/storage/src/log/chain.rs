//! Segments looked at newest first, because each says how many records of the one before it were acknowledged.

use crate::segment::SegmentHeader;

/// What is known of segments not looked at yet.
#[derive(Debug)]
pub(super) struct Chain {
    watermark: u64,
    /// A segment, and how many of its records were durable.
    known: Option<(u64, u64)>,
}

impl Chain {
    /// Segments up to `watermark` are superfluous.
    pub(super) fn new(watermark: u64) -> Self {
        Self {
            watermark,
            known: None,
        }
    }

    /// A segment with acknowledged records, and their number, when `id` is the next that is there (the watermark, when none is) and
    /// another should have been. Tells of it once.
    pub(super) fn gone_before(&mut self, id: u64) -> Option<(u64, u64)> {
        let is_gone = |(segment, records): &mut (u64, u64)| {
            *segment > id && *segment > self.watermark && *records > 0
        };
        self.known.take_if(is_gone)
    }

    /// How many records of `id` are known to have been durable.
    pub(super) fn synced(&self, id: u64) -> u64 {
        let of_id = self.known.filter(|(segment, _)| *segment == id);
        of_id.map_or(0, |(_, records)| records)
    }

    /// Takes note that `id` was looked at; `None` when it has no readable header.
    pub(super) fn looked_at(&mut self, id: u64, header: Option<&SegmentHeader>) {
        match header {
            Some(header) => self.known = Some((header.previous_id, header.previous_records)),
            None => self.known = self.known.filter(|(segment, _)| *segment < id),
        }
    }
}
