//! A run in the owner's words.

use freehold_core::run::{CancelledBy, Counts, Outcome, RunState};
use freehold_core::status::Status;
use freehold_store::TimelineEntry;
use serde_json::Value;

use crate::view::TimelineView;

/// Where a run stands, in one sentence.
pub(crate) fn of_run(state: &RunState, counts: &Counts) -> String {
    match state {
        RunState::Queued { .. } => "Waiting to start.".to_owned(),
        RunState::Admitted { .. } => "Starting.".to_owned(),
        RunState::OpeningProfile => "Opening the browser profile.".to_owned(),
        RunState::Looking => "Looking whether the account is signed in.".to_owned(),
        RunState::SigningIn { .. } => "Signing in.".to_owned(),
        RunState::Identifying => "Reading which account is signed in.".to_owned(),
        RunState::Probing => "Signing in to see which account this is. Nothing is kept yet.".to_owned(),
        RunState::Collecting { .. } => match counts.emitted {
            0 => "Collecting.".to_owned(),
            seen => format!("Collecting: {} so far.", records(seen)),
        },
        RunState::Committing => "Writing the result.".to_owned(),
        RunState::WaitingForOwner { .. } => "Your turn.".to_owned(),
        RunState::WaitingForUnlock => "Waiting for the vault to be unlocked.".to_owned(),
        RunState::WaitingForBrowser { place } => format!("Waiting for a free browser; place {place} in the queue."),
        RunState::Wiping { .. } => "Removing everything of this run.".to_owned(),
        RunState::Ended { outcome, .. } => of_outcome(outcome, counts),
    }
}

fn of_outcome(outcome: &Outcome, counts: &Counts) -> String {
    match outcome {
        Outcome::Succeeded => {
            let mut parts: Vec<String> = [(counts.added, "new"), (counts.changed, "changed"), (counts.deleted, "deleted")]
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| format!("{count} {what}"))
                .collect();
            if counts.rejected > 0 {
                parts.push(format!("{} rejected", counts.rejected));
            }
            match (parts.is_empty(), counts.unchanged) {
                (true, 0) => "Done. There was nothing to collect.".to_owned(),
                (true, same) => format!("Done. Nothing new; {} unchanged.", records(same)),
                (false, _) => format!("Done: {}.", parts.join(", ")),
            }
        }
        Outcome::NeedsOwner { reason } => Status::NeedsOwner { reason: reason.clone() }.sentence().to_owned(),
        Outcome::Failed { reason } => Status::from(reason.clone()).sentence().to_owned(),
        Outcome::Cancelled { by: CancelledBy::Owner } => "Cancelled by you.".to_owned(),
        Outcome::Cancelled { by: CancelledBy::Connector } => "The connector called it off.".to_owned(),
        Outcome::Cancelled { by: CancelledBy::Shutdown } => "Stopped with the server.".to_owned(),
        Outcome::Interrupted => "Interrupted: the server stopped while it ran.".to_owned(),
    }
}

/// One entry of the timeline.
pub(crate) fn timeline_view(entry: TimelineEntry) -> TimelineView {
    let text = |field: &str| entry.note.as_ref().and_then(|note| note.get(field)).and_then(Value::as_str);
    let sentence = match entry.event.as_str() {
        "queue" => "Asked for.".to_owned(),
        "admit" => "Started.".to_owned(),
        "await_unlock" => "Waiting for the vault to be unlocked.".to_owned(),
        "await_browser" => "Waiting for a free browser.".to_owned(),
        "open_profile" => "Opened the browser profile.".to_owned(),
        "look" => "Looked whether the account is signed in.".to_owned(),
        "sign_in" => "Signing in.".to_owned(),
        "identify" => "Read which account is signed in.".to_owned(),
        "probe" => "Started the connector to see which account this is. Nothing is kept yet.".to_owned(),
        "collect" if text("identity").is_some() => "The account is the one you named. Collecting.".to_owned(),
        "collect" => "Collecting.".to_owned(),
        "batch" => "Kept a batch of records.".to_owned(),
        "ask" => "Asked you.".to_owned(),
        "answered" if text("interaction") == Some("expired") => "No answer came in time.".to_owned(),
        "answered" => "You answered.".to_owned(),
        "commit" => "Writing the result.".to_owned(),
        "wipe" => "Removing everything of this run.".to_owned(),
        "receipt" if is_verified(entry.note.as_ref()) => "Everything of this run is gone; a receipt says so.".to_owned(),
        "receipt" => "Not everything of this run is gone; the receipt says what is left.".to_owned(),
        "end" => "Ended.".to_owned(),
        "browser" => "The browser runs isolated from everything else.".to_owned(),
        "screens" => "What the provider's pages showed while signing in.".to_owned(),
        "identity_again" => "Read which account is signed in once more.".to_owned(),
        "browser_refused" => "The connector tried something in the browser that it may not.".to_owned(),
        "sandbox" => "The connector runs isolated from everything else.".to_owned(),
        "credential_delivered" => "The connector asked for the sign-in details and was given them.".to_owned(),
        "credential_update" => "The provider renewed the sign-in details; they were sealed.".to_owned(),
        "skip_result" => match text("stream") {
            Some(stream) => format!(
                "The connector left out \"{stream}\": {}",
                text("message").or(text("reason")).unwrap_or("no reason given")
            ),
            None => format!(
                "The connector left something out: {}",
                text("message").or(text("reason")).unwrap_or("no reason given")
            ),
        },
        "detail_gap" => "The connector could not fetch a detail.".to_owned(),
        "unknown_message" => {
            format!("The connector said something unknown ({}); it was passed over.", text("type").unwrap_or("?"))
        }
        other => other.replace('_', " "),
    };
    TimelineView { seq: entry.seq, at: entry.at, event: entry.event, sentence, note: entry.note }
}

fn is_verified(note: Option<&Value>) -> bool {
    note.and_then(|note| note.get("verified")) == Some(&Value::Bool(true))
}

fn records(count: u64) -> String {
    if count == 1 { "1 record".to_owned() } else { format!("{count} records") }
}
