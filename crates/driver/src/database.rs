//! Opens `.terrace/terrace.db`: the ledger, the snapshots and the store of runs are in one file. Owns how it is opened and written.

use std::path::Path;
use std::time::Duration;

pub use rusqlite::Connection;
use rusqlite::{Transaction, TransactionBehavior};

use crate::store::{StoreError, schema};

/// How long a statement waits for another process that writes.
const BUSY: Duration = Duration::from_secs(10);

/// Opens the database, makes it where there is none.
pub fn open(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Every commit reaches the disk before what it allows is done.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    schema::prepare(&mut connection)?;
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
