//! The settings of redaction, as an operator writes them under `redaction:`.

use serde::Deserialize;
use settings::Secret;

use super::rule::Place;

/// The section `redaction:`. Empty, it means: all default rules, no others.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedactionConfig {
    /// Names of default rules that are switched off, see [`super::DEFAULT_RULES`].
    pub disable: Vec<String>,
    /// The key of `action: hash`; at least 16 bytes. The same key gives the same hash for the same value.
    pub hash_key: Option<Secret>,
    /// When present, only the attributes it lists keep their values.
    pub allow_list: Option<AllowListConfig>,
    /// The user's rules, applied in order, before the default rules.
    pub rules: Vec<RuleConfig>,
}

/// Which attributes keep their values. It concerns the attributes' own keys, not keys nested in their values, and no fields.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowListConfig {
    /// Keys, exact or with `*` and `?`. `service.name` is not implied: without it spans have no service.
    pub keys: Vec<String>,
    /// What becomes of the others.
    #[serde(default)]
    pub otherwise: Otherwise,
    /// Attributes of these places alone; all places when empty.
    #[serde(default)]
    pub scopes: Vec<Place>,
}

/// What becomes of an attribute that the allow-list does not name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// It is removed.
    #[default]
    Drop,
    /// Its key stays, its value becomes `[redacted:allow-list]`.
    Mask,
}

/// One of the user's rules.
///
/// It selects by `keys` (the whole value), by `pattern` (the matching parts, of values and of keys), or by both (the matching
/// parts under those keys); a rule on fields alone (`scopes: [name]`) needs neither.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// The name in markers and metrics: 1 to 40 of `a-z`, `0-9`, `-`, `_`; unique.
    pub name: String,
    /// What to do.
    pub action: ActionConfig,
    /// Keys of attributes, at any depth of nesting; exact or with `*` and `?`; case matters.
    #[serde(default)]
    pub keys: Vec<String>,
    /// A regular expression (syntax of the `regex` crate, linear time), at most 4,096 bytes.
    #[serde(default)]
    pub pattern: Option<String>,
    /// Where the rule applies. When empty: attributes of every place, and, for a rule with a pattern and no keys, every field.
    #[serde(default)]
    pub scopes: Vec<Place>,
    /// For `truncate`: how many characters stay, at least 1.
    #[serde(default)]
    pub length: Option<usize>,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionConfig {
    /// Removes the attribute; empties a field.
    Drop,
    /// Writes `[redacted:<name>]` instead.
    Mask,
    /// Writes `[hash:<16 hexadecimal digits>]` of a keyed hash instead: equal values stay equal.
    Hash,
    /// Keeps the first `length` characters of texts and writes `…` after them. Not with a pattern.
    Truncate,
}
