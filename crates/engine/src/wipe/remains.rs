//! Looking whether anything of a run is still there: its directory, mounts, processes, secrets, profile, and what the server holds.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use freehold_core::Problem;
use freehold_core::receipt::Looked;
use freehold_store::{SourceRow, UnwipedRun};
use freehold_vault::KeyPurpose;
use memchr::memmem;

use crate::problem::from_store;
use crate::server::Inner;

/// What is left, and where it was looked.
pub(super) struct Remains {
    pub(super) left: Vec<String>,
    pub(super) looked_at: Vec<Looked>,
}

impl Remains {
    fn looked(&mut self, surface: &str, items: u64, unreadable: u64) {
        self.looked_at.push(Looked { surface: surface.to_owned(), items, unreadable });
    }
}

impl Inner {
    /// Looks everywhere once.
    pub(super) fn remains(
        &self,
        source: &SourceRow,
        unwiped: &UnwipedRun,
        not_removed: Option<&io::Error>,
    ) -> Result<Remains, Problem> {
        let mut remains = Remains { left: Vec::new(), looked_at: Vec::new() };
        directories(&mut remains, &unwiped.directory, not_removed);
        mounts(&mut remains, &unwiped.directory);
        processes(&mut remains, &unwiped.directory);
        self.secrets(&mut remains, source)?;
        let profiles = self.profile_files(source.id);
        remains.looked("profiles", profiles.len() as u64, 0);
        for path in profiles.iter().filter(|path| path.symlink_metadata().is_ok()) {
            remains.left.push(format!("a sealed profile, {}", path.display()));
        }
        remains.looked("memory", 1, 0);
        if self.is_in_memory(unwiped.run) {
            remains.left.push("details given for this run, in memory".to_owned());
        }
        Ok(remains)
    }

    fn secrets(&self, remains: &mut Remains, source: &SourceRow) -> Result<(), Problem> {
        // One that has left the mode since may keep what it likes.
        if !super::keeps_nothing(source.mode) {
            return Ok(());
        }
        let mut looked = 0;
        for purpose in [KeyPurpose::Profile, KeyPurpose::Secrets] {
            looked += 1;
            if !self.vault_db.source_keys(source.id, purpose.as_str()).map_err(from_store)?.is_empty() {
                remains.left.push(format!("a key for the source's {}, in vault.db", purpose.as_str()));
            }
        }
        let rows = self.vault_db.secrets(source.id).map_err(from_store)?.len();
        if rows > 0 {
            remains.left.push(format!("{rows} sealed secrets, in vault.db"));
        }
        remains.looked("secrets", looked + 1, 0);
        Ok(())
    }
}

fn directories(remains: &mut Remains, directory: &Path, not_removed: Option<&io::Error>) {
    remains.looked("directories", 1, 0);
    if directory.symlink_metadata().is_ok() {
        let (files, _) = count(directory);
        let why = not_removed.map(|error| format!(" ({error})")).unwrap_or_default();
        remains.left.push(format!("the directory {}, with {files} files{why}", directory.display()));
    }
}

fn mounts(remains: &mut Remains, directory: &Path) {
    match fs::read("/proc/self/mountinfo") {
        Ok(mounts) => {
            let lines: Vec<_> = mounts.split(|byte| *byte == b'\n').collect();
            remains.looked("mounts", lines.len() as u64, 0);
            if lines.iter().any(|line| mentions(line, directory)) {
                remains.left.push(format!("a mount at {}", directory.display()));
            }
        }
        Err(_) => remains.looked("mounts", 0, 1),
    }
}

fn processes(remains: &mut Remains, directory: &Path) {
    let seen = look_at_processes(directory);
    remains.looked("processes", seen.looked, seen.unreadable);
    for (pid, name) in seen.found {
        remains.left.push(format!("process {pid} ({name})"));
    }
}

/// The processes that have to do with a directory, by number and name.
pub(crate) fn processes_at(directory: &Path) -> Vec<(u32, String)> {
    look_at_processes(directory).found
}

struct Seen {
    found: Vec<(u32, String)>,
    looked: u64,
    unreadable: u64,
}

