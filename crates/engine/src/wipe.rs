//! The wipe of an ephemeral run (R10): everything of it is removed, and it is looked whether it is gone. It comes at every end of such a
//! run, and at the next start where the server died first; the receipt says what was found, and what is left.

mod leaving;
mod medium;
mod remains;
mod removal;

use std::path::Path;
use std::time::{Duration, Instant};

use freehold_core::reason::OwnerReason;
use freehold_core::receipt::{Holdings, Receipt, ReceiptKind, SignedOut, WIPE_FORMAT};
use freehold_core::run::{Outcome, RunEvent};
use freehold_core::{CredentialMode, Problem, ReceiptId, RunId};
use freehold_store::{RunRow, SourceRow, UnwipedRun};
use freehold_vault::KeyPurpose;

use crate::audit::Action;
use crate::event::Event;
use crate::problem::{from_store, not_found};
use crate::server::Inner;
use remains::Remains;

pub(crate) use leaving::LEAVING;
pub(crate) use remains::processes_at;
pub(crate) use removal::Kept;

/// How often it is removed and looked again, and how long that may go on: the kernel ends a killed process a little later.
const TRIES: u32 = 50;
pub(crate) const LIMIT: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(50);

impl Inner {
    /// Ends a run in the ephemeral mode by its wipe. Returns what is left, if that is anything.
    pub(crate) fn wipe_at_end(&self, run: &RunRow, outcome: &Outcome) -> Result<Option<Vec<String>>, Problem> {
        let unwiped = self.data.unwiped_runs().map_err(from_store)?;
        let Some(unwiped) = unwiped.into_iter().find(|unwiped| unwiped.run == run.id) else {
            self.let_go(run.id);
            return Ok(None);
        };
        if outcome.is_success() {
            self.data.transition(run.id, RunEvent::Commit, None).map_err(from_store)?;
        }
        self.data.transition(run.id, RunEvent::Wipe { outcome: outcome.clone() }, None).map_err(from_store)?;
        self.tell(Event::Run { run: run.id, source: run.source });
        let receipt = self.keep_receipt(self.wipe(&unwiped, LIMIT)?)?;
        Ok(Some(receipt.left).filter(|left| !left.is_empty()))
    }

    /// Wipes what runs left that ended without a verified receipt, trying for so long with each, and removes what no run owns. Of one that
    /// was looked at before a receipt is kept only once nothing is left.
    pub(crate) fn sweep(&self, limit: Duration) -> Result<(), Problem> {
        for unwiped in self.data.unwiped_runs().map_err(from_store)? {
            if self.mailbox(unwiped.run).is_some() {
                continue;
            }
            let receipt = self.wipe(&unwiped, limit)?;
            let known = self.data.receipt_of(unwiped.run).map_err(from_store)?.is_some();
            if receipt.is_verified() || !known {
                self.keep_receipt(receipt)?;
                self.tell(Event::Source { source: unwiped.source });
            }
        }
        self.remove_orphans();
        self.remove_orphan_profiles()
    }

    /// Wipes a run that is over once more; the receipt is kept whatever is left.
    pub(crate) fn wipe_now(&self, run: RunId) -> Result<Receipt, Problem> {
        let unwiped = self.data.unwiped_runs().map_err(from_store)?;
        let unwiped = unwiped.into_iter().find(|unwiped| unwiped.run == run).ok_or_else(|| not_found("run to be wiped"))?;
        self.keep_receipt(self.wipe(&unwiped, LIMIT)?)
    }

    /// Tells of it in the audit chain, and keeps it.
    fn keep_receipt(&self, mut receipt: Receipt) -> Result<Receipt, Problem> {
        let subject = receipt.run.map(|run| run.to_string()).unwrap_or_default();
        let (id, source) = (receipt.id.to_string(), receipt.source.to_string());
        let left = receipt.left.len().to_string();
        receipt.audit =
            self.record_as("freehold", Action::Wipe, &subject, &[("receipt", &id), ("source", &source), ("left", &left)])?;
        self.data.put_receipt(receipt.clone()).map_err(from_store)?;
        Ok(receipt)
    }

