//! From the registry to the layout. Owns the order: manifests and blobs, each checked against the digest and the size by which it was
//! found, and last one act that refers to them. Whenever it stops before, the layout refers to nothing new.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use futures::{StreamExt, TryStreamExt, stream};
use oci_client::RegistryOperation;
use terrace_domain::digest::Digest;

use crate::blobs::{Blobs, Reference};
use crate::content::{Descriptor, Links, MANIFESTS_MAX};
use crate::error::RegistryError;
use crate::referrers::Referrers;
use crate::session::{OnProgress, Options, Progress, Session, media_type_of};
use crate::target::Target;

/// How deep indexes lie in indexes, evidence on them included. An estate release with evidence has three levels.
const DEPTH_MAX: usize = 16;

/// What was pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// What was asked for.
    pub root: Descriptor,
    /// Blobs that were fetched.
    pub blobs: usize,
    /// Blobs that the layout had already.
    pub blobs_there: usize,
    /// The bytes of the blobs that were fetched.
    pub bytes: u64,
    /// Manifests and indexes, with those of `referrers`.
    pub manifests: usize,
    /// Manifests that are attached to others: evidence.
    pub referrers: usize,
}

/// Pulls what the target names, all that it consists of, and all that is attached to it, and tags it in the layout.
///
/// # Errors
/// When the target names nothing, something is missing, or anything is not what its digest says. The layout then refers to nothing new.
pub async fn pull(
    target: &Target,
    blobs: &dyn Blobs,
    tag: &str,
    options: &Options,
    progress: OnProgress<'_>,
) -> Result<Pulled, RegistryError> {
    let session = Session::open(target, RegistryOperation::Pull, options, progress).await?;
    let root = fetch_root(&session, target).await?;
    let tree = Tree::fetch(&session, root).await?;
    let bytes = tree.blobs.values().map(|blob| blob.size).sum();
    session.tell(Progress::Planned { blobs: tree.blobs.len(), bytes, manifests: tree.manifests.len() });
    let mut pulled = pull_blobs(&session, blobs, &tree).await?;
    for manifest in tree.manifests.values() {
        keep(blobs, manifest).map_err(|source| layout(&manifest.descriptor, source))?;
    }
    pulled.manifests = tree.manifests.len();
    pulled.referrers = tree.referrers.len();
    let referrers = tree.referrers.iter().filter_map(|digest| tree.manifests.get(digest));
    let mut references: Vec<_> =
        referrers.map(|manifest| Reference { descriptor: manifest.descriptor.clone(), tag: None }).collect();
    references.push(Reference { descriptor: pulled.root.clone(), tag: Some(tag.to_owned()) });
    blobs.refer(&references).map_err(|source| layout(&pulled.root, source))?;
    Ok(pulled)
}

struct Manifest {
    descriptor: Descriptor,
    bytes: Vec<u8>,
    links: Links,
}

/// Everything below the root, and what is attached to it.
struct Tree {
    root: Descriptor,
    manifests: BTreeMap<Digest, Manifest>,
    referrers: BTreeSet<Digest>,
    blobs: BTreeMap<Digest, Descriptor>,
}

async fn fetch_root(session: &Session<'_>, target: &Target) -> Result<Manifest, RegistryError> {
    let digest = target.digest().map(ToString::to_string);
    let reference = digest.as_deref().or(target.tag()).ok_or_else(|| crate::target::TargetError::Form {
        text: target.to_string(),
        why: "a pull needs a tag or a digest".to_owned(),
    })?;
    let what = format!("{}:{reference}", target.repository());
    let fetched = session.manifest(reference).await?.ok_or_else(|| session.not_found(&what))?;
    let found = Digest::of(&fetched.bytes);
    if let Some(expected) = target.digest().filter(|expected| **expected != found) {
        return Err(RegistryError::WrongDigest { what, expected: *expected, found });
    }
    let links = Links::read(&what, &fetched.bytes)?;
    let media_type = media_type_of(links.media_type.as_deref(), &fetched, !links.manifests.is_empty());
    let size = fetched.bytes.len() as u64;
    let descriptor = Descriptor {
        media_type,
        digest: found,
        size,
        artifact_type: links.artifact_type.clone(),
        annotations: BTreeMap::new(),
    };
    Ok(Manifest { descriptor, bytes: fetched.bytes, links })
}

