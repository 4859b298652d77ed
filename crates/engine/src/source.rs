//! Sources: adding, changing, pausing, removing.

use std::collections::BTreeMap;

use freehold_core::identity::IdentityState;
use freehold_core::interaction::{InteractionKind, InteractionState};
use freehold_core::receipt::{ReceiptKind, SignedOut};
use freehold_core::run::{CancelledBy, Cause};
use freehold_core::{ConnectorName, CredentialMode, Problem, ProblemCode, SecretBytes, SecretKind, SourceId};
use freehold_store::SourceRow;
use serde_json::Value;

use crate::audit::Action;
use crate::caller::{Caller, Permission};
use crate::catalog::Connector;
use crate::event::Event;
use crate::problem::{bad_input, from_store, not_found};
use crate::run::Mail;
use crate::server::{Engine, Inner};
use crate::view::SourceView;
use crate::wipe::{Kept, keeps_nothing};

/// A source to be added.
pub struct NewSource {
    /// Its connector.
    pub connector: ConnectorName,
    /// The owner's name for it.
    pub name: String,
    /// How it signs in.
    pub mode: CredentialMode,
    /// Values of the connector's settings form, as typed.
    pub settings: BTreeMap<String, Value>,
    /// The account the owner expects, if named. A form field marked as identity fills it when this is empty.
    pub expected_account: Option<String>,
    /// Whether the owner accepts that the account cannot be verified, for a connector that shows none.
    pub accept_unverified: bool,
    /// Sign-in details: per kind, the form's fields as typed. Needs `consent` and [`Permission::Reauthenticated`].
    pub credentials: BTreeMap<SecretKind, BTreeMap<String, SecretBytes>>,
    /// Whether the owner agreed to the words of each capture.
    pub consent: bool,
}

/// A change to a source; what is `None` stays.
#[derive(Default)]
pub struct SourceChange {
    /// A new name.
    pub name: Option<String>,
    /// New settings, whole. Those that change hosts need re-authentication and the secret again.
    pub settings: Option<BTreeMap<String, Value>>,
    /// Another way to sign in. Leaving `stored_credential` destroys the stored sign-in details, so it needs re-authentication.
    pub mode: Option<CredentialMode>,
    /// A new interval in seconds; `Some(None)` turns the schedule off.
    pub interval_seconds: Option<Option<u64>>,
}

impl Engine {
    /// Adds a source, seals its sign-in details and queues its first run.
    ///
    /// Field errors come as `bad_input` with `at` = the field's name; nothing is kept of a source that could not be added whole.
    pub fn add_source(&self, caller: &Caller, new: NewSource) -> Result<SourceView, Problem> {
        caller.must(Permission::Configure)?;
        let inner = &self.0;
        let owner = inner.owner()?;
        let connector = inner.catalog.get(&new.connector)?;
        if let Some(why) = connector.unavailable() {
            return Err(Problem::new(ProblemCode::ConnectorInvalid, why, "Choose another connector."));
        }
        if !inner.modes(&connector).contains(&new.mode) {
            return Err(mode_not_offered());
        }
        let name = inner.checked_name(&new.name, None)?;
        let settings = connector.checked_settings(&new.settings)?;
        if connector.manifest.identity.is_none() && !new.accept_unverified {
            return Err(bad_input(
                "accept_unverified",
                "This connector does not show which account is signed in.",
                "Accept that the account stays unverified, or choose another connector.",
            ));
        }
        let mut sealing = Vec::new();
        if connector.takes_credential() && new.mode == CredentialMode::StoredCredential {
            caller.must(Permission::Reauthenticated)?;
            inner.door.vault()?;
            sealing = connector.checked_captures(new.credentials, new.consent, true)?;
        } else if new.credentials.values().flat_map(BTreeMap::values).any(|value| !value.is_empty()) {
            return Err(bad_input("credentials", "No sign-in details are saved this way.", "Leave them out."));
        }
        let named = sealing.iter().find_map(|capture| capture.account.clone());
        let now = inner.now();
        let row = SourceRow {
            id: SourceId::new(&*inner.clock, &*inner.rng),
            owner,
            connector: new.connector,
            name,
            mode: new.mode,
            settings,
            expected_account: new.expected_account.filter(|account| !account.trim().is_empty()).or(named),
            identity: if connector.manifest.identity.is_some() {
                IdentityState::Unconfirmed
            } else {
                IdentityState::AcceptedUnverified
            },
            paused: false,
            interval_seconds: connector.recommended_interval(),
            next_due_at: None,
            failures: 0,
            connector_digest: Some(connector.digest.clone()),
            created_at: now,
            last_success_at: None,
            ever_collected: false,
        };
        let id = row.id;
        inner.record(&caller.actor(), Action::SourceAdd, &id.to_string(), &[("connector", row.connector.as_str())])?;
        inner.data.insert_source(row.clone()).map_err(from_store)?;
        inner.approve(id, &connector)?;
        for capture in sealing {
            inner.seal(caller, &row, &connector, capture)?;
        }
        inner.queue_run(id, Cause::Setup, None)?;
        inner.tell(Event::Source { source: id });
        inner.source_view(id)
    }

