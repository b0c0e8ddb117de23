//! Checks an estate release in a layout from end to end: every blob is there and is what its digest says, contracts and layers agree entry
//! by entry, stacks agree with each other. Tells all that is wrong, not only the first. Changes nothing, and does not look at what is attached:
//! that is for who knows whose signatures count (`terrace_driver::attached`).

use std::collections::BTreeMap;
use std::fmt;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;
use terrace_domain::release::{Digest, FileRecord};

use crate::layout::{Layout, LayoutError};
use crate::oci::{Descriptor, FormatError, Manifest};
use crate::stored::{self, StoredError};
use crate::unpack::Mismatch;
use crate::{ESTATE_TYPE, RELEASE_TYPE, STACK_ANNOTATION};

/// What was checked, and what is wrong.
#[derive(Debug)]
pub struct Verification {
    /// How many stacks were checked.
    pub stacks: usize,
    /// How many blobs were read.
    pub blobs: usize,
    /// What is wrong, in the order of stacks; empty where nothing is.
    pub problems: Vec<Problem>,
}

/// Something that is wrong.
#[derive(Debug)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// The blob that it is about.
    pub blob: Digest,
    /// What.
    pub fault: Fault,
}

/// Where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the index of the estate release.
    Index,
    /// In the release of the estate's own file.
    Estate,
    /// In a stack's release.
    Stack(StackName),
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A blob cannot be read, or is not what it is taken for.
    #[error(transparent)]
    Stored(#[from] StoredError),
    /// Contract and layer say different things of a file.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The contract is another stack's.
    #[error("the contract is of the stack `{found}`, and the index lists it as `{expected}`")]
    Stack {
        /// As the index says.
        expected: String,
        /// As the contract or the manifest says.
        found: String,
    },
    /// The source digest is not that of the files.
    #[error("the manifest names the source {found}, and the contract's files make {expected}")]
    Source {
        /// What the contract's files make.
        expected: String,
        /// What the manifest says.
        found: String,
    },
    /// Another stack has the same file with another content.
    #[error("the file `{path}` is {found} here, and {expected} in {other}: they are not of one commit")]
    Contradiction {
        /// The file.
        path: RepoPath,
        /// What it is there.
        expected: String,
        /// What it is here.
        found: String,
        /// The other one.
        other: Place,
    },
    /// `index.json` says other things of the release than the release itself.
    #[error("index.json says `{found}` of it, and its index `{expected}` ({name})")]
    Listing {
        /// The annotation.
        name: String,
        /// What the index says.
        expected: String,
        /// What `index.json` says.
        found: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index => f.write_str("the index"),
            Self::Estate => f.write_str("the estate's file"),
            Self::Stack(name) => write!(f, "the stack `{name}`"),
        }
    }
}

/// Checks an estate release, or one stack of it.
///
/// # Errors
/// When the index itself cannot be read, or has no such stack: then there is nothing to check.
pub fn verify(layout: &Layout, descriptor: &Descriptor, only: Option<&StackName>) -> Result<Verification, StoredError> {
    let stored = stored::estate_release(layout, descriptor)?;
    if let Some(name) = only
        && !stored.stacks.contains_key(name)
    {
        return Err(StoredError::NoStack { release: descriptor.digest, stack: name.to_string() });
    }
    let asked: Vec<_> = stored.stacks.iter().filter(|(name, _)| only.is_none_or(|only| *name == only)).collect();
    let checked: Vec<Checked> = asked
        .par_iter()
        .map(|(name, entry)| Checked::new(layout, Place::Stack((*name).clone())).stack(entry, name))
        .collect();
    let estate = Checked::new(layout, Place::Estate).estate(&stored.estate);
    let mut all = vec![Checked::new(layout, Place::Index).listing(descriptor)];
    all.push(estate);
    all.extend(checked);
    let contradictions = contradictions(&all);
    let mut verification = Verification { stacks: asked.len(), blobs: 1, problems: Vec::new() };
    for checked in all {
        verification.blobs += checked.blobs;
        verification.problems.extend(checked.problems);
    }
    verification.problems.extend(contradictions);
    verification.problems.sort_by(|a, b| a.place.cmp(&b.place));
    Ok(verification)
}

/// What was found of one release.
struct Checked<'a> {
    layout: &'a Layout,
    place: Place,
    contract: Option<(Digest, Vec<FileRecord>)>,
    blobs: usize,
    problems: Vec<Problem>,
}

impl<'a> Checked<'a> {
    fn new(layout: &'a Layout, place: Place) -> Self {
        Self { layout, place, contract: None, blobs: 0, problems: Vec::new() }
    }

    fn note(&mut self, blob: Digest, fault: impl Into<Fault>) {
        let (place, fault) = (self.place.clone(), fault.into());
        self.problems.push(Problem { place, blob, fault });
    }

