//! Before anything is started: is the connector still what was agreed to, is there a secret that may be used, what is asked for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use freehold_core::attempt::AttemptState;
use freehold_core::identity::IdentityState;
use freehold_core::interaction::InteractionKind;
use freehold_core::reason::{FailureReason, OwnerReason};
use freehold_core::run::{CancelledBy, RunEvent};
use freehold_core::{Problem, SealedBytes, SecretKind, SourceId};
use freehold_protocol::RecordChecker;
use freehold_protocol::bindings::Offered;
use freehold_protocol::message::{CollectionMode, CollectionScope, CollectionStream, Start};
use freehold_store::{RunRow, SecretRow, SecretState, SourceRow};
use freehold_vault::SourceVault;
use serde_json::value::to_raw_value;

use super::Mail;
use super::verdict::{Step, Verdict};
use crate::catalog::Connector;
use crate::credential::usable;
use crate::problem::from_store;
use crate::server::Inner;
use crate::wipe::keeps_nothing;

/// Everything a run needs before its connector is started.
pub(super) struct Prepared {
    pub(super) credential: Option<Credential>,
    pub(super) start: Start,
    pub(super) checker: RecordChecker,
}

/// The one secret this run may use, and the handle that opens it.
pub(crate) struct Credential {
    pub(crate) kind: SecretKind,
    pub(crate) version: u32,
    pub(crate) vault: Arc<SourceVault>,
    /// The sealed secret itself, where it was given for this run alone.
    pub(crate) given: Option<SealedBytes>,
}

/// The source a run is for, and its connector as the owner agreed to it.
pub(super) fn subject(inner: &Arc<Inner>, run: &RunRow) -> Step<(SourceRow, Connector)> {
    // Before anyone is signed in to: on a full disk nothing of it could be kept.
    inner.data.check_room().map_err(from_store)?;
    let source = inner.source_row(run.source)?;
    let connector = match inner.catalog.get(&source.connector) {
        Ok(connector) => connector,
        Err(problem) => return Verdict::failed(FailureReason::ConnectorFailed, problem.to_string()).stop(),
    };
    if inner.unwiped_of(&source)?.is_some() {
        let detail = "What the last run left could not be shown to be gone.";
        return Verdict::needs_owner(OwnerReason::WipeUnverified, detail).stop();
    }
    agreed(inner, &source, &connector)?;
    if keeps_nothing(source.mode) && !inner.is_proven(&connector) {
        let detail = "That nothing is left behind is not proven for this version of the connector and the browser. Prove it again, \
                      or choose another way to sign in.";
        return Verdict::needs_owner(OwnerReason::ConnectorChanged, detail).stop();
    }
    Ok((source, connector))
}

/// Checks and gathers. Ends the run early, with the reason, where it cannot go on. `offered` is what the run has for the connector.
pub(super) fn prepare(
    inner: &Inner,
    run: &RunRow,
    mailbox: &Receiver<Mail>,
    (source, connector): (&SourceRow, &Connector),
    offered: &Offered,
) -> Step<Prepared> {
    let bindings = match offered.matching(&connector.manifest) {
        Ok(bindings) => bindings,
        Err(missing) => return Verdict::failed(FailureReason::ConnectorFailed, format!("{missing}.")).stop(),
    };
    let credential = match &connector.manifest.setup.credential_capture {
        Some(capture) if connector.receives_secret() => {
            wait_for_unlock(inner, run, mailbox)?;
            Some(credential(inner, source, capture.kind)?)
        }
        _ => None,
    };
    let probing = matches!(source.identity, IdentityState::Unconfirmed | IdentityState::Proposed { .. });
    let event = if probing { RunEvent::Probe } else { RunEvent::Collect };
    inner.data.transition(run.id, event, None).map_err(from_store)?;

    let start = start(inner, run, source, connector, bindings)?;
    if start.scope.streams.is_empty() {
        let detail = "Everything the connector collects is left out. Collect a stream again that is.";
        return Verdict::failed(FailureReason::ConnectorFailed, detail).stop();
    }
    let checker = RecordChecker::new(&connector.manifest, &start.scope)
        .map_err(|error| Box::new(Verdict::failed(FailureReason::ConnectorFailed, format!("{error}."))))?;
    Ok(Prepared { credential, start, checker })
}

