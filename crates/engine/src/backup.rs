//! Backups: everything of the owner's in one sealed file, made while the server runs.
//!
//! The databases are copied as they are at one instant and the files they speak of are read where they lie, so that runs go on
//! meanwhile; what comes later is in the next backup. The file is written beside its place, read back whole, and named only then.

mod archive;
mod file;
mod making;
mod plan;
mod restore;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use freehold_core::{BackupId, Problem, ProblemCode, Timestamp};
use freehold_vault::{HumanSlot, SlotKind};
use serde::{Deserialize, Serialize};

use crate::audit::Action;
use crate::caller::{Caller, Permission};
use crate::event::Event;
use crate::problem::{from_store, not_found};
use crate::server::{Engine, Inner, lock};

pub use archive::NotedConnector;
pub use plan::{BackupPlan, Every};
pub use restore::{Asks, KeyFile, RestoreKey, Restored, check_backup, restore, what_opens};

use making::Making;

/// Of the data directory: backups that were not given a folder of their own.
const FOLDER: &str = "backups";
/// Of the data directory: the databases' copies, while a backup is made.
const COPY: &str = "backup.part";
/// How many of those without a plan are kept.
const KEPT_WITHOUT_A_PLAN: usize = 1;
/// How many are remembered.
const REMEMBERED: usize = 30;

/// Where plan and history are kept.
const PLAN: &str = "backup_plan";
const HISTORY: &str = "backups";

/// Why a backup was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupCause {
    /// The owner asked.
    Owner,
    /// It was time.
    Schedule,
}

/// How one ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum BackupOutcome {
    /// It was made and read back.
    Made {
        /// Where it is.
        path: PathBuf,
        /// Bytes.
        size: u64,
        /// Files of records in it.
        files: u64,
        /// Files of records that are damaged or not there any more, and so are not whole in it.
        damaged: u64,
    },
    /// It was not.
    Failed {
        /// Why, and what to do.
        problem: Problem,
    },
}

/// One that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupView {
    /// Its id.
    pub id: BackupId,
    /// Why it was made.
    pub cause: BackupCause,
    /// What instant it is of.
    pub made_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: BackupOutcome,
    /// Whether its file is where it was written.
    #[serde(default)]
    pub is_there: bool,
}

/// One under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BackupProgress {
    /// Its id.
    pub id: BackupId,
    /// What is being done, as words.
    pub stage: &'static str,
    /// Bytes done.
    pub done: u64,
    /// Of how many.
    pub all: u64,
}

/// Everything about backups.
#[derive(Clone, Debug, Serialize)]
pub struct BackupsView {
    /// When they are made by themselves.
    pub plan: Option<BackupPlan>,
    /// When the next one is.
    pub next_due_at: Option<Timestamp>,
    /// The one under way.
    pub under_way: Option<BackupProgress>,
    /// Those that ended, newest first.
    pub backups: Vec<BackupView>,
    /// This machine's zone, for a plan that is to be made.
    pub zone: String,
    /// What opens them: `recovery_key`, `passphrase`.
    pub opened_by: Vec<String>,
}

impl BackupsView {
    /// Why the last one is none, if it failed.
    pub fn failing(&self) -> Option<&Problem> {
        match &self.backups.first()?.outcome {
            BackupOutcome::Failed { problem } => Some(problem),
            BackupOutcome::Made { .. } => None,
        }
    }
}

/// A plan and when it is next followed.
#[derive(Serialize, Deserialize)]
struct Planned {
    plan: BackupPlan,
    next_due_at: Timestamp,
}

/// The one under way, if any.
#[derive(Default)]
pub(crate) struct Backups(Mutex<Option<BackupProgress>>);

impl Engine {
    /// When backups are made, the one under way, and those that ended.
    pub fn backups(&self, caller: &Caller) -> Result<BackupsView, Problem> {
        caller.must(Permission::Read)?;
        let inner = &self.0;
        let planned = inner.planned()?;
        let mut backups = inner.made_backups()?;
        for backup in &mut backups {
            backup.is_there = matches!(&backup.outcome, BackupOutcome::Made { path, .. } if path.is_file());
        }
        Ok(BackupsView {
            next_due_at: planned.as_ref().map(|planned| planned.next_due_at),
            plan: planned.map(|planned| planned.plan),
            under_way: lock(&inner.backups.0).clone(),
            backups,
            zone: plan::zone_of_this_machine(),
            opened_by: inner.human_slots()?.iter().map(|slot| slot.kind().as_str().to_owned()).collect(),
        })
    }

    /// Begins a backup, into the plan's folder or else the data directory's own. A conflict while one is under way; the vault has to be
    /// open, since it seals it.
    pub fn back_up(&self, caller: &Caller) -> Result<BackupProgress, Problem> {
        caller.must(Permission::Reauthenticated)?;
        self.0.begin_backup(BackupCause::Owner, &caller.actor())
    }

