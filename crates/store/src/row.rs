//! Columns to values and back: times are whole milliseconds, ids and names their text, the rest JSON.

use std::fmt::Display;

use freehold_core::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Result, StoreError};

pub(crate) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

pub(crate) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    let millis: i64 = row.get(column)?;
    Timestamp::from_millisecond(millis).map_err(|e| unreadable(row, column, e))
}

pub(crate) fn time_or_none(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    match row.get::<_, Option<i64>>(column)? {
        Some(_) => time(row, column).map(Some),
        None => Ok(None),
    }
}

pub(crate) fn parsed<T, E: Display>(
    row: &Row<'_>,
    column: &str,
    parse: impl FnOnce(&str) -> std::result::Result<T, E>,
) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str().map_err(|e| unreadable(row, column, e))?;
    parse(text).map_err(|e| unreadable(row, column, e))
}

/// As [`parsed`], for the names of states and kinds.
pub(crate) fn named<T>(row: &Row<'_>, column: &str, parse: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<T> {
    parsed(row, column, |text| parse(text).ok_or_else(|| format!("unknown name {text:?}")))
}

pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    parsed(row, column, |text| serde_json::from_str(text))
}

pub(crate) fn json_or_none<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>> {
    match row.get_ref(column)?.as_str_or_null().map_err(|e| unreadable(row, column, e))? {
        Some(text) => serde_json::from_str(text).map(Some).map_err(|e| unreadable(row, column, e)),
        None => Ok(None),
    }
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| StoreError::corrupt(format!("a value cannot be written as JSON: {e}")))
}

fn unreadable(row: &Row<'_>, column: &str, problem: impl Display) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, format!("{column}: {problem}").into())
}
