//! The name of a connector.

use serde::{Deserialize, Serialize};

/// A connector's name: its folder's name, as in `imap`. Lower-case letters, digits, `-` and `_`, at most 64, a letter first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConnectorName(String);

/// A name that is not one.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is not a connector's name: use a lower-case letter followed by up to 63 lower-case letters, digits, '-' or '_'"
)]
pub struct InvalidConnectorName(pub String);

impl ConnectorName {
    /// Checks and keeps the name.
    pub fn parse(name: &str) -> Result<Self, InvalidConnectorName> {
        let fits = name.len() <= 64
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
        if fits { Ok(Self(name.to_owned())) } else { Err(InvalidConnectorName(name.to_owned())) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ConnectorName {
    type Error = InvalidConnectorName;
    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::parse(&name)
    }
}

impl From<ConnectorName> for String {
    fn from(name: ConnectorName) -> Self {
        name.0
    }
}

impl std::fmt::Display for ConnectorName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