    /// Makes backups by the clock, or not any more.
    pub fn set_backup_plan(&self, caller: &Caller, plan: Option<BackupPlan>) -> Result<BackupsView, Problem> {
        caller.must(Permission::Reauthenticated)?;
        let inner = &self.0;
        let planned = match plan {
            None => serde_json::Value::Null,
            Some(plan) => {
                plan.check()?;
                file::check_folder(&plan.folder, &inner.config.data_dir)?;
                let next_due_at = plan.next_after(inner.now())?;
                serde_json::to_value(Planned { plan, next_due_at }).unwrap_or_default()
            }
        };
        let detail = if planned.is_null() { "off" } else { "on" };
        inner.record(&caller.actor(), Action::BackupPlan, "backups", &[("plan", detail)])?;
        inner.data.set_setting(PLAN, planned).map_err(from_store)?;
        inner.wake.now();
        inner.tell(Event::Backup);
        self.backups(caller)
    }

    /// The file of one, to be handed to the owner: where it is and its size.
    pub fn backup_file(&self, caller: &Caller, id: BackupId) -> Result<(PathBuf, u64), Problem> {
        caller.must(Permission::Reauthenticated)?;
        let backups = self.0.made_backups()?;
        let backup = backups.into_iter().find(|backup| backup.id == id).ok_or_else(|| not_found("backup"))?;
        let BackupOutcome::Made { path, size, .. } = backup.outcome else { return Err(not_found("backup")) };
        if !path.is_file() {
            return Err(Problem::new(
                ProblemCode::NotFound,
                "The file of this backup is not where it was written.",
                "Look where it was moved to, or make a new one.",
            ));
        }
        self.0.record(&caller.actor(), Action::BackupDownload, &id.to_string(), &[])?;
        Ok((path, size))
    }
}

