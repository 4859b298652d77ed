//! Signing in, without its pages: what was shown, what was submitted, what comes next. Both sites use it, each with pages of its own.

mod judge;

use jiff::Timestamp;

use crate::account::{Account, SecondFactor, Site};
use crate::mood::{Captcha, Moods};
use crate::session::Session;
use crate::world::World;

/// What the browser is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Email,
    Captcha,
    Password,
    Locked { until: Timestamp },
    NewPassword,
    Proof,
    Approval,
    Code,
    Recovery,
    Done,
}

/// A sentence above the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    UnknownEmail,
    WrongPassword,
    WrongEmailOrPassword,
    WrongCaptcha,
    WrongCode,
    ExpiredCode,
    UsedCode,
    WrongRecovery,
    PoorPassword,
    NoFile,
    Denied,
    CodeSent,
    SignedOut,
}

/// What came with a form.
pub(crate) enum Submitted {
    Email(String),
    Captcha(String),
    Password(String),
    NewPassword(String, String),
    Proof {
        bytes: usize,
    },
    Code {
        code: String,
        remember: bool,
    },
    RecoveryCode {
        code: String,
        remember: bool,
    },
    /// "Use a recovery code instead".
    AskRecovery,
    /// "Use a code instead".
    AskCode,
    Resend,
}

/// How the site answers what it does not look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnedAway {
    TooMany,
    Failed,
}

/// One sign-in under way.
#[derive(Default)]
pub(crate) struct Attempt {
    /// Where to go afterwards: a path of this site.
    pub(crate) wanted: String,
    /// It happens in a window of its own.
    pub(crate) in_window: bool,
    pub(crate) email: Option<String>,
    pub(crate) notice: Option<Notice>,
    /// The letters in the picture.
    pub(crate) captcha: String,
    pub(crate) account: Option<&'static str>,
    locked: Option<Timestamp>,
    has_password: bool,
    has_captcha: bool,
    has_new_password: bool,
    has_proof: bool,
    has_approval: bool,
    has_code: bool,
    wants_recovery: bool,
    remember: bool,
    approval: Option<u64>,
    texted: Option<(String, Timestamp)>,
}

/// Where a finished sign-in leads.
pub(crate) struct Finished {
    pub(crate) site: Site,
    /// The id of the new session; the old one is gone.
    pub(crate) session: String,
    /// What a remembered browser shows next time.
    pub(crate) browser: Option<String>,
    pub(crate) wanted: String,
    pub(crate) in_window: bool,
}

impl Attempt {
    fn next(&self, moods: &Moods, account: Option<&Account>, is_remembered: bool) -> Step {
        if self.email.is_none() {
            return Step::Email;
        }
        if moods.captcha == Captcha::BeforePassword && !self.has_captcha {
            return Step::Captcha;
        }
        if let Some(until) = self.locked {
            return Step::Locked { until };
        }
        let Some(account) = account.filter(|_| self.has_password) else { return Step::Password };
        if moods.captcha == Captcha::AfterPassword && !self.has_captcha {
            Step::Captcha
        } else if moods.password_expired && !self.has_new_password {
            Step::NewPassword
        } else if moods.file_dialog && !self.has_proof {
            Step::Proof
        } else if moods.approval && !self.has_approval {
            Step::Approval
        } else if account.second_factor == SecondFactor::None || self.has_code || is_remembered {
            Step::Done
        } else if self.wants_recovery {
            Step::Recovery
        } else {
            Step::Code
        }
    }
}

impl World {
    /// Begins a sign-in in a session, in place of one under way. Without `wanted`, the page wanted before stays so.
    pub(crate) fn begin_sign_in(&mut self, id: &str, wanted: Option<String>, in_window: bool) {
        let captcha = self.tokens.letters();
        let Some(session) = self.sessions.get_mut(id) else { return };
        let old = session.attempt.take().unwrap_or_default();
        let wanted = wanted.unwrap_or(old.wanted);
        let in_window = in_window || old.in_window;
        session.attempt = Some(Attempt { wanted, in_window, notice: old.notice, captcha, ..Attempt::default() });
    }

    /// What a session's sign-in is at. Coming to the code sends a text, coming to the approval rings the phone.
    pub(crate) fn sign_in_step(&mut self, id: &str, browser: Option<&str>) -> Option<Step> {
        let (site, mut attempt) = self.take_attempt(id)?;
        let step = self.step_of(site, &mut attempt, browser);
        self.put_attempt(id, attempt);
        Some(step)
    }

    /// Takes in what a form brought.
    pub(crate) fn submit(&mut self, id: &str, submitted: Submitted) {
        let Some((site, mut attempt)) = self.take_attempt(id) else { return };
        attempt.notice = None;
        attempt.notice = self.judge(site, &mut attempt, submitted);
        self.put_attempt(id, attempt);
    }

    /// Ends a sign-in that came to its end, in a new session.
    pub(crate) fn finish_sign_in(&mut self, id: &str) -> Option<Finished> {
        let (site, attempt) = self.take_attempt(id)?;
        let name = attempt.account?;
        self.sessions.remove(id);
        self.counts.of_mut(site, name).signed_in += 1;
        let browser = attempt.remember.then(|| self.tokens.token());
        if let (Some(browser), Ok(account)) = (&browser, self.account_mut(site, name)) {
            account.browsers.insert(browser.clone());
        }
        let other =
            self.moods.wrong_account.clone().and_then(|other| self.account(site, &other).ok().map(|other| other.name));
        let now = self.now();
        let session = self.open_session(site);
        if let Some(opened) = self.sessions.get_mut(&session).filter(|_| !self.moods.session_not_kept) {
            opened.account = Some((other.unwrap_or(name), now));
        }
        Some(Finished { site, session, browser, wanted: attempt.wanted, in_window: attempt.in_window })
    }

    fn take_attempt(&mut self, id: &str) -> Option<(Site, Attempt)> {
        let session = self.sessions.get_mut(id)?;
        session.attempt.take().map(|attempt| (session.site, attempt))
    }

    fn put_attempt(&mut self, id: &str, attempt: Attempt) {
        if let Some(Session { attempt: place, .. }) = self.sessions.get_mut(id) {
            *place = Some(attempt);
        }
    }

    fn step_of(&mut self, site: Site, attempt: &mut Attempt, browser: Option<&str>) -> Step {
        if let Some(approved) = attempt.approval.and_then(|number| self.phone_answer(number)) {
            attempt.approval = None;
            attempt.has_approval = approved;
            if !approved {
                *attempt = Attempt {
                    wanted: std::mem::take(&mut attempt.wanted),
                    in_window: attempt.in_window,
                    notice: Some(Notice::Denied),
                    captcha: self.tokens.letters(),
                    ..Attempt::default()
                };
            }
        }
        let account = attempt.account.and_then(|name| self.account(site, name).ok());
        let is_remembered = account.is_some_and(|account| browser.is_some_and(|browser| account.browsers.contains(browser)));
        let step = attempt.next(&self.moods, account, is_remembered);
        let texts = account.is_some_and(|account| account.second_factor == SecondFactor::Sms);
        match (step, attempt.account) {
            (Step::Approval, Some(name)) if attempt.approval.is_none() => attempt.approval = Some(self.ring(site, name)),
            (Step::Code, Some(name)) if texts && attempt.texted.is_none() => {
                attempt.texted = Some((self.send_code(site, name), self.now()));
            }
            _ => {}
        }
        step
    }
}