/// Looks at every process's arguments, environment, directories and open files. Other users' processes, which only root can look into,
/// cannot be a run's: a server that is not root starts none under another user.
fn look_at_processes(directory: &Path) -> Seen {
    let own = rustix::process::geteuid().as_raw();
    let mut seen = Seen { found: Vec::new(), looked: 0, unreadable: 0 };
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let place = entry.path();
        let Ok(metadata) = place.metadata() else { continue };
        if pid == std::process::id() || own != 0 && metadata.uid() != own {
            continue;
        }
        seen.looked += 1;
        let mut unreadable = false;
        let mut has = |found: io::Result<bool>| match found {
            Ok(found) => found,
            // It ended meanwhile, or is ending and has none any more.
            Err(error) if matches!(error.raw_os_error(), Some(2 | 3)) => false,
            Err(_) => {
                unreadable = true;
                false
            }
        };
        let mut of_run = false;
        for file in ["cmdline", "environ"] {
            of_run |= has(fs::read(place.join(file)).map(|bytes| mentions(&bytes, directory)));
        }
        for link in ["cwd", "root", "exe"] {
            of_run |= has(fs::read_link(place.join(link)).map(|to| leads_to(&to, directory)));
        }
        of_run |= has(opens(&place.join("fd"), directory));
        if of_run {
            let name = fs::read_to_string(place.join("comm")).unwrap_or_default().trim().to_owned();
            seen.found.push((pid, name));
        }
        seen.unreadable += u64::from(unreadable);
    }
    seen
}

fn opens(descriptors: &Path, directory: &Path) -> io::Result<bool> {
    for descriptor in fs::read_dir(descriptors)? {
        if fs::read_link(descriptor?.path()).is_ok_and(|to| leads_to(&to, directory)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The kernel writes ` (deleted)` behind what was removed, so that a path is compared as text.
fn leads_to(to: &Path, directory: &Path) -> bool {
    mentions(to.as_os_str().as_bytes(), directory)
}

fn mentions(bytes: &[u8], directory: &Path) -> bool {
    memmem::find(bytes, directory.as_os_str().as_bytes()).is_some()
}

/// The files and directories below one, and their bytes. One that is not there has none.
pub(super) fn count(directory: &Path) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0);
    let mut waiting = vec![directory.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            files += 1;
            if metadata.is_dir() {
                waiting.push(entry.path());
            } else {
                bytes += metadata.len();
            }
        }
    }
    (files, bytes)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A process that has to do with a directory until it is dropped.
    struct Planted(Child);

    impl Planted {
        #[expect(clippy::disallowed_methods, reason = "a process that a run might have left")]
        fn new(plant: impl FnOnce(&mut Command) -> &mut Command) -> Self {
            let mut command = Command::new("sleep");
            command.arg("60");
            Self(plant(&mut command).spawn().expect("a process"))
        }
    }

    impl Drop for Planted {
        fn drop(&mut self) {
            self.0.kill().and_then(|()| self.0.wait()).expect("it ends");
        }
    }

    #[test]
    fn a_process_is_found_by_whatever_ties_it_to_the_directory() {
        let folder = tempfile::tempdir().expect("a folder");
        let directory = folder.path().join("run");
        fs::create_dir(&directory).expect("made");
        let path = directory.to_str().expect("text");
        let open = File::create(directory.join("open")).expect("made");
        assert_eq!(processes_at(&directory), []);
        let ties: [(&str, Planted); 4] = [
            ("an argument", Planted::new(|command| command.arg0(path))),
            ("the environment", Planted::new(|command| command.env("TMPDIR", path))),
            ("the working directory", Planted::new(|command| command.current_dir(path))),
            ("an open file", Planted::new(|command| command.stdout(Stdio::from(open)))),
        ];
        let all: Vec<u32> = processes_at(&directory).into_iter().map(|(pid, _)| pid).collect();
        fs::remove_dir_all(&directory).expect("removed");
        let after: Vec<u32> = processes_at(&directory).into_iter().map(|(pid, _)| pid).collect();
        for (tie, planted) in &ties {
            assert!(all.contains(&planted.0.id()), "{tie}");
            assert!(after.contains(&planted.0.id()), "{tie}, once the directory is gone");
        }
        assert_eq!((all.len(), after.len()), (4, 4), "and nothing else");
    }
}
