//! R10: whatever way an ephemeral run ends, nothing of it is left, that is verified, and a receipt says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use freehold_core::reason::OwnerReason;
use freehold_core::receipt::SignedOut;
use freehold_core::run::{CancelledBy, Outcome};
use freehold_core::status::Action;
use freehold_core::{ConnectorName, CredentialMode, Problem, ProblemCode, SecretKind, SourceId};
use freehold_engine::view::{ReceiptView, RunView};
use freehold_engine::{Answer, Caller, SourceChange};
use freehold_practice::{Area, Market, Practice};
use freehold_proof::{Canary, Search};
use freehold_tests::hand::Hand;
use freehold_tests::house::{House, credentials};
use freehold_tests::shop::{self, NOOR};

use crate::LAUNCHER;

/// A house with the shop, and a source of it that keeps nothing.
struct Scene {
    house: House,
    shop: Practice,
    source: SourceId,
}

impl Scene {
    fn new() -> Self {
        let house = House::new(LAUNCHER);
        house.take_as_proven("practice");
        let shop = shop::open(&house);
        shop.place_order(Market::Shop, "noor").expect("Noor's account");
        let mut new = shop::source(&shop, "Shop", CredentialMode::EphemeralBrowser);
        new.expected_account = Some(NOOR.email.to_owned());
        let source = house.engine().add_source(&house.owner(), new).expect("a source").id;
        Self { house, shop, source }
    }

    /// Calls off the run that setup began, so that the next one is the test's own.
    fn called_off(self) -> Self {
        self.house.asked(self.source);
        let run = self.house.source(self.source).current_run.expect("a run");
        self.house.engine().cancel_run(&self.house.owner(), run).expect("cancelled");
        self.house.settled(self.source);
        self
    }

    /// Queues a run with Noor's details for it alone.
    fn start(&self) {
        self.start_as(&self.house.owner()).expect("a run");
    }

    fn start_as(&self, caller: &Caller) -> Result<RunView, Problem> {
        let details = BTreeMap::from([(SecretKind::UsernamePassword, credentials(NOOR.email, NOOR.password))]);
        self.house.engine().start_run_with(caller, self.source, details)
    }

    /// The receipt of a run that is over, after looking everywhere ourselves.
    fn receipt(&self, run: &RunView) -> ReceiptView {
        let receipt = self.house.engine().receipt(&self.house.owner(), run.receipt.expect("a receipt")).expect("kept");
        assert!(receipt.verified, "{:?}", receipt.receipt.left);
        assert_eq!(receipt.receipt.run, Some(run.id));
        assert_eq!(directories(&self.house), Vec::<PathBuf>::new());
        let typed = Search::new(&[Canary::known("the password", NOOR.password)]);
        assert_eq!(typed.in_directory(self.house.folder()).complete().expect("readable"), []);
        let view = self.house.source(self.source);
        assert_eq!((view.profile.is_some(), view.credentials.iter().any(|kept| kept.version.is_some())), (false, false));
        let told = self.house.engine().timeline(&self.house.owner(), run.id, 0).expect("a timeline");
        assert!(told.iter().any(|entry| entry.event == "wipe") && told.iter().any(|entry| entry.event == "receipt"));
        let chain = self.house.engine().audit(&self.house.owner(), 0, 1_000).expect("the chain");
        assert!(chain.iter().any(|event| event.action == "wipe" && event.hash == receipt.receipt.audit));
        receipt
    }
}

/// A process that is somewhere until it is dropped.
struct Sleeper(std::process::Child);

impl Sleeper {
    #[expect(clippy::disallowed_methods, reason = "a process of somebody else's, who happens to be there")]
    fn in_directory(directory: &Path) -> Self {
        Self(std::process::Command::new("sleep").arg("600").current_dir(directory).spawn().expect("a process"))
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("it ends");
    }
}

/// What is in the place of the runs' directories.
fn directories(house: &House) -> Vec<PathBuf> {
    std::fs::read_dir(house.scratch().join("r")).into_iter().flatten().map(|entry| entry.expect("readable").path()).collect()
}

#[test]
fn after_success_the_records_are_kept_and_nothing_else() {
    let scene = Scene::new();
    let asked = scene.house.asked(scene.source);
    Hand::in_browser(&scene.house, asked.id).sign_in(NOOR.email, NOOR.password);
    let run = scene.house.settled(scene.source);
    assert_eq!(run.outcome, Some(Outcome::Succeeded), "{:?}", run.detail);
    let receipt = scene.receipt(&run).receipt;
    assert_eq!(receipt.signed_out, SignedOut::Yes);
    assert!(receipt.found.files > 50 && receipt.found.bytes > 100_000 && receipt.found.processes > 2, "{:?}", receipt.found);
    assert_eq!(receipt.found.secrets, Vec::<String>::new());

    let refused = scene.start_as(&Caller::Cli { reauthenticated: false }).map(|run| run.id);
    assert_eq!(refused.map_err(|problem| problem.code), Err(ProblemCode::ReauthenticationRequired));
    scene.start();
    let run = scene.house.settled(scene.source);
    assert_eq!(run.outcome, Some(Outcome::Succeeded), "{:?}", run.detail);
    assert_eq!(scene.receipt(&run).receipt.found.secrets, ["username_password"]);
    let orders = scene.house.source(scene.source).streams.into_iter().find(|stream| stream.name == "orders");
    assert_eq!(orders.expect("orders").count, 1);
    let counts = shop::counts(&scene.shop);
    assert_eq!((counts.signed_in, counts.signed_out), (2, 2), "the shop's own sessions are over too");

    scene.house.clock.advance(Duration::from_secs(40 * 86_400));
    scene.house.engine().wake();
    let view = scene.house.source(scene.source);
    assert_eq!(
        (view.status.as_str(), view.action, view.current_run),
        ("due", Action::CollectNow, None),
        "a reminder, no run"
    );
}

