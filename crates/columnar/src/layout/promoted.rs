//! Which attributes have a column of their own in a block.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field};

use crate::schema::dictionary;
use crate::text::ValueType;

/// The type that the values of a promoted attribute are stored in. A value of another type stays in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromotedType {
    /// [`ValueType::String`], in a dictionary.
    Text,
    /// [`ValueType::Int`], as `i64`.
    Int,
}

/// An attribute with a column of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promoted {
    /// The attribute's name, such as `http.request.method`.
    pub key: &'static str,
    /// The column's name, such as `attr_http_request_method`.
    pub column: String,
    /// What it holds.
    pub kind: PromotedType,
}

impl Promoted {
    fn new(key: &'static str, kind: PromotedType) -> Self {
        let column = format!("attr_{}", key.replace('.', "_"));
        Self { key, column, kind }
    }

    pub(crate) fn field(&self) -> Field {
        let data_type = match self.kind {
            PromotedType::Text => dictionary(),
            PromotedType::Int => DataType::Int64,
        };
        Field::new(&self.column, data_type, true)
    }

    /// Whether a value of type `kind` has its place in the column.
    pub(crate) fn takes(&self, kind: ValueType) -> bool {
        matches!(
            (self.kind, kind),
            (PromotedType::Text, ValueType::String) | (PromotedType::Int, ValueType::Int)
        )
    }
}

/// The promoted attributes, in the order of their columns.
///
/// A place in this list is on disk, as a character of the column `attribute_order`: the list may grow up to
/// [`ORDER_CHARACTERS`], and never changes otherwise.
/// Source: OpenTelemetry semantic conventions 1.37 for HTTP, databases, RPC, messaging, network and code, and the names of
/// 1.20 that instrumentation still sends.
pub fn promoted() -> &'static [Promoted] {
    use PromotedType::{Int, Text};
    static LIST: LazyLock<Vec<Promoted>> = LazyLock::new(|| {
        let list = [
            ("http.request.method", Text),
            ("http.route", Text),
            ("url.scheme", Text),
            ("url.path", Text),
            ("url.query", Text),
            ("url.full", Text),
            ("server.address", Text),
            ("server.port", Int),
            ("client.address", Text),
            ("user_agent.original", Text),
            ("network.protocol.version", Text),
            ("network.peer.address", Text),
            ("network.peer.port", Int),
            ("http.response.status_code", Int),
            ("http.request.body.size", Int),
            ("http.response.body.size", Int),
            ("error.type", Text),
            ("http.method", Text),
            ("http.scheme", Text),
            ("http.target", Text),
            ("http.url", Text),
            ("http.host", Text),
            ("http.user_agent", Text),
            ("http.status_code", Int),
            ("net.peer.name", Text),
            ("net.peer.port", Int),
            ("net.host.name", Text),
            ("net.host.port", Int),
            ("net.sock.peer.addr", Text),
            ("db.system.name", Text),
            ("db.namespace", Text),
            ("db.collection.name", Text),
            ("db.operation.name", Text),
            ("db.query.text", Text),
            ("db.system", Text),
            ("db.name", Text),
            ("db.operation", Text),
            ("db.statement", Text),
            ("rpc.system", Text),
            ("rpc.service", Text),
            ("rpc.method", Text),
            ("rpc.grpc.status_code", Int),
            ("messaging.system", Text),
            ("messaging.destination.name", Text),
            ("messaging.operation.name", Text),
            ("messaging.operation.type", Text),
            ("peer.service", Text),
            ("thread.id", Int),
            ("thread.name", Text),
            ("code.function.name", Text),
            ("user.id", Text),
            ("session.id", Text),
            ("code.file.path", Text),
            ("code.line.number", Int),
            ("network.transport", Text),
            ("db.response.returned_rows", Int),
        ];
        list.map(|(key, kind)| Promoted::new(key, kind)).into()
    });
    &LIST
}

/// The place in [`promoted`] of the attribute `key`, if it has one.
pub fn promoted_place(key: &str) -> Option<usize> {
    static PLACES: LazyLock<HashMap<&str, usize>> = LazyLock::new(|| {
        let keys = promoted().iter().map(|p| p.key);
        keys.enumerate().map(|(n, key)| (key, n)).collect()
    });
    PLACES.get(key).copied()
}

/// The character of each place in the column `attribute_order`. Source: the base64url alphabet.
pub(crate) const ORDER_CHARACTERS: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The character of an attribute in the list.
pub(crate) const ORDER_IN_LIST: u8 = b'*';

/// The place that `character` stands for.
pub(crate) fn place_of(character: u8) -> Option<usize> {
    ORDER_CHARACTERS.iter().position(|&c| c == character)
}

/// The keys of [`promoted`] as a dictionary's first values.
pub(crate) fn promoted_keys() -> impl Iterator<Item = &'static str> {
    promoted().iter().map(|p| p.key)
}

/// The fields of [`promoted`].
pub(crate) fn promoted_fields() -> impl Iterator<Item = Arc<Field>> {
    promoted().iter().map(|p| Arc::new(p.field()))
}
