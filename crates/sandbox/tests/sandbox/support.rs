//! Starting the child that tries things, and the combinations of layers to start it under.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use freehold_sandbox::{Child, ChildSpec, Host, Kind, LayerMask, Limits, SandboxError, Strength, spawn};

/// The launcher, which is also the program that tries things.
pub(crate) const LAUNCHER: &str = env!("CARGO_BIN_EXE_sandbox-launcher");

/// Each layer alone, the stacks that exist in practice, and everything.
pub(crate) const STACKS: [(&str, LayerMask); 7] = [
    ("everything", LayerMask::ALL),
    ("own uid alone", LayerMask { own_uid: true, ..LayerMask::NONE }),
    ("bubblewrap alone", LayerMask { bubblewrap: true, ..LayerMask::NONE }),
    ("Landlock and seccomp", LayerMask { landlock: u8::MAX, seccomp: true, ..LayerMask::NONE }),
    ("the first Landlock and seccomp", LayerMask { landlock: 1, seccomp: true, ..LayerMask::NONE }),
    ("everything, the first Landlock", LayerMask { landlock: 1, ..LayerMask::ALL }),
    ("everything but bubblewrap", LayerMask { bubblewrap: false, ..LayerMask::ALL }),
];

/// The stacks that this machine has all layers of, by name.
pub(crate) fn stacks() -> impl Iterator<Item = (&'static str, LayerMask)> {
    let root = rustix::process::geteuid().is_root();
    STACKS.into_iter().filter(move |(name, _)| root || *name != "own uid alone")
}

/// The host with a mask.
pub(crate) fn host(mask: LayerMask) -> Host {
    Host::probe(LAUNCHER.into()).with_layers(mask)
}

/// A connector's folder, a scratch directory, and room for what a child must not get at.
pub(crate) struct Place {
    root: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        open_to_all(root.path());
        for name in ["folder", "other"] {
            fs::create_dir(root.path().join(name)).unwrap();
            open_to_all(&root.path().join(name));
        }
        Self { root }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(name)
    }

    /// A file for a child to try, readable to every user of the machine if `open`.
    pub(crate) fn file(&self, name: &str, open: bool) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, "canary").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(if open { 0o644 } else { 0o600 })).unwrap();
        path
    }

    /// What to start for one attempt; change it before [`Place::start`].
    pub(crate) fn spec(&self, attempt: &str, args: &[&str]) -> ChildSpec {
        let scratch = tempfile::Builder::new().prefix("run").tempdir_in(self.root.path()).unwrap().keep();
        ChildSpec {
            program: LAUNCHER.into(),
            args: [attempt].iter().chain(args).map(Into::into).collect(),
            folder: self.path("folder"),
            env: Vec::new(),
            secret_env: Vec::new(),
            scratch,
            limits: Limits::default(),
            network: true,
            strength: Strength::Full,
            kind: Kind::Program,
            receives_secret: false,
        }
    }

    /// Tries one thing under a mask, and returns what the child said.
    pub(crate) fn attempt(&self, mask: LayerMask, attempt: &str, args: &[&str]) -> String {
        finish(spawn(&host(mask), self.spec(attempt, args)).unwrap())
    }
}

fn open_to_all(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

/// All the child says until it ends.
pub(crate) fn finish(mut child: Child) -> String {
    drop(child.stdin.take());
    let (mut said, mut complained) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut complained).unwrap();
    let status = child.wait().unwrap();
    assert!(complained.is_empty(), "{status}: {complained}");
    said.trim_end().to_owned()
}

/// The next line the child says.
pub(crate) fn line(child: &mut Child) -> String {
    let stdout = child.stdout.as_mut().unwrap();
    let mut line = String::new();
    // One byte at a time, so that nothing is read beyond the line.
    BufReader::with_capacity(1, stdout).read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// Why it did not start.
pub(crate) fn refused(result: Result<Child, SandboxError>) -> SandboxError {
    result.err().expect("it should not have started")
}

/// The processes whose command line has this in it, of the whole machine but for this one.
pub(crate) fn processes(marker: &str) -> Vec<i32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let marked = |pid: &i32| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(marker))
    };
    pids.filter(|pid| *pid != std::process::id() as i32).filter(marked).collect()
}
