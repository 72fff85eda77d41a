//! The messages of a request down to scopes, which all signals have alike but for names.

use std::borrow::Cow;

use columnar::{resource_to_json, scope_to_json};
use model::{EntityRef, Resource, Scope};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess};

use super::attributes::{AttributeVec, bounded};
use super::message::{Each, List, Message, ignore, read};
use super::scalar::{Text, U32};
use super::{Decoded, Limits, RejectReason};
use crate::otlp::Rejected;
use crate::otlp::outcome::Rows;

/// What a signal has below scopes, and the names of its lists: lowerCamelCase and the protobuf original.
pub(super) trait Record: Rows {
    /// Of resources in the request.
    const RESOURCES: [&'static str; 2];
    /// Of scopes in a resource.
    const SCOPES: [&'static str; 2];
    /// Of records in a scope.
    const RECORDS: [&'static str; 2];

    /// Appends the message as a row, unless it is to be rejected: then the row is still open.
    fn append<'de, D: Deserializer<'de>>(
        &mut self,
        message: D,
        limits: &Limits,
    ) -> Result<Result<(), RejectReason>, D::Error>;
}

/// The message of an export request, and everything that was read of it.
pub(super) struct Request<'l, R> {
    limits: &'l Limits,
    rows: R,
    rejected: Rejected,
    /// Spans or log records met so far.
    n_records: u64,
}

impl<'l, R: Record> Request<'l, R> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            rows: R::default(),
            rejected: Rejected::none::<R>(),
            n_records: 0,
        }
    }

    pub(super) fn finish(self) -> Decoded<R> {
        Decoded {
            rows: self.rows,
            rejected: self.rejected,
        }
    }

    /// Takes back the rows from `first_row` on, the records from number `first_record` on.
    fn reject_rows(&mut self, first_row: usize, first_record: u64, reason: RejectReason) {
        let count = self.rows.len() - first_row;
        self.rejected.add(reason, first_record, count as u64);
        self.rows.truncate(first_row);
    }
}

impl<'de, R: Record> Message<'de> for Request<'_, R> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        if R::RESOURCES.contains(&name) {
            map.next_value_seed(Each(self))
        } else {
            ignore(map)
        }
    }
}

/// The list of resources.
impl<'de, R: Record> List<'de> for Request<'_, R> {
    fn element<D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let (first_row, first_record) = (self.rows.len(), self.n_records);
        let mut message = OfResource {
            resource: ResourceMessage::new(self.limits),
            request: self,
        };
        read(element, &mut message)?;
        let ResourceMessage {
            resource,
            rejection,
            ..
        } = message.resource;
        if self.rows.len() > first_row {
            match rejection {
                Some(reason) => self.reject_rows(first_row, first_record, reason),
                None => {
                    let json = resource_to_json(&resource);
                    self.rows
                        .replace_resource(first_row, &json, resource.service_name());
                }
            }
        }
        Ok(())
    }
}

struct OfResource<'r, 'l, R> {
    request: &'r mut Request<'l, R>,
    resource: ResourceMessage<'l>,
}

impl<'de, R: Record> Message<'de> for OfResource<'_, '_, R> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "resource" => {
                let mut too_large = None;
                bounded(map, self.request.limits, &mut self.resource, &mut too_large)?;
                self.resource.rejection = self.resource.rejection.or(too_large);
            }
            "schemaUrl" | "schema_url" => self.resource.resource.schema_url = text(map)?,
            _ if R::SCOPES.contains(&name) => map.next_value_seed(Each(self))?,
            _ => ignore(map)?,
        }
        Ok(())
    }
}

/// The list of scopes.
impl<'de, R: Record> List<'de> for OfResource<'_, '_, R> {
    fn element<D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let request = &mut *self.request;
        let (first_row, first_record) = (request.rows.len(), request.n_records);
        let mut message = OfScope {
            scope: ScopeMessage {
                limits: request.limits,
                scope: Scope::default(),
                rejection: None,
            },
            request,
        };
        read(element, &mut message)?;
        let ScopeMessage {
            scope, rejection, ..
        } = message.scope;
        if request.rows.len() > first_row {
            match rejection {
                Some(reason) => request.reject_rows(first_row, first_record, reason),
                None => request
                    .rows
                    .replace_scope(first_row, &scope_to_json(&scope)),
            }
        }
        Ok(())
    }
}

