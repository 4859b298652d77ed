//! Every page with made-up content: its text is compared with what a person read and approved, and its HTML is written to
//! `target/gallery` for looking at.

use std::path::Path;

use askama::Template;
use freehold_core::identity::IdentityState;
use freehold_core::interaction::{InteractionKind, InteractionState};
use freehold_core::reason::{BrokenReason, OwnerReason, WaitReason};
use freehold_core::run::{Cause, Counts, Outcome, RunState};
use freehold_core::status::{Status, VaultState};
use freehold_core::{
    ConnectorName, CredentialMode, CredentialState, Identity, InteractionId, Problem, ProblemCode, RunId, SecretKind,
    SourceId, Timestamp,
};
use freehold_engine::view::{
    CaptureView, ConnectorStreamView, ConnectorView, CredentialView, InteractionView, ModeView, ProgressView, RecordTime,
    RejectedView, RunView, SourceView, StreamView, TimelineView,
};
use freehold_engine::{Field, Form};
use serde_json::{Value, json};

use super::{Frame, add, change, details, home, interaction, remove, run, runs as runs_page, setup, sign_in, source, start};
use crate::form::Start;

mod collected;
mod ephemeral;
mod error;
mod settings;

/// Writes the page for looking at, and compares its text.
fn look(name: &str, page: &impl Template) {
    let html = page.render().expect("a page");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/gallery");
    std::fs::create_dir_all(folder.join("assets")).expect("a folder");
    for asset in crate::asset::all() {
        std::fs::write(folder.join("assets").join(&asset.name), &asset.content).expect("a file");
    }
    std::fs::write(folder.join(format!("{name}.html")), &html).expect("a file");
    assert!(!html.contains("style="), "{name}: the policy lets no inline style through");
    assert!(!html.contains("canary"), "{name}: a secret is on the page");
    insta::assert_snapshot!(name.to_owned(), text(&html));
}

