//! Card numbers.

use std::ops::Range;

/// Digits of a card number. Source: ISO/IEC 7812-1 allows 8 to 19; no issuer in use has fewer than 13.
const DIGITS_MIN: usize = 13;
const DIGITS_MAX: usize = 19;

/// Card numbers in `text`: whole runs of digits, or groups of digits with single spaces or dashes between them.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    // Any 13 bytes of a run include a byte at a multiple of 13, so it is enough to look at those.
    let mut probe = DIGITS_MIN - 1;
    while probe < bytes.len() {
        if !in_run(bytes[probe]) {
            probe += DIGITS_MIN;
            continue;
        }
        let mut start = probe;
        while start > at && in_run(bytes[start - 1]) {
            start -= 1;
        }
        let mut end = probe + 1;
        while end < bytes.len() && in_run(bytes[end]) {
            end += 1;
        }
        cards_of_run(bytes, start..end, &mut found);
        at = end;
        probe = end + DIGITS_MIN - 1;
    }
    found
}

/// Whether `text` may hold a card number; cheap, for the scan of whole dictionaries.
pub(crate) fn may_hold(bytes: &[u8]) -> bool {
    let mut probe = DIGITS_MIN - 1;
    while probe < bytes.len() {
        if in_run(bytes[probe]) && long_run_at(bytes, probe) {
            return true;
        }
        probe += DIGITS_MIN;
    }
    false
}

fn long_run_at(bytes: &[u8], probe: usize) -> bool {
    let before = bytes[..probe].iter().rev().take_while(|b| in_run(**b));
    let after = bytes[probe..].iter().take_while(|b| in_run(**b));
    let is_digit = |b: &&u8| b.is_ascii_digit();
    before.filter(is_digit).count() + after.filter(is_digit).count() >= DIGITS_MIN
}

fn in_run(b: u8) -> bool {
    b.is_ascii_digit() || b == b' ' || b == b'-'
}

/// The cards among the groups of one run of digits, spaces and dashes.
fn cards_of_run(bytes: &[u8], run: Range<usize>, found: &mut Vec<Range<usize>>) {
    let groups = groups_of(bytes, run);
    let mut first = 0;
    while first < groups.len() {
        let last = (first..groups.len()).find(|&last| is_card(bytes, &groups[first..=last]));
        if let Some(last) = last {
            found.push(groups[first].start..groups[last].end);
            first = last;
        }
        first += 1;
    }
}

fn groups_of(bytes: &[u8], run: Range<usize>) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut start = run.start;
    for i in run.clone() {
        if !bytes[i].is_ascii_digit() {
            if start < i {
                groups.push(start..i);
            }
            start = i + 1;
        }
    }
    if start < run.end {
        groups.push(start..run.end);
    }
    groups
}

fn is_card(bytes: &[u8], groups: &[Range<usize>]) -> bool {
    let n: usize = groups.iter().map(Range::len).sum();
    if !(DIGITS_MIN..=DIGITS_MAX).contains(&n) || !grouped_like_a_card(bytes, groups) {
        return false;
    }
    let (start, end) = (groups[0].start, groups[groups.len() - 1].end);
    if !is_bounded(bytes, start, end) {
        return false;
    }
    let mut digits = [0; DIGITS_MAX];
    let all = groups.iter().flat_map(|g| &bytes[g.clone()]);
    for (digit, b) in digits.iter_mut().zip(all) {
        *digit = b - b'0';
    }
    has_issuer(&digits[..n]) && luhn(&digits[..n])
}

/// One group, or a first of four digits and others of three to six (the last may be shorter) with one kind of single separator.
fn grouped_like_a_card(bytes: &[u8], groups: &[Range<usize>]) -> bool {
    let [first, others @ ..] = groups else {
        return false;
    };
    let Some((last, middle)) = others.split_last() else {
        return true;
    };
    let separator = bytes[first.end];
    first.len() == 4
        && last.len() <= 6
        && middle.iter().all(|g| (3..=6).contains(&g.len()))
        && groups
            .windows(2)
            .all(|w| w[1].start == w[0].end + 1 && bytes[w[0].end] == separator)
}