/// A changed connector that asks for no more than before is simply the new version; one that asks for more waits for the owner.
fn agreed(inner: &Inner, source: &SourceRow, connector: &Connector) -> Step<()> {
    if source.connector_digest.as_deref() == Some(connector.digest.as_str()) {
        return Ok(());
    }
    let unapproved = inner.unapproved(source.id, connector)?;
    if unapproved.is_empty() {
        return Ok(inner.approve(source.id, connector)?);
    }
    let asks = unapproved.join(", ");
    let message = format!("The connector changed and now also asks for: {asks}.");
    inner.ask_source(source, InteractionKind::WiderHosts, OwnerReason::ConnectorChanged, &message, None)?;
    Verdict::needs_owner(OwnerReason::ConnectorChanged, message).stop()
}

pub(super) fn wait_for_unlock(inner: &Inner, run: &RunRow, mailbox: &Receiver<Mail>) -> Step<()> {
    if inner.door.vault().is_ok() {
        return Ok(());
    }
    inner.data.transition(run.id, RunEvent::AwaitUnlock, None).map_err(from_store)?;
    inner.tell_run(run);
    // Looked at once more after the state is out, so that an unlocking in between is not missed.
    while inner.door.vault().is_err() {
        match mailbox.recv() {
            Ok(Mail::Cancel(by)) => return Verdict::cancelled(by).stop(),
            Ok(_) => {}
            Err(_) => return Verdict::cancelled(CancelledBy::Shutdown).stop(),
        }
    }
    Ok(())
}

/// Which version of a kind may be used.
pub(super) enum Chosen {
    /// This one.
    Version(u32),
    /// None, and what is known of the newest, if there is one.
    None(Option<SecretState>),
}

/// The version of a kind that may be used now: one whose last attempt was cut off only if the owner asked for it.
pub(super) fn choose(inner: &Inner, source: SourceId, kind: SecretKind) -> Result<Chosen, Problem> {
    let secrets = inner.vault_db.secrets(source).map_err(from_store)?;
    let attempts = inner.vault_db.attempts(source).map_err(from_store)?;
    let asked_again = |secret: &SecretRow| {
        let last = attempts.iter().rfind(|attempt| attempt.kind == kind && attempt.version == secret.version);
        last.is_some_and(|attempt| attempt.state == AttemptState::Unknown && attempt.asked_again)
    };
    let newest = secrets.iter().filter(|secret| secret.kind == kind).max_by_key(|secret| secret.version);
    let chosen =
        newest.filter(|secret| secret.state == SecretState::Unknown && asked_again(secret)).or(usable(&secrets, kind));
    Ok(chosen.map_or(Chosen::None(newest.map(|secret| secret.state)), |chosen| Chosen::Version(chosen.version)))
}

fn credential(inner: &Inner, source: &SourceRow, kind: SecretKind) -> Step<Credential> {
    let version = match choose(inner, source.id, kind)? {
        Chosen::Version(version) => version,
        Chosen::None(newest) => {
            let (reason, detail) = match newest {
                Some(SecretState::Rejected) => (
                    OwnerReason::CredentialRejected,
                    "The provider refused the saved sign-in details; they are not tried again.",
                ),
                Some(SecretState::Unknown) => {
                    (OwnerReason::AttemptUnknown, "The last sign-in was cut off before the provider answered.")
                }
                _ => (OwnerReason::CredentialMissing, "No sign-in details are saved for this source."),
            };
            return Verdict::needs_owner(reason, detail).stop();
        }
    };
    let vault = inner.source_vault(source.id, &source.connector)?;
    let Some(vault) = vault else {
        return Verdict::needs_owner(OwnerReason::CredentialMissing, "The key of this source's sign-in details is gone.")
            .stop();
    };
    Ok(Credential { kind, version, vault: Arc::new(vault), given: None })
}

fn start(
    inner: &Inner,
    run: &RunRow,
    source: &SourceRow,
    connector: &Connector,
    bindings: BTreeMap<String, serde_json::Value>,
) -> Result<Start, Problem> {
    let cursors = inner.data.cursors(source.id).map_err(from_store)?;
    let state: BTreeMap<_, _> =
        cursors.into_iter().filter_map(|(stream, cursor)| Some((stream, to_raw_value(&cursor).ok()?))).collect();
    let incremental = !state.is_empty();
    let left_out = inner.data.left_out(source.id).map_err(from_store)?;
    let wanted = connector.manifest.streams.iter().filter(|stream| !left_out.contains(&stream.name));
    let streams = wanted.map(|stream| CollectionStream::all_of(&stream.name)).collect();
    Ok(Start {
        run_id: run.id.to_string(),
        collection_mode: if incremental { CollectionMode::Incremental } else { CollectionMode::FullRefresh },
        scope: CollectionScope { streams },
        state: incremental.then_some(state),
        bindings,
    })
}