    /// Removes, looks, and tries again until nothing is left or the time is up. Nobody was told of what comes of it yet.
    fn wipe(&self, unwiped: &UnwipedRun, limit: Duration) -> Result<Receipt, Problem> {
        let source = self.any_source_row(unwiped.source)?;
        let mut secrets: Vec<String> =
            self.given_kinds(unwiped.run).into_iter().map(|kind| kind.as_str().to_owned()).collect();
        let may_swap = self.given_may_swap(unwiped.run);
        let (files, bytes) = remains::count(&unwiped.directory);
        let at_work = processes_at(&unwiped.directory).len() as u64;
        let memory = self.let_go(unwiped.run);
        let mut tries = 0;
        let until = Instant::now() + limit;
        let remains = loop {
            tries += 1;
            let removed = std::fs::remove_dir_all(&unwiped.directory);
            let remains = self.remains(&source, unwiped, removed.err().as_ref())?;
            if remains.left.is_empty() || tries >= TRIES || Instant::now() >= until {
                break remains;
            }
            std::thread::park_timeout(PAUSE);
        };
        let signed_out = memory.signed_out.unwrap_or(SignedOut::NoBrowser);
        secrets.sort();
        let Remains { left, looked_at } = remains;
        Ok(Receipt {
            id: ReceiptId::new(&*self.clock, &*self.rng),
            kind: ReceiptKind::Wipe,
            format: WIPE_FORMAT,
            source: source.id,
            source_name: source.name.clone(),
            connector: source.connector.clone(),
            connector_digest: source.connector_digest.clone(),
            run: Some(unwiped.run),
            at: self.now(),
            found: Holdings { files, bytes, processes: memory.processes.max(at_work), secrets },
            signed_out,
            tries,
            looked_at,
            left,
            cannot_show: self.cannot_show(&unwiped.directory, signed_out, may_swap),
            audit: String::new(),
        })
    }

    fn cannot_show(&self, directory: &Path, signed_out: SignedOut, may_swap: bool) -> Vec<String> {
        let session = session_may_go_on(signed_out);
        session.map(str::to_owned).into_iter().chain(medium::cannot_show(directory, may_swap)).collect()
    }

    /// Removes directories that belong to no run that is under way or to be wiped.
    fn remove_orphans(&self) {
        let folder = self.config.scratch.join(crate::run::directory::FOLDER);
        let known: Vec<_> = self.active_run_ids().into_iter().map(|run| self.run_directory(run)).collect();
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if known.contains(&path) {
                continue;
            }
            tracing::warn!(dir = %path.display(), "a directory that no run owns is removed");
            if let Err(error) = std::fs::remove_dir_all(&path) {
                tracing::warn!(dir = %path.display(), %error, "it could not be removed");
            }
        }
    }

    /// Removes sealed profiles whose key is gone: nobody can open them, and nobody would miss them.
    fn remove_orphan_profiles(&self) -> Result<(), Problem> {
        for (source, path) in self.sealed_profiles() {
            if self.vault_db.source_keys(source, KeyPurpose::Profile.as_str()).map_err(from_store)?.is_empty() {
                tracing::warn!(file = %path.display(), "a sealed profile without a key is removed");
                if let Err(error) = std::fs::remove_file(&path) {
                    tracing::warn!(file = %path.display(), %error, "it could not be removed");
                }
            }
        }
        Ok(())
    }

    /// Why a source may not run before its owner has seen what is left; none if nothing is.
    pub(crate) fn unwiped_of(&self, source: &SourceRow) -> Result<Option<RunId>, Problem> {
        let unwiped = self.data.unwiped_runs().map_err(from_store)?;
        Ok(unwiped.into_iter().find(|unwiped| unwiped.source == source.id && unwiped.ended).map(|unwiped| unwiped.run))
    }
}

/// What is said of the provider's own session where it may not have ended.
fn session_may_go_on(signed_out: SignedOut) -> Option<&'static str> {
    match signed_out {
        SignedOut::Yes | SignedOut::NotSignedIn => None,
        SignedOut::NotSeen => {
            Some("The provider's page did not say that it signed out; its own session may go on for a while.")
        }
        SignedOut::NoBrowser => {
            Some("There was no browser left to sign out with; the provider's own session may go on for a while.")
        }
        SignedOut::NotDescribed => {
            Some("The connector does not say how to sign out; the provider's own session may go on for a while.")
        }
    }
}

/// The reason and the words of a run whose wipe left something.
pub(crate) fn unverified(left: &[String]) -> (OwnerReason, String) {
    (OwnerReason::WipeUnverified, format!("Not everything of this run is gone: {}.", left.join("; ")))
}

/// Whether sources in this mode keep nothing between runs.
pub(crate) fn keeps_nothing(mode: CredentialMode) -> bool {
    mode == CredentialMode::EphemeralBrowser
}
