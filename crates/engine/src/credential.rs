//! A source's sign-in details: save, replace, forget, and try once more.

use std::collections::BTreeMap;

use freehold_browser::cookies;
use freehold_core::identity::IdentityState;
use freehold_core::receipt::{ReceiptKind, SignedOut};
use freehold_core::run::Cause;
use freehold_core::{CredentialState, Problem, ProblemCode, SecretAddress, SecretBytes, SecretKind, SourceId};
use freehold_protocol::manifest::Field;
use freehold_protocol::secret_text::SecretFields;
use freehold_store::{AttemptRow, PutSecret, RunRow, SecretRow, SecretState, SourceKeyRow, SourceRow};
use freehold_vault::{KeyPurpose, KeyState, SecretPayload, otp_seed, recovery_codes};
use serde_json::{Value, json};

use crate::audit::Action;
use crate::caller::{Caller, Permission};
use crate::catalog::Connector;
use crate::event::Event;
use crate::problem::{bad_input, from_store};
use crate::run::Credential;
use crate::server::{Engine, Inner};
use crate::view::CredentialView;
use crate::wipe::Kept;

/// Sign-in details of one kind that passed their form.
pub(crate) struct CheckedCapture {
    pub(crate) kind: SecretKind,
    pub(crate) fields: BTreeMap<String, SecretBytes>,
    pub(crate) consent: String,
    /// The account the owner named in it.
    pub(crate) account: Option<String>,
}

impl Engine {
    /// Seals sign-in details as the next version of their kind. The run this queues verifies them, and only then do they replace
    /// what was there. Details that were refused before are recognised and said to be the same.
    pub fn save_credential(
        &self,
        caller: &Caller,
        source: SourceId,
        kind: SecretKind,
        fields: BTreeMap<String, SecretBytes>,
        consent: bool,
    ) -> Result<CredentialView, Problem> {
        caller.must(Permission::Reauthenticated)?;
        let inner = &self.0;
        let row = inner.source_row(source)?;
        let connector = inner.catalog.get(&row.connector)?;
        inner.door.vault()?;
        let capture = connector.checked_captures(BTreeMap::from([(kind, fields)]), consent, false)?.remove(0);
        let is_main = connector.manifest.setup.credential_capture.as_ref().is_some_and(|main| main.kind == kind);
        let account = capture.account.clone();
        inner.seal(caller, &row, &connector, capture)?;
        if is_main {
            if account.is_some() && row.identity == IdentityState::Unconfirmed {
                inner.data.update_source(source, move |row| row.expected_account = account).map_err(from_store)?;
            }
            inner.run_soon(source)?;
        }
        inner.tell(Event::Source { source });
        let views = inner.credential_views(&row, &connector)?;
        views.into_iter().find(|view| view.kind == kind).ok_or_else(|| {
            Problem::new(ProblemCode::Internal, "The details were sealed and cannot be found.", "See the server's log.")
        })
    }

    /// Forgets all sign-in details of a source: key first, then rows. Records stay.
    pub fn forget_credentials(&self, caller: &Caller, source: SourceId) -> Result<(), Problem> {
        caller.must(Permission::Reauthenticated)?;
        let row = self.0.source_row(source)?;
        self.0.destroy(caller, &row, ReceiptKind::Forget, Kept { secrets: true, profile: false }, SignedOut::NotSignedIn)?;
        self.0.tell(Event::Source { source });
        Ok(())
    }

    /// Lets details whose last attempt was cut off be tried once more.
    pub fn try_again(&self, caller: &Caller, source: SourceId) -> Result<(), Problem> {
        caller.must(Permission::Run)?;
        let inner = &self.0;
        inner.source_row(source)?;
        let secrets = inner.vault_db.secrets(source).map_err(from_store)?;
        let Some(unknown) = secrets.iter().rev().find(|secret| secret.state == SecretState::Unknown) else {
            return Err(Problem::new(
                ProblemCode::Conflict,
                "No sign-in of this source was cut off.",
                "Collect it as usual.",
            ));
        };
        let detail = [("kind", unknown.kind.as_str()), ("version", &unknown.version.to_string())];
        let audit = inner.audited(&caller.actor(), Action::AttemptAskAgain, &source.to_string(), &detail);
        inner.vault_db.ask_again(source, unknown.kind, unknown.version, audit).map_err(from_store)?;
        inner.queue_run(source, Cause::Owner, None)?;
        inner.tell(Event::Source { source });
        Ok(())
    }
}

