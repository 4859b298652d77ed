//! Who asks, and what they may do.

use freehold_core::id::{SessionId, TokenId};
use freehold_core::{Problem, ProblemCode};
use serde::{Deserialize, Serialize};

/// What a caller needs to be allowed. The first five are the scopes an API token can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// See sources, records, runs.
    Read,
    /// Start and cancel runs, pause and resume.
    Run,
    /// Answer codes, challenges and approvals.
    Answer,
    /// Add and change sources.
    Configure,
    /// Take records out in bulk.
    Export,
    /// Everything that touches secrets, origins, hosts, key slots, tokens or removal: only a person who has just given the owner's
    /// passphrase, never a token.
    Reauthenticated,
}

impl Permission {
    /// The scopes an API token can have.
    pub const SCOPES: [Permission; 5] =
        [Permission::Read, Permission::Run, Permission::Answer, Permission::Configure, Permission::Export];

    /// The scope's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Permission::Read => "read",
            Permission::Run => "run",
            Permission::Answer => "answer",
            Permission::Configure => "configure",
            Permission::Export => "export",
            Permission::Reauthenticated => "reauthenticated",
        }
    }

    /// The scope of that name, if there is one.
    pub fn parse_scope(name: &str) -> Option<Self> {
        Self::SCOPES.into_iter().find(|scope| scope.as_str() == name)
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub enum Caller {
    /// The owner's browser.
    Console {
        /// Which session.
        session: SessionId,
        /// Whether the owner gave the passphrase in the last minutes.
        reauthenticated: bool,
    },
    /// The owner's terminal: right user at the socket, and the token of this data directory.
    Cli {
        /// Whether the owner gave the passphrase for this.
        reauthenticated: bool,
    },
    /// A program with an API token.
    Token {
        /// Which token.
        token: TokenId,
        /// What it may do.
        scopes: Vec<Permission>,
    },
}

impl Caller {
    /// Refuses, with the way out, unless the caller may.
    pub fn must(&self, permission: Permission) -> Result<(), Problem> {
        match (self, permission) {
            (Caller::Token { .. }, Permission::Reauthenticated) => Err(Problem::new(
                ProblemCode::Forbidden,
                "No API token may do this.",
                "Do it in the console or with the CLI, with your passphrase.",
            )),
            (Caller::Token { scopes, .. }, needed) if !scopes.contains(&needed) => Err(Problem::new(
                ProblemCode::Forbidden,
                format!("This token does not have the scope \"{}\".", needed.as_str()),
                "Make a token that has it, in Settings.",
            )),
            (
                Caller::Console { reauthenticated: false, .. } | Caller::Cli { reauthenticated: false },
                Permission::Reauthenticated,
            ) => Err(Problem::new(
                ProblemCode::ReauthenticationRequired,
                "This needs your passphrase again.",
                "Give it and repeat the request.",
            )),
            _ => Ok(()),
        }
    }

    /// How the audit log names the caller.
    pub fn actor(&self) -> String {
        match self {
            Caller::Console { session, .. } => format!("console:{session}"),
            Caller::Cli { .. } => "cli".to_owned(),
            Caller::Token { token, .. } => format!("token:{token}"),
        }
    }
}
