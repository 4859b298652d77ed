//! What a connector asks for during a run: sign-in details from the vault, a code or an action from the owner, the sealing of a
//! renewed secret.

use std::time::{Duration, Instant};

use freehold_core::attempt::AttemptState;
use freehold_core::interaction::{InteractionKind, InteractionState};
use freehold_core::reason::{FailureReason, OwnerReason};
use freehold_core::run::RunEvent;
use freehold_core::{InteractionId, SecretBytes};
use freehold_protocol::manifest::Delivery;
use freehold_protocol::message::{CredentialUpdate, CredentialUpdateResponse, Interaction, InteractionResponse, SealStatus};
use freehold_protocol::secret_text::SecretFields;
use freehold_store::InteractionRow;
use jiff::SignedDuration;
use serde_json::json;

use super::attempt;
use super::verdict::{Step, Verdict};
use super::work::{Waiting, Work};
use crate::interaction::Answer;
use crate::problem::from_store;
use crate::server::lock;

/// How long a question waits where the connector does not say, and at the most.
const ASK_FOR: u64 = 15 * 60;
const ASK_AT_MOST: u64 = 24 * 3600;

/// Seconds the question of a connector waits.
pub(super) fn patience(asked: &Interaction) -> u64 {
    asked.timeout_seconds.unwrap_or(ASK_FOR).clamp(1, ASK_AT_MOST)
}

