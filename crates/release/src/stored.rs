//! Reads what a layout holds of releases: the index of an estate release, manifests, contracts, layers. Each is checked against its digest
//! and for being what it is taken for; whether they agree with each other is the business of `verify`.

use std::collections::BTreeMap;

use terrace_domain::name::StackName;
use terrace_domain::release::{Contract, Digest, EstateRelease};

use crate::contract::{self, EstateFiles};
use crate::layout::{Layout, LayoutError, TAG_ANNOTATION};
use crate::oci::{Descriptor, FormatError, INDEX_MEDIA_TYPE, Index, MANIFEST_MEDIA_TYPE, Manifest};
use crate::unpack::{Layer, Mismatch, UnpackError};
use crate::{
    AUTHOR_ANNOTATION, CONTRACT_MEDIA_TYPE, CREATED_ANNOTATION, ESTATE_ANNOTATION, ESTATE_MEDIA_TYPE,
    ESTATE_RELEASE_TYPE, ESTATE_TYPE, LAYER_MEDIA_TYPE, RELEASE_TYPE, REVISION_ANNOTATION, SOURCE_ANNOTATION,
    STACK_ANNOTATION, SUBJECT_ANNOTATION,
};

/// The digits of a commit's id: SHA-1, or SHA-256.
const COMMIT_DIGITS: [usize; 2] = [40, 64];
/// What `index.json` notes of an estate release.
const NOTED_ANNOTATIONS: [&str; 5] =
    [ESTATE_ANNOTATION, REVISION_ANNOTATION, CREATED_ANNOTATION, SUBJECT_ANNOTATION, AUTHOR_ANNOTATION];

/// A release in a layout cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// A blob is not there or damaged, or the layout cannot be read.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A document is not what it is taken for.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A layer is not one of a release.
    #[error("{what}: {source}")]
    Layer {
        /// The layer.
        what: String,
        /// What is wrong.
        source: UnpackError,
    },
    /// A layer is not what the contract says.
    #[error("{what}: {mismatch}{}", more(*.others))]
    Mismatch {
        /// The layer.
        what: String,
        /// The first difference.
        mismatch: Mismatch,
        /// How many more there are.
        others: usize,
    },
    /// The estate release has no such stack.
    #[error("the estate release {release} has no stack `{stack}`", release = release.short())]
    NoStack {
        /// The estate release.
        release: Digest,
        /// As asked for.
        stack: String,
    },
    /// There is no estate release in the layout.
    #[error("there is no release yet in `{0}`")]
    NoRelease(String),
}

fn more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(" (and {others} more)") }
}

/// An estate release as a layout lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its entry in `index.json`.
    pub descriptor: Descriptor,
    /// Its tag.
    pub tag: Option<String>,
    /// The commit's full id.
    pub commit: String,
    /// When it was committed, in seconds since 1970.
    pub committed_at_secs: i64,
    /// The first line of the commit's message.
    pub subject: Option<String>,
    /// The estate's name.
    pub estate: String,
}

/// An estate release with the entries of its index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEstateRelease {
    /// What it is.
    pub release: EstateRelease,
    /// The entry of the estate's own file.
    pub estate: Descriptor,
    /// The entry of each stack.
    pub stacks: BTreeMap<StackName, Descriptor>,
}

/// A stack's release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStack {
    /// Its manifest's descriptor.
    pub descriptor: Descriptor,
    /// Its manifest.
    pub manifest: Manifest,
    /// Its contract.
    pub contract: Contract,
}

/// The estate releases of a layout, the newest commit first.
pub fn list(layout: &Layout) -> Result<Vec<Listed>, StoredError> {
    let mut found = Vec::new();
    for entry in layout.index()?.manifests {
        let Some(entry) = completed(layout, entry) else { continue };
        found.push(listed(entry)?);
    }
    // Of one commit, what was listed later is newer.
    found.reverse();
    found.sort_by_key(|listed| std::cmp::Reverse(listed.committed_at_secs));
    Ok(found)
}

/// The newest estate release.
pub fn newest(layout: &Layout) -> Result<Descriptor, StoredError> {
    let newest = list(layout)?.into_iter().next();
    newest.map(|listed| listed.descriptor).ok_or_else(|| StoredError::NoRelease(layout.folder().display().to_string()))
}

/// The entry with what Terrace notes of an estate release; `None` where it is something else. Other tools note nothing: then the index is
/// read, and one that cannot be read is not known to be an estate release.
fn completed(layout: &Layout, entry: Descriptor) -> Option<Descriptor> {
    match entry.artifact_type.as_deref() {
        Some(ESTATE_RELEASE_TYPE) => return Some(entry),
        None if entry.media_type == INDEX_MEDIA_TYPE => {}
        _ => return None,
    }
    let index = Index::read(&layout.read(&entry).ok()?, "an index").ok()?;
    if index.artifact_type.as_deref() != Some(ESTATE_RELEASE_TYPE) {
        return None;
    }
    let mut entry = entry.with_type(ESTATE_RELEASE_TYPE);
    entry.annotations.extend(index.annotations);
    Some(entry)
}

