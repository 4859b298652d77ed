//! A connector that wants a person in its browser: the session ended, or the site asks for something. It is set aside for as long as that
//! takes, and whoever signs in does so in a new page that the connector cannot reach.

use std::time::Duration;

use freehold_core::interaction::InteractionKind;
use freehold_core::reason::OwnerReason;
use freehold_core::run::{Outcome, RunEvent};
use freehold_protocol::message::{Interaction, InteractionResponse};
use freehold_protocol::secret_text::SecretFields;

use super::ask::patience;
use super::sign_in::{Entrance, Question, Reply};
use super::verdict::Step;
use super::work::Work;

/// What the connector is told.
enum Told {
    Done,
    /// The owner did not want to, or was not there.
    Declined(OwnerReason),
    Lapsed(OwnerReason),
}

impl Work<'_> {
    /// Signs in anew if the session ended, by the saved details where there are any; else asks the owner for what the connector says.
    /// Which account is signed in is read afterwards, and the connector goes on in its own pages.
    pub(super) fn person_wanted(&mut self, asked: &Interaction) -> Step<()> {
        let Some(mut browser) = self.browser.take() else { return Ok(()) };
        let set_aside = browser.set_aside();
        let mut entrance = Entrance {
            inner: self.inner,
            run: self.run,
            mailbox: self.mailbox,
            source: self.source.clone(),
            connector: &self.connector,
            browser,
            aside: Vec::new(),
        };
        let told = set_aside.and_then(|()| entrance.settle(asked));
        let Entrance { browser, source, aside, .. } = entrance;
        self.browser = Some(browser);
        self.source = source;
        self.aside.extend(aside);
        let id = &*asked.request_id;
        let response = match told? {
            Told::Done => InteractionResponse::success(id, SecretFields::new()),
            Told::Declined(reason) => {
                self.unanswered = Some(reason);
                InteractionResponse::cancelled(id)
            }
            Told::Lapsed(reason) => {
                self.unanswered = Some(reason);
                InteractionResponse::timeout(id)
            }
        };
        self.respond(id, &response);
        Ok(())
    }
}

impl Entrance<'_> {
    fn settle(&mut self, asked: &Interaction) -> Step<Told> {
        // The session had ended, and has begun again; or the connector wants something else.
        let told = if self.sign_in()? { Told::Done } else { self.put_to_the_owner(asked)? };
        self.identify()?;
        self.browser.take_up()?;
        self.transition(RunEvent::Collect)?;
        Ok(told)
    }

    fn put_to_the_owner(&mut self, asked: &Interaction) -> Step<Told> {
        let question = Question {
            kind: InteractionKind::Challenge,
            reason: OwnerReason::Challenge,
            message: asked.message.clone(),
            data: None,
            patience: Duration::from_secs(patience(asked)),
        };
        self.browser.go_where_the_connector_is()?;
        match self.ask(&question, None) {
            Ok(Reply::No) => Ok(Told::Declined(question.reason)),
            Ok(_) => Ok(Told::Done),
            Err(verdict) if matches!(verdict.outcome, Outcome::NeedsOwner { .. }) => {
                self.transition(RunEvent::Answered)?;
                Ok(Told::Lapsed(question.reason))
            }
            Err(verdict) => Err(verdict),
        }
    }
}
