//! Snapshots of states: their bytes are sealed in the vault, and what is known of them is a row of a table. Owns both. Works on a
//! connection that the caller has; never reads or writes a state where Terraform keeps it.

mod holdings;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::json;
use terrace_domain::blast::Holding;
use terrace_domain::ledger::{Kind, NewEntry};
use terrace_domain::run::{Moment, RunId};
use terrace_domain::state::{StateError, StateFacts};
use terrace_vault::{Digest, Vault, VaultError};

pub(crate) use holdings::TABLES as HOLDING_TABLES;
pub use holdings::holdings;

use crate::ledger::{self, LedgerError};

/// The table.
pub const TABLES: &str = "
CREATE TABLE IF NOT EXISTS snapshot (
    id          INTEGER PRIMARY KEY,
    environment TEXT NOT NULL,
    stack       TEXT NOT NULL,
    at          INTEGER NOT NULL, -- milliseconds since 1970, UTC
    run         INTEGER,          -- the run after which it was taken
    digest      TEXT NOT NULL,    -- of the state's bytes: its name in the vault
    serial      INTEGER NOT NULL,
    lineage     TEXT NOT NULL,
    resources   INTEGER NOT NULL,
    size        INTEGER NOT NULL  -- of the state, in bytes
) STRICT;
CREATE INDEX IF NOT EXISTS snapshot_instance ON snapshot (environment, stack);
";

/// A snapshot cannot be taken or found.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// SQLite refuses.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// What was to be kept is no state.
    #[error("no snapshot can be taken: {0}")]
    State(#[from] StateError),
    /// The vault cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// It cannot be entered into the ledger.
    #[error("the ledger: {0}")]
    Ledger(#[from] LedgerError),
    /// A row cannot be read.
    #[error("snapshot {id} cannot be read: {why}")]
    Row {
        /// The snapshot.
        id: u64,
        /// Why.
        why: String,
    },
}

/// What a snapshot is known by before it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its name in the vault: the digest of the state's bytes.
    pub digest: Digest,
    /// The state's size, in bytes.
    pub size: u64,
    /// The state's serial.
    pub serial: u64,
    /// The state's lineage.
    pub lineage: String,
    /// How many instances of managed resources it has.
    pub resources: u64,
    /// The same by type, of a state that was just looked at; [`holdings()`] gives what was recorded.
    pub holding: Option<Holding>,
}

/// Whose state a snapshot is of, and when it was taken.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// The environment.
    pub environment: &'a str,
    /// The stack.
    pub stack: &'a str,
    /// When.
    pub at: Moment,
    /// The run after which it was taken.
    pub run: Option<RunId>,
}

/// A snapshot that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its number.
    pub id: u64,
    /// The environment.
    pub environment: String,
    /// The stack.
    pub stack: String,
    /// When it was taken.
    pub at: Moment,
    /// The run after which it was taken.
    pub run: Option<RunId>,
    /// What it is known by.
    pub taken: Taken,
}

impl Taken {
    /// What a state is known by, without keeping it.
    pub fn of(bytes: &[u8]) -> Result<Self, StateError> {
        let facts = StateFacts::read(bytes)?;
        Ok(Self {
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            serial: facts.serial,
            resources: facts.resources.len() as u64,
            holding: Some(Holding::of(&facts)),
            lineage: facts.lineage,
        })
    }
}

/// Seals a state in the vault. It is on disk when this returns; [`record`] makes it known.
pub fn take(vault: &Vault, state: &[u8]) -> Result<Taken, SnapshotError> {
    let taken = Taken::of(state)?;
    vault.put(state)?;
    Ok(taken)
}

/// Records a snapshot that was taken; returns its number.
pub fn record(connection: &Connection, of: &Occasion<'_>, taken: &Taken) -> Result<u64, SnapshotError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO snapshot (environment, stack, at, run, digest, serial, lineage, resources, size)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let id = statement.insert(params![
        of.environment,
        of.stack,
        of.at.0,
        of.run.map(|run| as_i64(run.0)),
        taken.digest.to_string(),
        as_i64(taken.serial),
        taken.lineage,
        as_i64(taken.resources),
        as_i64(taken.size),
    ])?;
    if let Some(holding) = &taken.holding {
        holdings::record(connection, id, holding)?;
    }
    Ok(u64::try_from(id).unwrap_or(0))
}

/// The kind of the ledger's entries of snapshots.
pub static STATE_SNAPSHOT: Kind = Kind::known("state_snapshot");

/// Records a snapshot that was taken, and enters it into the ledger; returns its number.
pub fn enter(
    transaction: &Transaction<'_>,
    of: &Occasion<'_>,
    actor: &str,
    taken: &Taken,
) -> Result<u64, SnapshotError> {
    let id = record(transaction, of, taken)?;
    let body = json!({
        "snapshot": id,
        "digest": taken.digest.to_string(),
        "serial": taken.serial,
        "lineage": taken.lineage,
        "resources": taken.resources,
        "size": taken.size,
    });
    let body = body.to_string();
    let mut entry = NewEntry::new(of.at, actor, &STATE_SNAPSHOT, &body);
    (entry.environment, entry.stack, entry.run) = (Some(of.environment), Some(of.stack), of.run);
    ledger::append(transaction, &entry)?;
    Ok(id)
}

const COLUMNS: &str = "id, environment, stack, at, run, digest, serial, lineage, resources, size";

/// The last snapshot of an instance's state.
pub fn latest(connection: &Connection, environment: &str, stack: &str) -> Result<Option<Snapshot>, SnapshotError> {
    Ok(list(connection, environment, stack, 1)?.pop())
}