    /// All sources, by name.
    pub fn sources(&self, caller: &Caller) -> Result<Vec<SourceView>, Problem> {
        caller.must(Permission::Read)?;
        self.0.source_views()
    }

    /// One source.
    pub fn source(&self, caller: &Caller, id: SourceId) -> Result<SourceView, Problem> {
        caller.must(Permission::Read)?;
        let mut view = self.0.source_view(id)?;
        self.0.measure_files(id, &mut view.streams)?;
        Ok(view)
    }

    /// Changes one. Settings that decide where a secret goes need the passphrase, and the sign-in details to be given again.
    pub fn change_source(&self, caller: &Caller, id: SourceId, change: SourceChange) -> Result<SourceView, Problem> {
        caller.must(Permission::Configure)?;
        let inner = &self.0;
        let row = inner.source_row(id)?;
        let name = change.name.as_deref().map(|name| inner.checked_name(name, Some(id))).transpose()?;
        let mut moved = false;
        let mut settings = None;
        if let Some(values) = &change.settings {
            let connector = inner.catalog.get(&row.connector)?;
            let checked = connector.checked_settings(values)?;
            moved = connector
                .manifest
                .settings
                .iter()
                .any(|field| field.affects_host && row.settings.get(&field.name) != checked.get(&field.name));
            if moved {
                caller.must(Permission::Reauthenticated)?;
            }
            settings = Some(checked);
        }
        if let Some(Some(seconds)) = change.interval_seconds {
            let least = inner.catalog.get(&row.connector)?.minimum_interval();
            if seconds < least {
                return Err(bad_input(
                    "interval_seconds",
                    format!("This connector runs at most every {least} seconds."),
                    "Choose a longer interval.",
                ));
            }
        }
        let mode = change.mode.filter(|mode| *mode != row.mode);
        if let Some(mode) = mode {
            caller.must(Permission::Reauthenticated)?;
            if !inner.modes(&inner.catalog.get(&row.connector)?).contains(&mode) {
                return Err(mode_not_offered());
            }
            let detail = [("from", row.mode.as_str()), ("to", mode.as_str())];
            inner.record(&caller.actor(), Action::SourceMode, &id.to_string(), &detail)?;
        }
        if let Some(mode) = mode {
            let kept = Kept { secrets: row.mode == CredentialMode::StoredCredential, profile: keeps_nothing(mode) };
            if kept.secrets || kept.profile {
                inner.end_run_of(&row)?;
                let left = if kept.profile { inner.sign_out_at_provider(&row) } else { SignedOut::NotSignedIn };
                inner.destroy(caller, &row, ReceiptKind::ChangeMode, kept, left)?;
            }
        }
        if moved {
            // What was sealed for the old host may not go to a new one.
            inner.forget(caller, &row)?;
        }
        let now = inner.now();
        let interval = change.interval_seconds;
        inner
            .data
            .update_source(id, move |row| {
                if let Some(name) = name {
                    row.name = name;
                }
                if let Some(settings) = settings {
                    row.settings = settings;
                }
                if let Some(mode) = mode {
                    row.mode = mode;
                }
                if moved {
                    row.identity = match row.identity {
                        IdentityState::AcceptedUnverified => IdentityState::AcceptedUnverified,
                        _ => IdentityState::Unconfirmed,
                    };
                }
                if let Some(interval) = interval {
                    row.interval_seconds = interval;
                    row.next_due_at = interval.map(|seconds| {
                        let from = row.last_success_at.unwrap_or(now);
                        (from + jiff::SignedDuration::from_secs(seconds.min(i64::MAX as u64) as i64)).max(now)
                    });
                }
            })
            .map_err(from_store)?;
        inner.record(&caller.actor(), Action::SourceChange, &id.to_string(), &[])?;
        inner.wake.now();
        inner.tell(Event::Source { source: id });
        inner.source_view(id)
    }

    /// Pauses one; a run under way is cancelled.
    pub fn pause(&self, caller: &Caller, id: SourceId) -> Result<SourceView, Problem> {
        caller.must(Permission::Run)?;
        self.0.set_paused(caller, id, true)
    }

    /// Resumes one.
    pub fn resume(&self, caller: &Caller, id: SourceId) -> Result<SourceView, Problem> {
        caller.must(Permission::Run)?;
        self.0.set_paused(caller, id, false)
    }

