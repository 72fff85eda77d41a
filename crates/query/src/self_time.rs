//! Self time: the part of a span during which none of its children was running.

use crate::critical_path::SpanTime;
use crate::forest::Forest;

/// Nanoseconds of self time of each span. Children count only inside their parent; where they overlap, once.
///
/// Cost: O(n log n) time, O(n) memory.
pub fn self_times(spans: &[SpanTime], forest: &Forest) -> Vec<i64> {
    (0..spans.len())
        .map(|span| self_time(spans, span, forest.children(span)))
        .collect()
}

fn self_time(spans: &[SpanTime], span: usize, children: &[usize]) -> i64 {
    let SpanTime {
        start_nano,
        end_nano,
    } = spans[span];
    let mut times: Vec<SpanTime> = children.iter().map(|child| spans[*child]).collect();
    times.sort_by_key(|time| time.start_nano);
    let (mut own, mut edge) = (0_i64, start_nano);
    for child in times {
        let from = child.start_nano.min(end_nano);
        own = own.saturating_add(from.saturating_sub(edge).max(0));
        edge = edge.max(child.end_nano);
    }
    own.saturating_add(end_nano.saturating_sub(edge).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_count_inside_their_parent_and_once() {
        let times = [(0, 100), (10, 30), (20, 40), (90, 150), (50, 50), (7, 3)];
        let times = times.map(|(start_nano, end_nano)| SpanTime {
            start_nano,
            end_nano,
        });
        let forest = Forest::new([None, Some(0), Some(0), Some(0), Some(0), None]);
        assert_eq!(self_times(&times, &forest), [50 + 10, 20, 20, 60, 0, 0]);
    }
}
