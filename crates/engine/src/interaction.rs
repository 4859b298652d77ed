//! Questions to the owner, and their answers.

use std::collections::BTreeMap;

use freehold_core::identity::IdentityState;
use freehold_core::interaction::{InteractionKind, InteractionState};
use freehold_core::{Identity, InteractionId, Problem, ProblemCode, SecretBytes};
use freehold_protocol::form::Form;
use freehold_protocol::manifest::Field;
use freehold_store::{InteractionRow, StoreError};
use serde_json::{Value, json};

use crate::audit::Action;
use crate::caller::{Caller, Permission};
use crate::event::Event;
use crate::problem::{bad_input, from_store, not_found};
use crate::run::Mail;
use crate::server::{Engine, Inner};
use crate::view::InteractionView;

/// An answer. It names no source: the interaction it answers does.
pub enum Answer {
    /// What the form asked for: a code.
    Fields(BTreeMap<String, SecretBytes>),
    /// Yes, this is my account; yes, it may; or: I have done what was asked.
    Yes,
    /// No, this is not my account; no, it may not; or: I do not want to. Declining an account that is seen for the first time
    /// forgets the sign-in details that led to it.
    No,
}

impl Engine {
    /// The open interactions, oldest first.
    pub fn interactions(&self, caller: &Caller) -> Result<Vec<InteractionView>, Problem> {
        caller.must(Permission::Read)?;
        let rows = self.0.data.open_interactions().map_err(from_store)?;
        rows.into_iter().map(|row| self.0.interaction_view(row)).collect()
    }

    /// One interaction, open or not.
    pub fn interaction(&self, caller: &Caller, id: InteractionId) -> Result<InteractionView, Problem> {
        caller.must(Permission::Read)?;
        let row = self.0.data.interaction(id).map_err(from_store)?.ok_or_else(|| not_found("interaction"))?;
        self.0.interaction_view(row)
    }

    /// Answers it. A late answer gets `no_longer_needed`; one that does not fit the question leaves it open.
    pub fn answer(&self, caller: &Caller, id: InteractionId, answer: Answer) -> Result<InteractionView, Problem> {
        let inner = &self.0;
        let row = inner.data.interaction(id).map_err(from_store)?.ok_or_else(|| not_found("interaction"))?;
        caller.must(match row.kind {
            InteractionKind::Code | InteractionKind::Challenge | InteractionKind::Approval => Permission::Answer,
            // A person's own, whose saying so only makes the run look again; no program signs in.
            InteractionKind::SignIn if !matches!(caller, Caller::Token { .. }) => Permission::Answer,
            // Which account is kept, and what a connector may reach, is only ever the owner's own word.
            InteractionKind::SignIn
            | InteractionKind::Identity
            | InteractionKind::WiderHosts
            | InteractionKind::Credentials => Permission::Reauthenticated,
        })?;
        if row.state != InteractionState::Open {
            return Err(no_longer_needed());
        }
        match (row.kind, &answer) {
            (InteractionKind::Code, Answer::Yes) => {
                return Err(bad_input("fields", "The code is missing.", "Type the code, or decline."));
            }
            (InteractionKind::Code, Answer::Fields(fields)) if fields.values().all(SecretBytes::is_empty) => {
                return Err(bad_input("code", "The code is missing.", "Type the code, or decline."));
            }
            (InteractionKind::Code, _) | (_, Answer::Yes | Answer::No) => {}
            (_, Answer::Fields(_)) => {
                return Err(bad_input("fields", "This question has no form.", "Answer with yes or no."));
            }
        }
        inner.close_interaction(id, InteractionState::Answered)?;
        inner.record(&caller.actor(), Action::InteractionAnswer, &id.to_string(), &[("kind", row.kind.as_str())])?;
        match row.run {
            Some(run) => match inner.mailbox(run) {
                Some(mailbox) if mailbox.send(Mail::Answer(id, answer)).is_ok() => {}
                _ => return Err(no_longer_needed()),
            },
            None => inner.settle(caller, &row, matches!(answer, Answer::Yes))?,
        }
        inner.tell(Event::Source { source: row.source });
        self.interaction(&Caller::Cli { reauthenticated: true }, id)
    }
}

