//! Rows of the tables as entries. A row that somebody has tampered with may hold anything; that is told, with the entry's number.

use rusqlite::Row;
use rusqlite::types::{FromSqlError, ValueRef};
use terrace_domain::ledger::{Hash, Record};

use super::LedgerError;

/// The columns that [`record_of`] reads, in its order.
pub(super) const COLUMNS: &str =
    "seq, at, actor, kind, run, run_seq, stage, environment, stack, release, reason, body, prev, hash";

/// The entry in a row, and its hash as stored.
pub(super) fn record_of<'r>(row: &'r Row<'_>) -> Result<(Record<'r>, Hash), LedgerError> {
    let fields =
        Fields { row, seq: row.get_ref(0)?.as_i64().ok().and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0) };
    let record = Record {
        seq: fields.number(0, "seq")?.ok_or_else(|| fields.lacks("seq"))?,
        at: fields.raw(1)?.as_i64().map_err(|error| fields.wrong("at", &error))?,
        actor: fields.text(2, "actor")?.ok_or_else(|| fields.lacks("actor"))?,
        kind: fields.text(3, "kind")?.ok_or_else(|| fields.lacks("kind"))?,
        run: fields.number(4, "run")?,
        run_seq: fields.number(5, "run_seq")?,
        stage: fields.text(6, "stage")?,
        environment: fields.text(7, "environment")?,
        stack: fields.text(8, "stack")?,
        release: fields.text(9, "release")?,
        reason: fields.text(10, "reason")?,
        body: fields.text(11, "body")?.ok_or_else(|| fields.lacks("body"))?,
        prev: fields.hash(12, "prev")?,
    };
    Ok((record, fields.hash(13, "hash")?))
}

struct Fields<'r, 's> {
    row: &'r Row<'s>,
    seq: u64,
}

impl<'r> Fields<'r, '_> {
    fn raw(&self, at: usize) -> Result<ValueRef<'r>, LedgerError> {
        Ok(self.row.get_ref(at)?)
    }

    fn number(&self, at: usize, name: &str) -> Result<Option<u64>, LedgerError> {
        let number = self.raw(at)?.as_i64_or_null().map_err(|error| self.wrong(name, &error))?;
        number
            .map(|number| u64::try_from(number).map_err(|_| self.unreadable(format!("`{name}` is below 0"))))
            .transpose()
    }

    fn text(&self, at: usize, name: &str) -> Result<Option<&'r str>, LedgerError> {
        self.raw(at)?.as_str_or_null().map_err(|error| self.wrong(name, &error))
    }

    fn hash(&self, at: usize, name: &str) -> Result<Hash, LedgerError> {
        let bytes = self.raw(at)?.as_blob().map_err(|error| self.wrong(name, &error))?;
        Hash::from_bytes(bytes).ok_or_else(|| self.unreadable(format!("`{name}` has not 32 bytes")))
    }

    fn lacks(&self, name: &str) -> LedgerError {
        self.unreadable(format!("`{name}` is not there"))
    }

    fn wrong(&self, name: &str, error: &FromSqlError) -> LedgerError {
        self.unreadable(match error {
            FromSqlError::InvalidType => format!("`{name}` is of another type"),
            error => format!("`{name}`: {error}"),
        })
    }

    fn unreadable(&self, why: String) -> LedgerError {
        LedgerError::Unreadable { seq: self.seq, why }
    }
}

/// Numbers of entries, runs and moments stay far below the limit of SQLite's integers.
pub(super) fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
