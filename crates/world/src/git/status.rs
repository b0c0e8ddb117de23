//! What the work tree holds that the checked-out commit does not.

use std::collections::BTreeSet;

use gix::bstr::{BString, ByteSlice};

use terrace_domain::path::RepoPath;

use super::{GitError, Repository};
use crate::tree::TOOL_FOLDERS;

/// Paths that differ from the checked-out commit: changed, added, removed, or untracked and not ignored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UncommittedChanges {
    /// The first of them in order, as many as were asked for. An untracked folder counts as one, its name ends with `/`.
    pub paths: Vec<String>,
    /// How many there are.
    pub total: usize,
}

impl UncommittedChanges {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }
}

impl Repository {
    /// What is not committed in the folder `below`: in all, and the first `names_max` names. Submodules are compared by their
    /// checked-out commit alone.
    pub fn uncommitted_changes(&self, below: &RepoPath, names_max: usize) -> Result<UncommittedChanges, GitError> {
        let failed = |error| GitError::failed("compare the work tree with the commit", error);
        let repository = self.local();
        let changes = repository
            .status(gix::progress::Discard)
            .map_err(failed)?
            .untracked_files(gix::status::UntrackedFiles::Collapsed)
            .index_worktree_submodules(gix::status::Submodule::Given {
                ignore: gix::submodule::config::Ignore::Dirty,
                check_dirty: true,
            })
            .tree_index_track_renames(gix::status::tree_index::TrackRenames::Disabled)
            .into_iter(literal_pattern(below))
            .map_err(failed)?;
        // A file may differ twice, in the index and in the work tree: a set counts it once.
        let mut paths: BTreeSet<String> = BTreeSet::new();
        for change in changes {
            paths.extend(changed_path(&change.map_err(failed)?).filter(|path| is_source(path)));
        }
        Ok(UncommittedChanges { total: paths.len(), paths: paths.into_iter().take(names_max).collect() })
    }
}

/// A pattern that matches the folder whatever characters its name has (gitglossary, "pathspec").
fn literal_pattern(below: &RepoPath) -> Option<BString> {
    (!below.as_str().is_empty()).then(|| format!(":(top,literal){}", below.as_str()).into())
}

/// Whether the path is source: what Terrace and Terraform make is not, even where no `.gitignore` says so.
fn is_source(path: &str) -> bool {
    !path.split('/').any(|part| TOOL_FOLDERS.contains(&part))
}

fn changed_path(item: &gix::status::Item) -> Option<String> {
    use gix::status::index_worktree::Item;
    match item {
        gix::status::Item::TreeIndex(change) => Some(change.location().to_str_lossy().into_owned()),
        gix::status::Item::IndexWorktree(item) => {
            item.summary()?;
            let mut path = item.rela_path().to_str_lossy().into_owned();
            if let Item::DirectoryContents { entry, .. } = item
                && entry.disk_kind.is_some_and(|kind| kind.is_dir())
            {
                path.push('/');
            }
            Some(path)
        }
    }
}
