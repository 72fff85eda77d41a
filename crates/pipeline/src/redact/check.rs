//! From what an operator wrote to checked rules.

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use settings::ConfigProblem;

use super::config::{ActionConfig, Otherwise, RedactionConfig, RuleConfig};
use super::detect::DEFAULT_RULES;
use super::rule::{Action, Keys, Pattern, Place, Places, Rule};

/// Longest pattern or key, in bytes.
const SOURCE_BYTES_MAX: usize = 4_096;
/// Largest compiled expression, in bytes.
const COMPILED_BYTES_MAX: usize = 1 << 20;
/// Most rules of a user; each costs a look at every suspected value.
const RULES_MAX: usize = 256;
/// Shortest key of hashes, in bytes.
const HASH_KEY_BYTES_MIN: usize = 16;
/// Separates the key of redaction from other uses of the same text. Source: BLAKE3's key derivation mode.
const HASH_KEY_CONTEXT: &str = "causeline 2026 redaction hash of values";
const ALLOW_LIST: &str = "allow-list";

/// The rules in the order in which they are applied.
///
/// Errors: every problem found.
pub(super) fn rules(config: &RedactionConfig) -> Result<Vec<Rule>, Vec<ConfigProblem>> {
    let mut check = Check::default();
    let mut rules = Vec::new();
    rules.extend(check.allow_list(config));
    check.count(config);
    let hash_key = check.hash_key(config);
    for (i, rule) in config.rules.iter().enumerate() {
        let path = format!("redaction.rules[{i}]");
        check.name(&path, rule, &config.rules[..i]);
        rules.extend(check.rule(&path, rule, hash_key.as_ref()));
    }
    check.disabled(config);
    rules.extend(default_rules(config));
    if check.problems.is_empty() {
        Ok(rules)
    } else {
        Err(check.problems)
    }
}

fn default_rules(config: &RedactionConfig) -> impl Iterator<Item = Rule> + '_ {
    let enabled = DEFAULT_RULES
        .into_iter()
        .filter(|rule| !config.disable.iter().any(|name| name == rule.name));
    enabled.map(|rule| Rule {
        name: rule.name.to_owned(),
        marker: rule.marker.to_owned(),
        places: match rule.detector {
            Some(_) => Places::of(Place::ALL),
            None => Places::attributes(),
        },
        keys: match rule.detector {
            Some(_) => Keys::Any,
            None => Keys::Credential,
        },
        pattern: rule.detector.map(Pattern::Detector),
        action: Action::Mask,
    })
}

#[derive(Default)]
struct Check {
    problems: Vec<ConfigProblem>,
}

impl Check {
    fn problem(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.push(ConfigProblem::new(path, message));
    }

    fn count(&mut self, config: &RedactionConfig) {
        if config.rules.len() > RULES_MAX {
            self.problem(
                "redaction.rules",
                format!("has more than {RULES_MAX} rules"),
            );
        }
    }

    fn disabled(&mut self, config: &RedactionConfig) {
        for (i, name) in config.disable.iter().enumerate() {
            if !DEFAULT_RULES.iter().any(|rule| rule.name == name) {
                let known = DEFAULT_RULES.map(|rule| rule.name).join(", ");
                self.problem(
                    format!("redaction.disable[{i}]"),
                    format!("there is no default rule `{name}`; there are {known}"),
                );
            }
        }
    }

    fn allow_list(&mut self, config: &RedactionConfig) -> Option<Rule> {
        let list = config.allow_list.as_ref()?;
        let path = "redaction.allow_list";
        self.attributes_only(path, &list.scopes);
        let keys = self.globs(&format!("{path}.keys"), &list.keys)?;
        Some(Rule {
            name: ALLOW_LIST.to_owned(),
            marker: marker(ALLOW_LIST),
            places: places(&list.scopes, Places::attributes()),
            keys: Keys::Unlisted(keys),
            pattern: None,
            action: match list.otherwise {
                Otherwise::Drop => Action::Drop,
                Otherwise::Mask => Action::Mask,
            },
        })
    }

    fn hash_key(&mut self, config: &RedactionConfig) -> Option<[u8; 32]> {
        let Some(key) = &config.hash_key else {
            for (i, rule) in config.rules.iter().enumerate() {
                if rule.action == ActionConfig::Hash {
                    let path = format!("redaction.rules[{i}].action");
                    self.problem(path, "`hash` needs `redaction.hash_key`");
                }
            }
            return None;
        };
        if key.expose().len() < HASH_KEY_BYTES_MIN {
            self.problem(
                "redaction.hash_key",
                format!("is shorter than {HASH_KEY_BYTES_MIN} bytes"),
            );
        }
        Some(blake3::derive_key(
            HASH_KEY_CONTEXT,
            key.expose().as_bytes(),
        ))
    }

