//! The record of calls: who did what to what, when, with what outcome, in how long. Owns the record and its limit.

use jiff::Timestamp;
use rusqlite::{Row, Transaction, params};
use serde::Serialize;

use super::fault::Pattern;
use super::{Cloud, CloudError, Operation, StoreError};
use crate::kind::Vendor;

/// How many calls are kept, the newest: some 20 MB.
pub(super) const CALLS_MAX: i64 = 100_000;
/// How much of an error is kept with a call, in characters.
const ERROR_LENGTH_MAX: usize = 2000;

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// The cloud refused it, in these words.
    Failed(String),
    /// It was done, but the caller was told that it timed out.
    DoneLate,
    /// The caller went away before it was done, and it was not done.
    Abandoned,
}

impl Outcome {
    /// The outcome in one word: `done`, `failed`, `done-late` or `abandoned`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::DoneLate => "done-late",
            Self::Abandoned => "abandoned",
        }
    }

    /// What the caller was told.
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Failed(error) => Some(error),
            _ => None,
        }
    }

    fn from_parts(word: &str, error: Option<String>) -> Option<Self> {
        Some(match word {
            "done" => Self::Done,
            "failed" => Self::Failed(error.unwrap_or_default()),
            "done-late" => Self::DoneLate,
            "abandoned" => Self::Abandoned,
            _ => return None,
        })
    }
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When it came in.
    pub at: Timestamp,
    /// Who made it; `tamper` for what was done behind Terraform's back.
    pub identity: String,
    /// What it was to do.
    pub operation: Operation,
    /// The cloud; `None` for what concerns a region.
    pub vendor: Option<Vendor>,
    /// The kind of the resource; empty for what concerns a region.
    pub kind: String,
    /// The resource's name, or the region's.
    pub name: String,
    /// The resource's id; empty when it had none.
    pub id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// A call as JSON. Fields are added, never changed.
#[derive(Debug, Clone, Serialize)]
pub struct CallWire {
    /// RFC 3339.
    pub at: String,
    /// As in [`Call`].
    pub identity: String,
    /// The operation's name.
    pub operation: &'static str,
    /// The cloud's name.
    pub cloud: Option<&'static str>,
    /// As in [`Call`].
    pub kind: String,
    /// As in [`Call`].
    pub name: String,
    /// As in [`Call`].
    pub id: String,
    /// The outcome in one word.
    pub outcome: &'static str,
    /// What the caller was told, when it failed.
    pub error: Option<String>,
    /// As in [`Call`].
    pub duration_ms: u64,
}

impl From<&Call> for CallWire {
    fn from(call: &Call) -> Self {
        Self {
            at: call.at.to_string(),
            identity: call.identity.clone(),
            operation: call.operation.as_str(),
            cloud: call.vendor.map(Vendor::as_str),
            kind: call.kind.clone(),
            name: call.name.clone(),
            id: call.id.clone(),
            outcome: call.outcome.as_str(),
            error: call.outcome.error().map(str::to_owned),
            duration_ms: call.duration_ms,
        }
    }
}

/// Which calls to list; the default is all.
#[derive(Debug, Clone, Default)]
pub struct CallFilter {
    /// Those of an identity that this glob matches.
    pub identity: Option<String>,
    /// Those of this operation.
    pub operation: Option<Operation>,
    /// Those to a `CLOUD/KIND` that this glob matches.
    pub matching: Option<String>,
    /// Those to a resource whose name this glob matches.
    pub name: Option<String>,
    /// Those with this outcome (see [`Outcome::as_str`]).
    pub outcome: Option<String>,
    /// Those that came in at this time or later.
    pub since: Option<Timestamp>,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

impl Cloud {
    /// The calls that the filter takes, the oldest first.
    ///
    /// Fails when a pattern of the filter is not a glob.
    pub fn calls(&self, filter: &CallFilter) -> Result<Vec<Call>, CloudError> {
        let pattern = |glob: &Option<String>| glob.as_deref().map(Pattern::new).transpose();
        let (identity, matching, name) =
            (pattern(&filter.identity)?, pattern(&filter.matching)?, pattern(&filter.name)?);
        let takes = |call: &Call| {
            let path = format!("{}/{}", call.vendor.map_or("", Vendor::as_str), call.kind);
            identity.as_ref().is_none_or(|pattern| pattern.matches(&call.identity))
                && matching.as_ref().is_none_or(|pattern| pattern.matches(&path))
                && name.as_ref().is_none_or(|pattern| pattern.matches(&call.name))
        };
        self.store.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT at, identity, operation, vendor, kind, name, resource, outcome, error, duration_ms FROM call
                 WHERE at >= ?1 AND (?2 IS NULL OR operation = ?2) AND (?3 IS NULL OR outcome = ?3) ORDER BY id DESC",
            )?;
            let since = filter.since.map_or(i64::MIN, Timestamp::as_millisecond);
            let mut rows = statement.query(params![since, filter.operation.map(Operation::as_str), filter.outcome])?;
            let mut calls = Vec::new();
            while calls.len() < filter.limit.unwrap_or(usize::MAX)
                && let Some(row) = rows.next()?
            {
                let call = read(row)?;
                if takes(&call) {
                    calls.push(call);
                }
            }
            calls.reverse();
            Ok(calls)
        })
    }

    /// Records a call.
    pub(crate) fn record(&self, call: &Call) -> Result<(), CloudError> {
        self.store.write(|tx| record(tx, call))
    }
}

fn read(row: &Row<'_>) -> Result<Call, CloudError> {
    let damaged = || StoreError::Damaged("a recorded call cannot be read".to_owned());
    let (operation, vendor, outcome): (String, Option<String>, String) = (row.get(2)?, row.get(3)?, row.get(7)?);
    Ok(Call {
        at: Timestamp::from_millisecond(row.get(0)?).map_err(|_| damaged())?,
        identity: row.get(1)?,
        operation: Operation::named(&operation).ok_or_else(damaged)?,
        vendor: vendor.map(|vendor| Vendor::named(&vendor).ok_or_else(damaged)).transpose()?,
        kind: row.get(4)?,
        name: row.get(5)?,
        id: row.get(6)?,
        outcome: Outcome::from_parts(&outcome, row.get(8)?).ok_or_else(damaged)?,
        duration_ms: row.get::<_, i64>(9)?.unsigned_abs(),
    })
}

/// Records a call, and forgets the one that is now too old.
pub(super) fn record(tx: &Transaction<'_>, call: &Call) -> Result<(), CloudError> {
    let error = call.outcome.error().map(|error| error.chars().take(ERROR_LENGTH_MAX).collect::<String>());
    tx.prepare_cached(
        "INSERT INTO call (at, identity, operation, vendor, kind, name, resource, outcome, error, duration_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        call.at.as_millisecond(),
        call.identity,
        call.operation.as_str(),
        call.vendor.map(Vendor::as_str),
        call.kind,
        call.name,
        call.id,
        call.outcome.as_str(),
        error,
        i64::try_from(call.duration_ms).unwrap_or(i64::MAX),
    ])?;
    let oldest = tx.last_insert_rowid() - CALLS_MAX;
    tx.prepare_cached("DELETE FROM call WHERE id <= ?1")?.execute([oldest])?;
    Ok(())
}
