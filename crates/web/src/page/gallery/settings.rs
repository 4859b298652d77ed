//! The settings: the overview, and a page for each section.

use freehold_core::status::VaultState;
use freehold_core::{BackupId, Problem, ProblemCode};
use freehold_engine::view::{AuditCheck, AuditView, SessionView, SlotView, TokenView, VaultView};
use freehold_engine::{BackupCause, BackupOutcome, BackupPlan, BackupProgress, BackupView, BackupsView, Every, Permission};
use serde_json::json;

use super::super::help;
use super::super::settings::{
    self, Filter, audit, backup, certificate, connectors, passphrase, removed, sessions, tokens, vault,
};
use super::{at, collected, connector, look};
use crate::done::Done;

pub(super) fn the_vault(state: VaultState, sentence: &str) -> VaultView {
    let slot = |kind: &str| SlotView { kind: kind.to_owned(), confirmed: true, created_at: at("2026-03-01T09:00:00Z") };
    VaultView {
        state,
        sentence: sentence.to_owned(),
        slots: vec![slot("key_file"), slot("recovery_key")],
        key_file: "/etc/freehold/vault.key".to_owned(),
    }
}

#[test]
fn overview() {
    let facts = |vault| settings::Facts {
        vault,
        sessions: 2,
        tokens: 1,
        served: "Freehold's own CA",
        channels: 1,
        connectors: 3,
        removed: 0,
        last_backup: "None yet".to_owned(),
    };
    look("settings", &settings::page(&facts(the_vault(VaultState::Unlocked, "The vault is open."))));
    look("settings-locked", &settings::page(&facts(the_vault(VaultState::Locked, "The vault is locked."))));
}

#[test]
fn vault_page() {
    look("vault", &vault::page(the_vault(VaultState::Unlocked, "The vault is open."), true, None));
    let wrong = Problem::new(ProblemCode::BadInput, "That is not the recovery key.", "Type it as you wrote it down.");
    look("vault-locked", &vault::page(the_vault(VaultState::Locked, "The vault is locked."), true, Some(wrong)));
    let without_file = |state, sentence| {
        let mut vault = the_vault(state, sentence);
        vault.slots[0].kind = "passphrase".to_owned();
        vault
    };
    let open = without_file(VaultState::Unlocked, "The vault is open.");
    look("vault-without-key-file", &vault::page(open, false, None));
    let locked = without_file(VaultState::Locked, "The vault is locked.");
    look("vault-to-unlock-by-passphrase", &vault::page(locked, false, None));
    look("vault-confirm", &vault::confirm_page(vec![2, 7], true, None));
}

#[test]
fn certificate_page() {
    use tokio::sync::watch;

    use crate::config::{Addresses, WebConfig};
    use crate::proxy::TrustedProxies;
    use crate::served::{Certificate, Served, TlsView};

    let certificate = |name: &str, until: &str| Certificate {
        der: name.as_bytes().to_vec(),
        name: name.to_owned(),
        hosts: ["localhost", "127.0.0.1", "::1", "freehold.lan"].map(str::to_owned).to_vec(),
        since: at("2026-03-01T08:00:00Z"),
        until: at(until),
    };
    let page = |served: Served, proxies: &[&str]| {
        let config = WebConfig {
            addresses: Addresses {
                listen: ([0, 0, 0, 0], 7180).into(),
                public_origin: Some("https://freehold.lan:7180".to_owned()),
                tls: matches!(served, Served::Files(_) | Served::LocalCa { .. }),
            },
            trusted_proxies: TrustedProxies(proxies.iter().map(|text| text.parse().expect("a network")).collect()),
            served: watch::channel(served).1,
            cli_token_hash: [0; 32],
        };
        certificate::page(TlsView::of(&config, at("2026-03-21T00:00:00Z")))
    };
    let leaf = certificate("Freehold", "2026-03-31T08:00:00Z");
    let authority = certificate("Freehold at freehold.lan, 1 Mar 2026", "2036-02-27T08:00:00Z");
    look("certificate", &page(Served::LocalCa { certificate: leaf.clone(), authority }, &[]));
    look("certificate-of-the-operator", &page(Served::Files(leaf), &[]));
    look("certificate-behind-a-proxy", &page(Served::Proxy, &["10.0.0.2", "fd00::/64"]));
    look("certificate-plain", &page(Served::Plain, &[]));
}