async fn fetch_manifest(session: &Session<'_>, descriptor: Descriptor) -> Result<Manifest, RegistryError> {
    descriptor.check_size()?;
    let fetched = session.manifest(&descriptor.digest.to_string()).await?;
    let fetched = fetched.ok_or_else(|| session.not_found(descriptor.in_words()))?;
    descriptor.check_bytes(&fetched.bytes)?;
    let links = Links::read(&descriptor.in_words(), &fetched.bytes)?;
    Ok(Manifest { descriptor, bytes: fetched.bytes, links })
}

impl Tree {
    /// Fetches all manifests, level by level.
    async fn fetch(session: &Session<'_>, root: Manifest) -> Result<Self, RegistryError> {
        let mut tree = Self {
            root: root.descriptor.clone(),
            manifests: BTreeMap::new(),
            referrers: BTreeSet::new(),
            blobs: BTreeMap::new(),
        };
        let lists = Referrers::default();
        let mut level = vec![root];
        for _ in 0..DEPTH_MAX {
            let next = tree.take(session, &lists, level).await?;
            if next.is_empty() {
                return Ok(tree);
            }
            level = stream::iter(next)
                .map(|descriptor| fetch_manifest(session, descriptor))
                .buffer_unordered(session.options.concurrency.max(1))
                .try_collect()
                .await?;
        }
        let what = format!("what is below {}", tree.root.digest);
        Err(RegistryError::TooMany { what, things: "levels", limit: DEPTH_MAX })
    }

    /// Takes the manifests of a level; returns what they lead to and is not there yet.
    async fn take(
        &mut self,
        session: &Session<'_>,
        lists: &Referrers,
        level: Vec<Manifest>,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        let mut next: BTreeMap<Digest, Descriptor> = BTreeMap::new();
        let attached: Vec<(Digest, Vec<Descriptor>)> = stream::iter(&level)
            .map(|manifest| async move {
                let subject = manifest.descriptor.digest;
                Ok::<_, RegistryError>((subject, lists.of(session, &subject).await?))
            })
            .buffer_unordered(session.options.concurrency.max(1))
            .try_collect()
            .await?;
        for descriptor in attached.into_iter().flat_map(|(_, referrers)| referrers) {
            self.referrers.insert(descriptor.digest);
            next.insert(descriptor.digest, descriptor);
        }
        for manifest in level {
            session.tell(Progress::Manifest { digest: manifest.descriptor.digest });
            next.extend(manifest.links.manifests.iter().map(|child| (child.digest, child.clone())));
            self.blobs.extend(manifest.links.blobs.iter().map(|blob| (blob.digest, blob.clone())));
            self.manifests.insert(manifest.descriptor.digest, manifest);
        }
        next.retain(|digest, _| !self.manifests.contains_key(digest));
        if self.manifests.len() + next.len() > MANIFESTS_MAX {
            let what = format!("what is below {}", self.root.digest);
            return Err(RegistryError::TooMany { what, things: "manifests", limit: MANIFESTS_MAX });
        }
        Ok(next.into_values().collect())
    }
}

async fn pull_blobs(session: &Session<'_>, blobs: &dyn Blobs, tree: &Tree) -> Result<Pulled, RegistryError> {
    let none = Pulled { root: tree.root.clone(), blobs: 0, blobs_there: 0, bytes: 0, manifests: 0, referrers: 0 };
    stream::iter(tree.blobs.values())
        .map(|blob| async move {
            let size = blobs.size(&blob.digest).map_err(|source| layout(blob, source))?;
            let was_there = size == Some(blob.size);
            if !was_there {
                session.pull_blob(blobs, blob).await?;
            }
            session.tell(Progress::Blob { digest: blob.digest, bytes: blob.size, was_there });
            Ok(if was_there { None } else { Some(blob.size) })
        })
        .buffer_unordered(session.options.concurrency.max(1))
        .try_fold(none, |mut pulled, fetched| async move {
            match fetched {
                Some(bytes) => {
                    pulled.blobs += 1;
                    pulled.bytes += bytes;
                }
                None => pulled.blobs_there += 1,
            }
            Ok(pulled)
        })
        .await
}

fn keep(blobs: &dyn Blobs, manifest: &Manifest) -> std::io::Result<()> {
    let digest = &manifest.descriptor.digest;
    if blobs.size(digest)? == Some(manifest.descriptor.size) {
        return Ok(());
    }
    let mut file = blobs.collect()?;
    file.write_all(&manifest.bytes)?;
    blobs.keep(digest, file)
}

fn layout(descriptor: &Descriptor, source: std::io::Error) -> RegistryError {
    RegistryError::Layout { what: format!("keep {}", descriptor.in_words()), source }
}
