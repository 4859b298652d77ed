//! The rest of the machine: where a run could have left something outside its own directory.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::process::{Pid, Signal, kill_process};

use crate::{Report, Search};

/// Where programs leave what they are not told to leave elsewhere, and where the system keeps what crashed.
const SHARED: [&str; 7] = ["/tmp", "/var/tmp", "/dev/shm", "/run", "/var/crash", "/var/log", "/var/lib/systemd/coredump"];

/// Searches every process, and all that changed elsewhere since then.
pub(super) fn elsewhere(search: &Search, since: SystemTime, own: &Path) -> Report {
    let mut report = search.in_processes(|_| true);
    let homes = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let homes = homes.lines().filter_map(|line| line.split(':').nth(5)).map(PathBuf::from);
    let mut places: Vec<PathBuf> =
        SHARED.iter().map(PathBuf::from).chain(homes).filter(|home| home.components().count() > 1).collect();
    places.sort();
    places.dedup();
    // Each is in one of the others at most once.
    let all = places.clone();
    places.retain(|place| !all.iter().any(|other| place != other && place.starts_with(other)));
    for place in places {
        changed(search, &place, since, own, &mut report);
    }
    report
}

/// Searches what changed below a directory.
fn changed(search: &Search, directory: &Path, since: SystemTime, own: &Path, report: &mut Report) {
    let mut waiting = vec![directory.to_owned()];
    while let Some(next) = waiting.pop() {
        // A directory nobody may read is nobody's who ran here.
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(metadata) = entry.metadata() else { continue };
            if path == own {
                continue;
            }
            if metadata.is_dir() {
                waiting.push(path);
            } else if metadata.modified().is_ok_and(|at| at >= since) {
                let looked = search.in_directory(&path);
                report.join(Report { could_not_look: Vec::new(), ..looked });
            }
        }
    }
}

/// Kills the processes that are at work in that part of a run's directory: `b` is its browser's, `c` its connector's.
pub(super) fn kill_in_runs(scratch: &Path, part: &str) {
    let runs = fs::read_dir(scratch.join("r")).into_iter().flatten().flatten().map(|run| run.path().join(part));
    let marks: Vec<_> = runs.map(|path| path.as_os_str().as_bytes().to_vec()).collect();
    let mentions = |text: &[u8]| marks.iter().any(|mark| text.windows(mark.len()).any(|part| part == &mark[..]));
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw) else {
            continue;
        };
        let told = ["cmdline", "environ"].map(|name| fs::read(entry.path().join(name)).unwrap_or_default());
        if told.iter().any(|text| mentions(text)) {
            // It may be gone by now.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}
