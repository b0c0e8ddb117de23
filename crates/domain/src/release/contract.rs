//! The contract of a release: what it needs, what it gives, and which files it consists of.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::hex::{from_hex, hex};
use crate::name::{CapabilityName, StackName};
use crate::path::RepoPath;

/// What a stack's release promises, without a commit, a time or a person: the same source makes the same contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// The stack.
    pub stack: StackName,
    /// Its folder in the repository.
    pub folder: RepoPath,
    /// The capability that its `stack.hcl` names.
    pub capability: Option<CapabilityName>,
    /// The team that its `stack.hcl` names. Not its capability's: that is written elsewhere, and may change without a new release.
    pub owner: Option<String>,
    /// The Terraform variables of its folder.
    pub variables: BTreeMap<String, VariableContract>,
    /// The Terraform outputs of its folder.
    pub outputs: BTreeMap<String, OutputContract>,
    /// The providers that its folder and the local modules that it reaches ask for, by source address as written (`hashicorp/NAME` where only
    /// a name is given).
    pub providers: BTreeMap<String, ProviderVersions>,
    /// The constraints on Terraform's own version of its folder and of the local modules that it reaches.
    pub required_version: BTreeSet<String>,
    /// The modules that were fetched when it was built, and what they call themselves, sorted by key.
    pub modules: Vec<VendoredModule>,
    /// The files of the repository that it consists of, sorted by path.
    pub files: Vec<FileRecord>,
    /// The files of fetched modules, sorted by path, in `.terraform/modules` of its folder.
    pub vendored: Vec<FileRecord>,
}

/// What a variable takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableContract {
    /// The type constraint as written; `None` where none is given.
    pub type_constraint: Option<String>,
    /// Whether it has no default, and so needs an input.
    pub required: bool,
    /// Whether it is marked `sensitive`.
    pub sensitive: bool,
    /// Whether it is marked `ephemeral`.
    pub ephemeral: bool,
}

/// What an output gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputContract {
    /// Whether it is marked `sensitive`.
    pub sensitive: bool,
}

/// The version constraints on a provider, as written; all of them must hold. Empty where any version will do.
pub type ProviderVersions = BTreeSet<String>;

/// A module that was fetched, as Terraform's module manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VendoredModule {
    /// The names of the module calls that lead to it, with `.` between them.
    pub key: String,
    /// Its source address as Terraform writes it.
    pub source: String,
    /// The version that was chosen, of a module from a registry.
    pub version: Option<String>,
}

/// A file of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Where it is in the repository.
    pub path: RepoPath,
    /// What it is.
    pub mode: FileMode,
    /// The git blob id of its content; of a link, of the path that it names.
    pub blob: BlobId,
    /// The size of its content in bytes.
    pub size: u64,
}

/// The kinds of files that a release has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileMode {
    /// A file.
    Regular,
    /// A file that may be run.
    Executable,
    /// A symbolic link.
    Symlink,
}

impl FileMode {
    /// The mode as git writes it (`git ls-tree`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "100644",
            Self::Executable => "100755",
            Self::Symlink => "120000",
        }
    }

    /// The mode that git writes so.
    pub fn from_git(text: &str) -> Option<Self> {
        [Self::Regular, Self::Executable, Self::Symlink].into_iter().find(|mode| mode.as_str() == text)
    }
}

/// The id that git gives a content (SHA-1, `git hash-object`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub [u8; 20]);

/// The text is not a blob id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not 40 hexadecimal digits in lower case")]
pub struct NotABlobId;

impl FromStr for BlobId {
    type Err = NotABlobId;

    fn from_str(text: &str) -> Result<Self, NotABlobId> {
        from_hex(text).map(Self).ok_or(NotABlobId)
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex(&self.0))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
