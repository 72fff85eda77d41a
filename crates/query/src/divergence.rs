//! How much two distributions differ, and how sure that is.

/// Values of the normal distribution lie within so many standard deviations with a probability of 95 %.
const TWO_SIDED_95: f64 = 1.96;

/// The Jensen–Shannon divergence of two distributions, estimated from samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Divergence {
    /// In bits: 0 where they are the same, 1 where they have nothing in common. What samples of the same distribution would differ is taken off.
    pub(crate) bits: f64,
    /// Half the width of its interval of 95 % confidence.
    pub(crate) margin: f64,
}

/// The divergence of two distributions over the same values, from how often each occurred; `sizes` are the numbers of independent observations.
///
/// Source: Lin, "Divergence measures based on the Shannon entropy" (1991); bias and variance by the expansion of second order, by which
/// `8 ln 2 · JS / (1/n + 1/m)` of two samples of one distribution is χ² with one degree of freedom less than there are values.
pub(crate) fn jensen_shannon(counts: &[(f64, f64)], sizes: (f64, f64)) -> Divergence {
    let total = |side: fn(&(f64, f64)) -> f64| counts.iter().map(side).sum::<f64>();
    let (left, right) = (total(|c| c.0), total(|c| c.1));
    let none = Divergence {
        bits: 0.0,
        margin: 1.0,
    };
    if left <= 0.0 || right <= 0.0 || sizes.0 <= 0.0 || sizes.1 <= 0.0 {
        return none;
    }
    let (mut bits, mut squares, mut means) = (0.0, (0.0, 0.0), (0.0, 0.0));
    for (l, r) in counts {
        let (p, q) = (l / left, r / right);
        let middle = p.midpoint(q);
        let part = |share: f64| {
            if share > 0.0 {
                (share / middle).log2() / 2.0
            } else {
                0.0
            }
        };
        let (of_p, of_q) = (part(p), part(q));
        bits += p * of_p + q * of_q;
        means = (means.0 + p * of_p, means.1 + q * of_q);
        squares = (squares.0 + p * of_p * of_p, squares.1 + q * of_q * of_q);
    }
    let n_values = counts.iter().filter(|(l, r)| l + r > 0.0).count() as f64;
    let freedom = (n_values - 1.0).max(0.0);
    let unit = (1.0 / sizes.0 + 1.0 / sizes.1) / (8.0 * std::f64::consts::LN_2);
    let variance = (squares.0 - means.0 * means.0).max(0.0) / sizes.0
        + (squares.1 - means.1 * means.1).max(0.0) / sizes.1
        + 2.0 * freedom * unit * unit;
    Divergence {
        bits: (bits - freedom * unit).clamp(0.0, 1.0),
        margin: TWO_SIDED_95 * variance.sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_same_is_0_and_nothing_in_common_is_1() {
        let same = jensen_shannon(&[(30.0, 300.0), (10.0, 100.0)], (40.0, 400.0));
        assert!(same.bits < 1e-9 && same.margin < 0.1, "{same:?}");
        let apart = jensen_shannon(&[(500.0, 0.0), (0.0, 500.0)], (500.0, 500.0));
        assert!(
            (apart.bits - 1.0).abs() < 0.001 && apart.margin < 0.01,
            "{apart:?}"
        );
        let few = jensen_shannon(&[(2.0, 1.0), (1.0, 2.0)], (3.0, 3.0));
        assert!(few.bits - few.margin < 0.0, "{few:?}");
        assert_eq!(jensen_shannon(&[(0.0, 5.0)], (0.0, 5.0)).bits, 0.0);
    }

    #[test]
    fn samples_of_one_distribution_are_hardly_ever_told_to_differ() {
        // A linear congruential sequence, so that the test is the same each time.
        let mut state = 1_u64;
        let mut die = |sides: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % sides) as usize
        };
        let mut n_told = 0;
        for _ in 0..1_000 {
            let mut counts = [(0.0, 0.0); 6];
            (0..200).for_each(|_| counts[die(6)].0 += 1.0);
            (0..1_000).for_each(|_| counts[die(6)].1 += 1.0);
            let found = jensen_shannon(&counts, (200.0, 1_000.0));
            n_told += usize::from(found.bits - found.margin > 0.0);
        }
        assert!(n_told <= 50, "{n_told} of 1,000");
    }

    proptest! {
        #[test]
        fn it_is_a_number_between_0_and_1_and_the_same_from_both_sides(
            counts in proptest::collection::vec((0.0..1e6_f64, 0.0..1e6_f64), 1..20),
        ) {
            let sizes = counts.iter().fold((0.0, 0.0), |n, c| (n.0 + c.0, n.1 + c.1));
            let found = jensen_shannon(&counts, sizes);
            prop_assert!((0.0..=1.0).contains(&found.bits) && found.margin >= 0.0);
            let turned: Vec<(f64, f64)> = counts.iter().map(|(l, r)| (*r, *l)).collect();
            let turned = jensen_shannon(&turned, (sizes.1, sizes.0));
            prop_assert!((found.bits - turned.bits).abs() < 1e-9);
        }
    }
}
