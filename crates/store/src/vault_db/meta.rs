//! The vault itself: its owner, its key-check value, its key slots.

use freehold_core::{OwnerId, SealedBytes, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{VaultDb, audit};
use crate::row::{millis, parsed, time};
use crate::{AuditMake, Result, StoreError};

/// The owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerRow {
    /// Their id, in every seal.
    pub id: OwnerId,
    /// The hash of their passphrase, as the vault wrote it.
    pub passphrase_hash: String,
    /// Since when.
    pub created_at: Timestamp,
}

/// One way to the root key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotRow {
    /// `key_file`, `recovery_key`, `passphrase`; one of each.
    pub kind: String,
    /// The root key, wrapped by this slot's key.
    pub wrapped: SealedBytes,
    /// Since when.
    pub created_at: Timestamp,
    /// Whether the owner has shown to hold its key.
    pub confirmed: bool,
}

/// A vault to be made.
pub struct NewVault {
    /// Whose.
    pub owner: OwnerId,
    /// The hash of their passphrase.
    pub passphrase_hash: String,
    /// What tells a wrong key from damage.
    pub key_check: Vec<u8>,
    /// Its first slots.
    pub slots: Vec<SlotRow>,
    /// When.
    pub created_at: Timestamp,
}

impl VaultDb {
    /// The owner, once there is a vault.
    pub fn owner(&self) -> Result<Option<OwnerRow>> {
        self.read("reading the owner", |connection| {
            let mut statement = connection.prepare_cached("SELECT owner, passphrase_hash, created_at FROM vault")?;
            Ok(statement
                .query_row([], |row| {
                    Ok(OwnerRow {
                        id: parsed(row, "owner", OwnerId::parse)?,
                        passphrase_hash: row.get("passphrase_hash")?,
                        created_at: time(row, "created_at")?,
                    })
                })
                .optional()?)
        })
    }

    /// Makes the vault. A conflict if there is one: it is never made twice over the same data.
    pub fn create_vault(&self, new: NewVault, audit: AuditMake) -> Result<()> {
        self.write("making the vault", move |connection| {
            connection
                .execute(
                    "INSERT INTO vault (one, owner, passphrase_hash, key_check, created_at) VALUES (1, ?1, ?2, ?3, ?4)",
                    (new.owner.to_string(), new.passphrase_hash, new.key_check, millis(new.created_at)),
                )
                .map_err(|e| StoreError::from(e).unique_means(|| "there is a vault already".to_owned()))?;
            for slot in &new.slots {
                insert_slot(connection, slot)?;
            }
            audit::append(connection, audit)
        })
    }

    /// The key-check value, once there is a vault.
    pub fn key_check(&self) -> Result<Option<Vec<u8>>> {
        self.read("reading the key check", |connection| {
            Ok(connection.query_row("SELECT key_check FROM vault", [], |row| row.get(0)).optional()?)
        })
    }

    /// The key slots.
    pub fn slots(&self) -> Result<Vec<SlotRow>> {
        self.read("reading the key slots", |connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM slots ORDER BY created_at, kind")?;
            let rows = statement.query_map([], slot_row)?.collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// Notes that the owner holds the key of the slot of this kind.
    pub fn confirm_slot(&self, kind: &str, audit: AuditMake) -> Result<()> {
        let kind = kind.to_owned();
        self.write("confirming a key slot", move |connection| {
            if connection.execute("UPDATE slots SET confirmed = 1 WHERE kind = ?1", [&kind])? == 0 {
                return Err(StoreError::not_found(format!("key slot {kind}")));
            }
            audit::append(connection, audit)
        })
    }

    /// Puts a slot in the place of the one of its kind, if there is one. The old one's bytes are gone when this returns.
    pub fn replace_slot(&self, slot: SlotRow, audit: AuditMake) -> Result<()> {
        self.write("replacing a key slot", move |connection| {
            connection.execute("DELETE FROM slots WHERE kind = ?1", [&slot.kind])?;
            insert_slot(connection, &slot)?;
            audit::append(connection, audit)
        })?;
        self.database.truncate_log()
    }

    /// Removes a slot; its bytes are gone when this returns. A conflict if no other would be left whose key a person has shown to hold:
    /// whatever the machine loses, somebody can still open the vault.
    pub fn remove_slot(&self, kind: &str, audit: AuditMake) -> Result<()> {
        let kind = kind.to_owned();
        self.write("removing a key slot", move |connection| {
            let held: bool = connection.query_row(
                "SELECT EXISTS (SELECT 1 FROM slots WHERE kind NOT IN (?1, 'key_file') AND confirmed)",
                [&kind],
                |row| row.get(0),
            )?;
            if !held {
                return Err(StoreError::conflict("it is the last key to the vault that a person holds"));
            }
            if connection.execute("DELETE FROM slots WHERE kind = ?1", [&kind])? == 0 {
                return Err(StoreError::not_found(format!("key slot {kind}")));
            }
            audit::append(connection, audit)
        })?;
        self.database.truncate_log()
    }

    /// Changes the owner's passphrase.
    pub fn set_passphrase_hash(&self, hash: &str, audit: AuditMake) -> Result<()> {
        let hash = hash.to_owned();
        self.write("changing the passphrase", move |connection| {
            if connection.execute("UPDATE vault SET passphrase_hash = ?1", [hash])? == 0 {
                return Err(StoreError::not_found("vault"));
            }
            audit::append(connection, audit)
        })?;
        self.database.truncate_log()
    }
}

fn insert_slot(connection: &Connection, slot: &SlotRow) -> Result<()> {
    connection
        .execute(
            "INSERT INTO slots (kind, wrapped, created_at, confirmed) VALUES (?1, ?2, ?3, ?4)",
            (&slot.kind, &slot.wrapped.0, millis(slot.created_at), slot.confirmed),
        )
        .map_err(|e| StoreError::from(e).unique_means(|| format!("there is a key slot {} already", slot.kind)))?;
    Ok(())
}

fn slot_row(row: &Row<'_>) -> rusqlite::Result<SlotRow> {
    Ok(SlotRow {
        kind: row.get("kind")?,
        wrapped: SealedBytes(row.get("wrapped")?),
        created_at: time(row, "created_at")?,
        confirmed: row.get("confirmed")?,
    })
}