fn listed(entry: Descriptor) -> Result<Listed, FormatError> {
    let what = format!("the entry of {} in index.json", entry.digest);
    let facts = Facts::of(&entry.annotations, &what)?;
    Ok(Listed {
        tag: entry.annotation(TAG_ANNOTATION).map(str::to_owned),
        commit: facts.commit.to_owned(),
        committed_at_secs: facts.committed_at_secs,
        subject: facts.subject.map(str::to_owned),
        estate: facts.estate.to_owned(),
        descriptor: entry,
    })
}

/// What the annotations of an estate release say.
struct Facts<'a> {
    commit: &'a str,
    committed_at_secs: i64,
    subject: Option<&'a str>,
    estate: &'a str,
}

impl<'a> Facts<'a> {
    fn of(annotations: &'a BTreeMap<String, String>, what: &str) -> Result<Self, FormatError> {
        let get = |name: &str| annotation(annotations, name, what);
        let created = get(CREATED_ANNOTATION)?;
        let time: jiff::Timestamp = created
            .parse()
            .map_err(|_| FormatError::wrong(what, format!("`{created}` is not a time as in RFC 3339")))?;
        Ok(Self {
            commit: get(REVISION_ANNOTATION)?,
            committed_at_secs: time.as_second(),
            subject: annotations.get(SUBJECT_ANNOTATION).map(String::as_str),
            estate: get(ESTATE_ANNOTATION)?,
        })
    }
}

/// An annotation that must be there.
pub(crate) fn annotation<'a>(
    annotations: &'a BTreeMap<String, String>,
    name: &str,
    what: &str,
) -> Result<&'a str, FormatError> {
    let missing = || FormatError::wrong(what, format!("it has no annotation `{name}`"));
    annotations.get(name).map(String::as_str).ok_or_else(missing)
}

/// Reads the index of an estate release.
pub fn estate_release(layout: &Layout, descriptor: &Descriptor) -> Result<StoredEstateRelease, StoredError> {
    let what = format!("the index of the estate release {}", descriptor.digest);
    FormatError::expect_type(&what, Some(&descriptor.media_type), INDEX_MEDIA_TYPE)?;
    let bytes = layout.read(descriptor)?;
    let index = Index::read(&bytes, &what)?;
    FormatError::expect_type(&what, index.artifact_type.as_deref(), ESTATE_RELEASE_TYPE)?;
    let (estate, stacks) = entries(index.manifests, &what)?;
    let facts = Facts::of(&index.annotations, &what)?;
    let name_error = |error: terrace_domain::name::NameError| FormatError::wrong(&*what, error.to_string());
    let release = EstateRelease {
        digest: descriptor.digest,
        commit: facts.commit.to_owned(),
        committed_at_secs: facts.committed_at_secs,
        subject: facts.subject.map(str::to_owned),
        author: index.annotations.get(AUTHOR_ANNOTATION).cloned(),
        estate_name: facts.estate.parse().map_err(name_error)?,
        estate: estate.digest,
        stacks: stacks.iter().map(|(name, entry)| (name.clone(), entry.digest)).collect(),
    };
    Ok(StoredEstateRelease { release, estate, stacks })
}

/// The entry that a layout lists of an estate release: what a build notes there, read from the index itself. For releases that come from
/// elsewhere: the commit, which becomes the tag, must be an id, so that nobody else's release takes the name of a branch.
pub fn listing(layout: &Layout, descriptor: &Descriptor) -> Result<(Descriptor, StoredEstateRelease), StoredError> {
    let stored = estate_release(layout, descriptor)?;
    let what = format!("the index of the estate release {}", descriptor.digest);
    let commit = &stored.release.commit;
    let is_id =
        COMMIT_DIGITS.contains(&commit.len()) && commit.chars().all(|c| c.is_ascii_digit() || matches!(c, 'a'..='f'));
    if !is_id {
        return Err(FormatError::wrong(what, format!("its commit `{commit}` is not the id of one")).into());
    }
    let index = Index::read(&layout.read(descriptor)?, &what)?;
    let mut entry = descriptor.clone().with_type(ESTATE_RELEASE_TYPE);
    let is_noted = |name: &String| NOTED_ANNOTATIONS.contains(&name.as_str());
    entry.annotations = index.annotations.into_iter().filter(|(name, _)| is_noted(name)).collect();
    Ok((entry, stored))
}

