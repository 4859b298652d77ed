//! The connector `amazon` as a whole, against the practice provider's pages in its shape, served over TLS at the shop's own names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use freehold_core::interaction::InteractionKind;
use freehold_core::reason::OwnerReason;
use freehold_core::run::Outcome;
use freehold_core::{Clock, ConnectorName, CredentialMode, SecretKind, SourceId};
use freehold_engine::view::RunView;
use freehold_engine::{Answer, NewSource, RecordQuery, StandIn};
use freehold_practice::{AccountCounts, Captcha, Market, Moods, Options, Practice, Site};
use freehold_tests::clock::ManualClock;
use freehold_tests::house::{House, credentials, secret};
use serde_json::Value;

use crate::LAUNCHER;

/// Has an authenticator, and this is its key.
const MARIA: (&str, &str) = ("maria@example.test", "quiet-harbour-lights");
const SEED: &str = "ONSWCZDFMQ3DIMZSGEYTSOBXGY2TIMZS";
/// Is asked for no code, and has few orders.
const ADA: (&str, &str) = ("ada@example.test", "brass-and-punchcards");

struct Scene {
    house: House,
    shop: Practice,
}

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        // After every order there is.
        clock.advance(Duration::from_secs(273 * 24 * 3600));
        let shared = Arc::clone(&clock);
        let options = Options { clock: Arc::new(move || shared.now()), ..Options::default() };
        let shop = Practice::start(options).expect("the practice provider");
        let stand_in =
            |host: &str| StandIn { host: host.to_owned(), address: shop.tls.to_string(), key: Some(shop.spki.clone()) };
        let stand_ins = ["www.amazon.com", "www.amazon.de"].map(stand_in).to_vec();
        Self { house: House::with_stand_ins(LAUNCHER, clock, stand_ins), shop }
    }

    fn add(&self, site: &str, (email, password): (&str, &str), seed: Option<&str>) -> SourceId {
        let mut given = BTreeMap::from([(SecretKind::UsernamePassword, credentials(email, password))]);
        if let Some(seed) = seed {
            given.insert(SecretKind::OtpSeed, [("otp_seed".to_owned(), secret(seed))].into());
        }
        let new = NewSource {
            connector: ConnectorName::parse("amazon").expect("a name"),
            name: format!("{email} at {site}"),
            mode: CredentialMode::StoredCredential,
            settings: BTreeMap::from([("site".to_owned(), Value::from(site))]),
            expected_account: None,
            accept_unverified: false,
            credentials: given,
            consent: true,
        };
        self.house.engine().add_source(&self.house.owner(), new).expect("a source").id
    }

    fn succeeded(&self, run: &RunView) {
        let log = || self.house.engine().connector_log(&self.house.owner(), run.id).expect("a log");
        assert_eq!(run.outcome, Some(Outcome::Succeeded), "{:?}\n{}", run.detail, log());
    }

    fn total(&self, source: SourceId, stream: &str) -> u64 {
        self.house.engine().records(&self.house.owner(), source, stream, &RecordQuery::default()).expect("a page").total
    }

    fn counts(&self, name: &str) -> AccountCounts {
        let counts = self.shop.counts();
        assert_eq!(counts.decoy_filled, 0, "what nobody sees is filled by nobody");
        counts.of(Site::Amazon, name)
    }

    /// The source's session is gone, and the shop is in this mood alone.
    fn begin(&self, source: SourceId, change: impl FnOnce(&mut Moods)) {
        self.house.lose_session(source);
        self.shop.expire_sessions();
        self.shop.set_moods(|moods| {
            *moods = Moods::default();
            change(moods);
        });
        self.house.engine().start_run(&self.house.owner(), source).expect("a run");
    }
}

#[test]
fn one_account_in_two_countries_is_two_sources_each_with_its_orders() {
    let scene = Scene::new();
    let com = scene.add("amazon.com", MARIA, Some(SEED));
    scene.succeeded(&scene.house.settled(com));
    let items = scene.total(com, "order_items");
    assert_eq!(scene.total(com, "orders"), 58);
    assert!(items > 58, "{items} items");
    let counts = scene.counts("maria");
    assert_eq!((counts.passwords, counts.codes, counts.signed_in), (1, 1, 1));

    let before = scene.shop.counts().requests.len();
    scene.shop.place_order(Market::Com, "maria").expect("Maria's account");
    scene.succeeded(&scene.house.collect(com));
    assert_eq!(scene.total(com, "orders"), 59);
    assert!(scene.total(com, "order_items") > items);
    let requests = &scene.shop.counts().requests[before..];
    let read = requests.iter().filter(|request| request.contains("/your-orders/order-details")).count();
    assert_eq!(read, 5, "only this year's can still change: {requests:?}");
    assert_eq!(scene.counts("maria").passwords, 1, "the session is used while it lasts");

    // The authenticator's next code.
    scene.house.clock.advance(Duration::from_secs(30));
    let de = scene.add("amazon.de", MARIA, Some(SEED));
    let asked = scene.house.asked(de);
    assert_eq!(asked.kind, InteractionKind::Identity);
    assert!(asked.message.contains("at amazon.com"), "the same account is connected already: {}", asked.message);
    scene.house.engine().answer(&scene.house.owner(), asked.id, Answer::Yes).expect("answered");
    scene.succeeded(&scene.house.settled(de));
    assert_eq!((scene.total(de, "orders"), scene.total(com, "orders")), (31, 59));
    let page = scene.house.engine().records(&scene.house.owner(), de, "orders", &RecordQuery::default()).expect("a page");
    assert!(
        page.records
            .iter()
            .all(|order| order.data["url"].as_str().unwrap_or_default().starts_with("https://www.amazon.de/"))
    );
    scene.counts("maria");
}

#[test]
fn what_it_asks_of_a_person_and_what_it_refuses_reach_the_owner() {
    let scene = Scene::new();
    let source = scene.add("amazon.com", ADA, None);
    scene.succeeded(&scene.house.settled(source));
    assert_eq!(scene.total(source, "orders"), 7);

    scene.begin(source, |moods| moods.captcha = Captcha::AfterPassword);
    let asked = scene.house.asked(source);
    assert_eq!((asked.kind, asked.secure_browser), (InteractionKind::Challenge, true), "{}", asked.message);
    scene.house.engine().answer(&scene.house.owner(), asked.id, Answer::No).expect("declined");
    let run = scene.house.settled(source);
    assert_eq!(run.outcome, Some(Outcome::NeedsOwner { reason: OwnerReason::Challenge }), "{:?}", run.detail);

    scene.begin(source, |moods| moods.approval = true);
    assert_eq!(scene.house.asked(source).kind, InteractionKind::Approval);
    assert_eq!(scene.shop.answer_phone(Site::Amazon, "ada", true), 1);
    scene.succeeded(&scene.house.settled(source));

    let before = scene.counts("ada").passwords;
    scene.shop.set_password(Site::Amazon, "ada", "another one").expect("Ada's account");
    scene.begin(source, |_| {});
    let run = scene.house.settled(source);
    assert_eq!(run.outcome, Some(Outcome::NeedsOwner { reason: OwnerReason::CredentialRejected }), "{:?}", run.detail);
    scene.house.collect(source);
    assert_eq!(scene.counts("ada").passwords, before + 1, "a refused password is submitted once");
}
