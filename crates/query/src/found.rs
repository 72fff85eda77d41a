//! Attributes of a found span that its query names.

use columnar::{
    Column, SpanColumns, ValueType, ViewError, resource_from_json, scope_from_json, value_to_text,
};
use model::KeyValue;
use store_api::AttributeScope;
use traceql::{Field, Query, Scope};

use crate::eval::NamedAttribute;

/// An attribute with its value as `columnar` writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundAttribute {
    /// Where it was found; for an unscoped attribute the span or its resource.
    pub scope: AttributeScope,
    /// The key.
    pub key: String,
    /// The type of the value.
    pub kind: ValueType,
    /// The value as text.
    pub text: String,
}

/// The attributes that `query` names, as row `row` has them; of events and links the first that has the key.
pub(crate) fn named_attributes(
    query: &Query,
    columns: &SpanColumns<'_>,
    row: usize,
) -> Result<Vec<FoundAttribute>, ViewError> {
    let mut found: Vec<FoundAttribute> = Vec::new();
    for field in query.fields() {
        let Field::Attribute { scope, name } = field else {
            continue;
        };
        let scopes: &[AttributeScope] = match scope {
            Scope::Any => &[AttributeScope::Span, AttributeScope::Resource],
            Scope::Span => &[AttributeScope::Span],
            Scope::Resource => &[AttributeScope::Resource],
            Scope::Event => &[AttributeScope::Event],
            Scope::Link => &[AttributeScope::Link],
            Scope::Instrumentation => &[AttributeScope::Instrumentation],
            // Not the found span's.
            Scope::Parent | Scope::ParentSpan | Scope::ParentResource => &[],
        };
        for scope in scopes {
            if let Some((kind, text)) = lookup(columns, row, *scope, name)? {
                let one = FoundAttribute {
                    scope: *scope,
                    key: name.clone(),
                    kind,
                    text,
                };
                // `.x` and `resource.x` may be the same.
                if !found.contains(&one) {
                    found.push(one);
                }
                break;
            }
        }
    }
    Ok(found)
}

fn lookup(
    columns: &SpanColumns<'_>,
    row: usize,
    scope: AttributeScope,
    name: &str,
) -> Result<Option<(ValueType, String)>, ViewError> {
    let own = |(kind, text): (ValueType, &str)| (kind, text.to_owned());
    let found = match scope {
        AttributeScope::Span => NamedAttribute::new(columns.attributes()?, name)
            .text(row)
            .map(own),
        AttributeScope::Event => {
            let events = columns.events()?;
            let named = NamedAttribute::new(events.attributes, name);
            events.slots(row).find_map(|slot| named.text(slot)).map(own)
        }
        AttributeScope::Link => {
            let links = columns.links()?;
            let named = NamedAttribute::new(links.attributes, name);
            links.slots(row).find_map(|slot| named.text(slot)).map(own)
        }
        AttributeScope::Resource => {
            let resource = resource_from_json(columns.dict(Column::Resource)?.get(row));
            first(resource.unwrap_or_default().attributes, name)
        }
        AttributeScope::Instrumentation => {
            let scope = scope_from_json(columns.dict(Column::Scope)?.get(row));
            first(scope.unwrap_or_default().attributes, name)
        }
    };
    Ok(found.filter(|(kind, _)| *kind != ValueType::Empty))
}

fn first(attributes: Vec<KeyValue>, name: &str) -> Option<(ValueType, String)> {
    let found = attributes
        .into_iter()
        .find(|attribute| attribute.key == name)?;
    Some(value_to_text(&found.value))
}
