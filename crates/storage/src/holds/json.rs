//! Pins and erasures as their file writes them, see `docs/formats.md`.

use model::{TenantId, TraceId};
use serde::{Deserialize, Serialize};
use store_api::{Erasure, Pin};

#[derive(Serialize, Deserialize)]
#[serde(remote = "Pin")]
struct PinForm {
    id: u64,
    #[serde(with = "text")]
    tenant: TenantId,
    #[serde(with = "texts")]
    trace_ids: Vec<TraceId>,
    reason: String,
    created_unix_nano: i64,
    expires_unix_nano: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Erasure")]
struct ErasureForm {
    id: u64,
    #[serde(with = "text")]
    tenant: TenantId,
    #[serde(with = "texts")]
    trace_ids: Vec<TraceId>,
    reason: String,
    created_unix_nano: i64,
    deadline_unix_nano: i64,
    completed_unix_nano: Option<i64>,
    remembered_until_unix_nano: i64,
}

/// A module for `serde(with)` of a list of `$item` in `$form`.
macro_rules! list_of {
    ($name:ident, $item:ident, $form:literal) => {
        pub(super) mod $name {
            use serde::{Deserialize, Deserializer, Serialize, Serializer};
            use store_api::$item;

            #[derive(Serialize)]
            struct Written<'a>(#[serde(with = $form)] &'a $item);
            #[derive(Deserialize)]
            struct Read(#[serde(with = $form)] $item);

            pub(crate) fn serialize<S: Serializer>(
                items: &[$item],
                s: S,
            ) -> Result<S::Ok, S::Error> {
                s.collect_seq(items.iter().map(Written))
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
                d: D,
            ) -> Result<Vec<$item>, D::Error> {
                let items = Vec::<Read>::deserialize(d)?;
                Ok(items.into_iter().map(|Read(item)| item).collect())
            }
        }
    };
}

list_of!(pins, Pin, "super::PinForm");
list_of!(erasures, Erasure, "super::ErasureForm");

/// As people write it.
mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &impl Display, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, T>(d: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
    {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

/// A list of what people write.
mod texts {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        values: &[impl Display],
        s: S,
    ) -> Result<S::Ok, S::Error> {
        s.collect_seq(values.iter().map(ToString::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, T>(d: D) -> Result<Vec<T>, D::Error>
    where
        T: FromStr<Err: Display>,
    {
        let texts = Vec::<String>::deserialize(d)?;
        let parsed = texts.iter().map(|text| text.parse());
        parsed.collect::<Result<_, _>>().map_err(D::Error::custom)
    }
}