    /// Signs one out: at the provider where the connector says how, then here, by destroying its profile's key and profile; a run under way is
    /// cancelled. A source without a browser keeps no session:
    /// `conflict`.
    pub fn sign_out(&self, caller: &Caller, id: SourceId) -> Result<SourceView, Problem> {
        caller.must(Permission::Reauthenticated)?;
        let inner = &self.0;
        let row = inner.source_row(id)?;
        if !inner.catalog.get(&row.connector)?.manifest.has_browser() {
            return Err(Problem::new(
                ProblemCode::Conflict,
                "This source keeps no session to sign out of: it signs in anew at each run.",
                "To stop it from signing in, forget its sign-in details, or pause it.",
            ));
        }
        inner.end_run_of(&row)?;
        let left = inner.sign_out_at_provider(&row);
        inner.destroy(caller, &row, ReceiptKind::SignOut, Kept { secrets: false, profile: true }, left)?;
        // Whose session it was is no question any more.
        if matches!(row.identity, IdentityState::Confirmed { .. })
            && let Some(open) = inner.data.open_interaction_of(id).map_err(from_store)?
            && open.kind == InteractionKind::Identity
        {
            inner.close_interaction(open.id, InteractionState::Withdrawn)?;
        }
        inner.tell(Event::Source { source: id });
        inner.source_view(id)
    }

    /// Removes one with its secrets, and its records too if asked. `confirm_name` has to equal its name.
    pub fn remove_source(
        &self,
        caller: &Caller,
        id: SourceId,
        confirm_name: &str,
        delete_records: bool,
    ) -> Result<(), Problem> {
        caller.must(Permission::Reauthenticated)?;
        let inner = &self.0;
        let row = inner.source_row(id)?;
        if confirm_name.trim() != row.name {
            return Err(bad_input("confirm_name", "That is not the source's name.", format!("Type \"{}\".", row.name)));
        }
        inner.end_run_of(&row)?;
        if inner.unwiped_of(&row)?.is_some() {
            let what = "What the last run left could not be shown to be gone.";
            return Err(Problem::new(ProblemCode::Conflict, what, "See what is left first."));
        }
        let left = inner.sign_out_at_provider(&row);
        inner.destroy(caller, &row, ReceiptKind::Remove, Kept { secrets: true, profile: true }, left)?;
        let subject = id.to_string();
        let records = if delete_records { "deleted" } else { "kept" };
        inner.record(&caller.actor(), Action::SourceRemove, &subject, &[("records", records)])?;
        inner.data.remove_source(id, !delete_records).map_err(from_store)?;
        inner.tell(Event::Source { source: id });
        Ok(())
    }
}

fn mode_not_offered() -> Problem {
    Problem::new(
        ProblemCode::ModeNotOffered,
        "This connector cannot sign in that way here.",
        "Choose one of the ways it offers.",
    )
    .at("mode")
}

impl Inner {
    pub(crate) fn source_row(&self, id: SourceId) -> Result<SourceRow, Problem> {
        self.data.source(id).map_err(from_store)?.ok_or_else(|| not_found("source"))
    }

    fn checked_name(&self, name: &str, own: Option<SourceId>) -> Result<String, Problem> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(bad_input("name", "The source needs a name.", "Give it one of up to 100 characters."));
        }
        let sources = self.data.sources(self.owner()?).map_err(from_store)?;
        if sources.iter().any(|row| row.name == name && Some(row.id) != own) {
            return Err(bad_input("name", "Another source has this name.", "Choose a name that tells the two apart."));
        }
        Ok(name.to_owned())
    }

    fn set_paused(&self, caller: &Caller, id: SourceId, paused: bool) -> Result<SourceView, Problem> {
        self.source_row(id)?;
        if paused {
            self.stop_run_of(id, CancelledBy::Owner)?;
        }
        self.data.update_source(id, move |row| row.paused = paused).map_err(from_store)?;
        let action = if paused { Action::SourcePause } else { Action::SourceResume };
        self.record(&caller.actor(), action, &id.to_string(), &[])?;
        self.wake.now();
        self.tell(Event::Source { source: id });
        self.source_view(id)
    }

    /// Keeps what the owner has agreed that this connector may ask for.
    pub(crate) fn approve(&self, id: SourceId, connector: &Connector) -> Result<(), Problem> {
        let asks = Value::from(connector.asks());
        self.data.set_setting(&format!("approved/{id}"), asks).map_err(from_store)?;
        let digest = connector.digest.clone();
        self.data.update_source(id, move |row| row.connector_digest = Some(digest)).map_err(from_store)?;
        Ok(())
    }

    /// What this connector asks for that the owner has not agreed to.
    pub(crate) fn unapproved(&self, id: SourceId, connector: &Connector) -> Result<Vec<String>, Problem> {
        let approved = self.data.setting(&format!("approved/{id}")).map_err(from_store)?.unwrap_or_default();
        let approved: Vec<&str> = approved.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        Ok(connector.asks().into_iter().filter(|ask| !approved.contains(&ask.as_str())).collect())
    }

    /// Cancels the run of a source, if one is under way or queued.
    pub(crate) fn stop_run_of(&self, id: SourceId, by: CancelledBy) -> Result<(), Problem> {
        if let Some(run) = self.data.unfinished_run_of(id).map_err(from_store)? {
            match self.mailbox(run.id) {
                Some(mailbox) => drop(mailbox.send(Mail::Cancel(by))),
                None => self.end_unstarted(&run, by)?,
            }
        }
        Ok(())
    }
}
