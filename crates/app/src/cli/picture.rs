//! What the CLI reads of the API's answers, and how it words them.

use freehold_core::identity::IdentityState;
use freehold_core::interaction::{InteractionKind, InteractionState};
use freehold_core::reason::WaitReason;
use freehold_core::run::{Counts, Outcome, RunState};
use freehold_core::status::{Action, Status};
use freehold_core::{
    ConnectorName, CredentialMode, CredentialState, Identity, InteractionId, ReceiptId, RunId, SecretKind, SourceId,
    Timestamp,
};
use freehold_protocol::manifest::Field;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::terminal::{Cell, Tone};
use super::time;

/// A source.
#[derive(Deserialize)]
pub(crate) struct Source {
    pub(crate) id: SourceId,
    pub(crate) name: String,
    pub(crate) connector: ConnectorName,
    pub(crate) connector_display_name: String,
    pub(crate) mode: CredentialMode,
    #[serde(flatten)]
    pub(crate) status: Status,
    pub(crate) sentence: String,
    pub(crate) detail: Option<String>,
    pub(crate) action: Action,
    pub(crate) identity: IdentityState,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) settings: Map<String, Value>,
    pub(crate) streams: Vec<Stream>,
    pub(crate) interval_seconds: Option<u64>,
    pub(crate) next_due_at: Option<Timestamp>,
    pub(crate) last_success_at: Option<Timestamp>,
    pub(crate) current_run: Option<RunId>,
    pub(crate) last_run: Option<RunId>,
    pub(crate) interaction: Option<InteractionId>,
    pub(crate) notices: Vec<String>,
}

/// What was collected from a source that was removed.
#[derive(Deserialize)]
pub(crate) struct Collected {
    pub(crate) id: SourceId,
    pub(crate) name: String,
    pub(crate) connector_display_name: String,
    pub(crate) account: Option<String>,
    pub(crate) streams: Vec<Stream>,
}

impl Collected {
    /// Records of all its streams.
    pub(crate) fn records(&self) -> u64 {
        self.streams.iter().map(|stream| stream.count).sum()
    }
}

/// One kind of sign-in details.
#[derive(Deserialize)]
pub(crate) struct Credential {
    pub(crate) kind: SecretKind,
    #[serde(flatten)]
    pub(crate) state: CredentialState,
    pub(crate) version: Option<u32>,
    pub(crate) saved_at: Option<Timestamp>,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) consent: Option<String>,
    /// A backup of that instant was restored, and which codes were used since is not known.
    #[serde(default)]
    pub(crate) codes_in_doubt_since: Option<Timestamp>,
}

/// One stream of a source.
#[derive(Deserialize)]
pub(crate) struct Stream {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) count: u64,
    pub(crate) bytes: u64,
    pub(crate) file_bytes: Option<u64>,
    pub(crate) newest: Option<Timestamp>,
    pub(crate) left_out: bool,
}

/// A run.
#[derive(Deserialize)]
pub(crate) struct RunPicture {
    pub(crate) id: RunId,
    pub(crate) source: SourceId,
    pub(crate) source_name: String,
    pub(crate) run_state: RunState,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) sentence: String,
    pub(crate) detail: Option<String>,
    pub(crate) counts: Counts,
    pub(crate) progress: Option<Progress>,
    pub(crate) created_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) receipt: Option<ReceiptId>,
}

/// A connector's last word on its progress.
#[derive(Deserialize)]
pub(crate) struct Progress {
    pub(crate) message: String,
    pub(crate) count: Option<u64>,
    pub(crate) total: Option<u64>,
}

/// One entry of a timeline.
#[derive(Deserialize)]
pub(crate) struct Moment {
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
    pub(crate) sentence: String,
}

/// A question.
#[derive(Deserialize)]
pub(crate) struct Interaction {
    pub(crate) id: InteractionId,
    pub(crate) kind: InteractionKind,
    pub(crate) interaction_state: InteractionState,
    pub(crate) source_name: String,
    pub(crate) asked_by: String,
    pub(crate) message: String,
    pub(crate) form: Option<Form>,
    pub(crate) expected: Option<String>,
    pub(crate) seen: Option<Identity>,
    pub(crate) asked_at: Timestamp,
}

