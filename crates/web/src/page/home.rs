//! Home: what needs the owner, what runs now, what there is and how fresh.

use std::collections::HashMap;

use askama::Template;
use freehold_core::identity::IdentityState;
use freehold_core::status::{Status, VaultState};
use freehold_core::{CredentialMode, Problem, RunId};
use freehold_engine::view::{RunView, SourceView, VaultView};
use serde::Deserialize;

use super::settings::Section;
use super::text::{Ago, count, counted};
use super::{Frame, Page, Under, show, url};
use crate::admit::Visitor;
use crate::api::Asked;
use crate::status::{Button, Sign, button, sign};

/// From as many sources on there is a filter.
const MANY: usize = 6;

#[derive(Template)]
#[template(path = "home.html")]
pub(super) struct HomePage {
    pub(super) frame: Frame,
    text: String,
    total: usize,
    /// How many sources there are of each kind, each a way to see them alone.
    tally: Vec<Tally>,
    /// What of the server itself needs the owner.
    server_needs: Vec<ServerNeed>,
    needs: Vec<Card>,
    running: Vec<Card>,
    rest: Vec<Card>,
    is_many: bool,
    is_narrowed: bool,
}

/// What a source is to its owner now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    NeedsYou,
    Running,
    UpToDate,
    Other,
}

impl Kind {
    const ALL: [Self; 4] = [Self::NeedsYou, Self::Running, Self::UpToDate, Self::Other];

    fn of(status: &Status) -> Self {
        use freehold_core::reason::WaitReason;
        match status {
            Status::NeedsOwner { .. } | Status::Broken { .. } => Self::NeedsYou,
            Status::Waiting { reason: WaitReason::WaitingForUnlock } => Self::NeedsYou,
            Status::Running | Status::SettingUp => Self::Running,
            Status::Fresh => Self::UpToDate,
            Status::Due | Status::Waiting { .. } | Status::Paused => Self::Other,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::NeedsYou => "Needs you",
            Self::Running => "Running now",
            Self::UpToDate => "Up to date",
            Self::Other => "Due, waiting or paused",
        }
    }

    /// Its name in an address.
    fn name(self) -> &'static str {
        match self {
            Self::NeedsYou => "needs_you",
            Self::Running => "running",
            Self::UpToDate => "up_to_date",
            Self::Other => "other",
        }
    }
}

/// A count that narrows the list to what it counts.
struct Tally {
    label: &'static str,
    number: String,
    url: String,
    is_current: bool,
    /// Whether it calls for the owner.
    calls: bool,
}

/// Something that is no source's, and what is to be done about it.
struct ServerNeed {
    title: &'static str,
    sentence: String,
    sign: Sign,
    button: Button,
}

/// A source in a list.
struct Card {
    url: String,
    name: String,
    connector: String,
    account: Option<String>,
    sign: Sign,
    /// Why, where the word does not say it all.
    sentence: Option<String>,
    /// How far its run is.
    progress: Option<Progress>,
    collected: Option<Ago>,
    held: String,
    button: Option<Button>,
}

struct Progress {
    message: String,
    /// How many of how many, where the connector can tell.
    done: Option<(u64, u64)>,
    words: String,
}

/// What the list is narrowed to.
#[derive(Default, Deserialize)]
pub(crate) struct Filter {
    #[serde(default)]
    pub(super) text: String,
    /// The name of a kind; any if it is none.
    #[serde(default)]
    pub(super) show: String,
}

/// What the page is made of.
pub(super) struct Facts {
    pub(super) sources: Vec<SourceView>,
    /// The runs under way.
    pub(super) under_way: Vec<RunView>,
    pub(super) vault: VaultView,
    /// Why the last backup is none.
    pub(super) failed_backup: Option<Problem>,
}

pub(crate) async fn show_page(visitor: Visitor, Asked(filter): Asked<Filter>) -> Page {
    let facts = visitor
        .ask(|engine, caller| {
            let sources = engine.sources(caller)?;
            // One that ended meanwhile is none under way, and its source says how it ended at the next look.
            let under_way = sources.iter().filter_map(|source| engine.run(caller, source.current_run?).ok()).collect();
            let (vault, failed_backup) = (engine.vault(caller)?, engine.backups(caller)?.failing().cloned());
            Ok(Facts { sources, under_way, vault, failed_backup })
        })
        .await?;
    Ok(show(&page(facts, filter)))
}