    fn name(&mut self, path: &str, rule: &RuleConfig, before: &[RuleConfig]) {
        let path = format!("{path}.name");
        let allowed =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
        if !(1..=40).contains(&rule.name.len()) || !rule.name.bytes().all(allowed) {
            self.problem(&path, "must be 1 to 40 of `a-z`, `0-9`, `-`, `_`");
        }
        let taken = rule.name == ALLOW_LIST
            || DEFAULT_RULES.iter().any(|d| d.name == rule.name)
            || before.iter().any(|b| b.name == rule.name);
        if taken {
            self.problem(path, format!("`{}` is the name of another rule", rule.name));
        }
    }

    fn rule(&mut self, path: &str, rule: &RuleConfig, hash_key: Option<&[u8; 32]>) -> Option<Rule> {
        let has_keys = !rule.keys.is_empty();
        if has_keys {
            self.attributes_only(path, &rule.scopes);
        } else if rule.pattern.is_none()
            && (rule.scopes.is_empty() || rule.scopes.iter().any(|s| s.is_attribute()))
        {
            self.problem(
                path,
                "needs `keys` or `pattern`; only rules on fields may do without",
            );
        }
        let keys = if has_keys {
            self.globs(&format!("{path}.keys"), &rule.keys)
                .map(Keys::Listed)
        } else {
            Some(Keys::Any)
        };
        let pattern = match &rule.pattern {
            None => Some(None),
            Some(source) => self
                .pattern(&format!("{path}.pattern"), source)
                .map(|regex| Some(Pattern::Regex(regex))),
        };
        let action = self.action(path, rule, hash_key);
        let default_places = if has_keys {
            Places::attributes()
        } else {
            Places::of(Place::ALL)
        };
        Some(Rule {
            name: rule.name.clone(),
            marker: marker(&rule.name),
            places: places(&rule.scopes, default_places),
            keys: keys?,
            pattern: pattern?,
            action: action?,
        })
    }

    fn action(
        &mut self,
        path: &str,
        rule: &RuleConfig,
        hash_key: Option<&[u8; 32]>,
    ) -> Option<Action> {
        let is_truncate = rule.action == ActionConfig::Truncate;
        if rule.length.is_some() && !is_truncate {
            self.problem(format!("{path}.length"), "belongs to `truncate` alone");
        }
        if is_truncate && rule.pattern.is_some() {
            self.problem(
                format!("{path}.pattern"),
                "`truncate` takes whole texts; leave the pattern out",
            );
        }
        match rule.action {
            ActionConfig::Drop => Some(Action::Drop),
            ActionConfig::Mask => Some(Action::Mask),
            ActionConfig::Hash => hash_key.map(|key| Action::Hash(Box::new(*key))),
            ActionConfig::Truncate => match rule.length {
                Some(length) if length > 0 => Some(Action::Truncate(length)),
                _ => {
                    self.problem(
                        format!("{path}.length"),
                        "`truncate` needs a length of at least 1",
                    );
                    None
                }
            },
        }
    }

    fn attributes_only(&mut self, path: &str, scopes: &[Place]) {
        if scopes.iter().any(|s| !s.is_attribute()) {
            self.problem(
                format!("{path}.scopes"),
                "fields have no keys; name attributes' scopes only",
            );
        }
    }

    fn pattern(&mut self, path: &str, source: &str) -> Option<Regex> {
        if source.len() > SOURCE_BYTES_MAX {
            self.problem(path, format!("is longer than {SOURCE_BYTES_MAX} bytes"));
            return None;
        }
        let regex = RegexBuilder::new(source)
            .size_limit(COMPILED_BYTES_MAX)
            .build();
        match regex {
            Ok(regex) if regex.is_match("") => {
                self.problem(
                    path,
                    "matches the empty text; write what it must at least contain",
                );
                None
            }
            Ok(regex) => Some(regex),
            Err(error) => {
                self.problem(path, format!("is not a regular expression: {error}"));
                None
            }
        }
    }

    fn globs(&mut self, path: &str, globs: &[String]) -> Option<RegexSet> {
        for (i, glob) in globs.iter().enumerate() {
            if glob.is_empty() || glob.len() > SOURCE_BYTES_MAX {
                let message = format!("must have 1 to {SOURCE_BYTES_MAX} bytes");
                self.problem(format!("{path}[{i}]"), message);
            }
        }
        let set = RegexSetBuilder::new(globs.iter().map(|g| glob_regex(g)))
            .size_limit(16 * COMPILED_BYTES_MAX)
            .build();
        if set.is_err() {
            self.problem(path, "are too many or too long together");
        }
        set.ok()
    }
}

/// The regular expression of a key with `*` (any characters) and `?` (one).
fn glob_regex(glob: &str) -> String {
    let body: String = glob
        .chars()
        .map(|c| match c {
            '*' => ".*".to_owned(),
            '?' => ".".to_owned(),
            c => regex::escape(c.encode_utf8(&mut [0; 4])),
        })
        .collect();
    format!(r"\A(?s:{body})\z")
}

fn places(scopes: &[Place], default: Places) -> Places {
    if scopes.is_empty() {
        default
    } else {
        Places::of(scopes.iter().copied())
    }
}

fn marker(name: &str) -> String {
    format!("[redacted:{name}]")
}
