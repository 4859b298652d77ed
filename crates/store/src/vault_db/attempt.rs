//! The attempt ledger: each use of a secret, on disk before it is made (R5).

use freehold_core::attempt::AttemptState;
use freehold_core::{AttemptId, CommittedAttempt, RunId, SealedBytes, SecretAddress, SecretKind, SourceId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use super::secret::{SecretState, is_in_doubt, sealed_at};
use super::{VaultDb, audit};
use crate::row::{millis, named, parsed, time, time_or_none};
use crate::{AuditMake, Result, StoreError};

/// An attempt to be made.
pub struct NewAttempt {
    /// Its id.
    pub id: AttemptId,
    /// The secret it uses.
    pub address: SecretAddress,
    /// The sealed secret itself, where it was given for this run alone and is in no table.
    pub given: Option<SealedBytes>,
    /// The run that makes it.
    pub run: RunId,
    /// Where the secret is typed, if it is typed.
    pub origin: Option<String>,
    /// The time step of a one-time code.
    pub step: Option<i64>,
    /// Which recovery code, from 0.
    pub code_index: Option<u32>,
    /// When.
    pub at: Timestamp,
}

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRow {
    /// Its id.
    pub id: AttemptId,
    /// The kind of secret used.
    pub kind: SecretKind,
    /// Which version of it.
    pub version: u32,
    /// The run that made it.
    pub run: RunId,
    /// Where it was typed, if it was.
    pub origin: Option<String>,
    /// The time step of a one-time code.
    pub step: Option<i64>,
    /// Which recovery code, from 0.
    pub code_index: Option<u32>,
    /// How it ended.
    pub state: AttemptState,
    /// When it was made.
    pub at: Timestamp,
    /// When its answer was known, or given up on.
    pub resolved_at: Option<Timestamp>,
    /// Whether the owner asked, after an unknown answer, to try once more.
    pub asked_again: bool,
}

/// An attempt that may not be made.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// The ledger's rules are against it.
    #[error("{0}")]
    Refused(String),
    /// The database failed, and nothing is committed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The ledger's rules, given every earlier attempt of this source and kind, oldest first; the error says which rule is against it.
pub type AttemptCheck = Box<dyn FnOnce(&[AttemptRow]) -> std::result::Result<(), String> + Send>;

impl VaultDb {
    /// Commits an attempt and hands over the sealed secret it is for. `check` decides inside the transaction, so two runs cannot
    /// both pass on the same history. A rejected version, a spent time step and a burnt recovery code are refused here whatever
    /// `check` says.
    pub fn commit_attempt(
        &self,
        new: NewAttempt,
        check: AttemptCheck,
        audit: AuditMake,
    ) -> std::result::Result<CommittedAttempt, AttemptError> {
        let decided = self.write("committing an attempt", move |connection| {
            let (sealed, state) = match new.given.clone() {
                Some(sealed) => (sealed, SecretState::Saved),
                None => sealed_at(connection, &new.address)?,
            };
            if state == SecretState::Rejected {
                return Ok(Err("the provider refused these sign-in details; they are never submitted again".to_owned()));
            }
            if new.code_index.is_some() && new.given.is_none() && is_in_doubt(connection, &new.address)? {
                return Ok(Err("a backup was restored, and these codes may have been used since it was made".to_owned()));
            }
            let history = history(connection, new.address.source, Some(new.address.kind))?;
            if let Err(rule) = check(&history) {
                return Ok(Err(rule));
            }
            match insert(connection, &new) {
                Err(StoreError::Conflict { what }) => return Ok(Err(what)),
                other => other?,
            }
            connection
                .prepare_cached("UPDATE secrets SET last_used_at = ?4 WHERE source = ?1 AND kind = ?2 AND version = ?3")?
                .execute((new.address.source.to_string(), new.address.kind.as_str(), new.address.version, millis(new.at)))?;
            audit::append(connection, audit)?;
            Ok(Ok((new.id, new.address, sealed)))
        })?;
        let (id, address, sealed) = decided.map_err(AttemptError::Refused)?;
        #[expect(clippy::disallowed_methods, reason = "this is the ledger's own commit, and it is on disk")]
        Ok(CommittedAttempt::from_ledger(id, address, sealed))
    }

    /// Notes how an attempt ended. Accepted: its version is verified, and older ones of the kind are destroyed. Rejected or unknown:
    /// so is its version, unless it was one code of many. Unjudged: its
    /// version is as good as before. A conflict unless it was still without an answer.
    pub fn resolve_attempt(&self, id: AttemptId, state: AttemptState, at: Timestamp, audit: AuditMake) -> Result<()> {
        let destroyed = self.write("noting an attempt's answer", move |connection| {
            let (source, attempt) = connection
                .prepare_cached("SELECT * FROM attempts WHERE id = ?1")?
                .query_row([id.to_string()], |row| Ok((row.get::<_, String>("source")?, attempt_row(row)?)))
                .optional()?
                .ok_or_else(|| StoreError::not_found(format!("attempt {id}")))?;
            if !attempt.state.may_become(state) {
                return Err(StoreError::conflict(format!(
                    "attempt {id} is {} and cannot become {}",
                    attempt.state.as_str(),
                    state.as_str()
                )));
            }
            connection.prepare_cached("UPDATE attempts SET state = ?2, resolved_at = ?3 WHERE id = ?1")?.execute((
                id.to_string(),
                state.as_str(),
                millis(at),
            ))?;
            // One refused or lost code says nothing of the seed or the list it is from; it alone is spent.
            let is_code = attempt.step.is_some() || attempt.code_index.is_some();
            let destroyed = if is_code && state != AttemptState::Accepted {
                0
            } else {
                mark_secret(connection, (&source, attempt.kind.as_str(), attempt.version), state, at)?
            };
            audit::append(connection, audit)?;
            Ok(destroyed)
        })?;
        if destroyed > 0 { self.database.truncate_log() } else { Ok(()) }
    }

    /// Every attempt of a source, oldest first.
    pub fn attempts(&self, source: SourceId) -> Result<Vec<AttemptRow>> {
        self.read("reading the ledger", |connection| history(connection, source, None))
    }

    /// Attempts whose answer never came, of every source: after a crash each of them is unknown.
    pub fn unresolved_attempts(&self) -> Result<Vec<(SourceId, AttemptRow)>> {
        self.read("reading the ledger", |connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM attempts WHERE state = 'submitted' ORDER BY n")?;
            let rows = statement
                .query_map([], |row| Ok((parsed(row, "source", SourceId::parse)?, attempt_row(row)?)))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// The owner lets a version whose last attempt is unknown be tried once more. A conflict if it is not unknown.
    pub fn ask_again(&self, source: SourceId, kind: SecretKind, version: u32, audit: AuditMake) -> Result<()> {
        self.write("letting a secret be tried once more", move |connection| {
            let changed = connection.execute(
                "UPDATE attempts SET asked_again = 1 WHERE state = 'unknown' AND n = \
                 (SELECT max(n) FROM attempts WHERE source = ?1 AND kind = ?2 AND version = ?3)",
                (source.to_string(), kind.as_str(), version),
            )?;
            if changed == 0 {
                return Err(StoreError::conflict("the last attempt with these sign-in details has a known answer"));
            }
            audit::append(connection, audit)
        })
    }
}

/// Carries an attempt's answer over to its secret, if that is still kept; says how many older versions were destroyed.
fn mark_secret(
    connection: &Connection,
    (source, kind, version): (&str, &str, u32),
    state: AttemptState,
    at: Timestamp,
) -> Result<usize> {
    let (name, verified_at, rejected_at) = match state {
        AttemptState::Accepted => (SecretState::Verified, Some(millis(at)), None),
        AttemptState::Rejected => (SecretState::Rejected, None, Some(millis(at))),
        AttemptState::Unknown => (SecretState::Unknown, None, None),
        AttemptState::Unjudged | AttemptState::Submitted => return Ok(0),
    };
    let kept = connection
        .prepare_cached(
            "UPDATE secrets SET state = ?4, verified_at = ifnull(?5, verified_at), rejected_at = ifnull(?6, rejected_at) \
             WHERE source = ?1 AND kind = ?2 AND version = ?3",
        )?
        .execute((source, kind, version, name.as_str(), verified_at, rejected_at))?;
    if state != AttemptState::Accepted || kept == 0 {
        return Ok(0);
    }
    Ok(connection
        .prepare_cached("DELETE FROM secrets WHERE source = ?1 AND kind = ?2 AND version < ?3")?
        .execute((source, kind, version))?)
}

fn history(connection: &Connection, source: SourceId, kind: Option<SecretKind>) -> Result<Vec<AttemptRow>> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM attempts WHERE source = ?1 AND (?2 IS NULL OR kind = ?2) ORDER BY n")?;
    let rows = statement
        .query_map((source.to_string(), kind.map(SecretKind::as_str)), attempt_row)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(rows)
}

fn insert(connection: &Connection, new: &NewAttempt) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO attempts (id, source, kind, version, run, origin, step, code_index, state, at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'submitted', ?9)",
        )?
        .execute((
            new.id.to_string(),
            new.address.source.to_string(),
            new.address.kind.as_str(),
            new.address.version,
            new.run.to_string(),
            &new.origin,
            new.step,
            new.code_index,
            millis(new.at),
        ))
        .map_err(|e| StoreError::from(e).unique_means(|| "this code has been used already".to_owned()))?;
    Ok(())
}

fn attempt_row(row: &Row<'_>) -> rusqlite::Result<AttemptRow> {
    Ok(AttemptRow {
        id: parsed(row, "id", AttemptId::parse)?,
        kind: named(row, "kind", SecretKind::parse)?,
        version: row.get("version")?,
        run: parsed(row, "run", RunId::parse)?,
        origin: row.get("origin")?,
        step: row.get("step")?,
        code_index: row.get("code_index")?,
        state: named(row, "state", AttemptState::parse)?,
        at: time(row, "at")?,
        resolved_at: time_or_none(row, "resolved_at")?,
        asked_again: row.get("asked_again")?,
    })
}
