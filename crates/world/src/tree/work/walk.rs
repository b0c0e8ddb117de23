//! The parallel walk over the folders on disk.

use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use gix::index::entry::Stat;
use gix::index::fs::Metadata;
use ignore::{DirEntry, ParallelVisitor, ParallelVisitorBuilder, WalkBuilder, WalkState};
use rayon::prelude::*;
use terrace_config::tree::{FileEntry, FileKind};
use terrace_domain::path::RepoPath;

use crate::tree::{FILES_MAX, FOLDER_DEPTH_MAX, SkippedEntry, TOOL_FOLDERS, TreeError, check_name};

/// What is on disk.
#[derive(Default)]
pub(super) struct Walked {
    /// The files, sorted by path.
    pub(super) files: Vec<Found>,
    /// What was passed over.
    pub(super) skipped: Vec<SkippedEntry>,
    /// Folders that are repositories of their own: nothing in them is ours.
    nested: Vec<RepoPath>,
}

/// A file on disk.
pub(super) struct Found {
    pub(super) path: RepoPath,
    pub(super) kind: FileKind,
    pub(super) size: u64,
    /// What git's index remembers of a file; `None` where it has no room for it.
    pub(super) stat: Option<Stat>,
}

impl Found {
    pub(super) fn into_entry(self) -> FileEntry {
        FileEntry { path: self.path, kind: self.kind, size: Some(self.size), id: None }
    }
}

/// Lists what is below `root`, except what git ignores.
pub(super) fn walk(root: &Path) -> Result<Walked, TreeError> {
    let listed = root.read_dir().map(drop);
    listed.map_err(|source| TreeError::Io { path: root.display().to_string(), source })?;
    let walk = Walk { root, count: AtomicUsize::new(0), walked: Mutex::default() };
    WalkBuilder::new(root)
        .threads(rayon::current_num_threads())
        .hidden(false)
        .ignore(false)
        // Folders above the root are not ours: git reads no `.gitignore` there either.
        .parents(false)
        .require_git(false)
        .follow_links(false)
        .max_depth(Some(FOLDER_DEPTH_MAX))
        .build_parallel()
        .visit(&mut &walk);
    if walk.count.into_inner() > FILES_MAX {
        return Err(TreeError::TooManyFiles);
    }
    let mut walked = walk.walked.into_inner().unwrap_or_default();
    walked.files.par_sort_unstable_by(|a, b| a.path.cmp(&b.path));
    walked.skipped.sort_unstable_by(|a, b| a.shown.cmp(&b.shown));
    let nested = std::mem::take(&mut walked.nested);
    if !nested.is_empty() {
        walked.files.retain(|file| !nested.iter().any(|folder| file.path.is_within(folder)));
    }
    Ok(walked)
}

struct Walk<'a> {
    root: &'a Path,
    count: AtomicUsize,
    walked: Mutex<Walked>,
}

impl<'s> ParallelVisitorBuilder<'s> for &'s Walk<'_> {
    fn build(&mut self) -> Box<dyn ParallelVisitor + 's> {
        Box::new(Visitor { walk: self, own: Walked::default() })
    }
}

/// What one thread has found; handed over when it is done.
struct Visitor<'s> {
    walk: &'s Walk<'s>,
    own: Walked,
}

impl ParallelVisitor for Visitor<'_> {
    fn visit(&mut self, entry: Result<DirEntry, ignore::Error>) -> WalkState {
        match entry {
            Ok(entry) if entry.depth() == 0 => WalkState::Continue,
            Ok(entry) => self.visit_entry(&entry),
            Err(error) => {
                // What went away in the meantime is not there.
                if error.io_error().is_none_or(|error| error.kind() != io::ErrorKind::NotFound) {
                    let shown = path_of(&error).map_or_else(|| ".".to_owned(), |path| self.shown(path));
                    let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                    self.own.skipped.push(SkippedEntry { shown, reason });
                }
                WalkState::Continue
            }
        }
    }
}

impl Visitor<'_> {
    fn visit_entry(&mut self, entry: &DirEntry) -> WalkState {
        let name = entry.file_name();
        if name == ".git" {
            return self.note_repository(entry);
        }
        if TOOL_FOLDERS.iter().any(|folder| name == *folder) {
            return WalkState::Skip;
        }
        if let Err(reason) = check_name(name.as_encoded_bytes()) {
            let shown = self.shown(entry.path());
            self.own.skipped.push(SkippedEntry { shown, reason: reason.to_owned() });
            return WalkState::Skip;
        }
        // Links to folders are links here: they are not followed, so none can make a loop. Pipes and sockets are no files.
        match entry.file_type() {
            Some(kind) if kind.is_file() || kind.is_symlink() => self.note_file(entry),
            _ => WalkState::Continue,
        }
    }

    fn note_file(&mut self, entry: &DirEntry) -> WalkState {
        if self.walk.count.fetch_add(1, Ordering::Relaxed) >= FILES_MAX {
            return WalkState::Quit;
        }
        let Some(path) = self.repo_path(entry.path()) else { return WalkState::Continue };
        match Metadata::from_path_no_follow(entry.path()) {
            Ok(metadata) => self.own.files.extend(found(path, &metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                self.own.skipped.push(SkippedEntry { shown: path.to_string(), reason: error.to_string() });
            }
        }
        WalkState::Continue
    }

    /// Git keeps out of a folder that has a repository of its own.
    fn note_repository(&mut self, entry: &DirEntry) -> WalkState {
        if entry.depth() > 1
            && let Some(folder) = entry.path().parent().and_then(|folder| self.repo_path(folder))
        {
            self.own.nested.push(folder);
        }
        WalkState::Skip
    }

    fn repo_path(&self, path: &Path) -> Option<RepoPath> {
        RepoPath::new(path.strip_prefix(self.walk.root).ok()?.to_str()?).ok()
    }

    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(self.walk.root).unwrap_or(path).to_string_lossy().into_owned()
    }
}

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        if let Ok(mut walked) = self.walk.walked.lock() {
            walked.files.append(&mut self.own.files);
            walked.skipped.append(&mut self.own.skipped);
            walked.nested.append(&mut self.own.nested);
        }
    }
}

/// The file, unless it is something else by now.
pub(super) fn found(path: RepoPath, metadata: &Metadata) -> Option<Found> {
    let kind = if metadata.is_symlink() {
        FileKind::Symlink
    } else if !metadata.is_file() {
        return None;
    } else if metadata.is_executable() {
        FileKind::Executable
    } else {
        FileKind::Regular
    };
    Some(Found { path, kind, size: metadata.len(), stat: Stat::from_fs(metadata).ok() })
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        ignore::Error::Partial(errors) => errors.first().and_then(path_of),
        _ => None,
    }
}
