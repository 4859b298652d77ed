//! The file a backup is written to: under another name until it is whole, and where there is room for it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use freehold_core::{Problem, ProblemCode};

use super::file_problem;
use crate::problem::bad_input;

/// What a file is called until it is whole.
const UNFINISHED: &str = "part";
const PREFIX: &str = ".freehold-";

/// A file being written. Dropped before it is kept, it is removed.
pub(super) struct Unfinished {
    part: PathBuf,
    path: PathBuf,
    is_kept: bool,
}

impl Unfinished {
    /// Makes it in `folder`, which has to be there: where it is not, its disk is not mounted. It will be called `name`.
    pub(super) fn create(folder: &Path, name: &str) -> io::Result<(Self, File)> {
        remove_unfinished(folder);
        let part = folder.join(format!(".{name}.{UNFINISHED}"));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        Ok((Self { part, path: folder.join(name), is_kept: false }, file))
    }

    /// Where it is now.
    pub(super) fn part(&self) -> &Path {
        &self.part
    }

    /// Gives it its name, on disk when this returns.
    pub(super) fn keep(mut self) -> io::Result<PathBuf> {
        fs::rename(&self.part, &self.path)?;
        self.is_kept = true;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(self.path.clone())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed now goes with the next one.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// Removes what was begun in a folder and cut off.
pub(super) fn remove_unfinished(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_unfinished = name.starts_with(PREFIX) && path.extension() == Some(UNFINISHED.as_ref());
        if is_unfinished && let Err(error) = fs::remove_file(&path) {
            tracing::warn!(file = %path.display(), %error, "an unfinished backup could not be removed");
        }
    }
}

/// Makes a folder for backups, if need be.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Whether backups can be written to `folder`, which is made if need be: by writing a file there. It is not in the data directory, which
/// it is to outlive.
pub(super) fn check_folder(folder: &Path, data_dir: &Path) -> Result<(), Problem> {
    make_folder(folder).map_err(|error| file_problem("Making this folder", folder, &error).at("folder"))?;
    let written = Unfinished::create(folder, "freehold-try.backup").and_then(|(_, file)| file.sync_all());
    written.map_err(|error| file_problem("Writing to this folder", folder, &error).at("folder"))?;
    let found = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if found(folder).starts_with(found(data_dir)) {
        let next = "Choose a folder outside it, best on another disk.";
        return Err(bad_input("folder", "This folder is in the data directory, and would be lost together with it.", next));
    }
    Ok(())
}

/// Refuses where `needed` bytes do not fit beside what is there. A file system that does not say is tried out.
pub(super) fn check_room(folder: &Path, needed: u64) -> Result<(), Problem> {
    let Ok(space) = rustix::fs::statvfs(folder) else { return Ok(()) };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    if free >= needed {
        return Ok(());
    }
    let mega = |bytes: u64| bytes.div_ceil(1_000_000);
    Err(Problem::new(
        ProblemCode::StorageFull,
        format!("A backup needs {} MB here, and {} MB are free.", mega(needed), mega(free)),
        "Free some space there, or choose a folder on another disk.",
    )
    .at(folder.display().to_string()))
}

/// Whether both are on one file system.
pub(super) fn is_same_disk(one: &Path, other: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).ok().map(|found| found.dev());
    device(one).is_some() && device(one) == device(other)
}
