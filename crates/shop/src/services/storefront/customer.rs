//! Who visits: a few hundred invented people with addresses, browsers and test cards.

use crate::dice::Dice;
use crate::services::shipping::ZONES;

/// How many different people there are.
const CUSTOMERS: usize = 400;

const FIRST_NAMES: [&str; 10] = [
    "ada",
    "grace",
    "edsger",
    "barbara",
    "alan",
    "katherine",
    "tony",
    "radia",
    "ken",
    "frances",
];

const LAST_NAMES: [&str; 8] = [
    "berg", "okafor", "tanaka", "silva", "novak", "larsen", "haddad", "moreau",
];

const BROWSERS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
];

/// The card networks' published test numbers; the first one is the most common.
const CARDS: [&str; 10] = [
    "4111111111111111",
    "4111111111111111",
    "4111111111111111",
    "4111111111111111",
    "5555555555554444",
    "5555555555554444",
    "5555555555554444",
    "378282246310005",
    "378282246310005",
    "6011111111111117",
];

/// One person on one visit.
pub(super) struct Customer {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) zone: &'static str,
    /// An address from the blocks reserved for documentation (RFC 5737).
    pub(super) address: String,
    pub(super) user_agent: &'static str,
    pub(super) card_number: &'static str,
    /// New for every visit; also names the cart.
    pub(super) session_id: String,
}

impl Customer {
    /// Somebody, on a new visit. The same person always has the same address, browser and card.
    pub(super) fn one_of_many(dice: &mut Dice) -> Self {
        let number = dice.below(CUSTOMERS);
        let session_id = format!("{:016x}", dice.next());
        let mut traits = Dice::new(number as u64);
        let (first, last) = (traits.pick(&FIRST_NAMES), traits.pick(&LAST_NAMES));
        Customer {
            id: format!("cust-{number:04}"),
            email: format!("{first}.{last}{number}@example.com"),
            zone: traits.pick(&ZONES),
            address: format!("203.0.113.{}", 1 + traits.below(254)),
            user_agent: traits.pick(&BROWSERS),
            card_number: traits.pick(&CARDS),
            session_id,
        }
    }

    /// The value of the `authorization` header: shaped like a real bearer token, and worth nothing.
    pub(super) fn authorization(&self) -> String {
        let session = &self.session_id;
        format!(
            "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzaWQiOiI{session}In0.c2hvcC1kZW1v{session}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_keeps_what_is_theirs_and_gets_a_new_session() {
        let mut dice = Dice::new(5);
        let visits: Vec<_> = (0..5_000)
            .map(|_| Customer::one_of_many(&mut dice))
            .collect();
        let mut by_id = std::collections::HashMap::new();
        for visit in &visits {
            let first = by_id.entry(&visit.id).or_insert(visit);
            assert_eq!(
                (&first.email, first.card_number),
                (&visit.email, visit.card_number)
            );
        }
        assert!(by_id.len() > CUSTOMERS * 9 / 10);
        let sessions: std::collections::HashSet<_> =
            visits.iter().map(|visit| &visit.session_id).collect();
        assert_eq!(sessions.len(), visits.len());
    }
}
