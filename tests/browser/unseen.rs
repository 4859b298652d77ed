//! A connector nobody here has seen, for a site of another kind: dropped into a folder while Freehold runs, and from then on set up, signed
//! in and collected by what its manifest says (R9).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use freehold_core::identity::IdentityState;
use freehold_core::interaction::InteractionKind;
use freehold_core::reason::{FailureReason, OwnerReason};
use freehold_core::run::Outcome;
use freehold_core::{ConnectorName, CredentialMode, CredentialState, SecretBytes, SecretKind, SourceId};
use freehold_engine::view::RunView;
use freehold_engine::{Answer, NewSource, RecordQuery};
use freehold_practice::Site;
use freehold_tests::house::{House, secret};
use freehold_tests::library::{AtPageTwo, Entries, IsCode, Library, Reader, drop_in};
use freehold_tests::shop;
use serde_json::Value;

use crate::LAUNCHER;

const CARD: &str = "OB441720";
const PIN: &str = "ferry 73";
/// The key of the reader's authenticator: the same as Noor's at the practice shop, whose phone shows its codes.
const SEED: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";

/// A Freehold into which the connector is dropped, and a library.
struct Scene {
    house: House,
    connector: ConnectorName,
    library: Library,
}

impl Scene {
    /// Codes are the authenticator's, or none are asked for.
    fn new(asks_for_code: bool) -> Self {
        let house = House::new(LAUNCHER);
        let connector = ConnectorName::parse("otterburn").expect("a name");
        assert!(house.engine().connector(&connector).is_err(), "not there yet");
        drop_in(&house.connectors().join("otterburn"));
        let phone = shop::open(&house);
        let is_code: IsCode =
            Box::new(move |code| phone.authenticator_code(Site::Shop, "noor").is_ok_and(|now| now == code));
        let paper_codes = BTreeSet::from(["rook-elm".to_owned(), "salt-nine".to_owned()]);
        let is_code = asks_for_code.then_some(is_code);
        let library = Library::open(Reader { name: "Gwen Hall", card: CARD, pin: PIN, is_code, paper_codes });
        Self { house, connector, library }
    }

    fn source(&self, mode: CredentialMode) -> NewSource {
        NewSource {
            connector: self.connector.clone(),
            name: "Library".to_owned(),
            mode,
            settings: BTreeMap::from([("port".to_owned(), Value::from(self.library.port))]),
            expected_account: None,
            accept_unverified: false,
            credentials: BTreeMap::new(),
            consent: false,
        }
    }

    /// A source with the card and PIN, and with these further details.
    fn add(&self, more: &[(SecretKind, &str, &str)]) -> SourceId {
        let fields = |fields: &[(&str, &str)]| -> BTreeMap<String, SecretBytes> {
            fields.iter().map(|(name, value)| ((*name).to_owned(), secret(value))).collect()
        };
        let mut new = self.source(CredentialMode::StoredCredential);
        new.credentials.insert(SecretKind::UsernamePassword, fields(&[("card", CARD), ("pin", PIN)]));
        for (kind, field, value) in more {
            new.credentials.insert(*kind, fields(&[(field, value)]));
        }
        new.consent = true;
        self.house.engine().add_source(&self.house.owner(), new).expect("a source").id
    }

    fn succeeded(&self, run: &RunView) {
        let log = || self.house.engine().connector_log(&self.house.owner(), run.id).expect("a log");
        assert_eq!(run.outcome, Some(Outcome::Succeeded), "{:?}\n{}", run.detail, log());
    }

    fn loans(&self, source: SourceId) -> u64 {
        let page = self.house.engine().records(&self.house.owner(), source, "loans", &RecordQuery::default());
        page.expect("a page").total
    }

    /// The library's statement, as it was kept.
    fn statement(&self, source: SourceId) -> String {
        let (engine, owner) = (self.house.engine(), self.house.owner());
        let record = engine.record(&owner, source, "statements", "statement").expect("a record");
        let sha256 = record.data["file"]["$blob"]["sha256"].as_str().expect("taken over").to_owned();
        fs::read_to_string(engine.blob(&owner, source, &sha256).expect("its file").path).expect("text")
    }

    fn pin_state(&self, source: SourceId) -> CredentialState {
        let credentials = self.house.source(source).credentials;
        credentials.into_iter().find(|one| one.kind == SecretKind::UsernamePassword).expect("its kind").state
    }

    /// The library forgets who is inside, and some time passes.
    fn session_ends(&self) {
        self.library.close_sessions();
        self.house.clock.advance(Duration::from_secs(3600));
    }
}

