//! What callers see: plain, serialisable pictures of the owner's things. No secret has a place in any of them (R12).

mod notification;
mod receipt;
mod record;
mod search;
mod stream;
mod vault;

use freehold_core::id::{SessionId, TokenId};
use freehold_core::identity::IdentityState;
use freehold_core::interaction::{InteractionKind, InteractionState};
use freehold_core::run::{Cause, Counts, Outcome, RunState};
use freehold_core::status::{Action, Status};
use freehold_core::{
    ConnectorName, CredentialMode, CredentialState, Identity, InteractionId, ReceiptId, RunId, SecretKind, SourceId,
    Timestamp,
};
use freehold_protocol::form::Form;
use serde::Serialize;
use serde_json::Value;

pub use notification::{ChannelKindView, ChannelView, DeliveryView, MessageView, NeedView, NotificationsView, TestView};
pub use receipt::ReceiptView;
pub use record::{CountView, CountsView, NeighbourView, NeighboursView, RecordTime};
pub use search::{HitView, SearchPage, SnippetPart};
pub use stream::{CollectedView, StreamContentView, StreamView};
pub use vault::{SlotView, VaultView};

/// How far the server itself is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SetupStage {
    /// No owner yet.
    Owner,
    /// The recovery key was shown, and not yet typed back.
    RecoveryKey,
    /// Done.
    Done,
}

/// A connector that can be chosen, or cannot, and why.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectorView {
    /// Its name.
    pub name: ConnectorName,
    /// The name a person reads.
    pub display_name: String,
    /// What it is, one or two sentences; may be empty.
    pub description: String,
    /// Its version.
    pub version: String,
    /// The digest of its folder.
    pub digest: String,
    /// Whether it comes with Freehold.
    pub bundled: bool,
    /// Why a source of it cannot be set up here, if so.
    pub unavailable: Option<String>,
    /// What it collects.
    pub streams: Vec<ConnectorStreamView>,
    /// The ways to sign in that can be chosen here.
    pub modes: Vec<ModeView>,
    /// Whether it can be collected without keeping anything. That is among `modes` only where it is proven.
    pub ephemeral: bool,
    /// The sign-in details it takes; none if it takes none. The first is asked for at setup, the rest may be added.
    pub captures: Vec<CaptureView>,
    /// Its settings.
    pub settings: Form,
    /// Whether it shows which account is signed in. If not, the owner has to accept that beforehand.
    pub shows_identity: bool,
    /// Whether its program is given the secret itself.
    pub receives_secret: bool,
    /// The hosts it says it reaches.
    pub hosts: Vec<String>,
    /// Seconds between runs it recommends.
    pub recommended_interval_seconds: Option<u64>,
}

/// One stream a connector collects.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectorStreamView {
    /// Its name.
    pub name: String,
    /// The name a person reads.
    pub label: String,
    /// What is in it.
    pub detail: String,
}

/// One way to sign in, with its trade-off.
#[derive(Clone, Debug, Serialize)]
pub struct ModeView {
    /// Which.
    pub mode: CredentialMode,
    /// The words of the choice.
    pub label: String,
    /// The trade-off, one sentence.
    pub trade_off: String,
}

/// One kind of sign-in details and its form.
#[derive(Clone, Debug, Serialize)]
pub struct CaptureView {
    /// Which kind.
    pub kind: SecretKind,
    /// Its form.
    pub form: Form,
    /// The words the owner agrees to, kept with the time.
    pub consent: String,
}

/// A browser profile at rest.
#[derive(Clone, Debug, Serialize)]
pub struct ProfileView {
    /// Its size, sealed.
    pub bytes: u64,
    /// When it was sealed.
    pub sealed_at: Timestamp,
}

