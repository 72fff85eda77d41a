//! What is known of a block, as a tag of its file in the table.
//!
//! The tag is `{"format_version": 4, "crc32c": …, "block": …}`; `crc32c` is of the bytes of the value of `block`, which names the path as
//! well. So an entry that was damaged is seen wherever it comes from, a commit or a checkpoint.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::BlockEntry;
use crate::table::DataFile;

/// The key of the tag.
pub(super) const KEY: &str = "causeline.block";
/// Version of the tags that are written, see `docs/formats.md`.
const VERSION: u32 = 4;

#[derive(Deserialize)]
struct Tag<'a> {
    format_version: u32,
    crc32c: u32,
    #[serde(borrow)]
    block: &'a RawValue,
}

pub(super) fn format(entry: &BlockEntry) -> serde_json::Result<String> {
    let json = serde_json::to_string(entry)?;
    let crc = crc32c::crc32c(json.as_bytes());
    Ok(format!(
        "{{\"format_version\":{VERSION},\"crc32c\":{crc},\"block\":{json}}}"
    ))
}

/// The block that `file` is. Errors say why it is none of ours.
pub(super) fn parse(file: &DataFile, id: u64) -> Result<BlockEntry, String> {
    let tag = file.tags.get(KEY).ok_or("it is no block of Causeline's")?;
    let tag: Tag<'_> = serde_json::from_str(tag).map_err(|e| e.to_string())?;
    if tag.format_version != VERSION {
        return Err(format!(
            "format version {} is not supported, this build reads version {VERSION}",
            tag.format_version
        ));
    }
    let json = tag.block.get();
    if crc32c::crc32c(json.as_bytes()) != tag.crc32c {
        return Err("checksum differs".to_owned());
    }
    let mut entry: BlockEntry = serde_json::from_str(json).map_err(|e| e.to_string())?;
    if entry.path != file.path || entry.bytes != file.bytes {
        return Err("the table has another path or size than the block's tag".to_owned());
    }
    entry.id = id;
    Ok(entry)
}

/// A tenant by name.
pub(super) mod tenant {
    use model::TenantId;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in super::super) fn serialize<S: Serializer>(
        id: &TenantId,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        s.serialize_str(id.as_str())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<TenantId, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}
