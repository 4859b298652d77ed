//! Acting on a screen: what it means, what it wants typed, what is pressed.

use std::sync::atomic::Ordering;

use freehold_core::sign_in::{NotGiven, SignInSecrets};
use freehold_protocol::manifest::{Capture, Fill, Means, Screen};
use jiff::tz::TimeZone;

use super::SignInMachine;
use super::attempts::Refused;
use super::choose::Found;
use super::code::{Code, Wish};
use super::outcome::{Need, Turn};
use super::round::Round;
use super::typing::{Done, What, press, put};
use super::until;
use crate::BrowserError;

/// How often a screen without a secret is acted on before it is left to the owner.
const MOST_TIMES: u32 = 3;

impl SignInMachine {
    /// Does what a screen says; a turn where that is the end of it, or a person is needed.
    pub(super) fn act(
        &mut self,
        found: Found<'_>,
        round: &mut Round,
        secrets: &mut dyn SignInSecrets,
    ) -> Result<Option<Turn>, BrowserError> {
        let screen = self.descriptor.screens[found.matched.screen].clone();
        if let Some(means) = screen.means {
            return self.understand(means, &screen, found, secrets);
        }
        if self.counts[found.matched.screen] >= MOST_TIMES {
            return Ok(Some(self.puzzled(found, "shows again and again: left to the owner")));
        }
        if screen.fill.is_empty() {
            self.answers.begin_anew(&found.page.tab)?;
            let pressed = press(&found.page.tab, &found.frame.frame, None, screen.submit.as_deref(), None, &screen.tick)?;
            if pressed == Done::Yes {
                self.note(Some(found.matched.screen), &found.page.address, "pressed");
            }
            self.acted_on(&found, round);
            return Ok(None);
        }
        self.fill(&screen, found, round, secrets)
    }

    fn understand(
        &mut self,
        means: Means,
        screen: &Screen,
        found: Found<'_>,
        secrets: &mut dyn SignInSecrets,
    ) -> Result<Option<Turn>, BrowserError> {
        let words = || found.matched.words.clone();
        let until = || {
            let zone = TimeZone::system();
            found.matched.until.as_deref().and_then(|text| until::parse(text, self.clock.now(), &zone))
        };
        let turn = match means {
            // Signed in is seen to before; signed out is no screen of signing in.
            Means::SignedIn | Means::SignedOut => return Ok(None),
            Means::Challenge => {
                let kind = screen.kind.clone().unwrap_or_else(|| "challenge".to_owned());
                Turn::NeedsOwner(Need::Challenge { kind })
            }
            Means::Approval => {
                self.attempts.passed();
                Turn::NeedsOwner(Need::Approval { words: words() })
            }
            Means::PasswordExpired => Turn::PasswordExpired,
            Means::LockedOut => Turn::LockedOut { until: until() },
            Means::RateLimited => Turn::RateLimited { until: until() },
            Means::ProviderDown => Turn::ProviderDown { detail: screen.name.clone() },
            Means::Rejected => {
                let of = screen.rejected();
                self.note(Some(found.matched.screen), &found.page.address, format!("refused: {}", of.join(", ")));
                return Ok(match self.attempts.refuse(of, &self.captures, secrets)? {
                    Refused::Form => Some(Turn::Rejected { of: of.to_vec() }),
                    // The next look finds the code's screen, which decides whether another is tried.
                    Refused::Code | Refused::Nothing => None,
                });
            }
        };
        self.note(Some(found.matched.screen), &found.page.address, described(means));
        Ok(Some(turn))
    }

    fn fill(
        &mut self,
        screen: &Screen,
        found: Found<'_>,
        round: &mut Round,
        secrets: &mut dyn SignInSecrets,
    ) -> Result<Option<Turn>, BrowserError> {
        let origin = &found.frame.origin;
        if !self.is_ours(origin) {
            return Ok(Some(self.wrong_origin(found)));
        }
        let mut forms: Vec<(&String, Capture, &String)> = Vec::new();
        let mut code = None;
        for (selector, fill) in &screen.fill {
            match fill {
                Fill::Otp => code = Some((selector, "otp")),
                Fill::RecoveryCode => code = Some((selector, "recovery_code")),
                Fill::Field(name) => {
                    match self.captures.iter().find(|form| form.fields.iter().any(|field| field.name == *name)) {
                        Some(form) => forms.push((selector, form.clone(), name)),
                        None => return Ok(Some(self.without_details_at(found))),
                    }
                }
            }
        }
        if code.is_some() {
            self.attempts.passed();
        }
        let is_secret = |form: &Capture, name: &str| form.fields.iter().any(|field| field.name == name && field.secret);
        if forms.iter().any(|(_, form, name)| is_secret(form, name) && self.attempts.is_waiting_for_answer(form, name)) {
            if let Some(refusal) = self.refusal_beside(found) {
                let screen = self.descriptor.screens[refusal.matched.screen].clone();
                return self.understand(Means::Rejected, &screen, refusal, secrets);
            }
            // The same form again, and no word of why. It could come yet; a second submission could lock the account.
            let is_over = round.is_puzzled_for(self.patience.explain);
            return Ok(is_over.then(|| self.puzzled(found, "shows again after it was sent: left to the owner")));
        }
        // The code first: without it nothing of this screen is taken.
        let code = match code {
            None => None,
            Some((selector, name)) => match self.code(name, found, round, secrets)? {
                Wish::Here(code) => Some((selector, code)),
                Wish::Instead(turn) => return Ok(turn),
            },
        };
        // What the page may show before what it may not.
        forms.sort_by_key(|(_, form, name)| is_secret(form, name));
        self.type_in(screen, &forms, code, found, round, secrets)
    }

