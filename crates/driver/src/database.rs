//! Opens `.terrace/terrace.db` for the ledger and the snapshots, with their tables. Never makes the tables of the store of runs.

use std::path::Path;
use std::time::Duration;

pub use rusqlite::Connection;
use rusqlite::{Transaction, TransactionBehavior};

use crate::{ledger, snapshots};

/// How long a statement waits for another process that writes.
const BUSY: Duration = Duration::from_secs(10);
/// The newest version of the file, in SQLite's `user_version`, that this program knows.
const NEWEST: i64 = 1;

/// The database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// SQLite refuses.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A newer Terrace wrote it.
    #[error("the database has version {found}, and this Terrace knows versions up to {NEWEST}")]
    Newer {
        /// The version found.
        found: i64,
    },
}

/// Opens the database, makes it where there is none, and makes the tables that it lacks.
pub fn open(path: &Path) -> Result<Connection, DatabaseError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > NEWEST {
        return Err(DatabaseError::Newer { found });
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Every commit reaches the disk before what it allows is done.
    connection.pragma_update(None, "synchronous", "FULL")?;
    let names =
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('ledger', 'checkpoint', 'snapshot')";
    if connection.query_row(names, [], |row| row.get::<_, i64>(0))? < 3 {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(ledger::TABLES)?;
        transaction.execute_batch(snapshots::TABLES)?;
        transaction.commit()?;
    }
    Ok(connection)
}

/// Does some writing in one transaction, which begins as a writer's: what it reads stays true until it is done. When this returns without an
/// error, all of it is on disk; otherwise nothing is.
pub fn write<T, E: From<rusqlite::Error>>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = work(&transaction)?;
    transaction.commit()?;
    Ok(done)
}
