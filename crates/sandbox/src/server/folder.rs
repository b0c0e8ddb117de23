//! The private folder in which a server's sockets are. Owns making it, and removing those that crashed servers left behind.

use std::fs::{self, DirEntry, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::own_user;

/// What the names of these folders begin with.
const PREFIX: &str = "terrace-sandbox-";
/// The file in a folder that its server holds a lock on: the operating system lets go of it when the server ends, however it ends.
const LOCK: &str = "lock";
/// How often a folder is made anew because another server, just then clearing up, took it for a left one.
const ATTEMPTS_MAX: usize = 10;

/// A folder that only its owner can enter, removed when it is dropped.
#[derive(Debug)]
pub(super) struct SocketFolder {
    folder: tempfile::TempDir,
    _lock: File,
}

impl SocketFolder {
    /// Makes a folder in `parent`, after removing what crashed servers left there.
    pub(super) fn new(parent: &Path) -> io::Result<Self> {
        remove_left(parent);
        for _ in 0..ATTEMPTS_MAX {
            let folder = tempfile::Builder::new()
                .prefix(PREFIX)
                .permissions(Permissions::from_mode(0o700))
                .tempdir_in(parent)?;
            let lock = File::create(folder.path().join(LOCK))?;
            lock.lock()?;
            // Between the making and the locking another server may have removed it.
            if folder.path().join(LOCK).exists() {
                return Ok(Self { folder, _lock: lock });
            }
        }
        Err(io::Error::other("other processes keep removing it"))
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders whose servers are gone. What cannot be removed stays: it is in nobody's way.
fn remove_left(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if is_ours(&entry)
            && let Ok(lock) = File::open(entry.path().join(LOCK))
            && lock.try_lock().is_ok()
        {
            let _stays = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether it is a real folder (not a link to one) of this user's that a server has made.
fn is_ours(entry: &DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with(PREFIX)
        && entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == own_user())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(parent: &Path) -> Vec<String> {
        let entries = fs::read_dir(parent).expect("readable");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_crashed_server_left_is_removed_and_nothing_else() {
        let parent = tempfile::tempdir().expect("a folder");
        let alive = SocketFolder::new(parent.path()).expect("made");
        for other in ["terrace-sandbox-left", "terrace-sandbox-new", "other"] {
            fs::create_dir(parent.path().join(other)).expect("made");
        }
        for (folder, file) in [("terrace-sandbox-left", LOCK), ("terrace-sandbox-left", "0"), ("other", LOCK)] {
            File::create(parent.path().join(folder).join(file)).expect("made");
        }
        std::os::unix::fs::symlink(parent.path().join("other"), parent.path().join("terrace-sandbox-link"))
            .expect("made");
        let second = SocketFolder::new(parent.path()).expect("made");
        let name = |folder: &SocketFolder| folder.path().file_name().expect("a name").to_string_lossy().into_owned();
        let mut expected = ["other", "terrace-sandbox-link", "terrace-sandbox-new"].map(str::to_owned).to_vec();
        expected.extend([name(&alive), name(&second)]);
        expected.sort();
        assert_eq!(names(parent.path()), expected);
        drop((alive, second));
        assert_eq!(names(parent.path()), ["other", "terrace-sandbox-link", "terrace-sandbox-new"]);
    }

    #[test]
    fn many_servers_may_start_at_once() {
        let parent = tempfile::tempdir().expect("a folder");
        let folders: Vec<SocketFolder> = std::thread::scope(|scope| {
            let starting: Vec<_> =
                (0..8).map(|_| scope.spawn(|| SocketFolder::new(parent.path()).expect("made"))).collect();
            starting.into_iter().map(|thread| thread.join().expect("made")).collect()
        });
        assert!(folders.iter().all(|folder| folder.path().is_dir()));
    }
}
