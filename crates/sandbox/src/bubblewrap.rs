//! bubblewrap's arguments: the namespaces, and the few places that are mounted in them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};

use crate::display::TEMPORARY;
use crate::visible::{BROWSER, ETC, POLICIES, SYSTEM};
use crate::wire::Plan;

/// Where distributions put it.
const PLACES: [&str; 2] = ["/usr/bin/bwrap", "/usr/local/bin/bwrap"];

/// bubblewrap, if it is installed.
pub(crate) fn find() -> Option<PathBuf> {
    PLACES.iter().map(PathBuf::from).find(|path| path.is_file())
}

/// The namespaces and privileges of every child, without any mount.
pub(crate) fn isolation(root: bool, own_uid: bool) -> Vec<OsString> {
    let mut args = vec!["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"];
    args.extend(["--die-with-parent", "--new-session", "--clearenv", "--hostname", "freehold"]);
    if root {
        // As root no user namespace is needed, and real uids stay real; what is left of root is just enough to give up root.
        args.extend(["--cap-drop", "ALL"]);
        if own_uid {
            args.extend(["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]);
        }
    } else {
        args.push("--unshare-user");
    }
    args.into_iter().map(OsString::from).collect()
}

/// Everything for one child but the command itself. `passwd` and `group` are descriptors with the account the child sees itself as.
pub(crate) fn arguments(plan: &Plan, passwd: RawFd, group: RawFd) -> Vec<OsString> {
    let mut args = isolation(plan.root, plan.layers.own_uid.is_some());
    let mut add = |options: &[&str], operands: &[&Path]| {
        args.extend(options.iter().map(OsString::from));
        args.extend(operands.iter().map(OsString::from));
    };
    if !plan.network {
        add(&["--unshare-net"], &[]);
    }
    // First, since the scratch directory may be in /dev/shm and would otherwise lose the parents made for it.
    add(&["--proc", "/proc", "--dev", "/dev"], &[]);
    // As well, since everything may be in /tmp.
    if plan.display.is_some() {
        add(&["--bind"], &[&plan.scratch.join("tmp"), Path::new(TEMPORARY)]);
    }
    // bubblewrap makes the parents of what it mounts too, but for itself alone.
    let mounted = plan.visible.iter().chain([&plan.folder, &plan.scratch]).map(PathBuf::as_path);
    let mounted = mounted.chain(ETC.map(Path::new).into_iter().filter(|etc| etc.exists()));
    let mounted =
        mounted.chain(plan.browser_policies.iter().flat_map(|_| BROWSER.into_iter().chain([POLICIES])).map(Path::new));
    let parents: BTreeSet<&Path> = mounted.flat_map(|path| path.ancestors().skip(1)).collect();
    for parent in parents.into_iter().filter(|parent| parent.parent().is_some()) {
        add(&["--perms", "0755", "--dir"], &[parent]);
    }
    for system in SYSTEM.map(Path::new) {
        match fs::read_link(system) {
            Ok(target) => add(&["--symlink"], &[&target, system]),
            Err(_) => add(&["--ro-bind-try"], &[system, system]),
        }
    }
    for etc in ETC.map(Path::new) {
        add(&["--ro-bind-try"], &[etc, etc]);
    }
    add(&["--perms", "0644", "--ro-bind-data", &passwd.to_string(), "/etc/passwd"], &[]);
    add(&["--perms", "0644", "--ro-bind-data", &group.to_string(), "/etc/group"], &[]);
    if let Some(policies) = &plan.browser_policies {
        for fonts in BROWSER.map(Path::new) {
            add(&["--ro-bind-try"], &[fonts, fonts]);
        }
        add(&["--ro-bind"], &[policies, Path::new(POLICIES)]);
    }
    for path in plan.visible.iter().chain([&plan.folder]) {
        add(&["--ro-bind"], &[path, path]);
    }
    add(&["--bind"], &[&plan.scratch, &plan.scratch]);
    // Nothing may be written, and so no memory taken, outside the scratch directory.
    add(&["--remount-ro", "/dev", "--remount-ro", "/"], &[]);
    args
}
