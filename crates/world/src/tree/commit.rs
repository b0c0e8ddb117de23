//! The files of a commit, read from git's objects: no work tree is touched.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use terrace_config::tree::{FileEntry, FileTree, ReadError};

use super::folder::{Folder, Node, NodeKind};
use super::{FILES_MAX, FOLDER_DEPTH_MAX, SkippedEntry, TreeError, bytes_max, too_large};
use crate::git::{CommitId, GitError, Repository};

/// All files of a commit. Only names, modes and ids are held; contents are read when asked for.
pub struct CommitTree {
    repository: Repository,
    commit: CommitId,
    root: gix::ObjectId,
    files: Vec<FileEntry>,
    skipped: Vec<SkippedEntry>,
    /// Handles that are not in use: one cannot be shared between threads, and making one forgets what it has cached.
    handles: Mutex<Vec<gix::Repository>>,
}

impl CommitTree {
    /// Lists the files of a commit.
    pub fn open(repository: &Repository, commit: CommitId) -> Result<Self, TreeError> {
        let root = root_of(&repository.local(), commit)?;
        let (files, skipped) = list(repository, root)?;
        Ok(Self { repository: repository.clone(), commit, root, files, skipped, handles: Mutex::default() })
    }

    /// The commit.
    pub fn commit(&self) -> CommitId {
        self.commit
    }

    /// The repository.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// What is left out, and why.
    pub fn skipped(&self) -> &[SkippedEntry] {
        &self.skipped
    }

    pub(super) fn root_folder(&self) -> Folder {
        Folder { path: String::new(), id: self.root }
    }

    /// Runs `read` with a handle that no other thread has.
    fn with_handle<T>(&self, read: impl FnOnce(&gix::Repository) -> T) -> T {
        let idle = self.handles.lock().map_or(None, |mut handles| handles.pop());
        let handle = idle.unwrap_or_else(|| self.repository.local());
        let result = read(&handle);
        if let Ok(mut handles) = self.handles.lock() {
            handles.push(handle);
        }
        result
    }
}

impl FileTree for CommitTree {
    fn files(&self) -> &[FileEntry] {
        &self.files
    }

    fn read(&self, entry: &FileEntry) -> Result<Vec<u8>, ReadError> {
        let error = |reason: String| ReadError { path: entry.path.clone(), reason };
        if entry.kind == terrace_config::tree::FileKind::Submodule {
            return Err(error("it is a submodule: its files are in another repository".to_owned()));
        }
        let known = self.find(&entry.path).and_then(|own| own.id);
        let id = known.ok_or_else(|| error(format!("the commit {} has no such file", self.commit)))?;
        self.with_handle(|repository| {
            let id = gix::ObjectId::from(id.0);
            let header = repository.find_header(id).map_err(|source| error(unreadable(&source)))?;
            if header.size() > bytes_max(&entry.path) {
                return Err(too_large(&entry.path, header.size()));
            }
            let mut blob = repository.find_blob(id).map_err(|source| error(unreadable(&source)))?;
            Ok(blob.take_data())
        })
    }
}

fn unreadable(error: &gix::Error) -> String {
    if error.is_not_found() {
        "git does not have its content: fetch it, this may be a partial clone".to_owned()
    } else {
        format!("git: {error}")
    }
}

fn root_of(repository: &gix::Repository, commit: CommitId) -> Result<gix::ObjectId, TreeError> {
    let root = repository.find_commit(commit.object_id()).and_then(|commit| commit.tree_id().map(gix::Id::detach));
    Ok(root.map_err(|error| GitError::failed(format!("read the commit {commit}"), error))?)
}

/// Reads one level of folders after the other, each level in parallel.
fn list(repository: &Repository, root: gix::ObjectId) -> Result<(Vec<FileEntry>, Vec<SkippedEntry>), TreeError> {
    let (mut files, mut skipped) = (Vec::new(), Vec::new());
    let mut level = vec![Folder { path: String::new(), id: root }];
    let count = AtomicUsize::new(0);
    for _ in 0..FOLDER_DEPTH_MAX {
        let read = read_level(repository, &level, &count)?;
        level = Vec::new();
        for (nodes, passed_over) in read {
            skipped.extend(passed_over);
            for node in nodes {
                match node.kind {
                    NodeKind::Folder => level.push(Folder { path: node.path, id: node.id }),
                    NodeKind::File(kind) => {
                        files.push(FileEntry { path: node.repo_path(), kind, size: None, id: node.object_id() });
                    }
                }
            }
        }
        if level.is_empty() {
            files.par_sort_unstable_by(|a, b| a.path.cmp(&b.path));
            return Ok((files, skipped));
        }
    }
    Err(TreeError::TooDeep(level.swap_remove(0).path))
}

type ReadFolder = (Vec<Node>, Vec<SkippedEntry>);

/// Counts while it reads: folders that hold the same folder many times take little room in git and none would be left here.
fn read_level(repository: &Repository, level: &[Folder], count: &AtomicUsize) -> Result<Vec<ReadFolder>, TreeError> {
    level
        .par_iter()
        .with_min_len(FOLDERS_A_JOB)
        .map_init(
            || repository.local(),
            |handle, folder| {
                let mut skipped = Vec::new();
                let nodes = folder.read(handle, &mut skipped)?;
                if count.fetch_add(nodes.len(), Ordering::Relaxed) + nodes.len() > FILES_MAX {
                    return Err(TreeError::TooManyFiles);
                }
                Ok((nodes, skipped))
            },
        )
        .collect()
}

/// So many folders are read with one handle at least: making a handle costs as much as reading some folders.
const FOLDERS_A_JOB: usize = 64;
