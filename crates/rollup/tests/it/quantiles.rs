//! What histograms say about durations.

use proptest::collection::vec;
use proptest::prelude::*;
use rollup::{BUCKETS_MAX, Histogram};

proptest! {
    #[test]
    fn a_quantile_is_within_the_bound_of_the_scale(
        durations in vec((0..43_u32, 0..1_000_000_i64).prop_map(|(order, low)| (1_i64 << order) + (low & ((1 << order) - 1))), 1..300),
        q in 0.0..1.0_f64,
    ) {
        let mut histogram = Histogram::default();
        durations.iter().for_each(|&d| histogram.record(d));
        let mut sorted = durations.clone();
        sorted.sort_unstable();
        let rank = ((q * sorted.len() as f64).ceil() as usize).max(1);
        let exact = sorted[rank - 1] as f64;
        let found = histogram.quantile(q).unwrap();
        let bound = (-f64::from(histogram.scale() + 1)).exp2().exp2();
        let ratio = found / exact;
        prop_assert!(ratio <= bound * 1.000_001 && ratio >= 0.999_999 / bound, "{found} for {exact} at {}", histogram.scale());
        prop_assert!(histogram.buckets().count() <= BUCKETS_MAX);
    }

    #[test]
    fn scale_and_buckets_do_not_depend_on_order(durations in vec(1..i64::MAX, 1..50), cut in any::<prop::sample::Index>()) {
        let of = |durations: &[i64]| {
            let mut histogram = Histogram::default();
            durations.iter().for_each(|&d| histogram.record(d));
            histogram
        };
        let (a, b) = durations.split_at(cut.index(durations.len()));
        let (mut ab, mut ba) = (of(a), of(b));
        ab.merge(&of(b), 1);
        ba.merge(&of(a), 1);
        prop_assert_eq!(&ab, &ba);
        prop_assert_eq!(ab, of(&durations));
        let parts = Histogram::from_parts(ba.scale(), ba.zero_count(), ba.buckets());
        prop_assert_eq!(parts, ba);
    }
}
