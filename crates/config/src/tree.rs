//! A snapshot of files as the loader sees it: a work tree or a commit's tree. Owns the seam only; reading disks and git objects
//! is the business of whoever implements it.

use terrace_domain::path::RepoPath;

/// A snapshot of files: a work tree or a commit's tree.
pub trait FileTree: Sync {
    /// All files, sorted by path (no folders).
    fn files(&self) -> &[FileEntry];

    /// The bytes of a file; of a symbolic link, the path that it names.
    fn read(&self, entry: &FileEntry) -> Result<Vec<u8>, ReadError>;

    /// The file with exactly this path.
    fn find(&self, path: &RepoPath) -> Option<&FileEntry> {
        let files = self.files();
        files.binary_search_by(|entry| entry.path.cmp(path)).ok().map(|at| &files[at])
    }

    /// All files below a folder, at any depth.
    fn below(&self, folder: &RepoPath) -> &[FileEntry] {
        let files = self.files();
        if folder.as_str().is_empty() {
            return files;
        }
        // `folder/` to `folder0`: `0` is the character after `/`, so this is exactly what begins with `folder/`.
        let edge = |end: char| {
            files.partition_point(|entry| {
                let path = entry.path.as_str().bytes();
                path.lt(folder.as_str().bytes().chain([end as u8]))
            })
        };
        &files[edge('/')..edge('0')]
    }
}

/// A file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Where it is in the repository.
    pub path: RepoPath,
    /// What it is.
    pub kind: FileKind,
    /// Its size in bytes, where known without reading it.
    pub size: Option<u64>,
    /// The git blob id of its content, where known without reading it.
    pub id: Option<ObjectId20>,
}

/// The kinds of entries that a git tree has beside folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// A file.
    Regular,
    /// A file that may be run.
    Executable,
    /// A symbolic link, to a file or a folder; it is never followed here.
    Symlink,
    /// A commit of another repository.
    Submodule,
}

impl FileKind {
    /// Whether it holds bytes of its own.
    pub fn is_file(self) -> bool {
        matches!(self, Self::Regular | Self::Executable)
    }
}

/// A git object id (SHA-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId20(pub [u8; 20]);

/// A file could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{path}`: {reason}")]
pub struct ReadError {
    /// The file.
    pub path: RepoPath,
    /// Why, in the words of whoever read it.
    pub reason: String,
}
