//! The making of one backup: copy, write, read back, name.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;

use freehold_core::{BackupId, ConnectorName, Problem, ProblemCode, Timestamp};
use freehold_store::{Snapshot, StoreError};
use freehold_vault::{HumanSlot, SealedBackup, Vault};

use super::archive::{self, FORMAT, Name, Note, NotedConnector, Writing};
use super::file::{Unfinished, check_room, is_same_disk, make_folder};
use super::{BackupOutcome, FOLDER, file_name, file_problem};
use crate::problem::from_store;
use crate::server::Inner;

/// Beside the content: front, seals, the archive's own headers.
const BESIDE: u64 = 1 << 20;
/// Bytes buffered on the way to a disk.
const BUFFER: usize = 256 << 10;
const WRITING: &str = "Writing and sealing";
const READING: &str = "Reading it back";

/// A backup that is about to be made.
pub(super) struct Making<'a> {
    inner: &'a Inner,
    vault: Arc<Vault>,
    slots: Vec<HumanSlot>,
    id: BackupId,
    made_at: Timestamp,
}

/// What was written of a snapshot.
struct Written {
    entries: u64,
    files: u64,
    missing: u64,
}

impl<'a> Making<'a> {
    pub(super) fn new(inner: &'a Inner, vault: Arc<Vault>, id: BackupId, made_at: Timestamp) -> Result<Self, Problem> {
        let slots = inner.human_slots()?;
        if slots.is_empty() {
            let next = "Make a new recovery key in Settings, and type a part of it back.";
            return Err(Problem::new(ProblemCode::Conflict, "Nobody is known to hold a key that would open it.", next));
        }
        Ok(Self { inner, vault, slots, id, made_at })
    }

    /// Makes it.
    pub(super) fn make(self) -> Result<BackupOutcome, Problem> {
        let inner = self.inner;
        let folder = inner.backup_folder()?;
        let (data_dir, copy) = (&inner.config.data_dir, inner.backup_copy());
        let databases: u64 = ["data.db", "data.db-wal", "vault.db", "vault.db-wal"]
            .iter()
            .filter_map(|name| Some(fs::metadata(data_dir.join(name)).ok()?.len()))
            .sum();
        check_room(data_dir, databases)?;
        let mut steps = Steps::new(inner, "Copying the databases");
        let snapshot = Snapshot::take(&inner.vault_db, &inner.data, &copy, &mut |done, all| {
            steps.at(done, all).map_err(|_| StoreError::Conflict { what: STOPPED.to_owned() })
        })
        .map_err(|error| self.not_copied(error))?;

        if folder == data_dir.join(FOLDER) {
            make_folder(&folder).map_err(|error| file_problem("Making a folder for backups", &folder, &error))?;
        }
        let (unfinished, file) = Unfinished::create(&folder, &file_name(self.made_at))
            .map_err(|error| file_problem("Writing the backup", &folder, &error))?;
        let size = self.size(&snapshot)?;
        let beside = if is_same_disk(data_dir, &folder) { 0 } else { BESIDE };
        check_room(&folder, size + beside + BESIDE)?;
        let written = self.write(file, &snapshot, size).map_err(|error| self.not_written(&folder, error))?;
        drop(snapshot);
        // Files that lost their last record meanwhile were kept for the copy.
        if let Err(error) = inner.data.sweep_blobs() {
            tracing::warn!(%error, "files of no record could not be removed after a backup");
        }
        let damaged = self.read_back(unfinished.part(), &written).map_err(|error| self.not_written(&folder, error))?;
        let size = fs::metadata(unfinished.part()).map(|found| found.len()).unwrap_or_default();
        let path = unfinished.keep().map_err(|error| file_problem("Naming the backup", &folder, &error))?;
        Ok(BackupOutcome::Made { path, size, files: written.files, damaged: damaged + written.missing })
    }

    fn size(&self, snapshot: &Snapshot<'_>) -> Result<u64, Problem> {
        let length = |path: &Path| fs::metadata(path).map(|found| found.len()).unwrap_or_default();
        let (files, bytes) = snapshot.blob_totals().map_err(from_store)?;
        let profiles: u64 = self.inner.sealed_profiles().iter().map(|(_, path)| length(path)).sum();
        // A header for each, and padding.
        let headers = 1024 * files;
        Ok(length(&snapshot.vault()) + length(&snapshot.data()) + bytes + profiles + headers)
    }

