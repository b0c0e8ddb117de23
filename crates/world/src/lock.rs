//! Advisory locks: one file a name, held through the operating system, so that a crash lets go of it. Owns the files in a folder
//! of locks. Never waits, never breaks a lock and never removes a lock file: another process may have it open already, and two
//! files under one name would be two locks.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest lock name in bytes: with `.lock` it fits into a file name everywhere (255 bytes).
pub const LOCK_NAME_LENGTH_MAX: usize = 200;
/// The most bytes that are read of a lock file: a holder takes a few hundred; more is not ours.
const HOLDER_BYTES_MAX: u64 = 64 * 1024;
/// How often a lock is tried, and how often its file is read while its holder may still be writing it.
const ATTEMPTS_MAX: u32 = 10;
/// The pause between two attempts. In all 50 ms: many times what the writing takes, or the look of somebody who asks who holds it.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(5);

/// Who holds a lock, for people: nothing is decided by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The user's name.
    pub user: String,
    /// The machine's name.
    pub host: String,
    /// When it was taken, RFC 3339.
    pub started_at: String,
    /// What it was taken for: a command line or a run.
    pub command: String,
}

/// The version of [`HolderWire`] that is written.
const HOLDER_VERSION: u32 = 1;

/// What a lock file holds.
#[derive(Serialize, Deserialize)]
struct HolderWire {
    version: u32,
    #[serde(flatten)]
    holder: Holder,
}

/// A lock that is held. Dropping it lets go.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process, or another part of this one, holds it.
    #[error("the lock `{name}` is held{}", .holder.as_deref().map(describe).unwrap_or_default())]
    Held {
        /// The lock.
        name: String,
        /// Who holds it, where its file can be read.
        holder: Option<Box<Holder>>,
    },
    /// The name cannot be a file's name.
    #[error("`{0}` cannot name a lock: letters, digits, `-`, `_` and `.` only, not beginning with `.`")]
    Name(String),
    /// The file cannot be made, locked or written.
    #[error("cannot lock `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn describe(holder: &Holder) -> String {
    let Holder { pid, user, host, started_at, command } = holder;
    format!(" by {user} on {host} (process {pid}) since {started_at}: {command}")
}

impl Lock {
    /// Takes the lock `name` in `folder`, which is made where it is missing, and notes `holder` in its file.
    pub fn try_acquire(folder: &Path, name: &str, holder: &Holder) -> Result<Self, LockError> {
        let path = lock_path(folder, name)?;
        let failed = |source| LockError::Io { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let file = open(&path).map_err(failed)?;
        if !try_some_times(&file).map_err(failed)? {
            return Err(LockError::Held { name: name.to_owned(), holder: read_while_held(&path).map(Box::new) });
        }
        // Held from here on, so nobody else writes: what a dead holder left is overwritten.
        let mut lock = Self { file, path: path.clone() };
        lock.write(holder).map_err(failed)?;
        Ok(lock)
    }

    /// The lock's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write(&mut self, holder: &Holder) -> io::Result<()> {
        let wire = HolderWire { version: HOLDER_VERSION, holder: holder.clone() };
        let text = serde_json::to_vec(&wire)?;
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&text)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The next holder must not be taken for this one. Failing costs only that; closing the file unlocks it.
        let _ = self.file.set_len(0);
    }
}

