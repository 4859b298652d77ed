//! Settings of the server: a name and a JSON value.

use rusqlite::OptionalExtension;
use serde_json::Value;

use super::DataDb;
use crate::Result;
use crate::row::{json, to_json};

impl DataDb {
    /// A setting's value, if it was ever set.
    pub fn setting(&self, key: &str) -> Result<Option<Value>> {
        self.read("reading a setting", |connection| {
            Ok(connection
                .prepare_cached("SELECT value FROM settings WHERE key = ?1")?
                .query_row([key], |row| json(row, "value"))
                .optional()?)
        })
    }

    /// Sets a setting.
    pub fn set_setting(&self, key: &str, value: Value) -> Result<()> {
        let key = key.to_owned();
        self.write("changing a setting", move |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)")?
                .execute((key, to_json(&value)?))?;
            Ok(())
        })
    }
}
