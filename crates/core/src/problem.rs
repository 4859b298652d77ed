//! One type for what went wrong on the way to doing what a person asked: stable code, what, where, next step.

use serde::{Deserialize, Serialize};

macro_rules! problem_codes {
    ($($variant:ident = $code:literal, $status:literal, $exit:literal, $title:literal;)+) => {
        /// The stable codes, each with its HTTP status (RFC 9457), its exit code and its title: the one table of them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "each variant's title says it")]
        pub enum ProblemCode { $(#[serde(rename = $code)] $variant),+ }

        impl ProblemCode {
            /// The code in the API.
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $code),+ } }
            /// The HTTP status.
            pub fn http_status(self) -> u16 { match self { $(Self::$variant => $status),+ } }
            /// The CLI's exit code.
            pub fn exit_code(self) -> u8 { match self { $(Self::$variant => $exit),+ } }
            /// A few words for a person.
            pub fn title(self) -> &'static str { match self { $(Self::$variant => $title),+ } }
        }
    };
}

problem_codes! {
    BadInput = "bad_input", 422, 2, "That does not fit";
    NotFound = "not_found", 404, 3, "There is no such thing";
    Unauthenticated = "unauthenticated", 401, 4, "Sign in first";
    ReauthenticationRequired = "reauthentication_required", 403, 4, "Your passphrase is needed";
    Forbidden = "forbidden", 403, 4, "Not allowed";
    TooManyTries = "too_many_tries", 429, 4, "Too many tries";
    Conflict = "conflict", 409, 5, "Not in this state";
    NoLongerNeeded = "no_longer_needed", 409, 5, "No longer needed";
    SourceBusy = "source_busy", 409, 5, "The source is busy";
    NotSetUp = "not_set_up", 409, 5, "Freehold is not set up yet";
    AlreadySetUp = "already_set_up", 409, 5, "Freehold is set up already";
    VaultLocked = "vault_locked", 503, 6, "The vault is locked";
    VaultUnavailable = "vault_unavailable", 503, 6, "The vault cannot be opened";
    ConnectorInvalid = "connector_invalid", 422, 7, "The connector cannot be used";
    ModeNotOffered = "mode_not_offered", 422, 7, "Not offered for this connector";
    ServerUnreachable = "server_unreachable", 503, 8, "The server does not answer";
    DataDirectoryInUse = "data_directory_in_use", 503, 9, "The data directory is in use";
    DataNewer = "data_newer", 503, 9, "The data is from a newer Freehold";
    StorageFull = "storage_full", 507, 10, "The disk is full";
    StorageFailed = "storage_failed", 500, 10, "The database failed";
    Internal = "internal", 500, 1, "Freehold failed";
}

/// A problem as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{what} {next}")]
pub struct Problem {
    /// Which problem.
    pub code: ProblemCode,
    /// What happened, one sentence.
    pub what: String,
    /// Where: a field, a JSON pointer, a path.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at: Option<String>,
    /// What to do next, one sentence.
    pub next: String,
}

impl Problem {
    /// A problem with its sentence and the next step.
    pub fn new(code: ProblemCode, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { code, what: what.into(), at: None, next: next.into() }
    }

    /// The same, with the place.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.at = Some(place.into());
        self
    }
}