/// The entry of the estate's own file, and those of the stacks.
fn entries(listed: Vec<Descriptor>, what: &str) -> Result<(Descriptor, BTreeMap<StackName, Descriptor>), FormatError> {
    let (mut estate, mut stacks) = (None, BTreeMap::new());
    for entry in listed {
        FormatError::expect_type(what, Some(&entry.media_type), MANIFEST_MEDIA_TYPE)?;
        if entry.annotation(ESTATE_ANNOTATION).is_some() {
            if estate.replace(entry.with_type(ESTATE_TYPE)).is_some() {
                return Err(FormatError::wrong(what, "it lists the estate's file twice"));
            }
            continue;
        }
        let name = annotation(&entry.annotations, STACK_ANNOTATION, &format!("an entry of {what}"))?;
        let name: StackName = name.parse().map_err(|error| FormatError::wrong(what, format!("`{name}`: {error}")))?;
        if stacks.insert(name.clone(), entry.with_type(RELEASE_TYPE)).is_some() {
            return Err(FormatError::wrong(what, format!("it lists the stack `{name}` twice")));
        }
    }
    let estate = estate.ok_or_else(|| FormatError::wrong(what, "it does not list the estate's file"))?;
    Ok((estate, stacks))
}

/// Reads a manifest of the given type.
pub fn manifest(layout: &Layout, descriptor: &Descriptor, artifact_type: &str) -> Result<Manifest, StoredError> {
    let what = format!("{} {}", descriptor.what(), descriptor.digest);
    let manifest = Manifest::read(&layout.read(descriptor)?, &what)?;
    FormatError::expect_type(&what, manifest.artifact_type.as_deref(), artifact_type)?;
    Ok(manifest)
}

/// Reads a stack's manifest and contract.
pub fn stack(layout: &Layout, descriptor: &Descriptor) -> Result<StoredStack, StoredError> {
    let manifest = manifest(layout, descriptor, RELEASE_TYPE)?;
    let contract = contract_of(layout, &manifest)?;
    Ok(StoredStack { descriptor: descriptor.clone(), manifest, contract })
}

/// Reads the contract that a stack's manifest names.
pub fn contract_of(layout: &Layout, manifest: &Manifest) -> Result<Contract, StoredError> {
    let config = &manifest.config;
    let stack = manifest.annotations.get(STACK_ANNOTATION).map_or("?", String::as_str);
    let what = format!("the contract {} of the stack `{stack}`", config.digest);
    FormatError::expect_type(&what, Some(&config.media_type), CONTRACT_MEDIA_TYPE)?;
    let config = config.clone().with(STACK_ANNOTATION, stack);
    let contract = contract::from_bytes(&layout.read(&config)?, &what)?;
    check_stack_layers(manifest, &contract)?;
    Ok(contract)
}

fn check_stack_layers(manifest: &Manifest, contract: &Contract) -> Result<(), FormatError> {
    let what = format!("the manifest of the stack `{}`", contract.stack);
    let expected = if contract.vendored.is_empty() { 1 } else { 2 };
    check_layers(manifest, expected, &what)
}

fn check_layers(manifest: &Manifest, expected: usize, what: &str) -> Result<(), FormatError> {
    let found = manifest.layers.len();
    if found != expected {
        return Err(FormatError::wrong(what, format!("it has {found} layers, and its contract asks for {expected}")));
    }
    for layer in &manifest.layers {
        let what = format!("the layer {} of {what}", layer.digest);
        FormatError::expect_type(&what, Some(&layer.media_type), LAYER_MEDIA_TYPE)?;
    }
    Ok(())
}

/// Reads the manifest of the estate's own files and the list of them.
pub fn estate_files(layout: &Layout, descriptor: &Descriptor) -> Result<(Manifest, EstateFiles), StoredError> {
    let manifest = manifest(layout, descriptor, ESTATE_TYPE)?;
    let what = format!("the list {} of the estate's files", manifest.config.digest);
    FormatError::expect_type(&what, Some(&manifest.config.media_type), ESTATE_MEDIA_TYPE)?;
    let files = contract::estate_from_bytes(&layout.read(&manifest.config)?, &what)?;
    check_layers(&manifest, 1, "the manifest of the estate's file")?;
    Ok((manifest, files))
}

/// Reads a layer's archive; what it holds is not compared with anything.
pub fn layer(layout: &Layout, descriptor: &Descriptor) -> Result<Layer, StoredError> {
    let bytes = layout.read(descriptor)?;
    Layer::read(bytes).map_err(|source| StoredError::Layer { what: descriptor.to_string(), source })
}

/// The digest of a stack's source, as its manifest says.
pub fn source_of(manifest: &Manifest) -> Option<&str> {
    manifest.annotations.get(SOURCE_ANNOTATION).map(String::as_str)
}
