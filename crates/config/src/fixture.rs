//! Trees in memory, written inline in tests and benchmarks as one text with a line `//- path` before each file.
//! Never used by the product itself.

use terrace_domain::path::RepoPath;

use crate::tree::{FileEntry, FileKind, FileTree, ReadError};

/// What begins the line before a file.
const MARK: &str = "//- ";

/// A tree in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    entries: Vec<FileEntry>,
    contents: Vec<Vec<u8>>,
}

impl MemoryTree {
    /// A tree of these files; of two with the same path the later counts.
    pub fn new(files: impl IntoIterator<Item = (RepoPath, FileKind, Vec<u8>)>) -> Self {
        let mut files: Vec<_> = files.into_iter().collect();
        files.reverse();
        files.sort_by(|a, b| a.0.cmp(&b.0));
        files.dedup_by(|a, b| a.0 == b.0);
        let (entries, contents) = files
            .into_iter()
            .map(|(path, kind, bytes)| (FileEntry { path, kind, size: Some(bytes.len() as u64), id: None }, bytes))
            .unzip();
        Self { entries, contents }
    }

    /// Reads `//- path` lines, each followed by the file's text. `//- path -> target` makes a symbolic link and
    /// `//- path @submodule` a submodule.
    ///
    /// # Panics
    /// When a path leads out of the tree, or text comes before the first mark: the fixture is wrong.
    pub fn parse(fixture: &str) -> Self {
        let mut files: Vec<(RepoPath, FileKind, Vec<u8>)> = Vec::new();
        for line in fixture.split_inclusive('\n') {
            if let Some(head) = line.strip_prefix(MARK) {
                files.push(head_of(head.trim()));
            } else if let Some((_, _, bytes)) = files.last_mut() {
                bytes.extend_from_slice(line.as_bytes());
            } else {
                assert!(line.trim().is_empty(), "text before the first `{MARK}`: {line}");
            }
        }
        Self::new(files)
    }

    /// This tree with one file more, or with other bytes in it.
    #[must_use]
    pub fn with(self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let own = self.entries.into_iter().zip(self.contents).map(|(entry, bytes)| (entry.path, entry.kind, bytes));
        let added = (path_of(path), FileKind::Regular, bytes.into());
        Self::new(own.chain([added]))
    }
}

fn path_of(text: &str) -> RepoPath {
    RepoPath::new(text).expect("paths of a fixture stay inside")
}

fn head_of(head: &str) -> (RepoPath, FileKind, Vec<u8>) {
    if let Some((path, target)) = head.split_once(" -> ") {
        (path_of(path), FileKind::Symlink, target.into())
    } else if let Some(path) = head.strip_suffix(" @submodule") {
        (path_of(path), FileKind::Submodule, Vec::new())
    } else {
        (path_of(head), FileKind::Regular, Vec::new())
    }
}

impl FileTree for MemoryTree {
    fn files(&self) -> &[FileEntry] {
        &self.entries
    }

    fn read(&self, entry: &FileEntry) -> Result<Vec<u8>, ReadError> {
        let at = self.entries.binary_search_by(|own| own.path.cmp(&entry.path));
        at.map(|at| self.contents[at].clone())
            .map_err(|_| ReadError { path: entry.path.clone(), reason: "no such file".to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixtures_become_sorted_trees() {
        let tree = MemoryTree::parse("//- b/x.tf\none\ntwo\n//- b -> c\n//- b.tf\n//- b0/y\n//- b/sub @submodule\n");
        let paths: Vec<_> = tree.files().iter().map(|entry| (entry.path.as_str(), entry.kind)).collect();
        assert_eq!(
            paths,
            [
                ("b", FileKind::Symlink),
                ("b.tf", FileKind::Regular),
                ("b/sub", FileKind::Submodule),
                ("b/x.tf", FileKind::Regular),
                ("b0/y", FileKind::Regular),
            ]
        );
        let below: Vec<_> = tree.below(&path_of("b")).iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(below, ["b/sub", "b/x.tf"]);
        let file = tree.find(&path_of("b/x.tf")).unwrap();
        assert_eq!(tree.read(file).unwrap(), b"one\ntwo\n");
    }
}
