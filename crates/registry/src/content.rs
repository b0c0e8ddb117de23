//! What is moved: descriptors, and what manifests and indexes point to (OCI image specification 1.1, `descriptor.md`, `manifest.md`,
//! `image-index.md`). Reads them; never writes one anew, since their bytes are their name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use terrace_domain::digest::Digest;

use crate::error::RegistryError;

/// The largest manifest or index in bytes: registries need not accept more (distribution specification, "Pushing Manifests").
pub const MANIFEST_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The largest blob in bytes. Releases are code: even with vendored modules they have a few million.
pub const BLOB_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// The most manifests of one release, its evidence with it: ten thousand stacks with ten pieces of evidence each.
pub(crate) const MANIFESTS_MAX: usize = 110_000;
/// The most of an index's entries, or a manifest's layers.
const ENTRIES_MAX: usize = 20_000;

pub(crate) const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// What is taken for a manifest; everything else is a blob. The last two are Docker's, which registries still keep.
pub(crate) const MANIFEST_TYPES: [&str; 4] = [
    INDEX_TYPE,
    MANIFEST_TYPE,
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// What points to a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// What it is.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What kind of artifact it is, where its manifest says so.
    pub artifact_type: Option<String>,
    /// What else is said of it.
    pub annotations: BTreeMap<String, String>,
}

/// A descriptor as JSON. Fields that Terrace does not use are passed over: it never writes a descriptor of others anew.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescriptorWire {
    pub(crate) media_type: String,
    pub(crate) digest: String,
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) annotations: Option<BTreeMap<String, String>>,
}

/// What a manifest or an index points to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Links {
    /// Manifests below it.
    pub(crate) manifests: Vec<Descriptor>,
    /// Its config and layers.
    pub(crate) blobs: Vec<Descriptor>,
    /// What it is attached to.
    pub(crate) subject: Option<Digest>,
    /// What it says that it is: its `artifactType`, or its config's media type (distribution specification, "Listing Referrers").
    pub(crate) artifact_type: Option<String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) media_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManifestWire {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    config: Option<DescriptorWire>,
    #[serde(default)]
    layers: Option<Vec<DescriptorWire>>,
    #[serde(default)]
    manifests: Option<Vec<DescriptorWire>>,
    #[serde(default)]
    subject: Option<DescriptorWire>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

impl Descriptor {
    /// Whether it points to a manifest or an index.
    pub(crate) fn is_manifest(&self) -> bool {
        MANIFEST_TYPES.contains(&self.media_type.as_str())
    }

    /// The content in words.
    pub(crate) fn in_words(&self) -> String {
        format!("{} {}", if self.is_manifest() { "manifest" } else { "blob" }, self.digest.short())
    }

    pub(crate) fn limit(&self) -> u64 {
        if self.is_manifest() { MANIFEST_BYTES_MAX } else { BLOB_BYTES_MAX }
    }

    pub(crate) fn check_size(&self) -> Result<(), RegistryError> {
        if self.size <= self.limit() {
            return Ok(());
        }
        Err(RegistryError::TooLarge { what: self.in_words(), size: self.size, limit: self.limit() })
    }

    /// Whether these are the bytes.
    pub(crate) fn check_bytes(&self, bytes: &[u8]) -> Result<(), RegistryError> {
        let what = self.in_words();
        if bytes.len() as u64 != self.size {
            return Err(RegistryError::WrongSize { what, expected: self.size, found: bytes.len() as u64 });
        }
        let found = Digest::of(bytes);
        if found != self.digest {
            return Err(RegistryError::WrongDigest { what, expected: self.digest, found });
        }
        Ok(())
    }
}

impl DescriptorWire {
    pub(crate) fn of(descriptor: &Descriptor) -> Self {
        let annotations = &descriptor.annotations;
        Self {
            media_type: descriptor.media_type.clone(),
            digest: descriptor.digest.to_string(),
            size: descriptor.size,
            artifact_type: descriptor.artifact_type.clone(),
            annotations: (!annotations.is_empty()).then(|| annotations.clone()),
        }
    }

    pub(crate) fn read(self, what: &str) -> Result<Descriptor, RegistryError> {
        let digest = self
            .digest
            .parse()
            .map_err(|error| RegistryError::Manifest { what: what.to_owned(), why: format!("{error}") })?;
        Ok(Descriptor {
            media_type: self.media_type,
            digest,
            size: self.size,
            artifact_type: self.artifact_type,
            annotations: self.annotations.unwrap_or_default(),
        })
    }
}

impl Links {
    /// Reads what a manifest or an index points to.
    pub(crate) fn read(what: &str, bytes: &[u8]) -> Result<Self, RegistryError> {
        let wrong = |why: String| RegistryError::Manifest { what: what.to_owned(), why };
        let wire: ManifestWire = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if wire.schema_version != 2 {
            return Err(wrong(format!("its schema version is {}, not 2", wire.schema_version)));
        }
        let artifact_type = wire.artifact_type.or_else(|| wire.config.as_ref().map(|config| config.media_type.clone()));
        let layers = wire.layers.unwrap_or_default();
        let manifests = wire.manifests.unwrap_or_default();
        if layers.len().max(manifests.len()) > ENTRIES_MAX {
            return Err(RegistryError::TooMany { what: what.to_owned(), things: "entries", limit: ENTRIES_MAX });
        }
        let read = |wires: Vec<DescriptorWire>| wires.into_iter().map(|wire| wire.read(what)).collect::<Result<_, _>>();
        let entries: Vec<Descriptor> = read(manifests)?;
        let (manifests, others) = entries.into_iter().partition(Descriptor::is_manifest);
        let mut blobs: Vec<Descriptor> = others;
        blobs.extend(read(wire.config.into_iter().chain(layers).collect())?);
        let subject = wire.subject.map(|subject| subject.read(what)).transpose()?.map(|subject| subject.digest);
        for descriptor in Iterator::chain(manifests.iter(), &blobs) {
            descriptor.check_size()?;
        }
        let annotations = wire.annotations.unwrap_or_default();
        Ok(Self { manifests, blobs, subject, artifact_type, annotations, media_type: wire.media_type })
    }
}
