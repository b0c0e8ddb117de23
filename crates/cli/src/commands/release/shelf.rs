//! A layout of releases as pushing and pulling use it. What comes in is collected in one writing of the layout and listed at once, under
//! its lock: estate releases by their commit, as a build lists them. Owns what may be listed; moves nothing itself.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tempfile::NamedTempFile;
use terrace_domain::digest::Digest;
use terrace_registry::{Blobs, Descriptor, Reference};
use terrace_release::layout::{Batch, Layout, LayoutError};
use terrace_release::oci::{self, INDEX_MEDIA_TYPE, Index, MANIFEST_MEDIA_TYPE, Manifest};
use terrace_release::stored::{self, StoredError, StoredEstateRelease};

/// The layout, and what has come in so far.
pub struct Shelf<'l> {
    layout: &'l Layout,
    /// Whether contents come in: then what is there counts only if it is sound, and damaged contents are fetched again.
    receives: bool,
    batch: Mutex<Option<Batch<'l>>>,
    received: Mutex<Option<Received>>,
}

/// What has come in and is listed.
#[derive(Debug)]
pub struct Received {
    /// The estate release.
    pub release: StoredEstateRelease,
    /// Another release of the same commit, which has no tag any more.
    pub displaced: Option<Digest>,
}

impl<'l> Shelf<'l> {
    /// A layout to read from.
    pub fn to_read(layout: &'l Layout) -> Self {
        Self { layout, receives: false, batch: Mutex::default(), received: Mutex::default() }
    }

    /// A layout to write to.
    pub fn to_fill(layout: &'l Layout) -> Self {
        Self { receives: true, ..Self::to_read(layout) }
    }

    /// What has come in, once it is listed.
    pub fn received(self) -> Option<Received> {
        self.received.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works with the writing that has begun, or begins one.
    fn writing<T>(&self, work: impl FnOnce(&mut Batch<'l>) -> Result<T, LayoutError>) -> Result<T, LayoutError> {
        let mut batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        if batch.is_none() {
            *batch = Some(self.layout.begin()?);
        }
        work(batch.as_mut().expect("it has just begun"))
    }

    /// Lists an estate release by its commit, as a build does.
    fn list_release(&self, descriptor: &oci::Descriptor) -> Result<Received, StoredError> {
        let (entry, release) = stored::listing(self.layout, descriptor)?;
        let commit = release.release.commit.clone();
        let earlier = self.layout.tags()?.remove(&commit).map(|entry| entry.digest);
        self.writing(|batch| batch.tag(&commit, entry))?;
        Ok(Received { release, displaced: earlier.filter(|earlier| *earlier != descriptor.digest) })
    }

    /// Lists what is attached to something. What a registry lists so and does not say so itself is not attached.
    fn list_attached(&self, descriptor: &oci::Descriptor) -> Result<(), StoredError> {
        let bytes = self.layout.read(descriptor)?;
        match descriptor.media_type.as_str() {
            MANIFEST_MEDIA_TYPE if Manifest::read(&bytes, "a referrer")?.subject.is_some() => {
                self.writing(|batch| batch.attach(&bytes))?;
            }
            INDEX_MEDIA_TYPE => {
                let index = Index::read(&bytes, "a referrer")?;
                if let Some(subject) = index.subject {
                    let mut entry = descriptor.clone();
                    (entry.artifact_type, entry.annotations) = (index.artifact_type, index.annotations);
                    self.writing(|batch| batch.refer(entry, &subject.digest))?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Blobs for Shelf<'_> {
    fn size(&self, digest: &Digest) -> io::Result<Option<u64>> {
        match size_of(&self.layout.blob_path(digest))? {
            Some(_) if self.receives && self.layout.read_blob(digest).is_err() => Ok(None),
            size => Ok(size),
        }
    }

    fn open(&self, digest: &Digest) -> io::Result<File> {
        File::open(self.layout.blob_path(digest))
    }

    fn collect(&self) -> io::Result<NamedTempFile> {
        self.writing(|batch| batch.collect()).map_err(io::Error::other)
    }

    fn keep(&self, digest: &Digest, collected: NamedTempFile) -> io::Result<()> {
        self.writing(|batch| batch.keep(digest, collected)).map_err(io::Error::other)
    }

    fn resolve(&self, tag: &str) -> io::Result<Option<Descriptor>> {
        match self.layout.resolve(tag) {
            Ok(found) => Ok(Some(moved(&found))),
            Err(LayoutError::Unknown { .. }) => Ok(None),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    fn referrers(&self, subjects: &BTreeSet<Digest>) -> io::Result<Vec<(Digest, Descriptor)>> {
        let all = self.layout.all_referrers().map_err(io::Error::other)?;
        let asked = all.into_iter().filter(|(subject, _)| subjects.contains(subject));
        Ok(asked
            .flat_map(|(subject, referrers)| referrers.into_iter().map(move |found| (subject, moved(&found))))
            .collect())
    }

    fn refer(&self, references: &[Reference]) -> io::Result<()> {
        for Reference { descriptor, tag } in references {
            let descriptor = kept(descriptor);
            if tag.is_some() {
                let received = self.list_release(&descriptor).map_err(io::Error::other)?;
                *self.received.lock().unwrap_or_else(PoisonError::into_inner) = Some(received);
            } else {
                self.list_attached(&descriptor).map_err(io::Error::other)?;
            }
        }
        let batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner).take();
        batch.map_or(Ok(()), |batch| batch.commit().map_err(io::Error::other))
    }
}

fn size_of(path: &Path) -> io::Result<Option<u64>> {
    match path.metadata() {
        Ok(found) => Ok(found.is_file().then_some(found.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A descriptor as registries have it.
fn moved(kept: &oci::Descriptor) -> Descriptor {
    Descriptor {
        media_type: kept.media_type.clone(),
        digest: kept.digest,
        size: kept.size,
        artifact_type: kept.artifact_type.clone(),
        annotations: kept.annotations.clone(),
    }
}

/// A descriptor as layouts have it: what a registry says beside the content is read from the content itself.
fn kept(moved: &Descriptor) -> oci::Descriptor {
    oci::Descriptor {
        media_type: moved.media_type.clone(),
        digest: moved.digest,
        size: moved.size,
        artifact_type: None,
        annotations: [].into(),
        platform: None,
        urls: None,
        data: None,
    }
}
