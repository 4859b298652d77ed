//! Taking over the files a connector hands in.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use freehold_core::RunId;
use freehold_protocol::blob::{self, BlobError, StoredBlob};
use freehold_store::{BlobRow, NewRecord, RejectedRow, StoreError};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use serde_json::value::RawValue;

use crate::server::Inner;

/// A file that could not be taken over.
#[derive(Debug, thiserror::Error)]
pub(super) enum TakeOverError {
    #[error("the file is not there, or is not a plain file in the connector's own directory: {0}")]
    File(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes over a record's files and puts their hashes into its data. A record whose files cannot be taken over is rejected; a
/// full disk or a failing database is the run's error.
pub(super) fn take_over(
    inner: &Inner,
    run: RunId,
    scratch: &Path,
    held: bool,
    mut record: NewRecord,
) -> Result<Result<NewRecord, RejectedRow>, StoreError> {
    // Every record passes here and few have files, so the cheap look comes first and nothing is copied for it.
    if record.delete || !record.data.contains("$blob") && !record.data.contains("\\u00") {
        return Ok(Ok(record));
    }
    let Ok(data) = RawValue::from_string(record.data.to_string()) else { return Ok(Ok(record)) };
    let mut taken: Vec<BlobRow> = Vec::new();
    let rewritten = blob::rewrite(&data, |reference, name| -> Result<StoredBlob, TakeOverError> {
        let staged = stage(inner, run, scratch, name)?;
        let media_type = reference.media_type.as_deref().unwrap_or("application/octet-stream");
        let row = inner.data.put_blob(&staged, media_type, reference.filename.as_deref().unwrap_or(name))?;
        let stored = StoredBlob {
            sha256: row.sha256.clone(),
            size: row.size,
            filename: reference.filename.clone(),
            media_type: reference.media_type.clone(),
        };
        taken.push(row);
        Ok(stored)
    });
    match rewritten {
        Ok(None) => {}
        Ok(Some(data)) => {
            record.data = data.get().into();
            for row in &taken {
                inner.data.link_blob(run, &record.stream, &record.key, row, held)?;
            }
        }
        Err(BlobError::Import(TakeOverError::Store(error))) => return Err(error),
        Err(error) => {
            let detail = match &error {
                BlobError::Import(cause) => format!("{error}: {cause}"),
                other => other.to_string(),
            };
            return Ok(Err(RejectedRow {
                stream: record.stream.to_string(),
                key: record.key,
                reason: "blob_unusable".to_owned(),
                detail,
                data: record.data.chars().take(10_000).collect(),
            }));
        }
    }
    Ok(Ok(record))
}

/// Copies the file to where the connector cannot change it any more, following no link on the way.
fn stage(inner: &Inner, run: RunId, scratch: &Path, name: &str) -> io::Result<PathBuf> {
    // The directory itself is in one of the connector's, who may have put a link in its place.
    let directory = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let tmp = rustix::fs::openat(CWD, scratch.join("tmp"), directory, Mode::empty())?;
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    // Without NONBLOCK a named pipe in the file's place would hold the run up.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut file = File::from(openat2(tmp, Path::new("blobs").join(name), flags, Mode::empty(), beneath)?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"));
    }
    let folder = inner.taken_directory(run);
    std::fs::create_dir_all(&folder)?;
    let staged = folder.join(name);
    let mut copy = File::create(&staged)?;
    io::copy(&mut file, &mut copy)?;
    Ok(staged)
}
