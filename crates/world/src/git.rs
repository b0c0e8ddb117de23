//! The git repository that an estate lives in: where it is, what its revisions are, what is not committed. Owns the handle that
//! all reading of commits goes through. Never writes to the repository, and never talks to a remote.

mod history;
mod revision;
mod status;

use std::path::{Path, PathBuf};

use terrace_domain::path::{OutsideRepository, RepoPath};

pub use history::{COMMITS_MAX, HistoryWindow};
pub use revision::{Commit, CommitId};
pub use status::UncommittedChanges;

/// Bytes of decoded objects that a handle keeps: trees are read again and again in walks of history.
const OBJECT_CACHE_BYTES: usize = 16 * 1024 * 1024;

/// A git repository with a work tree.
#[derive(Clone)]
pub struct Repository {
    handle: gix::ThreadSafeRepository,
    root: PathBuf,
}

/// What can go wrong with a repository.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// No repository holds the path.
    #[error("`{}` is not in a git repository", .0.display())]
    NotARepository(PathBuf),
    /// The path does not exist, or may not be looked at.
    #[error("cannot look at `{}`", path.display())]
    Inaccessible {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The repository has no commit yet.
    #[error("the git repository `{}` has no commit yet", .0.display())]
    NoCommit(PathBuf),
    /// The repository has no work tree.
    #[error("the git repository `{}` is bare: it has no work tree", .0.display())]
    Bare(PathBuf),
    /// Somebody else owns the repository, so its configuration is not to be trusted.
    #[error("the git repository `{}` belongs to another user", .0.display())]
    UnsafeOwnership(PathBuf),
    /// The path is not below the repository's root.
    #[error("`{}` is not below the repository's root `{}`", path.display(), root.display())]
    Outside {
        /// The path.
        path: PathBuf,
        /// The root of the work tree.
        root: PathBuf,
    },
    /// A path has a name that is not UTF-8.
    #[error("the path `{0}` is not UTF-8")]
    NotUtf8(String),
    /// No commit has this name.
    #[error("git knows no revision `{revision}`")]
    UnknownRevision {
        /// As the user wrote it.
        revision: String,
        /// Whether the repository is a shallow clone, which may lack it for that reason.
        shallow: bool,
    },
    /// Several objects have names that begin like this.
    #[error("the revision `{revision}` is ambiguous: {detail}")]
    AmbiguousRevision {
        /// As the user wrote it.
        revision: String,
        /// The candidates, in git's words.
        detail: String,
    },
    /// The revision names a tree or a file.
    #[error("the revision `{0}` is not a commit")]
    NotACommit(String),
    /// The two commits have no common ancestor here.
    #[error("`{one}` and `{two}` have no common ancestor{}", if *.shallow { " in this shallow clone" } else { "" })]
    NoMergeBase {
        /// The one.
        one: CommitId,
        /// The other.
        two: CommitId,
        /// Whether the repository is a shallow clone, which may lack it for that reason.
        shallow: bool,
    },
    /// Git's files cannot be read, or say something impossible.
    #[error("git: cannot {action}")]
    Failed {
        /// What was tried, a verb and its object.
        action: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl GitError {
    /// What to do next, a sentence, where there is something.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotARepository(_) => "Run `git init` there, or name a folder of a repository.".to_owned(),
            Self::NoCommit(_) => "Commit what is there: `git add . && git commit`.".to_owned(),
            Self::Bare(_) => "Use a clone of it with a work tree: `git clone` or `git worktree add`.".to_owned(),
            Self::UnsafeOwnership(root) => {
                format!("If you trust it: `git config --global --add safe.directory '{}'`.", root.display())
            }
            Self::UnknownRevision { shallow: true, .. } | Self::NoMergeBase { shallow: true, .. } => {
                "This is a shallow clone: fetch more history with `git fetch --unshallow`, or with a greater \
                 `fetch-depth` in continuous integration."
                    .to_owned()
            }
            Self::UnknownRevision { .. } => {
                "Name a branch, a tag or a commit id; `git fetch` brings those of the remote.".to_owned()
            }
            Self::AmbiguousRevision { .. } => "Write more characters of the id.".to_owned(),
            _ => return None,
        })
    }

    pub(crate) fn failed(
        action: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Failed { action: action.into(), source: source.into() }
    }
}

impl Repository {
    /// The repository whose work tree holds `path`.
    pub fn discover(path: &Path) -> Result<Self, GitError> {
        let inaccessible = |source| GitError::Inaccessible { path: path.to_owned(), source };
        let path = path.canonicalize().map_err(inaccessible)?;
        let start = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(&path) };
        let handle = gix::ThreadSafeRepository::discover(start).map_err(|error| discover_error(start, error))?;
        Self::checked(handle)
    }

    fn checked(handle: gix::ThreadSafeRepository) -> Result<Self, GitError> {
        let repository = handle.to_thread_local();
        let shown = handle.work_dir().unwrap_or_else(|| handle.git_dir()).to_owned();
        if repository.git_dir_trust() != gix::sec::Trust::Full {
            return Err(GitError::UnsafeOwnership(shown));
        }
        let Some(root) = handle.work_dir() else { return Err(GitError::Bare(shown)) };
        let root = root.canonicalize().map_err(|source| GitError::Inaccessible { path: root.to_owned(), source })?;
        Ok(Self { handle, root })
    }

    /// The root of the work tree, absolute and without links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether this is one of several work trees of its repository, and not the first (`git worktree add`).
    pub fn is_linked_work_tree(&self) -> bool {
        self.local().kind() == gix::repository::Kind::LinkedWorkTree
    }

    /// The name inside the repository of a path on disk: links in the folders above it are followed, its own last part is not.
    pub fn repo_path(&self, path: &Path) -> Result<RepoPath, GitError> {
        let inaccessible = |source| GitError::Inaccessible { path: path.to_owned(), source };
        let real = match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => {
                let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
                let real = parent.canonicalize().map_err(inaccessible)?.join(name);
                // The root itself may be reached through a link.
                if real.starts_with(&self.root) { real } else { real.canonicalize().unwrap_or(real) }
            }
            _ => path.canonicalize().map_err(inaccessible)?,
        };
        let outside = || GitError::Outside { path: path.to_owned(), root: self.root.clone() };
        let inside = real.strip_prefix(&self.root).map_err(|_| outside())?;
        let text = inside.to_str().ok_or_else(|| GitError::NotUtf8(inside.to_string_lossy().into_owned()))?;
        RepoPath::new(text).map_err(|OutsideRepository(_)| outside())
    }

    /// A handle for this thread: cheap, and not to be shared.
    pub(crate) fn local(&self) -> gix::Repository {
        let mut repository = self.handle.to_thread_local();
        repository.object_cache_size_if_unset(OBJECT_CACHE_BYTES);
        repository
    }

    fn is_shallow(repository: &gix::Repository) -> bool {
        repository.is_shallow().unwrap_or(false)
    }
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository").field("root", &self.root).finish_non_exhaustive()
    }
}

fn discover_error(start: &Path, error: gix::Error) -> GitError {
    use gix::discover::upwards::Error;
    match error.downcast_any_ref::<Error>() {
        Some(Error::NoTrustedGitRepository { candidate, .. }) => GitError::UnsafeOwnership(candidate.clone()),
        Some(_) => GitError::NotARepository(start.to_owned()),
        None => GitError::failed(format!("open the repository of `{}`", start.display()), error),
    }
}
