//! The table of [`RedDelta`]s.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, SchemaRef};
use columnar::ViewError;
use model::{TenantId, TraceId};

use crate::exemplar::Exemplars;
use crate::figures::Durations;
use crate::lists::{
    durations_columns, durations_fields, exemplars_column, exemplars_field, int64, read_durations,
    read_exemplars,
};
use crate::red::{RedDelta, RedFigures, Series};
use crate::texts::{TextRows, same_text, text_field, texts};

/// The version of the table's schema; `docs/formats.md` logs each.
pub const RED_TABLE_VERSION: u32 = 1;

/// Columns before those of the durations.
const KEY_COLUMNS: usize = 10;
/// Columns of durations.
const FIGURE_COLUMNS: usize = 9;
/// Where the exemplars are.
const EXEMPLARS: usize = KEY_COLUMNS + FIGURE_COLUMNS + 1;

/// The schema of the table `rollups`.
pub fn red_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let mut fields = vec![
            text_field("tenant"),
            Field::new("resolution_seconds", DataType::Int32, false),
            Field::new("interval_start_unix_nano", DataType::Int64, false),
            text_field("service_name"),
            text_field("operation"),
            Field::new("kind", DataType::Int32, false),
            Field::new("status_code", DataType::Int32, false),
            text_field("service_version"),
            text_field("deployment_environment_name"),
            Field::new("overflow", DataType::Boolean, false),
        ];
        fields.extend(durations_fields(""));
        fields.push(Field::new("bytes", DataType::Int64, false));
        fields.push(exemplars_field());
        let version = RED_TABLE_VERSION.to_string();
        let version = [("causeline.rollups_version".to_owned(), version)];
        Arc::new(Schema::new_with_metadata(fields, version.into()))
    });
    SCHEMA.clone()
}

impl RedDelta {
    /// The rows of the table, sorted by series.
    pub fn to_batch(&self, tenant: &TenantId, resolution_seconds: i32) -> RecordBatch {
        let rows: Vec<(Series, &RedFigures)> = self.rows().collect();
        let n = rows.len();
        let text = |f: fn(&Series) -> &str| texts(rows.iter().map(|row| f(&row.0)));
        let number = |f: fn(&Series) -> i32| -> ArrayRef {
            Arc::new(Int32Array::from_iter_values(
                rows.iter().map(|row| f(&row.0)),
            ))
        };
        let overflows: Vec<bool> = rows.iter().map(|row| row.0.overflow).collect();
        let mut columns: Vec<ArrayRef> = vec![
            same_text(tenant.as_str(), n),
            Arc::new(Int32Array::from(vec![resolution_seconds; n])),
            int64(rows.iter().map(|row| row.0.interval_start_unix_nano)),
            text(|series| &series.service_name),
            text(|series| &series.operation),
            number(|series| series.kind),
            number(|series| series.status_code),
            text(|series| &series.service_version),
            text(|series| &series.environment),
            Arc::new(BooleanArray::from(overflows)),
        ];
        let durations: Vec<&Durations> = rows.iter().map(|row| &row.1.durations).collect();
        columns.extend(durations_columns(&durations));
        columns.push(int64(rows.iter().map(|row| row.1.bytes)));
        let exemplars: Vec<&Exemplars> = rows.iter().map(|row| &row.1.exemplars).collect();
        columns.push(exemplars_column(&exemplars));
        RecordBatch::try_new(red_schema(), columns).expect("the columns are the schema's")
    }

    /// Adds the rows of `batch` that `wanted` says, given resolution and series.
    ///
    /// Errors: `ViewError` when the batch is not of [`red_schema`].
    pub fn add_batch(
        &mut self,
        batch: &RecordBatch,
        wanted: impl Fn(i32, &Series) -> bool,
    ) -> Result<(), ViewError> {
        let wrong = || ViewError::Type("rollups", batch.schema_ref().to_string());
        let rows = read(batch).ok_or_else(wrong)?;
        for (resolution, series, figures) in rows {
            if wanted(resolution, &series) {
                self.add_row(&series, &figures);
            }
        }
        Ok(())
    }
}

/// The traces of the exemplars in `batch`.
///
/// Errors: `ViewError` when the batch is not of [`red_schema`].
pub fn exemplar_traces(batch: &RecordBatch) -> Result<BTreeSet<TraceId>, ViewError> {
    let wrong = || ViewError::Type("rollups", batch.schema_ref().to_string());
    let columns = batch.columns();
    let column = columns.get(EXEMPLARS).ok_or_else(wrong)?;
    let exemplars = read_exemplars(column).ok_or_else(wrong)?;
    let ones = exemplars.iter().flat_map(Exemplars::iter);
    Ok(ones.map(|one| TraceId(one.trace_id)).collect())
}

fn read(batch: &RecordBatch) -> Option<Vec<(i32, Series, RedFigures)>> {
    if batch.num_columns() != red_schema().fields().len() {
        return None;
    }
    let columns = batch.columns();
    let int32 = |at: usize| columns[at].as_primitive_opt::<Int32Type>();
    let (resolutions, kinds, statuses) = (int32(1)?, int32(5)?, int32(6)?);
    let starts = columns[2].as_primitive_opt::<Int64Type>()?;
    let text = |at: usize| TextRows::new(&columns[at]);
    let (services, operations) = (text(3)?, text(4)?);
    let (versions, environments) = (text(7)?, text(8)?);
    let overflows = columns[9].as_boolean_opt()?;
    let durations = read_durations(&columns[KEY_COLUMNS..KEY_COLUMNS + FIGURE_COLUMNS])?;
    let bytes = columns[KEY_COLUMNS + FIGURE_COLUMNS].as_primitive_opt::<Int64Type>()?;
    let exemplars = read_exemplars(&columns[EXEMPLARS])?;
    let figures = durations.into_iter().zip(exemplars).enumerate();
    let row = |(row, (durations, exemplars)): (usize, (Durations, Exemplars))| {
        let series = Series {
            interval_start_unix_nano: starts.value(row),
            service_name: services.get(row).to_owned(),
            operation: operations.get(row).to_owned(),
            kind: kinds.value(row),
            status_code: statuses.value(row),
            service_version: versions.get(row).to_owned(),
            environment: environments.get(row).to_owned(),
            overflow: overflows.value(row),
        };
        let figures = RedFigures {
            durations,
            bytes: bytes.value(row),
            exemplars,
        };
        (resolutions.value(row), series, figures)
    };
    Some(figures.map(row).collect())
}
