//! A crash for tests: the process dies at a given point of the ledger, as by SIGKILL. Only in debug builds; decides nothing.

use rusqlite::Connection;

use super::StoreError;
use crate::ledger;

/// The point at which the process dies; by default never.
#[derive(Debug, Default)]
pub(super) struct CrashPoint {
    last: Option<u64>,
}

impl CrashPoint {
    /// Right after the ledger has got so many more entries than now.
    pub(super) fn after(entries: u64, connection: &Connection) -> Result<Self, StoreError> {
        let head = ledger::head(connection)?.map_or(0, |(seq, _)| seq);
        Ok(Self { last: Some(head + entries) })
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