    /// What says on the same page why a form shows again, though the descriptor has the form first.
    pub(super) fn refusal_beside<'l>(&self, found: Found<'l>) -> Option<Found<'l>> {
        let is_refusal = |other: &Found<'_>| self.descriptor.screens[other.matched.screen].means == Some(Means::Rejected);
        self.shown_on(found.page).find(|other| is_refusal(other) && self.is_fresh(other))
    }

    fn type_in(
        &mut self,
        screen: &Screen,
        forms: &[(&String, Capture, &String)],
        code: Option<(&String, Code)>,
        found: Found<'_>,
        round: &mut Round,
        secrets: &mut dyn SignInSecrets,
    ) -> Result<Option<Turn>, BrowserError> {
        let (origin, frame) = (&found.frame.origin, &found.frame.frame);
        self.answers.begin_anew(&found.page.tab)?;
        self.filled = Some((frame.clone(), screen.fill.keys().cloned().collect()));
        let mut typed = Vec::new();
        for (selector, form, name) in forms {
            let values = match self.attempts.form(form.kind, origin, secrets) {
                Ok(values) => values,
                Err(not_given) => return self.not_given(not_given, found),
            };
            let Some(value) = values.get(*name).filter(|value| !value.is_empty()) else { continue };
            let is_secret = form.fields.iter().any(|field| field.name == **name && field.secret);
            self.is_typing.store(true, Ordering::Release);
            let done = put(frame, origin, selector, if is_secret { What::Secret } else { What::Plain }, value)?;
            if let Some(turn) = self.unless_typed(done, found, round) {
                return Ok(turn);
            }
            self.attempts.typed(form, name);
            // Whatever a person did before, this is what the provider judges now.
            self.by_hand &= !is_secret;
            typed.push(name.as_str());
        }
        if let Some((selector, Code { name, attempt, value })) = code {
            self.is_typing.store(true, Ordering::Release);
            // It counts as used from here on, typed or not.
            self.attempts.typed_code(name, attempt);
            let done = put(frame, origin, selector, What::Code, &value)?;
            if let Some(turn) = self.unless_typed(done, found, round) {
                return Ok(turn);
            }
            typed.push(name);
        }
        let field = screen.fill.keys().next().map(String::as_str);
        // A page that sends the form by itself has no button any more; what comes next tells.
        press(&found.page.tab, frame, Some(origin), screen.submit.as_deref(), field, &screen.tick)?;
        self.note(Some(found.matched.screen), &found.page.address, format!("typed {}, submitted", typed.join(" and ")));
        self.acted_on(&found, round);
        Ok(None)
    }

    /// What follows where a field was not typed into; `None` where it was.
    fn unless_typed(&mut self, done: Done, found: Found<'_>, round: &mut Round) -> Option<Option<Turn>> {
        match done {
            Done::Yes => None,
            // The page went on meanwhile: look again, where it is now.
            Done::Moved => Some(None),
            Done::Not => {
                let is_over = round.is_puzzled_for(self.patience.explain);
                Some(is_over.then(|| self.puzzled(found, "has a field that cannot be filled: left to the owner")))
            }
        }
    }

    pub(super) fn not_given(&mut self, not_given: NotGiven, found: Found<'_>) -> Result<Option<Turn>, BrowserError> {
        Ok(Some(match not_given {
            NotGiven::Absent => self.without_details_at(found),
            NotGiven::Rejected => self.ask(found, Need::Credentials),
            NotGiven::Unknown => self.ask(found, Need::AttemptUnknown),
            NotGiven::TooOften => self.ask(found, Need::TooOften),
            NotGiven::WrongOrigin => self.wrong_origin(found),
            NotGiven::NotYet(_) => return Ok(None),
            NotGiven::Failed(problem) => return Err(BrowserError::Secrets(problem)),
        }))
    }

    fn wrong_origin(&mut self, found: Found<'_>) -> Turn {
        let origin = found.frame.origin.clone();
        self.note(Some(found.matched.screen), &found.page.address, format!("typed nothing at {origin}"));
        Turn::WrongOrigin { origin }
    }

    pub(super) fn ask(&mut self, found: Found<'_>, need: Need) -> Turn {
        self.note(Some(found.matched.screen), &found.page.address, "asked the owner");
        Turn::NeedsOwner(need)
    }

    fn without_details_at(&mut self, found: Found<'_>) -> Turn {
        let turn = self.without_details();
        self.note(Some(found.matched.screen), &found.page.address, "asks for what is not stored");
        turn
    }

    pub(super) fn puzzled(&mut self, found: Found<'_>, why: &str) -> Turn {
        self.note(Some(found.matched.screen), &found.page.address, why);
        Turn::NeedsOwner(Need::UnknownScreen)
    }
}

fn described(means: Means) -> &'static str {
    match means {
        Means::SignedIn | Means::SignedOut => "nothing to do",
        Means::Rejected => "refused",
        Means::Challenge => "a challenge: asked the owner",
        Means::Approval => "waits for a yes elsewhere: asked the owner",
        Means::PasswordExpired => "a new password is wanted",
        Means::LockedOut => "the account is locked",
        Means::RateLimited => "asks for less",
        Means::ProviderDown => "is down",
    }
}
