//! Home: what needs the owner, what runs now, what there is and how fresh.

use askama::Template;
use freehold_core::CredentialMode;
use freehold_core::identity::IdentityState;
use freehold_core::status::Status;
use freehold_engine::view::SourceView;
use serde::Deserialize;

use super::text::{When, counted};
use super::{Frame, Page, Under, show};
use crate::admit::Visitor;
use crate::api::Asked;
use crate::status::{Button, Sign, button, sign};

#[derive(Template)]
#[template(path = "home.html")]
pub(super) struct HomePage {
    pub(super) frame: Frame,
    pub(super) text: String,
    pub(super) total: usize,
    pub(super) needs: Vec<Card>,
    pub(super) rest: Vec<Card>,
}

/// A source in a list.
pub(super) struct Card {
    url: String,
    name: String,
    connector: String,
    account: Option<String>,
    sign: Sign,
    /// Why, where the word does not say it all.
    sentence: Option<String>,
    collected: Option<When>,
    held: String,
    button: Option<Button>,
}

/// What the list is narrowed to.
#[derive(Deserialize)]
pub(crate) struct Filter {
    #[serde(default)]
    text: String,
}

pub(crate) async fn show_page(visitor: Visitor, Asked(filter): Asked<Filter>) -> Page {
    let sources = visitor.ask(|engine, caller| engine.sources(caller)).await?;
    Ok(show(&page(&sources, filter.text)))
}

pub(super) fn page(sources: &[SourceView], text: String) -> HomePage {
    let wanted = text.to_lowercase();
    let fits = |source: &&SourceView| {
        let account = account(source).unwrap_or_default();
        [&source.name, &source.connector_display_name, &account].iter().any(|text| text.to_lowercase().contains(&wanted))
    };
    let (needs, rest): (Vec<_>, Vec<_>) = sources.iter().filter(fits).partition(|source| needs_a_person(&source.status));
    HomePage {
        frame: Frame::new("Home", Under::Home),
        total: sources.len(),
        needs: needs.into_iter().map(card).collect(),
        rest: rest.into_iter().map(card).collect(),
        text,
    }
}

/// Whether nothing goes on until someone looks.
fn needs_a_person(status: &Status) -> bool {
    use freehold_core::reason::WaitReason;
    match status {
        Status::NeedsOwner { .. } | Status::Broken { .. } => true,
        Status::Waiting { reason } => *reason == WaitReason::WaitingForUnlock,
        Status::SettingUp | Status::Fresh | Status::Due | Status::Running | Status::Paused => false,
    }
}

fn card(source: &SourceView) -> Card {
    let is_reminder = source.mode == CredentialMode::EphemeralBrowser && source.status == Status::Due;
    let records = source.streams.iter().map(|stream| stream.count).sum();
    Card {
        url: format!("/sources/{}", source.id),
        name: source.name.clone(),
        connector: source.connector_display_name.clone(),
        account: account(source),
        sign: sign(&source.status),
        sentence: match source.status.reason() {
            Some(_) => Some(source.sentence.clone()),
            None => is_reminder.then(|| "You asked to be reminded: it is time to collect it again.".to_owned()),
        },
        collected: source.last_success_at.map(When),
        held: counted(records, "record", "records"),
        button: button(source),
    }
}

/// The account a source belongs to, as far as it is known.
pub(super) fn account(source: &SourceView) -> Option<String> {
    match &source.identity {
        IdentityState::Confirmed { identity } => Some(identity.display.clone()),
        IdentityState::Unconfirmed | IdentityState::Proposed { .. } | IdentityState::AcceptedUnverified => None,
    }
}