impl Engine {
    /// The owner says that none of a source's recovery codes was used since the backup that was restored: they are used again.
    pub fn trust_codes(&self, caller: &Caller, source: SourceId) -> Result<(), Problem> {
        caller.must(Permission::Reauthenticated)?;
        let inner = &self.0;
        inner.source_row(source)?;
        let audit = inner.audited(&caller.actor(), Action::CodesTrust, &source.to_string(), &[]);
        inner.vault_db.trust_codes(source, audit).map_err(from_store)?;
        inner.tell(Event::Source { source });
        Ok(())
    }
}

impl Connector {
    /// Checks the forms' values. With `all`, every required capture has to be there.
    pub(crate) fn checked_captures(
        &self,
        mut given: BTreeMap<SecretKind, BTreeMap<String, SecretBytes>>,
        consent: bool,
        all: bool,
    ) -> Result<Vec<CheckedCapture>, Problem> {
        let mut checked = Vec::new();
        for (place, capture) in self.manifest.captures().enumerate() {
            let fields = given.remove(&capture.kind).filter(|fields| fields.values().any(|value| !value.is_empty()));
            let Some(fields) = fields else {
                if all && place == 0 {
                    let first = capture.fields.iter().find(|field| field.required);
                    let at = first.map_or(capture.kind.as_str(), |field| field.name.as_str());
                    return Err(bad_input(at, "Sign-in details are needed.", "Fill in the form."));
                }
                continue;
            };
            let account =
                capture.fields.iter().find(|field| field.identity).and_then(|field| text_of(fields.get(&field.name)));
            checked.push(CheckedCapture {
                kind: capture.kind,
                fields: checked_fields(capture.kind, &capture.fields, fields)?,
                consent: self.consent(),
                account,
            });
        }
        if let Some(kind) = given.into_iter().find(|(_, fields)| fields.values().any(|value| !value.is_empty())) {
            return Err(bad_input(
                kind.0.as_str(),
                "This connector takes no sign-in details of this kind.",
                "Leave them out.",
            ));
        }
        if checked.is_empty() && !all {
            return Err(bad_input(
                "fields",
                "Nothing was filled in.",
                "Fill in the form; leaving it blank keeps what is saved.",
            ));
        }
        if !consent {
            return Err(bad_input(
                "consent",
                "Nothing is saved without your consent.",
                "Agree that Freehold keeps these details for this source, or do not give them.",
            ));
        }
        Ok(checked)
    }
}

impl Inner {
    /// Seals one capture as the next version of its kind, with the hosts it may be used on as they are now.
    pub(crate) fn seal(
        &self,
        caller: &Caller,
        source: &SourceRow,
        connector: &Connector,
        capture: CheckedCapture,
    ) -> Result<(), Problem> {
        let (vault, new_key) = match self.source_vault(source.id, &source.connector)? {
            Some(vault) => (vault, None),
            None => {
                let (vault, generation, wrapped) = self.new_source_vault(source.id, &source.connector)?;
                let key = SourceKeyRow {
                    source: source.id,
                    purpose: KeyPurpose::Secrets.as_str().to_owned(),
                    generation,
                    state: KeyState::Active.as_str().to_owned(),
                    wrapped,
                };
                (vault, Some(key))
            }
        };
        let kind = capture.kind;
        let origins = connector.resolved_origins(&source.settings);
        let payload = SecretPayload::new(capture.fields, origins, connector.resolved_hosts(&source.settings));
        let address = |version| SecretAddress {
            owner: source.owner,
            source: source.id,
            connector: source.connector.clone(),
            kind,
            version,
        };
        for refused in self.vault_db.secrets(source.id).map_err(from_store)? {
            if refused.kind == kind && refused.state == SecretState::Rejected {
                let old = address(refused.version);
                let sealed = self.vault_db.sealed(old.clone()).map_err(from_store)?;
                if vault.is_same_secret(&old, &sealed, &payload).unwrap_or(false) {
                    return Err(bad_input(
                        "fields",
                        "These are the same details that the provider refused.",
                        "Look for a typing error, or get new ones from the provider.",
                    ));
                }
            }
        }
        let version = self.vault_db.next_secret_version(source.id, kind).map_err(from_store)?;
        if kind == SecretKind::RecoveryCodes {
            // How many there are is no secret, and the owner wants to know how many are left.
            let codes = payload.fields().next().and_then(|(_, codes)| recovery_codes::split(codes).ok());
            let count = json!({ "version": version, "codes": codes.map_or(0, |codes| codes.len()) });
            self.data.set_setting(&codes_setting(source.id), count).map_err(from_store)?;
        }
        let address = address(version);
        let sealed = vault
            .seal(kind, version, &payload, &*self.rng)
            .map_err(|error| bad_input("fields", format!("{error}."), "Check what was pasted."))?;
        let detail = [("kind", kind.as_str()), ("version", &version.to_string())];
        let audit = self.audited(&caller.actor(), Action::SecretPut, &source.id.to_string(), &detail);
        let put = PutSecret { address, sealed, new_key, consent: Some(capture.consent), at: self.now() };
        self.vault_db.put_secret(put, audit).map_err(from_store)
    }