impl Inner {
    /// Removes what a backup left that was cut off.
    pub(crate) fn clear_unfinished_backups(&self) {
        let planned = self.planned().ok().flatten().map(|planned| planned.plan.folder);
        file::remove_unfinished(&self.config.data_dir.join(FOLDER));
        planned.iter().for_each(|folder| file::remove_unfinished(folder));
        if let Err(error) = std::fs::remove_dir_all(self.config.data_dir.join(COPY))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "a copy of the databases that a backup left could not be removed");
        }
    }

    /// Begins the backup that is due, if one is and the vault is open; says when the next one is. While the vault is locked it stays
    /// due: unlocking wakes the scheduler.
    pub(crate) fn look_for_a_due_backup(self: &Arc<Self>) -> Option<Timestamp> {
        let planned = self.planned().ok().flatten()?;
        if planned.next_due_at > self.now() {
            return Some(planned.next_due_at);
        }
        self.door.vault().ok()?;
        // Before it is begun: one that brings the server down must not do so at every start.
        let next_due_at = planned.plan.next_after(self.now()).ok()?;
        let moved = serde_json::to_value(Planned { plan: planned.plan, next_due_at }).ok()?;
        self.data.set_setting(PLAN, moved).ok()?;
        match self.begin_backup(BackupCause::Schedule, "freehold") {
            Ok(_) => {}
            // The owner's own is as good.
            Err(problem) if problem.code == ProblemCode::Conflict => {}
            Err(problem) => tracing::error!(%problem, "a backup that was due could not be begun"),
        }
        Some(next_due_at)
    }

    fn begin_backup(self: &Arc<Self>, cause: BackupCause, actor: &str) -> Result<BackupProgress, Problem> {
        let vault = self.door.vault()?;
        let id = BackupId::new(&*self.clock, &*self.rng);
        let mut under_way = lock(&self.backups.0);
        if under_way.is_some() {
            return Err(Problem::new(ProblemCode::Conflict, "A backup is being made now.", "Wait until it is done."));
        }
        self.record(actor, Action::BackupBegin, &id.to_string(), &[])?;
        let progress = BackupProgress { id, stage: "Copying the databases", done: 0, all: 0 };
        *under_way = Some(progress.clone());
        drop(under_way);
        self.tell(Event::Backup);
        let inner = Arc::clone(self);
        self.spawn("backup", move || {
            let made_at = inner.now();
            let outcome = match Making::new(&inner, vault, id, made_at).and_then(Making::make) {
                Ok(made) => made,
                Err(problem) => BackupOutcome::Failed { problem },
            };
            inner.end_backup(BackupView { id, cause, made_at, ended_at: inner.now(), outcome, is_there: true });
        });
        Ok(progress)
    }

    fn end_backup(&self, backup: BackupView) {
        let (id, how) = match &backup.outcome {
            BackupOutcome::Made { size, .. } => (backup.id.to_string(), size.to_string()),
            BackupOutcome::Failed { problem } => {
                tracing::error!(backup = %backup.id, %problem, "a backup failed");
                (backup.id.to_string(), problem.code.as_str().to_owned())
            }
        };
        let action =
            if matches!(backup.outcome, BackupOutcome::Made { .. }) { Action::BackupMade } else { Action::BackupFailed };
        let told = self.record("freehold", action, &id, &[("of", &how)]).and_then(|()| {
            let mut backups = self.made_backups()?;
            backups.insert(0, backup);
            self.forget_old(&mut backups)?;
            let kept = serde_json::to_value(backups).unwrap_or_default();
            self.data.set_setting(HISTORY, kept).map_err(from_store)
        });
        if let Err(problem) = told {
            tracing::error!(%problem, "how a backup ended could not be written down");
        }
        *lock(&self.backups.0) = None;
        self.tell(Event::Backup);
    }

    /// Removes the files of backups that are not to be kept any more, each in its own folder, and forgets the oldest.
    fn forget_old(&self, backups: &mut Vec<BackupView>) -> Result<(), Problem> {
        let planned = self.planned()?;
        let own = self.config.data_dir.join(FOLDER);
        let keep = planned.as_ref().map(|planned| planned.plan.keep as usize);
        let folder = planned.map_or_else(|| own.clone(), |planned| planned.plan.folder);
        for (folder, keep) in [(&folder, keep.unwrap_or(KEPT_WITHOUT_A_PLAN)), (&own, KEPT_WITHOUT_A_PLAN)] {
            let made = |backup: &&BackupView| match &backup.outcome {
                BackupOutcome::Made { path, .. } => path.parent() == Some(folder),
                BackupOutcome::Failed { .. } => false,
            };
            for backup in backups.iter().filter(made).skip(keep) {
                let BackupOutcome::Made { path, .. } = &backup.outcome else { continue };
                match std::fs::remove_file(path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        tracing::warn!(%error, file = %path.display(), "an old backup could not be removed");
                    }
                    _ => {}
                }
            }
        }
        // Those whose file is kept are remembered, however many failed since.
        let mut failed = 0;
        backups.retain(|backup| match &backup.outcome {
            BackupOutcome::Made { path, .. } => path.is_file(),
            BackupOutcome::Failed { .. } => {
                failed += 1;
                failed <= REMEMBERED
            }
        });
        Ok(())
    }

    fn backup_folder(&self) -> Result<PathBuf, Problem> {
        let planned = self.planned()?;
        Ok(planned.map_or_else(|| self.config.data_dir.join(FOLDER), |planned| planned.plan.folder))
    }

    fn planned(&self) -> Result<Option<Planned>, Problem> {
        let planned = self.data.setting(PLAN).map_err(from_store)?;
        Ok(planned.and_then(|planned| serde_json::from_value(planned).ok()))
    }

    fn made_backups(&self) -> Result<Vec<BackupView>, Problem> {
        let made = self.data.setting(HISTORY).map_err(from_store)?;
        Ok(made.and_then(|made| serde_json::from_value(made).ok()).unwrap_or_default())
    }

    /// The slots that a person is known to hold.
    fn human_slots(&self) -> Result<Vec<HumanSlot>, Problem> {
        let slots = self.vault_db.slots().map_err(from_store)?.into_iter().filter(|slot| slot.confirmed);
        Ok(slots.filter_map(|slot| HumanSlot::new(SlotKind::parse(&slot.kind)?, slot.wrapped)).collect())
    }

    /// Says how far the one under way is.
    fn backup_is_at(&self, stage: &'static str, done: u64, all: u64) {
        if let Some(progress) = &mut *lock(&self.backups.0) {
            *progress = BackupProgress { stage, done, all, ..progress.clone() };
        }
        self.tell(Event::Backup);
    }

    fn backup_copy(&self) -> PathBuf {
        self.config.data_dir.join(COPY)
    }
}

/// What a backup of that instant is called.
fn file_name(made_at: Timestamp) -> String {
    format!("freehold-{}.backup", made_at.strftime("%Y-%m-%d-%H%M%S"))
}

/// A problem of a file that is read or written.
fn file_problem(operation: &str, path: &Path, error: &std::io::Error) -> Problem {
    use std::io::ErrorKind;
    let problem = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Problem::new(
            ProblemCode::StorageFull,
            format!("The disk is full: {operation} was given up, and what was written of it is removed."),
            "Free some space there, or choose a folder on another disk.",
        ),
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof => Problem::new(
            ProblemCode::BadInput,
            "This backup is damaged or was cut off.",
            "Use another backup, or get this file again from where it was copied.",
        ),
        ErrorKind::NotFound => Problem::new(
            ProblemCode::StorageFailed,
            format!("{operation} failed: there is no such file or folder."),
            "Check its name, and that its disk is mounted.",
        ),
        _ => Problem::new(
            ProblemCode::StorageFailed,
            format!("{operation} failed: {error}."),
            "Check that the folder is there, and that Freehold's user may use it.",
        ),
    };
    problem.at(path.display().to_string())
}
