//! Processes: what the system tells of them, and the files they have open.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;

use super::Search;
use super::files::is_made_up;
use super::report::{Report, Surface};

/// What `/proc` has as text for each process.
const TEXTS: [&str; 4] = ["environ", "cmdline", "comm", "maps"];

/// What it has as a link.
const LINKS: [&str; 3] = ["cwd", "exe", "root"];

/// `root` and everything below it in the process tree, by what is said of each process' parent.
pub fn process_tree(root: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = ids().unwrap_or_default().into_iter().filter_map(|id| Some((id, parent(id)?))).collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(of) = found.get(next).copied() {
        found.extend(all.iter().filter(|(_, parent)| *parent == of).map(|(id, _)| *id));
        next += 1;
    }
    found
}

fn parent(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The program's name is in parentheses and may hold anything; the parent is the second field after it (proc(5)).
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn ids() -> io::Result<Vec<u32>> {
    Ok(fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
}

/// Looks at the processes that `filter` takes, and with `contents` into the files they have open.
pub(super) fn look(search: &Search, filter: impl Fn(u32) -> bool, contents: bool) -> Report {
    let mut report = Report::default();
    // Many processes share one file, and one look at it is enough.
    let mut seen = BTreeSet::new();
    match ids() {
        Ok(ids) => ids.into_iter().filter(|id| filter(*id)).for_each(|id| {
            let mut refused = Vec::new();
            told(search, id, &mut report, &mut refused);
            descriptors(search, id, contents, &mut seen, &mut report, &mut refused);
            if !refused.is_empty() {
                let name = fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
                report.join(search.unread(&format!("process {id} {}", name.trim_end()), &refused.join(", ")));
            }
        }),
        Err(error) => report.join(search.unread("/proc", &error)),
    }
    report
}

fn told(search: &Search, id: u32, report: &mut Report, refused: &mut Vec<String>) {
    for name in TEXTS {
        if let Some(bytes) = unless_over(fs::read(format!("/proc/{id}/{name}")), name, refused) {
            report.join(search.look(Surface::Processes, &format!("{name} of process {id}"), &&bytes[..]));
        }
    }
    for name in LINKS {
        if let Some(target) = unless_over(fs::read_link(format!("/proc/{id}/{name}")), name, refused) {
            let target = target.as_os_str().as_bytes();
            report.join(search.look(Surface::Processes, &format!("{name} of process {id}"), &target));
        }
    }
}

fn descriptors(
    search: &Search,
    id: u32,
    contents: bool,
    seen: &mut BTreeSet<(u64, u64)>,
    report: &mut Report,
    refused: &mut Vec<String>,
) {
    let Some(entries) = unless_over(fs::read_dir(format!("/proc/{id}/fd")), "fd", refused) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let number = path.file_name().unwrap_or_default().display().to_string();
        let Some(target) = unless_over(fs::read_link(&path), &format!("descriptor {number}"), refused) else { continue };
        let place = format!("descriptor {number} of process {id}");
        let bytes = target.as_os_str().as_bytes();
        report.join(search.look(Surface::Processes, &format!("what {place} is called"), &bytes));
        if !contents {
            continue;
        }
        match file(&path, seen) {
            Ok(None) => {}
            Ok(Some(file)) => {
                report.join(search.look(Surface::Descriptors, &format!("{place}, {}", target.display()), &file));
            }
            error => {
                unless_over(error, &format!("descriptor {number}"), refused);
            }
        }
    }
}

/// The file a descriptor is open on, by a descriptor of our own: whoever holds it, its position stays. Only what is a file with bytes
/// of its own, memory files among them, and was not seen before: a pipe's reader would miss what we take.
fn file(path: &PathBuf, seen: &mut BTreeSet<(u64, u64)>) -> io::Result<Option<File>> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() || !seen.insert((metadata.dev(), metadata.ino())) {
        return Ok(None);
    }
    let file = File::from(open(Path::new(path), OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?);
    Ok((!is_made_up(&file)?).then_some(file))
}

/// What was read, unless it was refused, or the process ended between being listed and being read.
fn unless_over<T>(read: io::Result<T>, what: &str, refused: &mut Vec<String>) -> Option<T> {
    read.map_err(|error| {
        let over = error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(Errno::SRCH.raw_os_error());
        if !over {
            refused.push(format!("{what}: {error}"));
        }
    })
    .ok()
}
