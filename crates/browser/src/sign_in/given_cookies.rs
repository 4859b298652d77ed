//! Cookies given as a secret: set once, before anything is typed, where the profile is not signed in by itself.

use freehold_core::SecretKind;
use freehold_core::sign_in::{NotGiven, SignInSecrets};
use serde_json::json;

use super::SignInMachine;
use super::choose::Found;
use super::outcome::{Need, Turn};
use super::round::Round;
use crate::cookies::{only_for, parse};
use crate::{BrowserError, cookies};

/// Where the cookies of a source stand in one sign-in.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum GivenCookies {
    /// Not needed yet, or there are none.
    #[default]
    NotUsed,
    /// In the browser; whether they let in is not seen yet.
    Set,
    /// They did not let in.
    Refused,
    /// They are no cookies of this provider's.
    Unusable,
}

impl SignInMachine {
    /// At a screen that asks for something: sets the cookies, or takes note that they did not help. Whether there is something to wait
    /// for now.
    pub(super) fn use_cookies(
        &mut self,
        found: Found<'_>,
        round: &mut Round,
        secrets: &mut dyn SignInSecrets,
    ) -> Result<bool, BrowserError> {
        match self.cookies {
            GivenCookies::NotUsed if secrets.has(SecretKind::Cookies) => {}
            GivenCookies::Set => {
                let names = self.cookie_fields();
                self.attempts.refuse(&names, &self.captures, secrets)?;
                self.cookies = GivenCookies::Refused;
                self.note(Some(found.matched.screen), &found.page.address, "shows in spite of the cookies");
                return Ok(false);
            }
            _ => return Ok(false),
        }
        let start = &self.descriptor.start;
        let Some(home) = self.descriptor.origins.iter().find(|origin| start.starts_with(origin.as_str())).cloned() else {
            return Ok(false);
        };
        let origins: Vec<&str> = self.descriptor.origins.iter().map(String::as_str).collect();
        let text = match self.attempts.form(SecretKind::Cookies, &home, secrets) {
            Ok(values) => values.values().next(),
            Err(NotGiven::Failed(problem)) => return Err(BrowserError::Secrets(problem)),
            Err(_) => return Ok(false),
        };
        #[expect(clippy::disallowed_methods, reason = "they leave here, for the browser")]
        let text = text.and_then(|text| std::str::from_utf8(text.expose()).ok()).unwrap_or_default();
        let all = match parse(text).and_then(|all| only_for(all, &origins)) {
            Ok(all) => all,
            Err(problem) => {
                self.cookies = GivenCookies::Unusable;
                self.note(Some(found.matched.screen), &found.page.address, format!("the cookies cannot be used: {problem}"));
                return Ok(false);
            }
        };
        let session = found.page.tab.page().session();
        cookies::set(session.client(), &all, &home)?;
        for capture in self.captures.iter().filter(|capture| capture.kind == SecretKind::Cookies) {
            capture.fields.iter().for_each(|field| self.attempts.typed(capture, &field.name));
        }
        self.cookies = GivenCookies::Set;
        self.note(Some(found.matched.screen), &found.page.address, "set the cookies, opened the start page again");
        // What is showing is left over until the page has gone.
        self.acted_on(&found, round);
        session.send("Page.navigate", json!({ "url": self.descriptor.start }))?;
        Ok(true)
    }

    /// What follows where a form asks for what is not stored.
    pub(super) fn without_details(&self) -> Turn {
        match self.cookies {
            GivenCookies::Refused => Turn::Rejected { of: self.cookie_fields() },
            GivenCookies::Unusable => Turn::NeedsOwner(Need::Credentials),
            GivenCookies::NotUsed | GivenCookies::Set => Turn::NeedsOwner(Need::SignIn),
        }
    }

    fn cookie_fields(&self) -> Vec<String> {
        let forms = self.captures.iter().filter(|capture| capture.kind == SecretKind::Cookies);
        forms.flat_map(|form| &form.fields).map(|field| field.name.clone()).collect()
    }
}
