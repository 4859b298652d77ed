//! What is in a backup: an archive of files under known names, written and read as a stream.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use freehold_core::{ConnectorName, SourceId, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The layout of the archive.
pub(super) const FORMAT: u32 = 1;

/// The first entry: what the rest is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) format: u32,
    /// The version of Freehold that made it.
    pub(super) freehold: String,
    pub(super) made_at: Timestamp,
    /// The connectors of the owner's sources. They are installed, not restored.
    pub(super) connectors: Vec<NotedConnector>,
}

/// A connector as it was installed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NotedConnector {
    /// Its name.
    pub name: ConnectorName,
    /// Its version.
    pub version: String,
    /// What its folder held.
    pub digest: String,
}

/// A name in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Note,
    Vault,
    Data,
    /// A file of records, by the hash of its content.
    Blob(String),
    /// A sealed browser profile.
    Profile(SourceId),
}

impl Name {
    /// The entry's path, which is also where it is in a data directory.
    pub(super) fn path(&self) -> String {
        match self {
            Name::Note => "freehold.json".to_owned(),
            Name::Vault => freehold_store::VaultDb::FILE.to_owned(),
            Name::Data => freehold_store::DataDb::FILE.to_owned(),
            Name::Blob(sha256) => format!("blobs/{}/{}", &sha256[..2], &sha256[2..]),
            Name::Profile(source) => format!("profiles/{source}.sealed"),
        }
    }

    /// The name of that path. No other is in a backup, so that none can lead out of the place it is restored to.
    fn parse(path: &str) -> Option<Name> {
        let fixed = [Name::Note, Name::Vault, Name::Data].into_iter().find(|name| name.path() == path);
        let hash = |rest: &str| {
            let hash: String = rest.split('/').collect();
            let is_hash =
                hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
            is_hash.then_some(Name::Blob(hash))
        };
        let source = |rest: &str| SourceId::parse(rest.strip_suffix(".sealed")?).ok().map(Name::Profile);
        let name = fixed
            .or_else(|| path.strip_prefix("blobs/").and_then(hash))
            .or_else(|| path.strip_prefix("profiles/").and_then(source))?;
        (name.path() == path).then_some(name)
    }
}

/// An archive being written.
pub(super) struct Writing<W: Write> {
    tar: tar::Builder<W>,
    pub(super) files: u64,
}

impl<W: Write> Writing<W> {
    pub(super) fn new(to: W) -> Self {
        Self { tar: tar::Builder::new(to), files: 0 }
    }

    /// Adds what `from` holds, which has to be `size` bytes and is read no further.
    pub(super) fn add(&mut self, name: &Name, size: u64, from: impl Read) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_path(name.path())?;
        header.set_size(size);
        header.set_mode(0o600);
        header.set_cksum();
        self.tar.append(&header, Exactly { from, left: size })?;
        self.files += 1;
        Ok(())
    }

    /// Adds a file as it is now.
    pub(super) fn add_file(
        &mut self,
        name: &Name,
        path: &Path,
        tell: &mut dyn FnMut(u64) -> io::Result<()>,
    ) -> io::Result<()> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        self.add(name, size, Telling { from: file, tell })
    }

    /// Ends it, and gives back what it was written to.
    pub(super) fn finish(self) -> io::Result<W> {
        self.tar.into_inner()
    }
}

/// Hands each entry of an archive to `take`: its name, its size, its content. What is not a file with a known name is an error, and so
/// is an archive that was cut off.
pub(super) fn read<R: Read>(from: R, mut take: impl FnMut(Name, u64, &mut dyn Read) -> io::Result<()>) -> io::Result<()> {
    let mut archive = tar::Archive::new(from);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let is_file = entry.header().entry_type() == tar::EntryType::Regular;
        let name = entry.path_bytes();
        let name = std::str::from_utf8(&name).ok().filter(|_| is_file).and_then(Name::parse);
        let name = name.ok_or_else(|| invalid("it holds something no Freehold puts there"))?;
        let size = entry.size();
        take(name, size, &mut entry)?;
        // What was not read is skipped, and has to be there.
        io::copy(&mut entry, &mut io::sink())?;
    }
    // Up to the last chunk, which shows that nothing was cut off behind the archive's own end.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map(drop)
}

/// Copies `from` to `to`; returns the SHA-256 of it, in hex.
pub(super) fn copy_hashed(from: &mut dyn Read, to: &mut dyn Write) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(data_encoding::HEXLOWER.encode(&hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
    }
}

pub(super) fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// So many bytes, or an error.
struct Exactly<R> {
    from: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let fits = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if fits == 0 {
            return Ok(0);
        }
        let read = self.from.read(&mut into[..fits])?;
        if read == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a file became shorter while it was read"));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// Tells how many bytes were read.
struct Telling<'a, R> {
    from: R,
    tell: &'a mut dyn FnMut(u64) -> io::Result<()>,
}

impl<R: Read> Read for Telling<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        (self.tell)(read as u64)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_freehold_gives_are_names() {
        let source = SourceId::parse("src_01jzyxwvtsrqpnmkjhgfedcba9").expect("an id");
        let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned();
        for name in [Name::Note, Name::Vault, Name::Data, Name::Blob(hash.clone()), Name::Profile(source)] {
            assert_eq!(Name::parse(&name.path()), Some(name));
        }
        let others = [
            "../vault.db".to_owned(),
            "/vault.db".to_owned(),
            "vault.db/".to_owned(),
            "vault.key".to_owned(),
            format!("blobs/{hash}"),
            format!("blobs/../{}", &hash[2..]),
            format!("blobs/{}/{}", &hash[..2].to_uppercase(), &hash[2..]),
            format!("profiles/../{source}.sealed"),
            format!("profiles/{source}.previous"),
            String::new(),
        ];
        for other in others {
            assert_eq!(Name::parse(&other), None, "{other}");
        }
    }

    /// As a sealed stream is whose last chunk is missing.
    struct CutOff;

    impl Read for CutOff {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(invalid("cut off"))
        }
    }

    #[test]
    fn what_is_cut_off_behind_the_archive_s_own_end_is_noticed() {
        let mut writing = Writing::new(Vec::new());
        writing.add(&Name::Vault, 5, b"vault".as_slice()).expect("added");
        let whole = writing.finish().expect("an archive");
        assert!(read(whole.as_slice(), |_, _, _| Ok(())).is_ok());
        assert!(read(whole.as_slice().chain(CutOff), |_, _, _| Ok(())).is_err());
    }

    #[test]
    fn an_entry_that_is_no_file_or_has_another_name_is_refused() {
        let with = |kind: tar::EntryType, path: &str| {
            let mut tar = tar::Builder::new(Vec::new());
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(0);
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            tar.append(&header, io::empty()).expect("an entry");
            read(tar.into_inner().expect("an archive").as_slice(), |_, _, _| Ok(()))
        };
        assert!(with(tar::EntryType::Regular, "vault.db").is_ok());
        for kind in [tar::EntryType::Symlink, tar::EntryType::Link, tar::EntryType::Directory, tar::EntryType::Fifo] {
            assert!(with(kind, "vault.db").is_err(), "{kind:?}");
        }
        assert!(with(tar::EntryType::Regular, "../vault.db").is_err());
    }
}
