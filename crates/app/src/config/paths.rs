//! Where things are when nobody says. None of it follows from HOME: home comes from the password database.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use freehold_core::{Problem, ProblemCode};

use super::environment::Environment;

/// What the default places follow from.
pub(crate) struct Places {
    /// Whether this is root, whose files are the system's.
    root: bool,
    home: PathBuf,
    /// Private to this user, on tmpfs as a rule.
    session: Option<PathBuf>,
}

impl Places {
    /// Finds them.
    ///
    /// # Errors
    /// Says so if the password database does not know this user.
    pub(crate) fn find(environment: &Environment) -> Result<Self, Problem> {
        let uid = nix::unistd::Uid::effective();
        let home = nix::unistd::User::from_uid(uid).ok().flatten().map(|user| user.dir).ok_or_else(|| {
            Problem::new(
                ProblemCode::BadInput,
                format!("The user with the number {uid} is not in the password database, so there is no home directory."),
                "Run Freehold as a user that has an account on this machine.",
            )
        })?;
        // Root's login sessions have a runtime directory that a system service lacks, and both have to find the same socket.
        let session = if uid.is_root() { None } else { environment.path("XDG_RUNTIME_DIR") };
        Ok(Self { root: uid.is_root(), home, session })
    }

    /// The first configuration file that exists.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        let own = self.home.join(".config/freehold/config.toml");
        let system = PathBuf::from("/etc/freehold/config.toml");
        let candidates = if self.root { vec![system] } else { vec![own, system] };
        candidates.into_iter().find(|path| path.exists())
    }

    /// The data directory.
    pub(crate) fn data_dir(&self) -> PathBuf {
        if self.root { "/var/lib/freehold".into() } else { self.home.join(".local/share/freehold") }
    }

    /// The key file: beside the configuration, read or not.
    pub(crate) fn key_file(&self, config_file: Option<&Path>) -> PathBuf {
        let beside = config_file.and_then(Path::parent).map(Path::to_owned);
        let default = || if self.root { "/etc/freehold".into() } else { self.home.join(".config/freehold") };
        beside.unwrap_or_else(default).join("vault.key")
    }

    /// The directory of the socket and the CLI's token.
    pub(crate) fn runtime_dir(&self, data_dir: &Path) -> PathBuf {
        match &self.session {
            _ if self.root => "/run/freehold".into(),
            Some(session) => session.join("freehold"),
            None => data_dir.join("run"),
        }
    }

    /// The directory for runs: a place in memory if there is one, else none. Servers on different data never share it.
    pub(crate) fn scratch_dir(&self, data_dir: &Path) -> Option<PathBuf> {
        let mut hasher = DefaultHasher::new();
        (nix::unistd::Uid::effective().as_raw(), data_dir).hash(&mut hasher);
        // Short: a browser makes a socket below it, whose path has a limit.
        let name = format!("freehold-{:08x}", hasher.finish() as u32);
        let session = if self.root { Some(PathBuf::from("/run")) } else { self.session.clone() };
        session.into_iter().chain([PathBuf::from("/dev/shm")]).find(|dir| is_tmpfs(dir)).map(|dir| dir.join(name))
    }
}

/// Whether what is written there stays in memory (or in swap), as far as the nearest existing parent tells.
pub(crate) fn is_tmpfs(path: &Path) -> bool {
    /// `statfs(2)`, f_type.
    const TMPFS_MAGIC: i64 = 0x0102_1994;
    let existing = path.ancestors().find(|part| part.exists());
    existing.and_then(|part| rustix::fs::statfs(part).ok()).is_some_and(|found| found.f_type == TMPFS_MAGIC)
}
