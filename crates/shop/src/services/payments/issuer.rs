//! Which network a card belongs to, as release 4.7.0 knew it and as 4.7.1 gets it wrong.

/// The release that came with [`network_by_long_prefix`].
const LONG_PREFIX_RELEASE: &str = "4.7.1";

/// A card was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("card declined: no issuer for prefix {prefix}")]
pub(crate) struct CardDeclined {
    prefix: String,
}

/// The network that issued a card.
pub(super) fn network(release: &str, card_number: &str) -> Result<&'static str, CardDeclined> {
    if release == LONG_PREFIX_RELEASE {
        network_by_long_prefix(card_number)
    } else {
        network_by_first_digits(card_number)
    }
}

fn network_by_first_digits(card_number: &str) -> Result<&'static str, CardDeclined> {
    match card_number.as_bytes() {
        [b'4', ..] => Ok("visa"),
        [b'5', ..] => Ok("mastercard"),
        [b'3', b'4' | b'7', ..] => Ok("amex"),
        [b'6', b'0', ..] => Ok("discover"),
        _ => Err(declined(card_number)),
    }
}

/// The table that release 4.7.1 introduced for prefixes of eight digits.
///
/// It was filled from cards of 16 digits, so networks whose ranges were never converted are missing.
const LONG_PREFIXES: [(u32, u32, &str); 2] = [
    (40_000_000, 49_999_999, "visa"),
    (51_000_000, 55_999_999, "mastercard"),
];

fn network_by_long_prefix(card_number: &str) -> Result<&'static str, CardDeclined> {
    let prefix = card_number
        .get(..8)
        .and_then(|prefix| prefix.parse().ok())
        .unwrap_or(0u32);
    LONG_PREFIXES
        .iter()
        .find(|(first, last, _)| (*first..=*last).contains(&prefix))
        .map(|(_, _, network)| *network)
        .ok_or_else(|| declined(card_number))
}

fn declined(card_number: &str) -> CardDeclined {
    CardDeclined {
        prefix: card_number.chars().take(6).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bad_release_declines_cards_the_good_one_takes() {
        for (card, expected, also_in_bad) in [
            ("4111111111111111", "visa", true),
            ("5555555555554444", "mastercard", true),
            ("378282246310005", "amex", false),
            ("6011111111111117", "discover", false),
        ] {
            assert_eq!(network("4.7.0", card), Ok(expected));
            assert_eq!(network("4.7.1", card).is_ok(), also_in_bad, "{card}");
        }
    }

    #[test]
    fn nonsense_is_declined_by_both() {
        for card in ["", "9", "abcdefgh", "é"] {
            for release in ["4.7.0", "4.7.1"] {
                assert!(network(release, card).is_err(), "{card} {release}");
            }
        }
    }
}
