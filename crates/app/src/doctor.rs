//! `freehold doctor`: what holds on this machine, what follows where it does not, and what to do.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;

use freehold_core::Problem;
use freehold_engine::Installed;
use freehold_sandbox::Host;
use freehold_store::VaultDb;
use serde::Serialize;

use crate::cli::{Cell, Context, Tone};
use crate::config::{Config, is_tmpfs};
use crate::connectors;

/// Below this, the databases may soon be unable to grow.
const ENOUGH_SPACE: u64 = 1 << 30;

/// What a browser's profile and temporary files may take.
const ENOUGH_SCRATCH: u64 = 512 << 20;

#[derive(Serialize)]
struct Finding {
    name: String,
    holds: bool,
    detail: String,
    /// What follows where it does not hold, and what to do.
    consequence: String,
}

/// Looks, prints, and exits with 0 if everything holds and 1 if not.
pub(crate) fn doctor(context: &Context) -> Result<ExitCode, Problem> {
    let config = &context.config;
    let host = Host::probe("/proc/self/exe".into()).with_search_path(config.search_path.clone());
    let sandbox = host.report().into_iter().map(|finding| Finding {
        name: finding.name.to_owned(),
        holds: finding.holds,
        detail: finding.detail,
        consequence: finding.consequence,
    });
    let mut findings: Vec<Finding> = sandbox.collect();
    let has_mounts = findings.iter().any(|finding| finding.name == "bubblewrap" && finding.holds);
    findings.extend([
        browser(has_mounts),
        windows(&host),
        stand_ins(config),
        scratch(config),
        key_file(config),
        data_directory(config),
        disk_space(config),
        swap(),
        environment(config),
    ]);
    if let Err(problem) = connectors::check_app_settings(config) {
        findings.push(lacks("app settings", problem.what, &problem.next));
    }
    let all_hold = findings.iter().all(|finding| finding.holds);
    if context.terminal.json {
        let json = serde_json::json!({ "holds": all_hold, "findings": findings });
        context.terminal.raw(json.to_string().as_bytes())?;
    } else {
        print(context, &findings)?;
    }
    Ok(if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(context: &Context, findings: &[Finding]) -> Result<(), Problem> {
    for finding in findings {
        let (word, tone) = if finding.holds { ("ok", Tone::Good) } else { ("look", Tone::Attention) };
        context.terminal.pieces(&[
            Cell::new(format!("{word:<5}")).tone(tone),
            Cell::new(format!("{}: {}", finding.name, finding.detail)),
        ])?;
        if !finding.consequence.is_empty() {
            context.terminal.line(format!("       {}", finding.consequence))?;
        }
    }
    let open = findings.iter().filter(|finding| !finding.holds).count();
    context.terminal.line(match open {
        0 => "Everything holds.".to_owned(),
        1 => "One thing to look at.".to_owned(),
        several => format!("{several} things to look at."),
    })
}

fn browser(has_mounts: bool) -> Finding {
    let chromium = match Installed::find() {
        Ok(chromium) => chromium,
        Err(missing) => {
            return lacks(
                "browser",
                format!("{missing}."),
                "Until then no source that signs in on web pages can be set up.",
            );
        }
    };
    let path = chromium.path().display();
    if has_mounts {
        return holds("browser", format!("{path} runs under policies of Freehold's own; this machine's are not touched."));
    }
    lacks(
        "browser",
        format!("{path} is there, and bubblewrap, which lays Freehold's policies over the system's, is not."),
        "Its password manager and form filling are then off by its preferences alone. Install bubblewrap.",
    )
}

fn windows(host: &Host) -> Finding {
    if Installed::find().is_ok_and(|chromium| chromium.has_display(host)) {
        return holds("browser's windows", "Each browser has a display of its own (Xvfb), which nobody sees.".to_owned());
    }
    lacks(
        "browser's windows",
        "Browsers run without windows: Chromium, Xvfb or bubblewrap is missing.".to_owned(),
        "That is enough for most sites; some turn such a browser away. Install chromium, xvfb and bubblewrap.",
    )
}

fn stand_ins(config: &Config) -> Finding {
    if config.stand_ins.is_empty() {
        return holds("stand-ins", "Browsers find every host where it really is.".to_owned());
    }
    let hosts: Vec<&str> = config.stand_ins.iter().map(|stand_in| stand_in.host.as_str()).collect();
    lacks(
        "stand-ins",
        format!("Browsers find a stand-in on this machine for {}.", hosts.join(", ")),
        "That is for trying connectors out. Remove [[stand_in]] from the configuration to reach the real sites.",
    )
}

fn scratch(config: &Config) -> Finding {
    match &config.scratch_dir {
        Some(path) if is_tmpfs(path) && free_space(path).is_some_and(|free| free < ENOUGH_SCRATCH) => lacks(
            "scratch",
            format!("Runs work in {}, in memory, and little is free there.", path.display()),
            "A browser's profile may not fit, and its run fails by that name. Give tmpfs 512 MiB or more, or set scratch_dir.",
        ),
        Some(path) if is_tmpfs(path) => holds("scratch", format!("Runs work in {}, in memory.", path.display())),
        Some(path) => lacks(
            "scratch",
            format!("Runs work in {}, which is not tmpfs.", path.display()),
            "What a run leaves there may be readable on the disk later. Set scratch_dir to a directory on tmpfs.",
        ),
        None => lacks(
            "scratch",
            "No directory in memory was found for runs.".to_owned(),
            "The server does not start. Mount tmpfs on /dev/shm, or set scratch_dir.",
        ),
    }
}

fn key_file(config: &Config) -> Finding {
    let path = &config.key_file;
    let shown = path.display();
    let same_disk = || device(path).is_some() && device(path) == device(&config.data_dir);
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && VaultDb::has_owner_in(&config.data_dir) => lacks(
            "key file",
            format!("{shown} is missing, and the vault was made with one."),
            "Put it back, or unlock with the recovery key: `freehold vault unlock --help`. No new key is made beside old data.",
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            holds("key file", format!("{shown} is not there yet; it is made at first start."))
        }
        Err(error) => {
            lacks("key file", format!("{shown} cannot be looked at: {error}."), "Run doctor as the user Freehold runs as.")
        }
        Ok(found) if found.mode() & 0o077 != 0 => lacks(
            "key file",
            format!("{shown} can be read by other users of this machine (mode {:o}).", found.mode() & 0o777),
            &format!("Whoever reads it can open the vault of a stolen backup. Run: chmod 600 {shown}"),
        ),
        Ok(_) if same_disk() => holds(
            "key file",
            format!(
                "{shown} is for this user alone. It is on the data's disk: it protects a stolen backup, not a stolen machine."
            ),
        ),
        Ok(_) => holds("key file", format!("{shown} is for this user alone.")),
    }
}

fn data_directory(config: &Config) -> Finding {
    let shown = config.data_dir.display();
    match std::fs::metadata(&config.data_dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            holds("data directory", format!("{shown} is not there yet; the server makes it."))
        }
        Err(error) => lacks(
            "data directory",
            format!("{shown} cannot be looked at: {error}."),
            "Run doctor as the user Freehold runs as.",
        ),
        Ok(found) if found.mode() & 0o077 != 0 => lacks(
            "data directory",
            format!("{shown} is open to other users of this machine (mode {:o}).", found.mode() & 0o777),
            &format!("They can read your records. Run: chmod 700 {shown}"),
        ),
        Ok(_) => holds("data directory", format!("{shown} is for this user alone.")),
    }
}

