//! Releases: packs each stack of a commit once, keeps what was packed in an OCI image layout on disk, and reads, checks and restores it
//! from there. The same tree makes the same digests, on any machine and at any time. Never talks to a registry, and never looks at a
//! work tree: files come through `FileTree`.

pub mod build;
pub mod contract;
pub mod layout;
mod memory;
pub mod oci;
pub mod pack;
pub mod restore;
pub mod source;
pub mod stored;
pub mod tree;
pub mod unpack;
pub mod vendor;
pub mod verify;

/// The type of a stack's manifest.
pub const RELEASE_TYPE: &str = "application/vnd.terrace.release.v1";
/// The type of the manifest of the estate's own file.
pub const ESTATE_TYPE: &str = "application/vnd.terrace.estate.v1";
/// The type of the index over all of them.
pub const ESTATE_RELEASE_TYPE: &str = "application/vnd.terrace.estate-release.v1";
/// The media type of a stack's contract.
pub const CONTRACT_MEDIA_TYPE: &str = "application/vnd.terrace.release.config.v1+json";
/// The media type of the list of the estate's own files.
pub const ESTATE_MEDIA_TYPE: &str = "application/vnd.terrace.estate.config.v1+json";
/// The media type of files: a tar archive that is not compressed.
pub const LAYER_MEDIA_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";

/// The annotation that names the stack.
pub const STACK_ANNOTATION: &str = "dev.terrace.stack";
/// The annotation that names the estate.
pub const ESTATE_ANNOTATION: &str = "dev.terrace.estate";
/// The annotation with the digest of a stack's source.
pub const SOURCE_ANNOTATION: &str = "dev.terrace.source";
/// The annotation with the first line of the commit's message.
pub const SUBJECT_ANNOTATION: &str = "dev.terrace.commit.subject";
/// Who made the commit, as git writes it: `NAME <EMAIL>`.
pub const AUTHOR_ANNOTATION: &str = "dev.terrace.commit.author";
/// The annotation with the commit's full id (OCI image specification, "Annotations").
pub const REVISION_ANNOTATION: &str = "org.opencontainers.image.revision";
/// The annotation with the commit's time, RFC 3339 (there too).
pub const CREATED_ANNOTATION: &str = "org.opencontainers.image.created";
/// The annotation with a name for people, and for the files that `oras pull` writes (there too).
pub const TITLE_ANNOTATION: &str = "org.opencontainers.image.title";