pub(super) fn page(facts: Facts, filter: Filter) -> HomePage {
    let Facts { sources, under_way, vault, failed_backup } = facts;
    let runs: HashMap<RunId, &RunView> = under_way.iter().map(|run| (run.id, run)).collect();
    let shown = Kind::ALL.into_iter().find(|kind| kind.name() == filter.show);
    let wanted = filter.text.trim().to_lowercase();
    let has_text = |source: &&SourceView| {
        let account = account(source).unwrap_or_default();
        [&source.name, &source.connector_display_name, &account].iter().any(|text| text.to_lowercase().contains(&wanted))
    };
    let found: Vec<&SourceView> = sources.iter().filter(has_text).collect();
    let of = |wanted: &[Kind]| -> Vec<Card> {
        let fits = |kind| wanted.contains(&kind) && shown.is_none_or(|shown| shown == kind);
        let found = found.iter().filter(|source| fits(Kind::of(&source.status)));
        found.map(|source| card(source, source.current_run.and_then(|run| runs.get(&run).copied()))).collect()
    };
    HomePage {
        frame: Frame::new("Home", Under::Home),
        total: sources.len(),
        server_needs: vault_need(&vault).into_iter().chain(failed_backup.map(backup_need)).collect(),
        tally: tally(&found, &filter.text, shown),
        needs: of(&[Kind::NeedsYou]),
        running: of(&[Kind::Running]),
        rest: of(&[Kind::UpToDate, Kind::Other]),
        is_many: sources.len() >= MANY,
        is_narrowed: !filter.text.is_empty() || shown.is_some(),
        text: filter.text,
    }
}

fn vault_need(vault: &VaultView) -> Option<ServerNeed> {
    let (title, shape) = match vault.state {
        VaultState::Unlocked | VaultState::Uninitialised => return None,
        VaultState::Locked => ("The vault is locked", "waiting"),
        VaultState::WrongKey | VaultState::Corrupt | VaultState::KeyMissing => ("The vault cannot be opened", "broken"),
    };
    Some(ServerNeed {
        title,
        sentence: vault.sentence.clone(),
        sign: Sign { word: "Vault", shape },
        button: Button { label: "Unlock it", url: Section::Vault.path().to_owned(), acts: false },
    })
}

fn backup_need(problem: Problem) -> ServerNeed {
    ServerNeed {
        title: "The last backup failed",
        sentence: format!("{} {}", problem.what, problem.next),
        sign: Sign { word: "Backup", shape: "broken" },
        button: Button { label: "See the backups", url: Section::Backup.path().to_owned(), acts: false },
    }
}

/// Every kind there is a source of, and all of them together.
fn tally(found: &[&SourceView], text: &str, shown: Option<Kind>) -> Vec<Tally> {
    let entry = |kind: Option<Kind>| {
        let number = found.iter().filter(|source| kind.is_none_or(|kind| kind == Kind::of(&source.status))).count();
        let asked = [("text", text), ("show", kind.map_or("", Kind::name))];
        Tally {
            label: kind.map_or("All", Kind::label),
            number: count(u64::try_from(number).unwrap_or(u64::MAX)),
            url: url::with_query("/", &asked),
            is_current: kind == shown,
            calls: kind == Some(Kind::NeedsYou),
        }
    };
    let there = |kind: &Kind| Some(*kind) == shown || found.iter().any(|source| Kind::of(&source.status) == *kind);
    std::iter::once(None).chain(Kind::ALL.into_iter().filter(there).map(Some)).map(entry).collect()
}

fn card(source: &SourceView, run: Option<&RunView>) -> Card {
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
        progress: run.map(progress),
        collected: source.last_success_at.map(Ago),
        held: counted(records, "record", "records"),
        button: button(source),
    }
}

fn progress(run: &RunView) -> Progress {
    let told = run.progress.as_ref();
    let done = told.and_then(|told| Some((told.count?, told.total?))).filter(|(_, all)| *all > 0);
    Progress {
        message: told.map_or_else(|| run.sentence.clone(), |told| told.message.clone()),
        words: match (done, told.and_then(|told| told.count)) {
            (Some((done, all)), _) => format!("{} of {}", count(done), count(all)),
            (None, Some(number)) => count(number),
            (None, None) => String::new(),
        },
        done,
    }
}

/// The account a source belongs to, as far as it is known.
pub(super) fn account(source: &SourceView) -> Option<String> {
    match &source.identity {
        IdentityState::Confirmed { identity } => Some(identity.display.clone()),
        IdentityState::Unconfirmed | IdentityState::Proposed { .. } | IdentityState::AcceptedUnverified => None,
    }
}
