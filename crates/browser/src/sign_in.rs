//! Signing in through a browser, after a connector's description of its screens.
//!
//! A descriptor lists screens, not steps. The machine looks, picks the first screen that shows, does what it says, and looks again;
//! what it cannot go on with, it leaves to a person as it is. It asks for a secret at the moment it is typed, and types it nowhere but
//! at the descriptor's exact origins.

mod act;
mod answer;
mod attempts;
mod choose;
mod code;
mod given_cookies;
mod look;
mod out;
mod outcome;
mod round;
mod typing;
mod until;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use freehold_core::attempt::AttemptState;
use freehold_core::sign_in::SignInSecrets;
use freehold_core::{Clock, SecretBytes};
use freehold_protocol::manifest::{Capture, Means, SignIn};
use serde_json::json;

pub use out::sign_out;
pub use outcome::{Need, Sight, TraceEntry, Turn};

use crate::tabs::Tabs;
use crate::{BrowserError, Frame};
use answer::Answers;
use attempts::Attempts;
use choose::{Acted, Mark};
use given_cookies::GivenCookies;
use look::Eye;

/// How long a look is apart from the next where nothing on the page tells of a change.
const SLICE: Duration = Duration::from_millis(100);

/// How long signing in waits for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a page to open, or to react to what was done.
    pub answer: Duration,
    /// For a page that matches no screen to become one that does, once it is loaded.
    pub settle: Duration,
    /// For a page to say what was wrong, where it shows the same form again.
    pub explain: Duration,
    /// For a session to prove that it is kept.
    pub kept: Duration,
    /// For everything, until a person is asked.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { answer: seconds(20), settle: seconds(6), explain: seconds(2), kept: seconds(1), total: seconds(180) }
    }
}

/// One sign-in of one source, from its start page until it is signed in or over.
pub struct SignInMachine {
    descriptor: SignIn,
    captures: Vec<Capture>,
    clock: Arc<dyn Clock>,
    patience: Patience,
    eye: Eye,
    /// What the screen means that is worked towards.
    goal: Means,
    attempts: Attempts,
    answers: Answers,
    cookies: GivenCookies,
    /// The owner's, for the code screen that was asked for.
    code: Option<SecretBytes>,
    /// What was done last, until the page has reacted.
    acted: Option<Acted>,
    /// How often each screen was acted on since a person was there last.
    counts: Vec<u32>,
    /// Whether a person had the browser since anything was typed.
    by_hand: bool,
    /// What was showing when a person was asked.
    mark: Option<Mark>,
    /// Where something was typed that no picture of the page may show.
    filled: Option<(Frame, Vec<String>)>,
    is_typing: Arc<AtomicBool>,
    trace: Vec<TraceEntry>,
}

impl SignInMachine {
    /// For a manifest's `sign_in` with its settings filled in, and its forms.
    pub fn new(descriptor: SignIn, captures: Vec<Capture>, clock: Arc<dyn Clock>) -> Self {
        Self {
            eye: Eye::new(&descriptor.screens),
            counts: vec![0; descriptor.screens.len()],
            descriptor,
            captures,
            clock,
            patience: Patience::default(),
            goal: Means::SignedIn,
            attempts: Attempts::default(),
            answers: Answers::default(),
            cookies: GivenCookies::default(),
            code: None,
            acted: None,
            by_hand: false,
            mark: None,
            filled: None,
            is_typing: Arc::default(),
            trace: Vec::new(),
        }
    }

    /// The same with other waiting times.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Opens the start page and works until it is signed in, over, or a person is needed. `stop` is asked about every 100 ms.
    pub fn begin(
        &mut self,
        tabs: &Tabs,
        secrets: &mut dyn SignInSecrets,
        stop: &dyn Fn() -> bool,
    ) -> Result<Turn, BrowserError> {
        tabs.close_dialogs(true);
        let turn = match self.open(tabs, stop) {
            Ok(None) => self.work(tabs, secrets, stop),
            Ok(Some(turn)) => Ok(turn),
            Err(error) => Err(error),
        };
        tabs.close_dialogs(false);
        self.leave(turn?, tabs, secrets)
    }

    /// Goes on from what is showing now, after a person did something: gave a code, approved, or used the browser.
    pub fn go_on(
        &mut self,
        tabs: &Tabs,
        secrets: &mut dyn SignInSecrets,
        stop: &dyn Fn() -> bool,
    ) -> Result<Turn, BrowserError> {
        self.acted = None;
        self.counts.fill(0);
        tabs.close_dialogs(true);
        let turn = self.work(tabs, secrets, stop);
        tabs.close_dialogs(false);
        self.leave(turn?, tabs, secrets)
    }

