//! Reads the ledger: the journal of one run, and what filters leave. Never holds more of it in memory than was asked for.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};
use terrace_domain::ledger::{Entry, Hash, Record};
use terrace_domain::run::{Moment, RunId};

use super::LedgerError;
use super::row::{COLUMNS, as_i64, record_of};

/// How many entries of a journal are read at once.
const PAGE: i64 = 256;

/// An entry of a run's journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// Its number in the journal, from 1.
    pub run_seq: u64,
    /// When it happened.
    pub at: Moment,
    /// What happened.
    pub body: String,
}

/// The journal of a run, in order. After an error it ends.
pub struct Journal<'c> {
    connection: &'c Connection,
    run: RunId,
    last: u64,
    page: VecDeque<JournalEntry>,
    /// What comes after the page.
    rest: Rest,
}

enum Rest {
    Unread,
    Failed(LedgerError),
    Nothing,
}

/// The journal of a run; empty when there is no such run. An entry that is missing in it is an error.
pub fn journal(connection: &Connection, run: RunId) -> Journal<'_> {
    Journal { connection, run, last: 0, page: VecDeque::new(), rest: Rest::Unread }
}

impl Journal<'_> {
    fn read_page(&mut self) -> Result<(), LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT run_seq, at, body FROM ledger WHERE run = ?1 AND run_seq > ?2 ORDER BY run_seq LIMIT ?3",
        )?;
        let mut rows = statement.query(params![as_i64(self.run.0), as_i64(self.last), PAGE])?;
        while let Some(row) = rows.next()? {
            let found = u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
            if found != self.last + 1 {
                return Err(LedgerError::Journal { run: self.run, expected: self.last + 1, found });
            }
            self.last = found;
            self.page.push_back(JournalEntry { run_seq: found, at: Moment(row.get(1)?), body: row.get(2)? });
        }
        Ok(())
    }
}

impl Iterator for Journal<'_> {
    type Item = Result<JournalEntry, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty() && matches!(self.rest, Rest::Unread) {
            // What was read before an error is handed on first.
            match self.read_page() {
                Ok(()) if self.page.is_empty() => self.rest = Rest::Nothing,
                Ok(()) => {}
                Err(error) => self.rest = Rest::Failed(error),
            }
        }
        if let Some(entry) = self.page.pop_front() {
            return Some(Ok(entry));
        }
        match std::mem::replace(&mut self.rest, Rest::Nothing) {
            Rest::Failed(error) => Some(Err(error)),
            Rest::Unread | Rest::Nothing => None,
        }
    }
}

/// Which entries, and in which order.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those of this run.
    pub run: Option<RunId>,
    /// Those of this environment.
    pub environment: Option<String>,
    /// Those of this stack.
    pub stack: Option<String>,
    /// Those of kinds that this fits: a word, or a pattern with `*`, `?` and `[…]`.
    pub kind: Option<String>,
    /// Those of actors that this fits: likewise.
    pub actor: Option<String>,
    /// Those of releases whose digest begins with this, with `sha256:` or without.
    pub release: Option<String>,
    /// Those from this moment on.
    pub since: Option<Moment>,
    /// Those before this moment.
    pub until: Option<Moment>,
    /// At most so many.
    pub limit: Option<usize>,
    /// The last first.
    pub newest_first: bool,
}

impl Filter {
    /// The statement, and what stands for its parameters.
    fn statement(&self) -> (String, Vec<Value>) {
        let mut conditions = Conditions::default();
        if let Some(run) = self.run {
            conditions.add("run = ?", as_i64(run.0));
        }
        for (column, text) in [("environment", &self.environment), ("stack", &self.stack)] {
            if let Some(text) = text {
                conditions.add(&format!("{column} = ?"), text.clone());
            }
        }
        for (column, pattern) in [("kind", &self.kind), ("actor", &self.actor)] {
            if let Some(pattern) = pattern {
                // Only an equality finds its entries by an index.
                let operator = if pattern.contains(['*', '?', '[']) { "GLOB" } else { "=" };
                conditions.add(&format!("{column} {operator} ?"), pattern.clone());
            }
        }
        if let Some(prefix) = &self.release {
            let prefix = if prefix.starts_with("sha256:") { prefix.clone() } else { format!("sha256:{prefix}") };
            conditions.add("release >= ?", prefix.clone());
            conditions.add("release < ?", format!("{prefix}{}", char::MAX));
        }
        if let Some(since) = self.since {
            conditions.add("at >= ?", since.0);
        }
        if let Some(until) = self.until {
            conditions.add("at < ?", until.0);
        }
        let order = if self.newest_first { "DESC" } else { "ASC" };
        let limit = self.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        let Conditions { text, values } = conditions;
        (format!("SELECT {COLUMNS} FROM ledger{text} ORDER BY seq {order} LIMIT {limit}"), values)
    }
}

#[derive(Default)]
struct Conditions {
    text: String,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, condition: &str, value: impl Into<Value>) {
        self.text.push_str(if self.text.is_empty() { " WHERE " } else { " AND " });
        self.text.push_str(condition);
        self.values.push(value.into());
    }
}

/// Hands each entry to `take`, with its hash, until that says enough; returns how many there were.
pub fn each(
    connection: &Connection,
    filter: &Filter,
    mut take: impl FnMut(&Record<'_>, Hash) -> ControlFlow<()>,
) -> Result<u64, LedgerError> {
    let (text, values) = filter.statement();
    let mut statement = connection.prepare(&text)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let (record, hash) = record_of(row)?;
        count += 1;
        if take(&record, hash).is_break() {
            break;
        }
    }
    Ok(count)
}

/// The entries that the filter leaves. They are all in memory: give it a limit.
pub fn log(connection: &Connection, filter: &Filter) -> Result<Vec<Entry>, LedgerError> {
    let mut entries = Vec::new();
    each(connection, filter, |record, hash| {
        entries.push(record.to_entry(hash));
        ControlFlow::Continue(())
    })?;
    Ok(entries)
}
