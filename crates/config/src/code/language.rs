//! Which files of a folder are code, by their names: Terraform reads `.tf` and `.tf.json`, OpenTofu `.tofu` and `.tofu.json` as well,
//! and these in the place of `.tf` files of the same name (OpenTofu documentation, "Files and Directories").

use std::collections::HashSet;

use terrace_domain::estate::Estate;
use terrace_domain::path::RepoPath;

use crate::tree::{FileEntry, FileTree};

/// Who reads the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Terraform,
    OpenTofu,
}

/// The endings that only `OpenTofu` reads, each with the one that it stands in for.
const TOFU_ENDINGS: [(&str, &str); 2] = [(".tofu", ".tf"), (".tofu.json", ".tf.json")];

impl Language {
    /// The estate's language, by the name of its program. Where it names none, what all programs read counts.
    pub(crate) fn of(estate: &Estate) -> Self {
        let program = estate.terraform.binary.as_deref().unwrap_or_default();
        let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
        if name.contains("tofu") { Self::OpenTofu } else { Self::Terraform }
    }

    /// Whether the file is read as code.
    pub(crate) fn is_code(self, path: &RepoPath) -> bool {
        is_seen(path)
            && (has_ending(path, ".tf")
                || has_ending(path, ".tf.json")
                || self == Self::OpenTofu && has_tofu_ending(path))
    }

    /// The files of a folder that are read as code.
    pub(super) fn files<'t>(self, tree: &'t dyn FileTree, folder: &RepoPath) -> Vec<&'t FileEntry> {
        let files = tree.below(folder).iter();
        let mut files: Vec<_> =
            files.filter(|entry| self.is_code(&entry.path) && is_directly_in(&entry.path, folder)).collect();
        let replaced: HashSet<String> = files.iter().filter_map(|entry| replaced_by(&entry.path)).collect();
        files.retain(|entry| !replaced.contains(entry.path.as_str()));
        files
    }

    /// Override files of a folder that this language passes over, and the other does not.
    pub(super) fn foreign_overrides<'t>(
        self,
        tree: &'t dyn FileTree,
        folder: &RepoPath,
    ) -> impl Iterator<Item = &'t FileEntry> {
        tree.below(folder)
            .iter()
            .filter(move |entry| !self.is_code(&entry.path) && is_tofu(&entry.path) && is_override(&entry.path))
            .filter(|entry| is_directly_in(&entry.path, folder))
    }
}

/// Both pass over hidden files and what editors leave behind (`x.tf~` and `#x.tf#` do not end as code anyhow).
fn is_seen(path: &RepoPath) -> bool {
    !path.file_name().starts_with('.')
}

/// Both look at the case: `MAIN.TF` is not read.
fn has_ending(path: &RepoPath, ending: &str) -> bool {
    path.file_name().strip_suffix(ending).is_some()
}

fn has_tofu_ending(path: &RepoPath) -> bool {
    TOFU_ENDINGS.iter().any(|(ending, _)| has_ending(path, ending))
}

/// Whether the file is code that only `OpenTofu` reads.
pub(crate) fn is_tofu(path: &RepoPath) -> bool {
    is_seen(path) && has_tofu_ending(path)
}

/// The endings of test files (Terraform language, "Tests"); the last two are `OpenTofu`'s alone.
const TEST_ENDINGS: [&str; 4] = [".tftest.hcl", ".tftest.json", ".tofutest.hcl", ".tofutest.json"];

/// Whether the file holds tests of Terraform code.
pub fn is_test(path: &RepoPath) -> bool {
    is_seen(path) && TEST_ENDINGS.iter().any(|ending| has_ending(path, ending))
}

/// Whether the file is read as JSON.
pub(crate) fn is_json(path: &RepoPath) -> bool {
    has_ending(path, ".json")
}

/// Whether the file changes what others declare (Terraform language, "Override Files").
pub(crate) fn is_override(path: &RepoPath) -> bool {
    let name = path.file_name();
    let mut endings = TOFU_ENDINGS.iter().flat_map(|(tofu, plain)| [*tofu, *plain]);
    let stem = endings.find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    stem == "override" || stem.ends_with("_override")
}

/// The path of the file that is not read because this one is.
fn replaced_by(path: &RepoPath) -> Option<String> {
    let replaced = |(tofu, plain): &(&str, &str)| Some(format!("{}{plain}", path.as_str().strip_suffix(tofu)?));
    TOFU_ENDINGS.iter().find_map(replaced)
}

pub(crate) fn is_directly_in(path: &RepoPath, folder: &RepoPath) -> bool {
    path.as_str().len() == folder.as_str().len() + path.file_name().len() + usize::from(!folder.as_str().is_empty())
}
