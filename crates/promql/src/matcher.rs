//! Conditions on labels.

use std::fmt;

use regex::Regex;

use crate::labels::{BUCKET, Labels, NAME};

/// How a matcher compares.
#[derive(Debug, Clone)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, anchored at both ends.
    Matches(Regex),
    /// `!~`, likewise.
    MatchesNot(Regex),
}

/// A condition on the value of a label; a label that is absent has the empty one.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// Of the label.
    pub name: String,
    /// How it is compared.
    pub op: MatchOp,
    /// With what.
    pub value: String,
}

impl Matcher {
    /// Whether a label of that value fits. Bounds of buckets are compared as numbers: `1` is `1.0`.
    pub fn fits(&self, value: &str) -> bool {
        let is_equal = || {
            let same_number = || {
                let numbers = (self.value.parse::<f64>(), value.parse::<f64>());
                self.name == BUCKET && matches!(numbers, (Ok(a), Ok(b)) if a == b)
            };
            self.value == value || same_number()
        };
        match &self.op {
            MatchOp::Equal => is_equal(),
            MatchOp::NotEqual => !is_equal(),
            MatchOp::Matches(pattern) => pattern.is_match(value),
            MatchOp::MatchesNot(pattern) => !pattern.is_match(value),
        }
    }
}

/// Names series by their labels. The name of the metric is one of the matchers.
#[derive(Debug, Clone)]
pub struct Selector {
    /// All must fit.
    pub matchers: Vec<Matcher>,
}

impl Selector {
    /// Whether the label `name` of that value fits all matchers that are about it.
    pub fn fits(&self, name: &str, value: &str) -> bool {
        let mut about = self.matchers.iter().filter(|one| one.name == name);
        about.all(|one| one.fits(value))
    }

    /// Whether a series fits, all matchers but those on the labels `but` considered.
    pub fn fits_all(&self, labels: &Labels, but: &[&str]) -> bool {
        let mut rest = self
            .matchers
            .iter()
            .filter(|one| !but.contains(&&*one.name));
        rest.all(|one| one.fits(labels.get(&one.name)))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_name = |one: &Matcher| one.name == NAME && matches!(one.op, MatchOp::Equal);
        let name = self.matchers.iter().position(is_name);
        if let Some(at) = name {
            f.write_str(&self.matchers[at].value)?;
        }
        let rest = self.matchers.iter().enumerate();
        let mut rest = rest.filter(|(at, _)| Some(*at) != name).peekable();
        if name.is_some() && rest.peek().is_none() {
            return Ok(());
        }
        f.write_str("{")?;
        while let Some((_, one)) = rest.next() {
            let op = match one.op {
                MatchOp::Equal => "=",
                MatchOp::NotEqual => "!=",
                MatchOp::Matches(_) => "=~",
                MatchOp::MatchesNot(_) => "!~",
            };
            let comma = if rest.peek().is_some() { "," } else { "" };
            write!(f, "{}{op}{:?}{comma}", one.name, one.value)?;
        }
        f.write_str("}")
    }
}
