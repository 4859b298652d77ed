//! What to start, and how strongly it must be confined.

use std::ffi::OsString;
use std::path::PathBuf;

use freehold_core::SecretBytes;

use crate::{Display, Limits};

/// What sort of program a child is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any program: it gets every layer the machine has.
    Program,
    /// A Chromium. It confines its own pages with namespaces and filters that Landlock and our own filter would deny it, so it gets a
    /// uid and mounts alone. Its standard input and output are handed to it as descriptors 3 and 4, which is where
    /// `--remote-debugging-pipe` looks; a directory `profile` in its scratch directory is given to its uid with all it contains.
    Browser {
        /// A directory that stands where the machine's managed policies would: the only ones this child sees.
        policies: PathBuf,
        /// The display its windows are on. It takes bubblewrap ([`crate::Host::has_own_mounts`]).
        display: Option<Display>,
    },
}

/// One child process to start.
///
/// Its environment is exactly: `PATH` (fixed), `HOME` and `TMPDIR` (in its scratch directory), `LANG`, then [`ChildSpec::env`] and
/// [`ChildSpec::secret_env`]. It sees read-only its folder, its program and the system's libraries, and writes only in `scratch`.
pub struct ChildSpec {
    /// An absolute path, a path relative to `folder` (with a slash in it), or a bare name looked up in `/usr/local/bin`, `/usr/bin`,
    /// `/bin` and [`crate::Host::with_search_path`].
    pub program: PathBuf,
    /// Its arguments, without the program's own name. Visible to every user of the machine: never a secret.
    pub args: Vec<OsString>,
    /// The connector's folder: the working directory, read-only.
    pub folder: PathBuf,
    /// Further variables, not secret. `LANG` and `TZ` may be set here; `PATH`, `HOME`, `TMPDIR` and `LD_*` may not.
    pub env: Vec<(String, String)>,
    /// Variables with secrets, under the same rules. They reach the child over a socket once it is confined.
    pub secret_env: Vec<(String, SecretBytes)>,
    /// A directory for this run alone, made and removed by the caller. `home` and `tmp` are made in it, and where the child has a
    /// uid of its own the three are given to that uid.
    pub scratch: PathBuf,
    /// What it may use up.
    pub limits: Limits,
    /// Whether it may open network connections at all. Which hosts it reaches is not enforced here.
    pub network: bool,
    /// What to do where the layers are too weak for a secret.
    pub strength: Strength,
    /// What sort of program it is.
    pub kind: Kind,
    /// Whether a secret will reach it in another way than `secret_env`: as an answer on its standard input.
    pub receives_secret: bool,
}

impl ChildSpec {
    /// Whether any secret reaches this child.
    pub fn has_secret(&self) -> bool {
        self.receives_secret || !self.secret_env.is_empty()
    }
}

/// How much confinement a child that receives a secret must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// Enough for a secret ([`crate::Layers::suffice_for_secret`]), or it does not start.
    Full,
    /// The owner has accepted, for this source, whatever layers this machine has.
    Reduced,
}