    /// Looks without touching anything, while a person has the browser.
    pub fn look(&mut self, tabs: &Tabs) -> Result<Sight, BrowserError> {
        // What nobody asks about now is not to pile up.
        self.answers.hear(tabs)?;
        if tabs.list()?.iter().any(|tab| tab.is_dialog_open()) {
            return Ok(Sight::Same);
        }
        let looks = match self.eye.look(tabs) {
            // The page's scripts keep it busy.
            Err(BrowserError::Silent { .. }) => return Ok(Sight::Same),
            looks => looks?,
        };
        if self.means(&looks) == Some(Means::SignedIn) {
            return Ok(Sight::SignedIn);
        }
        let is_same = self.mark.as_ref().is_some_and(|mark| *mark == Mark::of(&looks));
        Ok(if is_same || looks.iter().any(|page| page.is_loading) { Sight::Same } else { Sight::Changed })
    }

    /// Whether a form of signing in is showing: where the identity cannot be read, it tells a session that was not kept from a page that
    /// was changed.
    pub fn asks_to_sign_in(&self, tabs: &Tabs) -> Result<bool, BrowserError> {
        let looks = self.eye.look(tabs)?;
        let first = self.first_shown(&looks);
        Ok(first.is_some_and(|screen| !self.descriptor.screens[screen].fill.is_empty()))
    }

    /// Takes the owner's code for the code screen that was asked for. It is typed once and kept nowhere.
    pub fn give_code(&mut self, code: SecretBytes) {
        self.code = Some(code);
    }

    /// The run ends here, whatever is open: what was typed and not answered is unknown from now on. Values are let go of.
    pub fn give_up(&mut self, secrets: &mut dyn SignInSecrets) -> Result<(), BrowserError> {
        self.attempts.settle(Some(AttemptState::Unknown), Some(AttemptState::Unjudged), secrets)?;
        self.code = None;
        self.attempts.forget();
        Ok(())
    }

    /// Which screens were recognised and what was done, in order; without any value.
    pub fn trace(&self) -> &[TraceEntry] {
        &self.trace
    }

    /// Whether a field on the page holds something that no picture of it may show. Shared and cheap to ask.
    pub fn is_typing(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_typing)
    }

    /// Opens the start page; a turn where that is the end of it.
    fn open(&mut self, tabs: &Tabs, stop: &dyn Fn() -> bool) -> Result<Option<Turn>, BrowserError> {
        let tab = tabs.first()?;
        let until = Instant::now() + self.patience.answer;
        let opening = tab.page().session().send("Page.navigate", json!({ "url": self.descriptor.start }))?;
        let answer = loop {
            if stop() {
                return Ok(Some(Turn::Stopped));
            }
            if let Some(answer) = opening.poll(SLICE)? {
                break answer;
            }
            if Instant::now() > until {
                return Ok(Some(Turn::ProviderDown { detail: "no answer".to_owned() }));
            }
        };
        // What is overtaken by the page's own navigation is not a failure to reach it.
        let failed = answer["errorText"].as_str().filter(|reason| !reason.is_empty() && *reason != "net::ERR_ABORTED");
        Ok(failed.map(|reason| Turn::ProviderDown { detail: reason.to_owned() }))
    }

    /// Resolves the attempts as the turn says, and leaves no filled field behind for a person to be shown.
    fn leave(&mut self, turn: Turn, tabs: &Tabs, secrets: &mut dyn SignInSecrets) -> Result<Turn, BrowserError> {
        use AttemptState::{Accepted, Unjudged, Unknown};
        let (judged, untouched) = match &turn {
            // Whose password it was that let a person in by hand is not known.
            Turn::SignedIn if self.by_hand => (Some(Unknown), Some(Unjudged)),
            Turn::SignedIn | Turn::SessionNotKept | Turn::PasswordExpired => (Some(Accepted), Some(Unjudged)),
            Turn::LockedOut { .. } | Turn::RateLimited { .. } | Turn::ProviderDown { .. } | Turn::Rejected { .. } => {
                (Some(Unjudged), Some(Unjudged))
            }
            Turn::WrongOrigin { .. } | Turn::Stopped => (Some(Unknown), Some(Unjudged)),
            // The password may have been right, or not looked at yet.
            Turn::NeedsOwner(Need::Challenge { .. }) => (Some(Unjudged), None),
            Turn::NeedsOwner(_) => (None, None),
        };
        self.attempts.settle(judged, untouched, secrets)?;
        if let Some((frame, selectors)) = self.filled.take()
            && turn != Turn::SignedIn
        {
            typing::clear(&frame, &selectors)?;
        }
        self.is_typing.store(false, Ordering::Release);
        if let Turn::NeedsOwner(need) = &turn {
            self.mark = match self.eye.look(tabs) {
                Err(BrowserError::Silent { .. }) => None,
                looks => Some(Mark::of(&looks?)),
            };
            if !matches!(need, Need::Code { .. } | Need::Approval { .. }) {
                self.by_hand = true;
                self.attempts.left_to_a_person();
            }
        } else {
            self.code = None;
            self.attempts.forget();
        }
        Ok(turn)
    }

    fn note(&mut self, screen: Option<usize>, address: &str, did: impl Into<String>) {
        let screen = screen.map(|screen| self.descriptor.screens[screen].name.clone());
        let entry = TraceEntry { screen, address: look::without_query(address).to_owned(), did: did.into() };
        // Waiting on the same screen is one entry.
        if self.trace.last() != Some(&entry) {
            self.trace.push(entry);
        }
    }
}