    /// Seals what the provider renewed as the next version of the secret this run was given: all of its fields, since nothing
    /// of the old one is opened for it.
    pub(crate) fn renew(
        &self,
        run: &RunRow,
        source: &SourceRow,
        connector: &Connector,
        credential: &Credential,
        mut renewed: SecretFields,
    ) -> Result<(), Problem> {
        let names: Vec<String> = renewed.names().map(str::to_owned).collect();
        let fields = names.into_iter().filter_map(|name| Some((name.clone(), renewed.take(&name)?))).collect();
        let hosts = connector.resolved_hosts(&source.settings);
        let origins = connector.resolved_origins(&source.settings);
        let kind = credential.kind;
        let version = self.vault_db.next_secret_version(source.id, kind).map_err(from_store)?;
        let payload = SecretPayload::new(fields, origins, hosts);
        let sealed = credential
            .vault
            .seal(kind, version, &payload, &*self.rng)
            .map_err(|error| bad_input("CREDENTIAL_UPDATE", format!("{error}."), "Report it to the connector's author."))?;
        let address =
            SecretAddress { owner: source.owner, source: source.id, connector: source.connector.clone(), kind, version };
        let consent = self.vault_db.secrets(source.id).map_err(from_store)?.into_iter().find_map(|secret| secret.consent);
        let detail = [("kind", kind.as_str()), ("version", &*version.to_string())];
        let audit = self.audited(&run.id.to_string(), Action::SecretRenew, &source.id.to_string(), &detail);
        let put = PutSecret { address, sealed, new_key: None, consent, at: self.now() };
        self.vault_db.put_secret(put, audit).map_err(from_store)
    }

    /// Since when it is not known which of a source's recovery codes were used.
    pub(crate) fn codes_in_doubt(&self, source: SourceId) -> Result<Option<freehold_core::Timestamp>, Problem> {
        let secrets = self.vault_db.secrets(source).map_err(from_store)?;
        Ok(secrets.iter().find_map(|secret| secret.in_doubt_since))
    }

    /// Destroys the source's `secrets` key and rows.
    pub(crate) fn forget(&self, caller: &Caller, source: &SourceRow) -> Result<(), Problem> {
        let audit = self.audited(&caller.actor(), Action::SecretForget, &source.id.to_string(), &[]);
        self.vault_db.forget(source.id, KeyPurpose::Secrets.as_str(), audit).map_err(from_store)
    }

    /// The sign-in details of a source, kind by kind, as the owner sees them.
    pub(crate) fn credential_views(
        &self,
        source: &SourceRow,
        connector: &Connector,
    ) -> Result<Vec<CredentialView>, Problem> {
        let secrets = self.vault_db.secrets(source.id).map_err(from_store)?;
        let attempts = self.vault_db.attempts(source.id).map_err(from_store)?;
        let count = self.data.setting(&codes_setting(source.id)).map_err(from_store)?;
        let verifying = |secret: &SecretRow| {
            attempts.iter().any(|attempt| {
                attempt.kind == secret.kind
                    && attempt.version == secret.version
                    && attempt.state == freehold_core::attempt::AttemptState::Submitted
            })
        };
        Ok(connector
            .manifest
            .captures()
            .map(|capture| {
                let mut versions: Vec<&SecretRow> = secrets.iter().filter(|secret| secret.kind == capture.kind).collect();
                versions.sort_by_key(|secret| secret.version);
                let newest = versions.last();
                let state = newest.map_or(CredentialState::None, |secret| state_of(secret, verifying(secret)));
                let kept = versions.iter().rev().skip(1).find(|secret| secret.state == SecretState::Verified);
                CredentialView {
                    kind: capture.kind,
                    state,
                    version: newest.map(|secret| secret.version),
                    replaces: kept.map(|secret| secret.version),
                    saved_at: newest.map(|secret| secret.created_at),
                    last_used_at: newest.and_then(|secret| secret.last_used_at),
                    codes_in_doubt_since: newest.and_then(|secret| secret.in_doubt_since),
                    codes_left: newest.and_then(|secret| codes_left(secret, count.as_ref()?, &attempts)),
                    consent: newest.and_then(|secret| secret.consent.clone()),
                }
            })
            .collect())
    }
}

