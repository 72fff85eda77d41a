//! Attributes of a found span that its query names.

use columnar::{
    Column, SpanColumns, ValueType, ViewError, resource_from_json, scope_from_json, value_to_text,
};
use model::KeyValue;
use store_api::AttributeScope;
use traceql::{Field, Query, Scope, Type};

use crate::condition::Origin;
use crate::context::TraceContext;
use crate::eval::{FieldColumn, NamedAttribute};
use crate::group::{GroupValue, Label};
use crate::value::Value;

/// An attribute, or an intrinsic that the query selects, with its value as `columnar` writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundAttribute {
    /// Where it was found, for an unscoped attribute the span or its resource; `None` for intrinsics.
    pub scope: Option<AttributeScope>,
    /// The key, or the name of the intrinsic as the query spells it.
    pub key: String,
    /// The type of the value.
    pub kind: ValueType,
    /// The value as text.
    pub text: String,
}

/// What is shown of the spans of some rows.
pub(crate) struct Shown<'a> {
    attributes: Vec<(Scope, &'a str)>,
    intrinsics: Vec<(String, Type, FieldColumn<'a>)>,
}

impl<'a> Shown<'a> {
    /// The attributes that `query` names, and the intrinsics that it selects, of the rows of `columns`.
    ///
    /// Errors: `View`, when the rows lack a column of the query's fields.
    pub(crate) fn new(
        query: &'a Query,
        columns: &SpanColumns<'a>,
        context: Option<&'a TraceContext>,
    ) -> Result<Self, ViewError> {
        let attribute = |field: &'a Field| match field {
            Field::Attribute { scope, name } => Some((*scope, name.as_str())),
            Field::Intrinsic(_) => None,
        };
        let intrinsic = |field: &Field| match field {
            Field::Attribute { .. } => None,
            Field::Intrinsic(intrinsic) => {
                let column = FieldColumn::new(columns, &Origin::Field(field.clone()), context);
                let name = Label::name_of(field);
                Some(column.map(|column| (name, intrinsic.value_type(), column)))
            }
        };
        let selected = query.selected().into_iter().filter_map(intrinsic);
        Ok(Self {
            attributes: query.fields().into_iter().filter_map(attribute).collect(),
            intrinsics: selected.collect::<Result<_, _>>()?,
        })
    }

    /// The attributes as row `row` has them; of events and links the first that has the key.
    pub(crate) fn attributes(
        &self,
        columns: &SpanColumns<'_>,
        row: usize,
    ) -> Result<Vec<FoundAttribute>, ViewError> {
        let mut found: Vec<FoundAttribute> = Vec::new();
        for (scope, name) in &self.attributes {
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
                        scope: Some(*scope),
                        key: (*name).to_owned(),
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
        for (name, ty, column) in &self.intrinsics {
            let value = column.values(row).into_iter().next();
            let value = GroupValue::of(&value.unwrap_or(Value::Absent), *ty);
            if value != GroupValue::Nil {
                let (kind, text) = value.to_text();
                found.push(FoundAttribute {
                    scope: None,
                    key: name.clone(),
                    kind,
                    text,
                });
            }
        }
        Ok(found)
    }
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