impl Interaction {
    /// Whether it is answered in the secure browser, or on another device while that shows the page.
    pub(crate) fn is_in_browser(&self) -> bool {
        matches!(self.kind, InteractionKind::SignIn | InteractionKind::Challenge | InteractionKind::Approval)
    }

    /// Where a person answers it.
    pub(crate) fn where_to(&self, console: &str) -> String {
        format!("{}\nOpen {console}interactions/{}", self.message, self.id)
    }
}

/// A connector.
#[derive(Deserialize)]
pub(crate) struct Connector {
    pub(crate) name: ConnectorName,
    pub(crate) display_name: String,
    pub(crate) description: String,
    pub(crate) version: String,
    pub(crate) bundled: bool,
    pub(crate) unavailable: Option<String>,
    pub(crate) modes: Vec<Mode>,
    pub(crate) captures: Vec<Capture>,
    pub(crate) settings: Form,
    pub(crate) shows_identity: bool,
}

/// A form, as its manifest or its connector describes it.
#[derive(Deserialize)]
pub(crate) struct Form {
    pub(crate) description: Option<String>,
    pub(crate) fields: Vec<Field>,
}

/// A way to sign in.
#[derive(Deserialize)]
pub(crate) struct Mode {
    pub(crate) mode: CredentialMode,
    pub(crate) label: String,
    pub(crate) trade_off: String,
}

/// A form for one kind of sign-in details.
#[derive(Deserialize)]
pub(crate) struct Capture {
    pub(crate) kind: SecretKind,
    pub(crate) form: Form,
    pub(crate) consent: String,
}

impl Capture {
    /// The field that a picture of a QR code may stand for.
    pub(crate) fn seed_field(&self) -> Option<&str> {
        let seed = self.form.fields.iter().find(|field| self.kind == SecretKind::OtpSeed && field.secret);
        seed.map(|field| field.name.as_str())
    }
}

impl Source {
    /// The status, as a word in its tone.
    pub(crate) fn status_cell(&self) -> Cell {
        let (word, tone) = match &self.status {
            Status::SettingUp => ("setting up", Tone::Attention),
            Status::Fresh => ("fresh", Tone::Good),
            Status::Due => ("due", Tone::Plain),
            Status::Running => ("running", Tone::Good),
            Status::NeedsOwner { .. } => ("needs you", Tone::Attention),
            Status::Waiting { .. } => ("waiting", Tone::Plain),
            Status::Broken { .. } => ("broken", Tone::Bad),
            Status::Paused => ("paused", Tone::Quiet),
        };
        Cell::new(word).tone(tone)
    }

    /// The account, as far as it is known.
    pub(crate) fn account(&self) -> String {
        match &self.identity {
            IdentityState::Unconfirmed => "not known yet".to_owned(),
            IdentityState::Proposed { identity } => format!("{} (not confirmed)", identity.display),
            IdentityState::Confirmed { identity } => identity.display.clone(),
            IdentityState::AcceptedUnverified => "not verified (you accepted that)".to_owned(),
        }
    }

    /// How many records there are.
    pub(crate) fn records(&self) -> u64 {
        self.streams.iter().map(|stream| stream.count).sum()
    }

    /// The command that does the one action, in the words to type; none if there is nothing to do.
    pub(crate) fn next_command(&self) -> Option<String> {
        let name = shell_word(&self.name);
        Some(match self.action {
            Action::None | Action::GoToProvider | Action::ChooseAnotherMode => return None,
            // For what is done in the secure browser, that prints where it is.
            Action::SignIn
            | Action::LookInSecureBrowser
            | Action::Answer
            | Action::CompareAccounts
            | Action::ReviewConnector => match self.interaction {
                Some(interaction) => format!("freehold answer {interaction}"),
                None => format!("freehold run {name}"),
            },
            Action::GiveSignInDetails if self.keeps_nothing() => format!("freehold run {name} --with-details"),
            Action::GiveSignInDetails => format!("freehold credential replace {name}"),
            Action::TrySavedDetailsOnce => format!("freehold credential try-again {name}"),
            Action::UnlockVault => "freehold vault unlock".to_owned(),
            Action::SeeVault => "freehold vault status".to_owned(),
            Action::Resume => format!("freehold source resume {name}"),
            Action::SeeWhatIsLeft => format!("freehold receipt {name}"),
            Action::SeeRun => match self.last_run {
                Some(run) => format!("freehold runs {run}"),
                None => format!("freehold runs {name}"),
            },
            Action::ContinueSetup | Action::CollectNow | Action::Watch | Action::TryAgain => format!("freehold run {name}"),
        })
    }
}

