//! The audit log: what was done and by whom, the newest first, and whether the chain of it holds.

use askama::Template;
use freehold_engine::view::{AuditCheck, AuditView};
use serde::Deserialize;

use super::Section;
use crate::admit::Visitor;
use crate::api::Asked;
use crate::page::text::When;
use crate::page::{Frame, Page, show, url};

/// Entries shown at once.
const ENTRIES: u32 = 100;

#[derive(Template)]
#[template(path = "settings/audit.html")]
pub(in crate::page) struct AuditPage {
    frame: Frame,
    text: String,
    entries: Vec<Entry>,
    is_first: bool,
    /// Where the older ones are, if there may be some.
    next: Option<String>,
    check: Option<AuditCheck>,
}

struct Entry {
    at: When,
    actor: String,
    /// The same in words.
    who: &'static str,
    /// What was done, by its name in the log.
    action: String,
    /// The same in words.
    sentence: String,
    subject: String,
    /// The same in words.
    about: String,
    /// In hex, as a receipt names it.
    hash: String,
}

/// What the log is narrowed to.
#[derive(Default, Deserialize)]
pub(crate) struct Filter {
    #[serde(default)]
    pub(in crate::page) text: String,
    /// Only entries before this one.
    pub(in crate::page) before: Option<u64>,
}

pub(crate) async fn show_page(visitor: Visitor, Asked(filter): Asked<Filter>) -> Page {
    look(&visitor, filter, None).await
}

pub(crate) async fn verify(visitor: Visitor) -> Page {
    let check = visitor.ask(|engine, caller| engine.verify_audit(caller)).await?;
    look(&visitor, Filter::default(), Some(check)).await
}

async fn look(visitor: &Visitor, filter: Filter, check: Option<AuditCheck>) -> Page {
    let (text, before) = (filter.text.clone(), filter.before);
    let entries = visitor.ask(move |engine, caller| engine.latest_audit(caller, &text, before, ENTRIES)).await?;
    Ok(show(&page(entries, filter, check)))
}

pub(in crate::page) fn page(entries: Vec<AuditView>, filter: Filter, check: Option<AuditCheck>) -> AuditPage {
    let row = |entry: &AuditView| Entry {
        at: When(entry.at),
        actor: entry.actor.clone(),
        who: entry.who,
        action: entry.action.clone(),
        sentence: entry.sentence.clone(),
        subject: entry.subject.clone(),
        about: entry.about.clone(),
        hash: entry.hash.clone(),
    };
    let older = |last: &AuditView| {
        url::with_query(Section::Audit.path(), &[("text", &filter.text), ("before", &last.seq.to_string())])
    };
    let is_full = entries.len() >= usize::try_from(ENTRIES).unwrap_or(usize::MAX);
    AuditPage {
        frame: Frame::of_settings(Section::Audit),
        entries: entries.iter().map(row).collect(),
        is_first: filter.before.is_none(),
        next: entries.last().filter(|_| is_full).map(older),
        text: filter.text,
        check,
    }
}
