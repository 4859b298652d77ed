//! A source that keeps nothing: collecting it, its receipts, and the proof of its connector.

use freehold_core::receipt::{Holdings, Looked, Receipt, ReceiptKind, SignedOut, WIPE_FORMAT};
use freehold_core::{CredentialMode, ProblemCode, ReceiptId};
use freehold_engine::view::ReceiptView;
use freehold_engine::{Proof, ProofView, ProvingView, Subject};

use super::super::settings::Filter;
use super::super::{collect, connector as connector_page, receipt};
use super::*;

const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// The pictures' source, as one that keeps nothing.
fn keeps_nothing(status: Status) -> SourceView {
    let mut source = source(status);
    source.mode = CredentialMode::EphemeralBrowser;
    source.credentials.clear();
    source.notices.clear();
    source.interval_seconds = Some(7 * 86_400);
    source
}

fn connector_that_keeps_nothing() -> ConnectorView {
    let mut connector = connector_with_browser();
    connector.ephemeral = true;
    connector.receives_secret = false;
    connector.digest = DIGEST.to_owned();
    connector.modes.push(ModeView {
        mode: CredentialMode::EphemeralBrowser,
        label: "Use the secure browser and keep nothing".to_owned(),
        trade_off: "Less is kept: you sign in each time, and there is only a reminder.".to_owned(),
    });
    connector
}

/// The receipt of a run that left nothing.
pub(super) fn wiped() -> ReceiptView {
    let looked = |surface: &str, items| Looked { surface: surface.to_owned(), items, unreadable: 0 };
    ReceiptView {
        receipt: Receipt {
            id: ReceiptId::parse("rcp_01hzzz00000000000000000006").expect("an id"),
            kind: ReceiptKind::Wipe,
            format: WIPE_FORMAT,
            source: source_id(),
            source_name: "Maria's letterbox".to_owned(),
            connector: ConnectorName::parse("letters").expect("a name"),
            connector_digest: Some(DIGEST.to_owned()),
            run: Some(run_id()),
            at: at("2026-03-02T07:00:41Z"),
            found: Holdings {
                files: 1_204,
                bytes: 41_700_000,
                processes: 11,
                secrets: vec!["username_password".to_owned(), "otp_seed".to_owned()],
            },
            signed_out: SignedOut::Yes,
            tries: 2,
            looked_at: vec![
                looked("directories", 1),
                looked("mounts", 31),
                looked("processes", 112),
                looked("secrets", 3),
                looked("profiles", 2),
                looked("memory", 1),
            ],
            left: Vec::new(),
            cannot_show: vec![
                "Memory may have been written to swap that is not known to be encrypted (/dev/sda2).".to_owned(),
            ],
            audit: "4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce".to_owned(),
        },
        verified: true,
        sentence: "Everything of this run was removed, and nothing was found where it was looked afterwards.".to_owned(),
        session: "The provider's page said that it signed out.",
        superseded: None,
    }
}

/// The receipt of one that left something.
pub(super) fn left() -> ReceiptView {
    let mut view = wiped();
    view.verified = false;
    view.sentence = "It was tried, and 2 things are left.".to_owned();
    view.session = "The provider was not told.";
    view.receipt.tries = 50;
    view.receipt.found.secrets.clear();
    view.receipt.looked_at[2].unreadable = 1;
    view.receipt.left = vec![
        "the directory /run/freehold/r/01hzzz00000000000000000002, with 3 files (Device or resource busy (os error 16))"
            .to_owned(),
        "process 4711 (sleep)".to_owned(),
    ];
    view
}

fn facts(view: ReceiptView, removed: bool) -> receipt::Facts {
    receipt::Facts { view, of: Some(collected::collected(removed)), connector: Some(connector_that_keeps_nothing()) }
}

