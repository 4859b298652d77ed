//! Settings: the vault, tokens for programs, the audit log, the connectors.

use askama::Template;
use axum::http::StatusCode;
use freehold_core::id::TokenId;
use freehold_core::status::VaultState;
use freehold_core::{Problem, ProblemCode};
use freehold_engine::Permission;
use freehold_engine::view::{
    AuditCheck, AuditView, CollectedView, ConnectorView, ReceiptView, SessionView, SlotView, TokenView, VaultView,
};

use super::details::give_passphrase;
use super::receipt::ReceiptRow;
use super::text::{When, words};
use super::{Frame, Page, Under, go_to, receipt, removed, show_with, url};
use crate::admit::Visitor;
use crate::api::Named;
use crate::body::FormBody;
use crate::form;
use crate::refused::Refused;
use crate::status::Sign;

/// Entries of the audit log shown.
const TAIL: u32 = 20;
/// Receipts shown; they have a page of their own.
const RECEIPTS: u32 = 5;

#[derive(Template)]
#[template(path = "settings.html")]
pub(super) struct SettingsPage {
    pub(super) frame: Frame,
    vault: VaultView,
    vault_sign: Sign,
    slots: Vec<SlotRow>,
    is_locked: bool,
    sessions: Vec<SessionRow>,
    tokens: Vec<TokenRow>,
    scopes: Vec<(&'static str, &'static str)>,
    audit: Vec<AuditRow>,
    connectors: Vec<ConnectorView>,
    removed: Vec<RemovedRow>,
    receipts: Vec<ReceiptRow>,
    asks_passphrase: bool,
    told: Told,
}

/// What the form just sent has to say.
#[derive(Default)]
pub(super) struct Told {
    pub(super) problem: Option<Problem>,
    pub(super) token: Option<(String, String)>,
    pub(super) check: Option<AuditCheck>,
}

struct SlotRow {
    label: String,
    note: &'static str,
    created: When,
}

struct SessionRow {
    browser: String,
    began: When,
    last_seen: When,
    is_this: bool,
}

struct TokenRow {
    id: String,
    name: String,
    scopes: String,
    created: When,
    last_used: Option<When>,
}

struct RemovedRow {
    url: String,
    name: String,
    connector: String,
    account: Option<String>,
    held: String,
}

struct AuditRow {
    at: When,
    actor: String,
    action: String,
    subject: String,
    /// In hex, as a receipt names it.
    hash: String,
}

/// What the page is made of.
pub(super) struct Facts {
    pub(super) vault: VaultView,
    pub(super) sessions: Vec<SessionView>,
    pub(super) tokens: Vec<TokenView>,
    pub(super) audit: Vec<AuditView>,
    pub(super) connectors: Vec<ConnectorView>,
    pub(super) removed: Vec<CollectedView>,
    pub(super) receipts: Vec<ReceiptView>,
}

async fn look(visitor: &Visitor) -> Result<Facts, Refused> {
    visitor
        .ask(|engine, caller| {
            Ok(Facts {
                vault: engine.vault(caller)?,
                sessions: engine.sessions(caller)?,
                tokens: engine.tokens(caller)?,
                audit: engine.latest_audit(caller, TAIL)?,
                connectors: engine.connectors(),
                removed: engine.removed_sources(caller)?,
                receipts: engine.receipts(caller, None, RECEIPTS)?,
            })
        })
        .await
}

pub(crate) async fn show_page(visitor: Visitor) -> Page {
    again(&visitor, StatusCode::OK, Told::default()).await
}

pub(crate) async fn unlock(mut visitor: Visitor, mut body: FormBody) -> Page {
    let key = body.take("recovery_key");
    let work = move |engine: &freehold_engine::Engine, caller: &freehold_engine::Caller| {
        engine.unlock_vault(caller, Some(&key).filter(|key| !key.is_empty())).map(drop)
    };
    let unlocked = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => visitor.ask(work).await,
        Err(refused) => Err(refused),
    };
    match unlocked {
        Ok(()) => go_to("/settings#vault"),
        Err(refused) => told_or_refused(&visitor, refused).await,
    }
}

pub(crate) async fn lock(visitor: Visitor) -> Page {
    visitor.ask(|engine, caller| engine.lock_vault(caller)).await?;
    go_to("/settings#vault")
}

