//! Entries as JSON lines: what the hash covers, and the hash. The format is described in `docs/ledger.md`; it does not change, since
//! other tools verify by it.

use std::io::{self, Write};
use std::ops::ControlFlow;

use rusqlite::Connection;
use serde::Serialize;
use terrace_domain::ledger::{Hash, Record};

use super::{Filter, LedgerError, each};

/// An export did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What was read cannot be written.
    #[error("the export cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// An entry as it is exported; fields in the order in which people look for them.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    at: i64,
    actor: &'a str,
    kind: &'a str,
    run: Option<u64>,
    run_seq: Option<u64>,
    stage: Option<&'a str>,
    environment: Option<&'a str>,
    stack: Option<&'a str>,
    release: Option<&'a str>,
    reason: Option<&'a str>,
    body: &'a str,
    prev: &'a str,
    hash: &'a str,
}

/// Writes an entry as one line.
pub fn write_line(record: &Record<'_>, hash: Hash, to: &mut impl Write) -> io::Result<()> {
    let (prev, hash) = (record.prev.to_string(), hash.to_string());
    let Record { seq, prev: _, at, actor, kind, run, run_seq, stage, environment, stack, release, reason, body } =
        *record;
    let (prev, hash) = (prev.as_str(), hash.as_str());
    let line =
        Line { seq, at, actor, kind, run, run_seq, stage, environment, stack, release, reason, body, prev, hash };
    serde_json::to_writer(&mut *to, &line)?;
    to.write_all(b"\n")
}

/// Writes the entries that the filter leaves, one a line, and returns how many there were. Holds one in memory at a time.
pub fn export(connection: &Connection, filter: &Filter, to: &mut impl Write) -> Result<u64, ExportError> {
    let mut written = Ok(());
    let count = each(connection, filter, |record, hash| {
        written = write_line(record, hash, to);
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    written?;
    to.flush()?;
    Ok(count)
}
