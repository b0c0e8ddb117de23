//! Watch patterns: which files a pattern names. A pattern is a path (of a file, or of a folder with all that is in it) or a glob,
//! where `*` stays within a folder and `**` does not.

use std::collections::HashMap;

use globset::{GlobBuilder, GlobMatcher};
use terrace_domain::estate::Estate;
use terrace_domain::path::RepoPath;

use crate::tree::{FileEntry, FileTree};

/// Compiles a pattern.
pub(crate) fn compile(pattern: &str) -> Result<GlobMatcher, globset::Error> {
    GlobBuilder::new(pattern).literal_separator(true).build().map(|glob| glob.compile_matcher())
}

/// The watch patterns of an estate, compiled once each.
#[derive(Debug, Clone, Default)]
pub struct Watches {
    matchers: HashMap<String, GlobMatcher>,
}

impl Watches {
    /// The patterns of all stacks.
    pub fn of(estate: &Estate) -> Self {
        let mut matchers = HashMap::new();
        for watch in estate.stacks.values().flat_map(|stack| &stack.watch) {
            if !matchers.contains_key(&watch.pattern)
                && let Ok(matcher) = compile(&watch.pattern)
            {
                matchers.insert(watch.pattern.clone(), matcher);
            }
        }
        Self { matchers }
    }

    /// Whether a pattern of the estate names a file.
    pub fn matches(&self, pattern: &str, file: &RepoPath) -> bool {
        lies_under(pattern, file) || self.matchers.get(pattern).is_some_and(|matcher| matcher.is_match(file.as_str()))
    }

    /// The files of the tree that a pattern names. Looks only where the pattern's beginning, up to its first wildcard, leads.
    pub fn files<'t>(&self, pattern: &str, tree: &'t dyn FileTree) -> impl Iterator<Item = &'t FileEntry> {
        let plain = &pattern[..pattern.find(['*', '?', '[', '{', '\\']).unwrap_or(pattern.len())];
        let is_path = plain.len() == pattern.len();
        let folder = if is_path { plain } else { plain.rfind('/').map_or("", |at| &plain[..at]) };
        // A pattern was checked when it was read; one that leads out of the repository names nothing.
        let folder = RepoPath::new(folder).ok();
        let itself = folder.as_ref().filter(|_| is_path).and_then(|path| tree.find(path));
        let below = folder.map_or(&[][..], |folder| tree.below(&folder));
        itself.into_iter().chain(below.iter().filter(move |entry| is_path || self.matches(pattern, &entry.path)))
    }

    /// Whether a pattern names any file of the tree.
    pub(crate) fn matches_any(&self, pattern: &str, tree: &dyn FileTree) -> bool {
        self.files(pattern, tree).next().is_some()
    }
}

/// Whether the pattern, taken as a path, is the file or a folder around it.
fn lies_under(pattern: &str, file: &RepoPath) -> bool {
    file.as_str()
        .strip_prefix(pattern)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || pattern.is_empty())
}
