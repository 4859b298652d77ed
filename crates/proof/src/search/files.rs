//! Directories and what is in them.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags, fstatfs, lgetxattr, llistxattr, open};
use rustix::io::Errno;

use super::Search;
use super::report::{Report, Surface};

/// File systems whose files the kernel makes up while they are read: proc, sysfs, cgroup 1 and 2, debugfs, tracefs, securityfs, bpf.
const MADE_UP: [u64; 8] = [0x9fa0, 0x6265_6572, 0x27_e0eb, 0x6367_7270, 0x6462_6720, 0x7472_6163, 0x7363_6673, 0xcafe_4a11];

/// The most that an attribute, and a list of their names, can have.
const ATTRIBUTE: usize = 64 << 10;

/// Looks at everything below `root`, and at `root` itself.
pub(super) fn look(search: &Search, root: &Path) -> Report {
    let mut report = Report::default();
    // Not even the place to look in is there: whoever asked would take that for clean.
    match fs::symlink_metadata(root) {
        Ok(metadata) => entry(search, root, &metadata, None, &mut report),
        Err(error) => report.join(search.unread(&root.display().to_string(), &error)),
    }
    report
}

/// Looks at one entry, and below it. `device` is what the directory above is on.
fn entry(search: &Search, path: &Path, metadata: &Metadata, device: Option<u64>, report: &mut Report) {
    let place = path.display().to_string();
    if let Some(name) = path.file_name() {
        report.join(search.look(Surface::Names, &format!("the name of {place}"), &name.as_bytes()));
    }
    attributes(search, path, &place, report);
    let kind = metadata.file_type();
    let looked = if kind.is_dir() {
        directory(search, path, metadata.dev(), device, report)
    } else if kind.is_symlink() {
        fs::read_link(path).map(|target| {
            let target = target.as_os_str().as_bytes();
            report.join(search.look(Surface::Names, &format!("where {place} leads to"), &target));
        })
    } else if kind.is_file() {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = open(path, flags, Mode::empty()).map(File::from).map_err(io::Error::from);
        file.map(|file| report.join(search.look(Surface::Files, &place, &file)))
    } else {
        Ok(())
    };
    unless_gone(search, &place, looked, report);
}

fn directory(search: &Search, path: &Path, own: u64, above: Option<u64>, report: &mut Report) -> io::Result<()> {
    if Some(own) != above && is_made_up(&File::open(path)?)? {
        return if above.is_some() { Ok(()) } else { Err(io::Error::other("not files, but made up as they are read")) };
    }
    for found in fs::read_dir(path)? {
        let below = found?.path();
        match fs::symlink_metadata(&below) {
            Ok(metadata) => entry(search, &below, &metadata, Some(own), report),
            Err(error) => unless_gone(search, &below.display().to_string(), Err(error), report),
        }
    }
    Ok(())
}

/// Whether a file has nothing in it that anybody wrote.
pub(super) fn is_made_up(file: &File) -> io::Result<bool> {
    Ok(MADE_UP.contains(&u64::from_ne_bytes(fstatfs(file)?.f_type.to_ne_bytes())))
}

/// Names and contents of extended attributes, on file systems that have them.
fn attributes(search: &Search, path: &Path, place: &str, report: &mut Report) {
    let mut names = vec![0; ATTRIBUTE];
    let listed = match llistxattr(path, &mut names) {
        Ok(length) => &names[..length],
        Err(Errno::OPNOTSUPP) => return,
        Err(error) => return unless_gone(search, place, Err(error.into()), report),
    };
    for name in listed.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; ATTRIBUTE];
        match lgetxattr(path, name, &mut value) {
            Ok(length) => {
                let both = [name, b"=", &value[..length]].concat();
                report.join(search.look(Surface::Files, &format!("an attribute of {place}"), &&both[..]));
            }
            Err(Errno::NODATA) => {}
            Err(error) => unless_gone(search, place, Err(error.into()), report),
        }
    }
}

/// Notes why something could not be looked at; what is gone by then need not be.
fn unless_gone(search: &Search, place: &str, looked: io::Result<()>, report: &mut Report) {
    if let Err(error) = looked
        && error.kind() != io::ErrorKind::NotFound
    {
        report.join(search.unread(place, &error));
    }
}
