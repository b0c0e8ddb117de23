//! Snapshots of files for the loader: a commit's tree and the work tree, and what differs between two of them. Owns the limits of
//! what is read. Follows no link and runs nothing; a name that cannot be used is passed over with a warning, never altered.

mod changes;
mod commit;
mod digest;
mod folder;
mod work;

use std::io;

use terrace_config::tree::{FileEntry, FileKind, FileTree, ObjectId20, ReadError};
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::path::RepoPath;

use crate::git::GitError;

pub use changes::{ChangeKind, ChangedPath, changed_paths, changed_paths_in_work_tree};
pub use commit::CommitTree;
pub use digest::SourceDigest;
pub use work::WorkTree;

/// The most bytes that are read of a file that is parsed: many times what people write, little enough to hold for each thread.
pub const PARSED_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The most bytes that are read of any other file: archives of functions and the like are part of a stack's source.
pub const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// The most files and folders that a snapshot lists: ten times what Terrace is built for. A hostile commit can name billions of
/// them in a few objects.
pub const FILES_MAX: usize = 1_000_000;
/// The deepest folder that is listed: paths of file systems end before it.
pub const FOLDER_DEPTH_MAX: usize = 500;
/// Folders in which Terrace and Terraform keep what they make: never part of the source, even where somebody committed them.
pub const TOOL_FOLDERS: [&str; 2] = [".terrace", ".terraform"];
/// The endings of files that are parsed.
const PARSED_ENDINGS: [&str; 5] = [".hcl", ".tf", ".tf.json", ".tofu", ".tofu.json"];

/// A snapshot cannot be listed or compared.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// Git cannot say.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A folder or a file of the work tree cannot be looked at.
    #[error("cannot list `{path}`")]
    Io {
        /// The path as shown.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// There are more files than Terrace is built for.
    #[error("there are more than {FILES_MAX} files and folders")]
    TooManyFiles,
    /// There are more folders in folders than Terrace is built for.
    #[error("the folder `{0}` is nested too deep: more than {FOLDER_DEPTH_MAX} folders")]
    TooDeep(String),
    /// A file that must be compared cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// An entry that a snapshot leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedEntry {
    /// Its path, with � for what is not UTF-8.
    pub shown: String,
    /// Why, a lowercase fragment.
    pub reason: String,
}

impl SkippedEntry {
    /// As a warning: what is in that file or folder is not seen.
    pub fn diagnostic(&self) -> Diagnostic {
        Diagnostic::warning("skipped-path", format!("`{}` is passed over: {}", self.shown.escape_debug(), self.reason))
    }
}

/// The most bytes that are read of this file.
fn bytes_max(path: &RepoPath) -> u64 {
    let parsed = PARSED_ENDINGS.iter().any(|ending| path.as_str().ends_with(ending));
    if parsed { PARSED_BYTES_MAX } else { FILE_BYTES_MAX }
}

fn too_large(path: &RepoPath, size: u64) -> ReadError {
    let max = bytes_max(path) / (1024 * 1024);
    ReadError { path: path.clone(), reason: format!("it has {size} bytes; the limit for such a file is {max} MiB") }
}

/// The git blob id of this content: what `git hash-object` prints.
pub fn blob_id(content: &[u8]) -> ObjectId20 {
    let id = gix::objs::compute_hash(gix::hash::Kind::Sha1, gix::objs::Kind::Blob, content);
    match id {
        Ok(gix::ObjectId::Sha1(bytes)) => ObjectId20(bytes),
        // Git hardens SHA-1 against the known collision attack; such content gets an id that no honest content has.
        _ => ObjectId20([0xff; 20]),
    }
}

/// The id of an entry's content, as git has it; the content is read where the id is not known.
pub fn content_id(tree: &dyn FileTree, entry: &FileEntry) -> Result<ObjectId20, ReadError> {
    match entry.id {
        Some(id) => Ok(id),
        None if entry.kind == FileKind::Submodule => Err(ReadError {
            path: entry.path.clone(),
            reason: "it is a submodule whose commit is not known".to_owned(),
        }),
        None => tree.read(entry).map(|content| blob_id(&content)),
    }
}

/// Whether a name may stand in a path: such names come from commits, which anybody can write.
fn check_name(name: &[u8]) -> Result<&str, &'static str> {
    let text = std::str::from_utf8(name).map_err(|_| "its name is not UTF-8")?;
    match text {
        "" => Err("its name is empty"),
        "." | ".." => Err("its name is `.` or `..`"),
        _ if text.eq_ignore_ascii_case(".git") => Err("its name is `.git`"),
        _ if text.contains(['/', '\0']) => Err("its name has a `/` or a zero byte"),
        _ => Ok(text),
    }
}
