//! An OCI image layout in a folder (OCI image specification 1.1, `image-layout.md`), as far as pushing and pulling need one. Owns how it
//! lies on disk: `oci-layout`, `index.json`, `blobs/sha256/`. Referrers are listed in `index.json` without a tag, as `oras` does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;
use terrace_domain::digest::Digest;

use crate::blobs::{Blobs, Reference};
use crate::content::{Descriptor, DescriptorWire, INDEX_TYPE, Links, MANIFEST_BYTES_MAX};

/// The annotation that holds a tag (`annotations.md`).
const TAG_ANNOTATION: &str = "org.opencontainers.image.ref.name";
const MARKER: &str = "oci-layout";
const MARKER_CONTENT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
const INDEX: &str = "index.json";
const BLOBS: &str = "blobs/sha256";
/// The largest `index.json` in bytes: a million references.
const INDEX_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// A layout.
#[derive(Debug, Clone)]
pub struct ImageLayout {
    root: PathBuf,
}

impl ImageLayout {
    /// The layout in this folder.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        if !root.join(MARKER).is_file() {
            let why = format!("{} is no OCI image layout: it has no file `{MARKER}`", root.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, why));
        }
        Ok(Self { root })
    }

    /// The layout in this folder, made where there is none.
    pub fn open_or_create(root: impl Into<PathBuf>) -> io::Result<Self> {
        let layout = Self { root: root.into() };
        fs::create_dir_all(layout.root.join(BLOBS))?;
        if !layout.root.join(INDEX).exists() {
            layout.replace(INDEX, index_of(&[]).to_string().as_bytes())?;
        }
        if !layout.root.join(MARKER).exists() {
            layout.replace(MARKER, MARKER_CONTENT)?;
        }
        Ok(layout)
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn blob(&self, digest: &Digest) -> PathBuf {
        self.root.join(BLOBS).join(digest.hex())
    }

    /// Writes a file whole or not at all.
    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.collect()?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(self.root.join(name))?;
        Ok(())
    }

    /// The entries of `index.json`, as they are.
    fn entries(&self) -> io::Result<Vec<Value>> {
        let mut text = Vec::new();
        File::open(self.root.join(INDEX))?.take(INDEX_BYTES_MAX).read_to_end(&mut text)?;
        let mut index: Value = serde_json::from_slice(&text).map_err(|error| damaged(INDEX, &error.to_string()))?;
        match index["manifests"].take() {
            Value::Array(entries) => Ok(entries),
            _ => Err(damaged(INDEX, "it has no list `manifests`")),
        }
    }

    fn manifest(&self, descriptor: &Descriptor) -> io::Result<Links> {
        let mut bytes = Vec::new();
        self.open_blob(&descriptor.digest)?.take(MANIFEST_BYTES_MAX).read_to_end(&mut bytes)?;
        let what = descriptor.in_words();
        Links::read(&what, &bytes).map_err(|error| damaged(&what, &error.to_string()))
    }

    fn open_blob(&self, digest: &Digest) -> io::Result<File> {
        File::open(self.blob(digest))
    }
}

impl Blobs for ImageLayout {
    fn size(&self, digest: &Digest) -> io::Result<Option<u64>> {
        match fs::metadata(self.blob(digest)) {
            Ok(metadata) if metadata.is_file() => Ok(Some(metadata.len())),
            Ok(_) => Err(damaged(&digest.to_string(), "it is not a file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn open(&self, digest: &Digest) -> io::Result<File> {
        self.open_blob(digest)
    }

    fn collect(&self) -> io::Result<NamedTempFile> {
        tempfile::Builder::new().prefix(".collecting-").tempfile_in(&self.root)
    }

    fn keep(&self, digest: &Digest, collected: NamedTempFile) -> io::Result<()> {
        collected.as_file().sync_all()?;
        collected.persist(self.blob(digest))?;
        Ok(())
    }

    fn resolve(&self, tag: &str) -> io::Result<Option<Descriptor>> {
        let entries = self.entries()?;
        let tagged = entries.into_iter().find(|entry| entry["annotations"][TAG_ANNOTATION] == tag);
        tagged.map(read_entry).transpose()
    }

    fn referrers(&self, subjects: &BTreeSet<Digest>) -> io::Result<Vec<(Digest, Descriptor)>> {
        let mut found: BTreeMap<Digest, (Digest, Descriptor)> = BTreeMap::new();
        for entry in self.entries()? {
            let descriptor = read_entry(entry)?;
            if !descriptor.is_manifest() || self.size(&descriptor.digest)?.is_none() {
                continue;
            }
            if let Some(subject) = self.manifest(&descriptor)?.subject.filter(|subject| subjects.contains(subject)) {
                found.insert(descriptor.digest, (subject, descriptor));
            }
        }
        Ok(found.into_values().collect())
    }

    fn refer(&self, references: &[Reference]) -> io::Result<()> {
        let mut entries = self.entries()?;
        for Reference { descriptor, tag } in references {
            let same = |entry: &Value| match tag {
                Some(tag) => entry["annotations"][TAG_ANNOTATION] == *tag,
                None => entry["digest"] == descriptor.digest.to_string(),
            };
            // A referrer that is listed already stays as it is; a tag moves.
            if tag.is_some() {
                entries.retain(|entry| !same(entry));
            } else if entries.iter().any(same) {
                continue;
            }
            entries.push(entry_of(descriptor, tag.as_deref()));
        }
        self.replace(INDEX, index_of(&entries).to_string().as_bytes())
    }
}

fn index_of(entries: &[Value]) -> Value {
    json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries })
}

fn entry_of(descriptor: &Descriptor, tag: Option<&str>) -> Value {
    let mut entry = serde_json::to_value(DescriptorWire::of(descriptor)).expect("texts and numbers become JSON");
    if let Some(tag) = tag {
        let mut annotations: Map<String, Value> = entry["annotations"].as_object().cloned().unwrap_or_default();
        annotations.insert(TAG_ANNOTATION.to_owned(), tag.into());
        entry["annotations"] = annotations.into();
    }
    entry
}

fn read_entry(entry: Value) -> io::Result<Descriptor> {
    let wire: DescriptorWire = serde_json::from_value(entry).map_err(|error| damaged(INDEX, &error.to_string()))?;
    let mut descriptor = wire.read(INDEX).map_err(|error| damaged(INDEX, &error.to_string()))?;
    descriptor.annotations.remove(TAG_ANNOTATION);
    Ok(descriptor)
}

fn damaged(what: &str, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} is damaged: {why}"))
}
