//! Settings: what there is to set or to look up, each on a page of its own, and how it stands.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod certificate;
pub(crate) mod connectors;
pub(crate) mod notifications;
pub(crate) mod passphrase;
pub(crate) mod removed;
pub(crate) mod sessions;
pub(crate) mod tokens;
pub(crate) mod vault;

use askama::Template;
use freehold_core::{Problem, ProblemCode};
use freehold_engine::view::VaultView;
use serde::Deserialize;

use super::text::counted;
use super::{Frame, Page, Under, show};
use crate::admit::Visitor;
use crate::form;
use crate::refused::Refused;
use crate::status::Sign;

/// The pages of the settings, as they are listed.
pub(crate) const GROUPS: [(&str, &[Section]); 4] = [
    ("Security", &[Section::Vault, Section::Sessions, Section::Tokens, Section::Certificate]),
    ("Reaching you", &[Section::Notifications]),
    ("Data", &[Section::Backup, Section::Connectors, Section::RemovedSources]),
    ("Evidence", &[Section::Receipts, Section::Audit]),
];

/// A page of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Vault,
    Sessions,
    Tokens,
    Certificate,
    Notifications,
    Backup,
    Connectors,
    RemovedSources,
    Receipts,
    Audit,
}

impl Section {
    /// Its heading, which is its name in every list and link.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Vault => "Vault",
            Self::Sessions => "Sessions",
            Self::Tokens => "Tokens",
            Self::Certificate => "Certificate",
            Self::Notifications => "Notifications",
            Self::Backup => "Backup",
            Self::Connectors => "Connectors",
            Self::RemovedSources => "Removed sources",
            Self::Receipts => "Receipts",
            Self::Audit => "Audit log",
        }
    }

    /// Where it is.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Vault => "/settings/vault",
            Self::Sessions => "/settings/sessions",
            Self::Tokens => "/settings/tokens",
            Self::Certificate => "/settings/certificate",
            Self::Notifications => "/settings/notifications",
            Self::Backup => "/settings/backup",
            Self::Connectors => "/connectors",
            Self::RemovedSources => "/removed-sources",
            Self::Receipts => "/receipts",
            Self::Audit => "/settings/audit",
        }
    }

    /// What it is for, in a sentence.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Vault => "The keys that open your saved sign-in details.",
            Self::Sessions => "Browsers that are signed in to this Freehold.",
            Self::Tokens => "What programs may do with the API.",
            Self::Certificate => "How the way between your browser and Freehold is kept from others.",
            Self::Notifications => "A message on your phone, or an e-mail, when Freehold needs you.",
            Self::Backup => "Everything in one sealed file, now and by the clock.",
            Self::Connectors => "The kinds of account that can be collected here.",
            Self::RemovedSources => "What they had collected, to be read or deleted.",
            Self::Receipts => "What was wiped, forgotten or removed, and what was looked at afterwards.",
            Self::Audit => "What was done, by whom, and whether the record of it holds.",
        }
    }
}

#[derive(Template)]
#[template(path = "settings.html")]
pub(super) struct SettingsPage {
    pub(super) frame: Frame,
    groups: Vec<Group>,
}

struct Group {
    title: &'static str,
    entries: Vec<Entry>,
}

/// A section in the overview.
struct Entry {
    section: Section,
    /// How it stands, where that is a state.
    sign: Option<Sign>,
    /// How it stands, where that is a number; empty where there is nothing to say.
    now: String,
}

/// What the overview tells of.
pub(super) struct Facts {
    pub(super) vault: VaultView,
    pub(super) sessions: usize,
    pub(super) tokens: usize,
    /// How the console is served, in a few words.
    pub(super) served: &'static str,
    pub(super) channels: usize,
    pub(super) connectors: usize,
    pub(super) removed: usize,
    /// How the last backup stands, in a few words.
    pub(super) last_backup: String,
}

pub(crate) async fn show_page(visitor: Visitor) -> Page {
    let served = certificate::now(&visitor.app.config.served.borrow());
    let facts = visitor
        .ask(move |engine, caller| {
            Ok(Facts {
                vault: engine.vault(caller)?,
                sessions: engine.sessions(caller)?.len(),
                tokens: engine.tokens(caller)?.len(),
                served,
                channels: engine.notifications(caller)?.channels.len(),
                connectors: engine.connectors().len(),
                removed: engine.removed_sources(caller)?.len(),
                last_backup: match engine.backups(caller)? {
                    view if view.failing().is_some() => "The last one failed".to_owned(),
                    view if view.backups.is_empty() => "None yet".to_owned(),
                    view => counted(view.backups.len() as u64, "backup", "backups"),
                },
            })
        })
        .await?;
    Ok(show(&page(&facts)))
}

pub(super) fn page(facts: &Facts) -> SettingsPage {
    let entry = |section: &Section| {
        let number = |number: usize, one, many| counted(u64::try_from(number).unwrap_or(u64::MAX), one, many);
        let now = match section {
            Section::Sessions => number(facts.sessions, "browser", "browsers"),
            Section::Tokens => number(facts.tokens, "token", "tokens"),
            Section::Certificate => facts.served.to_owned(),
            Section::Notifications => number(facts.channels, "channel", "channels"),
            Section::Connectors => number(facts.connectors, "connector", "connectors"),
            Section::RemovedSources => number(facts.removed, "source", "sources"),
            Section::Backup => facts.last_backup.clone(),
            Section::Vault | Section::Receipts | Section::Audit => String::new(),
        };
        let sign = (*section == Section::Vault).then(|| vault::sign(facts.vault.state));
        Entry { section: *section, sign, now }
    };
    let group =
        |(title, sections): (&'static str, &[Section])| Group { title, entries: sections.iter().map(entry).collect() };
    SettingsPage { frame: Frame::new("Settings", Under::Settings), groups: GROUPS.into_iter().map(group).collect() }
}

/// What a list is narrowed to.
#[derive(Default, Deserialize)]
pub(crate) struct Filter {
    #[serde(default)]
    pub(super) text: String,
}

impl Filter {
    /// Whether one of these texts has what is looked for in it, whatever the case.
    pub(super) fn fits(&self, texts: &[&str]) -> bool {
        let wanted = self.text.trim().to_lowercase();
        texts.iter().any(|text| text.to_lowercase().contains(&wanted))
    }
}

/// What a form of these pages has to say of what was typed; anything else is refused as everywhere.
fn about_input(Refused(problem): Refused) -> Result<Problem, Refused> {
    if form::is_about_input(&problem) && problem.code != ProblemCode::ReauthenticationRequired {
        Ok(problem)
    } else {
        Err(Refused(problem))
    }
}
