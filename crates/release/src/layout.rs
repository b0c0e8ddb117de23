//! An OCI image layout on disk (OCI image specification 1.1, "OCI Image Layout"): `oci-layout`, `index.json`, `blobs/sha256/HEX`. Owns
//! the folder: blobs are whole or not there, `index.json` is replaced at once and under a lock, and names nothing that is not on disk. New
//! referrers wait beside it (`pending`), so that listing one does not cost as much as all.
//! Knows nothing of what the blobs say, save for the subjects of referrers.

mod batch;
mod error;
mod files;
mod pending;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use terrace_domain::release::Digest;

use crate::oci::{self, Descriptor, INDEX_MEDIA_TYPE, Index, MANIFEST_MEDIA_TYPE, Manifest};
use files::{failed, is_missing, replace};

pub use batch::Batch;
pub use error::LayoutError;

/// The annotation that names an entry of `index.json` (OCI image specification, "Annotations").
pub const TAG_ANNOTATION: &str = "org.opencontainers.image.ref.name";
/// The annotation by which an entry of `index.json` says what it refers to, so that referrers are found without reading them.
pub const REFERS_TO_ANNOTATION: &str = "dev.terrace.refers-to";

/// The most bytes that are read of a manifest or an index: four times what registries take.
pub const MANIFEST_BYTES_MAX: u64 = 16 << 20;
/// The most bytes that are read of `index.json`: it lists every attestation, some three for each of 10,000 stacks and more.
pub const INDEX_BYTES_MAX: u64 = 256 << 20;
/// The most bytes that are read of any other blob, which is held in memory: twice the largest file of a tree.
pub const BLOB_BYTES_MAX: u64 = 1 << 30;
/// The fewest digits that name a blob: fewer meet by chance.
pub const PREFIX_LENGTH_MIN: usize = 4;
/// The longest tag (OCI distribution specification, "Pulling manifests").
const TAG_LENGTH_MAX: usize = 128;

const LAYOUT_FILE: &str = "oci-layout";
const LAYOUT_VERSION: &str = "1.0.0";
const INDEX_FILE: &str = "index.json";
const BLOBS_FOLDER: &str = "blobs/sha256";
/// Where blobs are written before they are whole.
const INGEST_FOLDER: &str = "ingest";
/// The file that is locked while `index.json` is replaced.
const LOCK_FILE: &str = "terrace.lock";

/// A layout.
#[derive(Debug, Clone)]
pub struct Layout {
    folder: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LayoutFile {
    image_layout_version: String,
}

impl Layout {
    /// Opens a layout, which must be there.
    pub fn open(folder: &Path) -> Result<Self, LayoutError> {
        let layout = Self { folder: folder.to_owned() };
        let path = folder.join(LAYOUT_FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if is_missing(&error) => return Err(layout.not_a_layout(format!("it has no `{LAYOUT_FILE}`"))),
            Err(error) => return Err(failed("read", &path)(error)),
        };
        match serde_json::from_slice::<LayoutFile>(&bytes) {
            Ok(file) if file.image_layout_version == LAYOUT_VERSION => Ok(layout),
            Ok(file) => {
                let version = file.image_layout_version;
                Err(layout.not_a_layout(format!("it has the version `{version}`, not {LAYOUT_VERSION}")))
            }
            Err(error) => Err(layout.not_a_layout(format!("its `{LAYOUT_FILE}` cannot be read: {error}"))),
        }
    }

    /// Opens a layout, and makes it where there is nothing yet.
    pub fn open_or_create(folder: &Path) -> Result<Self, LayoutError> {
        if folder.join(LAYOUT_FILE).exists() {
            return Self::open(folder);
        }
        let layout = Self { folder: folder.to_owned() };
        layout.check_is_free()?;
        for part in [BLOBS_FOLDER, INGEST_FOLDER] {
            let path = folder.join(part);
            fs::create_dir_all(&path).map_err(failed("make", &path))?;
        }
        let _lock = layout.lock()?;
        // Another process may have been quicker; `oci-layout` comes last and says that all is there.
        if !folder.join(LAYOUT_FILE).exists() {
            replace(folder, INDEX_FILE, &Index::empty().to_bytes())?;
            replace(folder, LAYOUT_FILE, format!("{{\"imageLayoutVersion\":\"{LAYOUT_VERSION}\"}}").as_bytes())?;
        }
        Ok(layout)
    }

    /// A folder is taken over only if there is nothing in it but what making a layout leaves when it is killed.
    fn check_is_free(&self) -> Result<(), LayoutError> {
        let entries = match self.folder.read_dir() {
            Ok(entries) => entries,
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) => return Err(failed("list", &self.folder)(error)),
        };
        for entry in entries {
            let name = entry.map_err(failed("list", &self.folder))?.file_name();
            let is_ours = name.to_str().is_some_and(|name| {
                matches!(name, "blobs" | INGEST_FOLDER | LOCK_FILE | INDEX_FILE | LAYOUT_FILE)
                    || name.starts_with(files::NEW_PREFIX)
            });
            if !is_ours {
                let reason = format!("it has no `{LAYOUT_FILE}`, and `{}` is in it", name.display());
                return Err(self.not_a_layout(reason));
            }
        }
        Ok(())
    }