/// The snapshots of an instance's state, the newest first, at most `limit`.
pub fn list(
    connection: &Connection,
    environment: &str,
    stack: &str,
    limit: usize,
) -> Result<Vec<Snapshot>, SnapshotError> {
    let sql = format!("SELECT {COLUMNS} FROM snapshot WHERE environment = ?1 AND stack = ?2 ORDER BY id DESC LIMIT ?3");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(params![environment, stack, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(snapshot(row)?);
    }
    Ok(found)
}

/// The last snapshot of each instance, in order of environment and stack; of one environment, if given.
pub fn latest_of_each(connection: &Connection, environment: Option<&str>) -> Result<Vec<Snapshot>, SnapshotError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM snapshot
         WHERE id IN (SELECT max(id) FROM snapshot WHERE ?1 IS NULL OR environment = ?1 GROUP BY environment, stack)
         ORDER BY environment, stack"
    );
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([environment])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(snapshot(row)?);
    }
    Ok(found)
}

/// The snapshot with a number.
pub fn find(connection: &Connection, id: u64) -> Result<Option<Snapshot>, SnapshotError> {
    let sql = format!("SELECT {COLUMNS} FROM snapshot WHERE id = ?1");
    let found = connection.query_row(&sql, [as_i64(id)], |row| Ok(snapshot(row))).optional()?;
    found.transpose()
}

fn snapshot(row: &Row<'_>) -> Result<Snapshot, SnapshotError> {
    let number = |at: usize| row.get::<_, i64>(at).map(|number| u64::try_from(number).unwrap_or(0));
    let id = number(0)?;
    let digest: String = row.get(5)?;
    let digest = digest.parse().map_err(|error| SnapshotError::Row { id, why: format!("{error}") })?;
    Ok(Snapshot {
        id,
        environment: row.get(1)?,
        stack: row.get(2)?,
        at: Moment(row.get(3)?),
        run: row.get::<_, Option<i64>>(4)?.and_then(|run| u64::try_from(run).ok()).map(RunId),
        taken: Taken {
            digest,
            serial: number(6)?,
            lineage: row.get(7)?,
            resources: number(8)?,
            size: number(9)?,
            holding: None,
        },
    })
}

/// Numbers of rows, serials and sizes stay far below the limit of SQLite's integers.
fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use terrace_vault::Identity;

    use super::*;

    fn state(serial: u64) -> Vec<u8> {
        format!(
            r#"{{"version":4,"serial":{serial},"lineage":"l-1","outputs":{{}},"resources":[
               {{"mode":"managed","type":"a","name":"b","instances":[{{"attributes":{{"password":"hunter2"}}}}]}}]}}"#
        )
        .into_bytes()
    }

    #[test]
    fn snapshots_are_taken_recorded_and_found() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(&folder.path().join("snapshots"), vec![Identity::generate()], vec![]).unwrap();
        let connection = crate::database::open(&folder.path().join("terrace.db")).unwrap();
        let occasion = |environment, stack, at| Occasion { environment, stack, at: Moment(at), run: Some(RunId(3)) };
        let taken = take(&vault, &state(7)).unwrap();
        assert_eq!((taken.serial, taken.lineage.as_str(), taken.resources), (7, "l-1", 1));
        assert_eq!(vault.get(taken.digest).unwrap(), state(7));
        assert_eq!(record(&connection, &occasion("dev", "network", 1), &taken).unwrap(), 1);
        let newer = take(&vault, &state(8)).unwrap();
        record(&connection, &occasion("dev", "network", 2), &newer).unwrap();
        record(&connection, &occasion("dev", "cluster", 3), &newer).unwrap();
        record(&connection, &occasion("prod", "network", 4), &taken).unwrap();
        let ids = |found: Vec<Snapshot>| found.iter().map(|found| found.id).collect::<Vec<_>>();
        assert_eq!(latest(&connection, "dev", "network").unwrap().unwrap().taken.digest, newer.digest);
        assert_eq!(ids(list(&connection, "dev", "network", 9).unwrap()), [2, 1]);
        assert_eq!(ids(latest_of_each(&connection, None).unwrap()), [3, 2, 4]);
        assert_eq!(ids(latest_of_each(&connection, Some("prod")).unwrap()), [4]);
        let found = find(&connection, 4).unwrap().unwrap();
        assert_eq!((found.environment.as_str(), found.run, found.at), ("prod", Some(RunId(3)), Moment(4)));
        drop(connection);
        let mut connection = crate::database::open(&folder.path().join("terrace.db")).unwrap();
        let again = occasion("dev", "network", 5);
        let id = crate::database::write(&mut connection, |transaction| enter(transaction, &again, "ada@host", &taken));
        assert_eq!(id.unwrap(), 5);
        let entries = ledger::log(&connection, &ledger::Filter::default()).unwrap();
        assert_eq!((entries.len(), entries[0].kind.as_str()), (1, "state_snapshot"));
        assert!(entries[0].body.contains(r#""serial":7"#) && entries[0].body.contains(r#""snapshot":5"#));
        assert_eq!(find(&connection, 6).unwrap(), None);
        assert_eq!(latest(&connection, "dev", "nothing").unwrap(), None);
    }

    #[test]
    fn what_is_no_state_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path(), vec![Identity::generate()], vec![]).unwrap();
        assert!(matches!(take(&vault, b""), Err(SnapshotError::State(StateError::Empty))));
        assert!(matches!(take(&vault, &state(1)[..50]), Err(SnapshotError::State(StateError::CutOff { .. }))));
        assert_eq!(std::fs::read_dir(folder.path().join("sha256")).unwrap().count(), 0);
    }
}