    fn write(&self, file: File, snapshot: &Snapshot<'_>, all: u64) -> Result<Written, Failed> {
        let inner = self.inner;
        let mut steps = Steps::new(inner, WRITING);
        let mut done = 0;
        let mut tell = |read: u64| {
            done += read;
            steps.at(done, all)
        };
        let buffered = BufWriter::with_capacity(BUFFER, file);
        let sealing = self.vault.seal_backup(&self.slots, self.made_at, buffered, &*inner.rng)?;
        let mut writing = Writing::new(sealing);
        let note = serde_json::to_vec_pretty(&self.note()?).map_err(io::Error::other)?;
        writing.add(&Name::Note, note.len() as u64, note.as_slice())?;
        writing.add_file(&Name::Vault, &snapshot.vault(), &mut tell)?;
        for (source, path) in inner.sealed_profiles() {
            // The one in use: what is being written, and what was replaced, are of no use elsewhere.
            if path.extension() == Some("sealed".as_ref()) {
                match writing.add_file(&Name::Profile(source), &path, &mut tell) {
                    // Signed out since it was listed.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    added => added?,
                }
            }
        }
        writing.add_file(&Name::Data, &snapshot.data(), &mut tell)?;
        let (mut files, mut missing) = (0, 0);
        snapshot.for_each_blob(|sha256, size, path| -> Result<(), Failed> {
            // One that is not as its row says would be taken for the rest of the archive, too.
            if fs::metadata(path).is_ok_and(|found| found.len() == size) {
                writing.add_file(&Name::Blob(sha256.to_owned()), path, &mut tell)?;
                files += 1;
            } else {
                missing += 1;
            }
            Ok(())
        })?;
        let entries = writing.files;
        let mut buffered = writing.finish()?.finish()?;
        buffered.flush()?;
        buffered.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok(Written { entries, files, missing })
    }

    /// Reads all of it, as restoring would; returns how many files of records are not what they are called after.
    fn read_back(&self, path: &Path, written: &Written) -> Result<u64, Failed> {
        let file = File::open(path)?;
        let mut steps = Steps::new(self.inner, READING);
        let all = file.metadata()?.len();
        let from = Counted { from: BufReader::with_capacity(BUFFER, file), steps: &mut steps, done: 0, all };
        let sealed = SealedBackup::read(from).map_err(|error| archive::invalid(&error.to_string()))?;
        let (mut entries, mut damaged) = (0, 0);
        archive::read(self.vault.open_backup(sealed)?, |name, _, content| {
            entries += 1;
            if let Name::Blob(sha256) = name
                && archive::copy_hashed(content, &mut io::sink())? != sha256
            {
                damaged += 1;
            }
            Ok(())
        })?;
        if entries != written.entries {
            return Err(archive::invalid("it does not hold what was written").into());
        }
        Ok(damaged)
    }

    fn note(&self) -> Result<Note, Failed> {
        let owner = self.inner.owner().map_err(Failed::Problem)?;
        let sources = self.inner.data.sources(owner)?;
        let names: BTreeSet<ConnectorName> = sources.into_iter().map(|source| source.connector).collect();
        let noted = |name: ConnectorName| {
            let view = self.inner.catalog.get(&name).ok()?.view(Vec::new());
            Some(NotedConnector { name, version: view.version, digest: view.digest })
        };
        Ok(Note {
            format: FORMAT,
            freehold: env!("CARGO_PKG_VERSION").to_owned(),
            made_at: self.made_at,
            connectors: names.into_iter().filter_map(noted).collect(),
        })
    }

    fn not_copied(&self, error: StoreError) -> Problem {
        match error {
            StoreError::Conflict { what } if what == STOPPED => stopped(),
            StoreError::Io { source, .. } => file_problem("Copying the databases", &self.inner.backup_copy(), &source),
            other => from_store(other),
        }
    }

    fn not_written(&self, folder: &Path, failed: Failed) -> Problem {
        tracing::warn!(backup = %self.id, "a backup was given up");
        match failed {
            Failed::Problem(problem) => problem,
            Failed::Io(error) if error.kind() == io::ErrorKind::Interrupted => stopped(),
            Failed::Io(error) if error.kind() == io::ErrorKind::InvalidData => Problem::new(
                ProblemCode::StorageFailed,
                format!("The backup could not be read back: {error}."),
                "Check the disk it was written to, and make another.",
            )
            .at(folder.display().to_string()),
            Failed::Io(error) => file_problem("Writing the backup", folder, &error),
            Failed::Store(error) => from_store(error),
        }
    }
}

/// Why it was given up.
enum Failed {
    Io(io::Error),
    Store(StoreError),
    Problem(Problem),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

const STOPPED: &str = "the server is stopping";

fn stopped() -> Problem {
    Problem::new(ProblemCode::Conflict, "The server stopped while the backup was made.", "Make another one.")
}

/// Says how far a stage is, a hundred times at most, and ends it when the server stops.
struct Steps<'a> {
    inner: &'a Inner,
    stage: &'static str,
    told: Option<u64>,
}

impl<'a> Steps<'a> {
    fn new(inner: &'a Inner, stage: &'static str) -> Self {
        Self { inner, stage, told: None }
    }

    fn at(&mut self, done: u64, all: u64) -> io::Result<()> {
        if self.inner.wake.is_stopped() {
            return Err(io::Error::new(io::ErrorKind::Interrupted, STOPPED));
        }
        let hundredth = done.saturating_mul(100) / all.max(1);
        if self.told != Some(hundredth) {
            self.told = Some(hundredth);
            self.inner.backup_is_at(self.stage, done.min(all), all);
        }
        Ok(())
    }
}

/// What is read, counted.
struct Counted<'a, 'b, R> {
    from: R,
    steps: &'a mut Steps<'b>,
    done: u64,
    all: u64,
}

impl<R: Read> Read for Counted<'_, '_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.done += read as u64;
        self.steps.at(self.done, self.all)?;
        Ok(read)
    }
}