    fn not_a_layout(&self, reason: String) -> LayoutError {
        LayoutError::NotALayout { folder: self.folder.clone(), reason }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the layout lists: tagged manifests and indexes, and referrers.
    pub fn index(&self) -> Result<Index, LayoutError> {
        // In this order: what moves meanwhile is seen twice, and not never.
        let waiting = pending::read(self)?;
        let mut index = self.listed()?;
        pending::merge(&mut index.manifests, waiting);
        Ok(index)
    }

    /// What `index.json` lists.
    fn listed(&self) -> Result<Index, LayoutError> {
        let path = self.folder.join(INDEX_FILE);
        let what = path.display().to_string();
        let size = path.metadata().map_err(failed("read", &path))?.len();
        if size > INDEX_BYTES_MAX {
            return Err(LayoutError::TooLarge { what, size, max: INDEX_BYTES_MAX });
        }
        let bytes = fs::read(&path).map_err(failed("read", &path))?;
        Ok(Index::read(&bytes, &what)?)
    }

    /// Reads a blob and checks its size and digest.
    pub fn read(&self, descriptor: &Descriptor) -> Result<Vec<u8>, LayoutError> {
        let (what, digest, expected) = (descriptor.what(), descriptor.digest, descriptor.size);
        let bytes = self.read_file(&digest, &what, bytes_max(&descriptor.media_type), Some(expected))?;
        check_content(&bytes, &digest, what)?;
        Ok(bytes)
    }

    /// Reads a blob of which nothing but the digest is known, and checks that.
    pub fn read_blob(&self, digest: &Digest) -> Result<Vec<u8>, LayoutError> {
        let what = "a blob".to_owned();
        let bytes = self.read_file(digest, &what, BLOB_BYTES_MAX, None)?;
        check_content(&bytes, digest, what)?;
        Ok(bytes)
    }

    fn read_file(&self, digest: &Digest, what: &str, max: u64, expected: Option<u64>) -> Result<Vec<u8>, LayoutError> {
        let path = self.blob_path(digest);
        let mut file = File::open(&path).map_err(|error| {
            if is_missing(&error) {
                LayoutError::Missing { what: what.to_owned(), digest: *digest }
            } else {
                failed("read", &path)(error)
            }
        })?;
        let found = file.metadata().map_err(failed("read", &path))?.len();
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            return Err(LayoutError::Size { what: what.to_owned(), digest: *digest, expected, found });
        }
        if found > max {
            return Err(LayoutError::TooLarge { what: format!("{what} {digest}"), size: found, max });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(found).unwrap_or_default());
        (&mut file).take(max).read_to_end(&mut bytes).map_err(failed("read", &path))?;
        Ok(bytes)
    }

    /// Whether a blob is there and has the right size; its content is not looked at.
    pub fn has(&self, descriptor: &Descriptor) -> bool {
        self.blob_path(&descriptor.digest)
            .metadata()
            .is_ok_and(|found| found.is_file() && found.len() == descriptor.size)
    }