#[test]
fn receipts() {
    look("receipt", &receipt::page(facts(wiped(), false)));
    look("receipt-left", &receipt::page(facts(left(), false)));
    let mut earlier = left();
    earlier.superseded = Some(wiped().receipt.id);
    look("receipt-superseded", &receipt::page(facts(earlier, false)));
    let mut removed = wiped();
    removed.receipt.kind = ReceiptKind::Remove;
    removed.receipt.run = None;
    removed.receipt.tries = 1;
    removed.receipt.found.secrets = vec!["app_password".to_owned(), "secrets_key".to_owned(), "profile_key".to_owned()];
    removed.receipt.cannot_show.clear();
    look("receipt-removed", &receipt::page(facts(removed.clone(), true)));
    look("receipts", &receipt::list_page(&[wiped(), left(), removed], Filter::default()));
    look("receipts-none-fits", &receipt::list_page(&[wiped()], Filter { text: "zzz".to_owned() }));
}

#[test]
fn a_source_that_keeps_nothing() {
    let due = keeps_nothing(Status::Due);
    let mut run = ended(Outcome::Succeeded, "Done: 1,200 new records.");
    run.receipt = Some(wiped().receipt.id);
    run.counts.rejected = 0;
    look("ephemeral-source", &source::page(due.clone(), std::slice::from_ref(&run), &[wiped(), left()]));
    look("ephemeral-home", &home::page(super::home_of(vec![due.clone()], Vec::new()), home::Filter::default()));
    look("ephemeral-change", &change::page(due.clone(), &connector_that_keeps_nothing(), None, false, None));
    let note = json!({"receipt": wiped().receipt.id, "verified": true});
    let timeline = vec![TimelineView {
        seq: 1,
        at: at("2026-03-02T07:00:41Z"),
        event: "receipt".to_owned(),
        sentence: "Everything of this run is gone; a receipt says so.".to_owned(),
        note: Some(note),
    }];
    look("ephemeral-run", &run::page(run::Facts { run, timeline, rejected: Vec::new(), log: String::new(), of: due }));
    let unverified = keeps_nothing(Status::NeedsOwner { reason: OwnerReason::WipeUnverified });
    look("ephemeral-left", &source::page(unverified, &[], &[left()]));
}

#[test]
fn collecting_it() {
    let page =
        |source, start: &Start<'_>, problem| collect::page(source, &connector_that_keeps_nothing(), start, true, problem);
    look("collect", &page(keeps_nothing(Status::Due), &Start::Defaults, None));
    let body = crate::body::FormBody::parse(b"detail.username=maria&detail.password=canary&passphrase=canary");
    let problem = Problem::new(ProblemCode::BadInput, "This is no e-mail address.", "Correct it.").at("username");
    look("collect-wrong", &page(keeps_nothing(Status::Due), &Start::Typed(&body), Some(problem)));
    let mut busy = keeps_nothing(Status::Running);
    busy.current_run = Some(run_id());
    look("collect-busy", &page(busy, &Start::Defaults, None));
    let mode = CredentialMode::EphemeralBrowser;
    let form = add::form_page(connector_that_keeps_nothing(), mode, &Start::Defaults, true, None);
    look("add-form-ephemeral", &form.expect("offered"));
}

#[test]
fn a_proof() {
    let proof = Proof {
        subject: Subject { digest: DIGEST.to_owned(), wipe_format: WIPE_FORMAT, browser_major: 131 },
        at: at("2026-03-01T10:00:00Z"),
        runs: vec!["succeeds: succeeded".to_owned(), "cancelled while signing in: cancelled".to_owned()],
        planted: vec!["cookie".to_owned(), "typed password".to_owned()],
        searched: vec!["14,002 files, 1.2 GB".to_owned()],
        leaks: Vec::new(),
    };
    let view = |proof: Option<&Proof>, proven| ProofView { proof: proof.cloned(), proven, proving: None };
    look("connector-proven", &connector_page::page(connector_that_keeps_nothing(), Some(view(Some(&proof), true))));
    let mut unproven = connector_that_keeps_nothing();
    unproven.modes.truncate(2);
    look("connector-unproven", &connector_page::page(unproven.clone(), Some(view(None, false))));
    look("connector-changed", &connector_page::page(unproven.clone(), Some(view(Some(&proof), false))));
    let leaking = Proof { leaks: vec!["cookie: /var/lib/freehold/data/connector-log".to_owned()], ..proof };
    let mut proving = view(Some(&leaking), false);
    proving.proving = Some(ProvingView { step: Some("searching".to_owned()), failed: None });
    look("connector-leaks", &connector_page::page(unproven, Some(proving)));
    look("connector", &connector_page::page(connector(), None));
}
