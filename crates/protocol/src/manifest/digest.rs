//! The digest of a connector's folder: what a version is bound to.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// SHA-256 over the sorted (path, mode, SHA-256) of every file of a folder, in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FolderDigest(String);

impl FolderDigest {
    /// 64 lower-case hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FolderDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a folder has no digest.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// It cannot be read.
    #[error("{path} cannot be read", path = .path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A symbolic link, a socket or a device: what it leads to could change without the digest changing.
    #[error("{path} is neither a file nor a folder; copy what it points to into the connector's folder", path = .path.display())]
    NotAFile {
        /// What.
        path: PathBuf,
    },
}

/// Computes the digest of a connector's folder. Names are taken as bytes, relative to the folder; of the mode the nine permission
/// bits count.
pub fn digest(folder: &Path) -> Result<FolderDigest, DigestError> {
    let mut files = Vec::new();
    collect(folder, folder, &mut files)?;
    files.sort();
    let mut whole = Sha256::new();
    for (path, mode, content) in &files {
        whole.update((path.len() as u64).to_be_bytes());
        whole.update(path);
        whole.update(mode.to_be_bytes());
        whole.update(content);
    }
    Ok(FolderDigest(hex(&whole.finalize())))
}

type FileEntry = (Vec<u8>, u32, [u8; 32]);

fn collect(root: &Path, folder: &Path, files: &mut Vec<FileEntry>) -> Result<(), DigestError> {
    let read = |path: &Path| {
        let path = path.to_owned();
        move |source| DigestError::Read { path, source }
    };
    for entry in fs::read_dir(folder).map_err(read(folder))? {
        let path = entry.map_err(read(folder))?.path();
        let metadata = fs::symlink_metadata(&path).map_err(read(&path))?;
        if metadata.is_dir() {
            collect(root, &path, files)?;
        } else if metadata.is_file() {
            let relative = path.strip_prefix(root).expect("every entry is within the folder");
            let content = hash_file(&path).map_err(read(&path))?;
            files.push((relative.as_os_str().as_bytes().to_vec(), metadata.permissions().mode() & 0o777, content));
        } else {
            return Err(DigestError::NotAFile { path });
        }
    }
    Ok(())
}

fn hash_file(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            read => hash.update(&buffer[..read]),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_name_and_mode_each_change_it_and_order_does_not() {
        let write = |files: &[(&str, &str, u32)]| {
            let folder = tempfile::tempdir().unwrap();
            for (name, content, mode) in files {
                let path = folder.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, content).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
            }
            digest(folder.path()).unwrap()
        };
        let first = write(&[("a", "1", 0o644), ("d/b", "2", 0o644)]);
        assert_eq!(first, write(&[("d/b", "2", 0o644), ("a", "1", 0o644)]));
        assert_ne!(first, write(&[("a", "x", 0o644), ("d/b", "2", 0o644)]));
        assert_ne!(first, write(&[("a", "1", 0o644), ("d/c", "2", 0o644)]));
        assert_ne!(first, write(&[("a", "1", 0o755), ("d/b", "2", 0o644)]));
        assert_ne!(first, write(&[("a", "1", 0o644)]));
    }

    #[test]
    fn a_link_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("link")).unwrap();
        assert!(matches!(digest(folder.path()), Err(DigestError::NotAFile { .. })));
    }
}
