//! The ledger in SQLite: entries are appended, read and checked, never changed. Works on a connection that the caller has, and inside of
//! the caller's transactions. What an entry is and how the chain is checked is `terrace_domain::ledger`'s; this decides nothing about
//! either.

mod append;
mod export;
mod read;
mod row;
mod verify;

pub use append::{Appended, add_checkpoint, append, head};
pub use export::{ExportError, export, write_line};
pub use read::{Filter, Journal, JournalEntry, each, journal, log};
pub use verify::{checkpoints, verify};

use terrace_domain::ledger::EntryError;
use terrace_domain::run::RunId;

/// The tables of the ledger. Entries and checkpoints are kept: triggers refuse to change or delete them, and to replace them by an `INSERT
/// OR REPLACE`, for which SQLite asks no trigger of deletions. That guards against mistakes; against intent there is the chain of hashes.
pub const TABLES: &str = "
CREATE TABLE IF NOT EXISTS ledger (
    seq         INTEGER PRIMARY KEY, -- from 1, no gaps
    at          INTEGER NOT NULL,    -- milliseconds since 1970, UTC
    actor       TEXT NOT NULL,       -- user@host
    kind        TEXT NOT NULL,
    run         INTEGER,
    run_seq     INTEGER,             -- in the journal of the run, from 1
    stage       TEXT,
    environment TEXT,
    stack       TEXT,
    release     TEXT,                -- a digest
    reason      TEXT,
    body        TEXT NOT NULL,       -- JSON
    prev        BLOB NOT NULL,       -- the hash of the entry before
    hash        BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS ledger_run ON ledger (run, run_seq) WHERE run IS NOT NULL;
CREATE INDEX IF NOT EXISTS ledger_kind ON ledger (kind);
CREATE INDEX IF NOT EXISTS ledger_at ON ledger (at);
CREATE INDEX IF NOT EXISTS ledger_environment ON ledger (environment) WHERE environment IS NOT NULL;
CREATE INDEX IF NOT EXISTS ledger_stack ON ledger (stack) WHERE stack IS NOT NULL;
CREATE INDEX IF NOT EXISTS ledger_release ON ledger (release) WHERE release IS NOT NULL;
CREATE TABLE IF NOT EXISTS checkpoint (
    seq       INTEGER NOT NULL,
    key       TEXT NOT NULL,
    at        INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (seq, key)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS ledger_is_kept_delete BEFORE DELETE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS ledger_is_kept_update BEFORE UPDATE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS ledger_is_kept_insert BEFORE INSERT ON ledger
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ledger)
        OR EXISTS (SELECT 1 FROM ledger WHERE run = NEW.run AND run_seq = NEW.run_seq)
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only, without gaps'); END;
CREATE TRIGGER IF NOT EXISTS checkpoint_is_kept_insert BEFORE INSERT ON checkpoint
    WHEN EXISTS (SELECT 1 FROM checkpoint WHERE seq = NEW.seq AND key = NEW.key)
    BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;
CREATE TRIGGER IF NOT EXISTS checkpoint_is_kept_delete BEFORE DELETE ON checkpoint
    BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;
CREATE TRIGGER IF NOT EXISTS checkpoint_is_kept_update BEFORE UPDATE ON checkpoint
    BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;
";

/// The ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// SQLite refuses.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// An entry cannot be written as it is.
    #[error("the entry cannot be written: {0}")]
    Entry(#[from] EntryError),
    /// An entry cannot be read.
    #[error("entry {seq} cannot be read: {why}")]
    Unreadable {
        /// Its number; 0 where that cannot be read either.
        seq: u64,
        /// Why.
        why: String,
    },
    /// The journal of a run lacks an entry.
    #[error("the journal of run {run} has {found} where entry {expected} belongs")]
    Journal {
        /// The run.
        run: RunId,
        /// The number that should come.
        expected: u64,
        /// The number that comes.
        found: u64,
    },
    /// A checkpoint is about an entry that is not there as it says.
    #[error("the checkpoint is of entry {seq} with another hash than the ledger has")]
    Checkpoint {
        /// The entry.
        seq: u64,
    },
}

#[cfg(test)]
mod tests;
