//! Files a connector puts into a page: read from its temporary directory and from nowhere else.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use rustix::fs::{Mode, OFlags, open};
use serde_json::{Value, json};

/// The most there may be at once, in bytes.
const LIMIT: u64 = 32 << 20;

/// Reads them, as a list of `name` and `bytes` in base64; or says why not.
///
/// Where a file really is, is asked after it was opened: a link that is changed meanwhile changes nothing.
pub(super) fn read(directory: &Path, paths: &[&str]) -> Result<Value, &'static str> {
    const OUTSIDE: &str = "files come from the run's temporary directory";
    // A connector may have put a link in the directory's own place.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = place(&open(directory, flags, Mode::empty()).map_err(|_| OUTSIDE)?).map_err(|_| OUTSIDE)?;
    let mut left = LIMIT;
    let mut files = Vec::new();
    for path in paths {
        let path = Path::new(path);
        if !path.is_absolute() {
            return Err(OUTSIDE);
        }
        // A pipe that nobody writes to must not hold us up.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = File::from(open(path, flags, Mode::empty()).map_err(|_| OUTSIDE)?);
        let metadata = file.metadata().map_err(|_| OUTSIDE)?;
        // A second name of a file may be the name it has elsewhere.
        if !(place(&file).is_ok_and(|place| place.starts_with(&directory)) && metadata.is_file() && metadata.nlink() == 1) {
            return Err(OUTSIDE);
        }
        let mut bytes = Vec::new();
        let read = file.take(left + 1).read_to_end(&mut bytes).map_err(|_| "the file cannot be read")?;
        left = left.checked_sub(read as u64).ok_or("32 MiB of files at once is the most")?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        files.push(json!({ "name": name, "bytes": BASE64.encode(&bytes) }));
    }
    Ok(files.into())
}

/// Where an open file is.
fn place(file: &impl AsRawFd) -> std::io::Result<PathBuf> {
    std::fs::read_link(PathBuf::from("/proc/self/fd").join(file.as_raw_fd().to_string()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_files_that_really_are_in_the_directory_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("tmp"), folder.path().join("secret"));
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(&outside, "secret").unwrap();
        std::fs::write(inside.join("own.txt"), "own").unwrap();
        symlink(&outside, inside.join("link")).unwrap();
        symlink(folder.path(), inside.join("up")).unwrap();
        symlink(inside.join("own.txt"), inside.join("alias.txt")).unwrap();
        let read = |name: &str| read(&inside, &[inside.join(name).to_str().unwrap()]);
        let own = json!([{ "name": "own.txt", "bytes": "b3du" }]);
        assert_eq!(read("own.txt").unwrap(), own);
        assert_eq!(read("alias.txt").unwrap()[0]["bytes"], own[0]["bytes"]);
        for outside in ["link", "up/secret", "../secret", "/etc/passwd", ".", "missing"] {
            assert!(read(outside).is_err(), "{outside}");
        }
        std::fs::hard_link(&outside, inside.join("hard")).unwrap();
        assert!(read("hard").is_err(), "a second name of a file elsewhere");
        assert!(super::read(&inside, &["own.txt"]).is_err(), "a relative path is relative to nothing");
        std::fs::remove_dir_all(&inside).unwrap();
        symlink(folder.path(), &inside).unwrap();
        assert!(read("secret").is_err(), "a link in the directory's own place");
    }
}
