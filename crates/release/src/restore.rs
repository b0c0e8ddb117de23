//! Writes the source tree of an estate release to a folder: what is needed when the repository is lost. A new folder appears
//! when all of it is there. Never writes over anything.

use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use terrace_config::tree::{FileKind, FileTree, ReadError};

use crate::tree::ReleaseTree;

/// A source tree cannot be restored. The folder is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is something in the folder.
    #[error("`{}` is not an empty folder", .0.display())]
    NotEmpty(PathBuf),
    /// A file cannot be read from the release.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file or a folder cannot be written.
    #[error("cannot write `{}`", path.display())]
    Io {
        /// The file or the folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Writes all files of the release into `folder`, which must be empty or missing; returns how many there are.
pub fn restore(tree: &ReleaseTree, folder: &Path) -> Result<usize, RestoreError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| RestoreError::Io { path, source }
    };
    if !is_free(folder).map_err(failed(folder))? {
        return Err(RestoreError::NotEmpty(folder.to_owned()));
    }
    let is_there = folder.is_dir();
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Beside its place, or in it where it is there: somebody may stand in that folder, and is to find the files.
    let stage = if is_there { folder } else { parent };
    fs::create_dir_all(stage).map_err(failed(stage))?;
    let staged = tempfile::Builder::new().prefix(".terrace-restore-").tempdir_in(stage).map_err(failed(stage))?;
    tree.files().par_iter().try_for_each(|entry| {
        let content = tree.read(entry)?;
        let path = staged.path().join(entry.path.as_str());
        write_file(&path, entry.kind, &content).map_err(|source| RestoreError::Io { path, source })
    })?;
    if is_there { move_into(staged.path(), folder) } else { become_folder(staged, folder) }.map_err(failed(folder))?;
    Ok(tree.files().len())
}

/// Moves all that is staged in the folder up into it.
fn move_into(staged: &Path, folder: &Path) -> io::Result<()> {
    for entry in staged.read_dir()? {
        let entry = entry?;
        fs::rename(entry.path(), folder.join(entry.file_name()))?;
    }
    Ok(())
}

/// Makes the staged folder the one that was asked for.
fn become_folder(staged: tempfile::TempDir, folder: &Path) -> io::Result<()> {
    fs::set_permissions(staged.path(), fs::Permissions::from_mode(FOLDER_MODE))?;
    fs::rename(staged.path(), folder)?;
    // It is not there any more under its first name, so nothing is removed.
    let _ = staged.keep();
    Ok(())
}

/// The mode of a folder that is made: temporary ones are for their owner alone.
const FOLDER_MODE: u32 = 0o755;

/// Whether the folder is empty, or nothing is there.
fn is_free(folder: &Path) -> io::Result<bool> {
    match folder.read_dir() {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.is_symlink() => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes a new file, with the folders above it.
pub(crate) fn write_file(path: &Path, kind: FileKind, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    if kind == FileKind::Symlink {
        return std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(content), path);
    }
    let mode = if kind == FileKind::Executable { 0o755 } else { 0o644 };
    fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(content)
}
