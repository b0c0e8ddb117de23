//! From the layout to the registry. Owns the order: blobs, manifests from the leaves to the root, what is attached to them, and last the
//! tag. Whenever it stops, everything that can be found in the registry is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use futures::{StreamExt, TryStreamExt, stream};
use oci_client::RegistryOperation;
use terrace_domain::digest::Digest;

use crate::blobs::Blobs;
use crate::content::{Descriptor, Links, MANIFESTS_MAX};
use crate::error::RegistryError;
use crate::referrers::add_to_fallback_tag;
use crate::session::{OnProgress, Options, Progress, Session};
use crate::target::Target;

/// How deep indexes lie in indexes, and evidence on evidence. An estate release has two levels.
const DEPTH_MAX: usize = 8;

/// What was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The digest of what was pushed: the same as in the layout.
    pub digest: Digest,
    /// Blobs that were sent.
    pub blobs: usize,
    /// Blobs that were there already.
    pub blobs_there: usize,
    /// The bytes of the blobs that were sent.
    pub bytes: u64,
    /// Manifests and indexes, with those of `referrers`.
    pub manifests: usize,
    /// Manifests that are attached to others: evidence.
    pub referrers: usize,
    /// Fallback tags that were written, where the registry does not list referrers.
    pub fallback_tags: usize,
}

/// Pushes what a tag of the layout stands for, all that it consists of, and all that is attached to it. In the registry it gets the
/// target's tag; without one it is found by its digest alone.
///
/// # Errors
/// When something is missing in the layout, or the registry does not take it. What was pushed until then is not referred to by the tag.
pub async fn push(
    blobs: &dyn Blobs,
    tag: &str,
    target: &Target,
    options: &Options,
    progress: OnProgress<'_>,
) -> Result<Pushed, RegistryError> {
    let missing = || RegistryError::NotInLayout { what: format!("tag `{tag}`") };
    let root = blobs.resolve(tag).map_err(|source| layout(&format!("find the tag {tag}"), source))?;
    let root = root.ok_or_else(missing)?;
    let plan = Plan::of(blobs, &root)?;
    let session = Session::open(target, RegistryOperation::Push, options, progress).await?;
    let bytes = plan.blobs.values().map(|blob| blob.size).sum();
    session.tell(Progress::Planned { blobs: plan.blobs.len(), bytes, manifests: plan.manifests.len() });
    let mut pushed = push_blobs(&session, blobs, &plan, root.digest).await?;
    pushed.manifests = plan.manifests.len();
    pushed.referrers = plan.manifests.iter().filter(|manifest| manifest.is_referrer).count();
    pushed.fallback_tags = push_manifests(&session, &plan).await?;
    if let Some(tag) = target.tag() {
        let manifest = plan.manifests.iter().find(|manifest| manifest.descriptor.digest == root.digest);
        let manifest = manifest.ok_or_else(missing)?;
        session.push_manifest(tag, &root.media_type, &manifest.bytes).await?;
    }
    Ok(pushed)
}

/// Everything that is to be pushed.
#[derive(Default)]
struct Plan {
    blobs: BTreeMap<Digest, Descriptor>,
    /// Each after all that it consists of, and after what it is attached to.
    manifests: Vec<Manifest>,
}

struct Manifest {
    descriptor: Descriptor,
    bytes: Vec<u8>,
    subject: Option<Digest>,
    /// Whether it was found because of what it is attached to.
    is_referrer: bool,
    /// How many steps from a leaf: those of a level are pushed at once.
    level: usize,
}

impl Plan {
    fn of(blobs: &dyn Blobs, root: &Descriptor) -> Result<Self, RegistryError> {
        let mut plan = Self::default();
        let mut levels = BTreeMap::new();
        plan.add(blobs, root, false, 0, &mut levels)?;
        let mut asked: BTreeSet<Digest> = BTreeSet::new();
        for depth in 0.. {
            let subjects: BTreeSet<Digest> = levels.keys().filter(|digest| !asked.contains(*digest)).copied().collect();
            if subjects.is_empty() {
                break;
            }
            let what = "the chain of evidence on evidence";
            check_depth(what, depth)?;
            // What is attached comes after everything that it may be attached to.
            let base = plan.manifests.iter().map(|manifest| manifest.level + 1).max().unwrap_or(0);
            let referrers = blobs.referrers(&subjects).map_err(|source| layout("list what is attached", source))?;
            for (_, referrer) in referrers {
                plan.add(blobs, &referrer, true, base, &mut levels)?;
            }
            asked.extend(subjects);
        }
        Ok(plan)
    }

    /// Adds a manifest and what it consists of; returns its level.
    fn add(
        &mut self,
        blobs: &dyn Blobs,
        descriptor: &Descriptor,
        is_referrer: bool,
        base: usize,
        levels: &mut BTreeMap<Digest, usize>,
    ) -> Result<usize, RegistryError> {
        self.add_below(blobs, descriptor, is_referrer, base, levels, 0)
    }

