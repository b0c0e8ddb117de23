//! The documents of the OCI image specification 1.1 that Terrace reads and writes. Owns their form: maps are ordered, so that the same
//! value is always the same bytes (the maps of `oci-spec` are not; its reader checks these in tests). Never touches a disk.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::Digest as _;
use terrace_domain::release::Digest;

use crate::{
    CONTRACT_MEDIA_TYPE, ESTATE_MEDIA_TYPE, ESTATE_RELEASE_TYPE, ESTATE_TYPE, LAYER_MEDIA_TYPE, RELEASE_TYPE,
    STACK_ANNOTATION,
};

/// The media type of manifests.
pub const MANIFEST_MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of indexes.
pub const INDEX_MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// The version of both documents.
const SCHEMA_VERSION: u32 = 2;

/// A reference to a blob ("OCI Content Descriptors").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the blob is.
    pub media_type: String,
    /// Its digest.
    #[serde(with = "digest_text")]
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Of a manifest or an index: what it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Further facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What other tools may write and Terrace keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<serde_json::Value>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urls: Option<serde_json::Value>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}

/// A manifest ("OCI Image Manifest Specification").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    schema_version: u32,
    /// [`MANIFEST_MEDIA_TYPE`].
    #[serde(default)]
    pub media_type: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Its configuration.
    pub config: Descriptor,
    /// Its contents.
    pub layers: Vec<Descriptor>,
    /// The manifest that it says something about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Further facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// An index ("OCI Image Index Specification"), which is also the form of a layout's `index.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    schema_version: u32,
    /// [`INDEX_MEDIA_TYPE`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// What it lists.
    pub manifests: Vec<Descriptor>,
    /// The manifest that it says something about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Further facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A document is not what it is taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It cannot be read at all.
    #[error("{what} cannot be read: {reason}")]
    Unreadable {
        /// The document.
        what: String,
        /// Why, in the reader's words.
        reason: String,
    },
    /// It is of another type.
    #[error("{what} is of the type `{found}`, which is not known here: expected is `{expected}`")]
    Type {
        /// The document.
        what: String,
        /// Its type.
        found: String,
        /// The one that is read.
        expected: String,
    },
    /// It says something that cannot be.
    #[error("{what} is wrong: {reason}")]
    Wrong {
        /// The document.
        what: String,
        /// A lowercase fragment.
        reason: String,
    },
}

impl FormatError {
    /// It says something that cannot be.
    pub fn wrong(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Wrong { what: what.into(), reason: reason.into() }
    }

    /// Checks a type.
    pub fn expect_type(what: &str, found: Option<&str>, expected: &str) -> Result<(), Self> {
        let found = found.unwrap_or("none");
        if found == expected {
            return Ok(());
        }
        Err(Self::Type { what: what.to_owned(), found: found.to_owned(), expected: expected.to_owned() })
    }
}

impl Descriptor {
    /// A descriptor of these bytes.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: digest_of(bytes),
            size: bytes.len() as u64,
            artifact_type: None,
            annotations: BTreeMap::new(),
            platform: None,
            urls: None,
            data: None,
        }
    }

    /// The same with an artifact type.
    #[must_use]
    pub fn with_type(mut self, artifact_type: &str) -> Self {
        self.artifact_type = Some(artifact_type.to_owned());
        self
    }

    /// The same with an annotation more (or replaced).
    #[must_use]
    pub fn with(mut self, annotation: &str, value: impl Into<String>) -> Self {
        self.annotations.insert(annotation.to_owned(), value.into());
        self
    }

    /// An annotation.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.get(name).map(String::as_str)
    }

    /// What the blob is, for people: `the manifest of the stack a`.
    pub fn what(&self) -> String {
        let kind = match (self.media_type.as_str(), self.artifact_type.as_deref()) {
            (_, Some(RELEASE_TYPE)) => "the manifest of a stack",
            (_, Some(ESTATE_TYPE)) => "the manifest of the estate's file",
            (_, Some(ESTATE_RELEASE_TYPE)) => "the index of an estate release",
            (CONTRACT_MEDIA_TYPE, _) => "a contract",
            (ESTATE_MEDIA_TYPE, _) => "the list of the estate's files",
            (LAYER_MEDIA_TYPE, _) => "a layer of files",
            (MANIFEST_MEDIA_TYPE, _) => "a manifest",
            (INDEX_MEDIA_TYPE, _) => "an index",
            (other, _) => return format!("a blob of the type `{other}`"),
        };
        match self.annotation(STACK_ANNOTATION) {
            Some(stack) => format!("{} `{stack}`", kind.replace("a stack", "the stack")),
            None => kind.to_owned(),
        }
    }
}

