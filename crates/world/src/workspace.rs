//! Work folders: a stack's files, laid out so that Terraform can run on them. Owns which files of a work folder are Terrace's, by a
//! manifest beside it. Never touches what Terraform or anybody else made there, save for code that Terraform would read.

mod layout;
mod links;
mod manifest;
mod rules;

use std::io;
use std::path::{Path, PathBuf};

use terrace_config::tree::{FileEntry, FileTree, ReadError};
use terrace_domain::path::RepoPath;

pub use links::{LINK_HOPS_MAX, LINKED_FILES_MAX, LinkError, LinkedFiles, with_link_targets};

/// The dependency lock file that `terraform init` completes: it is written when the source's changes, and otherwise left as
/// Terraform made it.
pub const PROVIDER_LOCK_FILE: &str = ".terraform.lock.hcl";

/// A work folder. Beside it, in the same parent, stand its manifest (`NAME.files.json`) and, while files are written, `NAME.new`.
#[derive(Debug, Clone)]
pub struct Workspace {
    folder: PathBuf,
    protected: Vec<RepoPath>,
}

/// What laying out did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LaidOut {
    /// Files written.
    pub written: usize,
    /// Files removed.
    pub removed: usize,
}

impl LaidOut {
    /// Whether anything was done.
    pub fn is_changed(self) -> bool {
        self != Self::default()
    }
}

/// Files cannot be laid out. What was done until then is mended by the next call.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A path that must not be written.
    #[error("`{path}` cannot be laid out: {reason}")]
    Path {
        /// The path.
        path: RepoPath,
        /// Why, a lowercase fragment.
        reason: String,
    },
    /// A link that leads nowhere or out of the repository.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A file cannot be read from its snapshot.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file cannot be written, or a folder made.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, a verb.
        action: &'static str,
        /// The file or the folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Workspace {
    /// The work folder at `folder`, which need not exist. `protected` are files in it that others write (override files, variable
    /// files), by their place below the folder.
    pub fn new(folder: impl Into<PathBuf>, protected: impl IntoIterator<Item = RepoPath>) -> Self {
        Self { folder: folder.into(), protected: protected.into_iter().collect() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The place of a repository path in the folder.
    pub fn path_of(&self, path: &RepoPath) -> PathBuf {
        self.folder.join(path.as_str())
    }

    /// Makes the folder hold these files of the snapshot at their paths, and none that an earlier call laid out. Files that are
    /// already there as they should be are not touched; in any other, code that Terraform would read by itself is removed.
    /// Nothing is written where nothing changed.
    ///
    /// Not for two threads at once on the same folder.
    pub fn lay_out(&self, tree: &dyn FileTree, files: &[FileEntry]) -> Result<LaidOut, LayoutError> {
        let files = rules::check(files, &self.protected)?;
        for link in files.iter().filter(|file| file.kind == terrace_config::tree::FileKind::Symlink) {
            links::check(tree, link)?;
        }
        layout::Layout::prepare(self, tree, &files)?.perform()
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.folder.file_name().unwrap_or_default().to_owned();
        name.push(ending);
        self.folder.with_file_name(name)
    }

    fn manifest_path(&self) -> PathBuf {
        self.beside(".files.json")
    }

    fn new_files_path(&self) -> PathBuf {
        self.beside(".new")
    }
}
