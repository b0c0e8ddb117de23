//! Where symbolic links of a snapshot lead. Resolves them part by part, as an operating system does, but never leaves the snapshot.

use std::collections::{BTreeMap, VecDeque};

use terrace_config::tree::{FileEntry, FileKind, FileTree, ReadError};
use terrace_domain::path::RepoPath;

/// So many links are followed from one: as many as Linux does (its manual page `path_resolution`).
pub const LINK_HOPS_MAX: usize = 40;
/// So many files are a stack's at most with all that its links reach: a link to a high folder would copy the whole repository.
pub const LINKED_FILES_MAX: usize = 50_000;

/// A link that cannot be part of a stack's source.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// It leads to itself, or to a folder that holds it.
    #[error("the link `{0}` leads in a loop")]
    Loop(RepoPath),
    /// It leads out of the repository.
    #[error("the link `{link}` leads out of the repository: `{target}`")]
    Outside {
        /// The link.
        link: RepoPath,
        /// Its text.
        target: String,
    },
    /// It leads to files of another repository.
    #[error("the link `{0}` leads into a submodule")]
    Submodule(RepoPath),
    /// Its text is not a path.
    #[error("the link `{0}` is not UTF-8, or empty")]
    Text(RepoPath),
    /// It and others lead to too many files.
    #[error("the link `{0}` leads to a large folder: with it, there are more than {LINKED_FILES_MAX} files")]
    TooMany(RepoPath),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Files together with all that their links reach.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkedFiles {
    /// The files that were given and those that links lead to, sorted by path.
    pub files: Vec<FileEntry>,
    /// Links that lead to nothing in the snapshot; they are not among the files.
    pub dangling: Vec<RepoPath>,
}

/// Completes a list of files by those that its symbolic links lead to: they are part of what a stack is.
pub fn with_link_targets(tree: &dyn FileTree, files: &[FileEntry]) -> Result<LinkedFiles, LinkError> {
    let mut found: BTreeMap<RepoPath, FileEntry> = BTreeMap::new();
    let mut dangling = Vec::new();
    let mut waiting: VecDeque<FileEntry> = files.iter().cloned().collect();
    while let Some(file) = waiting.pop_front() {
        if found.contains_key(&file.path) || dangling.contains(&file.path) {
            continue;
        }
        if file.kind == FileKind::Symlink {
            let Some(reached) = follow(tree, &file)? else {
                dangling.push(file.path);
                continue;
            };
            waiting.extend(reached);
        }
        if found.len() + waiting.len() > LINKED_FILES_MAX.max(files.len()) {
            return Err(LinkError::TooMany(file.path));
        }
        found.insert(file.path.clone(), file);
    }
    dangling.sort_unstable();
    Ok(LinkedFiles { files: found.into_values().collect(), dangling })
}

/// Whether a link may be laid out: wherever it leads, it stays in the repository.
pub(super) fn check(tree: &dyn FileTree, link: &FileEntry) -> Result<(), LinkError> {
    follow(tree, link).map(drop)
}

/// What a link leads to: the links on the way, and the file or all files of the folder. `None` where there is nothing.
fn follow(tree: &dyn FileTree, link: &FileEntry) -> Result<Option<Vec<FileEntry>>, LinkError> {
    let mut walk = Walk { tree, link, at: link.path.parent().unwrap_or_else(RepoPath::root), reached: Vec::new() };
    let mut parts = walk.target_of(link)?;
    while let Some(part) = parts.pop() {
        if let Some(more) = walk.step(&part)? {
            // A link on the way: its text comes before what is left.
            walk.note_link(&more)?;
            parts.extend(walk.target_of(&more)?);
        } else if walk.is_nowhere(!parts.is_empty()) {
            return Ok(None);
        }
    }
    walk.finish()
}

struct Walk<'a> {
    tree: &'a dyn FileTree,
    link: &'a FileEntry,
    /// Where the walk is: a folder, or a file at the end.
    at: RepoPath,
    reached: Vec<FileEntry>,
}

impl Walk<'_> {
    /// The parts of a link's text, the last first.
    fn target_of(&self, link: &FileEntry) -> Result<Vec<String>, LinkError> {
        let target = String::from_utf8(self.tree.read(link)?).ok().filter(|text| !text.is_empty());
        let target = target.ok_or_else(|| LinkError::Text(link.path.clone()))?;
        if target.starts_with('/') {
            return Err(LinkError::Outside { link: link.path.clone(), target });
        }
        Ok(target.split('/').rev().filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect())
    }

    /// Goes one part further; returns the link that is there, standing in its folder.
    fn step(&mut self, part: &str) -> Result<Option<FileEntry>, LinkError> {
        let outside = || LinkError::Outside { link: self.link.path.clone(), target: self.text() };
        let next = match part {
            ".." => self.at.parent().ok_or_else(outside)?,
            _ => self.at.join(part).map_err(|_| outside())?,
        };
        match self.tree.find(&next) {
            Some(entry) if entry.kind == FileKind::Symlink => Ok(Some(entry.clone())),
            Some(entry) if entry.kind == FileKind::Submodule => Err(LinkError::Submodule(self.link.path.clone())),
            _ => {
                self.at = next;
                Ok(None)
            }
        }
    }

    /// The text of the link that is followed, for people.
    fn text(&self) -> String {
        self.tree.read(self.link).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
    }

    fn note_link(&mut self, link: &FileEntry) -> Result<(), LinkError> {
        if self.reached.len() >= LINK_HOPS_MAX || link.path == self.link.path {
            return Err(LinkError::Loop(self.link.path.clone()));
        }
        self.reached.push(link.clone());
        Ok(())
    }

    /// Whether nothing is here; a file is nothing where a folder is needed.
    fn is_nowhere(&self, needs_folder: bool) -> bool {
        let is_folder = self.at.as_str().is_empty() || !self.tree.below(&self.at).is_empty();
        !is_folder && (needs_folder || self.tree.find(&self.at).is_none())
    }

    fn finish(mut self) -> Result<Option<Vec<FileEntry>>, LinkError> {
        if self.link.path.is_within(&self.at) {
            return Err(LinkError::Loop(self.link.path.clone()));
        }
        match self.tree.find(&self.at) {
            Some(file) => self.reached.push(file.clone()),
            None => self.reached.extend(self.tree.below(&self.at).iter().cloned()),
        }
        Ok(Some(self.reached))
    }
}
