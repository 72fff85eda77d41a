//! Memory that batches hold.

use std::collections::HashSet;

use arrow::array::{Array, ArrayData, RecordBatch};
use arrow::buffer::Buffer;

/// Counts the buffers of batches, each once: batches of one source share dictionaries.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Addresses.
    seen: HashSet<usize>,
    bytes: usize,
}

impl Held {
    /// Bytes that are held once `batch` is held too. O(columns).
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> usize {
        for column in batch.columns() {
            self.add_array(&column.to_data());
        }
        self.bytes
    }

    fn add_array(&mut self, array: &ArrayData) {
        array
            .buffers()
            .iter()
            .for_each(|buffer| self.add_buffer(buffer));
        array
            .nulls()
            .into_iter()
            .for_each(|nulls| self.add_buffer(nulls.buffer()));
        array
            .child_data()
            .iter()
            .for_each(|child| self.add_array(child));
    }

    fn add_buffer(&mut self, buffer: &Buffer) {
        // The same allocation may be cut into several buffers.
        if self.seen.insert(buffer.data_ptr().addr().get()) {
            self.bytes += buffer.capacity();
        }
    }
}

#[cfg(test)]
mod tests {
    use columnar::from_model;
    use model::TenantId;

    use super::*;

    #[test]
    fn shared_buffers_count_once() {
        let spans = testkit::traces("trace 1\n  shop GET 0..9 text=abc\n  shop GET 1..2");
        let batch = || from_model(&spans, &TenantId::default_tenant(), 0);
        let (one, other) = (batch(), batch());
        let mut held = Held::default();
        let bytes = held.add(&one);
        assert!((500..20_000).contains(&bytes), "{bytes}");
        assert_eq!(held.add(&one.slice(0, 1)), bytes);
        assert_eq!(held.add(&other), 2 * bytes);
    }
}
