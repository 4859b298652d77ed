//! The vault: whether it is open, the keys that open it, locking and unlocking.

use askama::Template;
use axum::http::StatusCode;
use freehold_core::Problem;
use freehold_core::status::VaultState;
use freehold_engine::view::{SlotView, VaultView};

use super::{Section, about_input};
use crate::admit::Visitor;
use crate::body::FormBody;
use crate::page::details::give_passphrase;
use crate::page::text::{When, words};
use crate::page::{Frame, Page, go_to, show_with};
use crate::status::Sign;

#[derive(Template)]
#[template(path = "settings/vault.html")]
pub(in crate::page) struct VaultPage {
    frame: Frame,
    vault: VaultView,
    sign: Sign,
    slots: Vec<SlotRow>,
    is_locked: bool,
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
        Ok(()) => go_to(Section::Vault.path()),
        Err(refused) => again(&visitor, Some(about_input(refused)?)).await,
    }
}

pub(crate) async fn lock(visitor: Visitor) -> Page {
    visitor.ask(|engine, caller| engine.lock_vault(caller)).await?;
    go_to(Section::Vault.path())
}

async fn again(visitor: &Visitor, problem: Option<Problem>) -> Page {
    let vault = visitor.ask(|engine, caller| engine.vault(caller)).await?;
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(show_with(status, &page(vault, !visitor.is_reauthenticated(), problem)))
}

pub(in crate::page) fn page(vault: VaultView, asks_passphrase: bool, problem: Option<Problem>) -> VaultPage {
    VaultPage {
        frame: Frame::of_settings(Section::Vault),
        sign: sign(vault.state),
        slots: vault.slots.iter().map(slot_row).collect(),
        is_locked: vault.state != VaultState::Unlocked,
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