/// A source.
#[derive(Clone, Debug, Serialize)]
pub struct SourceView {
    /// Its id.
    pub id: SourceId,
    /// The owner's name for it.
    pub name: String,
    /// Its connector.
    pub connector: ConnectorName,
    /// The connector's name as a person reads it.
    pub connector_display_name: String,
    /// How it signs in.
    pub mode: CredentialMode,
    /// Its browser profile, if it has one.
    pub profile: Option<ProfileView>,
    /// Its status.
    #[serde(flatten)]
    pub status: Status,
    /// One sentence on the status.
    pub sentence: String,
    /// What exactly the last run found, where the status follows from how it ended.
    pub detail: Option<String>,
    /// The one action.
    pub action: Action,
    /// The account it belongs to.
    pub identity: IdentityState,
    /// The account the owner named at setup.
    pub expected_account: Option<String>,
    /// Its sign-in details, kind by kind.
    pub credentials: Vec<CredentialView>,
    /// Non-secret settings.
    pub settings: serde_json::Map<String, Value>,
    /// Its streams.
    pub streams: Vec<StreamView>,
    /// Seconds between runs; none if it runs only when asked.
    pub interval_seconds: Option<u64>,
    /// When it is next due.
    pub next_due_at: Option<Timestamp>,
    /// When a run last succeeded.
    pub last_success_at: Option<Timestamp>,
    /// How many seconds ago that is.
    pub seconds_since_success: Option<u64>,
    /// The run under way.
    pub current_run: Option<RunId>,
    /// The last run that ended.
    pub last_run: Option<RunId>,
    /// The question open now.
    pub interaction: Option<InteractionId>,
    /// Things every page of the source says: the connector receives the secret, may reach any host, a reduced sandbox.
    pub notices: Vec<String>,
    /// Since when.
    pub created_at: Timestamp,
}

/// One kind of a source's sign-in details. Never the secret.
#[derive(Clone, Debug, Serialize)]
pub struct CredentialView {
    /// Which kind.
    pub kind: SecretKind,
    /// What is known of it.
    #[serde(flatten)]
    pub state: CredentialState,
    /// The version in use, or to be tried next.
    pub version: Option<u32>,
    /// Whether an older, verified version is kept until this one is verified.
    pub replaces: Option<u32>,
    /// When it was saved.
    pub saved_at: Option<Timestamp>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// How many codes are left, of a kind that holds many.
    pub codes_left: Option<u32>,
    /// Since when it is not known which codes were used: a backup that was made then was restored. None is used until the owner says
    /// that they were not.
    pub codes_in_doubt_since: Option<Timestamp>,
    /// The words the owner agreed to.
    pub consent: Option<String>,
}

/// A run.
#[derive(Clone, Debug, Serialize)]
pub struct RunView {
    /// Its id.
    pub id: RunId,
    /// Its source.
    pub source: SourceId,
    /// The source's name.
    pub source_name: String,
    /// Why it was started.
    pub cause: Cause,
    /// Where it stands.
    pub run_state: RunState,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// One sentence in the owner's words.
    pub sentence: String,
    /// What exactly went wrong.
    pub detail: Option<String>,
    /// Counts, while it runs too.
    pub counts: Counts,
    /// The connector's last word on its progress.
    pub progress: Option<ProgressView>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The receipt of its wipe, if it was one in the ephemeral mode.
    pub receipt: Option<ReceiptId>,
}

/// Progress as a connector tells it.
#[derive(Clone, Debug, Serialize)]
pub struct ProgressView {
    /// Its words.
    pub message: String,
    /// How many.
    pub count: Option<u64>,
    /// Of how many.
    pub total: Option<u64>,
}

/// One entry of a run's timeline.
#[derive(Clone, Debug, Serialize)]
pub struct TimelineView {
    /// Its place.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What happened, by its stable name.
    pub event: String,
    /// One sentence in the owner's words.
    pub sentence: String,
    /// Details for those who want them.
    pub note: Option<Value>,
}

/// A record a run's connector emitted that was not stored.
#[derive(Clone, Debug, Serialize)]
pub struct RejectedView {
    /// Its place.
    pub seq: u64,
    /// The stream it named.
    pub stream: String,
    /// Its key, as far as readable.
    pub key: String,
    /// Why: a stable name.
    pub reason: String,
    /// Why: a sentence.
    pub detail: String,
    /// The data as emitted.
    pub data: String,
}

