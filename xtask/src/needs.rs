//! What the machine has to have: said when missing, and installed with a yes.

use std::io::{IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, bail};

use crate::command::{self, program, succeed};

/// A Debian package, and the program that shows it is there.
struct Package {
    name: &'static str,
    program: &'static str,
    why: &'static str,
}

const COMPILER: Package = Package { name: "build-essential", program: "cc", why: "compiles SQLite and the cryptography" };
const BUBBLEWRAP: Package = Package { name: "bubblewrap", program: "bwrap", why: "isolates connectors" };
const DOVECOT: Package = Package { name: "dovecot-imapd", program: "dovecot", why: "is the demo mailbox, and the tests'" };
const OPENSSL: Package = Package { name: "openssl", program: "openssl", why: "makes the demo mailbox's certificate" };
const PYTHON: Package = Package { name: "python3", program: "python3", why: "runs the tests' connectors" };
const SMTP: Package =
    Package { name: "python3-aiosmtpd", program: "aiosmtpd", why: "is the mail server that notifications are sent to" };
const CHROMIUM: Package =
    Package { name: "chromium", program: "chromium", why: "is the secure browser, and the one the console is tested in" };

const CERTUTIL: Package = Package {
    name: "libnss3-tools",
    program: "certutil",
    why: "installs Freehold's own CA in the browser the console is tested in",
};
const XVFB: Package = Package { name: "xvfb", program: "Xvfb", why: "is the display of the secure browser's windows" };

/// What `run` needs.
pub(crate) fn for_running(yes: bool) -> anyhow::Result<()> {
    packages(&[COMPILER, BUBBLEWRAP, CHROMIUM, XVFB, DOVECOT, OPENSSL], yes)
}

/// What `test` needs: also a browser, and the pinned npm packages of each folder that has a lockfile.
pub(crate) fn for_testing(yes: bool) -> anyhow::Result<()> {
    packages(&[COMPILER, BUBBLEWRAP, DOVECOT, OPENSSL, PYTHON, SMTP, CHROMIUM, XVFB, CERTUTIL], yes)?;
    for folder in ["ui", "tests/console"] {
        npm_packages(&command::root().join(folder))?;
    }
    Ok(())
}

/// What `bench` needs.
pub(crate) fn for_measuring(yes: bool) -> anyhow::Result<()> {
    packages(&[COMPILER, BUBBLEWRAP, CHROMIUM], yes)
}

fn packages(wanted: &[Package], yes: bool) -> anyhow::Result<()> {
    let missing: Vec<_> = wanted.iter().filter(|package| !command::is_installed(package.program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("Missing on this machine:");
    for package in &missing {
        println!("  {:<16} {}", package.name, package.why);
    }
    let names: Vec<_> = missing.iter().map(|package| package.name).collect();
    let mut update = as_root("apt-get", &["update", "-q"])?;
    let mut install = as_root("apt-get", &[&["install", "-y", "-q", "--no-install-recommends"], &*names].concat())?;
    install.env("DEBIAN_FRONTEND", "noninteractive");
    let commands = format!("  {}\n  {}", command::shown(&update), command::shown(&install));
    if !command::is_installed("apt-get") {
        bail!("install {} with this system's own package manager, then try again", names.join(", "));
    }
    println!("These commands install it:\n{commands}");
    if !(yes || asked("Run them now?")?) {
        bail!("run these commands, or repeat with --yes:\n{commands}");
    }
    succeed(&mut update)?;
    succeed(&mut install).context("Debian's packages could not be installed; try the command by itself")
}

fn npm_packages(folder: &Path) -> anyhow::Result<()> {
    if !folder.join("package-lock.json").exists() {
        return Ok(());
    }
    // npm writes this file last, so a folder older than the lockfile is incomplete or out of date.
    let modified = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let installed = modified(&folder.join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= modified(&folder.join("package-lock.json")) {
        return Ok(());
    }
    if !command::is_installed("npm") {
        bail!(
            "npm is missing: install Node 20 or later from nodejs.org or Debian's packages nodejs and npm, then try again"
        );
    }
    let mut npm = program("npm");
    npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(folder).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    println!("  {} (in {})", command::shown(&npm), folder.display());
    succeed(&mut npm).context("the pinned npm packages could not be installed; is the npm registry reachable?")
}

fn as_root(name: &str, arguments: &[&str]) -> anyhow::Result<std::process::Command> {
    let mut command = if rustix::process::geteuid().is_root() {
        program(name)
    } else if command::is_installed("sudo") {
        let mut sudo = program("sudo");
        sudo.arg(name);
        sudo
    } else {
        bail!("packages are missing, and installing them takes root: run `{name} {}` as root", arguments.join(" "));
    };
    command.args(arguments);
    Ok(command)
}

fn asked(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    print!("{question} [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
