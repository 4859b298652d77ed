//! Runs in the ephemeral mode, killed at random points: `cargo xtask prove` starts it, with how many as its first argument and one
//! page as its output. It ends with 1 if anything is left anywhere.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is what it is for")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use freehold_core::{ConnectorName, Rng};
use freehold_proof::{Proving, Way};
use freehold_protocol::Manifest;
use freehold_vault::OsRng;

/// A run against the stand-in is over sooner than this.
const LONGEST: u64 = 5_000;

fn main() -> ExitCode {
    let runs = std::env::args().nth(1).and_then(|runs| runs.parse().ok()).expect("how many runs");
    let own = std::env::current_exe().expect("this program");
    let name = ConnectorName::parse("practice").expect("a name");
    let manifest = Manifest::parse(name, include_str!("../../connectors/practice/manifest.json")).expect("a manifest");
    let scratch = tempfile::tempdir_in("/dev/shm").expect("a directory in memory");
    std::fs::set_permissions(scratch.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).expect("its mode");
    let proving = Proving {
        manifest: &manifest,
        fixtures: None,
        connector_dirs: Vec::new(),
        program: own.ancestors().nth(2).expect("the folder it was built in").join("launcher"),
        scratch: scratch.path().to_owned(),
        windows: false,
        rng: &OsRng,
    };
    let ways: Vec<_> = (0..runs).map(|_: u32| Way::ServerKilledAfter(moment())).collect();
    let shown = match proving.rehearse(&ways, &|step| eprintln!("{step}")) {
        Ok(shown) => shown,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    for run in &shown.runs {
        *ends.entry(run.rsplit(": ").next().unwrap_or_default()).or_default() += 1;
    }
    println!("{runs} runs of {} in the ephemeral mode, their server killed within {LONGEST} ms:", manifest.name);
    ends.iter().for_each(|(end, count)| println!("  {count:>6}  {end}"));
    println!("Planted in each: {}", shown.planted.join(", "));
    println!("Searched after the last:");
    shown.searched.iter().for_each(|line| println!("  {line}"));
    println!("Left behind: {}", if shown.leaks.is_empty() { "nothing" } else { "" });
    shown.leaks.iter().for_each(|leak| println!("  {leak}"));
    if shown.leaks.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// After how long one is killed.
fn moment() -> Duration {
    let mut bytes = [0; 8];
    OsRng.fill(&mut bytes);
    Duration::from_millis(u64::from_le_bytes(bytes) % LONGEST)
}
