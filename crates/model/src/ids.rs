//! Identities: of traces, spans and tenants.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Neither of the lengths that the id may have.
    #[error("expected {expected} hexadecimal digits, got {got} characters")]
    Length {
        /// The lengths that are accepted, in words.
        expected: &'static str,
        /// Characters found.
        got: usize,
    },
    /// A character that is no hexadecimal digit.
    #[error("character {position} is not a hexadecimal digit")]
    NotHex {
        /// Zero-based position in characters.
        position: usize,
    },
    /// All zeros, which OpenTelemetry reserves for "no id".
    #[error("an id of zeros means \"no id\"")]
    Zero,
    /// Not a tenant name.
    #[error(
        "a tenant is 1 to 64 of the characters a-z, A-Z, 0-9, `_`, `-`, `.`, and does not begin with a dot"
    )]
    Tenant,
}

/// A 16-byte trace id; never all zeros when parsed from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(pub [u8; 16]);

/// An 8-byte span id; never all zeros when parsed from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(pub [u8; 8]);

impl TraceId {
    /// Whether the upper half is zero, as in ids of 64-bit tracers.
    pub fn is_64_bit(&self) -> bool {
        self.0[..8] == [0; 8]
    }
}

impl FromStr for TraceId {
    type Err = IdError;

    /// Reads 32 hexadecimal digits of any case, or 16 for an id whose upper half is zero.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut id = [0; 16];
        match text.len() {
            32 => decode_hex(text, &mut id)?,
            16 => decode_hex(text, &mut id[8..])?,
            _ => {
                return Err(IdError::Length {
                    expected: "16 or 32",
                    got: text.chars().count(),
                });
            }
        }
        if id == [0; 16] {
            Err(IdError::Zero)
        } else {
            Ok(Self(id))
        }
    }
}

impl FromStr for SpanId {
    type Err = IdError;

    /// Reads 16 hexadecimal digits of any case.
    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.len() != 16 {
            return Err(IdError::Length {
                expected: "16",
                got: text.chars().count(),
            });
        }
        let mut id = [0; 8];
        decode_hex(text, &mut id)?;
        if id == [0; 8] {
            Err(IdError::Zero)
        } else {
            Ok(Self(id))
        }
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// The owner of data: part of every row, segment, catalog entry and scan. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// The tenant of an installation that has no others.
    pub fn default_tenant() -> Self {
        Self(Arc::from("default"))
    }

    /// The name, safe to use as one path segment.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        let valid =
            (1..=64).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(allowed);
        if valid {
            Ok(Self(Arc::from(text)))
        } else {
            Err(IdError::Tenant)
        }
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `text` holds exactly two bytes for each of `out`, as its caller checked.
fn decode_hex(text: &str, out: &mut [u8]) -> Result<(), IdError> {
    let digit = |position: usize| {
        let value = char::from(text.as_bytes()[position]).to_digit(16);
        value.map(|v| v as u8).ok_or(IdError::NotHex { position })
    };
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = digit(2 * i)? << 4 | digit(2 * i + 1)?;
    }
    Ok(())
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|b| write!(f, "{b:02x}"))
}
