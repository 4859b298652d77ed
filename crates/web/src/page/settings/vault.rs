//! The vault: whether it is open, locking and unlocking, and the keys that open it.

use askama::Template;
use axum::http::StatusCode;
use freehold_core::Problem;
use freehold_core::status::VaultState;
use freehold_engine::view::{SlotView, VaultView};
use freehold_engine::{Caller, Engine, UnlockWith};

use super::passphrase::differ;
use super::{Section, about_input};
use crate::admit::Visitor;
use crate::body::FormBody;
use crate::done::Done;
use crate::page::details::give_passphrase;
use crate::page::start::key_page;
use crate::page::text::{When, words};
use crate::page::{Frame, Page, Under, go_to_saying, show, show_with};
use crate::status::Sign;

#[derive(Template)]
#[template(path = "settings/vault.html")]
pub(in crate::page) struct VaultPage {
    frame: Frame,
    vault: VaultView,
    sign: Sign,
    slots: Vec<SlotRow>,
    is_locked: bool,
    has_passphrase: bool,
    has_key_file: bool,
    asks_passphrase: bool,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "settings/vault_confirm.html")]
pub(in crate::page) struct ConfirmPage {
    frame: Frame,
    /// Which groups are asked for, from 1.
    groups: Vec<usize>,
    asks_passphrase: bool,
    problem: Option<Problem>,
}

struct SlotRow {
    label: String,
    note: &'static str,
    created: When,
}

pub(crate) async fn show_page(visitor: Visitor) -> Page {
    again(&visitor, None).await
}

pub(crate) async fn unlock(visitor: Visitor, mut body: FormBody) -> Page {
    let (key, passphrase) = (body.take("recovery_key"), body.take("vault_passphrase"));
    let with = match (key.is_empty(), passphrase.is_empty()) {
        (false, _) => UnlockWith::RecoveryKey(key),
        (true, false) => UnlockWith::Passphrase(passphrase),
        (true, true) => UnlockWith::KeyFile,
    };
    change(Done::VaultUnlocked, visitor, body, move |engine, caller| engine.unlock_vault(caller, with)).await
}

pub(crate) async fn lock(visitor: Visitor) -> Page {
    visitor.ask(|engine, caller| engine.lock_vault(caller)).await?;
    go_to_saying(Done::VaultLocked, Section::Vault.path())
}

pub(crate) async fn set_passphrase(visitor: Visitor, mut body: FormBody) -> Page {
    if body.text("vault_passphrase") != body.text("repeated") {
        return again(&visitor, Some(differ("repeated"))).await;
    }
    let new = body.take("vault_passphrase");
    change(Done::VaultPassphraseSet, visitor, body, move |engine, caller| engine.set_vault_passphrase(caller, &new)).await
}

pub(crate) async fn remove_passphrase(visitor: Visitor, body: FormBody) -> Page {
    change(Done::VaultPassphraseRemoved, visitor, body, |engine, caller| engine.remove_vault_passphrase(caller)).await
}

pub(crate) async fn add_key_file(visitor: Visitor, body: FormBody) -> Page {
    change(Done::KeyFileMade, visitor, body, |engine, caller| engine.add_key_file(caller)).await
}

pub(crate) async fn remove_key_file(visitor: Visitor, body: FormBody) -> Page {
    change(Done::KeyFileRemoved, visitor, body, |engine, caller| engine.remove_key_file(caller)).await
}

/// Shows the new key, this once.
pub(crate) async fn new_recovery_key(mut visitor: Visitor, mut body: FormBody) -> Page {
    let made = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => visitor.ask(|engine, caller| engine.new_recovery_key(caller)).await,
        Err(refused) => Err(refused),
    };
    match made {
        Ok((key, _)) => Ok(show(&key_page(key.reveal(), "/settings/vault/recovery-key"))),
        Err(refused) => again(&visitor, Some(about_input(refused)?)).await,
    }
}

pub(crate) async fn show_confirm(visitor: Visitor) -> Page {
    match visitor.ask(|engine, caller| engine.new_recovery_key_challenge(caller)).await {
        Ok(groups) => Ok(show(&confirm_page(groups, !visitor.is_reauthenticated(), None))),
        Err(refused) => again(&visitor, Some(about_input(refused)?)).await,
    }
}

pub(in crate::page) fn confirm_page(groups: Vec<usize>, asks_passphrase: bool, problem: Option<Problem>) -> ConfirmPage {
    ConfirmPage { frame: Frame::new("Check your recovery key", Under::Settings), groups, asks_passphrase, problem }
}

pub(crate) async fn confirm_recovery_key(mut visitor: Visitor, mut body: FormBody) -> Page {
    let asked = match visitor.ask(|engine, caller| engine.new_recovery_key_challenge(caller)).await {
        Ok(asked) => asked,
        Err(refused) => return again(&visitor, Some(about_input(refused)?)).await,
    };
    let typed: Vec<_> = asked.iter().map(|group| body.take(&format!("group{group}"))).collect();
    let confirmed = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => visitor.ask(move |engine, caller| engine.confirm_new_recovery_key(caller, &typed)).await,
        Err(refused) => Err(refused),
    };
    match confirmed {
        Ok(_) => go_to_saying(Done::RecoveryKeyReplaced, Section::Vault.path()),
        Err(refused) => {
            let page = confirm_page(asked, !visitor.is_reauthenticated(), Some(about_input(refused)?));
            Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// Does one change, with the passphrase that came with the form, and says so.
async fn change<F>(done: Done, mut visitor: Visitor, mut body: FormBody, work: F) -> Page
where
    F: FnOnce(&Engine, &Caller) -> Result<VaultView, Problem> + Send + 'static,
{
    let changed = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => visitor.ask(work).await,
        Err(refused) => Err(refused),
    };
    match changed {
        Ok(_) => go_to_saying(done, Section::Vault.path()),
        Err(refused) => again(&visitor, Some(about_input(refused)?)).await,
    }
}

async fn again(visitor: &Visitor, problem: Option<Problem>) -> Page {
    let vault = visitor.ask(|engine, caller| engine.vault(caller)).await?;
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let mut page = page(vault, !visitor.is_reauthenticated(), problem);
    page.frame.tell(visitor);
    Ok(show_with(status, &page))
}

pub(in crate::page) fn page(vault: VaultView, asks_passphrase: bool, problem: Option<Problem>) -> VaultPage {
    VaultPage {
        frame: Frame::of_settings(Section::Vault),
        sign: sign(vault.state),
        slots: vault.slots.iter().map(slot_row).collect(),
        is_locked: vault.state != VaultState::Unlocked,
        has_passphrase: vault.has("passphrase"),
        has_key_file: vault.has("key_file"),
        vault,
        asks_passphrase,
        problem,
    }
}

fn slot_row(slot: &SlotView) -> SlotRow {
    SlotRow {
        label: words(&slot.kind),
        note: match (slot.kind.as_str(), slot.confirmed) {
            ("key_file", _) => "Opens the vault when the server starts.",
            ("passphrase", _) => "You type it after the server was started.",
            (_, true) => "You have shown that you hold it.",
            (_, false) => "Not confirmed.",
        },
        created: When(slot.created_at),
    }
}

/// Its state as a word and a shape.
pub(super) fn sign(state: VaultState) -> Sign {
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
