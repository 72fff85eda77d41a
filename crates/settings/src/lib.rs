//! Value types of settings and the loader that reads them.
//!
//! Each room owns a plain `Config` of these types; the binary composes them into one file. Reading has two steps: the raw
//! structs are what the operator typed, and a room's constructor checks them and reports every [`ConfigProblem`] at once.
//!
//! Never here: the settings of a room, a default that a room should own, logging.

mod load;
mod problem;
mod secret;
mod units;

pub use load::{read_file, read_text};
pub use problem::{ConfigProblem, Origin};
pub use secret::Secret;
pub use units::{ByteSize, HumanDuration, UnitError};
