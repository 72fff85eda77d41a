//! Rules of users: each action and selection, against a naive twin, and what is wrong with bad ones.

use std::sync::Arc;

use model::{AnyValue, KeyValue, Resource, Span};
use pipeline::{
    ActionConfig, AllowListConfig, DEFAULT_RULES, Otherwise, Place, RedactionConfig, Redactor,
    RuleConfig,
};
use proptest::prelude::*;
use regex::Regex;
use settings::Secret;

use crate::support::{list, plain_span, redact, string};

fn rule(name: &str, action: ActionConfig) -> RuleConfig {
    RuleConfig {
        name: name.into(),
        action,
        keys: vec![],
        pattern: None,
        scopes: vec![],
        length: None,
    }
}

/// `rules` alone, without default rules.
fn only(rules: Vec<RuleConfig>) -> RedactionConfig {
    RedactionConfig {
        disable: DEFAULT_RULES.iter().map(|r| r.name.to_owned()).collect(),
        hash_key: Some(Secret::new("a key of tests, long enough")),
        allow_list: None,
        rules,
    }
}

fn with_attributes(attributes: Vec<KeyValue>) -> Span {
    Span {
        attributes,
        ..plain_span()
    }
}

#[test]
fn each_action_does_what_it_says() {
    let by_key = |name: &str, action| RuleConfig {
        keys: vec![name.into()],
        length: (action == ActionConfig::Truncate).then_some(3),
        ..rule(name, action)
    };
    let config = only(vec![
        by_key("gone", ActionConfig::Drop),
        by_key("masked", ActionConfig::Mask),
        by_key("hashed", ActionConfig::Hash),
        by_key("cut", ActionConfig::Truncate),
    ]);
    let span = with_attributes(vec![
        KeyValue::new("gone", 1),
        KeyValue::new("masked", list(vec![("a", AnyValue::Int(1))])),
        KeyValue::new("hashed", "ada"),
        KeyValue::new("cut", "äöüß"),
        KeyValue::new("cut", "äöü"),
        KeyValue::new(
            "x",
            list(vec![("hashed", string("ada")), ("gone", string("g"))]),
        ),
    ]);
    let (spans, hits) = redact(&config, &[span.clone(), span]);
    assert_eq!(spans[0], spans[1]);
    let values: Vec<_> = spans[0]
        .attributes
        .iter()
        .map(|a| a.value.clone())
        .collect();
    let [masked, AnyValue::String(hash), cut, short, nested] = &values[..] else {
        panic!("{values:?}");
    };
    assert_eq!(
        (masked, cut, short),
        (
            &string("[redacted:masked]"),
            &string("äöü…"),
            &string("äöü")
        )
    );
    assert!(
        Regex::new(r"^\[hash:[0-9a-f]{16}\]$")
            .unwrap()
            .is_match(hash),
        "{hash}"
    );
    assert_eq!(
        nested,
        &list(vec![("hashed", string(hash))]),
        "equal values hash equal"
    );
    let count = |rule: &str| {
        hits.iter()
            .filter(|h| h.rule == rule)
            .map(|h| h.count)
            .sum::<u64>()
    };
    assert_eq!(["gone", "masked", "hashed", "cut"].map(count), [4, 2, 4, 2]);
}

#[test]
fn hashes_depend_on_the_key_and_on_nothing_else() {
    let hash = |key: &str| {
        let config = RedactionConfig {
            hash_key: Some(Secret::new(key)),
            ..only(vec![RuleConfig {
                keys: vec!["user".into()],
                ..rule("h", ActionConfig::Hash)
            }])
        };
        let span = with_attributes(vec![KeyValue::new("user", "ada")]);
        redact(&config, &[span])
            .0
            .remove(0)
            .attributes
            .remove(0)
            .value
    };
    assert_eq!(hash("0123456789abcdef"), hash("0123456789abcdef"));
    assert_ne!(hash("0123456789abcdef"), hash("0123456789abcdeg"));
}

