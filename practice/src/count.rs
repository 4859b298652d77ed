//! What has happened: tests read here that a password was submitted exactly once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::Site;

/// Requests listed at most; beyond, only counted.
const REQUESTS_KEPT: usize = 10_000;

/// Everything counted since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Pages served, the control pages left out.
    pub pages: u64,
    /// The requests for them in order: `GET shop /orders?year=2024`.
    pub requests: Vec<String>,
    /// E-mail addresses submitted that no account has.
    pub unknown_emails: u64,
    /// Submissions in which a hidden field that nobody sees was filled.
    pub decoy_filled: u64,
    /// By site and name, as in `shop/maria`. Every account is there from the start.
    pub accounts: BTreeMap<String, AccountCounts>,
}

/// What happened to one account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCounts {
    /// Passwords submitted, whatever came of it.
    pub passwords: u64,
    /// Of these, the right ones.
    pub passwords_right: u64,
    /// Of these, the wrong ones.
    pub passwords_wrong: u64,
    /// Of these, those that came while the account was locked, and were not looked at.
    pub passwords_while_locked: u64,
    /// Of these, those that were answered with a 429 or a 500, and were not looked at.
    pub passwords_unseen: u64,
    /// Codes submitted, whatever came of it.
    pub codes: u64,
    /// Of these, the right ones.
    pub codes_right: u64,
    /// Of these, the wrong ones.
    pub codes_wrong: u64,
    /// Of these, those that came too late.
    pub codes_expired: u64,
    /// Of these, those of an authenticator step that was used before.
    pub codes_used_before: u64,
    /// Recovery codes submitted, whatever came of it.
    pub recovery_codes: u64,
    /// Of these, those that were valid, and are spent now.
    pub recovery_codes_right: u64,
    /// Texts sent to its phone.
    pub texts: u64,
    /// Captcha answers submitted.
    pub captchas: u64,
    /// Times someone was signed in by this account's details.
    pub signed_in: u64,
    /// Times someone signed out of it.
    pub signed_out: u64,
}

impl Counts {
    /// Of one account; all zero if there is none of that name.
    #[must_use]
    pub fn of(&self, site: Site, name: &str) -> AccountCounts {
        self.accounts.get(&key(site, name)).copied().unwrap_or_default()
    }

    pub(crate) fn of_mut(&mut self, site: Site, name: &str) -> &mut AccountCounts {
        self.accounts.entry(key(site, name)).or_default()
    }

    pub(crate) fn page(&mut self, request: String) {
        self.pages += 1;
        if self.requests.len() < REQUESTS_KEPT {
            self.requests.push(request);
        }
    }
}

fn key(site: Site, name: &str) -> String {
    format!("{}/{name}", site.code())
}
