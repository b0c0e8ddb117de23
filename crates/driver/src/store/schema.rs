//! The tables of the store, and how a database comes to have them.

use rusqlite::Connection;

use super::StoreError;
use crate::{ledger, snapshots};

/// The version of the tables that this program writes; kept in SQLite's `user_version`.
pub(crate) const VERSION: i64 = 2;

/// Beside the ledger, which holds what happened: one row a run, and for each instance how its last delivery went (all that `status` needs,
/// however long the ledger); and what other processes ask of the one that drives a run.
const TABLES: &str = "
CREATE TABLE run (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at   INTEGER NOT NULL, -- milliseconds since 1970, UTC
    finished_at  INTEGER,
    outcome      TEXT NOT NULL,
    stages       TEXT NOT NULL, -- JSON: [[stage, environment], ...]
    release      TEXT, -- of the estate
    commit_id    TEXT NOT NULL,
    subject      TEXT NOT NULL, -- of the commit
    actor        TEXT NOT NULL, -- user@host
    terraform    TEXT NOT NULL, -- product and version
    instances    INTEGER NOT NULL
) STRICT;
CREATE INDEX run_open ON run (id) WHERE finished_at IS NULL;
CREATE TABLE instance (
    environment  TEXT NOT NULL,
    stack        TEXT NOT NULL,
    run          INTEGER NOT NULL REFERENCES run (id), -- the last that touched it
    state        TEXT NOT NULL,
    at           INTEGER NOT NULL,
    release      TEXT, -- what runs: of the last success
    settings     TEXT, -- the digest of the settings with which it runs; none while it is not sure that it does
    commit_id    TEXT,
    source       TEXT, -- the digest of the source of what runs
    delivered_at INTEGER,
    outputs_at   INTEGER, -- when an applied plan last changed its outputs
    PRIMARY KEY (environment, stack)
) STRICT, WITHOUT ROWID;
CREATE TABLE request (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    run   INTEGER NOT NULL REFERENCES run (id),
    event TEXT NOT NULL
) STRICT;
CREATE INDEX request_run ON request (run);
";

/// Makes the tables in a new database; refuses one that a newer program wrote.
pub(crate) fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match found {
        0 => {
            transaction.execute_batch(TABLES)?;
            transaction.execute_batch(ledger::TABLES)?;
            transaction.execute_batch(snapshots::TABLES)?;
            transaction.execute_batch(snapshots::HOLDING_TABLES)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        // A table beside the others, which an older program does not look at.
        VERSION => transaction.execute_batch(snapshots::HOLDING_TABLES)?,
        older if older < VERSION => return Err(StoreError::Older { found: older, known: VERSION }),
        newer => return Err(StoreError::Newer { found: newer, known: VERSION }),
    }
    transaction.commit()?;
    Ok(())
}
