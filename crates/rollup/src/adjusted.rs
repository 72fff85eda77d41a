//! How many spans a sampled one stands for.

use columnar::DictColumn;

/// Bits of the threshold of consistent probability sampling.
const BITS: u32 = 56;

/// The adjusted count of a span with this W3C `tracestate`: the inverse of the probability with which its head sampler kept it, by
/// the threshold `th` in OpenTelemetry's entry `ot`; 1 where there is none that is valid.
///
/// Source: OpenTelemetry specification, "TraceState: Probability Sampling": the threshold is 1 to 14 hexadecimal digits, trailing
/// zeros left out; a trace is kept when its 56 random bits are not below it, so with probability (2^56 - T) / 2^56.
pub fn adjusted_count(trace_state: &str) -> f64 {
    let ours = trace_state
        .split(',')
        .find_map(|entry| entry.trim().strip_prefix("ot="));
    let threshold = ours.and_then(|ours| ours.split(';').find_map(|sub| sub.strip_prefix("th:")));
    threshold.and_then(inverse_probability).unwrap_or(1.0)
}

fn inverse_probability(digits: &str) -> Option<f64> {
    let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if digits.is_empty() || digits.len() > 14 || !digits.bytes().all(is_hex) {
        return None;
    }
    let value = u64::from_str_radix(digits, 16).ok()?;
    let threshold = value << (BITS - 4 * digits.len() as u32);
    let all = 1_u64 << BITS;
    Some(all as f64 / (all - threshold) as f64)
}

/// The adjusted counts of rows by their trace states, each distinct one read once.
#[derive(Debug)]
pub struct AdjustedCounts<'a> {
    trace_states: DictColumn<'a>,
    counts: Vec<f64>,
}

impl<'a> AdjustedCounts<'a> {
    /// Of the rows that have these trace states.
    pub fn new(trace_states: DictColumn<'a>) -> Self {
        let counts = (0..trace_states.n_values()).map(|v| adjusted_count(trace_states.value(v)));
        Self {
            counts: counts.collect(),
            trace_states,
        }
    }

    /// Whether every row stands for itself alone.
    pub fn are_all_one(&self) -> bool {
        self.counts.iter().all(|count| *count == 1.0)
    }

    /// How many spans the row stands for, at least 1.
    #[inline]
    pub fn of(&self, row: usize) -> f64 {
        self.counts[self.trace_states.key(row)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_of_the_specification() {
        for (state, expected) in [
            ("", 1.0),
            ("ot=th:0", 1.0),
            ("ot=th:8", 2.0),
            ("ot=th:c", 4.0),
            ("ot=th:e", 8.0),
            ("ot=th:fffffffffffffe", (1_u64 << 55) as f64),
            ("vendor=x,ot=rv:6e6d1a75832a2f;th:8", 2.0),
            ("vendor=x, ot=th:8", 2.0),
            ("ot=th:fd70a", 100.0),
            ("ot=th:", 1.0),
            ("ot=th:X", 1.0),
            ("ot=th:+8", 1.0),
            ("ot=th:000000000000000", 1.0),
            ("other=th:8", 1.0),
            ("\u{e9}=ot=th", 1.0),
        ] {
            let found = adjusted_count(state);
            assert!((found / expected - 1.0).abs() < 1e-3, "{state}: {found}");
        }
    }
}
