//! Runs in the ephemeral mode, killed at random points: `cargo xtask prove` starts it, with how many and a seed as its arguments and one
//! page as its output. It ends with 1 if anything is left anywhere.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is what it is for")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use freehold_core::{ConnectorName, Rng};
use freehold_proof::{NotProven, Proving, Shown, Way};
use freehold_protocol::Manifest;
use freehold_tests::random::TestRng;
use freehold_vault::OsRng;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let runs = arguments.next().and_then(|runs| runs.parse().ok()).expect("how many runs");
    let seed = arguments.next().and_then(|seed| seed.parse().ok()).expect("a seed");
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
    match kill(&proving, runs, seed) {
        Ok(shown) => page(&shown, runs, seed),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Kills so many, each at a moment of its own from its server's start until a while after a run would be over.
fn kill(proving: &Proving<'_>, runs: usize, seed: u8) -> Result<Shown, NotProven> {
    let began = Instant::now();
    let undisturbed = proving.rehearse(&[Way::ByItself], &|_| ())?;
    if !undisturbed.leaks.is_empty() {
        return Ok(undisturbed);
    }
    let longest = began.elapsed();
    let rng = TestRng::new(seed);
    // The first is the control: what is planted has to be found in it before it is wiped, or the search is blind.
    let mut ways = vec![Way::ServerKilledAt("collect")];
    let mut all = Shown::default();
    let killed = |shown: &Shown| shown.killed_at.values().sum::<usize>();
    while killed(&all) < runs + 1 {
        // Some are over before their moment; others are killed in their place.
        let mut moments = vec![0; runs + 1 - killed(&all) - ways.len()];
        rng.fill(&mut moments);
        let random = moments.iter().map(|part| Way::ServerKilledAfter(longest * u32::from(*part) / u32::from(u8::MAX)));
        ways.extend(random);
        let shown = proving.rehearse(&ways, &|step| eprintln!("{step}"))?;
        all.runs.extend(shown.runs);
        all.leaks.extend(shown.leaks);
        shown.killed_at.into_iter().for_each(|(event, count)| *all.killed_at.entry(event).or_default() += count);
        (all.planted, all.searched) = (shown.planted, shown.searched);
        ways.clear();
    }
    Ok(all)
}

fn page(shown: &Shown, runs: usize, seed: u8) -> ExitCode {
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    for run in &shown.runs {
        *ends.entry(run.rsplit(": ").next().unwrap_or_default()).or_default() += 1;
    }
    let killed: usize = shown.killed_at.values().sum();
    println!("{runs} runs in the ephemeral mode killed at random moments (seed {seed}), and one as a control.");
    println!("Over before their moment, and searched too: {}. What the killed ones were at:", shown.runs.len() - killed);
    shown.killed_at.iter().for_each(|(event, count)| println!("  {count:>6}  {event}"));
    println!("How the runs ended, as the next start found them:");
    ends.iter().for_each(|(end, count)| println!("  {count:>6}  {end}"));
    println!("Planted in each: {}", shown.planted.join(", "));
    println!("Searched after each: its data, its scratch, its log. On the rest of the machine, after the last:");
    shown.searched.iter().for_each(|line| println!("  {line}"));
    println!("Left behind: {}", if shown.leaks.is_empty() { "nothing" } else { "" });
    shown.leaks.iter().for_each(|leak| println!("  {leak}"));
    if shown.leaks.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