#[test]
fn user_rules_come_before_the_default_rules_and_their_hashes_stay() {
    let config = RedactionConfig {
        disable: vec![],
        ..only(vec![
            RuleConfig {
                keys: vec!["session_id".into()],
                ..rule("session", ActionConfig::Hash)
            },
            RuleConfig {
                pattern: Some("order-[0-9]+".into()),
                ..rule("order", ActionConfig::Mask)
            },
        ])
    };
    let span = Span {
        name: "order-12 of ada@example.com".into(),
        ..with_attributes(vec![
            KeyValue::new("session_id", "abc"),
            KeyValue::new("order-7", 1),
        ])
    };
    let (spans, _) = redact(&config, &[span]);
    assert_eq!(spans[0].name, "[redacted:order] of [redacted:email]");
    assert!(
        matches!(&spans[0].attributes[0].value, AnyValue::String(v) if v.starts_with("[hash:"))
    );
    assert_eq!(spans[0].attributes[1].key, "[redacted:order]");
}

#[test]
fn rules_on_fields_need_neither_keys_nor_pattern() {
    let config = only(vec![
        RuleConfig {
            scopes: vec![Place::Name],
            length: Some(3),
            ..rule("short", ActionConfig::Truncate)
        },
        RuleConfig {
            scopes: vec![Place::TraceState],
            ..rule("none", ActionConfig::Drop)
        },
    ]);
    let (spans, hits) = redact(&config, &[plain_span()]);
    assert_eq!(
        (spans[0].name.as_str(), spans[0].trace_state.as_str()),
        ("GET…", "")
    );
    assert_eq!(hits.total(), 2);
}

#[test]
fn an_allow_list_keeps_what_it_names() {
    for otherwise in [Otherwise::Drop, Otherwise::Mask] {
        let config = RedactionConfig {
            allow_list: Some(AllowListConfig {
                keys: vec!["http.*".into(), "service.name".into()],
                otherwise,
                scopes: vec![],
            }),
            ..only(vec![])
        };
        let span = with_attributes(vec![
            KeyValue::new("http.route", list(vec![("any", AnyValue::Int(1))])),
            KeyValue::new("user", "ada"),
        ]);
        let (spans, _) = redact(&config, std::slice::from_ref(&span));
        assert_eq!(spans[0].attributes[0], span.attributes[0]);
        let rest: Vec<_> = spans[0].attributes[1..].to_vec();
        match otherwise {
            Otherwise::Drop => assert_eq!(rest, []),
            Otherwise::Mask => assert_eq!(rest, [KeyValue::new("user", "[redacted:allow-list]")]),
        }
        assert_eq!(spans[0].service_name(), "cart");
        assert_eq!(spans[0].name, span.name);
    }
}

#[test]
fn default_rules_are_switched_off_one_by_one() {
    for (name, text) in [("email", "ada@example.com"), ("card", "4111111111111111")] {
        let config = RedactionConfig {
            disable: vec![name.into()],
            ..Default::default()
        };
        let span = Span {
            name: text.into(),
            status_message: "Bearer abcdef123456".into(),
            ..plain_span()
        };
        let (spans, _) = redact(&config, &[span]);
        assert_eq!(spans[0].name, text);
        assert_eq!(spans[0].status_message, "Bearer [redacted:credential]");
    }
}

#[test]
fn every_problem_of_a_configuration_is_told() {
    let config = RedactionConfig {
        disable: vec!["emial".into()],
        hash_key: None,
        allow_list: Some(AllowListConfig {
            keys: vec!["".into()],
            otherwise: Otherwise::Drop,
            scopes: vec![Place::Name],
        }),
        rules: vec![
            rule("No Name", ActionConfig::Mask),
            RuleConfig {
                pattern: Some("(".into()),
                ..rule("a", ActionConfig::Hash)
            },
            RuleConfig {
                pattern: Some("x*".into()),
                ..rule("a", ActionConfig::Mask)
            },
            RuleConfig {
                pattern: Some("(?:a{1000}){1000}".into()),
                ..rule("big", ActionConfig::Mask)
            },
            RuleConfig {
                keys: vec!["k".into()],
                scopes: vec![Place::Status],
                ..rule("email", ActionConfig::Truncate)
            },
            RuleConfig {
                keys: vec!["k".into()],
                length: Some(1),
                ..rule("d", ActionConfig::Drop)
            },
        ],
    };
    let problems = Redactor::new(&config).unwrap_err();
    let mut paths: Vec<_> = problems.iter().map(|p| p.path.as_str()).collect();
    paths.sort_unstable();
    let expected = [
        "redaction.allow_list.keys[0]",
        "redaction.allow_list.scopes",
        "redaction.disable[0]",
        "redaction.rules[0]",
        "redaction.rules[0].name",
        "redaction.rules[1].action",
        "redaction.rules[1].pattern",
        "redaction.rules[2].name",
        "redaction.rules[2].pattern",
        "redaction.rules[3].pattern",
        "redaction.rules[4].length",
        "redaction.rules[4].name",
        "redaction.rules[4].scopes",
        "redaction.rules[5].length",
    ];
    assert_eq!(paths, expected);
}

