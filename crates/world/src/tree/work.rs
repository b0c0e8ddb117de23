//! The files on disk below a root, as git would see them: what it ignores is left out, what it tracks is not.

mod index;
mod walk;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use terrace_config::tree::{FileEntry, FileKind, FileTree, ObjectId20, ReadError};
use terrace_domain::path::RepoPath;

use super::{SkippedEntry, TreeError, bytes_max, too_large};
use crate::git::Repository;

/// The files of a work tree, or of a folder that is in no repository. The list is as it was when it was opened.
pub struct WorkTree {
    root: PathBuf,
    repository: Option<Repository>,
    files: Vec<FileEntry>,
    left_out: Vec<RepoPath>,
    skipped: Vec<SkippedEntry>,
}

impl WorkTree {
    /// Lists the work tree of a repository. Ids are known for the files that git's index vouches for.
    pub fn of(repository: &Repository) -> Result<Self, TreeError> {
        let walked = walk::walk(repository.root())?;
        let known = index::apply(repository, walked)?;
        Ok(Self {
            root: repository.root().to_owned(),
            repository: Some(repository.clone()),
            files: known.files,
            left_out: known.left_out,
            skipped: known.skipped,
        })
    }

    /// Lists a folder that need not be in a repository; it becomes the root of the paths.
    pub fn open(root: &Path) -> Result<Self, TreeError> {
        let failed = |source| TreeError::Io { path: root.display().to_string(), source };
        let root = root.canonicalize().map_err(failed)?;
        let walked = walk::walk(&root)?;
        let files = walked.files.into_iter().map(walk::Found::into_entry).collect();
        Ok(Self { root, repository: None, files, left_out: Vec::new(), skipped: walked.skipped })
    }

    /// The folder that paths are relative to.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What is passed over, and why.
    pub fn skipped(&self) -> &[SkippedEntry] {
        &self.skipped
    }

    /// Whether the path is tracked, but left out of the work tree on purpose (a sparse checkout).
    pub(super) fn is_left_out(&self, path: &RepoPath) -> bool {
        self.left_out.binary_search(path).is_ok()
    }

    /// Those of the files that differ from the given ids also after what git does to a file before it stores it (line ends,
    /// filters).
    pub(super) fn differing_when_stored<'a>(
        &self,
        files: Vec<(&'a FileEntry, ObjectId20)>,
    ) -> Result<Vec<&'a FileEntry>, TreeError> {
        match &self.repository {
            Some(repository) if !files.is_empty() => index::differing_when_stored(repository, files),
            _ => Ok(files.into_iter().map(|(entry, _)| entry).collect()),
        }
    }
}

impl FileTree for WorkTree {
    fn files(&self) -> &[FileEntry] {
        &self.files
    }

    fn read(&self, entry: &FileEntry) -> Result<Vec<u8>, ReadError> {
        let error = |reason: String| ReadError { path: entry.path.clone(), reason };
        let path = self.root.join(entry.path.as_str());
        match entry.kind {
            FileKind::Submodule => Err(error("it is a submodule: its files are in another repository".to_owned())),
            FileKind::Symlink => read_link(&path).map_err(|source| error(source.to_string())),
            FileKind::Regular | FileKind::Executable => read_file(&path, &entry.path),
        }
    }
}

fn read_link(path: &Path) -> io::Result<Vec<u8>> {
    use std::os::unix::ffi::OsStringExt;
    fs::read_link(path).map(|target| target.into_os_string().into_vec())
}

fn read_file(path: &Path, shown: &RepoPath) -> Result<Vec<u8>, ReadError> {
    let error = |source: io::Error| ReadError { path: shown.clone(), reason: source.to_string() };
    let metadata = path.symlink_metadata().map_err(error)?;
    if !metadata.is_file() {
        // Opening a pipe would wait for ever.
        return Err(ReadError { path: shown.clone(), reason: "it is not a regular file any more".to_owned() });
    }
    let limit = bytes_max(shown);
    let mut content = Vec::with_capacity(usize::try_from(metadata.len().min(limit)).unwrap_or(0));
    // The file may grow while it is read.
    File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut content)).map_err(error)?;
    if content.len() as u64 > limit {
        return Err(too_large(shown, metadata.len()));
    }
    Ok(content)
}