pub(crate) async fn create_token(mut visitor: Visitor, mut body: FormBody) -> Page {
    let name = body.text("name").unwrap_or_default().to_owned();
    let scopes: Vec<Permission> = body.texts("scope").into_iter().filter_map(Permission::parse_scope).collect();
    let made = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => visitor.ask(move |engine, caller| engine.create_token(caller, &name, &scopes)).await,
        Err(refused) => Err(refused),
    };
    match made {
        Ok((view, token)) => {
            let told = Told { token: Some((view.name, token.reveal().to_owned())), ..Told::default() };
            again(&visitor, StatusCode::OK, told).await
        }
        Err(refused) => told_or_refused(&visitor, refused).await,
    }
}

pub(crate) async fn revoke_token(visitor: Visitor, Named(id): Named<TokenId>) -> Page {
    visitor.ask(move |engine, caller| engine.revoke_token(caller, id)).await?;
    go_to("/settings#tokens")
}

pub(crate) async fn verify_audit(visitor: Visitor) -> Page {
    let check = visitor.ask(|engine, caller| engine.verify_audit(caller)).await?;
    again(&visitor, StatusCode::OK, Told { check: Some(check), ..Told::default() }).await
}

async fn told_or_refused(visitor: &Visitor, Refused(problem): Refused) -> Page {
    if !form::is_about_input(&problem) || problem.code == ProblemCode::ReauthenticationRequired {
        return Err(Refused(problem));
    }
    again(visitor, StatusCode::UNPROCESSABLE_ENTITY, Told { problem: Some(problem), ..Told::default() }).await
}

async fn again(visitor: &Visitor, status: StatusCode, told: Told) -> Page {
    let facts = look(visitor).await?;
    let this = visitor.session.as_ref().map(|session| session.id);
    Ok(show_with(status, &page(facts, this, !visitor.is_reauthenticated(), told)))
}

pub(super) fn page(
    facts: Facts,
    this: Option<freehold_core::id::SessionId>,
    asks_passphrase: bool,
    told: Told,
) -> SettingsPage {
    let session = |session: SessionView| SessionRow {
        is_this: Some(session.id) == this,
        browser: session.user_agent,
        began: When(session.created_at),
        last_seen: When(session.last_seen_at),
    };
    let token = |token: TokenView| TokenRow {
        id: token.id.to_string(),
        scopes: token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", "),
        created: When(token.created_at),
        last_used: token.last_used_at.map(When),
        name: token.name,
    };
    let entry = |entry: AuditView| AuditRow {
        at: When(entry.at),
        actor: entry.actor,
        action: words(&entry.action),
        subject: entry.subject,
        hash: entry.hash,
    };
    let removed = |source: CollectedView| RemovedRow {
        url: url::collected(&source),
        held: removed::held(&source),
        name: source.name,
        connector: source.connector_display_name,
        account: source.account,
    };
    SettingsPage {
        frame: Frame::new("Settings", Under::Settings),
        vault_sign: vault_sign(facts.vault.state),
        slots: facts.vault.slots.iter().map(slot_row).collect(),
        is_locked: facts.vault.state != VaultState::Unlocked,
        vault: facts.vault,
        sessions: facts.sessions.into_iter().map(session).collect(),
        tokens: facts.tokens.into_iter().map(token).collect(),
        scopes: Permission::SCOPES.map(|scope| (scope.as_str(), scope_words(scope))).to_vec(),
        audit: facts.audit.into_iter().map(entry).collect(),
        connectors: facts.connectors,
        removed: facts.removed.into_iter().map(removed).collect(),
        receipts: facts.receipts.iter().map(receipt::row).collect(),
        asks_passphrase,
        told,
    }
}

fn slot_row(slot: &SlotView) -> SlotRow {
    SlotRow {
        label: words(&slot.kind),
        note: match (slot.kind.as_str(), slot.confirmed) {
            ("key_file", _) => "Opens the vault when the server starts.",
            (_, true) => "You have shown that you hold it.",
            (_, false) => "Not confirmed.",
        },
        created: When(slot.created_at),
    }
}

fn vault_sign(state: VaultState) -> Sign {
    let (word, shape) = match state {
        VaultState::Unlocked => ("Unlocked", "fresh"),
        VaultState::Locked => ("Locked", "waiting"),
        VaultState::Uninitialised => ("Not made yet", "setting_up"),
        VaultState::WrongKey => ("Wrong key", "broken"),
        VaultState::Corrupt => ("Damaged", "broken"),
        VaultState::KeyMissing => ("Key missing", "broken"),
    };
    Sign { word, shape }
}

fn scope_words(scope: Permission) -> &'static str {
    match scope {
        Permission::Read => "See sources, records and runs",
        Permission::Run => "Start and cancel runs, pause and resume",
        Permission::Answer => "Answer codes, challenges and approvals",
        Permission::Configure => "Add and change sources",
        Permission::Export => "Take records out in bulk",
        Permission::Reauthenticated => "",
    }
}
