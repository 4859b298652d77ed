//! The files of a live view on disk: in a directory of the browser's own, which goes with its run.
//!
//! The browser writes there too, and whoever reads may be root: no link is followed, and what is opened is a plain file with one name.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, unlinkat};
use rustix::io::Errno;

/// Its name in the browser's own directory.
const NAME: &str = "files";
/// Bytes of a file's name that are kept.
const LONGEST_NAME: usize = 120;

/// Where the files of one view are.
pub(super) struct Folder {
    scratch: PathBuf,
    /// How many directories for uploads were made.
    made: u32,
}

impl Folder {
    pub(super) fn new(scratch: &Path) -> Self {
        // A browser that is confined knows it by its real name alone.
        let scratch = scratch.canonicalize().unwrap_or_else(|_| scratch.to_owned());
        Self { scratch, made: 0 }
    }

    /// Where it is, for the browser.
    pub(super) fn path(&self) -> PathBuf {
        self.scratch.join(NAME)
    }

    /// Opens it. It is made where it is not there, as the browser's own, whoever this server is.
    pub(super) fn open(&self) -> io::Result<OwnedFd> {
        let scratch = directory(CWD, &self.scratch)?;
        self.make(scratch, NAME)
    }

    /// A new file for the page to read, in a directory of its own, so that it can have the owner's name for it. Returns its path.
    pub(super) fn create(&mut self, name: &str) -> io::Result<(File, PathBuf)> {
        self.made += 1;
        let (within, name) = (self.made.to_string(), plain(name));
        let inner = self.make(self.open()?, &within)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(openat(inner, &name, flags, Mode::RUSR | Mode::WUSR)?);
        self.give_away(&file)?;
        Ok((file, self.path().join(within).join(name)))
    }

    /// Opens what the browser has put there under that name.
    pub(super) fn read(&self, name: &str) -> io::Result<File> {
        // A pipe that nobody writes to must not hold us up.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(self.open()?, name, flags, Mode::empty())?);
        let metadata = file.metadata()?;
        // A second name of a file may be the name it has elsewhere.
        if metadata.is_file() && metadata.nlink() == 1 { Ok(file) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    /// Removes what the browser has put there under that name, if it is there.
    pub(super) fn remove(&self, name: &str) {
        // What stays goes with the run.
        let _ = self.open().and_then(|folder| Ok(unlinkat(folder, name, AtFlags::empty())?));
    }

    /// Removes a file that was created, if it is still there.
    pub(super) fn discard(&self, created: &Path) {
        if let (Some(within), Some(name)) = (created.parent().and_then(Path::file_name), created.file_name()) {
            let inner = self.open().and_then(|folder| directory(folder, within));
            // As above.
            let _ = inner.and_then(|inner| Ok(unlinkat(inner, name, AtFlags::empty())?));
        }
    }

    fn make(&self, within: OwnedFd, name: &str) -> io::Result<OwnedFd> {
        match mkdirat(&within, name, Mode::RWXU) {
            Ok(()) => {
                let made = directory(within, name)?;
                self.give_away(&made)?;
                Ok(made)
            }
            Err(Errno::EXIST) => directory(within, name),
            Err(error) => Err(error.into()),
        }
    }

    /// To the browser's user, to whom its directory belongs.
    fn give_away(&self, to: impl std::os::fd::AsFd) -> io::Result<()> {
        let owner = File::from(directory(CWD, &self.scratch)?).metadata()?;
        fchown(to, Some(owner.uid()), Some(owner.gid()))
    }
}

fn directory(within: impl std::os::fd::AsFd, path: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    Ok(openat(within, path, OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?)
}

/// A name without what leads elsewhere or cannot be seen.
pub(super) fn plain(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name = String::new();
    for c in last.chars().filter(|c| !c.is_control()) {
        if name.len() + c.len_utf8() > LONGEST_NAME {
            break;
        }
        name.push(c);
    }
    match name.trim() {
        "" | "." | ".." => "file".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Write};
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn names_lead_nowhere_and_the_browsers_links_are_not_followed() {
        let scratch = tempfile::tempdir().unwrap();
        let mut folder = Folder::new(scratch.path());
        let (mut file, path) = folder.create("../../etc/a\nb.txt").unwrap();
        file.write_all(b"own").unwrap();
        assert_eq!(path, folder.path().join("1/ab.txt"));
        assert_eq!(folder.create("..").unwrap().1, folder.path().join("2/file"));
        assert_eq!(folder.create("ab.txt").unwrap().1, folder.path().join("3/ab.txt"));

        folder.discard(&path);
        assert!(!path.exists());

        let outside = scratch.path().join("secret");
        fs::write(&outside, "secret").unwrap();
        symlink(&outside, folder.path().join("link")).unwrap();
        fs::hard_link(&outside, folder.path().join("hard")).unwrap();
        for name in ["link", "hard", "missing", "1"] {
            assert!(folder.read(name).is_err(), "{name}");
        }
        fs::write(folder.path().join("plain"), "statement").unwrap();
        let mut text = String::new();
        folder.read("plain").unwrap().read_to_string(&mut text).unwrap();
        folder.remove("plain");
        assert!(text == "statement" && folder.read("plain").is_err());

        // The directory itself, put there by the browser before anyone else.
        let elsewhere = tempfile::tempdir().unwrap();
        let mut folder = Folder::new(elsewhere.path());
        symlink(scratch.path(), folder.path()).unwrap();
        assert!(folder.open().is_err() && folder.create("x").is_err());
    }
}
