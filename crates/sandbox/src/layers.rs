//! Which layers of confinement are in force around a child.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The layers in force around one child. One that cannot be applied stops the child from starting, and never falls away.
///
/// No new privileges, no core dumps, closed descriptors, the parent-death signal and the limits hold in every case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers {
    /// The uid (and gid) the child has to itself.
    pub own_uid: Option<u32>,
    /// Its own process, IPC, host name and mount namespaces, with few read-only mounts.
    pub bubblewrap: bool,
    /// The Landlock ABI in force, if any.
    pub landlock: Option<u8>,
    /// The system call filter.
    pub seccomp: bool,
}

impl Layers {
    /// Whether a child so confined may be given a secret: its own uid, or bubblewrap, or Landlock with the system call filter
    /// (which closes what older Landlock versions leave open: Unix sockets and tracing).
    pub fn suffice_for_secret(&self) -> bool {
        self.own_uid.is_some() || self.bubblewrap || (self.landlock.is_some() && self.seccomp)
    }
}

impl fmt::Display for Layers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = Vec::new();
        if self.own_uid.is_some() {
            names.push("a uid of its own".to_owned());
        }
        if self.bubblewrap {
            names.push("bubblewrap".to_owned());
        }
        if let Some(abi) = self.landlock {
            names.push(format!("Landlock {abi}"));
        }
        if self.seccomp {
            names.push("a system call filter".to_owned());
        }
        if names.is_empty() {
            names.push("limits alone".to_owned());
        }
        formatter.write_str(&names.join(", "))
    }
}
