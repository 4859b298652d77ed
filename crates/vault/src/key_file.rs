//! The key file: a slot's key as one line of text, outside the data directory, readable by the server's user alone.
//!
//! `FREEHOLD-KEY-1 ` and 58 letters and digits of base32 (RFC 4648): the 32 bytes of the key and the first 4 of its SHA-256, so
//! that a damaged file is not taken for another vault's.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;
use data_encoding::BASE32_NOPAD;
use freehold_core::Rng;
use zeroize::Zeroizing;

use crate::{SlotKey, key::Key};

/// Why there is no key file, or why it is not used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// There is no such file.
    #[error("the key file {} is missing: put it back, or unlock with the recovery key. Freehold makes no new key beside old data", .path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// There is a file already, and a key file is never overwritten.
    #[error("{} is there already and is not overwritten: if it is the key of an older vault, keep it and choose another place", .path.display())]
    Exists {
        /// Where it is.
        path: PathBuf,
    },
    /// Others than its owner may read or change it.
    #[error("the key file {} is open to other users (mode {mode:03o}): run `chmod 600` on it", .path.display())]
    TooOpen {
        /// Where it is.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not what Freehold wrote.
    #[error("{} is no key file, or a damaged one: put back a copy, or unlock with the recovery key", .path.display())]
    Malformed {
        /// Where it is.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("could not {operation} the key file {}: {source}", .path.display())]
    Io {
        /// What was being done.
        operation: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Makes a new key and writes it to `path`, mode 0600. When this returns, file and directory entry are on disk. Its directory must
/// exist.
pub fn create(path: &Path, rng: &dyn Rng) -> Result<SlotKey, KeyFileError> {
    let io = |operation| move |source| KeyFileError::Io { operation, path: path.to_owned(), source };
    let key = Key::random(rng);
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(KeyFileError::Exists { path: path.to_owned() });
        }
        Err(source) => return Err(io("create")(source)),
    };
    let written = file.write_all(&line(&key)).and_then(|()| file.sync_all());
    if let Err(source) = written {
        // Half a key would only be in the way of the next try.
        let _ = std::fs::remove_file(path);
        return Err(io("write")(source));
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(io("make durable"))?;
    Ok(SlotKey(key))
}

/// Reads the key in `path`.
pub fn read(path: &Path) -> Result<SlotKey, KeyFileError> {
    let io = |source| KeyFileError::Io { operation: "read", path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(KeyFileError::Missing { path: path.to_owned() });
        }
        Err(source) => return Err(io(source)),
    };
    let metadata = file.metadata().map_err(io)?;
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::TooOpen { path: path.to_owned(), mode });
    }
    // Room for one byte too many, so that a longer file is seen to be one and nothing grows.
    let mut text = Zeroizing::new(Vec::with_capacity(LINE_LEN + 1));
    file.take(LINE_LEN as u64 + 1).read_to_end(&mut text).map_err(io)?;
    parse(&text).map(SlotKey).ok_or_else(|| KeyFileError::Malformed { path: path.to_owned() })
}

const PREFIX: &[u8] = b"FREEHOLD-KEY-1 ";
const CHECKSUM_LEN: usize = 4;
const LINE_LEN: usize = PREFIX.len() + 58 + 1;

fn line(key: &Key) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new([0; 32 + CHECKSUM_LEN]);
    bytes[..32].copy_from_slice(key.bytes());
    bytes[32..].copy_from_slice(&checksum(key));
    let mut text = Zeroizing::new(vec![b'\n'; LINE_LEN]);
    text[..PREFIX.len()].copy_from_slice(PREFIX);
    BASE32_NOPAD.encode_mut(bytes.as_slice(), &mut text[PREFIX.len()..LINE_LEN - 1]);
    text
}

fn parse(text: &[u8]) -> Option<Key> {
    let digits = text.strip_prefix(PREFIX)?.trim_ascii_end();
    let mut bytes = Zeroizing::new([0; 32 + CHECKSUM_LEN]);
    if BASE32_NOPAD.decode_len(digits.len()).ok()? != bytes.len() {
        return None;
    }
    BASE32_NOPAD.decode_mut(digits, bytes.as_mut_slice()).ok()?;
    let key = Key::copied(&bytes[..32])?;
    (checksum(&key) == bytes[32..]).then_some(key)
}

fn checksum(key: &Key) -> [u8; CHECKSUM_LEN] {
    let hash = digest::digest(&digest::SHA256, key.bytes());
    let mut checksum = [0; CHECKSUM_LEN];
    checksum.copy_from_slice(&hash.as_ref()[..CHECKSUM_LEN]);
    checksum
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};

    use super::*;
    use crate::OsRng;

    fn error(result: Result<SlotKey, KeyFileError>) -> KeyFileError {
        match result {
            Ok(_) => panic!("a key was given that must not be"),
            Err(error) => error,
        }
    }

    #[test]
    fn a_key_file_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vault.key");
        assert!(matches!(error(read(&path)), KeyFileError::Missing { .. }));
        let made = create(&path, &OsRng).expect("a key file");
        let before = std::fs::read(&path).expect("bytes");
        assert_eq!(std::fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        assert!(read(&path).expect("its own file").0.bytes() == made.0.bytes());

        assert!(matches!(error(create(&path, &OsRng)), KeyFileError::Exists { .. }));
        assert_eq!(std::fs::read(&path).expect("bytes"), before);
        assert!(matches!(error(create(&folder.path().join("none/vault.key"), &OsRng)), KeyFileError::Io { .. }));
    }

    #[test]
    fn a_file_open_to_others_is_refused_in_words() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vault.key");
        create(&path, &OsRng).expect("a key file");
        for mode in [0o640, 0o604, 0o620, 0o601] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).expect("chmod");
            let error = error(read(&path));
            assert!(matches!(error, KeyFileError::TooOpen { mode: found, .. } if found == mode), "{error}");
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
        std::fs::set_permissions(&path, Permissions::from_mode(0o400)).expect("chmod");
        assert!(read(&path).is_ok());
    }

    #[test]
    fn a_damaged_file_is_not_taken_for_a_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vault.key");
        create(&path, &OsRng).expect("a key file");
        let whole = std::fs::read(&path).expect("bytes");
        let damaged = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("written");
            matches!(read(&path), Err(KeyFileError::Malformed { .. }))
        };
        for at in 0..whole.len() - 1 {
            let mut typo = whole.clone();
            typo[at] = if typo[at] == b'A' { b'B' } else { b'A' };
            assert!(damaged(&typo), "byte {at}");
        }
        for len in 0..whole.len() - 1 {
            assert!(damaged(&whole[..len]), "cut to {len}");
        }
        assert!(damaged(&[whole.as_slice(), b"A"].concat()));
        assert!(!damaged(&whole[..whole.len() - 1]), "an editor that drops the last line end does no harm");
    }
}
