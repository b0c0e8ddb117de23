//! A crash for tests: the process dies at a given point of the ledger, as by SIGKILL. Only in debug builds; decides nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::StoreError;
use crate::ledger;

/// The points that were set, by ledger: a process may open one several times.
static POINTS: Mutex<BTreeMap<PathBuf, u64>> = Mutex::new(BTreeMap::new());

/// The point at which the process dies; by default never.
#[derive(Debug, Default)]
pub(super) struct CrashPoint {
    last: Option<u64>,
}

impl CrashPoint {
    /// Right after the ledger at `path` has got so many more entries than when this process asked first.
    pub(super) fn after(entries: u64, path: &Path, connection: &Connection) -> Result<Self, StoreError> {
        let head = ledger::head(connection)?.map_or(0, |(seq, _)| seq);
        let mut points = POINTS.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Self { last: Some(*points.entry(path.to_owned()).or_insert(head + entries)) })
    }

    /// Looks whether the point is reached. Nothing is unwound and nothing is flushed: what is on disk is what a crash leaves.
    pub(super) fn pass(&self, connection: &Connection) -> Result<(), StoreError> {
        let Some(last) = self.last else { return Ok(()) };
        if ledger::head(connection)?.is_some_and(|(seq, _)| seq >= last) {
            std::process::abort();
        }
        Ok(())
    }
}
