//! Secret bytes, and the kinds of secret a source can have.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// Bytes that must not be seen: a password, a token, a key. Wiped when dropped.
///
/// There is no `Debug`, `Display`, `Clone` or `Serialize`, so that a secret cannot reach a log, an error or a page by accident;
/// [`SecretBytes::expose`] is the one way in, and the lints allow it only where the bytes have to leave.
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes the bytes over. The caller must not keep a copy.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<String> for SecretBytes {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        // The whole allocation, not only the part in use: a vector that shrank keeps its old end.
        self.0.zeroize();
    }
}

/// The kinds of secret a credential bundle can hold. One kind is one sealed row with its own version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretKind {
    /// A user name and a password.
    UsernamePassword,
    /// An API or access token.
    Token,
    /// A password made by the provider for one program.
    AppPassword,
    /// Single-use recovery codes, all in one row.
    RecoveryCodes,
    /// A seed for one-time codes (RFC 6238), bare or as an `otpauth://` URI.
    OtpSeed,
    /// Browser cookies.
    Cookies,
    /// OAuth access and refresh tokens.
    OauthTokens,
}

impl SecretKind {
    /// Every kind, in the order the forms show them.
    pub const ALL: [SecretKind; 7] = [
        SecretKind::UsernamePassword,
        SecretKind::AppPassword,
        SecretKind::Token,
        SecretKind::OtpSeed,
        SecretKind::RecoveryCodes,
        SecretKind::Cookies,
        SecretKind::OauthTokens,
    ];

    /// The name in the database, the API and manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            SecretKind::UsernamePassword => "username_password",
            SecretKind::Token => "token",
            SecretKind::AppPassword => "app_password",
            SecretKind::RecoveryCodes => "recovery_codes",
            SecretKind::OtpSeed => "otp_seed",
            SecretKind::Cookies => "cookies",
            SecretKind::OauthTokens => "oauth_tokens",
        }
    }

    /// The name a person reads.
    pub fn label(self) -> &'static str {
        match self {
            SecretKind::UsernamePassword => "User name and password",
            SecretKind::Token => "Token",
            SecretKind::AppPassword => "App password",
            SecretKind::RecoveryCodes => "Recovery codes",
            SecretKind::OtpSeed => "One-time code seed",
            SecretKind::Cookies => "Cookies",
            SecretKind::OauthTokens => "OAuth tokens",
        }
    }

    /// The kind of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}
