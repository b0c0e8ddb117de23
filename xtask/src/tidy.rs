//! Habits of this repository that a program can check. Owns the list of tracked files and how a violation reads; what the habits
//! are is in the modules below. Changes nothing.

mod document;
mod machine;
mod source;
mod workspace;

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Something that breaks a habit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The file, relative to the repository's root.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl Violation {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// A file of the repository.
#[derive(Debug, Clone)]
pub struct File {
    /// Its path, relative to the repository's root.
    pub path: String,
    /// Its text; empty for what is not UTF-8 and for links.
    pub text: String,
}

impl File {
    /// Its lines, counted from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|own| own == extension)
    }
}

/// The files that git tracks, and those that it would with the next `git add`.
#[derive(Debug, Clone, Default)]
pub struct Repository {
    /// The files, in order of path.
    pub files: Vec<File>,
}

impl Repository {
    /// Reads the files of a checkout.
    ///
    /// # Errors
    /// When git cannot list them, or a file cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let output = Command::new("git")
            .current_dir(root)
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .output()
            .context("run git")?;
        ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim());
        let listed = String::from_utf8(output.stdout).context("git names a path that is not UTF-8")?;
        let mut files = Vec::new();
        for path in listed.split_terminator('\0') {
            let full = root.join(path);
            // Removed but not yet committed, a link, or a submodule: no text of this repository.
            if !full.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
                continue;
            }
            let bytes = std::fs::read(&full).with_context(|| format!("read {}", full.display()))?;
            files.push(File { path: path.to_owned(), text: String::from_utf8(bytes).unwrap_or_default() });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    fn find(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether there is such a file, or a folder with files in it.
    fn has(&self, path: &str) -> bool {
        path.is_empty()
            || self
                .files
                .iter()
                .any(|file| file.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }

    /// The names of the folders in `crates/` that have a `Cargo.toml`.
    fn crates(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter_map(|file| {
            let name = file.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
            (!name.contains('/')).then_some(name)
        })
    }
}

/// All that breaks a habit, in order of file and line.
pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut found = source::check(repository);
    found.extend(machine::check(repository));
    found.extend(workspace::check(repository));
    found.extend(document::check(repository));
    found.sort();
    found.dedup();
    found
}

/// Whether a line has this word, with no letter, digit or `_` on either side.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(is_part)
            && !line[at + word.len()..].chars().next().is_some_and(is_part)
    })
}

#[cfg(test)]
fn fixture(text: &str) -> Repository {
    let mut files: Vec<File> = Vec::new();
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("//- ") {
            Some(path) => files.push(File { path: path.trim().to_owned(), text: String::new() }),
            None => files.last_mut().expect("a path first").text.push_str(line),
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Repository { files }
}

#[cfg(test)]
fn shown(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole() {
        assert!(has_word("use std::time::Instant;", "Instant"));
        assert!(!has_word("struct InstantNoodle", "Instant"));
        assert!(!has_word("an_Instant", "Instant"));
    }

    #[test]
    fn folders_are_there_when_files_are_in_them() {
        let repository = fixture("//- docs/a/b.md\n");
        assert!(repository.has("docs/a") && repository.has("docs/a/b.md") && repository.has(""));
        assert!(!repository.has("docs/b") && !repository.has("doc"));
    }

    #[test]
    fn this_checkout_can_be_read() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let repository = Repository::read(root).unwrap();
        assert!(repository.crates().any(|name| name == "domain"));
        assert!(repository.find("xtask/src/tidy.rs").is_some());
    }
}
