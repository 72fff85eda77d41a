//! What redaction changed, counted by rule and attribute.

use hashbrown::HashMap;

/// One line of [`Hits`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The name of the rule.
    pub rule: String,
    /// The attribute's key, itself redacted, or the field, for instance `span.name`.
    pub attribute: String,
    /// Values changed: occurrences in spans, events and links; distinct resources and scopes of the batch.
    pub count: u64,
}

/// Values that redaction changed in a batch. Holds keys and rule names, never values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits {
    counts: HashMap<(String, String), u64>,
}

impl Hits {
    pub(crate) fn add(&mut self, rule: &str, attribute: &str, count: u64) {
        let entry = self
            .counts
            .entry((rule.to_owned(), attribute.to_owned()))
            .or_default();
        *entry += count;
    }

    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// All values changed.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Each rule and attribute with its count, in no order.
    pub fn iter(&self) -> impl Iterator<Item = Hit> + '_ {
        self.counts.iter().map(|((rule, attribute), &count)| Hit {
            rule: rule.clone(),
            attribute: attribute.clone(),
            count,
        })
    }
}
