//! Bringing a database to the format this version knows, with a copy made first.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::{OpenError, StoreError};

/// The format of the database at `path`: 0 if there is none yet. Writes nothing.
pub(crate) fn check_not_newer(path: &Path, known: u32) -> Result<u32, OpenError> {
    if !path.exists() {
        return Ok(0);
    }
    let found = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .and_then(|connection| version(&connection))
        .map_err(|e| failed("reading the database's format", path, e.into()))?;
    if found > known { Err(OpenError::Newer { path: path.to_owned(), found, known }) } else { Ok(found) }
}

/// Applies what is missing of `migrations`, each in a transaction of its own. A database that has been in use is copied first, to
/// `NAME.before-NNN`, NNN being the first migration applied.
pub(crate) fn migrate(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), OpenError> {
    let found = version(connection).map_err(|e| failed("reading the database's format", path, e.into()))?;
    if found > 0 && (found as usize) < migrations.len() {
        copy(connection, path, found + 1)?;
    }
    for (number, sql) in (1u32..).zip(migrations).skip(found as usize) {
        let applied = (|| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
            transaction.execute_batch(sql)?;
            transaction.pragma_update(None, "user_version", number)?;
            transaction.commit()
        })();
        applied.map_err(|e| failed("bringing the database up to date", path, e.into()))?;
    }
    Ok(())
}

/// The copies made before migrations of the database at `path`.
pub(crate) fn copies(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(Vec::new());
    };
    let prefix = format!("{name}.before-");
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix)) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn copy(connection: &Connection, path: &Path, first: u32) -> Result<(), OpenError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".before-{first:03}"));
    let target = path.with_file_name(&name);
    name.push(".part");
    let part = path.with_file_name(&name);
    let io = |operation, at: &Path, source| OpenError::Io { operation, path: at.to_owned(), source };
    // A part left by an earlier try is no copy; SQLite would refuse to write over it.
    if part.exists() {
        fs::remove_file(&part).map_err(|e| io("removing an unfinished copy", &part, e))?;
    }
    // The data directory is 0700, so the copy is private from its first byte.
    connection
        .execute("VACUUM INTO ?1", [part.to_string_lossy().as_ref()])
        .map_err(|e| failed("copying the database before changing it", path, e.into()))?;
    File::open(&part).and_then(|file| file.sync_all()).map_err(|e| io("writing the copy to disk", &part, e))?;
    fs::rename(&part, &target).map_err(|e| io("naming the copy", &target, e))
}

fn failed(operation: &'static str, path: &Path, source: StoreError) -> OpenError {
    OpenError::Database { operation, path: path.to_owned(), source: source.during(operation) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('kept');";
    const SECOND: &str = "ALTER TABLE t ADD COLUMN b TEXT; UPDATE t SET b = 'new';";

    fn at(path: &Path) -> Connection {
        Connection::open(path).expect("opened")
    }

    #[test]
    fn a_used_database_is_copied_before_it_changes() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("data.db");
        migrate(&mut at(&path), &path, &[FIRST]).expect("made");
        assert!(copies(&path).expect("listed").is_empty(), "a new database needs no copy");

        migrate(&mut at(&path), &path, &[FIRST, SECOND]).expect("changed");
        let b: String = at(&path).query_row("SELECT b FROM t", [], |row| row.get(0)).expect("second applied");
        assert_eq!(b, "new");

        let copy = dir.path().join("data.db.before-002");
        assert_eq!(copies(&path).expect("listed"), std::slice::from_ref(&copy));
        let copy = at(&copy);
        assert_eq!(version(&copy).expect("version"), 1);
        let a: String = copy.query_row("SELECT a FROM t", [], |row| row.get(0)).expect("the old row");
        assert_eq!(a, "kept");
        assert!(copy.prepare("SELECT b FROM t").is_err(), "the copy is of the old format");
    }

    #[test]
    fn a_migration_that_fails_leaves_the_database_as_it_was() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("data.db");
        migrate(&mut at(&path), &path, &[FIRST]).expect("made");
        let broken = "ALTER TABLE t ADD COLUMN b TEXT; INSERT INTO nowhere VALUES (1);";
        migrate(&mut at(&path), &path, &[FIRST, broken]).expect_err("refused");
        assert_eq!(version(&at(&path)).expect("version"), 1);
        assert!(at(&path).prepare("SELECT b FROM t").is_err());
    }

    #[test]
    fn a_newer_database_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("data.db");
        migrate(&mut at(&path), &path, &[FIRST, SECOND]).expect("made");
        let before = fs::read(&path).expect("read");
        match check_not_newer(&path, 1) {
            Err(OpenError::Newer { found: 2, known: 1, .. }) => {}
            other => panic!("expected Newer, got {other:?}"),
        }
        assert_eq!(fs::read(&path).expect("read"), before);
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1, "no file was made beside it");
    }
}