/// A question to the owner.
#[derive(Clone, Debug, Serialize)]
pub struct InteractionView {
    /// Its id.
    pub id: InteractionId,
    /// What is asked for.
    pub kind: InteractionKind,
    /// Where it stands.
    pub interaction_state: InteractionState,
    /// For which source.
    pub source: SourceId,
    /// The source's name.
    pub source_name: String,
    /// Who asks: the connector's name as a person reads it.
    pub asked_by: String,
    /// The run that waits for it, if one does.
    pub run: Option<RunId>,
    /// The words of who asks.
    pub message: String,
    /// The form to fill in, for a code or sign-in details.
    pub form: Option<Form>,
    /// The account the owner confirmed, or named at setup.
    pub expected: Option<String>,
    /// The account that was seen.
    pub seen: Option<Identity>,
    /// Whether the run's secure browser is open for it now.
    pub secure_browser: bool,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// When it lapses.
    pub deadline: Option<Timestamp>,
}

/// One record in a list.
#[derive(Clone, Debug, Serialize)]
pub struct RecordView {
    /// Its key.
    pub key: String,
    /// A line that says what it is.
    pub title: String,
    /// Its own time.
    pub emitted_at: Timestamp,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// How many values it has had.
    pub versions: u32,
    /// Its data.
    pub data: Value,
}

/// A page of records, newest first.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RecordPage {
    /// The records.
    pub records: Vec<RecordView>,
    /// Pass this as `before` for the next page; none at the end.
    pub next: Option<String>,
    /// How many there are that fit the query.
    pub total: u64,
    /// About how many records, of all sources, cannot be found by their text yet. Not counted where none is asked for.
    pub waiting: u64,
}

/// One value a record has had.
#[derive(Clone, Debug, Serialize)]
pub struct VersionView {
    /// When it was seen.
    pub seen_at: Timestamp,
    /// By which run.
    pub run: RunId,
    /// The value; none if it was deleted then.
    pub data: Option<Value>,
}

/// A file that belongs to a record.
#[derive(Clone, Debug, Serialize)]
pub struct BlobView {
    /// SHA-256 of its content, in hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// As the connector said; to be shown, never trusted.
    pub media_type: String,
    /// As the connector said.
    pub filename: String,
    /// Where it is.
    #[serde(skip)]
    pub path: std::path::PathBuf,
}

/// A console session.
#[derive(Clone, Debug, Serialize)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_seen_at: Timestamp,
    /// Until when the owner need not give the passphrase again.
    pub reauthenticated_until: Option<Timestamp>,
    /// The browser, in words: `Firefox on Linux`.
    pub browser: String,
    /// The same in its own words.
    pub user_agent: String,
    /// The address it was begun from, where that was known: the browser's own, or what a trusted proxy said.
    pub address: Option<String>,
}

/// An API token. Never the token.
#[derive(Clone, Debug, Serialize)]
pub struct TokenView {
    /// Its id.
    pub id: TokenId,
    /// The owner's name for it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<super::Permission>,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// One entry of the audit log.
#[derive(Clone, Debug, Serialize)]
pub struct AuditView {
    /// Its place in the chain.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who, as the log names them.
    pub actor: String,
    /// The same in words.
    pub who: &'static str,
    /// What, by its stable name.
    pub action: String,
    /// The same in one sentence.
    pub sentence: String,
    /// Of what, as the log names it.
    pub subject: String,
    /// The same in words: the name of a source or token, where it has one.
    pub about: String,
    /// The rest.
    pub detail: Value,
    /// Its hash, in hex.
    pub hash: String,
}

/// What checking the audit chain found.
#[derive(Clone, Debug, Serialize)]
pub struct AuditCheck {
    /// Whether the chain holds.
    pub intact: bool,
    /// Entries read.
    pub entries: u64,
    /// One sentence.
    pub sentence: String,
    /// The first entry that does not fit.
    pub broken_at: Option<u64>,
}

/// Numbers for the metrics page.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Numbers {
    /// Sources by status name.
    pub sources: std::collections::BTreeMap<String, u64>,
    /// Runs ended since the start, by outcome name.
    pub runs_ended: std::collections::BTreeMap<String, u64>,
    /// Runs under way.
    pub runs_active: u64,
    /// Records durable since the start.
    pub records_ingested: u64,
    /// Records rejected since the start.
    pub records_rejected: u64,
    /// Attempts by how they ended, since the start.
    pub attempts: std::collections::BTreeMap<String, u64>,
    /// Interactions open now.
    pub interactions_open: u64,
    /// 1 if the vault is unlocked.
    pub vault_unlocked: u64,
}
