//! What differs between two snapshots, by content: the id and the mode, never a time.

use std::collections::BTreeMap;

use rayon::prelude::*;
use terrace_config::tree::{FileEntry, FileTree, ObjectId20};
use terrace_domain::path::RepoPath;

use super::folder::{Folder, Node, NodeKind};
use super::work::WorkTree;
use super::{CommitTree, FOLDER_DEPTH_MAX, TreeError, content_id};

/// A path that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangedPath {
    /// The path.
    pub path: RepoPath,
    /// How.
    pub kind: ChangeKind,
}

/// How a path differs. A rename is a removal and an addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// Only the new one has it.
    Added,
    /// Only the old one has it.
    Removed,
    /// Both have it, with another content or another mode.
    Modified,
}

/// What differs between two commits of one repository, sorted by path. Folders that are the same are not looked into, so this
/// takes time by the number of changes, not of files.
pub fn changed_paths(old: &CommitTree, new: &CommitTree) -> Result<Vec<ChangedPath>, TreeError> {
    let repository = new.repository().local();
    let mut comparison = Comparison { repository, changes: Vec::new() };
    comparison.compare(Some(old.root_folder()), Some(new.root_folder()), 0)?;
    let mut changes = comparison.changes;
    changes.sort_unstable();
    Ok(changes)
}

struct Comparison {
    repository: gix::Repository,
    changes: Vec<ChangedPath>,
}

impl Comparison {
    fn compare(&mut self, old: Option<Folder>, new: Option<Folder>, depth: usize) -> Result<(), TreeError> {
        if depth > FOLDER_DEPTH_MAX {
            return Err(TreeError::TooDeep(new.or(old).map(|folder| folder.path).unwrap_or_default()));
        }
        let mut pairs: BTreeMap<String, (Option<Node>, Option<Node>)> = BTreeMap::new();
        for node in self.read(old)? {
            let path = node.path.clone();
            pairs.entry(path).or_default().0 = Some(node);
        }
        for node in self.read(new)? {
            let path = node.path.clone();
            pairs.entry(path).or_default().1 = Some(node);
        }
        for (old, new) in pairs.into_values() {
            let same = matches!((&old, &new), (Some(old), Some(new)) if old.id == new.id && old.kind == new.kind);
            if !same {
                self.compare_nodes(old, new, depth)?;
            }
        }
        Ok(())
    }

    fn compare_nodes(&mut self, old: Option<Node>, new: Option<Node>, depth: usize) -> Result<(), TreeError> {
        let (old_folder, old_file) = split(old);
        let (new_folder, new_file) = split(new);
        match (old_file, new_file) {
            (Some(old), None) => self.note(&old, ChangeKind::Removed),
            (None, Some(new)) => self.note(&new, ChangeKind::Added),
            (Some(_), Some(new)) => self.note(&new, ChangeKind::Modified),
            (None, None) => {}
        }
        if old_folder.is_some() || new_folder.is_some() {
            self.compare(old_folder, new_folder, depth + 1)?;
        }
        Ok(())
    }

    fn note(&mut self, node: &Node, kind: ChangeKind) {
        self.changes.push(ChangedPath { path: node.repo_path(), kind });
    }

    fn read(&self, folder: Option<Folder>) -> Result<Vec<Node>, TreeError> {
        // What is passed over was already said when the trees were listed.
        folder.map_or(Ok(Vec::new()), |folder| Ok(folder.read(&self.repository, &mut Vec::new())?))
    }
}

fn split(node: Option<Node>) -> (Option<Folder>, Option<Node>) {
    match node {
        Some(Node { path, kind: NodeKind::Folder, id }) => (Some(Folder { path, id }), None),
        file => (None, file),
    }
}

/// What differs between a commit and the work tree, sorted by path. Only files whose stat differs from the index are read.
pub fn changed_paths_in_work_tree(old: &CommitTree, new: &WorkTree) -> Result<Vec<ChangedPath>, TreeError> {
    let mut changes = Vec::new();
    let mut candidates: Vec<(&FileEntry, ObjectId20)> = Vec::new();
    for (old, new) in pairs(old.files(), new.files()) {
        match (old, new) {
            (Some(old), Some(new)) => match (old.id, new.id) {
                _ if old.kind != new.kind => changes.push(changed(new, ChangeKind::Modified)),
                (Some(old), Some(new)) if old == new => {}
                (Some(old), None) => candidates.push((new, old)),
                _ => changes.push(changed(new, ChangeKind::Modified)),
            },
            (None, Some(new)) => changes.push(changed(new, ChangeKind::Added)),
            (Some(old), None) => changes.push(changed(old, ChangeKind::Removed)),
            (None, None) => {}
        }
    }
    // Files that a sparse checkout leaves out are as they were.
    changes.retain(|change| change.kind != ChangeKind::Removed || !new.is_left_out(&change.path));
    let differing: Vec<(&FileEntry, ObjectId20)> = candidates
        .into_par_iter()
        .filter_map(|(entry, old)| match content_id(new, entry) {
            Ok(id) if id == old => None,
            Ok(_) => Some(Ok((entry, old))),
            Err(error) => Some(Err(error)),
        })
        .collect::<Result<_, _>>()?;
    let differing = new.differing_when_stored(differing)?;
    changes.extend(differing.into_iter().map(|entry| changed(entry, ChangeKind::Modified)));
    changes.sort_unstable();
    Ok(changes)
}

fn changed(entry: &FileEntry, kind: ChangeKind) -> ChangedPath {
    ChangedPath { path: entry.path.clone(), kind }
}

/// Walks over two sorted lists at once.
fn pairs<'a>(
    old: &'a [FileEntry],
    new: &'a [FileEntry],
) -> impl Iterator<Item = (Option<&'a FileEntry>, Option<&'a FileEntry>)> {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    std::iter::from_fn(move || {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let order = match (old.peek(), new.peek()) {
            (Some(old), Some(new)) => old.path.cmp(&new.path),
            (Some(_), None) => Less,
            (None, Some(_)) => Greater,
            (None, None) => return None,
        };
        Some(match order {
            Less => (old.next(), None),
            Equal => (old.next(), new.next()),
            Greater => (None, new.next()),
        })
    })
}
