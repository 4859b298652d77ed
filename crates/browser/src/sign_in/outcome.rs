//! What signing in came to, and what was seen on the way.

use freehold_core::Timestamp;
use serde::Serialize;

/// Where a sign-in stands after it was worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Signed in.
    SignedIn,
    /// A person is needed; [`super::SignInMachine::go_on`] goes on afterwards.
    NeedsOwner(Need),
    /// The provider refused what is named: fields of a form, `otp` or `recovery_code`. Each is resolved as rejected.
    Rejected {
        /// Their names.
        of: Vec<String>,
    },
    /// The provider wants a new password set.
    PasswordExpired,
    /// The account is locked.
    LockedOut {
        /// Until when, where the provider says.
        until: Option<Timestamp>,
    },
    /// The provider asks for less.
    RateLimited {
        /// Until when, where the provider says.
        until: Option<Timestamp>,
    },
    /// Signed in, and signed out again straight after.
    SessionNotKept,
    /// A page at an origin that is not the connector's asks for a secret. It got nothing.
    WrongOrigin {
        /// Its origin.
        origin: String,
    },
    /// The provider cannot be reached, or answers badly.
    ProviderDown {
        /// In a few words: Chromium's name for it, or the status.
        detail: String,
    },
    /// It was told to stop.
    Stopped,
}

/// What a person is needed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Sign in by hand, in the secure browser: what the form asks for is not stored.
    SignIn,
    /// A code.
    Code {
        /// The provider's own words beside its field, as in "sent to •••42".
        words: Option<String>,
        /// Whether the code before it was refused.
        refused: bool,
    },
    /// Something only a person can solve.
    Challenge {
        /// As the connector calls it: `captcha`.
        kind: String,
    },
    /// A yes on another device.
    Approval {
        /// The provider's own words.
        words: Option<String>,
    },
    /// Other sign-in details: what is stored was refused before.
    Credentials,
    /// A page the connector does not know, or that does not react.
    UnknownScreen,
    /// An earlier attempt was cut off before its answer was seen, so it is not repeated.
    AttemptUnknown,
    /// One more attempt by itself would put the account at risk of being locked.
    TooOften,
}

/// What is showing while a person has the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// A `signed_in` screen.
    SignedIn,
    /// What was showing when the person was asked.
    Same,
    /// Something else.
    Changed,
}

/// One thing that was recognised, and what was done about it. There is no value in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceEntry {
    /// The screen's name; `None` for a page that matches none.
    pub screen: Option<String>,
    /// The page's address, without its query.
    pub address: String,
    /// What was done, in a few words: "typed username, submitted".
    pub did: String,
}
