//! What Terrace has laid out in a work folder, as a file beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use terrace_config::tree::{FileKind, ObjectId20};
use terrace_domain::path::RepoPath;

use super::rules::check_path;

/// The version of [`ManifestWire`] that is written. Another version counts as no manifest: everything is laid out again.
const MANIFEST_VERSION: u32 = 1;

/// The files that are Terrace's.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// Files that are known to be there.
    pub(super) files: BTreeMap<RepoPath, LaidFile>,
    /// Files that a call which did not end may have left there, or half removed.
    pub(super) pending: BTreeSet<RepoPath>,
}

/// A file as it was laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LaidFile {
    pub(super) kind: FileKind,
    pub(super) id: ObjectId20,
    pub(super) stamp: Stamp,
}

/// What tells that a file on disk is still the one that was written, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    size: u64,
    modified_ns: i128,
    inode: u64,
}

impl Stamp {
    pub(super) fn of(metadata: &fs::Metadata) -> Self {
        let modified_ns = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        Self { size: metadata.len(), modified_ns, inode: metadata.ino() }
    }
}

#[derive(Serialize, Deserialize)]
struct ManifestWire {
    version: u32,
    files: Vec<FileWire>,
    pending: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct FileWire {
    path: String,
    kind: String,
    id: String,
    size: u64,
    /// As text: JSON's numbers are too short for nanoseconds in some readers.
    modified_ns: String,
    inode: u64,
}

impl Manifest {
    /// Reads the manifest. One that is not there or cannot be used is an empty one: then all is laid out anew.
    pub(super) fn load(path: &Path) -> io::Result<Self> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let wire = serde_json::from_slice::<ManifestWire>(&text).ok().filter(|wire| wire.version == MANIFEST_VERSION);
        Ok(wire.and_then(Self::from_wire).unwrap_or_default())
    }

    /// As bytes to write.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let file = |(path, file): (&RepoPath, &LaidFile)| FileWire {
            path: path.as_str().to_owned(),
            kind: kind_name(file.kind).to_owned(),
            id: gix::ObjectId::from(file.id.0).to_string(),
            size: file.stamp.size,
            modified_ns: file.stamp.modified_ns.to_string(),
            inode: file.stamp.inode,
        };
        let wire = ManifestWire {
            version: MANIFEST_VERSION,
            files: self.files.iter().map(file).collect(),
            pending: self.pending.iter().map(|path| path.as_str().to_owned()).collect(),
        };
        serde_json::to_vec(&wire).expect("text and numbers become JSON")
    }

    fn from_wire(wire: ManifestWire) -> Option<Self> {
        let files = wire.files.into_iter().map(FileWire::into_file).collect::<Option<_>>()?;
        let pending = wire.pending.iter().map(|path| checked(path)).collect::<Option<_>>()?;
        Some(Self { files, pending })
    }
}

impl FileWire {
    fn into_file(self) -> Option<(RepoPath, LaidFile)> {
        let gix::ObjectId::Sha1(id) = gix::ObjectId::from_hex(self.id.as_bytes()).ok()? else { return None };
        let stamp = Stamp { size: self.size, modified_ns: self.modified_ns.parse().ok()?, inode: self.inode };
        Some((checked(&self.path)?, LaidFile { kind: kind_of(&self.kind)?, id: ObjectId20(id), stamp }))
    }
}

/// Files are removed by what a manifest says: its paths are checked as those of a commit are.
fn checked(path: &str) -> Option<RepoPath> {
    let path = RepoPath::new(path).ok()?;
    check_path(&path).ok().map(|()| path)
}

fn kind_name(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Regular => "regular",
        FileKind::Executable => "executable",
        FileKind::Symlink => "symlink",
        FileKind::Submodule => "submodule",
    }
}

fn kind_of(name: &str) -> Option<FileKind> {
    [FileKind::Regular, FileKind::Executable, FileKind::Symlink].into_iter().find(|kind| kind_name(*kind) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_survives_being_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.files.json");
        let stamp = Stamp { size: 7, modified_ns: 1_700_000_000_123_456_789, inode: u64::MAX };
        let file = LaidFile { kind: FileKind::Executable, id: ObjectId20([7; 20]), stamp };
        let manifest = Manifest {
            files: [(RepoPath::new("a b/größe.sh").unwrap(), file)].into(),
            pending: [RepoPath::new("c").unwrap()].into(),
        };
        assert_eq!(Manifest::load(&path).unwrap(), Manifest::default());
        fs::write(&path, manifest.to_bytes()).unwrap();
        assert_eq!(Manifest::load(&path).unwrap(), manifest);
    }

    #[test]
    fn one_that_cannot_be_used_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.files.json");
        for text in [
            "",
            "nonsense",
            r#"{"version":2,"files":[],"pending":["a"]}"#,
            r#"{"version":1,"files":[],"pending":["../../etc/passwd"]}"#,
            r#"{"version":1,"files":[],"pending":[".git/config"]}"#,
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(Manifest::load(&path).unwrap(), Manifest::default(), "{text}");
        }
    }
}