#[test]
fn backup_page() {
    let id = |last: char| BackupId::parse(&format!("bkp_01hzzz0000000000000000000{last}")).expect("an id");
    let of = |id, cause, day: &str, outcome| BackupView {
        id,
        cause,
        made_at: at(&format!("2026-03-0{day}T02:00:00Z")),
        ended_at: at(&format!("2026-03-0{day}T02:00:09Z")),
        outcome,
        is_there: day != "1",
    };
    let made = |day: &str, damaged| BackupOutcome::Made {
        path: format!("/mnt/backups/freehold-2026-03-0{day}-020000.backup").into(),
        size: 1_234_567,
        files: 12,
        damaged,
    };
    let full =
        Problem::new(ProblemCode::StorageFull, "A backup needs 40 MB here, and 3 MB are free.", "Free some space there.");
    let view = BackupsView {
        plan: Some(BackupPlan {
            folder: "/mnt/backups".into(),
            every: Every::Week,
            hour: 3,
            zone: "Europe/Berlin".to_owned(),
            keep: 4,
        }),
        next_due_at: Some(at("2026-03-09T02:00:00Z")),
        under_way: Some(BackupProgress { id: id('5'), stage: "Writing and sealing", done: 4_000_000, all: 9_000_000 }),
        backups: vec![
            of(id('4'), BackupCause::Schedule, "4", BackupOutcome::Failed { problem: full.at("/mnt/backups") }),
            of(id('3'), BackupCause::Owner, "3", made("3", 2)),
            of(id('2'), BackupCause::Schedule, "2", made("2", 0)),
            of(id('1'), BackupCause::Schedule, "1", made("1", 0)),
        ],
        zone: "UTC".to_owned(),
        opened_by: vec!["recovery_key".to_owned(), "passphrase".to_owned()],
    };
    look("backup", &backup::page(view.clone(), false, None));
    let none = BackupsView {
        plan: None,
        next_due_at: None,
        under_way: None,
        backups: Vec::new(),
        opened_by: vec!["recovery_key".to_owned()],
        ..view
    };
    let wrong =
        Problem::new(ProblemCode::BadInput, "The folder is not a full path.", "Write it with a leading /.").at("folder");
    look("backup-none", &backup::page(none, true, Some(wrong)));
}

#[test]
fn help_pages() {
    look("help", &help::index());
    look("help-signing-in", &help::signing_in());
    look("help-what-is-kept", &help::what_is_kept());
    look("help-trouble", &help::trouble());
}

#[test]
fn passphrase_page() {
    let wrong = Problem::new(ProblemCode::Unauthenticated, "That is not the passphrase.", "Try again.").at("passphrase");
    look("passphrase", &passphrase::page(Some(wrong)));
}

#[test]
fn sessions_page() {
    let session = SessionView {
        id: freehold_core::id::SessionId::parse("ses_01hzzz00000000000000000004").expect("an id"),
        created_at: at("2026-03-01T09:00:00Z"),
        last_seen_at: at("2026-03-02T07:00:00Z"),
        reauthenticated_until: None,
        browser: "Chrome on Linux".to_owned(),
        user_agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
            .to_owned(),
        address: Some("192.0.2.7".to_owned()),
    };
    let this = Some(session.id);
    look("sessions", &sessions::page(vec![session.clone()], this, Filter::default()));
    look("sessions-none-fits", &sessions::page(vec![session], this, Filter { text: "zzz".to_owned() }));
}

#[test]
fn tokens_page() {
    let token = TokenView {
        id: freehold_core::id::TokenId::parse("tok_01hzzz00000000000000000005").expect("an id"),
        name: "Dashboard".to_owned(),
        scopes: vec![Permission::Read, Permission::Run],
        created_at: at("2026-03-01T09:10:00Z"),
        last_used_at: None,
    };
    look("tokens-none", &tokens::page(Vec::new(), Filter::default(), true, None, None));
    let made = Some(("Dashboard".to_owned(), "fht_example".to_owned()));
    look("tokens-made", &tokens::page(vec![token.clone()], Filter::default(), false, made, None));
    look("tokens-none-fits", &tokens::page(vec![token], Filter { text: "zzz".to_owned() }, false, None, None));
}

#[test]
fn connectors_page() {
    look("connectors", &connectors::page(vec![connector()], Filter::default()));
    look("connectors-none-fits", &connectors::page(vec![connector()], Filter { text: "zzz".to_owned() }));
}

#[test]
fn removed_sources_page() {
    look("removed-sources", &removed::page(vec![collected::collected(true)], Filter::default()));
    look("removed-sources-none", &removed::page(Vec::new(), Filter::default()));
}

#[test]
fn audit_page() {
    let entry = AuditView {
        seq: 1,
        at: at("2026-03-01T09:00:00Z"),
        actor: "first_start".to_owned(),
        who: "You, at first start",
        action: "owner.create".to_owned(),
        sentence: "Set up Freehold and its vault.".to_owned(),
        subject: "owner".to_owned(),
        about: "You".to_owned(),
        detail: json!({}),
        hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
    };
    let check = AuditCheck { intact: true, entries: 1, sentence: "All entries hold.".to_owned(), broken_at: None };
    look("audit", &audit::page(vec![entry], audit::Filter::default(), Some(check)));
    let found = audit::Filter { text: "zzz".to_owned(), before: Some(7) };
    look("audit-none-fits", &audit::page(Vec::new(), found, None));
}

