//! A source: whose it is, how it is, what it holds, and the one thing to do.

use askama::Template;
use freehold_core::identity::IdentityState;
use freehold_core::status::Status;
use freehold_core::{CredentialMode, Identity, SourceId};
use freehold_engine::view::{CredentialView, ReceiptView, RunView, SourceView, StreamView};
use freehold_engine::{Caller, Engine};

use super::chart::Percent;
use super::details::credential_words;
use super::receipt::{self, ReceiptRow, left_by};
use super::run_chart::{self, RunChart};
use super::text::{Ago, Dated, When, bytes, count, interval, reminder};
use super::{Frame, Page, Under, go_to, go_to_saying, show, url};
use crate::admit::Visitor;
use crate::api::Named;
use crate::done::Done;
use crate::status::{Button, Sign, button, collect, sign};

/// Runs in the page's list, and as many receipts.
const LISTED: u32 = 8;

#[derive(Template)]
#[template(path = "source.html")]
pub(super) struct SourcePage {
    pub(super) frame: Frame,
    source: SourceView,
    sign: Sign,
    button: Option<Button>,
    /// Collecting now, where nothing else is to be done.
    collect: Option<Button>,
    account: Account,
    mode: &'static str,
    collected: Option<Ago>,
    collected_at: Option<When>,
    next_due: Option<When>,
    /// How much of the time to the next time is over, and whether all of it is.
    elapsed: Option<(Percent, bool)>,
    interval: String,
    created: When,
    details: Vec<DetailsRow>,
    takes_details: bool,
    /// Size of the browser profile at rest, and when it was sealed.
    profile: Option<(String, When)>,
    streams: Vec<StreamRow>,
    run_chart: Option<RunChart>,
    runs: Vec<RunRow>,
    /// Whether there may be more of them than are shown.
    more_runs: bool,
    receipts: Vec<ReceiptRow>,
    is_paused: bool,
    /// Whether it is never collected by itself, and its schedule is a reminder.
    is_reminder: bool,
}

/// Whose account it is, in words.
pub(super) struct Account {
    pub(super) name: Option<String>,
    /// What it is told from others by, where that is not its name.
    pub(super) key: Option<String>,
    pub(super) note: &'static str,
}

/// Sign-in details of one kind.
pub(super) struct DetailsRow {
    pub(super) label: &'static str,
    pub(super) state: &'static str,
    pub(super) when: Option<When>,
    pub(super) saved: Option<When>,
    pub(super) used: Option<When>,
    pub(super) replaces: bool,
    pub(super) codes_left: Option<u32>,
    pub(super) codes_in_doubt_since: Option<When>,
}

struct StreamRow {
    url: String,
    label: String,
    count: String,
    size: String,
    newest: Option<Dated>,
    /// Where it is collected again, if it is left out.
    take_in: Option<String>,
}

/// A run in a list.
pub(super) struct RunRow {
    pub(super) url: String,
    pub(super) sentence: String,
    pub(super) sign: Sign,
    pub(super) created: When,
    pub(super) cause: &'static str,
}

pub(crate) async fn show_page(visitor: Visitor, Named(id): Named<SourceId>) -> Page {
    let (source, runs, receipts) = visitor
        .ask(move |engine, caller| {
            let receipts = engine.receipts(caller, Some(id), LISTED)?;
            Ok((engine.source(caller, id)?, engine.runs(caller, id, None, run_chart::RUNS as u32)?, receipts))
        })
        .await?;
    let mut page = page(source, &runs, &receipts);
    page.frame.tell(&visitor);
    Ok(show(&page))
}

fn elapsed(source: &SourceView) -> Option<(Percent, bool)> {
    let (past, whole) = (source.seconds_since_success?, source.interval_seconds?.max(1));
    Some((Percent(100.0 * past.min(whole) as f64 / whole as f64), past >= whole))
}

/// What a stream takes on the disk: its records, and their files where it has any.
fn size(stream: &StreamView) -> String {
    match stream.file_bytes {
        Some(files) if files > 0 => format!("{}, files {}", bytes(stream.bytes), bytes(files)),
        _ => bytes(stream.bytes),
    }
}