impl Inner {
    /// Closes it, or says that it is closed already.
    pub(crate) fn close_interaction(&self, id: InteractionId, state: InteractionState) -> Result<(), Problem> {
        let closed = self.data.resolve_interaction(id, state, self.now());
        // Only then: whoever is shown out looks at once what is next.
        self.stages.interaction_closed(id);
        closed.map(drop).map_err(|error| match error {
            StoreError::Conflict { .. } => no_longer_needed(),
            other => from_store(other),
        })
    }

    /// What a question of the source itself leads to.
    fn settle(&self, caller: &Caller, row: &InteractionRow, yes: bool) -> Result<(), Problem> {
        let source = self.source_row(row.source)?;
        match row.kind {
            InteractionKind::Identity => match (&source.identity, yes) {
                (IdentityState::Proposed { identity }, true) => {
                    let identity = identity.clone();
                    self.record(
                        &caller.actor(),
                        Action::IdentityConfirm,
                        &source.id.to_string(),
                        &[("key", &identity.key)],
                    )?;
                    self.data
                        .update_source(source.id, move |row| row.identity = IdentityState::Confirmed { identity })
                        .map_err(from_store)?;
                    self.run_soon(source.id)?;
                }
                (IdentityState::Proposed { .. }, false) => {
                    self.record(&caller.actor(), Action::IdentityDecline, &source.id.to_string(), &[])?;
                    self.forget(caller, &source)?;
                    self.destroy_profile(caller, source.id)?;
                    self.data
                        .update_source(source.id, |row| row.identity = IdentityState::Unconfirmed)
                        .map_err(from_store)?;
                }
                // A confirmed account is never relabelled. A browser in which somebody else is signed in is signed out, for the
                // owner to sign in anew.
                (IdentityState::Confirmed { .. }, false) if self.catalog.get(&source.connector)?.manifest.has_browser() => {
                    self.destroy_profile(caller, source.id)?;
                    self.run_soon(source.id)?;
                }
                _ => {}
            },
            InteractionKind::WiderHosts if yes => {
                let connector = self.catalog.get(&source.connector)?;
                let asks = self.unapproved(source.id, &connector)?.join(", ");
                self.record(&caller.actor(), Action::ConnectorApprove, &source.id.to_string(), &[("asks", &asks)])?;
                self.approve(source.id, &connector)?;
                self.run_soon(source.id)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn interaction_view(&self, row: InteractionRow) -> Result<InteractionView, Problem> {
        let source = self.source_row(row.source)?;
        let asked_by = self
            .catalog
            .get(&source.connector)
            .map_or_else(|_| source.connector.to_string(), |connector| connector.manifest.display_name.clone());
        let data = row.data.unwrap_or_default();
        let seen: Option<Identity> = data.get("seen").and_then(|seen| serde_json::from_value(seen.clone()).ok());
        Ok(InteractionView {
            id: row.id,
            kind: row.kind,
            interaction_state: row.state,
            source: source.id,
            source_name: source.name,
            asked_by,
            run: row.run,
            message: row.message,
            form: row.schema.as_ref().map(form_of),
            expected: data.get("expected").and_then(|expected| expected.as_str()).map(str::to_owned),
            seen,
            secure_browser: self.stages.is_open_for(row.id),
            asked_at: row.asked_at,
            deadline: row.deadline,
        })
    }
}

fn no_longer_needed() -> Problem {
    Problem::new(
        ProblemCode::NoLongerNeeded,
        "This answer is no longer needed.",
        "Look at the source for what it needs now.",
    )
}

/// The form a connector's schema describes: one field for each property, hidden where its format says so.
fn form_of(schema: &Value) -> Form {
    let required =
        |name: &str| schema.get("required").and_then(Value::as_array).is_some_and(|all| all.iter().any(|n| n == name));
    let properties = schema.get("properties").and_then(Value::as_object);
    let fields = properties.into_iter().flatten().filter_map(|(name, property)| {
        let hidden = property.get("format").is_some_and(|format| format == "password");
        let label = property.get("title").and_then(Value::as_str).map_or_else(|| name.replace('_', " "), str::to_owned);
        let field = json!({
            "name": name,
            "label": label,
            "type": if hidden { "password" } else { "text" },
            "secret": hidden,
            "required": required(name),
            "autocomplete": if hidden { "off" } else { "one-time-code" },
            "help_text": property.get("description").and_then(Value::as_str),
        });
        serde_json::from_value::<Field>(field).ok()
    });
    Form { title: None, description: None, submit_label: None, fields: fields.collect() }
}
