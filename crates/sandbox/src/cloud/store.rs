//! The cloud's `SQLite` file: its tables, its version, and connections to it. Owns how transactions begin and end. Never knows what
//! is in them.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::CloudError;

/// The version of the tables that this code reads and writes.
const VERSION: i64 = 1;
/// Marks the file as a sandbox cloud ("trsb"), so that another program's database is not taken for one.
const APPLICATION_ID: i64 = 0x7472_7362;
/// How long to wait for another process to finish writing. Writes take under a millisecond; this is for a machine under load.
const BUSY_WAIT: Duration = Duration::from_secs(30);
/// The most connections kept open between uses: more than the parallel calls of a busy Terraform (10).
const IDLE_CONNECTIONS_MAX: usize = 16;

const TABLES: &str = "
    CREATE TABLE setting (name TEXT PRIMARY KEY, value REAL NOT NULL) STRICT;
    CREATE TABLE resource (
        id TEXT PRIMARY KEY, vendor TEXT NOT NULL, kind TEXT NOT NULL, region TEXT NOT NULL, holder TEXT,
        scope TEXT NOT NULL, name TEXT NOT NULL, attributes TEXT NOT NULL, created_at INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX resource_name ON resource (vendor, kind, scope, name);
    CREATE INDEX resource_region ON resource (region);
    CREATE INDEX resource_holder ON resource (holder, kind) WHERE holder IS NOT NULL;
    CREATE TABLE reference (
        from_id TEXT NOT NULL, attribute TEXT NOT NULL, to_id TEXT NOT NULL, PRIMARY KEY (from_id, attribute, to_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX reference_to ON reference (to_id);
    CREATE TABLE fault (
        id INTEGER PRIMARY KEY, matching TEXT NOT NULL, operation TEXT, name TEXT NOT NULL, identity TEXT NOT NULL,
        effect TEXT NOT NULL, message TEXT, after_ms INTEGER, remaining INTEGER
    ) STRICT;
    CREATE TABLE lost_region (region TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT;
    CREATE TABLE call (
        id INTEGER PRIMARY KEY, at INTEGER NOT NULL, identity TEXT NOT NULL, operation TEXT NOT NULL, vendor TEXT,
        kind TEXT NOT NULL, name TEXT NOT NULL, resource TEXT NOT NULL, outcome TEXT NOT NULL, error TEXT,
        duration_ms INTEGER NOT NULL
    ) STRICT;
";

/// Why the cloud's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be made.
    #[error("cannot make the sandbox cloud {}: {error}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file could not be opened as a database.
    #[error("cannot open the sandbox cloud {}: {error}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        error: rusqlite::Error,
    },
    /// The file is a database of something else.
    #[error("{} is not a sandbox cloud", .0.display())]
    Foreign(PathBuf),
    /// The file was written by a newer Terrace.
    #[error(
        "the sandbox cloud {} has version {found}, written by a newer Terrace; this one knows versions up to {VERSION}",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// A statement failed.
    #[error("the sandbox cloud cannot be read or written: {0}")]
    Database(#[from] rusqlite::Error),
    /// A row has something in it that no version writes.
    #[error("the sandbox cloud is damaged: {0}")]
    Damaged(String),
}

/// The file and the connections to it.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    /// Held while writing: threads queue up here, rather than poll `SQLite`'s own lock.
    writing: Mutex<()>,
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        // SQLite gives its journal files the permissions of the database.
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| StoreError::Create { path: path.to_owned(), error })?;
        let store = Self { path: path.to_owned(), idle: Mutex::default(), writing: Mutex::default() };
        let mut connection = store.connect()?;
        prepare(&mut connection, path)?;
        store.give_back(connection);
        Ok(store)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs a transaction that reads: it sees one state of the cloud.
    pub(super) fn read<T>(
        &self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        self.transaction(TransactionBehavior::Deferred, body)
    }

    /// Runs a transaction that writes. When the body fails, nothing is written.
    pub(super) fn write<T>(
        &self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.transaction(TransactionBehavior::Immediate, body)
    }

    fn transaction<T>(
        &self,
        behavior: TransactionBehavior,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let transaction = connection.transaction_with_behavior(behavior)?;
        let result = body(&transaction);
        if result.is_ok() {
            transaction.commit()?;
        } else {
            transaction.rollback()?;
        }
        self.give_back(connection);
        result
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_CONNECTIONS_MAX {
            idle.push(connection);
        }
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let open = || {
            let connection = Connection::open_with_flags(
                &self.path,
                OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?;
            connection.busy_timeout(BUSY_WAIT)?;
            // A power cut may lose the last writes of a practice cloud; a killed process loses none.
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            Ok(connection)
        };
        open().map_err(|error| StoreError::Open { path: self.path.clone(), error })
    }
}

/// Makes the tables where there are none, and refuses what is not ours. Nothing is changed in a file that is refused.
fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::Open { path: path.to_owned(), error };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let pragma = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let is_empty: bool = transaction
        .query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
        .map_err(failed)?;
    match (application, version) {
        (0, 0) if is_empty => {
            transaction.execute_batch(TABLES).map_err(failed)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
            transaction.pragma_update(None, "user_version", VERSION).map_err(failed)?;
        }
        (APPLICATION_ID, found) if found > VERSION => return Err(StoreError::Newer { path: path.to_owned(), found }),
        (APPLICATION_ID, VERSION) => {}
        _ => return Err(StoreError::Foreign(path.to_owned())),
    }
    transaction.commit().map_err(failed)?;
    journal_ahead(connection).map_err(failed)
}

/// Sets the write-ahead log. `SQLite` does not wait for this lock by itself while another process does the same.
fn journal_ahead(connection: &Connection) -> Result<(), rusqlite::Error> {
    let deadline = std::time::Instant::now() + BUSY_WAIT;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(rusqlite::Error::SqliteFailure(failure, _))
                if failure.code == ErrorCode::DatabaseBusy && std::time::Instant::now() < deadline =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Cloud;

    fn refused(prepare: impl FnOnce(&Path)) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cloud");
        prepare(&path);
        let before = fs::read(&path).expect("readable");
        let error = Cloud::open(&path).expect_err("refused").to_string();
        assert_eq!(fs::read(&path).expect("readable"), before, "a refused file stays as it is");
        error.replace(&folder.path().display().to_string(), "TMP")
    }

    #[test]
    fn other_files_are_refused() {
        let newer = refused(|path| {
            drop(Cloud::open(path).expect("a cloud"));
            Connection::open(path).expect("open").pragma_update(None, "user_version", 9).expect("set");
        });
        assert!(newer.contains("TMP/cloud has version 9, written by a newer Terrace"), "{newer}");
        let foreign = refused(|path| {
            Connection::open(path).expect("open").execute_batch("CREATE TABLE other (x)").expect("made");
        });
        assert_eq!(foreign, "TMP/cloud is not a sandbox cloud");
        let garbage = refused(|path| fs::write(path, "garbage ".repeat(1000)).expect("written"));
        assert!(garbage.starts_with("cannot open the sandbox cloud TMP/cloud"), "{garbage}");
    }

    #[test]
    fn many_may_open_a_new_cloud_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cloud");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| Cloud::open(&path).expect("opens").inventory().expect("reads"));
            }
        });
    }

    #[test]
    fn the_file_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cloud");
        let _cloud = Cloud::open(&path).expect("opens");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }
}
