//! One folder of a commit: the entries of a git tree object, with names that were checked.

use terrace_config::tree::{FileKind, ObjectId20};
use terrace_domain::path::RepoPath;

use super::{SkippedEntry, TOOL_FOLDERS, check_name};
use crate::git::GitError;

/// A folder of a commit that is still to be read.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    /// Its path; empty for the root.
    pub(super) path: String,
    /// Its tree object.
    pub(super) id: gix::ObjectId,
}

/// What a folder holds.
#[derive(Debug)]
pub(super) struct Node {
    /// Its path from the root.
    pub(super) path: String,
    /// What it is.
    pub(super) kind: NodeKind,
    /// The tree, the blob or the submodule's commit.
    pub(super) id: gix::ObjectId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
    Folder,
    File(FileKind),
}

impl Folder {
    /// What the folder holds, in git's order. Entries whose names cannot be used go to `skipped`.
    pub(super) fn read(
        &self,
        repository: &gix::Repository,
        skipped: &mut Vec<SkippedEntry>,
    ) -> Result<Vec<Node>, GitError> {
        let failed = |error| GitError::failed(format!("read the folder `{}` of the commit", self.path), error);
        let tree = repository.find_tree(self.id).map_err(failed)?;
        let entries = tree.decode().map_err(failed)?.entries;
        let mut nodes = Vec::with_capacity(entries.len());
        for entry in entries {
            match check_name(entry.filename) {
                Ok(name) if TOOL_FOLDERS.contains(&name) => {}
                Ok(name) => nodes.push(Node {
                    path: self.path_of(name),
                    kind: kind_of(entry.mode.kind()),
                    id: entry.oid.to_owned(),
                }),
                Err(reason) => {
                    let shown = self.path_of(&String::from_utf8_lossy(entry.filename));
                    skipped.push(SkippedEntry { shown, reason: reason.to_owned() });
                }
            }
        }
        Ok(nodes)
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}/{name}", self.path) }
    }
}

impl Node {
    /// The path, whose names were checked: none of them climbs.
    pub(super) fn repo_path(&self) -> RepoPath {
        RepoPath::new(&self.path).expect("checked names do not climb")
    }

    /// The id in the loader's type.
    pub(super) fn object_id(&self) -> Option<ObjectId20> {
        object_id(self.id)
    }
}

/// An id in the loader's type; `None` where it is not SHA-1.
pub(super) fn object_id(id: gix::ObjectId) -> Option<ObjectId20> {
    match id {
        gix::ObjectId::Sha1(bytes) => Some(ObjectId20(bytes)),
        _ => None,
    }
}

fn kind_of(kind: gix::objs::tree::EntryKind) -> NodeKind {
    use gix::objs::tree::EntryKind;
    match kind {
        EntryKind::Tree => NodeKind::Folder,
        EntryKind::Blob => NodeKind::File(FileKind::Regular),
        EntryKind::BlobExecutable => NodeKind::File(FileKind::Executable),
        EntryKind::Link => NodeKind::File(FileKind::Symlink),
        EntryKind::Commit => NodeKind::File(FileKind::Submodule),
    }
}
