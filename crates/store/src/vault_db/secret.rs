//! Sealed secrets, their versions, and the keys they are sealed with.

use freehold_core::{SealedBytes, SecretAddress, SecretKind, SourceId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{VaultDb, audit};
use crate::database::{Durability, truncate_log};
use crate::row::{millis, named, parsed, time, time_or_none};
use crate::{AuditMake, Result, StoreError};

/// The purpose of the key that secrets are sealed with.
const SECRETS: &str = "secrets";

/// A key of one source, wrapped by the root key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceKeyRow {
    /// Whose.
    pub source: SourceId,
    /// `secrets` or `profile`.
    pub purpose: String,
    /// Which one, from 1.
    pub generation: u32,
    /// `active`: seals and opens. `retiring`: only opens.
    pub state: String,
    /// The key, wrapped.
    pub wrapped: SealedBytes,
}

/// A secret to be kept.
pub struct PutSecret {
    /// What it is sealed for.
    pub address: SecretAddress,
    /// The secret, sealed.
    pub sealed: SealedBytes,
    /// The key it is sealed with, if that is new.
    pub new_key: Option<SourceKeyRow>,
    /// The words the owner agreed to.
    pub consent: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What is known of one version of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretState {
    /// Kept, not tried yet.
    Saved,
    /// The provider accepted it.
    Verified,
    /// The provider refused it.
    Rejected,
    /// An attempt with it was cut off.
    Unknown,
}

impl SecretState {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            SecretState::Saved => "saved",
            SecretState::Verified => "verified",
            SecretState::Rejected => "rejected",
            SecretState::Unknown => "unknown",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Saved, Self::Verified, Self::Rejected, Self::Unknown].into_iter().find(|state| state.as_str() == name)
    }
}

/// One version of a secret, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRow {
    /// What kind.
    pub kind: SecretKind,
    /// Which version, from 1.
    pub version: u32,
    /// What is known of it.
    pub state: SecretState,
    /// When it was saved.
    pub created_at: Timestamp,
    /// When it was last accepted.
    pub verified_at: Option<Timestamp>,
    /// When it was refused.
    pub rejected_at: Option<Timestamp>,
    /// When it was last submitted.
    pub last_used_at: Option<Timestamp>,
    /// The words the owner agreed to.
    pub consent: Option<String>,
    /// Since when it is not known which of its codes were used: a backup that was made then was restored.
    pub in_doubt_since: Option<Timestamp>,
}

