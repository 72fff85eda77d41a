//! Cores: the server gets one of its own, everything else the others.

use rustix::process::{getpriority_process, setpriority_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::AnyError;

/// The priority that the server runs with when this process may give it. Other work on the machine then takes less of its core.
const SERVER_NICE: i32 = -10;

/// Which cores the server and the rest of this program have.
#[derive(Debug, Clone)]
pub(crate) struct Cores {
    server: CpuSet,
    others: CpuSet,
    pub(crate) server_core: usize,
    pub(crate) n_others: usize,
}

impl Cores {
    /// Keeps this thread, and threads that it starts, off `server_core`, when there is another core.
    pub(crate) fn divide(server_core: usize) -> Result<Self, AnyError> {
        let all = sched_getaffinity(None)?;
        if server_core >= CpuSet::MAX_CPU || !all.is_set(server_core) {
            return Err(format!("core {server_core} is not ours to use").into());
        }
        let mut server = CpuSet::new();
        server.set(server_core);
        let mut others = all;
        others.unset(server_core);
        let n_others = others.count() as usize;
        if n_others == 0 {
            eprintln!("there is one core only: the sender shares it with the server");
            others = all;
        }
        sched_setaffinity(None, &others)?;
        Ok(Self {
            server,
            others,
            server_core,
            n_others,
        })
    }

    /// Runs `spawn`, which starts a process, so that the process has the server's core and priority from its first moment on.
    /// The second value is the priority it got.
    pub(crate) fn as_server<T>(&self, spawn: impl FnOnce() -> T) -> Result<(T, i32), AnyError> {
        let own = getpriority_process(None)?;
        sched_setaffinity(None, &self.server)?;
        // Only some users may; the report says which priority it was.
        let raised = setpriority_process(None, SERVER_NICE).is_ok();
        let spawned = spawn();
        if raised {
            setpriority_process(None, own)?;
        }
        sched_setaffinity(None, &self.others)?;
        Ok((spawned, if raised { SERVER_NICE } else { own }))
    }
}
