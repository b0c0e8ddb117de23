//! Faults: rules by which chosen calls go wrong. Owns the rules and which call they hit. Never makes anything fail itself: the
//! provider does what an [`Effect`] says.

use std::time::Duration;

use globset::{Glob, GlobMatcher};
use rusqlite::{Row, Transaction, params};
use serde::Serialize;

use super::{Cloud, CloudError, Operation, Request, StoreError};

/// The most faults at a time: each is held against each call.
const FAULTS_MAX: i64 = 1000;
/// The longest that a call hangs: longer than any time limit of Terraform's providers is of no use.
const HANG_MAX: Duration = Duration::from_hours(24);

/// A rule by which calls go wrong. Patterns are globs; `*` matches everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which resources: a glob over `CLOUD/KIND`, like `aws/database` or `*/network`.
    pub matching: String,
    /// Which operation; `None` is any.
    pub operation: Option<Operation>,
    /// Which names: a glob.
    pub name: String,
    /// Whose calls: a glob over identities.
    pub identity: String,
    /// What happens.
    pub effect: Effect,
    /// How often; `None` is always.
    pub times: Option<u32>,
}

/// What happens to a call that a fault hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The cloud refuses it with this message.
    Fail {
        /// The message.
        message: String,
    },
    /// It hangs for this time and then ends with a time-out; nothing is done.
    TimeOut {
        /// How long.
        after: Duration,
    },
    /// It is done, but ends with a time-out.
    SucceedLate,
}

/// A fault as the cloud keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFault {
    /// The number by which it can be removed.
    pub id: i64,
    /// The rule; `times` is how often it is still to happen.
    pub fault: Fault,
}

/// A fault as JSON. Fields are added, never changed.
#[derive(Debug, Clone, Serialize)]
pub struct FaultWire {
    /// As in [`StoredFault`].
    pub id: i64,
    /// As in [`Fault`].
    pub matching: String,
    /// The operation's name, or `any`.
    pub operation: &'static str,
    /// As in [`Fault`].
    pub name: String,
    /// As in [`Fault`].
    pub identity: String,
    /// `fail`, `time-out` or `succeed-late`.
    pub effect: &'static str,
    /// The message of a failure.
    pub message: Option<String>,
    /// How long a time-out hangs, in milliseconds.
    pub after_ms: Option<u64>,
    /// How often it is still to happen.
    pub times: Option<u32>,
}

impl From<&StoredFault> for FaultWire {
    fn from(stored: &StoredFault) -> Self {
        let fault = &stored.fault;
        let (effect, message, after) = parts(&fault.effect);
        Self {
            id: stored.id,
            matching: fault.matching.clone(),
            operation: fault.operation.map_or("any", Operation::as_str),
            name: fault.name.clone(),
            identity: fault.identity.clone(),
            effect,
            message: message.map(str::to_owned),
            after_ms: after,
            times: fault.times,
        }
    }
}

fn parts(effect: &Effect) -> (&'static str, Option<&str>, Option<u64>) {
    match effect {
        Effect::Fail { message } => ("fail", Some(message), None),
        Effect::TimeOut { after } => ("time-out", None, Some(u64::try_from(after.as_millis()).unwrap_or(u64::MAX))),
        Effect::SucceedLate => ("succeed-late", None, None),
    }
}

/// A glob, ready to match.
#[derive(Debug)]
pub(super) struct Pattern(GlobMatcher);

