//! Builds the estate release of a tree: each stack packed once, in parallel; a stack whose source was packed before is taken over without
//! reading its files. Owns what goes into a release. Never knows where the tree comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;
use terrace_config::codeowners;
use terrace_config::tree::{FileEntry, FileKind, FileTree, ReadError};
use terrace_config::{Code, Watches, policy_files};
use terrace_domain::estate::{Estate, Stack};
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;
use terrace_domain::release::{
    BlobId, Contract, Digest, EstateRelease, FileMode, FileRecord, OutputContract, VariableContract,
};
use terrace_world::tree::{SourceDigest, blob_id};
use terrace_world::workspace::{LinkError, with_link_targets};

use crate::contract::{self, EstateFiles};
use crate::layout::{BLOB_BYTES_MAX, Batch, Layout, LayoutError, MANIFEST_BYTES_MAX};
use crate::memory::{Key, Memory};
use crate::oci::{Descriptor, INDEX_MEDIA_TYPE, Index, MANIFEST_MEDIA_TYPE, Manifest};
use crate::pack::Packer;
use crate::source::{Source, SourceError};
use crate::stored::{self, StoredError};
use crate::vendor::{self, ModuleInstaller, VendorError, Vendored};
use crate::{
    AUTHOR_ANNOTATION, CONTRACT_MEDIA_TYPE, CREATED_ANNOTATION, ESTATE_ANNOTATION, ESTATE_MEDIA_TYPE,
    ESTATE_RELEASE_TYPE, ESTATE_TYPE, LAYER_MEDIA_TYPE, RELEASE_TYPE, REVISION_ANNOTATION, SOURCE_ANNOTATION,
    STACK_ANNOTATION, SUBJECT_ANNOTATION, TITLE_ANNOTATION,
};

/// What an estate release is built from.
#[derive(Clone, Copy)]
pub struct Recipe<'a> {
    /// The files.
    pub tree: &'a dyn FileTree,
    /// The estate that they are.
    pub estate: &'a Estate,
    /// The code of all its stacks.
    pub code: &'a Code,
    /// The patterns that its stacks watch.
    pub watches: &'a Watches,
    /// The commit whose tree it is.
    pub commit: &'a CommitFacts,
}

/// What an estate release says of its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitFacts {
    /// Its full id, in hexadecimal.
    pub id: String,
    /// When it was committed, in seconds since 1970.
    pub committed_at_secs: i64,
    /// The first line of its message.
    pub subject: Option<String>,
    /// Who made it, as git writes it: `NAME <EMAIL>`.
    pub author: Option<String>,
}

/// How it is built.
#[derive(Clone, Copy)]
pub struct BuildOptions<'a> {
    /// Who fetches modules that lie elsewhere.
    pub installer: &'a dyn ModuleInstaller,
    /// Where short-lived folders are made.
    pub scratch: &'a Path,
    /// Whether they are fetched again for stacks that did not change.
    pub refresh: bool,
    /// Whether releases that were built before are read in full before they are taken over, so that damaged ones are made again.
    pub mend: bool,
}

/// What was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The estate release.
    pub release: EstateRelease,
    /// Its descriptor.
    pub descriptor: Descriptor,
    /// The stacks whose release no estate release of the layout had before.
    pub new: BTreeSet<StackName>,
    /// The others.
    pub kept: BTreeSet<StackName>,
    /// Symbolic links that lead to nothing, by stack; they are not in the releases.
    pub dangling: BTreeMap<StackName, Vec<RepoPath>>,
    /// Symbolic links in fetched modules that lead out of them, by stack; they are not in the releases.
    pub left_out: BTreeMap<StackName, Vec<RepoPath>>,
}

