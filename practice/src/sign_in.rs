//! Signing in, without its pages: what was shown, what was submitted, what comes next. Both sites use it, each with pages of its own.

use jiff::{SignedDuration, Timestamp};

use crate::account::{Account, SecondFactor, Site};
use crate::mood::{Area, Captcha, Code, Moods};
use crate::session::Session;
use crate::totp;
use crate::world::World;

/// How long a code in a text is good for.
pub(crate) const TEXT_LIMIT: SignedDuration = SignedDuration::from_mins(5);
/// How long an account is locked.
const LOCK: SignedDuration = SignedDuration::from_mins(30);
/// Wrong passwords in a row that lock an account.
const FAILURES: u32 = 5;

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
    account: Option<&'static str>,
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
        Some(Finished { session, browser, wanted: attempt.wanted, in_window: attempt.in_window })
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

    fn judge(&mut self, site: Site, attempt: &mut Attempt, submitted: Submitted) -> Option<Notice> {
        match submitted {
            Submitted::Email(email) => {
                let email = email.trim().to_lowercase();
                attempt.account =
                    self.accounts.iter().find(|one| one.site == site && one.email == email).map(|one| one.name);
                if attempt.account.is_none() {
                    self.counts.unknown_emails += 1;
                    if !self.moods.vague_refusal {
                        return Some(Notice::UnknownEmail);
                    }
                }
                attempt.email = Some(email);
                None
            }
            Submitted::Captcha(letters) => {
                if let Some(name) = attempt.account {
                    self.counts.of_mut(site, name).captchas += 1;
                }
                attempt.has_captcha = letters.trim().eq_ignore_ascii_case(&attempt.captcha);
                if attempt.has_captcha {
                    return None;
                }
                attempt.captcha = self.tokens.letters();
                Some(Notice::WrongCaptcha)
            }
            Submitted::Password(password) => self.judge_password(site, attempt, &password),
            Submitted::NewPassword(password, again) => {
                let account = attempt.account.filter(|_| attempt.has_password)?;
                let account = self.account_mut(site, account).ok()?;
                if password.chars().count() < 8 || password != again || password == account.password {
                    return Some(Notice::PoorPassword);
                }
                account.password = password;
                attempt.has_new_password = true;
                None
            }
            Submitted::Proof { bytes } => {
                attempt.has_proof = bytes > 0;
                (bytes == 0).then_some(Notice::NoFile)
            }
            Submitted::Code { code, remember } => {
                attempt.remember = remember;
                self.judge_code(site, attempt, &code)
            }
            Submitted::RecoveryCode { code, remember } => {
                let name = attempt.account.filter(|_| attempt.has_password)?;
                attempt.remember = remember;
                self.counts.of_mut(site, name).recovery_codes += 1;
                let digits = |code: &str| code.chars().filter(char::is_ascii_digit).collect::<String>();
                let account = self.account_mut(site, name).ok()?;
                let found = account.recovery.iter().find(|known| digits(known) == digits(&code)).cloned();
                let Some(found) = found else { return Some(Notice::WrongRecovery) };
                account.recovery.remove(&found);
                self.counts.of_mut(site, name).recovery_codes_right += 1;
                attempt.has_code = true;
                None
            }
            Submitted::AskRecovery | Submitted::AskCode => {
                attempt.wants_recovery = matches!(submitted, Submitted::AskRecovery);
                None
            }
            Submitted::Resend => {
                let name = attempt.account.filter(|_| attempt.has_password)?;
                attempt.texted = None;
                attempt.wants_recovery = false;
                self.account(site, name).is_ok_and(|one| one.second_factor == SecondFactor::Sms).then_some(Notice::CodeSent)
            }
        }
    }

    fn judge_password(&mut self, site: Site, attempt: &mut Attempt, password: &str) -> Option<Notice> {
        let refusal = if self.moods.vague_refusal { Notice::WrongEmailOrPassword } else { Notice::WrongPassword };
        let Some(name) = attempt.account else { return Some(refusal) };
        let (now, mood_locks) = (self.now(), self.moods.locked_out);
        self.counts.of_mut(site, name).passwords += 1;
        let account = self.account_mut(site, name).ok()?;
        let locked = account.locked_until.filter(|until| *until > now).or_else(|| mood_locks.then(|| now + LOCK));
        if locked.is_some() {
            attempt.locked = locked;
            self.counts.of_mut(site, name).passwords_while_locked += 1;
            return None;
        }
        if account.password == password {
            account.failures = 0;
            attempt.has_password = true;
            self.counts.of_mut(site, name).passwords_right += 1;
            return None;
        }
        account.failures += 1;
        if account.failures >= FAILURES {
            account.failures = 0;
            account.locked_until = Some(now + LOCK);
        }
        self.counts.of_mut(site, name).passwords_wrong += 1;
        Some(refusal)
    }

    fn judge_code(&mut self, site: Site, attempt: &mut Attempt, code: &str) -> Option<Notice> {
        let name = attempt.account.filter(|_| attempt.has_password)?;
        let now = self.now();
        let mood = self.moods.code;
        let code: String = code.chars().filter(char::is_ascii_digit).collect();
        let account = self.account_mut(site, name).ok()?;
        let verdict = match (mood, account.second_factor) {
            (Code::AlwaysWrong, _) => Some(Notice::WrongCode),
            (Code::AlwaysExpired, _) => Some(Notice::ExpiredCode),
            (Code::Normal, SecondFactor::Sms) => match &attempt.texted {
                Some((sent, _)) if *sent != code => Some(Notice::WrongCode),
                Some((_, at)) if now.duration_since(*at) > TEXT_LIMIT => Some(Notice::ExpiredCode),
                Some(_) => None,
                None => Some(Notice::WrongCode),
            },
            (Code::Normal, _) => {
                let step = totp::step(now);
                // A clock may be one step off. Older steps were right once; saying so helps whoever waited too long.
                match (step - 10..=step + 1).rev().find(|step| totp::code(account.seed, *step) == code) {
                    Some(found) if found <= account.last_step => Some(Notice::UsedCode),
                    Some(found) if found < step - 1 => Some(Notice::ExpiredCode),
                    Some(found) => {
                        account.last_step = found;
                        None
                    }
                    None => Some(Notice::WrongCode),
                }
            }
        };
        let counts = self.counts.of_mut(site, name);
        counts.codes += 1;
        match verdict {
            None => counts.codes_right += 1,
            Some(Notice::ExpiredCode) => counts.codes_expired += 1,
            Some(Notice::UsedCode) => counts.codes_used_before += 1,
            Some(_) => counts.codes_wrong += 1,
        }
        attempt.has_code = verdict.is_none();
        verdict
    }

    /// Whether the mood is to turn away what was submitted, unseen. It is counted all the same: it arrived.
    pub(crate) fn turn_away(&mut self, id: &str, submitted: &Submitted) -> Option<TurnedAway> {
        let limits = matches!(self.moods.rate_limited, Area::SignIn | Area::Everywhere);
        let fails = self.moods.submit_errors;
        let away = match submitted {
            Submitted::Password(_) | Submitted::Code { .. } | Submitted::RecoveryCode { .. } if fails => TurnedAway::Failed,
            Submitted::Password(_) | Submitted::Code { .. } | Submitted::RecoveryCode { .. } if limits => {
                TurnedAway::TooMany
            }
            _ => return None,
        };
        let attempt = self.sessions.get(id).and_then(|session| Some((session.site, session.attempt.as_ref()?.account?)));
        if let Some((site, name)) = attempt {
            let counts = self.counts.of_mut(site, name);
            match submitted {
                Submitted::Password(_) => {
                    counts.passwords += 1;
                    counts.passwords_unseen += 1;
                }
                Submitted::RecoveryCode { .. } => counts.recovery_codes += 1,
                _ => counts.codes += 1,
            }
        }
        Some(away)
    }
}
