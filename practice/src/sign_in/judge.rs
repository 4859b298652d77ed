//! What becomes of what was submitted: right, wrong, too late, used before, or not looked at.

use jiff::SignedDuration;

use super::{Attempt, Notice, Submitted, TurnedAway};
use crate::account::{SecondFactor, Site};
use crate::mood::{Area, Code};
use crate::totp;
use crate::world::World;

/// How long a code in a text is good for.
const TEXT_LIMIT: SignedDuration = SignedDuration::from_mins(5);
/// How long an account is locked.
const LOCK: SignedDuration = SignedDuration::from_mins(30);
/// Wrong passwords in a row that lock an account.
const FAILURES: u32 = 5;

impl World {
    /// Takes it in, and returns what to say of it.
    pub(super) fn judge(&mut self, site: Site, attempt: &mut Attempt, submitted: Submitted) -> Option<Notice> {
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
