//! Commands that talk to a running server: one module each.

pub(crate) mod client;
pub(crate) mod export;
pub(crate) mod holds;
pub(crate) mod import;
pub(crate) mod when;

use crate::node::AnyError;

/// Runs what a command does, on this thread.
pub(crate) fn block_on(work: impl Future<Output = Result<(), AnyError>>) -> Result<(), AnyError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(work)
}