impl Pattern {
    pub(super) fn new(glob: &str) -> Result<Self, CloudError> {
        let wrong =
            |error: globset::Error| CloudError::Pattern { pattern: glob.to_owned(), reason: error.kind().to_string() };
        Ok(Self(Glob::new(glob).map_err(wrong)?.compile_matcher()))
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl Cloud {
    /// Adds a fault and returns the number by which it can be removed. Of several that match a call, the oldest hits.
    ///
    /// Fails when a pattern is not a glob, when `times` is zero, when the operation is one that Terraform does not do, or when
    /// there are too many.
    pub fn add_fault(&self, fault: &Fault) -> Result<i64, CloudError> {
        check(fault)?;
        let (effect, message, after) = parts(&fault.effect);
        self.store.write(|tx| {
            let count: i64 = tx.query_row("SELECT count(*) FROM fault", [], |row| row.get(0))?;
            if count >= FAULTS_MAX {
                return Err(CloudError::Invalid(format!("there are {count} faults already, which is the most")));
            }
            tx.execute(
                "INSERT INTO fault (matching, operation, name, identity, effect, message, after_ms, remaining)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    fault.matching,
                    fault.operation.map(Operation::as_str),
                    fault.name,
                    fault.identity,
                    effect,
                    message,
                    after.map(|after| i64::try_from(after).unwrap_or(i64::MAX)),
                    fault.times
                ],
            )?;
            Ok(tx.last_insert_rowid())
        })
    }

    /// The faults, the oldest first.
    pub fn faults(&self) -> Result<Vec<StoredFault>, CloudError> {
        self.store.read(all)
    }

    /// Removes a fault; false when there is none of that number.
    pub fn remove_fault(&self, id: i64) -> Result<bool, CloudError> {
        self.store.write(|tx| Ok(tx.execute("DELETE FROM fault WHERE id = ?1", [id])? > 0))
    }

    /// Removes all faults and returns how many there were.
    pub fn clear_faults(&self) -> Result<usize, CloudError> {
        self.store.write(|tx| Ok(tx.execute("DELETE FROM fault", [])?))
    }
}

fn check(fault: &Fault) -> Result<(), CloudError> {
    let invalid = |why: String| Err(CloudError::Invalid(why));
    for glob in [&fault.matching, &fault.name, &fault.identity] {
        Pattern::new(glob)?;
    }
    if fault.times == Some(0) {
        return invalid("a fault that happens 0 times does nothing".to_owned());
    }
    match (fault.operation, &fault.effect) {
        (Some(operation @ (Operation::Lose | Operation::Restore)), _) => {
            invalid(format!("a fault cannot hit `{operation}`: Terraform does not do it"))
        }
        (_, Effect::TimeOut { after }) if *after > HANG_MAX => {
            invalid(format!("a call hangs at most {} s", HANG_MAX.as_secs()))
        }
        _ => Ok(()),
    }
}

fn all(tx: &Transaction<'_>) -> Result<Vec<StoredFault>, CloudError> {
    let mut statement = tx.prepare_cached(
        "SELECT id, matching, operation, name, identity, effect, message, after_ms, remaining FROM fault ORDER BY id",
    )?;
    let mut rows = statement.query([])?;
    let mut faults = Vec::new();
    while let Some(row) = rows.next()? {
        faults.push(read(row)?);
    }
    Ok(faults)
}

fn read(row: &Row<'_>) -> Result<StoredFault, CloudError> {
    let damaged = || StoreError::Damaged("a fault cannot be read".to_owned());
    let (operation, effect): (Option<String>, String) = (row.get(2)?, row.get(5)?);
    let effect = match effect.as_str() {
        "fail" => Effect::Fail { message: row.get::<_, Option<String>>(6)?.unwrap_or_default() },
        "time-out" => Effect::TimeOut {
            after: Duration::from_millis(row.get::<_, Option<i64>>(7)?.unwrap_or(0).unsigned_abs()).min(HANG_MAX),
        },
        "succeed-late" => Effect::SucceedLate,
        _ => return Err(damaged().into()),
    };
    let operation = operation.map(|name| Operation::named(&name).ok_or_else(damaged)).transpose()?;
    let fault = Fault {
        matching: row.get(1)?,
        operation,
        name: row.get(3)?,
        identity: row.get(4)?,
        effect,
        times: row.get(8)?,
    };
    Ok(StoredFault { id: row.get(0)?, fault })
}

/// The oldest fault that matches the call.
fn hitting(tx: &Transaction<'_>, request: &Request) -> Result<Option<StoredFault>, CloudError> {
    let path = format!("{}/{}", request.resource_type.vendor, request.resource_type.kind.name);
    for stored in all(tx)? {
        let fault = &stored.fault;
        if fault.operation.is_none_or(|operation| operation == request.operation)
            && Pattern::new(&fault.matching)?.matches(&path)
            && Pattern::new(&fault.name)?.matches(&request.name)
            && Pattern::new(&fault.identity)?.matches(&request.identity)
        {
            return Ok(Some(stored));
        }
    }
    Ok(None)
}

/// Whether a fault would hit the call.
pub(super) fn is_hit(tx: &Transaction<'_>, request: &Request) -> Result<bool, CloudError> {
    Ok(hitting(tx, request)?.is_some())
}

/// Takes the fault that hits the call, and counts it.
pub(super) fn take(tx: &Transaction<'_>, request: &Request) -> Result<Option<Effect>, CloudError> {
    let Some(stored) = hitting(tx, request)? else { return Ok(None) };
    match stored.fault.times {
        None => {}
        Some(0 | 1) => {
            tx.execute("DELETE FROM fault WHERE id = ?1", [stored.id])?;
        }
        Some(_) => {
            tx.execute("UPDATE fault SET remaining = remaining - 1 WHERE id = ?1", [stored.id])?;
        }
    }
    Ok(Some(stored.fault.effect))
}