impl Manifest {
    /// A manifest of this type.
    pub fn new(artifact_type: &str, config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            media_type: Some(MANIFEST_MEDIA_TYPE.to_owned()),
            artifact_type: Some(artifact_type.to_owned()),
            config,
            layers,
            subject: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Reads a manifest; `what` names it in errors.
    pub fn read(bytes: &[u8], what: &str) -> Result<Self, FormatError> {
        let manifest: Self = from_json(bytes, what)?;
        check_version(manifest.schema_version, what)?;
        FormatError::expect_type(what, manifest.media_type.as_deref(), MANIFEST_MEDIA_TYPE)?;
        Ok(manifest)
    }

    /// What it is for: its artifact type, or else its configuration's media type ("Guidelines for Artifact Usage").
    pub fn kind(&self) -> &str {
        self.artifact_type.as_deref().unwrap_or(&self.config.media_type)
    }

    /// As it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        to_json(self)
    }
}

impl Index {
    /// An empty index, as a new layout has it.
    pub fn empty() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            media_type: Some(INDEX_MEDIA_TYPE.to_owned()),
            artifact_type: None,
            manifests: Vec::new(),
            subject: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Reads an index; `what` names it in errors.
    pub fn read(bytes: &[u8], what: &str) -> Result<Self, FormatError> {
        let index: Self = from_json(bytes, what)?;
        check_version(index.schema_version, what)?;
        // Some tools leave it out in `index.json`.
        if let Some(found) = &index.media_type {
            FormatError::expect_type(what, Some(found), INDEX_MEDIA_TYPE)?;
        }
        Ok(index)
    }

    /// As it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        to_json(self)
    }
}

fn check_version(found: u32, what: &str) -> Result<(), FormatError> {
    if found == SCHEMA_VERSION {
        return Ok(());
    }
    Err(FormatError::wrong(what, format!("its schemaVersion is {found}, not {SCHEMA_VERSION}")))
}

/// Reads JSON; `what` names the document in errors.
pub(crate) fn from_json<T: de::DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, FormatError> {
    serde_json::from_slice(bytes)
        .map_err(|error| FormatError::Unreadable { what: what.to_owned(), reason: error.to_string() })
}

/// Writes JSON: the fields in the order of their declaration, maps in the order of their keys, no spaces.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("documents have texts for keys, and become JSON")
}

/// The digest of these bytes.
pub fn digest_of(bytes: &[u8]) -> Digest {
    Digest(sha2::Sha256::digest(bytes).into())
}

pub(crate) mod digest_text {
    use super::{Deserialize, Deserializer, Digest, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(digest)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what(), self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_independent_reader_understands_what_is_written() {
        let config = Descriptor::of(CONTRACT_MEDIA_TYPE, b"{}");
        let layer = Descriptor::of(LAYER_MEDIA_TYPE, b"files").with("b", "2").with("a", "1");
        let mut manifest = Manifest::new(RELEASE_TYPE, config, vec![layer]);
        manifest.annotations.insert(STACK_ANNOTATION.to_owned(), "a".to_owned());
        let bytes = manifest.to_bytes();
        let read = oci_spec::image::ImageManifest::from_reader(&bytes[..]).unwrap();
        assert_eq!(read.artifact_type().as_ref().unwrap().to_string(), RELEASE_TYPE);
        assert_eq!(read.layers()[0].digest().to_string(), manifest.layers[0].digest.to_string());
        assert_eq!(Manifest::read(&bytes, "it").unwrap(), manifest);

        let mut index = Index::empty();
        index.manifests.push(Descriptor::of(MANIFEST_MEDIA_TYPE, &bytes).with_type(RELEASE_TYPE));
        let read = oci_spec::image::ImageIndex::from_reader(&index.to_bytes()[..]).unwrap();
        assert_eq!(read.manifests()[0].size(), bytes.len() as u64);
    }

    #[test]
    fn what_other_tools_wrote_is_kept() {
        let text = format!(
            r#"{{"mediaType":"x","digest":"{}","size":1,"platform":{{"os":"linux"}},"urls":["u"]}}"#,
            digest_of(b"x")
        );
        let descriptor: Descriptor = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&descriptor).unwrap(), text);
    }

    #[test]
    fn other_documents_are_refused_by_name() {
        let wrong = |text: &str| Manifest::read(text.as_bytes(), "the manifest of `a`").unwrap_err().to_string();
        assert!(wrong("{").starts_with("the manifest of `a` cannot be read: "));
        let blob = format!(r#"{{"mediaType":"x","digest":"{}","size":1}}"#, digest_of(b"x"));
        let text = |version: u32, kind: &str| {
            format!(r#"{{"schemaVersion":{version},"mediaType":"{kind}","config":{blob},"layers":[]}}"#)
        };
        assert_eq!(wrong(&text(1, MANIFEST_MEDIA_TYPE)), "the manifest of `a` is wrong: its schemaVersion is 1, not 2");
        assert!(wrong(&text(2, "application/x")).contains("is of the type `application/x`, which is not known here"));
    }
}
