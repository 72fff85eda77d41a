//! How a node opens its tables.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use clock::{Entropy, SharedClock};
use model::TenantId;

use crate::block::{PARTITIONS, partition_values};
use crate::error::OpenError;
use crate::lake::{Lake, remove_unfinished};
use crate::table::{LOG, Table, TableError, TableSpec};

/// What the tables of a node have in common.
#[derive(Debug, Clone)]
pub(crate) struct TablesSpec {
    pub(crate) lake: Lake,
    /// This node's name, unique among the stores of the lake.
    pub(crate) node: String,
    /// Whether other stores write there too, or could by mistake.
    pub(crate) is_shared: bool,
    /// Whether a table that is there keeps the properties that it has.
    pub(crate) keeps_properties: bool,
    pub(crate) vacuum_grace: Duration,
    pub(crate) log_retention: Duration,
    pub(crate) checkpoint_commits: u64,
    pub(crate) clock: SharedClock,
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// Which table, and what is in it.
#[derive(Debug)]
pub(crate) struct TableKind {
    pub(crate) name: &'static str,
    /// The columns of its files.
    pub(crate) schema: SchemaRef,
    /// Those of which Delta keeps statistics, should another tool write.
    pub(crate) stats_columns: &'static [&'static str],
}

impl TablesSpec {
    /// Opens a table, makes it when absent, and removes what an unfinished commit of this node left in its log. The second value names what
    /// of its log is damaged and not needed.
    pub(crate) fn open(&self, kind: TableKind) -> Result<(Table, Vec<String>), OpenError> {
        let name = kind.name;
        let disk = self.lake.table_disk(name).map_err(OpenError::io(name))?;
        if !self.lake.is_remote {
            remove_unfinished(disk.as_ref(), LOG, &self.node).map_err(OpenError::io(LOG))?;
        }
        let spec = TableSpec {
            name: name.to_owned(),
            schema: kind.schema,
            partition_columns: PARTITIONS.map(str::to_owned).into(),
            properties: match self.keeps_properties {
                true => BTreeMap::new(),
                false => self.properties(kind.stats_columns),
            },
            app: self.node.clone(),
        };
        let (clock, entropy) = (self.clock.clone(), self.entropy.as_ref());
        Ok(Table::open_or_create(&self.lake, &spec, clock, entropy)?)
    }

    /// Writes a checkpoint of `table` and cleans up its log, if there were enough commits since the last one. Errors: as of
    /// [`Table::checkpoint`].
    pub(crate) fn checkpoint_if_due(&self, table: &Table) -> Result<(), TableError> {
        if table.is_checkpoint_due(self.checkpoint_commits.max(1))? {
            table.checkpoint(self.log_retention)?;
        }
        Ok(())
    }

    /// Delta's properties of a table.
    fn properties(&self, stats_columns: &[&str]) -> BTreeMap<String, String> {
        let seconds = |time: Duration| format!("interval {} seconds", time.as_secs());
        let commits = self.checkpoint_commits.max(1).to_string();
        let properties = [
            ("delta.checkpointInterval", commits),
            ("delta.logRetentionDuration", seconds(self.log_retention)),
            (
                "delta.deletedFileRetentionDuration",
                seconds(self.vacuum_grace),
            ),
            ("delta.dataSkippingStatsColumns", stats_columns.join(",")),
        ];
        properties
            .map(|(key, value)| (key.to_owned(), value))
            .into()
    }
}

/// The partition of a file of `tenant` received in `hour`, as Delta has it.
pub(crate) fn partition(tenant: &TenantId, hour: i64) -> BTreeMap<String, String> {
    let values = partition_values(tenant, hour);
    let columns = PARTITIONS.map(str::to_owned).into_iter();
    columns.zip(values).collect()
}
