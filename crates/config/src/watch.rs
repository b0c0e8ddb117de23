//! Watch patterns: which files a pattern names. A pattern is a path (of a file, or of a folder with all that is in it) or a glob,
//! where `*` stays within a folder and `**` does not.

use std::collections::HashMap;

use globset::{GlobBuilder, GlobMatcher};
use terrace_domain::estate::Estate;
use terrace_domain::path::RepoPath;

use crate::tree::FileTree;

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

    /// Whether a pattern names any file of the tree. Looks only where the pattern's beginning, up to its first wildcard, leads.
    pub(crate) fn matches_any(&self, pattern: &str, tree: &dyn FileTree) -> bool {
        let plain = &pattern[..pattern.find(['*', '?', '[', '{', '\\']).unwrap_or(pattern.len())];
        let Ok(whole) = RepoPath::new(plain) else { return false };
        if plain.len() == pattern.len() {
            return tree.find(&whole).is_some() || !tree.below(&whole).is_empty();
        }
        let folder = RepoPath::new(plain.rfind('/').map_or("", |at| &plain[..at])).unwrap_or(whole);
        tree.below(&folder).iter().any(|entry| self.matches(pattern, &entry.path))
    }
}

/// Whether the pattern, taken as a path, is the file or a folder around it.
fn lies_under(pattern: &str, file: &RepoPath) -> bool {
    file.as_str()
        .strip_prefix(pattern)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || pattern.is_empty())
}
