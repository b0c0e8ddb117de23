//! Paths inside a repository: `/`-separated, relative to its root, without `.` and `..`.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// A path inside a repository, relative to the repository's root. The empty path is the root itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Arc<str>);

/// A path leads out of the repository: it has more `..` than folders before them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the path `{0}` leads out of the repository")]
pub struct OutsideRepository(pub String);

impl RepoPath {
    /// The repository's root.
    pub fn root() -> Self {
        Self("".into())
    }

    /// Normalises `text`: drops empty parts and `.`, resolves `..`. A leading `/` means the root.
    pub fn new(text: &str) -> Result<Self, OutsideRepository> {
        Self::root().join(text)
    }

    /// The path that `relative` names when read from this folder.
    pub fn join(&self, relative: &str) -> Result<Self, OutsideRepository> {
        let mut parts: Vec<&str> = self.parts().collect();
        for part in relative.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop().ok_or_else(|| OutsideRepository(relative.to_owned()))?;
                }
                _ => parts.push(part),
            }
        }
        Ok(Self(parts.join("/").into()))
    }

    /// The folder that holds this path; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.0.is_empty() {
            return None;
        }
        Some(Self(self.0.rfind('/').map_or("", |at| &self.0[..at]).into()))
    }

    /// The last part; empty for the root.
    pub fn file_name(&self) -> &str {
        self.0.rfind('/').map_or(&*self.0, |at| &self.0[at + 1..])
    }

    /// Whether this path is `folder` itself or lies below it.
    pub fn is_within(&self, folder: &Self) -> bool {
        folder.0.is_empty()
            || (self.0.starts_with(&*folder.0)
                && (self.0.len() == folder.0.len() || self.0.as_bytes()[folder.0.len()] == b'/'))
    }

    /// This path read from `folder`: with as many `../` as needed; `.` for the folder itself.
    pub fn relative_to(&self, folder: &Self) -> String {
        let (own, base): (Vec<_>, Vec<_>) = (self.parts().collect(), folder.parts().collect());
        let shared = own.iter().zip(&base).take_while(|(a, b)| a == b).count();
        let parts: Vec<&str> =
            std::iter::repeat_n("..", base.len() - shared).chain(own[shared..].iter().copied()).collect();
        if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
    }

    /// The folders and the file name, from the root down.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// The path as text; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if self.0.is_empty() { "." } else { &self.0 })
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl Borrow<str> for RepoPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).unwrap()
    }

    #[test]
    fn paths_are_normalised() {
        assert_eq!(path("stacks//aws/./network/").as_str(), "stacks/aws/network");
        assert_eq!(path("stacks/aws").join("../../modules/x").unwrap().as_str(), "modules/x");
        assert!(path("stacks").join("../../modules").is_err());
        assert_eq!(path("a/b").parent(), Some(path("a")));
        assert_eq!(path("a").parent(), Some(RepoPath::root()));
        assert_eq!(RepoPath::root().parent(), None);
    }

    #[test]
    fn within_looks_at_whole_parts() {
        assert!(path("a/b").is_within(&path("a")));
        assert!(path("a").is_within(&path("a")));
        assert!(path("a").is_within(&RepoPath::root()));
        assert!(!path("ab").is_within(&path("a")));
    }

    #[test]
    fn relative_paths_climb_as_needed() {
        assert_eq!(path("modules/x").relative_to(&path("stacks/aws")), "../../modules/x");
        assert_eq!(path("a").relative_to(&path("a")), ".");
        assert_eq!(path("a/b").relative_to(&RepoPath::root()), "a/b");
    }
}
