//! Console sessions and API tokens. Only hashes are here: whoever reads the database cannot sign in with it.

use freehold_core::Timestamp;
use freehold_core::id::{SessionId, TokenId};
use rusqlite::{OptionalExtension, Row};

use super::DataDb;
use crate::row::{json, millis, parsed, time, time_or_none, to_json};
use crate::{Result, StoreError};

/// A console session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Its id.
    pub id: SessionId,
    /// The hash of its cookie.
    pub hash: [u8; 32],
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_seen_at: Timestamp,
    /// Until when the passphrase need not be given again.
    pub reauth_until: Option<Timestamp>,
    /// The browser, in its own words.
    pub user_agent: String,
    /// The address it was begun from, where that was known.
    pub address: Option<String>,
}

/// An API token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Its id.
    pub id: TokenId,
    /// The owner's name for it.
    pub name: String,
    /// The hash of the token.
    pub hash: [u8; 32],
    /// What it may do, by name.
    pub scopes: Vec<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl DataDb {
    /// What of a restored backup is not so on this machine: nobody is signed in to the console, nothing is proven, and what runs that were
    /// to keep nothing left is not here to be looked for. Says how many of those there were.
    pub fn forget_what_was_of_another_machine(&self) -> Result<usize> {
        self.write("forgetting what was of another machine", |connection| {
            connection.execute_batch("DELETE FROM sessions; DELETE FROM proofs;")?;
            Ok(connection.execute("UPDATE runs SET unwiped = NULL WHERE unwiped IS NOT NULL", [])?)
        })
    }

    /// Adds a session.
    pub fn insert_session(&self, row: SessionRow) -> Result<()> {
        self.write("adding a session", move |connection| {
            connection.execute(
                "INSERT INTO sessions (id, hash, created_at, last_seen_at, reauth_until, user_agent, address) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                (
                    row.id.to_string(),
                    row.hash,
                    millis(row.created_at),
                    millis(row.last_seen_at),
                    row.reauth_until.map(millis),
                    row.user_agent,
                    row.address,
                ),
            )?;
            Ok(())
        })
    }

    /// The session of a cookie.
    pub fn session_by_hash(&self, hash: &[u8; 32]) -> Result<Option<SessionRow>> {
        self.read("reading a session", |connection| {
            Ok(connection
                .prepare_cached("SELECT * FROM sessions WHERE hash = ?1")?
                .query_row([hash], session_row)
                .optional()?)
        })
    }

    /// Every session, the last used first.
    pub fn sessions(&self) -> Result<Vec<SessionRow>> {
        self.read("reading the sessions", |connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM sessions ORDER BY last_seen_at DESC, id")?;
            let rows = statement.query_map([], session_row)?.collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// Notes that a session was used.
    pub fn touch_session(&self, id: SessionId, at: Timestamp) -> Result<()> {
        self.write_soon("noting a session's use", move |connection| {
            connection
                .prepare_cached("UPDATE sessions SET last_seen_at = ?2 WHERE id = ?1")?
                .execute((id.to_string(), millis(at)))?;
            Ok(())
        })
    }

    /// Sets until when a session need not give the passphrase again.
    pub fn set_session_reauth(&self, id: SessionId, until: Option<Timestamp>) -> Result<()> {
        self.write("noting that the passphrase was given", move |connection| {
            let changed = connection
                .execute("UPDATE sessions SET reauth_until = ?2 WHERE id = ?1", (id.to_string(), until.map(millis)))?;
            if changed == 0 { Err(StoreError::not_found(format!("session {id}"))) } else { Ok(()) }
        })
    }

    /// Ends a session; nothing if it has ended.
    pub fn delete_session(&self, id: SessionId) -> Result<()> {
        self.write("ending a session", move |connection| {
            connection.execute("DELETE FROM sessions WHERE id = ?1", [id.to_string()])?;
            Ok(())
        })
    }

    /// Adds a token.
    pub fn insert_token(&self, row: TokenRow) -> Result<()> {
        self.write("adding a token", move |connection| {
            connection.execute(
                "INSERT INTO tokens (id, name, hash, scopes, created_at, last_used_at, revoked_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                (
                    row.id.to_string(),
                    row.name,
                    row.hash,
                    to_json(&row.scopes)?,
                    millis(row.created_at),
                    row.last_used_at.map(millis),
                    row.revoked_at.map(millis),
                ),
            )?;
            Ok(())
        })
    }

    /// The token with this hash, unless it was revoked.
    pub fn token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<TokenRow>> {
        self.read("reading a token", |connection| {
            Ok(connection
                .prepare_cached("SELECT * FROM tokens WHERE hash = ?1 AND revoked_at IS NULL")?
                .query_row([hash], token_row)
                .optional()?)
        })
    }

    /// Every token, the newest first, revoked ones too.
    pub fn tokens(&self) -> Result<Vec<TokenRow>> {
        self.read("reading the tokens", |connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM tokens ORDER BY created_at DESC, id")?;
            let rows = statement.query_map([], token_row)?.collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// Notes that a token was used.
    pub fn touch_token(&self, id: TokenId, at: Timestamp) -> Result<()> {
        self.write_soon("noting a token's use", move |connection| {
            connection
                .prepare_cached("UPDATE tokens SET last_used_at = ?2 WHERE id = ?1")?
                .execute((id.to_string(), millis(at)))?;
            Ok(())
        })
    }

    /// Revokes a token for good.
    pub fn revoke_token(&self, id: TokenId, at: Timestamp) -> Result<()> {
        self.write("revoking a token", move |connection| {
            let changed = connection.execute(
                "UPDATE tokens SET revoked_at = ifnull(revoked_at, ?2) WHERE id = ?1",
                (id.to_string(), millis(at)),
            )?;
            if changed == 0 { Err(StoreError::not_found(format!("token {id}"))) } else { Ok(()) }
        })
    }
}

fn session_row(row: &Row<'_>) -> rusqlite::Result<SessionRow> {
    Ok(SessionRow {
        id: parsed(row, "id", SessionId::parse)?,
        hash: row.get("hash")?,
        created_at: time(row, "created_at")?,
        last_seen_at: time(row, "last_seen_at")?,
        reauth_until: time_or_none(row, "reauth_until")?,
        user_agent: row.get("user_agent")?,
        address: row.get("address")?,
    })
}

fn token_row(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    Ok(TokenRow {
        id: parsed(row, "id", TokenId::parse)?,
        name: row.get("name")?,
        hash: row.get("hash")?,
        scopes: json(row, "scopes")?,
        created_at: time(row, "created_at")?,
        last_used_at: time_or_none(row, "last_used_at")?,
        revoked_at: time_or_none(row, "revoked_at")?,
    })
}