impl VaultDb {
    /// The keys of a source for a purpose, the newest first.
    pub fn source_keys(&self, source: SourceId, purpose: &str) -> Result<Vec<SourceKeyRow>> {
        self.read("reading a source's keys", |connection| {
            let mut statement = connection
                .prepare_cached("SELECT * FROM source_keys WHERE source = ?1 AND purpose = ?2 ORDER BY generation DESC")?;
            let rows = statement
                .query_map((source.to_string(), purpose), |row| {
                    Ok(SourceKeyRow {
                        source,
                        purpose: row.get("purpose")?,
                        generation: row.get("generation")?,
                        state: row.get("state")?,
                        wrapped: SealedBytes(row.get("wrapped")?),
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// Keeps a source's new key. A conflict if that generation, or another active one of the purpose, is there already.
    pub fn put_source_key(&self, key: SourceKeyRow, audit: AuditMake) -> Result<()> {
        self.write("keeping a source's key", move |connection| {
            insert_key(connection, &key)?;
            audit::append(connection, audit)
        })
    }

    /// Keeps a secret as `saved`, its key and its version with it. A verified version stays beside it until this one is verified;
    /// any other is destroyed. A conflict unless its version is the next one.
    pub fn put_secret(&self, put: PutSecret, audit: AuditMake) -> Result<()> {
        let destroyed = self.write("keeping a secret", move |connection| {
            let address = &put.address;
            let (source, kind) = (address.source.to_string(), address.kind.as_str());
            let next = last_version(connection, address.source, address.kind)? + 1;
            if address.version != next {
                return Err(StoreError::conflict(format!(
                    "version {} of a {} cannot be kept: the next one is {next}",
                    address.version,
                    address.kind.label().to_lowercase()
                )));
            }
            if let Some(key) = &put.new_key {
                insert_key(connection, key)?;
            }
            let has_key: bool = connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM source_keys WHERE source = ?1 AND purpose = ?2)")?
                .query_row((&source, SECRETS), |row| row.get(0))?;
            if !has_key {
                return Err(StoreError::conflict("a secret cannot be kept without the key it is sealed with"));
            }
            connection
                .prepare_cached("INSERT OR REPLACE INTO secret_versions (source, kind, last) VALUES (?1, ?2, ?3)")?
                .execute((&source, kind, next))?;
            let destroyed = connection
                .prepare_cached("DELETE FROM secrets WHERE source = ?1 AND kind = ?2 AND state <> 'verified'")?
                .execute((&source, kind))?;
            connection
                .prepare_cached(
                    "INSERT INTO secrets (source, kind, version, owner, connector, state, sealed, consent, created_at) \
                     VALUES (?1, ?2, ?3, ?4, ?5, 'saved', ?6, ?7, ?8)",
                )?
                .execute((
                    &source,
                    kind,
                    next,
                    address.owner.to_string(),
                    address.connector.as_str(),
                    &put.sealed.0,
                    &put.consent,
                    millis(put.at),
                ))?;
            audit::append(connection, audit)?;
            Ok(destroyed)
        })?;
        if destroyed > 0 { self.database.truncate_log() } else { Ok(()) }
    }

    /// The version the next secret of this kind gets. No number comes twice, also after all was forgotten.
    pub fn next_secret_version(&self, source: SourceId, kind: SecretKind) -> Result<u32> {
        self.read("reading a secret's version", |connection| Ok(last_version(connection, source, kind)? + 1))
    }

    /// Uses up the next version for a secret that is not kept, so that the ledger knows it from every other.
    pub fn use_secret_version(&self, source: SourceId, kind: SecretKind) -> Result<u32> {
        self.write("using a secret's version", move |connection| {
            let next = last_version(connection, source, kind)? + 1;
            connection
                .prepare_cached("INSERT OR REPLACE INTO secret_versions (source, kind, last) VALUES (?1, ?2, ?3)")?
                .execute((source.to_string(), kind.as_str(), next))?;
            Ok(next)
        })
    }

    /// A source's secrets, without their bytes, by kind and version.
    pub fn secrets(&self, source: SourceId) -> Result<Vec<SecretRow>> {
        self.read("reading a source's secrets", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT kind, version, state, created_at, verified_at, rejected_at, last_used_at, consent, in_doubt_since \
                 FROM secrets WHERE source = ?1 ORDER BY kind, version",
            )?;
            let rows = statement.query_map([source.to_string()], secret_row)?.collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// The sealed bytes, to be compared with a retyped value; a secret is used only by way of an attempt.
    pub fn sealed(&self, address: SecretAddress) -> Result<SealedBytes> {
        self.read("reading a sealed secret", |connection| Ok(sealed_at(connection, &address)?.0))
    }

    /// Destroys a source's key for a purpose and, for `secrets`, all that is sealed with it; ledger and version numbers stay. The key
    /// goes first: should the machine stop in between, what is left cannot be opened, and goes at the next start.
    pub fn forget(&self, source: SourceId, purpose: &str, audit: AuditMake) -> Result<()> {
        let (key_of, rows_of) = (source.to_string(), source.to_string());
        let (key_purpose, purpose) = (purpose.to_owned(), purpose.to_owned());
        self.write("destroying a source's key", move |connection| {
            connection.execute("DELETE FROM source_keys WHERE source = ?1 AND purpose = ?2", (key_of, key_purpose))?;
            Ok(())
        })?;
        self.write("destroying a source's secrets", move |connection| {
            if purpose == SECRETS {
                connection.execute("DELETE FROM secrets WHERE source = ?1", [rows_of])?;
            }
            audit::append(connection, audit)
        })?;
        self.database.remove_copies()?;
        self.shrink()
    }

    /// Notes that a backup made at `made_at` was restored: which of a list's codes were used since, nobody here can know. Says how many
    /// lists that are.
    pub fn doubt_codes(&self, made_at: Timestamp, audit: AuditMake) -> Result<usize> {
        self.write("noting that a backup was restored", move |connection| {
            let lists = connection.execute(
                "UPDATE secrets SET in_doubt_since = ifnull(in_doubt_since, ?1) WHERE kind = ?2",
                (millis(made_at), SecretKind::RecoveryCodes.as_str()),
            )?;
            audit::append(connection, audit)?;
            Ok(lists)
        })
    }

    /// The owner says that none of a source's codes was used meanwhile. A conflict if that was not in doubt.
    pub fn trust_codes(&self, source: SourceId, audit: AuditMake) -> Result<()> {
        self.write("trusting recovery codes again", move |connection| {
            let changed = connection.execute(
                "UPDATE secrets SET in_doubt_since = NULL WHERE source = ?1 AND in_doubt_since IS NOT NULL",
                [source.to_string()],
            )?;
            if changed == 0 {
                return Err(StoreError::conflict("none of this source's recovery codes is in doubt"));
            }
            audit::append(connection, audit)
        })
    }

    /// Destroys secrets whose key is gone already.
    pub(super) fn finish_forgetting(&self) -> Result<()> {
        let left = self.database.write("finishing a wipe", Durability::Disk, |connection| {
            Ok(connection.execute(
                "DELETE FROM secrets WHERE NOT EXISTS \
                 (SELECT 1 FROM source_keys k WHERE k.source = secrets.source AND k.purpose = ?1)",
                [SECRETS],
            )?)
        })?;
        if left > 0 { self.shrink() } else { Ok(()) }
    }

    fn shrink(&self) -> Result<()> {
        self.database.on_writer("shrinking the vault's database", |connection| {
            // A row for each page: what is not asked for is not done.
            let mut statement = connection.prepare("PRAGMA incremental_vacuum")?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
            truncate_log(connection)
        })
    }
}

/// The sealed bytes at exactly this address, and their state.
pub(super) fn sealed_at(connection: &Connection, address: &SecretAddress) -> Result<(SealedBytes, SecretState)> {
    connection
        .prepare_cached(
            "SELECT sealed, state FROM secrets \
             WHERE source = ?1 AND kind = ?2 AND version = ?3 AND owner = ?4 AND connector = ?5",
        )?
        .query_row(
            (
                address.source.to_string(),
                address.kind.as_str(),
                address.version,
                address.owner.to_string(),
                address.connector.as_str(),
            ),
            |row| Ok((SealedBytes(row.get("sealed")?), named(row, "state", SecretState::parse)?)),
        )
        .optional()?
        .ok_or_else(|| {
            StoreError::not_found(format!(
                "version {} of a {} of {}",
                address.version,
                address.kind.label().to_lowercase(),
                address.source
            ))
        })
}

/// Whether it is not known which codes of this list were used.
pub(super) fn is_in_doubt(connection: &Connection, address: &SecretAddress) -> Result<bool> {
    let sql =
        "SELECT EXISTS (SELECT 1 FROM secrets WHERE source = ?1 AND kind = ?2 AND version = ?3 AND in_doubt_since NOT NULL)";
    let of = (address.source.to_string(), address.kind.as_str(), address.version);
    Ok(connection.prepare_cached(sql)?.query_row(of, |row| row.get(0))?)
}

fn last_version(connection: &Connection, source: SourceId, kind: SecretKind) -> Result<u32> {
    let last = connection
        .prepare_cached("SELECT last FROM secret_versions WHERE source = ?1 AND kind = ?2")?
        .query_row((source.to_string(), kind.as_str()), |row| row.get(0))
        .optional()?;
    Ok(last.unwrap_or(0))
}

fn insert_key(connection: &Connection, key: &SourceKeyRow) -> Result<()> {
    connection
        .execute(
            "INSERT INTO source_keys (source, purpose, generation, state, wrapped) VALUES (?1, ?2, ?3, ?4, ?5)",
            (key.source.to_string(), &key.purpose, key.generation, &key.state, &key.wrapped.0),
        )
        .map_err(|e| StoreError::from(e).unique_means(|| format!("{} has a key for {} already", key.source, key.purpose)))?;
    Ok(())
}

fn secret_row(row: &Row<'_>) -> rusqlite::Result<SecretRow> {
    Ok(SecretRow {
        kind: named(row, "kind", SecretKind::parse)?,
        version: row.get("version")?,
        state: parsed(row, "state", |name| SecretState::parse(name).ok_or("unknown state"))?,
        created_at: time(row, "created_at")?,
        verified_at: time_or_none(row, "verified_at")?,
        rejected_at: time_or_none(row, "rejected_at")?,
        last_used_at: time_or_none(row, "last_used_at")?,
        consent: row.get("consent")?,
        in_doubt_since: time_or_none(row, "in_doubt_since")?,
    })
}
