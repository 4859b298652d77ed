//! Where a code comes from: the owner, a seed, the stored recovery codes; else the owner is asked.

use freehold_core::sign_in::{NotGiven, SignInSecrets, Wanted};
use freehold_core::{AttemptId, SecretBytes, SecretKind};
use freehold_protocol::manifest::{Fill, Screen};

use super::SignInMachine;
use super::choose::Found;
use super::outcome::{Need, Turn};
use super::round::Round;
use crate::BrowserError;

/// How many codes made from a seed, or stored, are tried before the owner is asked.
const MOST_CODES: u32 = 2;

/// What came of asking for something to type.
pub(super) enum Wish<T> {
    Here(T),
    /// Not now, or not at all: this is what to do instead.
    Instead(Option<Turn>),
}

/// A code, with the attempt it is; none for the owner's.
pub(super) struct Code {
    pub(super) name: &'static str,
    pub(super) attempt: Option<AttemptId>,
    pub(super) value: SecretBytes,
}

impl SignInMachine {
    /// The code for a screen: the owner's, else one that is made or stored.
    pub(super) fn code(
        &mut self,
        name: &'static str,
        found: Found<'_>,
        round: &mut Round,
        secrets: &mut dyn SignInSecrets,
    ) -> Result<Wish<Code>, BrowserError> {
        if let Some(value) = self.code.take() {
            return Ok(Wish::Here(Code { name, attempt: None, value }));
        }
        let wanted = if name == "otp" { Wanted::OneTimeCode } else { Wanted::RecoveryCode };
        let refused = self.attempts.refused_codes();
        if refused < MOST_CODES {
            let asked_at = self.clock.now();
            match secrets.take(wanted, &found.frame.origin) {
                Ok(mut given) => {
                    if let Some(value) = given.values.remove(name) {
                        return Ok(Wish::Here(Code { name, attempt: Some(given.attempt), value }));
                    }
                }
                Err(NotGiven::NotYet(time)) => {
                    self.note(Some(found.matched.screen), &found.page.address, "waits for the next code");
                    round.not_before = asked_at.checked_add(time).ok();
                    return Ok(Wish::Instead(None));
                }
                Err(NotGiven::Absent | NotGiven::Rejected | NotGiven::Unknown | NotGiven::TooOften) => {
                    if let Some(detour) = self.detour(found, secrets) {
                        return Ok(Wish::Instead(self.act(detour, round, secrets)?));
                    }
                }
                Err(not_given) => return Ok(Wish::Instead(self.not_given(not_given, found)?)),
            }
        }
        let words = found.matched.words.clone();
        let need = Need::Code { words, refused: refused > 0 };
        Ok(Wish::Instead(Some(self.ask(found, need))))
    }

    /// A later screen of the same frame that leads to, or is, the one for recovery codes, where there are any.
    fn detour<'l>(&self, found: Found<'l>, secrets: &dyn SignInSecrets) -> Option<Found<'l>> {
        let is_recovery = |screen: &Screen| screen.fill.values().any(|fill| *fill == Fill::RecoveryCode);
        if !secrets.has(SecretKind::RecoveryCodes) || !self.descriptor.screens.iter().any(is_recovery) {
            return None;
        }
        self.shown_on(found.page).find(|other| {
            let screen = &self.descriptor.screens[other.matched.screen];
            let leads = screen.means.is_none() && screen.fill.is_empty();
            let is_later = other.matched.screen > found.matched.screen;
            is_later && other.frame.frame.id() == found.frame.frame.id() && (leads || is_recovery(screen))
        })
    }
}
