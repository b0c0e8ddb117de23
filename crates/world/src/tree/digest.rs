//! A stable name for a list of files.

use std::fmt;

use rayon::prelude::*;
use sha2::{Digest, Sha256};
use terrace_config::tree::{FileEntry, FileKind, FileTree, ObjectId20, ReadError};

use super::content_id;

/// The identity of a set of files: the SHA-256 of what `git ls-tree -r -z --full-tree COMMIT -- PATHS` prints for them. For each
/// file, in the order of the paths' bytes: mode, space, `blob` (`commit` for a submodule), space, id in hex, tab, path, zero byte.
/// So it is the same on every machine, for a commit and for a work tree with the same content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceDigest([u8; 32]);

impl SourceDigest {
    /// The digest of these files, in whatever order they come; a path that comes twice counts once.
    pub fn of(tree: &dyn FileTree, files: &[FileEntry]) -> Result<Self, ReadError> {
        let mut sorted: Vec<&FileEntry> = files.iter().collect();
        sorted.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        sorted.dedup_by(|a, b| a.path == b.path);
        let ids: Vec<ObjectId20> =
            sorted.par_iter().map(|entry| content_id(tree, entry)).collect::<Result<_, ReadError>>()?;
        let mut hasher = Sha256::new();
        for (entry, id) in sorted.iter().zip(ids) {
            hasher.update(line(entry, id));
        }
        Ok(Self(hasher.finalize().into()))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn line(entry: &FileEntry, id: ObjectId20) -> String {
    let kind = if entry.kind == FileKind::Submodule { "commit" } else { "blob" };
    format!("{} {kind} {}\t{}\0", mode(entry.kind), gix::ObjectId::from(id.0), entry.path.as_str())
}

/// The mode as git prints it.
fn mode(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Regular => "100644",
        FileKind::Executable => "100755",
        FileKind::Symlink => "120000",
        FileKind::Submodule => "160000",
    }
}

impl fmt::Display for SourceDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SourceDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
