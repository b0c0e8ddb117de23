//! The tables of the store, and how a database comes to have them.

use rusqlite::Connection;

use super::StoreError;

/// The version of the tables that this program writes; kept in SQLite's `user_version`.
pub(super) const VERSION: i64 = 1;

/// One row a run; its journal; and for each instance how its last delivery went (all that `status` needs, however long the journal).
const TABLES: &str = "
CREATE TABLE run (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at   INTEGER NOT NULL, -- milliseconds since 1970, UTC
    finished_at  INTEGER,
    outcome      TEXT NOT NULL,
    stage        TEXT NOT NULL,
    environment  TEXT NOT NULL,
    commit_id    TEXT NOT NULL,
    subject      TEXT NOT NULL, -- of the commit
    actor        TEXT NOT NULL, -- user@host
    terraform    TEXT NOT NULL, -- product and version
    instances    INTEGER NOT NULL,
    order_json   TEXT NOT NULL
) STRICT;
CREATE INDEX run_open ON run (environment) WHERE finished_at IS NULL;
CREATE TABLE event (
    run  INTEGER NOT NULL REFERENCES run (id),
    seq  INTEGER NOT NULL,
    at   INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE instance (
    environment  TEXT NOT NULL,
    stack        TEXT NOT NULL,
    run          INTEGER NOT NULL REFERENCES run (id), -- the last that touched it
    state        TEXT NOT NULL,
    at           INTEGER NOT NULL,
    commit_id    TEXT, -- what runs: of the last success
    source       TEXT, -- the digest of what runs
    delivered_at INTEGER,
    outputs_at   INTEGER, -- when an applied plan last changed its outputs
    PRIMARY KEY (environment, stack)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER event_is_kept_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER event_is_kept_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
";

/// Makes the tables in a new database; refuses one that a newer program wrote.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match found {
        0 => {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        VERSION => {}
        newer => return Err(StoreError::Newer { found: newer, known: VERSION }),
    }
    transaction.commit()?;
    Ok(())
}
