//! What git's index knows of the files on disk: their ids where their stat is unchanged, the tracked ones that a `.gitignore`
//! hides, the submodules, and those that a sparse checkout leaves out.

use std::io::Read;
use std::path::Path;

use gix::bstr::ByteSlice;
use gix::index::entry::{Flags, Mode, Stage, stat};
use gix::index::fs::Metadata;
use gix::index::{Entry, State};
use terrace_config::tree::{FileEntry, FileKind, ObjectId20};
use terrace_domain::path::RepoPath;

use super::walk::{Found, Walked, found};
use crate::git::{GitError, Repository};
use crate::tree::folder::object_id;
use crate::tree::{SkippedEntry, TOOL_FOLDERS, TreeError, blob_id, bytes_max};

/// A walk's result with what the index says about it.
pub(super) struct Known {
    pub(super) files: Vec<FileEntry>,
    pub(super) left_out: Vec<RepoPath>,
    pub(super) skipped: Vec<SkippedEntry>,
}

/// Completes what was found on disk by what the index knows.
pub(super) fn apply(repository: &Repository, walked: Walked) -> Result<Known, TreeError> {
    let failed = |error| GitError::failed("read the index", error);
    let git = repository.local();
    let index = git.index_or_empty().map_err(failed)?;
    let knowledge = Knowledge {
        root: repository.root(),
        index: &index,
        stat: git.stat_options().map_err(failed)?,
        modes_count: git.filesystem_options().map_err(failed)?.executable_bit,
    };
    Ok(knowledge.merge(walked))
}

struct Knowledge<'a> {
    root: &'a Path,
    index: &'a State,
    stat: stat::Options,
    /// Whether the file system can tell what is executable (`core.fileMode`).
    modes_count: bool,
}

impl Knowledge<'_> {
    /// Walks over the two sorted lists at once.
    fn merge(&self, walked: Walked) -> Known {
        let mut known =
            Known { files: Vec::with_capacity(walked.files.len()), left_out: Vec::new(), skipped: walked.skipped };
        let mut on_disk = walked.files.into_iter().peekable();
        for tracked in self.index.entries().iter().filter(|entry| entry.stage() == Stage::Unconflicted) {
            let path = tracked.path(self.index);
            while let Some(untracked) = on_disk.next_if(|found| found.path.as_str().as_bytes() < path.as_bytes()) {
                known.files.push(untracked.into_entry());
            }
            match on_disk.next_if(|found| found.path.as_str().as_bytes() == path.as_bytes()) {
                Some(found) => known.files.push(self.entry(found, tracked)),
                None => self.not_walked(tracked, &mut known),
            }
        }
        known.files.extend(on_disk.map(Found::into_entry));
        known
    }

    /// A file that is on disk and in the index.
    fn entry(&self, found: Found, tracked: &Entry) -> FileEntry {
        let same = found.stat.is_some_and(|stat| stat.matches(&tracked.stat, self.stat));
        // A file that was written in the same moment as the index may have changed since with the same stat.
        let racy = tracked.stat.is_racy(self.index.timestamp(), self.stat);
        let mut entry = found.into_entry();
        if entry.kind.is_file() && !self.modes_count {
            entry.kind = file_kind(tracked.mode).filter(|kind| kind.is_file()).unwrap_or(entry.kind);
        }
        let same_type = (entry.kind == FileKind::Symlink) == (tracked.mode == Mode::SYMLINK);
        if same && !racy && same_type && !tracked.flags.contains(Flags::INTENT_TO_ADD) {
            entry.id = object_id(tracked.id);
        }
        entry
    }

    /// A path of the index that the walk did not see: gone, ignored though tracked, a submodule, or left out.
    fn not_walked(&self, tracked: &Entry, known: &mut Known) {
        let Some(path) = tracked.path(self.index).to_str().ok().and_then(|path| RepoPath::new(path).ok()) else {
            return;
        };
        if path.parts().any(|part| TOOL_FOLDERS.contains(&part)) {
            return;
        }
        if tracked.flags.contains(Flags::SKIP_WORKTREE) {
            known.left_out.push(path);
        } else if tracked.mode == Mode::COMMIT {
            let id = self.checked_out(&path).or_else(|| object_id(tracked.id));
            known.files.push(FileEntry { path, kind: FileKind::Submodule, size: None, id });
        } else if !self.is_behind_link(&path)
            && let Ok(metadata) = Metadata::from_path_no_follow(&self.root.join(path.as_str()))
            && let Some(found) = found(path, &metadata)
        {
            known.files.push(self.entry(found, tracked));
        }
    }

    /// The commit that is checked out in a submodule.
    fn checked_out(&self, submodule: &RepoPath) -> Option<ObjectId20> {
        let folder = self.root.join(submodule.as_str());
        if !folder.join(".git").exists() {
            return None;
        }
        let head = gix::open(folder).ok()?.head_id().ok()?.detach();
        object_id(head)
    }

    /// Whether a folder of the path was replaced by a link: then git takes the file for gone.
    fn is_behind_link(&self, path: &RepoPath) -> bool {
        let folders = std::iter::successors(path.parent(), RepoPath::parent);
        folders.take_while(|folder| !folder.as_str().is_empty()).any(|folder| {
            self.root.join(folder.as_str()).symlink_metadata().is_ok_and(|metadata| metadata.is_symlink())
        })
    }
}

fn file_kind(mode: Mode) -> Option<FileKind> {
    match mode {
        Mode::FILE => Some(FileKind::Regular),
        Mode::FILE_EXECUTABLE => Some(FileKind::Executable),
        Mode::SYMLINK => Some(FileKind::Symlink),
        Mode::COMMIT => Some(FileKind::Submodule),
        _ => None,
    }
}

/// Those of the files that differ also in the form in which git would store them (gitattributes: `text`, `eol`, `filter`).
pub(super) fn differing_when_stored<'a>(
    repository: &Repository,
    files: Vec<(&'a FileEntry, ObjectId20)>,
) -> Result<Vec<&'a FileEntry>, TreeError> {
    let git = repository.local();
    let (mut pipeline, index) =
        git.filter_pipeline(None).map_err(|error| GitError::failed("read the git attributes", error))?;
    // What cannot be converted differs: saying so too often is the safe side.
    let mut differs = |(entry, old): &(&FileEntry, ObjectId20)| {
        !entry.kind.is_file() || stored_id(&mut pipeline, &index, repository.root(), entry) != Some(*old)
    };
    Ok(files.into_iter().filter(|file| differs(file)).map(|(entry, _)| entry).collect())
}

fn stored_id(
    pipeline: &mut gix::filter::Pipeline<'_>,
    index: &State,
    root: &Path,
    entry: &FileEntry,
) -> Option<ObjectId20> {
    let path = Path::new(entry.path.as_str());
    let file = std::fs::File::open(root.join(path)).ok()?;
    let limit = bytes_max(&entry.path);
    let mut content = Vec::new();
    pipeline.convert_to_git(file, path, index).ok()?.take(limit).read_to_end(&mut content).ok()?;
    Some(blob_id(&content))
}