    /// Goes on where something can be read.
    fn take<T>(&mut self, blob: Digest, read: Result<T, StoredError>) -> Option<T> {
        self.blobs += 1;
        read.map_err(|error| self.note(blob, error)).ok()
    }

    /// `index.json` repeats what the index says of itself.
    fn listing(mut self, descriptor: &Descriptor) -> Self {
        let read = self.layout.read(descriptor).map_err(StoredError::from);
        let read = read.and_then(|bytes| Ok(crate::oci::Index::read(&bytes, "the index")?));
        if let Ok(index) = read {
            for (name, expected) in index.annotations {
                // Other tools that copy a release note nothing there.
                if let Some(found) = descriptor.annotation(&name).filter(|found| *found != expected) {
                    let found = found.to_owned();
                    self.note(descriptor.digest, Fault::Listing { name, expected, found });
                }
            }
        }
        self
    }

    fn estate(mut self, entry: &Descriptor) -> Self {
        let Some(manifest) = self.take(entry.digest, stored::manifest(self.layout, entry, ESTATE_TYPE)) else {
            return self;
        };
        let config = manifest.config.digest;
        match self.take(config, stored::estate_files(self.layout, entry)) {
            Some((manifest, files)) => {
                self.layer(&manifest.layers[0], &files.files);
                self.contract = Some((config, files.files));
            }
            None => self.layers_alone(&manifest),
        }
        self
    }

    fn stack(mut self, entry: &Descriptor, name: &StackName) -> Self {
        let Some(manifest) = self.take(entry.digest, stored::manifest(self.layout, entry, RELEASE_TYPE)) else {
            return self;
        };
        let named = manifest.annotations.get(STACK_ANNOTATION).cloned().unwrap_or_default();
        if named != name.as_str() {
            self.note(entry.digest, Fault::Stack { expected: name.to_string(), found: named });
        }
        let config = manifest.config.digest;
        let Some(contract) = self.take(config, stored::contract_of(self.layout, &manifest)) else {
            self.layers_alone(&manifest);
            return self;
        };
        if contract.stack != *name {
            self.note(config, Fault::Stack { expected: name.to_string(), found: contract.stack.to_string() });
        }
        let (expected, found) =
            (source_of(&contract.files), stored::source_of(&manifest).unwrap_or("nothing").to_owned());
        if expected != found {
            self.note(entry.digest, Fault::Source { expected, found });
        }
        for (layer, records) in manifest.layers.iter().zip([&contract.files, &contract.vendored]) {
            self.layer(layer, records);
        }
        self.contract = Some((config, contract.files));
        self
    }

    fn layer(&mut self, descriptor: &Descriptor, records: &[FileRecord]) {
        if let Some(layer) = self.take(descriptor.digest, stored::layer(self.layout, descriptor)) {
            for mismatch in layer.compare(records) {
                self.note(descriptor.digest, mismatch);
            }
        }
    }

    /// Where there is no contract to hold them against, layers are still checked by themselves.
    fn layers_alone(&mut self, manifest: &Manifest) {
        for layer in &manifest.layers {
            let read = stored::layer(self.layout, layer);
            self.take(layer.digest, read.map(drop));
        }
    }
}

/// The digest of the source that these files (sorted by path) are: what `terrace_world::tree::SourceDigest` says of the tree.
fn source_of(files: &[FileRecord]) -> String {
    let mut hasher = Sha256::new();
    for file in files {
        hasher.update(format!("{} blob {}\t{}\0", file.mode.as_str(), file.blob, file.path.as_str()));
    }
    Digest(hasher.finalize().into()).hex()
}

/// Files that two releases have with different contents.
fn contradictions(all: &[Checked<'_>]) -> Vec<Problem> {
    let mut seen: BTreeMap<&RepoPath, (&Place, &FileRecord)> = BTreeMap::new();
    let mut found = Vec::new();
    for checked in all {
        let Some((blob, files)) = &checked.contract else { continue };
        for file in files {
            let (other, known) = *seen.entry(&file.path).or_insert((&checked.place, file));
            if known != file {
                let words = |file: &FileRecord| format!("{} {}", file.mode.as_str(), file.blob);
                let fault = Fault::Contradiction {
                    path: file.path.clone(),
                    expected: words(known),
                    found: words(file),
                    other: other.clone(),
                };
                found.push(Problem { place: checked.place.clone(), blob: *blob, fault });
            }
        }
    }
    found
}

impl From<LayoutError> for Fault {
    fn from(error: LayoutError) -> Self {
        Self::Stored(error.into())
    }
}

impl From<FormatError> for Fault {
    fn from(error: FormatError) -> Self {
        Self::Stored(error.into())
    }
}
