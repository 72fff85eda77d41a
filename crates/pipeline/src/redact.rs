//! Removes credentials, card numbers, e-mail addresses and whatever else the settings name, before anything is durable.
//!
//! # Vocabulary
//!
//! A *place* is where a text stands: an attribute of a span, event, link, resource or scope, or a field such as the span's
//! name. A *rule* selects texts by place, key or pattern and says what to do with them. A rule *on patterns* changes the part that
//! matches; a rule *on whole values* changes everything under its keys, nested values included.
//!
//! # Order
//!
//! The allow-list first, then the user's rules in their order, then the default rules in the order of [`DEFAULT_RULES`]; each sees what
//! the ones before it left. Keys of attributes are looked at last and by pattern rules alone, so that masking part of a key
//! does not hide the key from a rule. A marker (`[redacted:…]`, `[hash:…]`) that a rule left behind is not matched again.
//!
//! # Cost
//!
//! All text of a batch lies in dictionaries, so each distinct text is looked at once, in passes over contiguous bytes ([`scan`]). A batch
//! in which nothing is found is returned as it came. One with hits gets new dictionaries that hold only referenced,
//! redacted texts: no value of the old ones survives by being unused.
//!
//! Elsewhere on purpose: counting (`intake`), reading the settings file (`settings`).

mod config;

mod check;
mod rule;

mod detect;
mod key;

mod redactor;

mod clean;
mod columns;
mod hits;
mod scan;

pub use config::{ActionConfig, AllowListConfig, Otherwise, RedactionConfig, RuleConfig};
pub use detect::{DEFAULT_RULES, DefaultRule};
pub use hits::{Hit, Hits};
pub use redactor::{Redactor, UnknownSchema};
pub use rule::Place;