#[test]
fn from_its_manifest_alone_it_is_set_up_signed_in_to_and_collected() {
    let scene = Scene::new(true);
    let (house, library) = (&scene.house, &scene.library);
    let view = house.engine().connector(&scene.connector).expect("it is there");
    assert_eq!(view.unavailable, None);
    let labels: Vec<_> = view.captures[0].form.fields.iter().map(|field| &*field.label).collect();
    assert_eq!(labels, ["Card number", "PIN"]);
    let modes: Vec<_> = view.modes.iter().map(|offered| offered.mode).collect();
    assert_eq!(modes, [CredentialMode::StoredCredential, CredentialMode::StreamedBrowser]);

    let source = scene.add(&[(SecretKind::OtpSeed, "key", SEED)]);
    scene.succeeded(&house.settled(source));
    assert_eq!(scene.loans(source), 11);
    let IdentityState::Confirmed { identity } = house.source(source).identity else { panic!("{:?}", house.source(source)) };
    assert_eq!((&*identity.key, &*identity.display), ("OB441720", "Gwen Hall"));
    let statement = scene.statement(source);
    assert_eq!(statement.lines().count(), 11, "what its page downloads it hands in");
    assert!(statement.starts_with("2025-11-07,The Tide Tables\n"), "{statement}");
    let once = Entries { pins: 1, codes: 1, paper_codes: 0, inside: 1 };
    assert_eq!(library.entries(), once);

    scene.succeeded(&house.collect(source));
    assert_eq!(library.entries(), once, "the session is used while it lasts");
    scene.session_ends();
    scene.succeeded(&house.collect_by_schedule(source));
    assert_eq!(library.entries(), Entries { pins: 2, codes: 2, paper_codes: 0, inside: 2 }, "signed in again by itself");

    library.set_pin("another");
    scene.session_ends();
    let run = house.collect_by_schedule(source);
    assert_eq!(run.outcome, Some(Outcome::NeedsOwner { reason: OwnerReason::CredentialRejected }), "{:?}", run.detail);
    assert!(matches!(scene.pin_state(source), CredentialState::Rejected { .. }));
    house.collect(source);
    assert_eq!(library.entries().pins, 3, "a refused PIN is submitted once, whoever asks for a run");
    assert_eq!(scene.loans(source), 11, "what was collected stays");
}

#[test]
fn paper_codes_are_used_up_one_by_one_where_there_is_no_authenticator() {
    let scene = Scene::new(true);
    let source = scene.add(&[(SecretKind::RecoveryCodes, "paper_codes", "rook-elm\nsalt-nine\n")]);
    scene.succeeded(&scene.house.settled(source));
    scene.session_ends();
    scene.succeeded(&scene.house.collect_by_schedule(source));
    assert_eq!(scene.library.entries(), Entries { pins: 2, codes: 0, paper_codes: 2, inside: 2 });

    scene.session_ends();
    scene.house.engine().start_run(&scene.house.owner(), source).expect("a run");
    let asked = scene.house.asked(source);
    assert_eq!(asked.kind, InteractionKind::Code, "there are none left: {}", asked.message);
    scene.house.engine().answer(&scene.house.owner(), asked.id, Answer::No).expect("declined");
    let run = scene.house.settled(source);
    assert_eq!(run.outcome, Some(Outcome::NeedsOwner { reason: OwnerReason::CodeRequired }), "{:?}", run.detail);
    assert!(matches!(scene.pin_state(source), CredentialState::Verified { .. }), "the PIN is not to blame");
}

#[test]
fn a_library_that_asks_for_a_pause_gets_one() {
    let scene = Scene::new(false);
    scene.library.set_slow(true);
    let source = scene.add(&[]);
    let run = scene.house.settled(source);
    let Some(Outcome::Failed { reason: FailureReason::RateLimited { retry_at: Some(retry_at) } }) = run.outcome else {
        panic!("{:?} {:?}", run.outcome, run.detail)
    };
    assert_eq!(retry_at.to_string(), "2026-01-01T12:05:00Z", "as the library says");
    assert!(!matches!(scene.pin_state(source), CredentialState::Rejected { .. }));
    scene.library.set_slow(false);
    scene.succeeded(&scene.house.collect_by_schedule(source));
    assert_eq!(scene.loans(source), 11);
}

#[test]
fn without_saved_details_its_owner_is_asked_to_sign_in_by_hand() {
    let scene = Scene::new(false);
    let new = scene.source(CredentialMode::StreamedBrowser);
    let source = scene.house.engine().add_source(&scene.house.owner(), new).expect("a source").id;
    let asked = scene.house.asked(source);
    assert_eq!((asked.kind, asked.secure_browser), (InteractionKind::SignIn, true));
    scene.house.engine().answer(&scene.house.owner(), asked.id, Answer::No).expect("declined");
    let run = scene.house.settled(source);
    assert_eq!(run.outcome, Some(Outcome::NeedsOwner { reason: OwnerReason::SignInRequired }));
    assert_eq!(scene.library.entries(), Entries::default());
}

#[test]
fn a_session_that_ends_while_it_collects_is_begun_again_beside_the_connector() {
    let scene = Scene::new(false);
    let (house, library) = (&scene.house, &scene.library);
    library.set_at_page_two(Some(AtPageTwo::ShowsDoor));
    let source = scene.add(&[]);
    let asked = house.asked(source);
    let said = (asked.kind, asked.secure_browser, &*asked.message);
    assert_eq!(said, (InteractionKind::Challenge, true, "The library shows its door."), "signed in, so a person is asked");
    house.clock.advance(Duration::from_secs(3600));
    library.set_at_page_two(Some(AtPageTwo::Forgets));
    house.engine().answer(&house.owner(), asked.id, Answer::Yes).expect("answered");
    let run = house.settled(source);
    scene.succeeded(&run);
    assert_eq!(library.entries().pins, 2, "signed in again by itself");
    assert_eq!(scene.loans(source), 11);
    let timeline = house.engine().timeline(&house.owner(), run.id, 0).expect("a timeline");
    let events = timeline.iter().map(|entry| &*entry.event);
    let events: Vec<_> = events.filter(|event| ["look", "identify", "collect"].contains(event)).collect();
    assert_eq!(events, ["look", "identify", "collect"].repeat(3), "the account is read anew each time");
}
