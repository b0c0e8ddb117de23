//! The side of the disk: what a layout must be able to do. Owns no format.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;

use tempfile::NamedTempFile;
use terrace_domain::digest::Digest;

use crate::content::Descriptor;

/// A place with contents by digest and tags, such as an OCI image layout. Calls may come from several threads at once.
pub trait Blobs: Sync {
    /// A content's size in bytes; `None` where it is not there.
    fn size(&self, digest: &Digest) -> io::Result<Option<u64>>;

    /// Opens a content that is there.
    fn open(&self, digest: &Digest) -> io::Result<File>;

    /// An empty file on the same disk, in which a content is collected. It is removed when it is dropped.
    fn collect(&self) -> io::Result<NamedTempFile>;

    /// Takes a collected content in. Its digest was checked; nothing refers to it yet.
    fn keep(&self, digest: &Digest, collected: NamedTempFile) -> io::Result<()>;

    /// What a tag stands for.
    fn resolve(&self, tag: &str) -> io::Result<Option<Descriptor>>;

    /// The manifests whose `subject` is one of these, each with its subject. Asked for all at once: where there is no list by subject,
    /// every manifest must be looked into.
    fn referrers(&self, subjects: &BTreeSet<Digest>) -> io::Result<Vec<(Digest, Descriptor)>>;

    /// Refers to contents that are all there: tags them, or lists them as referrers. All or none.
    fn refer(&self, references: &[Reference]) -> io::Result<()>;
}

/// What a layout shall refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The content.
    pub descriptor: Descriptor,
    /// Its tag; `None` for a referrer.
    pub tag: Option<String>,
}