struct ResourceMessage<'l> {
    limits: &'l Limits,
    resource: Resource,
    rejection: Option<RejectReason>,
}

impl<'l> ResourceMessage<'l> {
    fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            resource: Resource::default(),
            rejection: None,
        }
    }
}

impl<'de> Message<'de> for ResourceMessage<'_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "attributes" => map.next_value_seed(Each(&mut AttributeVec {
                attributes: &mut self.resource.attributes,
                limits: self.limits,
                depth: 0,
                rejection: &mut self.rejection,
            }))?,
            "droppedAttributesCount" | "dropped_attributes_count" => {
                self.resource.dropped_attributes_count = map.next_value::<U32>()?.0;
            }
            "entityRefs" | "entity_refs" => map.next_value_seed(Each(self))?,
            _ => ignore(map)?,
        }
        Ok(())
    }
}

/// The list `entityRefs`.
impl<'de> List<'de> for ResourceMessage<'_> {
    fn element<D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let mut entity = EntityMessage(EntityRef::default());
        read(element, &mut entity)?;
        self.resource.entity_refs.push(entity.0);
        Ok(())
    }
}

struct EntityMessage(EntityRef);

impl<'de> Message<'de> for EntityMessage {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "schemaUrl" | "schema_url" => self.0.schema_url = text(map)?,
            "type" => self.0.kind = text(map)?,
            "idKeys" | "id_keys" => self.0.id_keys.extend(texts(map)?),
            "descriptionKeys" | "description_keys" => {
                self.0.description_keys.extend(texts(map)?);
            }
            _ => ignore(map)?,
        }
        Ok(())
    }
}

struct OfScope<'r, 'l, R> {
    request: &'r mut Request<'l, R>,
    scope: ScopeMessage<'l>,
}

impl<'de, R: Record> Message<'de> for OfScope<'_, '_, R> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "scope" => {
                let mut too_large = None;
                bounded(map, self.request.limits, &mut self.scope, &mut too_large)?;
                self.scope.rejection = self.scope.rejection.or(too_large);
            }
            "schemaUrl" | "schema_url" => self.scope.scope.schema_url = text(map)?,
            _ if R::RECORDS.contains(&name) => map.next_value_seed(Each(self))?,
            _ => ignore(map)?,
        }
        Ok(())
    }
}

/// The list of records.
impl<'de, R: Record> List<'de> for OfScope<'_, '_, R> {
    fn element<D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let request = &mut *self.request;
        let position = request.n_records;
        request.n_records += 1;
        let refused = if request.rows.len() >= request.limits.records_max {
            Some(RejectReason::TooManyRecords)
        } else if request.rows.bytes() > request.limits.batch_bytes_max {
            Some(RejectReason::BatchFull)
        } else {
            None
        };
        if let Some(reason) = refused {
            request.rejected.add(reason, position, 1);
            return IgnoredAny::deserialize(element).map(drop);
        }
        if let Err(reason) = request.rows.append(element, request.limits)? {
            request.rows.abort();
            request.rejected.add(reason, position, 1);
        }
        Ok(())
    }
}

struct ScopeMessage<'l> {
    limits: &'l Limits,
    scope: Scope,
    rejection: Option<RejectReason>,
}

impl<'de> Message<'de> for ScopeMessage<'_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "name" => self.scope.name = text(map)?,
            "version" => self.scope.version = text(map)?,
            "attributes" => map.next_value_seed(Each(&mut AttributeVec {
                attributes: &mut self.scope.attributes,
                limits: self.limits,
                depth: 0,
                rejection: &mut self.rejection,
            }))?,
            "droppedAttributesCount" | "dropped_attributes_count" => {
                self.scope.dropped_attributes_count = map.next_value::<U32>()?.0;
            }
            _ => ignore(map)?,
        }
        Ok(())
    }
}

fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<String, A::Error> {
    Ok(map.next_value::<Text<'de>>()?.0.into_owned())
}

fn texts<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Vec<String>, A::Error> {
    let texts: Option<Vec<Text<'de>>> = map.next_value()?;
    let texts = texts.unwrap_or_default().into_iter();
    Ok(texts.map(|text| Cow::into_owned(text.0)).collect())
}
