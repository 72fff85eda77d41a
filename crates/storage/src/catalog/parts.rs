//! Parts: files of the tables beside the blocks.

use model::TenantId;
use serde::{Deserialize, Serialize};

use super::tag;

/// A table beside that of spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PartTable {
    Logs,
    Rollups,
    Edges,
}

impl PartTable {
    /// Every table.
    pub(crate) const ALL: [Self; 3] = [Self::Logs, Self::Rollups, Self::Edges];

    /// Its folder in the lake, and the name of its Delta table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Rollups => "rollups",
            Self::Edges => "edges",
        }
    }

    /// Its folder where the lake lies in the data folder.
    pub(crate) fn folder_in_data(self) -> String {
        format!("lake/{}", self.name())
    }
}

impl PartEntry {
    /// Its path relative to its table.
    pub(crate) fn path_in_table(&self) -> &str {
        let path = self.path.strip_prefix(self.table.name());
        path.and_then(|path| path.strip_prefix('/'))
            .unwrap_or(&self.path)
    }
}

/// A part, as readers and merges choose it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartEntry {
    /// Unique in this store, never reused, nor the id of a block.
    pub(crate) id: u64,
    pub(crate) table: PartTable,
    #[serde(with = "tag::tenant")]
    pub(crate) tenant: TenantId,
    /// Relative to the lake; in steps up to version 4, to the data folder.
    pub(crate) path: String,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// CRC-32C of the file; `None` of those that builds before this figure wrote.
    #[serde(default)]
    pub(crate) crc32c: Option<u32>,
    /// Times of its rows.
    pub(crate) oldest_unix_nano: i64,
    pub(crate) newest_unix_nano: i64,
    /// 0 as flushed, more after each merge.
    pub(crate) level: u8,
    /// The hour of receipt, counted from the Unix epoch: where its file lies, and from when retention counts.
    pub(crate) hour: i64,
    /// The one resolution of its counts; `None` where it has all of them, or none at all.
    #[serde(default)]
    pub(crate) resolution_seconds: Option<i32>,
    /// How long it is kept, when that is not as long as its table's are.
    pub(crate) keep_nano: Option<i64>,
}
