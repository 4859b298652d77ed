//! A run: its timeline in the owner's words, its counts, and the details below for those who want them.

use askama::Template;
use freehold_core::run::{Cause, Outcome, RunState};
use freehold_core::{InteractionId, Problem, ReceiptId, RunId, SourceId};
use freehold_engine::view::{RejectedView, RunView, SourceView, TimelineView};

use super::interaction::Following;
use super::text::{When, count};
use super::{Frame, Page, Under, go_to, receipt, show};
use crate::admit::Visitor;
use crate::api::{Asked, Named};
use crate::refused::Refused;
use crate::status::{Button, Sign, button};

/// Rejected records shown on the page.
const REJECTED: u32 = 100;

#[derive(Template)]
#[template(path = "run.html")]
pub(super) struct RunPage {
    pub(super) frame: Frame,
    run: RunView,
    sign: Sign,
    cause: &'static str,
    created: When,
    started: Option<When>,
    ended: Option<When>,
    progress: Option<(u64, u64)>,
    counts: Vec<(&'static str, String)>,
    timeline: Vec<Entry>,
    rejected: Vec<RejectedView>,
    /// Whether some of those that were rejected went with a stream that was deleted.
    rejected_went: bool,
    log: String,
    is_over: bool,
    interaction: Option<String>,
    /// What the owner is needed for, now that it is over.
    next: Option<Button>,
    /// The receipt of its wipe.
    receipt: Option<String>,
}

struct Entry {
    at: When,
    sentence: String,
    note: Option<String>,
    /// The receipt that it tells of.
    receipt: Option<String>,
}

/// What a page of a run is made of.
pub(super) struct Facts {
    pub(super) run: RunView,
    pub(super) timeline: Vec<TimelineView>,
    pub(super) rejected: Vec<RejectedView>,
    pub(super) log: String,
    /// Its source.
    pub(super) of: SourceView,
}

pub(crate) async fn show_page(
    visitor: Visitor,
    Named((source, id)): Named<(SourceId, RunId)>,
    Asked(following): Asked<Following>,
) -> Page {
    let facts = visitor
        .ask(move |engine, caller| {
            Ok(Facts {
                run: engine.run(caller, id)?,
                timeline: engine.timeline(caller, id, 0)?,
                rejected: engine.rejected(caller, id, 0, REJECTED)?,
                log: engine.connector_log(caller, id)?,
                of: engine.source(caller, source)?,
            })
        })
        .await?;
    if facts.run.source != source {
        return Err(Refused::not_found());
    }
    if let Some(turn) = following.instead(turn(&facts)) {
        return turn;
    }
    Ok(show(&page(facts)))
}

pub(crate) async fn cancel(visitor: Visitor, Named((source, id)): Named<(SourceId, RunId)>) -> Page {
    visitor
        .ask(move |engine, caller| {
            if engine.run(caller, id)?.source == source {
                engine.cancel_run(caller, id).map(drop)
            } else {
                let Refused(problem): Refused = Refused::not_found();
                Err::<(), Problem>(problem)
            }
        })
        .await?;
    go_to(&format!("/sources/{source}/runs/{id}"))
}

pub(super) fn page(facts: Facts) -> RunPage {
    let turn = turn(&facts);
    let Facts { run, timeline, rejected, log, of } = facts;
    // What the source needs follows from its last run; of one before it, nothing is to be done any more.
    let next = if of.last_run == Some(run.id) { button(&of) } else { None };
    let c = run.counts;
    let all = [
        ("New", c.added),
        ("Changed", c.changed),
        ("Unchanged", c.unchanged),
        ("Deleted", c.deleted),
        ("Rejected", c.rejected),
    ];
    let entry = |entry: TimelineView| {
        let receipt = receipt_in(&entry);
        Entry {
            at: When(entry.at),
            sentence: entry.sentence,
            note: entry.note.filter(|_| receipt.is_none()).and_then(|note| serde_json::to_string_pretty(&note).ok()),
            receipt,
        }
    };
    RunPage {
        frame: Frame::new(format!("Run of {}", run.source_name), Under::Home),
        sign: sign(&run),
        cause: cause_words(run.cause),
        created: When(run.created_at),
        started: run.started_at.map(When),
        ended: run.ended_at.map(When),
        progress: run.progress.as_ref().filter(|_| !run.run_state.is_ended()).and_then(|p| Some((p.count?, p.total?))),
        counts: all.into_iter().filter(|(name, n)| *n > 0 || *name == "New").map(|(name, n)| (name, count(n))).collect(),
        timeline: timeline.into_iter().map(entry).collect(),
        rejected_went: run.run_state.is_ended()
            && rejected.len() < REJECTED as usize
            && (rejected.len() as u64) < c.rejected,
        rejected,
        log,
        is_over: run.run_state.is_ended(),
        interaction: turn.map(|id| format!("/interactions/{id}")),
        next: next.filter(|_| matches!(run.outcome, Some(Outcome::NeedsOwner { .. }))),
        receipt: run.receipt.map(receipt::address),
        run,
    }
}

fn receipt_in(entry: &TimelineView) -> Option<String> {
    let id = entry.note.as_ref().filter(|_| entry.event == "receipt")?.get("receipt")?.as_str()?;
    ReceiptId::parse(id).ok().map(receipt::address)
}

/// The question a run waits with. It may be answered already, and the run not have gone on yet.
fn turn(facts: &Facts) -> Option<InteractionId> {
    match facts.run.run_state {
        RunState::WaitingForOwner { interaction, .. } => facts.of.interaction.filter(|open| *open == interaction),
        _ => None,
    }
}

/// A run's state as a word and a shape.
pub(super) fn sign(run: &RunView) -> Sign {
    use RunState as S;
    let (word, shape) = match (&run.outcome, &run.run_state) {
        (Some(Outcome::Succeeded), _) => ("Succeeded", "fresh"),
        (Some(Outcome::NeedsOwner { .. }), _) => ("Needs you", "needs_owner"),
        (Some(Outcome::Failed { .. }), _) => ("Failed", "broken"),
        (Some(Outcome::Cancelled { .. }), _) => ("Cancelled", "paused"),
        (Some(Outcome::Interrupted), _) => ("Interrupted", "paused"),
        (None, S::WaitingForOwner { .. }) => ("Waits for you", "needs_owner"),
        (None, S::WaitingForUnlock | S::WaitingForBrowser { .. }) => ("Waiting", "waiting"),
        (None, S::Queued { .. }) => ("Queued", "due"),
        (None, _) => ("Running", "running"),
    };
    Sign { word, shape }
}

/// Why a run was started, in words.
pub(super) fn cause_words(cause: Cause) -> &'static str {
    match cause {
        Cause::Setup => "Setup",
        Cause::Schedule => "Schedule",
        Cause::Owner => "Asked for by you",
        Cause::Retry => "Another try",
    }
}
