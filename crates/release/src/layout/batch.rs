//! One writing: blobs first, each whole before it has its name, then all of them to the disk, then they are listed once. Whoever is killed in
//! between leaves blobs that nothing refers to.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Mutex;

use tempfile::{NamedTempFile, TempDir};
use terrace_domain::release::Digest;

use super::files::{failed, new_file, sync};
use super::{
    BLOBS_FOLDER, Descriptor, INGEST_FOLDER, Layout, LayoutError, MANIFEST_MEDIA_TYPE, Manifest, REFERS_TO_ANNOTATION,
    TAG_ANNOTATION, check_tag, pending,
};

/// The file in a batch's folder that is locked for as long as its process lives.
const ALIVE_FILE: &str = "alive";

/// A writing that has begun. Blobs may be written from many threads; dropping it without [`Batch::commit`] lists nothing.
#[derive(Debug)]
pub struct Batch<'l> {
    layout: &'l Layout,
    ingest: TempDir,
    _alive: File,
    written: Mutex<Vec<PathBuf>>,
    listed: Vec<Descriptor>,
}

impl<'l> Batch<'l> {
    pub(super) fn begin(layout: &'l Layout) -> Result<Self, LayoutError> {
        let folder = layout.folder.join(INGEST_FOLDER);
        fs::create_dir_all(&folder).map_err(failed("make", &folder))?;
        // Under the lock, so that nobody takes a folder for left behind before it is locked.
        let _lock = layout.lock()?;
        remove_left_behind(&folder).map_err(failed("clean", &folder))?;
        let ingest = tempfile::Builder::new().tempdir_in(&folder).map_err(failed("write to", &folder))?;
        let alive = File::create(ingest.path().join(ALIVE_FILE)).and_then(|file| file.lock().map(|()| file));
        let alive = alive.map_err(failed("lock", ingest.path()))?;
        Ok(Self { layout, ingest, _alive: alive, written: Mutex::default(), listed: Vec::new() })
    }

    /// Writes a blob. One that is there with the same content is left; a damaged one is replaced.
    pub fn write(&self, media_type: &str, bytes: &[u8]) -> Result<Descriptor, LayoutError> {
        let descriptor = Descriptor::of(media_type, bytes);
        let path = self.layout.blob_path(&descriptor.digest);
        if self.layout.has(&descriptor) && fs::read(&path).is_ok_and(|found| found == bytes) {
            return Ok(descriptor);
        }
        let mut file = self.collect()?;
        file.write_all(bytes).map_err(failed("write", &path))?;
        self.keep(&descriptor.digest, file)?;
        Ok(descriptor)
    }

    /// An empty file on the same disk, in which a blob is collected piece by piece. It goes when it is dropped.
    pub fn collect(&self) -> Result<NamedTempFile, LayoutError> {
        new_file(self.ingest.path()).map_err(failed("write to", self.ingest.path()))
    }

    /// Gives a collected blob its name; that its content is what the digest says was checked. A damaged one of that name is replaced.
    pub fn keep(&self, digest: &Digest, collected: NamedTempFile) -> Result<(), LayoutError> {
        let path = self.layout.blob_path(digest);
        collected.persist(&path).map_err(|error| failed("write", &path)(error.error))?;
        self.written.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(path);
        Ok(())
    }

    /// Names a manifest or an index; the name is taken from what had it before, which stays listed.
    pub fn tag(&mut self, name: &str, descriptor: Descriptor) -> Result<(), LayoutError> {
        check_tag(name)?;
        self.check_is_there(&descriptor)?;
        self.listed.push(descriptor.with(TAG_ANNOTATION, name));
        Ok(())
    }

    /// Writes a manifest that refers to another one by its `subject`, and lists it. Its config and layers must have been written.
    pub fn attach(&mut self, manifest: &[u8]) -> Result<Descriptor, LayoutError> {
        let read = Manifest::read(manifest, "the referrer's manifest")?;
        let subject = read.subject.as_ref().ok_or(LayoutError::NoSubject)?.digest;
        for part in std::iter::once(&read.config).chain(&read.layers) {
            self.check_is_there(part)?;
        }
        let mut descriptor = self.write(MANIFEST_MEDIA_TYPE, manifest)?.with_type(read.kind());
        // As a registry's referrers API does (OCI distribution specification, "Listing Referrers").
        descriptor.annotations = read.annotations;
        self.refer(descriptor, &subject)
    }

    /// Lists what is there already and refers to this subject. What its own annotations call it is no name here: names are given by who
    /// works with the layout, not by what comes into it.
    pub fn refer(&mut self, mut descriptor: Descriptor, subject: &Digest) -> Result<Descriptor, LayoutError> {
        self.check_is_there(&descriptor)?;
        descriptor.annotations.remove(TAG_ANNOTATION);
        let descriptor = descriptor.with(REFERS_TO_ANNOTATION, subject.to_string());
        self.listed.push(descriptor.clone());
        Ok(descriptor)
    }

    fn check_is_there(&self, descriptor: &Descriptor) -> Result<(), LayoutError> {
        if self.layout.has(descriptor) { Ok(()) } else { Err(LayoutError::NotWritten(descriptor.to_string())) }
    }

    /// Brings all of it to the disk, then lists what was named and attached.
    pub fn commit(mut self) -> Result<(), LayoutError> {
        self.sync()?;
        if self.listed.is_empty() {
            return Ok(());
        }
        let lock = self.layout.lock()?;
        pending::list_with(self.layout, &lock, std::mem::take(&mut self.listed))
    }

    /// The same, for who attaches to thousands one by one: what was attached is listed beside `index.json`, and other tools see it after
    /// [`Layout::settle`] or the next [`Batch::commit`]. Names are listed as ever.
    pub fn commit_beside(mut self) -> Result<(), LayoutError> {
        self.sync()?;
        let listed = std::mem::take(&mut self.listed);
        let lock = self.layout.lock()?;
        if listed.iter().all(pending::may_wait) {
            return pending::add(self.layout, lock, &listed);
        }
        pending::list_with(self.layout, &lock, listed)
    }

    fn sync(&self) -> Result<(), LayoutError> {
        let written = self.written.lock().map(|mut written| std::mem::take(&mut *written)).unwrap_or_default();
        sync(&self.layout.folder.join(BLOBS_FOLDER), &written)
    }
}

/// Removes the folders of batches whose process is gone.
fn remove_left_behind(ingest: &std::path::Path) -> io::Result<()> {
    for entry in ingest.read_dir()? {
        let folder = entry?.path();
        let is_alive = match File::open(folder.join(ALIVE_FILE)) {
            Ok(file) => file.try_lock().is_err(),
            // Killed before it had the file: the lock on the layout says that nobody is just making it.
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        };
        if !is_alive {
            match fs::remove_dir_all(&folder) {
                // It was just ending.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
    }
    Ok(())
}