/// Who holds the lock `name` in `folder` now; `None` where nobody does. Takes nothing.
pub fn holder(folder: &Path, name: &str) -> Result<Option<Holder>, LockError> {
    let path = lock_path(folder, name)?;
    let failed = |source| LockError::Io { path: path.clone(), source };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    // A shared lock, so that several who ask do not find each other.
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(read_while_held(&path)),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Whether the file could be locked. [`holder`] takes it for a moment when it looks: that is not somebody who works.
fn try_some_times(file: &File) -> io::Result<bool> {
    for attempt in 0..ATTEMPTS_MAX {
        if attempt > 0 {
            std::thread::sleep(ATTEMPT_PAUSE);
        }
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(false)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn lock_path(folder: &Path, name: &str) -> Result<PathBuf, LockError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > LOCK_NAME_LENGTH_MAX || name.starts_with('.') || !name.chars().all(allowed) {
        return Err(LockError::Name(name.to_owned()));
    }
    Ok(folder.join(format!("{name}.lock")))
}

/// The holder writes just after it has locked: what is not whole yet is read again.
fn read_while_held(path: &Path) -> Option<Holder> {
    for attempt in 0..ATTEMPTS_MAX {
        if attempt > 0 {
            std::thread::sleep(ATTEMPT_PAUSE);
        }
        if let Some(holder) = read_holder(path) {
            return Some(holder);
        }
    }
    None
}

fn read_holder(path: &Path) -> Option<Holder> {
    let mut text = Vec::new();
    File::open(path).ok()?.take(HOLDER_BYTES_MAX).read_to_end(&mut text).ok()?;
    serde_json::from_slice::<HolderWire>(&text).ok().map(|wire| wire.holder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody(command: &str) -> Holder {
        Holder {
            pid: 4711,
            user: "ada".into(),
            host: "engine".into(),
            started_at: "2026-11-23T10:00:00Z".into(),
            command: command.into(),
        }
    }

    #[test]
    fn the_second_learns_who_holds_it_and_gets_it_after() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::try_acquire(folder.path(), "environment-dev", &somebody("terrace deliver")).unwrap();
        let error = Lock::try_acquire(folder.path(), "environment-dev", &somebody("other")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the lock `environment-dev` is held by ada on engine (process 4711) since 2026-11-23T10:00:00Z: terrace deliver"
        );
        assert_eq!(holder(folder.path(), "environment-dev").unwrap(), Some(somebody("terrace deliver")));
        drop(first);
        assert_eq!(holder(folder.path(), "environment-dev").unwrap(), None);
        Lock::try_acquire(folder.path(), "environment-dev", &somebody("other")).unwrap();
    }

    #[test]
    fn locks_of_different_names_do_not_meet() {
        let folder = tempfile::tempdir().unwrap();
        let _dev = Lock::try_acquire(folder.path(), "dev", &somebody("a")).unwrap();
        let _prod = Lock::try_acquire(folder.path(), "prod", &somebody("b")).unwrap();
    }

    #[test]
    fn what_a_dead_holder_left_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let long = serde_json::to_string(&HolderWire { version: 1, holder: somebody(&"x".repeat(5000)) }).unwrap();
        fs::write(folder.path().join("dev.lock"), long).unwrap();
        assert_eq!(holder(folder.path(), "dev").unwrap(), None);
        let _lock = Lock::try_acquire(folder.path(), "dev", &somebody("new")).unwrap();
        assert_eq!(holder(folder.path(), "dev").unwrap(), Some(somebody("new")));
    }

    #[test]
    fn an_unreadable_holder_is_still_a_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dev.lock");
        fs::write(&path, b"\xff not json").unwrap();
        let file = File::open(&path).unwrap();
        file.try_lock().unwrap();
        let error = Lock::try_acquire(folder.path(), "dev", &somebody("new")).unwrap_err();
        assert!(matches!(error, LockError::Held { holder: None, .. }));
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", "..", "a/b", ".hidden", "a b", "é", &"a".repeat(201)] {
            let error = Lock::try_acquire(folder.path(), name, &somebody("x")).unwrap_err();
            assert!(matches!(error, LockError::Name(_)), "{name}");
        }
    }

    #[test]
    fn who_only_looks_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    holder(folder.path(), "dev").unwrap();
                }
            });
            let taken: Vec<bool> =
                (0..200).map(|_| Lock::try_acquire(folder.path(), "dev", &somebody("work")).is_ok()).collect();
            over.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(taken, vec![true; 200]);
        });
    }

    #[test]
    fn one_of_many_threads_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let barrier = std::sync::Barrier::new(8);
        let taken: Vec<Option<Lock>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        Lock::try_acquire(folder.path(), "dev", &somebody("race")).ok()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(taken.iter().flatten().count(), 1);
    }
}