fn disk_space(config: &Config) -> Finding {
    let Some(free) = free_space(&config.data_dir) else {
        return lacks("disk space", "The free space could not be read.".to_owned(), "Check the data directory's disk.");
    };
    let detail = format!("{:.1} GiB are free for the data directory.", free as f64 / f64::from(1 << 30));
    if free >= ENOUGH_SPACE {
        return holds("disk space", detail);
    }
    lacks("disk space", detail, "A run that finds the disk full fails; nothing kept is lost. Make room.")
}

/// Bytes free where the path is, or will be.
fn free_space(path: &Path) -> Option<u64> {
    let space = rustix::fs::statvfs(path.ancestors().find(|path| path.exists())?).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}

fn swap() -> Finding {
    // One heading, then a line for each area (proc_swaps(5)).
    let areas = std::fs::read_to_string("/proc/swaps").unwrap_or_default();
    let on_disk: Vec<&str> = areas
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .filter(|area| !area.contains("zram") && !area.starts_with("/dev/dm-") && !area.starts_with("/dev/mapper/"))
        .collect();
    if on_disk.is_empty() {
        return holds("swap", "Memory is not swapped to a plain disk.".to_owned());
    }
    lacks(
        "swap",
        format!("Memory may be swapped to {}.", on_disk.join(", ")),
        "A secret in use could reach that disk. Encrypt the swap, or turn it off.",
    )
}

fn environment(config: &Config) -> Finding {
    let suspects = connectors::suspects(config);
    if suspects.is_empty() {
        return holds("environment", "No variable looks like sign-in details.".to_owned());
    }
    lacks(
        "environment",
        format!("These variables look like sign-in details, and were dropped unread: {}.", suspects.join(", ")),
        "Freehold takes none from the environment. If they are meant for it, remove them and give them in the console.",
    )
}

fn device(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|found| found.dev())
}

fn holds(name: &str, detail: String) -> Finding {
    Finding { name: name.to_owned(), holds: true, detail, consequence: String::new() }
}

fn lacks(name: &str, detail: String, consequence: &str) -> Finding {
    Finding { name: name.to_owned(), holds: false, detail, consequence: consequence.to_owned() }
}
