//! Commands that talk to a running server, or work on a data folder: one module each.

pub(crate) mod client;
pub(crate) mod export;
pub(crate) mod holds;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod query;
pub(crate) mod terminal;
pub(crate) mod trace;
pub(crate) mod verify;
pub(crate) mod when;

use std::path::Path;

use storage::{Offline, OpenError};

use crate::node::AnyError;

/// Runs what a command does, on this thread.
pub(crate) fn block_on(work: impl Future<Output = Result<(), AnyError>>) -> Result<(), AnyError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(work)
}

/// Takes a data folder for this process alone.
pub(crate) fn take_folder(folder: &Path) -> Result<Offline, AnyError> {
    Offline::open(folder).map_err(|error| match error {
        OpenError::Locked => format!(
            "{error}: {} must be without a server while this command works on it",
            folder.display()
        )
        .into(),
        other => other.into(),
    })
}