/// What a person reads of a page: its text, a line for each element that has some, with the values of its inputs.
fn text(html: &str) -> String {
    let body = html.split_once("<main").map_or(html, |(_, main)| main);
    let body = body.split_once("</main>").map_or(body, |(main, _)| main);
    let mut lines = Vec::new();
    for piece in body.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap_or((piece, ""));
        if tag.starts_with("input")
            && let Some((_, rest)) = tag.split_once("value=\"")
        {
            lines.push(format!("[{}]", rest.split('"').next().unwrap_or_default()));
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() {
            lines.push(text);
        }
    }
    lines.join("\n")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn source_id() -> SourceId {
    SourceId::parse("src_01hzzz00000000000000000001").expect("an id")
}

fn run_id() -> RunId {
    RunId::parse("run_01hzzz00000000000000000002").expect("an id")
}

fn interaction_id() -> InteractionId {
    InteractionId::parse("int_01hzzz00000000000000000003").expect("an id")
}

fn form(title: Option<&str>, fields: Value) -> Form {
    let fields: Vec<Field> = serde_json::from_value(fields).expect("fields");
    Form { title: title.map(str::to_owned), description: None, submit_label: None, fields }
}

fn connector() -> ConnectorView {
    ConnectorView {
        name: ConnectorName::parse("letters").expect("a name"),
        display_name: "Letterbox".to_owned(),
        description: "The letters of a letterbox, with what was enclosed.".to_owned(),
        version: "1.2.0".to_owned(),
        digest: "9f86d081884c7d65".to_owned(),
        bundled: true,
        unavailable: None,
        streams: vec![
            ConnectorStreamView {
                name: "letters".to_owned(),
                label: "Letters".to_owned(),
                detail: "Each with its text.".to_owned(),
            },
            ConnectorStreamView { name: "boxes".to_owned(), label: "Boxes".to_owned(), detail: String::new() },
        ],
        modes: vec![ModeView {
            mode: CredentialMode::StoredCredential,
            label: "Save sign-in details for this source, which Freehold may use again when the session expires".to_owned(),
            trade_off: "Collecting goes on by itself. The details are kept, sealed, on this machine.".to_owned(),
        }],
        ephemeral: false,
        captures: vec![CaptureView {
            kind: SecretKind::AppPassword,
            form: form(
                Some("App password"),
                json!([
                    {"name": "username", "label": "E-mail address", "type": "email", "required": true, "identity": true, "autocomplete": "username"},
                    {"name": "password", "label": "App password", "type": "password", "secret": true, "required": true,
                     "help_text": "Made for one program in the account's security settings.", "help_url": "https://provider.example/help"},
                ]),
            ),
            consent: "Freehold may keep these details, sealed, and use them again to sign in to this source.".to_owned(),
        }],
        settings: form(
            None,
            json!([
                {"name": "host", "label": "Server", "type": "text", "required": true, "affects_host": true, "placeholder": "mail.example.com"},
                {"name": "port", "label": "Port", "type": "number", "default": 993, "min": 1, "max": 65535},
                {"name": "security", "label": "Security", "type": "select", "default": "tls", "options": [{"value": "tls", "label": "TLS"}, {"value": "starttls", "label": "STARTTLS"}]},
                {"name": "boxes", "label": "Boxes", "type": "multi", "help_text": "One a line; all if left blank."},
                {"name": "files", "label": "Keep enclosed files", "type": "checkbox", "default": true},
            ]),
        ),
        shows_identity: true,
        receives_secret: true,
        hosts: vec!["mail.example.com".to_owned()],
        recommended_interval_seconds: Some(3600),
    }
}

/// The same, with the secure browser too.
fn connector_with_browser() -> ConnectorView {
    let mut connector = connector();
    connector.modes.push(ModeView {
        mode: CredentialMode::StreamedBrowser,
        label: "Use the secure browser without saving them".to_owned(),
        trade_off: "Nothing you type is kept. When the session ends, you sign in again.".to_owned(),
    });
    connector
}

fn source(status: Status) -> SourceView {
    let action = status.action(false);
    SourceView {
        id: source_id(),
        name: "Maria's letterbox".to_owned(),
        connector: ConnectorName::parse("letters").expect("a name"),
        connector_display_name: "Letterbox".to_owned(),
        mode: CredentialMode::StoredCredential,
        profile: None,
        detail: None,
        sentence: status.sentence().to_owned(),
        status,
        action,
        identity: IdentityState::Confirmed {
            identity: Identity { key: "maria@example.test".to_owned(), display: "maria@example.test".to_owned() },
        },
        expected_account: None,
        credentials: vec![CredentialView {
            kind: SecretKind::AppPassword,
            state: CredentialState::Verified { when: at("2026-03-01T09:05:30Z") },
            version: Some(1),
            replaces: None,
            saved_at: Some(at("2026-03-01T09:05:00Z")),
            last_used_at: Some(at("2026-03-02T07:00:10Z")),
            codes_left: None,
            codes_in_doubt_since: None,
            consent: None,
        }],
        settings: json!({"host": "mail.example.com", "port": "993"}).as_object().cloned().unwrap_or_default(),
        streams: vec![
            StreamView {
                name: "letters".to_owned(),
                label: "Letters".to_owned(),
                count: 12_345,
                bytes: 48_300_000,
                file_bytes: Some(1_300_000_000),
                time: RecordTime { field: Some("received_at".to_owned()), is_day: false },
                newest: Some(at("2026-03-02T06:58:00Z")),
                earlier: 310,
                left_out: false,
            },
            StreamView {
                name: "boxes".to_owned(),
                label: "Boxes".to_owned(),
                count: 6,
                bytes: 830,
                file_bytes: Some(0),
                time: RecordTime::default(),
                newest: None,
                earlier: 0,
                left_out: false,
            },
            StreamView {
                name: "stamps".to_owned(),
                label: "Stamps".to_owned(),
                count: 0,
                bytes: 0,
                file_bytes: Some(0),
                time: RecordTime::default(),
                newest: None,
                earlier: 0,
                left_out: true,
            },
        ],
        interval_seconds: Some(3600),
        next_due_at: Some(at("2026-03-02T08:03:00Z")),
        last_success_at: Some(at("2026-03-02T07:00:40Z")),
        seconds_since_success: Some(1_300),
        current_run: None,
        last_run: Some(run_id()),
        interaction: None,
        notices: vec!["This connector receives the secret.".to_owned(), "It may reach any host.".to_owned()],
        created_at: at("2026-03-01T09:04:00Z"),
    }
}

fn setting_up() -> SourceView {
    let mut source = source(Status::SettingUp);
    source.identity = IdentityState::Unconfirmed;
    source.credentials[0].state = CredentialState::Verifying;
    source.last_success_at = None;
    source.seconds_since_success = None;
    source.streams.iter_mut().for_each(|stream| (stream.count, stream.bytes, stream.newest) = (0, 0, None));
    source.current_run = Some(run_id());
    source
}

fn a_run(run_state: RunState, outcome: Option<Outcome>, sentence: &str) -> RunView {
    RunView {
        id: run_id(),
        source: source_id(),
        source_name: "Maria's letterbox".to_owned(),
        cause: Cause::Setup,
        run_state,
        outcome,
        sentence: sentence.to_owned(),
        detail: None,
        counts: Counts { emitted: 1_204, added: 1_200, changed: 0, unchanged: 0, deleted: 0, rejected: 4 },
        progress: Some(ProgressView { message: "Reading Inbox".to_owned(), count: Some(1_204), total: Some(12_345) }),
        created_at: at("2026-03-02T07:00:00Z"),
        started_at: Some(at("2026-03-02T07:00:05Z")),
        ended_at: None,
        receipt: None,
    }
}

fn ended(outcome: Outcome, sentence: &str) -> RunView {
    let counts = Counts { emitted: 1_204, added: 1_200, rejected: 4, ..Counts::default() };
    let mut run = a_run(RunState::Ended { outcome: outcome.clone(), counts }, Some(outcome), sentence);
    run.ended_at = Some(at("2026-03-02T07:00:40Z"));
    run
}

fn asked(kind: InteractionKind, message: &str, form: Option<Form>) -> InteractionView {
    InteractionView {
        id: interaction_id(),
        kind,
        interaction_state: InteractionState::Open,
        source: source_id(),
        source_name: "Maria's letterbox".to_owned(),
        asked_by: "Letterbox".to_owned(),
        run: Some(run_id()),
        message: message.to_owned(),
        form,
        expected: None,
        seen: None,
        secure_browser: false,
        asked_at: at("2026-03-02T07:00:12Z"),
        deadline: Some(at("2026-03-02T07:15:12Z")),
    }
}

#[test]
fn what_pages_are_made_of() {
    look("design", &super::design::page());
}

#[test]
fn first_start() {
    look("start-owner", &start::OwnerPage { frame: Frame::bare("Welcome"), problem: None });
    let wrong =
        Problem::new(ProblemCode::Unauthenticated, "That is not the setup code.", "The server printed it when it started.");
    look("start-owner-wrong", &start::OwnerPage { frame: Frame::bare("Welcome"), problem: Some(wrong) });
    look("start-key", &start::key_page("4F7K2-9QXTD-M3HBW-8RZNC-Y6PVJ-2GS5A-K7E4T-XW9QH", "/start"));
    look("start-confirm", &start::ConfirmPage { frame: Frame::bare("Check"), groups: vec![2, 5], problem: None });
    let again = sign_in::SignInPage { frame: Frame::bare("Sign in"), again: false, next: "/".to_owned(), problem: None };
    look("sign-in", &again);
    look("reauthenticate", &sign_in::SignInPage { again: true, ..again });
}

#[test]
fn home_page() {
    let all_of = |sources: &[SourceView]| home::page(home_of(sources.to_vec(), Vec::new()), home::Filter::default());
    look("home-empty", &all_of(&[]));
    look("home-one", &all_of(&[source(Status::Fresh)]));
    let mut wanting = source(Status::NeedsOwner { reason: OwnerReason::CredentialRejected });
    wanting.name = "Work".to_owned();
    let mut broken = source(Status::Broken { reason: BrokenReason::ConnectorFailed });
    broken.name = "A source with a rather long name that has to wrap somewhere on a phone".to_owned();
    let mut running = source(Status::Running);
    running.current_run = Some(run_id());
    let waiting = source(Status::Waiting { reason: WaitReason::ProviderDown { retry_at: None } });
    let all = [
        wanting,
        broken,
        running,
        source(Status::Fresh),
        source(Status::Due),
        waiting,
        source(Status::Paused),
        setting_up(),
    ];
    let run = a_run(RunState::Collecting { batch: 3 }, None, "Collecting.");
    let facts = || home_of(all.to_vec(), vec![run.clone()]);
    look("home", &home::page(facts(), home::Filter::default()));
    let mut locked = facts();
    locked.vault = settings::the_vault(VaultState::Locked, "Sources with saved sign-in details wait until it is unlocked.");
    locked.failed_backup = Some(Problem::new(ProblemCode::StorageFull, "The disk is full.", "Free some space there."));
    look("home-server-needs", &home::page(locked, home::Filter::default()));
    let many: Vec<_> = (1..=200)
        .map(|number| {
            let mut source = if number % 9 == 0 { source(Status::Due) } else { source(Status::Fresh) };
            source.name = format!("Account {number} \u{5d7}\u{5e9}\u{5d1}\u{5d5}\u{5df}");
            source
        })
        .collect();
    look("home-many", &all_of(&many));
    let none = home::Filter { text: "zzz".to_owned(), show: String::new() };
    look("home-none-fits", &home::page(facts(), none));
    let running = home::Filter { text: String::new(), show: "running".to_owned() };
    look("home-running", &home::page(facts(), running));
}

#[test]
fn adding() {
    let mut unavailable = connector();
    unavailable.display_name = "Shop".to_owned();
    unavailable.unavailable = Some("it needs a browser, and this server has none.".to_owned());
    look("add-choose", &add::choose_page(vec![connector(), unavailable], String::new()));
    look("add-mode", &add::mode_page(connector_with_browser()));
    let mode = CredentialMode::StoredCredential;
    look("add-form", &add::form_page(connector(), mode, &Start::Defaults, true, None).expect("offered"));
    let body = crate::body::FormBody::parse(
        b"name=Work&setting.host=bad+host&detail.username=maria%40example.test&detail.password=canary&passphrase=canary",
    );
    let problem = Problem::new(ProblemCode::BadInput, "A server's name has no space in it.", "Correct it.").at("host");
    look("add-form-wrong", &add::form_page(connector(), mode, &Start::Typed(&body), true, Some(problem)).expect("offered"));
    let browser = CredentialMode::StreamedBrowser;
    look(
        "add-form-browser",
        &add::form_page(connector_with_browser(), browser, &Start::Defaults, false, None).expect("offered"),
    );
}

#[test]
fn setting_up_a_source() {
    let signing_in = a_run(RunState::Probing, None, "Signing in.");
    look("setup-signing-in", &setup::page(setting_up(), Some(&signing_in), None));
    let mut confirming = setting_up();
    confirming.status = Status::NeedsOwner { reason: OwnerReason::ConfirmIdentity };
    confirming.action = confirming.status.action(false);
    confirming.sentence = confirming.status.sentence().to_owned();
    confirming.identity =
        IdentityState::Proposed { identity: Identity { key: "m".to_owned(), display: "maria@example.test".to_owned() } };
    confirming.current_run = None;
    confirming.interaction = Some(interaction_id());
    let which = asked(InteractionKind::Identity, "Is this the right account?", None);
    look("setup-confirm", &setup::page(confirming, None, Some(&which)));
    let mut collecting = setting_up();
    collecting.identity = source(Status::Fresh).identity;
    let run = a_run(RunState::Collecting { batch: 3 }, None, "Collecting.");
    look("setup-collecting", &setup::page(collecting, Some(&run), None));
    look("setup-done", &setup::page(source(Status::Fresh), Some(&ended(Outcome::Succeeded, "Done.")), None));
    let mut refused = setting_up();
    refused.current_run = None;
    refused.status = Status::NeedsOwner { reason: OwnerReason::CredentialRejected };
    refused.action = refused.status.action(false);
    refused.sentence = refused.status.sentence().to_owned();
    refused.detail = Some("The mail server did not accept this username and password.".to_owned());
    refused.credentials[0].state = CredentialState::Rejected { when: at("2026-03-02T07:00:10Z") };
    let outcome = Outcome::NeedsOwner { reason: OwnerReason::CredentialRejected };
    look("setup-refused", &setup::page(refused, Some(&ended(outcome, "Refused.")), None));
}

#[test]
fn a_source() {
    let runs = [
        ended(Outcome::Succeeded, "1,200 new records."),
        ended(
            Outcome::NeedsOwner { reason: OwnerReason::CredentialRejected },
            "The provider refused the saved sign-in details.",
        ),
        a_run(RunState::Probing, None, "Signing in."),
    ];
    look("source", &source::page(source(Status::Fresh), &runs, &[]));
    let month: Vec<RunView> = (0..40)
        .map(|n| RunView {
            counts: Counts { added: n * n % 23, ..Counts::default() },
            ..runs[usize::from(n % 13 == 9)].clone()
        })
        .collect();
    look("source-of-many-runs", &source::page(source(Status::Fresh), &month, &[]));
    look("runs", &runs_page::page(source(Status::Fresh), &runs, runs_page::Filter::default()));
    let none = runs_page::Filter { text: "zzz".to_owned(), before: None };
    look("runs-none-fits", &runs_page::page(source(Status::Fresh), &[], none));
    let wanting = source(Status::NeedsOwner { reason: OwnerReason::CredentialRejected });
    look("source-wanting", &source::page(wanting, &runs, &[]));
    look("details", &details::page(source(Status::Fresh), &connector(), &Start::Defaults, true, None, None));
    let body = crate::body::FormBody::parse(b"app_password.username=maria%40example.test&app_password.password=canary");
    let problem =
        Problem::new(ProblemCode::BadInput, "These are the details that were refused.", "Give new ones.").at("password");
    let kind = Some(SecretKind::AppPassword);
    look(
        "details-wrong",
        &details::page(source(Status::Fresh), &connector(), &Start::Typed(&body), false, kind, Some(problem)),
    );
    look("change", &change::page(source(Status::Fresh), &connector(), None, true, None));
    look("remove", &remove::page(source(Status::Fresh), true, None));
}

#[test]
fn a_run_page() {
    let entry = |seq, sentence: &str, note: Option<Value>| TimelineView {
        seq,
        at: at("2026-03-02T07:00:05Z"),
        event: "probe".to_owned(),
        sentence: sentence.to_owned(),
        note,
    };
    let timeline = vec![
        entry(1, "Asked for.", None),
        entry(2, "Signing in with the saved details.", Some(json!({"version": 1}))),
        entry(3, "Signed in as maria@example.test.", None),
    ];
    let rejected = vec![RejectedView {
        seq: 1,
        stream: "letters".to_owned(),
        key: "17".to_owned(),
        reason: "schema".to_owned(),
        detail: "The subject is missing.".to_owned(),
        data: "{\"id\": 17, \"html\": \"<script>alert(1)</script>\"}".to_owned(),
    }];
    let run = a_run(RunState::Collecting { batch: 2 }, None, "Collecting.");
    look(
        "run",
        &run::page(run::Facts { run, timeline, rejected, log: "connected\nlisted 6 boxes".to_owned(), of: setting_up() }),
    );
}

/// Home of a server that needs nothing itself.
fn home_of(sources: Vec<SourceView>, under_way: Vec<RunView>) -> home::Facts {
    home::Facts { sources, under_way, vault: settings::the_vault(VaultState::Unlocked, ""), failed_backup: None }
}

#[test]
fn your_turn() {
    let code = form(None, json!([{"name": "code", "label": "Code", "required": true, "autocomplete": "one-time-code"}]));
    let of = source(Status::NeedsOwner { reason: OwnerReason::CodeRequired });
    let page = |asked| interaction::page(asked, &of, &Start::Defaults, false, None);
    look("turn-code", &page(asked(InteractionKind::Code, "Enter the code sent to \u{2022}\u{2022}\u{2022}42.", Some(code))));
    let mut identity = asked(InteractionKind::Identity, "Another account is signed in than the one you confirmed.", None);
    identity.expected = Some("maria@example.test".to_owned());
    identity.seen = Some(Identity { key: "jo".to_owned(), display: "jo@example.test".to_owned() });
    look("turn-identity", &interaction::page(identity.clone(), &of, &Start::Defaults, true, None));
    look("turn-identity-first", &interaction::page(identity, &setting_up(), &Start::Defaults, true, None));
    let mut late = asked(InteractionKind::Code, "Enter the code.", None);
    late.interaction_state = InteractionState::Expired;
    look("turn-late", &page(late));
}