/// An estate release cannot be built. Nothing is listed then.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A stack cannot be packed.
    #[error("the stack `{stack}` cannot be released")]
    Stack {
        /// The stack.
        stack: StackName,
        /// Why.
        source: PackError,
    },
    /// The estate's own file cannot be packed.
    #[error("the estate's file cannot be released")]
    Estate(#[source] PackError),
    /// The layout cannot be read or written.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// What is in the layout cannot be read.
    #[error(transparent)]
    Stored(#[from] StoredError),
    /// The commit's time is beyond what can be written.
    #[error("the commit's time, {0} seconds since 1970, is not a date")]
    Time(i64),
    /// The index would be larger than what is read.
    #[error("the estate's index has {size} bytes, and so too many stacks; the limit is {MANIFEST_BYTES_MAX} bytes")]
    TooManyStacks {
        /// Its size in bytes.
        size: u64,
    },
}

/// Files cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The files cannot be put together.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A link among them leads nowhere good.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file is part of another repository.
    #[error(
        "`{0}` is a submodule, whose files are in another repository: copy them, or call the module by its address"
    )]
    Submodule(RepoPath),
    /// A file cannot be a release's.
    #[error("`{path}` cannot be released: {reason}")]
    Refused {
        /// The file.
        path: RepoPath,
        /// Why, a lowercase fragment.
        reason: &'static str,
    },
    /// The files are larger than what is read.
    #[error("its files have more than {} MiB", BLOB_BYTES_MAX >> 20)]
    TooLarge,
    /// Its modules cannot be fetched.
    #[error(transparent)]
    Vendor(#[from] VendorError),
    /// It cannot be written.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

/// Builds the estate release, names it by the commit's id, and lists it.
pub fn build(layout: &Layout, recipe: &Recipe<'_>, options: &BuildOptions<'_>) -> Result<Built, BuildError> {
    let mut memory = Memory::open(layout)?;
    let mut batch = layout.begin()?;
    let builder = Builder { layout, recipe, options, batch: &batch, memory: &memory };
    let stacks: Vec<&Stack> = recipe.estate.stacks.values().collect();
    let estate = builder.estate().map_err(BuildError::Estate)?;
    let packed: Vec<Packed> = stacks
        .par_iter()
        .map(|stack| {
            let failed = |source| BuildError::Stack { stack: stack.name.clone(), source };
            builder.stack(stack).map_err(failed)
        })
        .collect::<Result<_, _>>()?;
    let (index, annotations) = index_of(recipe, &estate, &stacks, &packed)?;
    let bytes = index.to_bytes();
    if bytes.len() as u64 > MANIFEST_BYTES_MAX {
        return Err(BuildError::TooManyStacks { size: bytes.len() as u64 });
    }
    let mut descriptor = batch.write(INDEX_MEDIA_TYPE, &bytes)?.with_type(ESTATE_RELEASE_TYPE);
    descriptor.annotations = annotations;
    batch.tag(&recipe.commit.id, descriptor.clone())?;
    batch.commit()?;
    let built = report(recipe, (&stacks, packed), (estate.digest, descriptor), &mut memory);
    // A cache: where it cannot be written, the next build learns it again from the releases.
    let _ = memory.save(layout);
    Ok(built)
}

fn report(
    recipe: &Recipe<'_>,
    (stacks, packed): (&[&Stack], Vec<Packed>),
    (estate, descriptor): (Digest, Descriptor),
    memory: &mut Memory,
) -> Built {
    let digests = stacks.iter().zip(&packed).map(|(stack, packed)| (stack.name.clone(), packed.manifest.digest));
    let release = EstateRelease {
        digest: descriptor.digest,
        commit: recipe.commit.id.clone(),
        committed_at_secs: recipe.commit.committed_at_secs,
        subject: recipe.commit.subject.clone(),
        author: recipe.commit.author.clone(),
        estate_name: recipe.estate.name.clone(),
        estate,
        stacks: digests.collect(),
    };
    let (mut new, mut kept) = (BTreeSet::new(), BTreeSet::new());
    let (mut dangling, mut left_out) = (BTreeMap::new(), BTreeMap::new());
    for (stack, packed) in stacks.iter().zip(packed) {
        let name = stack.name.clone();
        if memory.knows(&packed.manifest.digest) { &mut kept } else { &mut new }.insert(name.clone());
        memory.remember(packed.key, &packed.manifest);
        if !packed.dangling.is_empty() {
            dangling.insert(name.clone(), packed.dangling);
        }
        if !packed.left_out.is_empty() {
            left_out.insert(name, packed.left_out);
        }
    }
    memory.remember_estate_release(descriptor.digest);
    Built { release, descriptor, new, kept, dangling, left_out }
}

type Annotations = BTreeMap<String, String>;

/// The index, and what it says of itself.
fn index_of(
    recipe: &Recipe<'_>,
    estate: &Descriptor,
    stacks: &[&Stack],
    packed: &[Packed],
) -> Result<(Index, Annotations), BuildError> {
    let CommitFacts { id, committed_at_secs, subject, author } = recipe.commit;
    let time = jiff::Timestamp::from_second(*committed_at_secs).map_err(|_| BuildError::Time(*committed_at_secs))?;
    let mut index = Index::empty();
    index.artifact_type = Some(ESTATE_RELEASE_TYPE.to_owned());
    // Entries have no artifact type of their own: a skopeo that is still in use (1.9) would drop it, and so not copy the index as it is.
    let entry = |of: &Descriptor| {
        let mut entry = Descriptor::of(MANIFEST_MEDIA_TYPE, &[]);
        (entry.digest, entry.size) = (of.digest, of.size);
        entry
    };
    index.manifests.push(entry(estate).with(ESTATE_ANNOTATION, recipe.estate.name.as_str()));
    let released = stacks.iter().zip(packed);
    let entries = released.map(|(stack, packed)| entry(&packed.manifest).with(STACK_ANNOTATION, stack.name.as_str()));
    index.manifests.extend(entries);
    let annotations = [
        (ESTATE_ANNOTATION, Some(recipe.estate.name.to_string())),
        (REVISION_ANNOTATION, Some(id.clone())),
        (CREATED_ANNOTATION, Some(time.to_string())),
        (SUBJECT_ANNOTATION, subject.clone()),
        (AUTHOR_ANNOTATION, author.clone()),
    ];
    let annotations: Annotations =
        annotations.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    index.annotations.clone_from(&annotations);
    Ok((index, annotations))
}

struct Builder<'a> {
    layout: &'a Layout,
    recipe: &'a Recipe<'a>,
    options: &'a BuildOptions<'a>,
    batch: &'a Batch<'a>,
    memory: &'a Memory,
}

