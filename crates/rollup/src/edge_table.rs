//! The table of [`EdgeDelta`]s.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, SchemaRef};
use columnar::ViewError;
use model::TenantId;

use crate::edge::{ConnectionType, Edge, EdgeDelta, EdgeFigures, Node, NodeKind};
use crate::figures::Durations;
use crate::lists::{durations_columns, durations_fields, int64, read_durations};
use crate::texts::{TextRows, same_text, text_field, texts};

/// The version of the table's schema; `docs/formats.md` logs each.
pub const EDGE_TABLE_VERSION: u32 = 1;

/// Columns before those of the durations.
const KEY_COLUMNS: usize = 9;
/// Columns of the durations of a side.
const FIGURE_COLUMNS: usize = 9;

/// The schema of the table `edges`.
pub fn edge_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let mut fields = vec![
            text_field("tenant"),
            Field::new("resolution_seconds", DataType::Int32, false),
            Field::new("interval_start_unix_nano", DataType::Int64, false),
            text_field("caller_kind"),
            text_field("caller"),
            text_field("callee_kind"),
            text_field("callee"),
            text_field("connection_type"),
            Field::new("overflow", DataType::Boolean, false),
        ];
        fields.extend(durations_fields("client_"));
        fields.extend(durations_fields("server_"));
        let version = EDGE_TABLE_VERSION.to_string();
        let version = [("causeline.edges_version".to_owned(), version)];
        Arc::new(Schema::new_with_metadata(fields, version.into()))
    });
    SCHEMA.clone()
}

impl EdgeDelta {
    /// The rows of the table whose sums are not all 0, sorted by edge.
    pub fn to_batch(&self, tenant: &TenantId, resolution_seconds: i32) -> RecordBatch {
        let rows: Vec<(Edge, &EdgeFigures)> = self.rows().collect();
        let n = rows.len();
        let text = |f: fn(&Edge) -> &str| texts(rows.iter().map(|row| f(&row.0)));
        let overflows: Vec<bool> = rows.iter().map(|row| row.0.overflow).collect();
        let mut columns: Vec<ArrayRef> = vec![
            same_text(tenant.as_str(), n),
            Arc::new(Int32Array::from(vec![resolution_seconds; n])),
            int64(rows.iter().map(|row| row.0.interval_start_unix_nano)),
            text(|edge| edge.caller.kind.as_str()),
            text(|edge| &edge.caller.name),
            text(|edge| edge.callee.kind.as_str()),
            text(|edge| &edge.callee.name),
            text(|edge| edge.connection.as_str()),
            Arc::new(BooleanArray::from(overflows)),
        ];
        let clients: Vec<&Durations> = rows.iter().map(|row| &row.1.client).collect();
        let servers: Vec<&Durations> = rows.iter().map(|row| &row.1.server).collect();
        columns.extend(durations_columns(&clients));
        columns.extend(durations_columns(&servers));
        RecordBatch::try_new(edge_schema(), columns).expect("the columns are the schema's")
    }

    /// Adds the rows of `batch` that `wanted` says, given resolution and edge.
    ///
    /// Errors: `ViewError` when the batch is not of [`edge_schema`].
    pub fn add_batch(
        &mut self,
        batch: &RecordBatch,
        wanted: impl Fn(i32, &Edge) -> bool,
    ) -> Result<(), ViewError> {
        let wrong = || ViewError::Type("edges", batch.schema_ref().to_string());
        let rows = read(batch).ok_or_else(wrong)?;
        for (resolution, edge, figures) in rows {
            if wanted(resolution, &edge) {
                self.add_row(&edge, &figures);
            }
        }
        Ok(())
    }
}

fn read(batch: &RecordBatch) -> Option<Vec<(i32, Edge, EdgeFigures)>> {
    if batch.num_columns() != edge_schema().fields().len() {
        return None;
    }
    let columns = batch.columns();
    let resolutions = columns[1].as_primitive_opt::<Int32Type>()?;
    let starts = columns[2].as_primitive_opt::<Int64Type>()?;
    let text = |at: usize| TextRows::new(&columns[at]);
    let (caller_kinds, callers) = (text(3)?, text(4)?);
    let (callee_kinds, callees) = (text(5)?, text(6)?);
    let connections = text(7)?;
    let overflows = columns[8].as_boolean_opt()?;
    let servers_at = KEY_COLUMNS + FIGURE_COLUMNS;
    let clients = read_durations(&columns[KEY_COLUMNS..servers_at])?;
    let servers = read_durations(&columns[servers_at..])?;
    let node = |kinds: &TextRows<'_>, names: &TextRows<'_>, row| Node {
        kind: NodeKind::from_word(kinds.get(row)),
        name: names.get(row).to_owned(),
    };
    let figures = clients.into_iter().zip(servers).enumerate();
    let row = |(row, (client, server)): (usize, (Durations, Durations))| {
        let edge = Edge {
            interval_start_unix_nano: starts.value(row),
            caller: node(&caller_kinds, &callers, row),
            callee: node(&callee_kinds, &callees, row),
            connection: ConnectionType::from_word(connections.get(row)),
            overflow: overflows.value(row),
        };
        (resolutions.value(row), edge, EdgeFigures { client, server })
    };
    Some(figures.map(row).collect())
}