/// Where it is kept how many recovery codes a source was given.
fn codes_setting(source: SourceId) -> String {
    format!("recovery_codes/{source}")
}

/// How many codes of this version are not burnt yet, given how many there were of which version.
fn codes_left(secret: &SecretRow, count: &Value, attempts: &[AttemptRow]) -> Option<u32> {
    if secret.kind != SecretKind::RecoveryCodes || count["version"].as_u64() != Some(secret.version.into()) {
        return None;
    }
    let burnt = attempts
        .iter()
        .filter(|attempt| attempt.kind == secret.kind && attempt.version == secret.version && attempt.code_index.is_some());
    u32::try_from(count["codes"].as_u64()?).ok().map(|all| all.saturating_sub(burnt.count() as u32))
}

/// The version of a kind that may be used now: the newest that is saved or verified. A replacement that was refused leaves the
/// verified version before it in use.
pub(crate) fn usable(secrets: &[SecretRow], kind: SecretKind) -> Option<&SecretRow> {
    secrets
        .iter()
        .filter(|secret| secret.kind == kind && matches!(secret.state, SecretState::Saved | SecretState::Verified))
        .max_by_key(|secret| secret.version)
}

fn state_of(secret: &SecretRow, verifying: bool) -> CredentialState {
    let resolved = secret.last_used_at.unwrap_or(secret.created_at);
    match secret.state {
        SecretState::Saved if verifying => CredentialState::Verifying,
        SecretState::Saved => CredentialState::Saved,
        SecretState::Verified => CredentialState::Verified { when: secret.verified_at.unwrap_or(resolved) },
        SecretState::Rejected => CredentialState::Rejected { when: secret.rejected_at.unwrap_or(resolved) },
        SecretState::Unknown => CredentialState::Unknown { when: resolved },
    }
}

/// A form's values by its manifest, and by what the kind itself demands.
fn checked_fields(
    kind: SecretKind,
    fields: &[Field],
    mut given: BTreeMap<String, SecretBytes>,
) -> Result<BTreeMap<String, SecretBytes>, Problem> {
    let mut checked = BTreeMap::new();
    for field in fields {
        let value = given.remove(&field.name).filter(|value| !value.is_empty());
        let Some(value) = value else {
            if field.required {
                return Err(bad_input(&field.name, format!("\"{}\" is needed.", field.label), "Fill it in."));
            }
            continue;
        };
        let value = match (kind, field.secret) {
            (SecretKind::OtpSeed, true) => otp_seed::normalise(&value)
                .map_err(|error| bad_input(&field.name, format!("{error}."), "Copy it again from the provider's page."))?,
            (SecretKind::RecoveryCodes, true) => {
                let codes = recovery_codes::split(&value)
                    .map_err(|error| bad_input(&field.name, format!("{error}."), "Paste them one on a line."))?;
                recovery_codes::join(&codes)
            }
            (SecretKind::Cookies, true) => {
                let text = text_of(Some(&value)).unwrap_or_default();
                cookies::parse(&text).map_err(|error| {
                    bad_input(&field.name, format!("{error}."), "Export them again, and paste all of it.")
                })?;
                value
            }
            _ => value,
        };
        if text_of(Some(&value)).is_none() {
            return Err(bad_input(&field.name, format!("\"{}\" is not text.", field.label), "Type or paste it again."));
        }
        checked.insert(field.name.clone(), value);
    }
    if let Some(unknown) = given.keys().next() {
        return Err(bad_input(unknown, "The form has no such field.", "Leave it out."));
    }
    Ok(checked)
}

#[expect(clippy::disallowed_methods, reason = "the account's name is part of the sealed details and not itself a secret")]
fn text_of(value: Option<&SecretBytes>) -> Option<String> {
    let text = std::str::from_utf8(value?.expose()).ok()?;
    (!text.contains('\0')).then(|| text.to_owned())
}