/// A stack's release.
struct Packed {
    key: Key,
    manifest: Descriptor,
    dangling: Vec<RepoPath>,
    left_out: Vec<RepoPath>,
}

impl Builder<'_> {
    fn stack(&self, stack: &Stack) -> Result<Packed, PackError> {
        let Recipe { tree, code, watches, .. } = *self.recipe;
        let source = Source::of(tree, stack, code, watches)?;
        let source_digest = SourceDigest::of(tree, &source.files)?.to_string();
        let mut contract = interface(stack, &source);
        let key = Key::of(&contract, &source_digest);
        let is_remote = source.calls_remote_modules();
        if !(self.options.refresh && is_remote)
            && let Some(manifest) = self.kept(key, stack, &source_digest)
        {
            return Ok(Packed { key, manifest, dangling: source.dangling, left_out: Vec::new() });
        }
        let (files, layer) = self.pack(&source.files)?;
        contract.files = files;
        let mut layers = vec![self.layer(&layer, format!("{}.tar", stack.name))?];
        let mut left_out = Vec::new();
        if is_remote {
            let BuildOptions { installer, scratch, .. } = *self.options;
            let vendored = vendor::vendor(tree, &source.files, &stack.folder, installer, scratch)?;
            layers.push(self.layer(&pack_vendored(&vendored), format!("{}.modules.tar", stack.name))?);
            contract.vendored = vendored.files.into_iter().map(|(record, _)| record).collect();
            contract.modules = vendored.modules;
            left_out = vendored.left_out;
        }
        let config = self.batch.write(CONTRACT_MEDIA_TYPE, &contract::to_bytes(&contract))?;
        let annotations = [
            (STACK_ANNOTATION, stack.name.to_string()),
            (SOURCE_ANNOTATION, source_digest),
            (TITLE_ANNOTATION, stack.name.to_string()),
        ];
        let manifest = self.manifest(RELEASE_TYPE, config, layers, annotations)?;
        Ok(Packed { key, manifest, dangling: source.dangling, left_out })
    }

    /// The release that was made of this before, where all of it is still there.
    fn kept(&self, key: Key, stack: &Stack, source: &str) -> Option<Descriptor> {
        let descriptor = self.memory.get(key)?;
        let manifest = stored::manifest(self.layout, descriptor, RELEASE_TYPE).ok()?;
        let says = |name: &str, value: &str| manifest.annotations.get(name).is_some_and(|found| found == value);
        let is_it = says(STACK_ANNOTATION, stack.name.as_str()) && says(SOURCE_ANNOTATION, source);
        let is_sound =
            |part: &Descriptor| if self.options.mend { self.layout.read(part).is_ok() } else { self.layout.has(part) };
        let is_whole = std::iter::once(&manifest.config).chain(&manifest.layers).all(is_sound);
        (is_it && is_whole).then(|| descriptor.clone())
    }

    /// The estate's own file, its policies and who owns what, and what these lead to if they are links: a delivery is decided by nothing else.
    fn estate(&self) -> Result<Descriptor, PackError> {
        let Recipe { tree, estate, .. } = *self.recipe;
        let mut own = policy_files(tree, estate);
        own.extend(tree.find(&estate.file()).cloned());
        let owners = codeowners::PLACES.iter().filter_map(|place| RepoPath::new(place).ok());
        own.extend(owners.filter_map(|path| tree.find(&path)).cloned());
        own.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        own.dedup_by(|a, b| a.path == b.path);
        let linked = with_link_targets(tree, &own)?;
        let (files, layer) = self.pack(&linked.files)?;
        let layer = self.layer(&layer, "estate.tar".to_owned())?;
        let files = EstateFiles { name: estate.name.clone(), folder: estate.root.clone(), files };
        let config = self.batch.write(ESTATE_MEDIA_TYPE, &contract::estate_to_bytes(&files))?;
        let name = estate.name.to_string();
        let annotations = [(ESTATE_ANNOTATION, name.clone()), (TITLE_ANNOTATION, name)];
        self.manifest(ESTATE_TYPE, config, vec![layer], annotations)
    }

    fn layer(&self, bytes: &[u8], title: String) -> Result<Descriptor, PackError> {
        if bytes.len() as u64 > BLOB_BYTES_MAX {
            return Err(PackError::TooLarge);
        }
        Ok(self.batch.write(LAYER_MEDIA_TYPE, bytes)?.with(TITLE_ANNOTATION, title))
    }

    fn manifest<const N: usize>(
        &self,
        artifact_type: &str,
        config: Descriptor,
        layers: Vec<Descriptor>,
        annotations: [(&str, String); N],
    ) -> Result<Descriptor, PackError> {
        let mut manifest = Manifest::new(artifact_type, config, layers);
        manifest.annotations = annotations.map(|(name, value)| (name.to_owned(), value)).into();
        Ok(self.batch.write(MANIFEST_MEDIA_TYPE, &manifest.to_bytes())?.with_type(artifact_type))
    }

    /// Reads files (sorted by path) and packs them.
    fn pack(&self, files: &[FileEntry]) -> Result<(Vec<FileRecord>, Vec<u8>), PackError> {
        let mut packer = Packer::default();
        let mut records = Vec::with_capacity(files.len());
        for entry in files {
            let mode = match entry.kind {
                FileKind::Regular => FileMode::Regular,
                FileKind::Executable => FileMode::Executable,
                FileKind::Symlink => FileMode::Symlink,
                FileKind::Submodule => return Err(PackError::Submodule(entry.path.clone())),
            };
            let refused = |reason| PackError::Refused { path: entry.path.clone(), reason };
            crate::unpack::checked_path(entry.path.as_str()).map_err(refused)?;
            let content = self.recipe.tree.read(entry)?;
            let id = blob_id(&content);
            if entry.id.is_some_and(|listed| listed != id) {
                return Err(refused("its content is not what was listed"));
            }
            if mode == FileMode::Symlink && (content.is_empty() || content.contains(&0)) {
                return Err(refused("it is a link whose text is no path"));
            }
            let size = content.len() as u64;
            if packer.size() + size > BLOB_BYTES_MAX {
                return Err(PackError::TooLarge);
            }
            let record = FileRecord { path: entry.path.clone(), mode, blob: BlobId(id.0), size };
            packer.add(&record, &content);
            records.push(record);
        }
        Ok((records, packer.finish()))
    }
}