    /// Where a blob is.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(BLOBS_FOLDER).join(digest.hex())
    }

    /// Begins to write: many blobs, then one replacement of `index.json`.
    pub fn begin(&self) -> Result<Batch<'_>, LayoutError> {
        Batch::begin(self)
    }

    /// Writes one blob. Nothing refers to it yet.
    pub fn write_blob(&self, media_type: &str, bytes: &[u8]) -> Result<Descriptor, LayoutError> {
        let batch = self.begin()?;
        let descriptor = batch.write(media_type, bytes)?;
        batch.commit()?;
        Ok(descriptor)
    }

    /// Names a manifest or an index that is in the layout; the name is taken from what had it before.
    pub fn tag(&self, name: &str, descriptor: &Descriptor) -> Result<(), LayoutError> {
        let mut batch = self.begin()?;
        batch.tag(name, descriptor.clone())?;
        batch.commit()
    }

    /// Adds a manifest that refers to another one by its `subject`, beside `index.json`. Its config and layers must have been written.
    pub fn attach(&self, manifest: &[u8]) -> Result<Descriptor, LayoutError> {
        let mut batch = self.begin()?;
        let descriptor = batch.attach(manifest)?;
        batch.commit_beside()?;
        Ok(descriptor)
    }

    /// Brings into `index.json` what is listed beside it, for other tools to see.
    pub fn settle(&self) -> Result<(), LayoutError> {
        if !self.folder.join(pending::FILE).exists() {
            return Ok(());
        }
        let lock = self.lock()?;
        pending::list_with(self, &lock, Vec::new())
    }

    /// What has a name.
    pub fn tags(&self) -> Result<BTreeMap<String, Descriptor>, LayoutError> {
        let tagged = self.index()?.manifests.into_iter();
        Ok(tagged.filter_map(|entry| Some((entry.annotation(TAG_ANNOTATION)?.to_owned(), entry))).collect())
    }

    /// The entry of `index.json` that a text names: a tag, a digest, or the beginning (four characters at least) of the digest or of the tag of
    /// exactly one entry that is no referrer.
    pub fn resolve(&self, text: &str) -> Result<Descriptor, LayoutError> {
        let entries = self.index()?.manifests;
        let is_named = |entry: &&Descriptor| entry.annotation(TAG_ANNOTATION) == Some(text);
        if let Some(entry) = entries.iter().find(is_named) {
            return Ok(entry.clone());
        }
        if let Ok(digest) = text.parse::<Digest>()
            && let Some(entry) = entries.iter().find(|entry| entry.digest == digest)
        {
            return Ok(entry.clone());
        }
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        let begins = |entry: &&Descriptor| {
            let tag = entry.annotation(TAG_ANNOTATION).is_some_and(|tag| tag.starts_with(text));
            entry.annotation(REFERS_TO_ANNOTATION).is_none() && (tag || entry.digest.hex().starts_with(digits))
        };
        let mut found: Vec<&Descriptor> =
            if digits.len() < PREFIX_LENGTH_MIN { Vec::new() } else { entries.iter().filter(begins).collect() };
        found.sort_by_key(|entry| entry.digest);
        found.dedup_by_key(|entry| entry.digest);
        match found[..] {
            [] => Err(LayoutError::Unknown { reference: text.to_owned() }),
            [only] => Ok(only.clone()),
            _ => {
                let candidates = found.iter().map(|entry| entry.digest).collect();
                Err(LayoutError::Ambiguous { reference: text.to_owned(), candidates })
            }
        }
    }

    /// The referrers of a manifest or an index, of one artifact type or of any, in the order in which they came.
    pub fn referrers(&self, subject: &Digest, artifact_type: Option<&str>) -> Result<Vec<Descriptor>, LayoutError> {
        let mut all = self.all_referrers()?;
        let mut found = all.remove(subject).unwrap_or_default();
        found.retain(|entry| artifact_type.is_none_or(|wanted| entry.artifact_type.as_deref() == Some(wanted)));
        Ok(found)
    }

    /// All referrers, by what they refer to: for who asks about many.
    pub fn all_referrers(&self) -> Result<BTreeMap<Digest, Vec<Descriptor>>, LayoutError> {
        let mut all: BTreeMap<Digest, Vec<Descriptor>> = BTreeMap::new();
        for entry in self.index()?.manifests {
            if let Some(subject) = self.subject_of(&entry) {
                all.entry(subject).or_default().push(entry);
            }
        }
        Ok(all)
    }

    /// What an entry refers to. Other tools do not note it in `index.json`: then its manifest is read, and one that cannot be read refers to
    /// nothing.
    fn subject_of(&self, entry: &Descriptor) -> Option<Digest> {
        if let Some(noted) = entry.annotation(REFERS_TO_ANNOTATION) {
            return noted.parse().ok();
        }
        if entry.media_type != MANIFEST_MEDIA_TYPE || entry.annotation(TAG_ANNOTATION).is_some() {
            return None;
        }
        let bytes = self.read(entry).ok()?;
        Some(Manifest::read(&bytes, "a manifest").ok()?.subject?.digest)
    }

    /// Waits until no other process replaces `index.json`. Dropping the file lets go, and so does the end of the process.
    fn lock(&self) -> Result<File, LayoutError> {
        let path = self.folder.join(LOCK_FILE);
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(failed("open", &path))?;
        file.lock().map_err(failed("lock", &path))?;
        Ok(file)
    }

    /// Appends lines to a file of Terrace's own in the layout, of which a reader must stand half a line at its end.
    pub(crate) fn append(&self, name: &str, lines: &str) -> Result<(), LayoutError> {
        use std::io::Write;
        let path = self.folder.join(name);
        let _lock = self.lock()?;
        let file = OpenOptions::new().create(true).append(true).open(&path);
        // A line that a killed process left unfinished ends here.
        file.and_then(|mut file| file.write_all(format!("\n{lines}").as_bytes())).map_err(failed("write", &path))
    }
}

fn bytes_max(media_type: &str) -> u64 {
    match media_type {
        MANIFEST_MEDIA_TYPE | INDEX_MEDIA_TYPE => MANIFEST_BYTES_MAX,
        _ => BLOB_BYTES_MAX,
    }
}

fn check_content(bytes: &[u8], digest: &Digest, what: String) -> Result<(), LayoutError> {
    let found = oci::digest_of(bytes);
    if found == *digest { Ok(()) } else { Err(LayoutError::Content { what, digest: *digest, found }) }
}

fn check_tag(name: &str) -> Result<(), LayoutError> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if begins && name.len() <= TAG_LENGTH_MAX && name.chars().all(is_allowed) {
        return Ok(());
    }
    Err(LayoutError::Tag(name.to_owned()))
}