#[test]
fn after_a_failure_and_a_cancellation() {
    let scene = Scene::new().called_off();
    let cancelled = scene.house.source(scene.source).last_run.expect("a run");
    let cancelled = scene.house.engine().run(&scene.house.owner(), cancelled).expect("kept");
    assert_eq!(cancelled.outcome, Some(Outcome::Cancelled { by: CancelledBy::Owner }));
    scene.receipt(&cancelled);

    scene.shop.set_moods(|moods| moods.errors = Area::Everywhere);
    scene.start();
    let run = scene.house.settled(scene.source);
    assert!(matches!(run.outcome, Some(Outcome::Failed { .. })), "{:?}", run.outcome);
    scene.receipt(&run);
}

#[test]
fn what_cannot_be_shown_to_be_gone_keeps_the_source_from_running() {
    let scene = Scene::new();
    let asked = scene.house.asked(scene.source);
    // Somebody has a file of the run open: removing the directory does not end that.
    let directory = directories(&scene.house).pop().expect("the run's");
    let held = std::fs::File::create(directory.join("held")).expect("made");
    let shell = Sleeper::in_directory(&directory);
    scene.house.engine().answer(&scene.house.owner(), asked.id, Answer::No).expect("declined");
    let run = scene.house.settled(scene.source);
    assert_eq!(run.outcome, Some(Outcome::NeedsOwner { reason: OwnerReason::WipeUnverified }), "{:?}", run.detail);
    let view = scene.house.source(scene.source);
    assert_eq!((view.status.reason(), view.action), (Some("wipe_unverified"), Action::SeeWhatIsLeft));
    let receipt = scene.house.engine().receipt(&scene.house.owner(), run.receipt.expect("one")).expect("kept");
    assert!(!receipt.verified && receipt.receipt.left.iter().any(|left| left.starts_with("process ")), "{receipt:?}");
    let refused = scene.house.engine().start_run(&scene.house.owner(), scene.source).expect_err("kept from running");
    assert!(refused.to_string().contains("could not be shown to be gone"), "{refused}");

    drop((held, shell));
    let again = scene.house.engine().wipe_again(&scene.house.owner(), scene.source).expect("looked again");
    assert!(again.verified, "{again:?}");
    assert_ne!(scene.house.source(scene.source).status.reason(), Some("wipe_unverified"));
    scene.start();
    assert_eq!(scene.house.settled(scene.source).outcome, Some(Outcome::Succeeded));
}

#[test]
fn the_offer_goes_when_what_was_proven_is_not_what_is_there() {
    let house = House::new(LAUNCHER);
    let name = ConnectorName::parse("practice").expect("a name");
    let offered = || {
        let view = house.engine().connector(&name).expect("bundled");
        view.modes.iter().any(|offered| offered.mode == CredentialMode::EphemeralBrowser)
    };
    assert!(!offered(), "nothing is proven yet");
    house.take_as_proven("practice");
    assert!(offered());
    let view = house.engine().proof(&house.owner(), &name).expect("readable");
    assert!(view.proven);
    let proof = view.proof.expect("one");
    let with = |change: &dyn Fn(&mut freehold_engine::Proof)| {
        let mut proof = proof.clone();
        change(&mut proof);
        house.engine().keep_proof(&house.owner(), &name, &proof).expect("kept");
        offered()
    };
    assert!(!with(&|proof| proof.subject.digest.push('0')), "another connector");
    assert!(!with(&|proof| proof.subject.wipe_format += 1), "another wipe");
    assert!(!with(&|proof| proof.subject.browser_major += 1), "another browser");
    assert!(!with(&|proof| proof.leaks.push("cookie: somewhere".to_owned())), "something was found");
    assert!(with(&|_| {}));
}

#[test]
fn entering_the_mode_destroys_what_the_others_kept() {
    let house = House::new(LAUNCHER);
    house.take_as_proven("practice");
    let shop = shop::open(&house);
    let source = shop::add(&house, &shop, "Shop", &NOOR, &[]);
    assert_eq!(house.settled(source).outcome, Some(Outcome::Succeeded));
    assert!(house.source(source).profile.is_some());
    let change = SourceChange { mode: Some(CredentialMode::EphemeralBrowser), ..SourceChange::default() };
    let view = house.engine().change_source(&house.owner(), source, change).expect("changed");
    assert_eq!((view.profile.is_some(), view.credentials.iter().any(|kept| kept.version.is_some())), (false, false));
    let receipts = house.engine().receipts(&house.owner(), Some(source), 10).expect("receipts");
    let receipt = &receipts[0].receipt;
    assert_eq!((receipt.kind.as_str(), receipts[0].verified), ("change_mode", true));
    assert_eq!(receipt.found.secrets, ["username_password", "secrets_key", "profile_key"]);
}

#[test]
fn a_start_sweeps_what_no_run_and_no_key_owns() {
    let mut house = House::new(LAUNCHER);
    let (profiles, runs) = (house.folder().join("data/profiles"), house.scratch().join("r"));
    let orphans = [profiles.join("src_00000000000000000000000001.sealed"), runs.join("abandoned/b/profile/Cookies")];
    for orphan in &orphans {
        std::fs::create_dir_all(orphan.parent().expect("a folder")).expect("made");
        std::fs::write(orphan, "left").expect("written");
    }
    house.restart();
    for orphan in &orphans {
        assert!(!orphan.exists(), "{}", orphan.display());
    }
}
