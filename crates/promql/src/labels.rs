//! Labels of a series.

use std::collections::BTreeMap;
use std::fmt;

/// The label that holds the name of a metric.
pub const NAME: &str = "__name__";

/// The label that holds the upper bound of a histogram's bucket.
pub const BUCKET: &str = "le";

/// What a label takes besides its texts, roughly.
const LABEL_BYTES: usize = 64;

/// Names and values, sorted by name. A label of an empty value is none. Source: Prometheus' data model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// Sets a label, or removes it when `value` is empty.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        if value.is_empty() {
            self.0.remove(name);
        } else {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// The value of a label, empty where there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The labels, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Those that `stays` names.
    #[must_use]
    pub fn only(&self, stays: impl Fn(&str) -> bool) -> Self {
        let kept = self.0.iter().filter(|(name, _)| stays(name));
        Self(kept.map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    /// Bytes of memory, roughly.
    pub fn bytes(&self) -> usize {
        let texts = self.0.iter().map(|(name, value)| name.len() + value.len());
        texts.sum::<usize>() + LABEL_BYTES * self.0.len()
    }

    /// The same without the name of a metric.
    #[must_use]
    pub fn nameless(mut self) -> Self {
        self.0.remove(NAME);
        self
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Labels {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(labels: I) -> Self {
        let mut all = Self::default();
        labels
            .into_iter()
            .for_each(|(name, value)| all.set(name, value));
        all
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (number, (name, value)) in self.iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}