/// Not inside a word or a decimal number; `.0` may follow, for integers that were sent as doubles.
fn is_bounded(bytes: &[u8], start: usize, end: usize) -> bool {
    let in_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let before = &bytes[..start];
    let inside = match before {
        [.., digit, b'.'] => digit.is_ascii_digit(),
        // A percent-encoded space or separator, as in `card=%204111…`.
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => false,
        [.., b] => in_word(*b) && *b != b'_',
        [] => false,
    };
    let after = &bytes[end..];
    let continues = match after {
        [b'.', b'0'] => false,
        [b'.', digit, ..] => digit.is_ascii_digit(),
        [b, ..] => in_word(*b) && *b != b'_',
        [] => false,
    };
    !inside && !continues
}

/// Whether the prefix and length are of an issuer in use.
///
/// Source: ISO/IEC 7812-1 and the networks' published ranges: Visa, Mastercard, American Express, Diners Club, Discover, JCB, UnionPay,
/// Maestro, Mir. None begins with 1, so Unix times in nanoseconds are never taken for cards before 2033.
fn has_issuer(digits: &[u8]) -> bool {
    let prefix = |n: usize| {
        digits[..n]
            .iter()
            .fold(0_u32, |number, d| number * 10 + u32::from(*d))
    };
    let n = digits.len();
    match (prefix(2), prefix(4)) {
        (40..=49, _) => matches!(n, 13 | 16 | 19),
        (51..=55, _) | (_, 2221..=2720) => n == 16,
        (_, 2200..=2204) => n >= 16,
        (34 | 37, _) => n == 15,
        (36 | 38 | 39, _) | (_, 3000..=3059) => n == 14 || n == 16,
        (_, 3528..=3589) => n >= 16,
        (_, 6011) | (64 | 65, _) | (62 | 81, _) => n >= 16,
        (_, 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763) => true,
        _ => false,
    }
}

/// Source: ISO/IEC 7812-1, annex B.
fn luhn(digits: &[u8]) -> bool {
    let doubled = |d: u8| if d > 4 { 2 * d - 9 } else { 2 * d };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &d)| u32::from(if i % 2 == 1 { doubled(d) } else { d }))
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::{find, may_hold};

    fn hidden(text: &str) -> Vec<&str> {
        let found: Vec<&str> = find(text).into_iter().map(|r| &text[r]).collect();
        assert!(found.is_empty() || may_hold(text.as_bytes()), "{text}");
        found
    }

    #[test]
    fn cards_are_found() {
        for card in [
            "4111111111111111",
            "4222222222222",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "30569309025904",
            "6011111111111117",
            "3530111333300000",
            "6200000000000005",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "3782 822463 10005",
        ] {
            for text in [
                card.to_owned(),
                format!("card {card}."),
                format!("pan={card}&exp=12/30"),
                format!("\"{card}\""),
                format!("paid 12 {card} 12/30"),
                format!("order-{card}"),
                format!("card_{card}_ok"),
                format!("a text that is somewhat longer, then {card}, and more"),
            ] {
                assert_eq!(hidden(&text), [card], "{text}");
            }
        }
        assert_eq!(hidden("4111111111111111.0"), ["4111111111111111"]);
        assert_eq!(
            hidden("4111111111111111,5555555555554444"),
            ["4111111111111111", "5555555555554444"]
        );
        assert_eq!(hidden("4111 1111 1111 1111 5555 5555 5555 4444").len(), 2);
    }

    #[test]
    fn other_digits_are_not() {
        for text in [
            "",
            "4111111111111112",
            "1700000000000000000",
            "1731234567890123456",
            "41111111111111111111",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "a4111111111111111",
            "4111111111111111b",
            "0.4111111111111111",
            "4111111111111111.25",
            "9999999999999995",
            "2026-11-22 10:11:12",
            "41111111-1111-1111-1111-111111111111",
            "4111  1111  1111  1111",
            "4111 1111-1111 1111",
            "+49 170 1234567",
            "192.168.100.100",
            "0000000000000000",
        ] {
            assert!(hidden(text).is_empty(), "{text}");
        }
    }
}
