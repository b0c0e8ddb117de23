//! Files that are replaced at once, and folders that are told to the disk.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::LayoutError;

/// How files are called that take the place of another one in a moment.
pub(super) const NEW_PREFIX: &str = ".new-";

/// Whether nothing is there.
pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LayoutError + use<> {
    let path: PathBuf = path.to_owned();
    move |source| LayoutError::Io { action, path, source }
}

/// A file that others may read, as far as the process's mask lets them: a layout is shared with other tools.
pub(super) fn new_file(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let shared = fs::Permissions::from_mode(0o644);
    tempfile::Builder::new().prefix(NEW_PREFIX).permissions(shared).tempfile_in(folder)
}

/// Replaces a file of a folder. Whoever reads it sees the old one or the new one, also after a loss of power.
pub(super) fn replace(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), LayoutError> {
    let path = folder.join(name);
    let mut file = new_file(folder).map_err(failed("write", &path))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed("write", &path))?;
    file.persist(&path).map_err(|error| failed("replace", &path)(error.error))?;
    sync_folder(folder)
}

/// Brings a folder's names to the disk.
pub(super) fn sync_folder(folder: &Path) -> Result<(), LayoutError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("sync", folder))
}

/// Brings files and their folder to the disk: each by itself where they are few, otherwise the whole file system at once, which takes one
/// wait for the disk instead of thousands.
pub(super) fn sync(folder: &Path, files: &[PathBuf]) -> Result<(), LayoutError> {
    if files.is_empty() {
        return Ok(());
    }
    #[cfg(target_os = "linux")]
    if files.len() > SYNCED_SINGLY_MAX {
        let opened = File::open(folder).map_err(failed("sync", folder))?;
        return rustix::fs::syncfs(&opened).map_err(|error| failed("sync", folder)(error.into()));
    }
    for path in files {
        File::open(path).and_then(|file| file.sync_all()).map_err(failed("sync", path))?;
    }
    sync_folder(folder)
}

/// So many files are synced one by one: beyond, syncing everything costs less, whatever else is to be written on the machine.
#[cfg(target_os = "linux")]
const SYNCED_SINGLY_MAX: usize = 24;
