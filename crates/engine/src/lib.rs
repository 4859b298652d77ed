//! The use cases of Freehold: set up a source, run it, answer an interaction, keep and forget sign-in details, schedule.
//!
//! Everything here blocks: a run is one thread with one mailbox, and callers come from threads of their own. Each entry that
//! changes something takes the [`Caller`] and checks what it may do before doing anything, so no door of the server can forget to.

pub mod caller;
pub mod live;
pub mod view;

mod audit;
mod backup;
mod browsers;
mod catalog;
mod counters;
mod credential;
mod days;
mod ephemeral;
mod event;
mod export;
mod interaction;
mod notification;
mod over_time;
mod owner;
mod picture;
mod problem;
mod profile;
mod proof;
mod proving;
mod receipt;
mod record;
mod redact;
mod removed;
mod run;
mod schedule;
mod search;
mod seed_picture;
mod sentence;
mod server;
mod session;
mod slots;
mod source;
mod stream;
mod throttle;
mod upkeep;
mod user_agent;
mod vault;
mod wipe;

pub use backup::{
    Asks, BackupCause, BackupOutcome, BackupPlan, BackupProgress, BackupView, BackupsView, Every, KeyFile, NotedConnector,
    RestoreKey, Restored, check_backup, restore, what_opens,
};
pub use caller::{Caller, Permission};
pub use days::Days;
pub use event::Event;
pub use export::{Export, ExportFormat};
pub use freehold_browser::{Installed, StandIn, Windows};
pub use freehold_notify::ChannelKind;
pub use freehold_protocol::form::Form;
pub use freehold_protocol::manifest::{Field, FieldOption, FieldType};
pub use interaction::Answer;
pub use notification::QuietHours;
pub use over_time::TimeUnit;
pub use owner::{NewOwner, ShownOnce};
pub use proof::{Proof, Subject};
pub use proving::{PROOF_FOLDER, ProofView, Prover, ProvingView, Shown, ToProve};
pub use record::{RecordFilter, RecordQuery};
pub use search::SearchQuery;
pub use seed_picture::{MOST_PICTURE_BYTES, is_picture, seed_in_picture};
pub use server::{BundledConnector, Engine, EngineConfig, RunLimits};
pub use session::NewSession;
pub use source::{NewSource, SourceChange};
pub use vault::UnlockWith;
