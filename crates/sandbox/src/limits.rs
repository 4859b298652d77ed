//! What a child may use up.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// Limits of one child, as resource limits of the kernel (`setrlimit(2)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Private writable memory of each of its processes, in bytes.
    pub memory_bytes: u64,
    /// Processes and threads together, of the whole run.
    pub processes: u64,
    /// Open descriptors of each process.
    pub open_files: u64,
    /// Size of any one file it writes, in bytes.
    pub file_bytes: u64,
    /// Processor time of each process, in seconds.
    pub cpu_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_bytes: 2 << 30, processes: 256, open_files: 1024, file_bytes: 2 << 30, cpu_seconds: 3600 }
    }
}

impl Limits {
    /// Applies the limits to the calling process and all it starts. `processes_already` is how many processes the kernel will count
    /// against the limit that are not this run's.
    pub(crate) fn apply(&self, processes_already: u64) -> io::Result<()> {
        // Not the address space: language runtimes reserve tens of gigabytes of it that they never touch.
        lower(Resource::Data, self.memory_bytes)?;
        lower(Resource::Nproc, self.processes.saturating_add(processes_already))?;
        lower(Resource::Nofile, self.open_files)?;
        lower(Resource::Fsize, self.file_bytes)?;
        lower(Resource::Cpu, self.cpu_seconds)?;
        lower(Resource::Core, 0)
    }
}

/// Sets both the soft and the hard limit, never above the hard limit that is already there.
pub(crate) fn lower(resource: Resource, limit: u64) -> io::Result<()> {
    let limit = getrlimit(resource).maximum.map_or(limit, |maximum| maximum.min(limit));
    Ok(setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?)
}