pub(super) fn page(source: SourceView, runs: &[RunView], receipts: &[ReceiptView]) -> SourcePage {
    let stream = |stream: &StreamView| StreamRow {
        url: url::stream(source.id, &stream.name),
        label: stream.label.clone(),
        count: count(stream.count),
        size: size(stream),
        newest: stream.newest.map(Dated),
        take_in: stream.left_out.then(|| url::take_in(source.id, &stream.name)),
    };
    let stores = source.mode == CredentialMode::StoredCredential;
    let is_reminder = source.mode == CredentialMode::EphemeralBrowser;
    let is_paused = source.status == Status::Paused;
    let is_idle = source.current_run.is_none() && !is_paused;
    SourcePage {
        frame: Frame::new(source.name.clone(), Under::Home),
        sign: sign(&source.status),
        button: button(&source),
        collect: (is_idle && button(&source).is_none()).then(|| collect(&source)),
        account: account(&source),
        mode: mode_words(source.mode),
        collected: source.last_success_at.map(Ago),
        collected_at: source.last_success_at.map(When),
        next_due: source.next_due_at.map(When),
        elapsed: elapsed(&source),
        interval: if is_reminder { reminder(source.interval_seconds) } else { interval(source.interval_seconds) },
        created: When(source.created_at),
        details: source.credentials.iter().filter(|_| stores).map(details_row).collect(),
        takes_details: stores,
        profile: source.profile.as_ref().map(|profile| (bytes(profile.bytes), When(profile.sealed_at))),
        streams: source.streams.iter().map(stream).collect(),
        run_chart: RunChart::of(runs),
        runs: runs.iter().take(LISTED as usize).map(run_row).collect(),
        more_runs: runs.len() >= LISTED as usize,
        receipts: receipts.iter().map(receipt::row).collect(),
        is_paused,
        is_reminder,
        source,
    }
}

/// How a source signs in, in words.
pub(super) fn mode_words(mode: CredentialMode) -> &'static str {
    match mode {
        CredentialMode::StoredCredential => "With the sign-in details saved for this source",
        CredentialMode::StreamedBrowser => "In the secure browser; nothing typed there is saved",
        CredentialMode::EphemeralBrowser => {
            "Each time anew, in the secure browser or with details for one run; everything is wiped afterwards"
        }
    }
}

pub(super) fn account(source: &SourceView) -> Account {
    match &source.identity {
        IdentityState::Confirmed { identity } => {
            Account { name: Some(identity.display.clone()), key: key_of(identity), note: "Confirmed; checked at every run." }
        }
        IdentityState::Proposed { identity } => Account {
            name: Some(identity.display.clone()),
            key: key_of(identity),
            note: "Seen, and waiting for you to say whether it is yours. Nothing is kept until then.",
        },
        IdentityState::Unconfirmed => Account {
            name: source.expected_account.clone(),
            key: None,
            note: "Not seen yet. Nothing is kept before it has been.",
        },
        IdentityState::AcceptedUnverified => Account {
            name: None,
            key: None,
            note: "This connector does not show which account is signed in, and you accepted that.",
        },
    }
}

fn key_of(identity: &Identity) -> Option<String> {
    Some(identity.key.clone()).filter(|key| *key != identity.display)
}

pub(super) fn details_row(credential: &CredentialView) -> DetailsRow {
    let (state, when) = credential_words(&credential.state);
    DetailsRow {
        label: credential.kind.label(),
        state,
        when,
        saved: credential.saved_at.map(When),
        used: credential.last_used_at.map(When),
        replaces: credential.replaces.is_some(),
        codes_left: credential.codes_left,
        codes_in_doubt_since: credential.codes_in_doubt_since.map(When),
    }
}

pub(super) fn run_row(run: &RunView) -> RunRow {
    RunRow {
        url: format!("/sources/{}/runs/{}", run.source, run.id),
        sentence: run.sentence.clone(),
        sign: super::run::sign(run),
        created: When(run.created_at),
        cause: super::run::cause_words(run.cause),
    }
}

pub(crate) async fn run(visitor: Visitor, Named(id): Named<SourceId>) -> Page {
    let run = visitor.ask(move |engine, caller| engine.start_run(caller, id)).await?;
    go_to(&format!("/sources/{id}/runs/{}?follow=true", run.id))
}

pub(crate) async fn pause(visitor: Visitor, Named(id): Named<SourceId>) -> Page {
    then_back(Done::SourcePaused, visitor, id, move |engine, caller| engine.pause(caller, id).map(drop)).await
}

pub(crate) async fn resume(visitor: Visitor, Named(id): Named<SourceId>) -> Page {
    then_back(Done::SourceResumed, visitor, id, move |engine, caller| engine.resume(caller, id).map(drop)).await
}

pub(crate) async fn sign_out(visitor: Visitor, Named(id): Named<SourceId>) -> Page {
    let receipt = left_by(&visitor, id, move |engine, caller| engine.sign_out(caller, id).map(drop)).await?;
    go_to(&receipt.unwrap_or_else(|| format!("/sources/{id}")))
}

pub(crate) async fn try_again(visitor: Visitor, Named(id): Named<SourceId>) -> Page {
    visitor.ask(move |engine, caller| engine.try_again(caller, id)).await?;
    go_to(&format!("/sources/{id}/setup?follow=true"))
}

async fn then_back<F>(done: Done, visitor: Visitor, id: SourceId, work: F) -> Page
where
    F: FnOnce(&Engine, &Caller) -> Result<(), freehold_core::Problem> + Send + 'static,
{
    visitor.ask(work).await?;
    go_to_saying(done, &format!("/sources/{id}"))
}
