//! The proof of the ephemeral mode, of connectors that come with Freehold and of one that does not.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use freehold_core::{ConnectorName, Rng};
use freehold_proof::{Proving, Shown, Way};
use freehold_protocol::Manifest;
use freehold_tests::leaky;
use freehold_tests::library::drop_in;
use freehold_tests::random::TestRng;
use freehold_vault::OsRng;

const LAUNCHER: &str = env!("CARGO_BIN_EXE_launcher");

fn manifest(name: &str, text: &str) -> Manifest {
    Manifest::parse(ConnectorName::parse(name).expect("a name"), text).expect("a manifest")
}

/// Rehearses these ways, and says how long each took where it fails.
fn rehearse(manifest: &Manifest, connector_dirs: Vec<PathBuf>, ways: &[Way]) -> Shown {
    let scratch = tempfile::tempdir_in("/dev/shm").expect("a directory in memory");
    std::fs::set_permissions(scratch.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).expect("its mode");
    let proving = Proving {
        manifest,
        fixtures: None,
        connector_dirs,
        program: LAUNCHER.into(),
        scratch: scratch.path().to_owned(),
        windows: false,
        rng: &OsRng,
    };
    let steps = RefCell::new(Vec::new());
    let began = Instant::now();
    let tell = |step: &str| steps.borrow_mut().push(format!("{:5} ms {step}", began.elapsed().as_millis()));
    let shown = proving.rehearse(ways, &tell);
    let shown = shown.unwrap_or_else(|error| panic!("{error}\n{}", steps.borrow().join("\n")));
    assert_eq!(std::fs::read_dir(scratch.path()).expect("readable").count(), 0, "the proof leaves nothing either");
    shown
}

#[test]
fn a_connector_that_comes_with_freehold_is_proven() {
    let practice = manifest("practice", include_str!("../../connectors/practice/manifest.json"));
    let shown = rehearse(&practice, Vec::new(), &Way::all());
    assert_eq!(shown.leaks, Vec::<String>::new());
    assert_eq!(shown.runs.len(), Way::all().len());
}

#[test]
fn one_that_nobody_here_wrote_is_proven_from_its_manifest() {
    let folder = tempfile::tempdir().expect("a folder");
    drop_in(&folder.path().join("otterburn"));
    let unseen = Manifest::load(&folder.path().join("otterburn")).expect("a manifest");
    let ways = [Way::ByItself, Way::ServerKilledAt("collect")];
    let shown = rehearse(&unseen, vec![folder.path().to_owned()], &ways);
    assert_eq!(shown.leaks, Vec::<String>::new());
    assert_eq!(shown.planted.iter().filter(|planted| planted.starts_with("typed")).count(), 1);
}

#[test]
fn one_that_writes_down_what_it_should_not_is_found_out() {
    let leaky = manifest("leaky", &leaky::manifest());
    let shown = rehearse(&leaky, Vec::new(), &[Way::ByItself]);
    for planted in ["cookie", "local storage"] {
        assert!(shown.leaks.iter().any(|leak| leak.contains(planted)), "{planted}: {:#?}", shown.leaks);
    }
}

#[test]
fn twenty_runs_killed_at_random_points_leave_nothing() {
    let practice = manifest("practice", include_str!("../../connectors/practice/manifest.json"));
    let mut bytes = [0; 20];
    TestRng::new(11).fill(&mut bytes);
    // A run takes a few seconds; some are over before they are killed.
    let ways: Vec<_> =
        bytes.iter().map(|byte| Way::ServerKilledAfter(Duration::from_millis(20 * u64::from(*byte)))).collect();
    let shown = rehearse(&practice, Vec::new(), &ways);
    assert_eq!(shown.leaks, Vec::<String>::new());
    assert_eq!(shown.runs.len(), 20);
}