impl Source {
    /// Whether everything of its runs is wiped, and it is collected only when its owner signs in.
    pub(crate) fn keeps_nothing(&self) -> bool {
        self.mode == CredentialMode::EphemeralBrowser
    }

    /// Whether sign-in details are saved for it.
    pub(crate) fn has_details(&self) -> bool {
        self.credentials.iter().any(|credential| credential.version.is_some())
    }

    /// What it waits for by itself, and until when as far as that is known.
    pub(crate) fn waits_for(&self) -> Option<String> {
        let Status::Waiting { reason } = &self.status else { return None };
        let again = |retry_at: &Option<Timestamp>| {
            retry_at.map(|at| format!("; tries again {}", time::local(at))).unwrap_or_default()
        };
        Some(match reason {
            WaitReason::WaitingForUnlock => "the vault is locked".to_owned(),
            WaitReason::WaitingForBrowser { place } => format!("number {place} in the queue for a browser"),
            WaitReason::ProviderDown { retry_at } => format!("provider down{}", again(retry_at)),
            WaitReason::RateLimited { retry_at } => format!("provider asked to wait{}", again(retry_at)),
        })
    }
}

impl Credential {
    /// Since when it is not known which of its codes were used, if it is not.
    pub(crate) fn in_doubt(&self) -> String {
        let told = |at| format!("since the backup of {}; not used until `freehold credential trust-codes`", time::local(at));
        self.codes_in_doubt_since.map(told).unwrap_or_default()
    }

    /// What is known of it: never just "done".
    pub(crate) fn state_cell(&self) -> Cell {
        match self.state {
            CredentialState::None => Cell::new("nothing saved").tone(Tone::Quiet),
            CredentialState::Saved => Cell::new("saved, not tried yet"),
            CredentialState::Verifying => Cell::new("being verified"),
            CredentialState::Verified { when } => Cell::new(format!("verified {}", time::local(when))).tone(Tone::Good),
            CredentialState::Rejected { when } => {
                Cell::new(format!("rejected {}; it is not tried again", time::local(when))).tone(Tone::Bad)
            }
            CredentialState::Unknown { when } => {
                Cell::new(format!("cut off {} before the provider answered", time::local(when))).tone(Tone::Attention)
            }
        }
    }
}

impl RunPicture {
    /// How it ended or that it has not, as a word in its tone.
    pub(crate) fn outcome_cell(&self) -> Cell {
        let (word, tone) = match &self.outcome {
            None => (self.run_state.as_str().replace('_', " "), Tone::Plain),
            Some(outcome) => match outcome {
                Outcome::Succeeded => ("succeeded".to_owned(), Tone::Good),
                Outcome::NeedsOwner { .. } => ("needs you".to_owned(), Tone::Attention),
                Outcome::Failed { .. } => ("failed".to_owned(), Tone::Bad),
                Outcome::Cancelled { .. } => ("cancelled".to_owned(), Tone::Quiet),
                Outcome::Interrupted => ("interrupted".to_owned(), Tone::Attention),
            },
        };
        Cell::new(word).tone(tone)
    }

    /// What became of its records, in words; zero is said.
    pub(crate) fn counted(&self) -> String {
        let Counts { added, changed, unchanged, deleted, rejected, .. } = self.counts;
        let mut text = format!("{added} new, {changed} changed, {unchanged} the same");
        for (count, word) in [(deleted, "deleted"), (rejected, "rejected")] {
            if count > 0 {
                text.push_str(&format!(", {count} {word}"));
            }
        }
        text
    }
}

/// The name as it has to be typed in a shell.
pub(crate) fn shell_word(name: &str) -> String {
    let is_safe = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '/' | ':');
    if !name.is_empty() && name.chars().all(is_safe) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', "'\\''"))
    }
}