impl Work<'_> {
    /// Answers `credentials` from the vault, once; a second ask means that they were refused.
    pub(super) fn deliver(&mut self, asked: &Interaction) -> Step<()> {
        let (Some(credential), Some(Delivery::Answered)) = (&self.credential, self.connector.manifest.credential_delivery)
        else {
            let detail = "The connector asked for sign-in details, which its manifest does not declare.";
            return Verdict::failed(FailureReason::ConnectorViolation, detail).stop();
        };
        if let Some(attempt) = &mut self.attempt {
            attempt.resolve(self.inner, AttemptState::Rejected)?;
            return Verdict::needs_owner(
                OwnerReason::CredentialRejected,
                "The connector asked for sign-in details a second time: the first were refused.",
            )
            .stop();
        }
        let capture = self.connector.manifest.capture(credential.kind);
        let has = |name: &str| capture.is_some_and(|capture| capture.fields.iter().any(|field| field.name == name));
        let wanted = asked.asked_fields();
        if let Some((name, _)) = wanted.iter().find(|(name, required)| *required && !has(name)) {
            let detail = format!("The connector asked for \"{name}\", which its manifest's form does not have.");
            return Verdict::failed(FailureReason::ConnectorViolation, detail).stop();
        }
        let (attempt, mut fields) = attempt::submit(self.inner, self.run, &self.source, credential, Delivery::Answered)?;
        self.attempt = Some(attempt);
        let names: Vec<String> = if wanted.is_empty() {
            fields.names().map(str::to_owned).collect()
        } else {
            wanted.into_iter().map(|(name, _)| name).collect()
        };
        let mut answer = SecretFields::new();
        for name in names {
            if let Some(value) = fields.take(&name) {
                let secret = capture.is_some_and(|c| c.fields.iter().any(|field| field.name == name && field.secret));
                if secret {
                    self.launched.redactor.remember(&value);
                }
                put(&mut answer, &name, value);
            }
        }
        self.note("credential_delivered", json!({ "kind": credential.kind, "version": credential.version }))?;
        self.respond(&asked.request_id, &InteractionResponse::success(&*asked.request_id, answer));
        Ok(())
    }

    /// Asks the owner on the connector's behalf.
    pub(super) fn ask(&mut self, asked: Interaction, kind: InteractionKind, reason: OwnerReason) -> Step<()> {
        let seconds = patience(&asked);
        let now = self.inner.now();
        let interaction = InteractionId::new(&*self.inner.clock, &*self.inner.rng);
        let row = InteractionRow {
            id: interaction,
            source: self.source.id,
            run: Some(self.run.id),
            kind,
            state: InteractionState::Open,
            reason: reason.clone(),
            message: asked.message,
            schema: (kind == InteractionKind::Code).then(|| {
                asked.schema.unwrap_or_else(|| json!({
                "type": "object", "properties": { "code": { "type": "string", "title": "Code" } }, "required": ["code"]
            }))
            }),
            asked_at: now,
            deadline: Some(now + SignedDuration::from_secs(seconds as i64)),
            answered_at: None,
            data: None,
        };
        self.inner.data.open_interaction(row).map_err(from_store)?;
        let until = Instant::now() + Duration::from_secs(seconds);
        self.waiting = Some(Waiting { interaction, request_id: asked.request_id, reason, until });
        self.transition(RunEvent::Ask { interaction }, None)?;
        Ok(())
    }

    /// The owner answered. Another question's answer is not for this run.
    pub(super) fn answered(&mut self, interaction: InteractionId, answer: Answer) -> Step<()> {
        let Some(waiting) = self.waiting.take_if(|waiting| waiting.interaction == interaction) else { return Ok(()) };
        self.transition(RunEvent::Answered, None)?;
        let id = &*waiting.request_id;
        let response = match answer {
            Answer::Fields(fields) => {
                let mut data = SecretFields::new();
                for (name, value) in fields {
                    self.launched.redactor.remember(&value);
                    put(&mut data, &name, value);
                }
                InteractionResponse::success(id, data)
            }
            Answer::Yes => InteractionResponse::success(id, SecretFields::new()),
            Answer::No => {
                self.unanswered = Some(waiting.reason.clone());
                InteractionResponse::cancelled(id)
            }
        };
        self.respond(id, &response);
        Ok(())
    }

    /// The question's time is up.
    pub(super) fn lapse(&mut self) -> Step<()> {
        let Some(waiting) = self.waiting.take() else { return Ok(()) };
        if self.inner.close_interaction(waiting.interaction, InteractionState::Expired).is_err() {
            // Answered at the last moment: the answer is in the mailbox.
            let until = Instant::now() + Duration::from_secs(1);
            self.waiting = Some(Waiting { until, ..waiting });
            return Ok(());
        }
        self.transition(RunEvent::Answered, Some(json!({ "interaction": "expired" })))?;
        self.respond(&waiting.request_id, &InteractionResponse::timeout(&*waiting.request_id));
        self.unanswered = Some(waiting.reason);
        Ok(())
    }

    /// Nobody needs the answer any more.
    pub(super) fn withdraw(&mut self) -> Step<()> {
        if let Some(waiting) = self.waiting.take() {
            // The owner may answer at this very moment, which changes nothing.
            let _ = self.inner.close_interaction(waiting.interaction, InteractionState::Withdrawn);
        }
        Ok(())
    }

    pub(super) fn respond(&self, request_id: &str, response: &InteractionResponse) {
        // Before the line is on its way: the connector may speak as soon as it has it.
        lock(&self.launched.session).answered(request_id);
        self.launched.send(response.to_line());
    }

    /// Seals a renewed secret, and only then lets the connector use it (R13).
    pub(super) fn update_credential(&mut self, update: CredentialUpdate) -> Step<()> {
        self.accepted()?;
        let sealed = match &self.credential {
            Some(credential) if credential.kind == update.kind => {
                for name in update.fields.names() {
                    if let Some(value) = update.fields.get(name) {
                        self.launched.redactor.remember(value);
                    }
                }
                self.inner.renew(self.run, &self.source, &self.connector, credential, update.fields)?;
                SealStatus::Sealed
            }
            // Only the secret it was given is its own to renew.
            _ => SealStatus::Refused,
        };
        self.note("credential_update", json!({ "kind": update.kind, "status": sealed }))?;
        lock(&self.launched.session).answered(&update.request_id);
        let response = CredentialUpdateResponse { request_id: update.request_id, status: sealed };
        self.launched.send(response.to_line().into());
        Ok(())
    }
}

fn put(fields: &mut SecretFields, name: &str, value: SecretBytes) {
    if fields.insert(name, value).is_err() {
        tracing::warn!(field = name, "a value that is not text was left out of an answer");
    }
}
