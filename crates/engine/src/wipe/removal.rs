//! Destroying what is kept of a source between runs, by the same machinery as the wipe: what there was, that it is gone, and a receipt.

use std::time::{Duration, Instant};

use freehold_core::receipt::{Holdings, Looked, Receipt, ReceiptKind, SignedOut, WIPE_FORMAT};
use freehold_core::run::CancelledBy;
use freehold_core::{Problem, ProblemCode, ReceiptId};
use freehold_store::SourceRow;
use freehold_vault::KeyPurpose;

use super::{medium, session_may_go_on};
use crate::audit::Action;
use crate::caller::Caller;
use crate::problem::from_store;
use crate::server::Inner;

/// How long a run that is called off may take to end.
const LAST_RUN: Duration = Duration::from_secs(12);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What is destroyed.
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    /// The saved sign-in details and their key.
    pub(crate) secrets: bool,
    /// The browser profile and its key.
    pub(crate) profile: bool,
}

impl Inner {
    /// Destroys it and keeps the receipt. `signed_out` is how the provider was left.
    pub(crate) fn destroy(
        &self,
        caller: &Caller,
        source: &SourceRow,
        kind: ReceiptKind,
        kept: Kept,
        signed_out: SignedOut,
    ) -> Result<Receipt, Problem> {
        let found = self.holdings(source, kept)?;
        if kept.secrets {
            self.forget(caller, source)?;
        }
        if kept.profile {
            self.destroy_profile(caller, source.id)?;
        }
        let after = self.holdings(source, kept)?;
        let mut left: Vec<String> = after.secrets.iter().map(|kind| format!("{kind}, in vault.db")).collect();
        if after.files > 0 {
            left.push(format!("{} files of the browser profile", after.files));
        }
        let looked = |surface: &str, items| Looked { surface: surface.to_owned(), items, unreadable: 0 };
        let mut looked_at = vec![looked("secrets", 1 + u64::from(kept.secrets) + u64::from(kept.profile))];
        if kept.profile {
            looked_at.push(looked("profiles", self.profile_files(source.id).len() as u64));
        }
        let mut cannot_show: Vec<String> = session_may_go_on(signed_out).map(str::to_owned).into_iter().collect();
        cannot_show.extend(medium::cannot_show(&self.config.data_dir, false).into_iter().map(|said| {
            // What was sealed is unreadable without its key, on whatever it lay.
            said.replace("The scratch directory is on a disk", "The data directory is on a disk")
        }));
        let id = ReceiptId::new(&*self.clock, &*self.rng);
        let detail = [("receipt", &*id.to_string()), ("kind", kind.as_str()), ("left", &*left.len().to_string())];
        let audit = self.record_as(&caller.actor(), Action::Receipt, &source.id.to_string(), &detail)?;
        let receipt = Receipt {
            id,
            kind,
            format: WIPE_FORMAT,
            source: source.id,
            source_name: source.name.clone(),
            connector: source.connector.clone(),
            connector_digest: source.connector_digest.clone(),
            run: None,
            at: self.now(),
            found,
            signed_out,
            tries: 1,
            looked_at,
            left,
            cannot_show,
            audit,
        };
        self.data.put_receipt(receipt.clone()).map_err(from_store)?;
        Ok(receipt)
    }

    /// Calls a source's run off and waits until it is over: what it has open is its own until then.
    pub(crate) fn end_run_of(&self, source: &SourceRow) -> Result<(), Problem> {
        self.stop_run_of(source.id, CancelledBy::Owner)?;
        let until = Instant::now() + LAST_RUN;
        while self.data.unfinished_run_of(source.id).map_err(from_store)?.is_some() {
            if Instant::now() >= until {
                let what = "The source's run was called off and does not end.";
                return Err(Problem::new(ProblemCode::SourceBusy, what, "Try again in a minute; nothing was destroyed."));
            }
            std::thread::park_timeout(LOOK_EVERY);
        }
        Ok(())
    }

    fn holdings(&self, source: &SourceRow, kept: Kept) -> Result<Holdings, Problem> {
        let mut holdings = Holdings::default();
        if kept.secrets {
            let rows = self.vault_db.secrets(source.id).map_err(from_store)?;
            holdings.secrets.extend(rows.iter().map(|row| row.kind.as_str().to_owned()));
            holdings.secrets.extend(self.key_named(source, KeyPurpose::Secrets, "secrets_key")?);
            holdings.secrets.dedup();
        }
        if kept.profile {
            holdings.secrets.extend(self.key_named(source, KeyPurpose::Profile, "profile_key")?);
            for metadata in self.profile_files(source.id).iter().filter_map(|path| path.symlink_metadata().ok()) {
                holdings.files += 1;
                holdings.bytes += metadata.len();
            }
        }
        Ok(holdings)
    }

    fn key_named(&self, source: &SourceRow, purpose: KeyPurpose, name: &str) -> Result<Option<String>, Problem> {
        let keys = self.vault_db.source_keys(source.id, purpose.as_str()).map_err(from_store)?;
        Ok((!keys.is_empty()).then(|| name.to_owned()))
    }
}
