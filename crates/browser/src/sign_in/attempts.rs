//! The attempts of one sign-in: what was taken for it, and how the provider answered each.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use freehold_core::attempt::AttemptState;
use freehold_core::sign_in::{Given, NotGiven, SignInSecrets, Wanted};
use freehold_core::{AttemptId, SecretBytes, SecretKind};
use freehold_protocol::manifest::{Capture, Fill};

use crate::BrowserError;

/// What was taken, and is kept in memory until the sign-in ends.
#[derive(Default)]
pub(super) struct Attempts {
    forms: BTreeMap<SecretKind, Form>,
    code: Option<Code>,
    refused_codes: u32,
}

struct Form {
    given: Given,
    /// The names of the fields that were typed.
    typed: BTreeSet<String>,
    /// Whether one of them was secret: only then can the provider have judged it.
    is_judged: bool,
    /// Whether the provider asked for a code or a yes since then, which it does when the password was right.
    is_passed: bool,
    is_open: bool,
    /// Whether a person had the page since.
    is_left: bool,
}

/// The code that was typed last.
struct Code {
    name: &'static str,
    /// `None` for one that the owner gave.
    attempt: Option<AttemptId>,
}

/// What a screen that says "rejected" was about.
pub(super) enum Refused {
    /// A form: the sign-in is over.
    Form,
    /// The last code.
    Code,
    /// Nothing that was typed in this sign-in.
    Nothing,
}

impl Attempts {
    /// The values of the form of that kind, taken now or earlier in this sign-in.
    pub(super) fn form(
        &mut self,
        kind: SecretKind,
        origin: &str,
        secrets: &mut dyn SignInSecrets,
    ) -> Result<&BTreeMap<String, SecretBytes>, NotGiven> {
        let form = match self.forms.entry(kind) {
            Entry::Occupied(form) => form.into_mut(),
            Entry::Vacant(place) => place.insert(Form {
                given: secrets.take(Wanted::Fields(kind), origin)?,
                typed: BTreeSet::new(),
                is_judged: false,
                is_passed: false,
                is_open: true,
                is_left: false,
            }),
        };
        Ok(&form.given.values)
    }

    /// Whether that field's value was typed, and nothing that came since says it was right: typing it again could lock the account.
    pub(super) fn is_waiting_for_answer(&self, capture: &Capture, field: &str) -> bool {
        self.forms.get(&capture.kind).is_some_and(|form| form.typed.contains(field) && !form.is_passed)
    }

    /// A field's value is typed.
    pub(super) fn typed(&mut self, capture: &Capture, name: &str) {
        if let Some(form) = self.forms.get_mut(&capture.kind) {
            form.typed.insert(name.to_owned());
            form.is_left = false;
            form.is_judged |= capture.fields.iter().any(|field| field.name == name && field.secret);
        }
    }

    /// The provider asks for more than the form.
    pub(super) fn passed(&mut self) {
        self.forms.values_mut().filter(|form| form.is_judged).for_each(|form| form.is_passed = true);
    }

    /// A code is typed. What the one before it came to is known by now, or never will be.
    pub(super) fn typed_code(&mut self, name: &'static str, attempt: Option<AttemptId>) {
        self.code = Some(Code { name, attempt });
    }

    /// Whether anything that is named was typed, so that a page may say it was refused.
    pub(super) fn concern(&self, names: &[String], captures: &[Capture]) -> bool {
        let of_code = self.code.as_ref().is_some_and(|code| names.iter().any(|name| name == code.name));
        of_code || concerned(names, captures).any(|kind| self.forms.get(&kind).is_some_and(Form::may_be_refused))
    }

    /// Whether something was typed that the provider has not answered yet.
    pub(super) fn is_waiting(&self) -> bool {
        let waits = |form: &Form| form.is_judged && form.is_open && !form.is_passed && !form.is_left;
        self.code.is_some() || self.forms.values().any(waits)
    }

    /// Whether that was typed, as long as the provider has not refused it.
    pub(super) fn have_typed(&self, fill: &Fill) -> bool {
        let is_code = |name| self.code.as_ref().is_some_and(|code| code.name == name);
        match fill {
            Fill::Otp => is_code("otp"),
            Fill::RecoveryCode => is_code("recovery_code"),
            Fill::Field(name) => self.forms.values().any(|form| form.typed.contains(name)),
        }
    }

    /// The provider refused what is named.
    pub(super) fn refuse(
        &mut self,
        names: &[String],
        captures: &[Capture],
        secrets: &mut dyn SignInSecrets,
    ) -> Result<Refused, BrowserError> {
        let mut refused = Refused::Nothing;
        if let Some(code) = self.code.take_if(|code| names.iter().any(|name| name == code.name)) {
            if let Some(attempt) = code.attempt {
                resolve(secrets, attempt, AttemptState::Rejected)?;
            }
            self.refused_codes += 1;
            refused = Refused::Code;
        }
        for kind in concerned(names, captures) {
            if let Some(form) = self.forms.get_mut(&kind).filter(|form| form.may_be_refused()) {
                form.close(AttemptState::Rejected, secrets)?;
                refused = Refused::Form;
            }
        }
        Ok(refused)
    }

    /// How many codes were refused.
    pub(super) fn refused_codes(&self) -> u32 {
        self.refused_codes
    }

    /// Resolves what is still open: a form that the provider asked for more after was right; one it may have judged, and the last code,
    /// become `judged`; one whose secret was never typed becomes `untouched`. `None` leaves it open.
    pub(super) fn settle(
        &mut self,
        judged: Option<AttemptState>,
        untouched: Option<AttemptState>,
        secrets: &mut dyn SignInSecrets,
    ) -> Result<(), BrowserError> {
        for form in self.forms.values_mut() {
            let state = match (form.is_passed, form.is_judged) {
                (true, _) => Some(AttemptState::Accepted),
                (false, true) => judged,
                (false, false) => untouched,
            };
            if let Some(state) = state {
                form.close(state, secrets)?;
            }
        }
        if let Some(state) = judged
            && let Some(Code { attempt: Some(attempt), .. }) = self.code.take()
        {
            resolve(secrets, attempt, state)?;
        }
        Ok(())
    }

    /// Lets go of every value.
    pub(super) fn forget(&mut self) {
        self.forms.clear();
        self.code = None;
    }

    /// A person had the page: what it says from here on is not about what was typed before. A form that was resolved is taken anew
    /// where it is needed again.
    pub(super) fn left_to_a_person(&mut self) {
        self.forms.retain(|_, form| form.is_open);
        self.forms.values_mut().for_each(|form| form.is_left = true);
        self.code = None;
    }
}

/// The kinds of the forms that have a field so named.
fn concerned<'a>(names: &'a [String], captures: &'a [Capture]) -> impl Iterator<Item = SecretKind> + 'a {
    let has = |capture: &&Capture| capture.fields.iter().any(|field| names.contains(&field.name));
    captures.iter().filter(has).map(|capture| capture.kind)
}

impl Form {
    fn may_be_refused(&self) -> bool {
        !self.typed.is_empty() && !self.is_left
    }

    fn close(&mut self, state: AttemptState, secrets: &mut dyn SignInSecrets) -> Result<(), BrowserError> {
        if std::mem::take(&mut self.is_open) {
            resolve(secrets, self.given.attempt, state)?;
        }
        Ok(())
    }
}

fn resolve(secrets: &mut dyn SignInSecrets, attempt: AttemptId, state: AttemptState) -> Result<(), BrowserError> {
    secrets.resolve(attempt, state).map_err(BrowserError::Secrets)
}
