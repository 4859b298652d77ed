//! Every bad mood a provider can be in, each with what comes of it. A provider that is down never makes a credential a bad one, and
//! nobody is asked for what would not help.

use std::time::Duration;

use freehold_core::reason::{FailureReason, OwnerReason};
use freehold_core::run::Outcome;
use freehold_core::{CredentialState, SecretKind, SourceId};
use freehold_engine::Answer;
use freehold_engine::view::{InteractionView, RunView};
use freehold_practice::{Area, Captcha, Code, Moods, Practice, SecondFactor, Site};
use freehold_tests::hand::Hand;
use freehold_tests::house::{House, secret};
use freehold_tests::shop::{self, NOOR, SEED, counts};

use crate::LAUNCHER;

/// A mood by its name.
type Mood = (&'static str, fn(&mut Moods));

/// A source whose saved details are good, signed out before each mood.
struct Scene {
    house: House,
    shop: Practice,
    source: SourceId,
}

impl Scene {
    fn new(more: &[(SecretKind, &str, &str)]) -> Self {
        let house = House::new(LAUNCHER);
        let shop = shop::open(&house);
        let source = shop::add(&house, &shop, "Shop", &NOOR, more);
        let scene = Self { house, shop, source };
        assert_eq!(scene.house.settled(source).outcome, Some(Outcome::Succeeded));
        scene
    }

    /// Ends the source's session, changes the mood to this alone, and begins to collect.
    fn begin(&self, change: impl FnOnce(&mut Moods)) {
        match self.house.source(self.source).interaction {
            // Whose account it is is no question any more once nobody is signed in.
            Some(_) => drop(self.house.engine().sign_out(&self.house.owner(), self.source).expect("signed out")),
            None => self.house.lose_session(self.source),
        }
        self.shop.expire_sessions();
        self.shop.set_moods(|moods| {
            *moods = Moods::default();
            change(moods);
        });
        self.house.engine().start_run(&self.house.owner(), self.source).expect("a run");
    }

    /// The same, to the run's end, with nobody asked in between.
    #[track_caller]
    fn collect(&self, change: impl FnOnce(&mut Moods)) -> RunView {
        self.begin(change);
        let house = &self.house;
        house.until("an end or a question", || {
            let view = house.source(self.source);
            let asked = view.interaction.and_then(|id| house.engine().interaction(&house.owner(), id).ok());
            (view.current_run.is_none() || asked.is_some_and(|asked| asked.run.is_some())).then_some(())
        });
        let run = house.source(self.source).current_run.or(house.source(self.source).last_run).expect("a run");
        let run = house.engine().run(&house.owner(), run).expect("a run");
        if run.outcome.is_none() {
            let asked = house.asked(self.source);
            panic!("somebody is asked: {} {}", asked.message, self.screens(&self.decline(&asked)));
        }
        run
    }

    /// Which screens a run recognised.
    fn screens(&self, run: &RunView) -> String {
        let timeline = self.house.engine().timeline(&self.house.owner(), run.id, 0).expect("a timeline");
        let screens = timeline.into_iter().filter(|entry| entry.event == "screens").filter_map(|entry| entry.note);
        screens.map(|screens| screens.to_string()).collect()
    }

    /// The same, to a question of that kind for that reason.
    #[track_caller]
    fn asked(&self, change: impl FnOnce(&mut Moods), kind: &str, reason: &str) -> InteractionView {
        self.begin(change);
        let asked = self.house.asked(self.source);
        assert_eq!((asked.kind.as_str(), &*self.house.status(self.source).1), (kind, reason), "{}", asked.message);
        asked
    }

    /// What was asked for is not done; the run ends with the same reason.
    #[track_caller]
    fn decline(&self, asked: &InteractionView) -> RunView {
        self.house.engine().answer(&self.house.owner(), asked.id, Answer::No).expect("declined");
        self.house.settled(self.source)
    }

    fn succeeds(&self) {
        let run = self.house.settled(self.source);
        assert_eq!(run.outcome, Some(Outcome::Succeeded), "{:?}", run.detail);
    }

    /// What is known of the saved password.
    fn password(&self) -> CredentialState {
        let credentials = self.house.source(self.source).credentials;
        credentials.into_iter().find(|one| one.kind == SecretKind::UsernamePassword).expect("its kind").state
    }
}

#[track_caller]
fn needs_owner(run: &RunView) -> &OwnerReason {
    match &run.outcome {
        Some(Outcome::NeedsOwner { reason }) => reason,
        other => panic!("{other:?}: {:?}", run.detail),
    }
}

#[test]
fn a_provider_that_is_down_makes_no_credential_a_bad_one() {
    let scene = Scene::new(&[]);
    for area in [Area::SignIn, Area::Orders] {
        let run = scene.collect(|moods| moods.rate_limited = area);
        let Some(Outcome::Failed { reason: FailureReason::RateLimited { retry_at: Some(retry_at) } }) = run.outcome else {
            panic!("{area:?}: {:?} {:?}", run.outcome, run.detail)
        };
        let ended_at = run.ended_at.expect("an end");
        assert_eq!(retry_at.duration_since(ended_at).as_secs(), 120, "as the provider says");
        assert!(matches!(scene.password(), CredentialState::Verified { .. }), "{area:?}: {:?}", scene.password());
        assert_eq!(scene.collect(|_| {}).outcome, Some(Outcome::Succeeded), "nothing was used up");
    }
    let moods: [Mood; 6] = [
        ("500s", |moods| moods.errors = Area::Everywhere),
        ("500s when signing in", |moods| moods.errors = Area::SignIn),
        ("500s on the account's page", |moods| moods.errors = Area::Account),
        ("a 500 on what was submitted", |moods| moods.submit_errors = true),
        ("endless redirect", |moods| moods.endless_redirect = true),
        ("too many pages", |moods| moods.rate_limited = Area::Account),
    ];
    for (name, mood) in moods {
        let run = scene.collect(mood);
        let down = matches!(run.outcome, Some(Outcome::Failed { reason: FailureReason::ProviderDown { .. } }));
        assert!(down, "{name}: {:?} {:?}", run.outcome, run.detail);
        assert_eq!(scene.house.status(scene.source).0, "waiting", "{name}");
        assert_eq!(scene.house.source(scene.source).action.as_str(), "none", "{name}");
        assert!(matches!(scene.password(), CredentialState::Verified { .. }), "{name}: {:?}", scene.password());
    }
    assert_eq!(scene.collect(|_| {}).outcome, Some(Outcome::Succeeded), "nothing was used up");
}

#[test]
fn what_the_provider_says_of_the_account_reaches_the_owner() {
    let scene = Scene::new(&[]);
    let run = scene.collect(|moods| moods.password_expired = true);
    assert_eq!(needs_owner(&run), &OwnerReason::PasswordExpired);
    let run = scene.collect(|moods| moods.locked_out = true);
    let OwnerReason::LockedOut { until: Some(until) } = needs_owner(&run) else { panic!("{:?}", run.outcome) };
    assert_eq!(until.duration_since(run.ended_at.expect("an end")).as_secs(), 30 * 60);
    assert_eq!(scene.house.source(scene.source).action.as_str(), "try_again");
    let run = scene.collect(|moods| moods.changed_layout = Area::Account);
    assert_eq!(needs_owner(&run), &OwnerReason::IdentityUnreadable);
    let run = scene.collect(|moods| moods.wrong_account = Some("maria".to_owned()));
    assert_eq!(needs_owner(&run), &OwnerReason::IdentityMismatch);
    let submitted = counts(&scene.shop).passwords;
    let run = scene.collect(|moods| moods.look_alike = true);
    assert_eq!(needs_owner(&run), &OwnerReason::WrongOrigin);
    assert_eq!(counts(&scene.shop).passwords, submitted, "nothing is typed at another origin");
    let run = scene.collect(|moods| moods.session_not_kept = true);
    assert_eq!(needs_owner(&run), &OwnerReason::SessionNotKept);
    assert!(!matches!(scene.password(), CredentialState::Rejected { .. }), "none of this is a refusal");
}

#[test]
fn what_only_a_person_can_do_is_asked_for_and_the_sign_in_goes_on_from_there() {
    let scene = Scene::new(&[]);
    for when in [Captcha::BeforePassword, Captcha::AfterPassword] {
        let asked = scene.asked(|moods| moods.captcha = when, "challenge", "challenge");
        let letters = scene.shop.captcha_letters(Site::Shop, "noor").expect("a picture");
        Hand::in_browser(&scene.house, asked.id).fill(|field| field.r#type == "text", &letters);
        scene.succeeds();
    }
    scene.asked(|moods| moods.approval = true, "approval", "approval");
    assert_eq!(scene.shop.answer_phone(Site::Shop, "noor", true), 1);
    scene.succeeds();
    let denied = scene.asked(|moods| moods.approval = true, "approval", "approval");
    assert_eq!(scene.shop.answer_phone(Site::Shop, "noor", false), 1);
    let after = scene.house.until("the next question", || {
        let id = scene.house.source(scene.source).interaction.filter(|id| *id != denied.id)?;
        Some(scene.house.engine().interaction(&scene.house.owner(), id).expect("a question"))
    });
    assert_eq!(after.kind.as_str(), "challenge", "a no on the phone is not asked for again and again");
    assert_eq!(needs_owner(&scene.decline(&after)), &OwnerReason::Challenge);
    let asked = scene.asked(|moods| moods.file_dialog = true, "challenge", "challenge");
    assert_eq!(needs_owner(&scene.decline(&asked)), &OwnerReason::Challenge);
    let asked = scene.asked(|moods| moods.changed_layout = Area::SignIn, "sign_in", "unknown_screen");
    assert!(asked.secure_browser);
    assert_eq!(needs_owner(&scene.decline(&asked)), &OwnerReason::UnknownScreen);
}

#[test]
fn slow_pages_windows_and_vague_words_ask_nobody() {
    let scene = Scene::new(&[]);
    assert_eq!(scene.collect(|moods| moods.delay_ms = 700).outcome, Some(Outcome::Succeeded));
    assert_eq!(scene.collect(|moods| moods.popup = true).outcome, Some(Outcome::Succeeded));
    let before = counts(&scene.shop).passwords;
    scene.shop.set_password(Site::Shop, "noor", "another one").expect("Noor's account");
    let run = scene.collect(|moods| moods.vague_refusal = true);
    assert_eq!(needs_owner(&run), &OwnerReason::CredentialRejected);
    assert!(matches!(scene.password(), CredentialState::Rejected { .. }));
    assert_eq!(counts(&scene.shop).passwords, before + 1);
}

#[test]
fn a_code_that_is_refused_is_not_the_passwords_fault() {
    let scene = Scene::new(&[(SecretKind::OtpSeed, "otp_seed", SEED)]);
    shop::second_factor(&scene.shop, SecondFactor::Authenticator);
    for code in [Code::AlwaysWrong, Code::AlwaysExpired] {
        let tried = counts(&scene.shop).codes;
        scene.begin(|moods| moods.code = code);
        let asked = scene.house.until("a question", || {
            // Time passes for a next code to be made.
            if counts(&scene.shop).codes == tried + 1 {
                scene.house.clock.advance(Duration::from_secs(30));
            }
            let id = scene.house.source(scene.source).interaction?;
            Some(scene.house.engine().interaction(&scene.house.owner(), id).expect("a question"))
        });
        assert_eq!(asked.kind.as_str(), "code");
        assert!(asked.message.contains("refused"), "{}", asked.message);
        assert_eq!(counts(&scene.shop).codes, tried + 2, "two made codes at most");
        scene.shop.set_moods(|moods| *moods = Moods::default());
        scene.house.clock.advance(Duration::from_secs(30));
        let code = scene.shop.authenticator_code(Site::Shop, "noor").expect("Noor's authenticator");
        let fields = [("code".to_owned(), secret(&code))].into();
        scene.house.engine().answer(&scene.house.owner(), asked.id, Answer::Fields(fields)).expect("answered");
        scene.succeeds();
        assert!(matches!(scene.password(), CredentialState::Verified { .. }), "{:?}", scene.password());
    }
}

#[test]
fn a_session_that_ends_is_opened_again_with_nobody_asked() {
    let scene = Scene::new(&[]);
    let before = counts(&scene.shop);
    assert_eq!(scene.house.collect(scene.source).outcome, Some(Outcome::Succeeded));
    assert_eq!(counts(&scene.shop).passwords, before.passwords, "the session is used while it lasts");
    scene.shop.expire_sessions();
    assert_eq!(scene.house.collect_by_schedule(scene.source).outcome, Some(Outcome::Succeeded));
    assert_eq!(counts(&scene.shop).passwords, before.passwords + 1);

    scene.shop.set_password(Site::Shop, "noor", "another one").expect("Noor's account");
    assert_eq!(scene.house.collect(scene.source).outcome, Some(Outcome::Succeeded), "the session is still good");
    scene.shop.expire_sessions();
    let run = scene.house.collect_by_schedule(scene.source);
    assert_eq!(needs_owner(&run), &OwnerReason::CredentialRejected);
    assert_eq!(scene.house.source(scene.source).action.as_str(), "give_sign_in_details");
    assert_eq!(counts(&scene.shop).passwords, before.passwords + 2, "one prompt after one refusal");
}