#[test]
fn notifications_page() {
    use freehold_core::id::{ChannelId, MessageId};
    use freehold_engine::view::{
        ChannelKindView, ChannelView, DeliveryView, MessageView, NeedView, NotificationsView, TestView,
    };
    use freehold_engine::{ChannelKind, QuietHours};
    use serde_json::json;

    use super::super::settings::notifications;
    use crate::form::Start;

    let channel = |last: char| ChannelId::parse(&format!("chn_01hzzz0000000000000000000{last}")).expect("an id");
    let delivery = |state, sentence, note: &str| DeliveryView {
        channel: channel('1'),
        label: "freehold-k3j9 at ntfy.example.org".to_owned(),
        state,
        sentence,
        tries: 1,
        at: at("2026-03-02T07:00:00Z"),
        next_at: (state == "waiting").then(|| at("2026-03-02T07:05:00Z")),
        note: Some(note.to_owned()),
    };
    let message = |kind, title: &str, body: &str, deliveries| MessageView {
        id: MessageId::parse("msg_01hzzz00000000000000000001").expect("an id"),
        kind,
        title: title.to_owned(),
        body: body.to_owned(),
        path: "/".to_owned(),
        made_at: at("2026-03-02T07:00:00Z"),
        deliveries,
    };
    let fields = json!([
        {"name": "server", "label": "Server", "type": "url", "required": true},
        {"name": "topic", "label": "Topic", "type": "text", "required": true, "default": "freehold-k3j9"},
        {"name": "token", "label": "Access token", "type": "password", "secret": true},
    ]);
    let form = super::form(Some("ntfy"), fields);
    let ntfy = ChannelView {
        id: channel('1'),
        kind: ChannelKind::Ntfy,
        label: "freehold-k3j9 at ntfy.example.org".to_owned(),
        has_secret: true,
        blocked: Some("It cannot send now: its token is in the vault, which is not open.".to_owned()),
        last: Some(delivery("sent", "Sent", "200 OK, message abc")),
        settings: serde_json::Map::from_iter([
            ("server".to_owned(), json!("https://ntfy.example.org")),
            ("topic".to_owned(), json!("freehold-k3j9")),
        ]),
        created_at: at("2026-03-01T09:00:00Z"),
    };
    let quiet = QuietHours { start: "22:00".to_owned(), end: "07:00".to_owned(), zone: "Europe/Berlin".to_owned() };
    let need = |told: Option<_>, held: Option<_>| NeedView {
        title: "Letterbox".to_owned(),
        sentence: "The provider asks for a code.".to_owned(),
        path: "/interactions/int_01hzzz00000000000000000003".to_owned(),
        arose_at: at("2026-03-02T06:59:30Z"),
        told_at: told,
        reminded_at: None,
        held_until: held,
        message: if told.is_some() { "Told" } else { "Held back until" },
        message_at: told.or(held),
    };
    let facts = NotificationsView {
        address: "http://127.0.0.1:7180".to_owned(),
        address_is_local: true,
        channels: vec![ntfy.clone()],
        kinds: vec![ChannelKindView { kind: ChannelKind::Ntfy, form: form.clone() }],
        quiet: Some(quiet),
        quiet_until: Some(at("2026-03-03T06:00:00Z")),
        server_zone: "UTC".to_owned(),
        needs: vec![need(Some(at("2026-03-02T07:00:00Z")), None), need(None, Some(at("2026-03-03T06:00:00Z")))],
        messages: vec![
            message(
                "summary",
                "Freehold",
                "5 things need you.",
                vec![delivery("waiting", "Will be tried again", "The server failed.")],
            ),
            message(
                "need",
                "Letterbox",
                "The provider asks for a code.",
                vec![delivery("sent", "Sent", "200 OK, message abc")],
            ),
        ],
    };
    let none = NotificationsView {
        address: "https://freehold.example.org".to_owned(),
        address_is_local: false,
        channels: Vec::new(),
        quiet: None,
        quiet_until: None,
        needs: Vec::new(),
        messages: Vec::new(),
        ..facts.clone()
    };
    let test = TestView {
        sent: false,
        sentence: "The server does not let Freehold write to this topic.".to_owned(),
        next: "Give an access token that may, or choose another topic.".to_owned(),
        answer: Some("403 Forbidden: forbidden".to_owned()),
    };
    let mut none = notifications::page(none, notifications::Told::default());
    look("notifications-none", &none);
    none.frame.done = Some(Done::QuietHoursEnded);
    look("notifications-done", &none);
    look("notifications", &notifications::page(facts, notifications::Told { test: Some(test), problem: None }));
    look("notifications-add", &notifications::channel_page(ChannelKind::Ntfy, &form, None, &Start::Defaults, true, None));
    let start = Start::Settings(&ntfy.settings);
    look("notifications-change", &notifications::channel_page(ChannelKind::Ntfy, &form, Some(&ntfy), &start, false, None));
}
