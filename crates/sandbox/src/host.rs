//! What this machine offers to confine children with.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Kind, Layers, bubblewrap, file_access, syscalls};

/// The uids that children get: above everything distributions and container engines hand out, below the kernel's signed limit.
const FIRST_UID: u32 = 0x7000_0000;
const UIDS: u32 = 0x0fff_0000;

/// What this machine offers, found out once, at the server's start.
pub struct Host {
    pub(crate) launcher: PathBuf,
    pub(crate) search_path: Vec<PathBuf>,
    pub(crate) root: bool,
    pub(crate) own_uid: bool,
    pub(crate) bubblewrap: Bubblewrap,
    pub(crate) landlock: Option<u8>,
    pub(crate) seccomp: bool,
    next_uid: AtomicU32,
}

/// Whether bubblewrap can be used.
pub(crate) enum Bubblewrap {
    Works(PathBuf),
    Fails(String),
    Absent,
}

/// Which of the machine's layers to use; for tests, which try each alone and all stacked.
#[derive(Clone, Copy, Debug)]
pub struct LayerMask {
    /// A uid per child, where the server is root.
    pub own_uid: bool,
    /// Namespaces.
    pub bubblewrap: bool,
    /// The newest Landlock ABI to use; 0 for none.
    pub landlock: u8,
    /// The system call filter.
    pub seccomp: bool,
}

impl LayerMask {
    /// Everything the machine has.
    pub const ALL: Self = Self { own_uid: true, bubblewrap: true, landlock: u8::MAX, seccomp: true };
    /// Nothing at all.
    pub const NONE: Self = Self { own_uid: false, bubblewrap: false, landlock: 0, seccomp: false };
}

impl Host {
    /// Finds out what holds here, by trying it. `launcher` is the server's own binary (`/proc/self/exe` stays right even while an
    /// upgrade replaces the file); started with [`crate::LAUNCH_COMMAND`] it must call [`crate::launcher_main`].
    pub fn probe(launcher: PathBuf) -> Self {
        let root = rustix::process::geteuid().is_root();
        // Two servers on one machine start far apart in the range, and so do not share a uid.
        let first = std::process::id().wrapping_mul(64) % UIDS;
        Self {
            launcher,
            search_path: Vec::new(),
            root,
            own_uid: root,
            bubblewrap: try_bubblewrap(root),
            landlock: file_access::kernel_abi(),
            seccomp: syscalls::available(),
            next_uid: AtomicU32::new(first),
        }
    }

    /// Looks for programs in these directories too, after the fixed search path: for interpreters an operator keeps elsewhere.
    pub fn with_search_path(self, search_path: Vec<PathBuf>) -> Self {
        Self { search_path, ..self }
    }

    /// Uses only the layers the mask leaves.
    pub fn with_layers(self, mask: LayerMask) -> Self {
        Self {
            own_uid: self.own_uid && mask.own_uid,
            bubblewrap: if mask.bubblewrap { self.bubblewrap } else { Bubblewrap::Absent },
            landlock: self.landlock.map(|abi| abi.min(mask.landlock)).filter(|abi| *abi > 0),
            seccomp: self.seccomp && mask.seccomp,
            ..self
        }
    }

    /// Whether each child has mounts of its own.
    pub fn has_own_mounts(&self) -> bool {
        matches!(self.bubblewrap, Bubblewrap::Works(_))
    }

    /// The layers the next child of that kind will have.
    pub(crate) fn layers(&self, kind: &Kind) -> Layers {
        let ours = matches!(kind, Kind::Program);
        Layers {
            own_uid: self.own_uid.then(|| FIRST_UID + self.next_uid.fetch_add(1, Ordering::Relaxed) % UIDS),
            bubblewrap: self.has_own_mounts(),
            landlock: self.landlock.filter(|_| ours),
            seccomp: self.seccomp && ours,
        }
    }
}

/// Starts bubblewrap with a child's namespaces; that it is installed says little, where user namespaces are switched off.
fn try_bubblewrap(root: bool) -> Bubblewrap {
    let Some(path) = bubblewrap::find() else { return Bubblewrap::Absent };
    // R3 is kept here: this is the crate that starts processes.
    #[allow(clippy::disallowed_methods)]
    let mut command = Command::new(&path);
    command.env_clear().stdin(Stdio::null()).args(bubblewrap::isolation(root, root));
    command.args(["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--"]).arg(&path).arg("--version");
    match command.output() {
        Ok(output) if output.status.success() => Bubblewrap::Works(path),
        Ok(output) => Bubblewrap::Fails(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Bubblewrap::Fails(error.to_string()),
    }
}
