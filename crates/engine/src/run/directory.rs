//! The one directory of a run: its browser's part and its connector's, and nothing of it anywhere else.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use freehold_core::{Problem, ProblemCode, RunId};

use crate::server::Inner;

/// Of the scratch directory: where the runs' are.
pub(crate) const FOLDER: &str = "r";

impl Inner {
    /// A run's directory. It has a short name, since a browser makes a socket below it, whose path has a limit: the random part of the
    /// run's id.
    pub(crate) fn run_directory(&self, run: RunId) -> PathBuf {
        const RANDOM: usize = 12;
        let id = run.to_string();
        self.config.scratch.join(FOLDER).join(&id[id.len() - RANDOM..])
    }

    /// What the run's browser has to itself. The profile is `profile` in it.
    pub(crate) fn browser_directory(&self, run: RunId) -> PathBuf {
        self.run_directory(run).join("b")
    }

    /// What its connector has to itself. What it may write to is `tmp` in it.
    pub(crate) fn connector_directory(&self, run: RunId) -> PathBuf {
        self.run_directory(run).join("c")
    }

    /// Where the files that its connector handed in wait, out of the connector's reach.
    pub(crate) fn taken_directory(&self, run: RunId) -> PathBuf {
        self.run_directory(run).join("taken")
    }

    /// Makes a private directory in a run's. A child's own uid gets to it through directories nobody can list.
    pub(crate) fn make_in_run_directory(&self, directory: &Path) -> Result<(), Problem> {
        let made = || -> io::Result<()> {
            let of_run = directory.parent().unwrap_or(directory);
            for parent in [of_run.parent().unwrap_or(of_run), of_run] {
                fs::create_dir_all(parent)?;
                fs::set_permissions(parent, Permissions::from_mode(0o711))?;
            }
            DirBuilder::new().mode(0o700).create(directory)
        };
        made().map_err(|error| {
            Problem::new(
                ProblemCode::StorageFailed,
                format!("{} could not be made: {error}.", directory.display()),
                "Check the scratch directory.",
            )
        })
    }

    /// Removes a run's directory.
    pub(crate) fn remove_run_directory(&self, run: RunId) {
        let directory = self.run_directory(run);
        if let Err(error) = fs::remove_dir_all(&directory)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(dir = %directory.display(), %error, "a run's directory could not be removed");
        }
    }
}