fn pack_vendored(vendored: &Vendored) -> Vec<u8> {
    let mut packer = Packer::default();
    for (record, content) in &vendored.files {
        packer.add(record, content);
    }
    packer.finish()
}

/// The contract of a stack without its files.
fn interface(stack: &Stack, source: &Source) -> Contract {
    let own = source.modules.iter().find(|(folder, _)| *folder == stack.folder).map(|(_, facts)| facts);
    let variables = own.iter().flat_map(|facts| &facts.variables).map(|(name, variable)| {
        let contract = VariableContract {
            type_constraint: variable.type_constraint.clone(),
            required: !variable.has_default,
            sensitive: variable.sensitive,
            ephemeral: variable.ephemeral,
        };
        (name.clone(), contract)
    });
    let outputs = own.iter().flat_map(|facts| &facts.outputs);
    let mut providers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, asked) in source.modules.iter().flat_map(|(_, facts)| &facts.required_providers) {
        let address = asked.source.clone().unwrap_or_else(|| format!("hashicorp/{name}"));
        providers.entry(address).or_default().extend(asked.version.clone());
    }
    let required_version = source.modules.iter().flat_map(|(_, facts)| &facts.required_version);
    Contract {
        stack: stack.name.clone(),
        folder: stack.folder.clone(),
        capability: stack.capability.clone(),
        owner: stack.owner.clone(),
        variables: variables.collect(),
        outputs: outputs.map(|(name, output)| (name.clone(), OutputContract { sensitive: output.sensitive })).collect(),
        providers,
        required_version: required_version.cloned().collect(),
        modules: Vec::new(),
        files: Vec::new(),
        vendored: Vec::new(),
    }
}
