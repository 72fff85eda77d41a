//! The switchable faults: names, descriptions, and sets of them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::Error;

/// One mistake the shop can be told to make. Each has real effects in the services named by its description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// An index is missing, so sorting a search by popularity scans a whole table once per product.
    SlowQuery,
    /// A job keeps the ledger's few connections while it works on something else.
    PoolExhaustion,
    /// Checkout gives up on payments too early and asks again at once, many times.
    RetryStorm,
    /// The catalogue's cache key holds a number that is different for every request.
    CacheKeyMistake,
    /// One of two payments instances runs release 4.7.1, which refuses good cards.
    BadRelease,
    /// The quote function of shipping is thrown away after every third call.
    ColdStarts,
    /// Cart and checkout send requests and messages without their trace headers.
    LostContext,
}

impl Fault {
    /// Every fault, in the order in which they are listed to people.
    pub const ALL: [Fault; 7] = [
        Fault::SlowQuery,
        Fault::PoolExhaustion,
        Fault::RetryStorm,
        Fault::CacheKeyMistake,
        Fault::BadRelease,
        Fault::ColdStarts,
        Fault::LostContext,
    ];

    /// The name on the command line, such as `pool-exhaustion`.
    pub fn name(self) -> &'static str {
        match self {
            Fault::SlowQuery => "slow-query",
            Fault::PoolExhaustion => "pool-exhaustion",
            Fault::RetryStorm => "retry-storm",
            Fault::CacheKeyMistake => "cache-key-mistake",
            Fault::BadRelease => "bad-release",
            Fault::ColdStarts => "cold-starts",
            Fault::LostContext => "lost-context",
        }
    }

    /// One line for people: what goes wrong and where it shows.
    pub fn description(self) -> &'static str {
        match self {
            Fault::SlowQuery => {
                "catalogue lost an index: searches by popularity scan 250,000 rows per product"
            }
            Fault::PoolExhaustion => {
                "a statement job holds the ledger's connections: pool.acquire waits, then fails"
            }
            Fault::RetryStorm => {
                "checkout times out early and retries at once: many Charge calls per order"
            }
            Fault::CacheKeyMistake => {
                "catalogue's cache key is unique per request: no hits, one query per product"
            }
            Fault::BadRelease => {
                "one of two payments instances runs 4.7.1 and declines good cards: CardDeclined"
            }
            Fault::ColdStarts => {
                "shipping's quote function is recycled after three calls: slow initialisation"
            }
            Fault::LostContext => {
                "cart and checkout drop the trace headers: traces fall into pieces"
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Fault::ALL
            .into_iter()
            .find(|fault| fault.name() == name)
            .ok_or_else(|| Error::UnknownFault {
                known: Fault::ALL.map(Fault::name).join(", "),
                name: name.to_owned(),
            })
    }
}

impl ValueEnum for Fault {
    fn value_variants<'a>() -> &'a [Self] {
        &Fault::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.description()))
    }
}

/// A set of faults; empty means a healthy shop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(BTreeSet<Fault>);

impl Faults {
    /// Reads a set from names such as `["slow-query", "lost-context"]`.
    ///
    /// Errors: [`Error::UnknownFault`] on the first name that is none, listing those that are.
    pub fn parse<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Result<Self, Error> {
        names
            .into_iter()
            .map(|name| name.as_ref().parse())
            .collect::<Result<_, _>>()
            .map(Faults)
    }

    /// Whether the fault is switched on.
    pub fn contains(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }

    /// The faults of the set, in listing order.
    pub fn iter(&self) -> impl Iterator<Item = Fault> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        Faults(faults.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for fault in Fault::ALL {
            assert_eq!(fault.name().parse::<Fault>().unwrap(), fault);
            assert!(!fault.description().contains('\n'), "{fault} has one line");
        }
        assert_eq!(
            Faults::parse(Fault::ALL.map(Fault::name))
                .unwrap()
                .iter()
                .count(),
            7
        );
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let error = Faults::parse(["slow-query", "gremlins"])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("gremlins") && error.contains("pool-exhaustion"),
            "{error}"
        );
    }
}