/// What two rules (mask `a*` keys; drop what matches `b+` under keys `x`) make of attributes, one by one.
fn naive(attributes: &[KeyValue]) -> Vec<KeyValue> {
    let b = Regex::new("b+").expect("it is an expression");
    let masked = attributes.iter().map(|a| KeyValue {
        key: a.key.clone(),
        value: naive_mask(a.key.starts_with('a'), &a.value),
    });
    let kept = masked.filter_map(|a| {
        let value = naive_drop(a.key == "x", &a.value, &b)?;
        Some(KeyValue { key: a.key, value })
    });
    kept.collect()
}

fn naive_mask(selected: bool, value: &AnyValue) -> AnyValue {
    match value {
        AnyValue::Empty => AnyValue::Empty,
        _ if selected => string("[redacted:mask-a]"),
        AnyValue::Array(items) => {
            AnyValue::Array(items.iter().map(|v| naive_mask(false, v)).collect())
        }
        AnyValue::KvList(entries) => AnyValue::KvList(
            entries
                .iter()
                .map(|e| KeyValue {
                    key: e.key.clone(),
                    value: naive_mask(e.key.starts_with('a'), &e.value),
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

fn naive_drop(selected: bool, value: &AnyValue, b: &Regex) -> Option<AnyValue> {
    let text = match value {
        AnyValue::Array(items) => {
            return Some(AnyValue::Array(
                items
                    .iter()
                    .filter_map(|v| naive_drop(selected, v, b))
                    .collect(),
            ));
        }
        AnyValue::KvList(entries) => {
            let kept = entries.iter().filter_map(|e| {
                let value = naive_drop(selected || e.key == "x", &e.value, b)?;
                Some(KeyValue {
                    key: e.key.clone(),
                    value,
                })
            });
            return Some(AnyValue::KvList(kept.collect()));
        }
        AnyValue::String(text) => text.clone(),
        AnyValue::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        AnyValue::Bool(v) => v.to_string(),
        _ => String::new(),
    };
    (!selected || !b.is_match(&text)).then(|| value.clone())
}

proptest! {
    #[test]
    fn rules_on_columns_are_rules_on_spans(
        spans in testkit::spans(0..6),
        extra in proptest::collection::vec(("[abx]", testkit::any_value()), 6),
    ) {
        let spans: Vec<Span> = spans.into_iter().zip(extra).map(|(mut span, (key, value))| {
            let attribute = KeyValue::new(key, value);
            span.attributes.push(attribute.clone());
            let mut resource = Resource::clone(&span.resource);
            resource.attributes.push(attribute);
            Span { resource: Arc::new(resource), ..span }
        }).collect();
        let config = only(vec![
            RuleConfig { keys: vec!["a*".into()], ..rule("mask-a", ActionConfig::Mask) },
            RuleConfig { keys: vec!["x".into()], pattern: Some("b+".into()), ..rule("drop-b", ActionConfig::Drop) },
        ]);
        let expected: Vec<Span> = spans.iter().map(|span| {
            let mut span = span.clone();
            span.attributes = naive(&span.attributes);
            for event in &mut span.events {
                event.attributes = naive(&event.attributes);
            }
            for link in &mut span.links {
                link.attributes = naive(&link.attributes);
            }
            let mut resource = Resource::clone(&span.resource);
            resource.attributes = naive(&resource.attributes);
            span.resource = Arc::new(resource);
            let mut scope = model::Scope::clone(&span.scope);
            scope.attributes = naive(&scope.attributes);
            span.scope = Arc::new(scope);
            span
        }).collect();
        let (redacted, _) = redact(&config, &spans);
        prop_assert!(testkit::same_rows(&redacted, &expected), "{redacted:#?}\n{expected:#?}");
    }
}
