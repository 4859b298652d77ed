//! The moods a site can be in. All are off at the start.

use serde::{Deserialize, Serialize};

/// Pages a mood applies to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// None.
    #[default]
    Nowhere,
    /// The pages of signing in.
    SignIn,
    /// The account's own page.
    Account,
    /// The orders.
    Orders,
    /// All of these and the rest.
    Everywhere,
}

/// When a captcha is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Captcha {
    /// Never.
    #[default]
    Never,
    /// Between the e-mail address and the password.
    BeforePassword,
    /// After the password.
    AfterPassword,
}

/// What becomes of a code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// It is looked at.
    #[default]
    Normal,
    /// It is wrong, whatever it is.
    AlwaysWrong,
    /// It has expired, whatever it is.
    AlwaysExpired,
}

/// Every switch of both shops.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Moods {
    /// Every answer waits this long, in milliseconds.
    pub delay_ms: u32,
    /// Where every answer is a 500.
    pub errors: Area,
    /// A password or a code that is submitted is answered with a 500, and nobody knows whether it was looked at.
    pub submit_errors: bool,
    /// Where every request is one too many: 429 with `Retry-After`. When signing in, a password or a code that is submitted is.
    pub rate_limited: Area,
    /// Where ids, classes and data attributes have other names than before.
    pub changed_layout: Area,
    /// When a captcha is shown.
    pub captcha: Captcha,
    /// What becomes of a code.
    pub code: Code,
    /// Signing in waits for a yes on the phone.
    pub approval: bool,
    /// A right password has to be replaced before going on.
    pub password_expired: bool,
    /// The account is locked for half an hour, whatever the password.
    pub locked_out: bool,
    /// The name of an account; whoever signs in finds themselves in this one.
    pub wrong_account: Option<String>,
    /// The pages after sign-in and a check on the way to them redirect to each other for ever.
    pub endless_redirect: bool,
    /// Signing in happens in a window of its own.
    pub popup: bool,
    /// After the password a picture has to be uploaded.
    pub file_dialog: bool,
    /// A refusal does not say whether the e-mail address or the password was wrong.
    pub vague_refusal: bool,
    /// Signing in works, and the next page knows nothing of it.
    pub session_not_kept: bool,
    /// The sign-in pages are at another origin, as those of a look-alike are: `localhost` for `127.0.0.1`, and the other way round.
    pub look_alike: bool,
    /// A session ends this long after sign-in, in seconds; 0 is never.
    pub session_seconds: u32,
}