    fn add_below(
        &mut self,
        blobs: &dyn Blobs,
        descriptor: &Descriptor,
        is_referrer: bool,
        base: usize,
        levels: &mut BTreeMap<Digest, usize>,
        depth: usize,
    ) -> Result<usize, RegistryError> {
        if let Some(level) = levels.get(&descriptor.digest) {
            return Ok(*level);
        }
        check_depth(&descriptor.in_words(), depth)?;
        let bytes = read_manifest(blobs, descriptor)?;
        let links = Links::read(&descriptor.in_words(), &bytes)?;
        let mut level = base;
        for child in &links.manifests {
            level = level.max(1 + self.add_below(blobs, child, is_referrer, base, levels, depth + 1)?);
        }
        for blob in links.blobs {
            check_blob(blobs, &blob)?;
            self.blobs.insert(blob.digest, blob);
        }
        levels.insert(descriptor.digest, level);
        let mut descriptor = descriptor.clone();
        descriptor.artifact_type = links.artifact_type;
        descriptor.annotations = links.annotations;
        self.manifests.push(Manifest { descriptor, bytes, subject: links.subject, is_referrer, level });
        if self.manifests.len() > MANIFESTS_MAX {
            let what = "what is to be pushed".to_owned();
            return Err(RegistryError::TooMany { what, things: "manifests", limit: MANIFESTS_MAX });
        }
        Ok(level)
    }
}

fn check_depth(what: &str, depth: usize) -> Result<(), RegistryError> {
    if depth < DEPTH_MAX {
        return Ok(());
    }
    Err(RegistryError::TooMany { what: what.to_owned(), things: "levels", limit: DEPTH_MAX })
}

fn read_manifest(blobs: &dyn Blobs, descriptor: &Descriptor) -> Result<Vec<u8>, RegistryError> {
    check_blob(blobs, descriptor)?;
    let mut bytes = Vec::new();
    let file = blobs.open(&descriptor.digest);
    file.and_then(|file| file.take(descriptor.limit()).read_to_end(&mut bytes))
        .map_err(|source| layout(&format!("read {}", descriptor.in_words()), source))?;
    descriptor.check_bytes(&bytes)?;
    Ok(bytes)
}

/// Whether the layout has it, before anything is sent.
fn check_blob(blobs: &dyn Blobs, blob: &Descriptor) -> Result<(), RegistryError> {
    blob.check_size()?;
    let what = blob.in_words();
    let size = blobs.size(&blob.digest).map_err(|source| layout(&format!("look for {what}"), source))?;
    match size {
        None => Err(RegistryError::NotInLayout { what }),
        Some(size) if size != blob.size => Err(RegistryError::WrongSize { what, expected: blob.size, found: size }),
        Some(_) => Ok(()),
    }
}

async fn push_blobs(
    session: &Session<'_>,
    blobs: &dyn Blobs,
    plan: &Plan,
    digest: Digest,
) -> Result<Pushed, RegistryError> {
    let none = Pushed { digest, blobs: 0, blobs_there: 0, bytes: 0, manifests: 0, referrers: 0, fallback_tags: 0 };
    stream::iter(plan.blobs.values())
        .map(|blob| async move {
            let was_there = session.has_blob(blob).await?;
            if !was_there {
                session.push_blob(blobs, blob).await?;
            }
            session.tell(Progress::Blob { digest: blob.digest, bytes: blob.size, was_there });
            Ok(if was_there { None } else { Some(blob.size) })
        })
        .buffer_unordered(session.options.concurrency.max(1))
        .try_fold(none, |mut pushed, sent| async move {
            match sent {
                Some(bytes) => {
                    pushed.blobs += 1;
                    pushed.bytes += bytes;
                }
                None => pushed.blobs_there += 1,
            }
            Ok(pushed)
        })
        .await
}

/// Pushes all manifests by their digests, level by level, and then the fallback tags that they need; returns how many.
async fn push_manifests(session: &Session<'_>, plan: &Plan) -> Result<usize, RegistryError> {
    let mut levels: BTreeMap<usize, Vec<&Manifest>> = BTreeMap::new();
    for manifest in &plan.manifests {
        levels.entry(manifest.level).or_default().push(manifest);
    }
    let mut unlisted: BTreeMap<Digest, Vec<Descriptor>> = BTreeMap::new();
    for manifests in levels.into_values() {
        let sent: Vec<Option<(Digest, Descriptor)>> = stream::iter(manifests)
            .map(|manifest| push_manifest(session, manifest))
            .buffer_unordered(session.options.concurrency.max(1))
            .try_collect()
            .await?;
        for (subject, descriptor) in sent.into_iter().flatten() {
            unlisted.entry(subject).or_default().push(descriptor);
        }
    }
    let written: Vec<bool> = stream::iter(&unlisted)
        .map(|(subject, referrers)| add_to_fallback_tag(session, subject, referrers))
        .buffer_unordered(session.options.concurrency.max(1))
        .try_collect()
        .await?;
    Ok(written.into_iter().filter(|written| *written).count())
}

/// Pushes a manifest; returns it with its subject if the registry will not list it as attached.
async fn push_manifest(
    session: &Session<'_>,
    manifest: &Manifest,
) -> Result<Option<(Digest, Descriptor)>, RegistryError> {
    let descriptor = &manifest.descriptor;
    let accepted =
        session.push_manifest(&descriptor.digest.to_string(), &descriptor.media_type, &manifest.bytes).await?;
    session.tell(Progress::Manifest { digest: descriptor.digest });
    let subject = manifest.subject.filter(|_| !accepted.lists_referrers);
    Ok(subject.map(|subject| (subject, descriptor.clone())))
}

fn layout(what: &str, source: std::io::Error) -> RegistryError {
    RegistryError::Layout { what: what.to_owned(), source }
}
