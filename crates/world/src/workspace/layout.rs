//! One laying out: finds what differs, notes it in the manifest, does it, and notes that it is done. A crash in between leaves the
//! note, and the next call mends what it names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use terrace_config::tree::{FileEntry, FileKind, FileTree, ObjectId20, ReadError};
use terrace_domain::path::RepoPath;

use super::manifest::{LaidFile, Manifest, Stamp};
use super::rules::is_read_by_terraform;
use super::{LaidOut, LayoutError, PROVIDER_LOCK_FILE, Workspace};
use crate::tree::{blob_id, content_id};

/// What is to be done.
pub(super) struct Layout<'a> {
    workspace: &'a Workspace,
    tree: &'a dyn FileTree,
    /// What is there and stays, and at the end all that was asked for.
    manifest: Manifest,
    /// Whether an earlier call did not end.
    unfinished: bool,
    write: Vec<(&'a FileEntry, ObjectId20)>,
    remove: BTreeSet<RepoPath>,
}

impl<'a> Layout<'a> {
    /// Compares what is wanted with the manifest and with the disk.
    pub(super) fn prepare(
        workspace: &'a Workspace,
        tree: &'a dyn FileTree,
        files: &[&'a FileEntry],
    ) -> Result<Self, LayoutError> {
        let path = workspace.manifest_path();
        let mut manifest = Manifest::load(&path).map_err(failed("read", &path))?;
        let pending = std::mem::take(&mut manifest.pending);
        let unfinished = !pending.is_empty();
        let mut remove: BTreeSet<RepoPath> = manifest.files.keys().cloned().chain(pending).collect();
        let (mut kept, mut write) = (BTreeMap::new(), Vec::new());
        for file in files {
            remove.remove(&file.path);
            let id = content_id(tree, file)?;
            match manifest.files.get(&file.path) {
                Some(laid) if laid.kind == file.kind && laid.id == id && is_as_laid(workspace, &file.path, laid) => {
                    kept.insert(file.path.clone(), *laid);
                }
                _ => write.push((*file, id)),
            }
        }
        remove.extend(strays(workspace, files)?);
        Ok(Self {
            workspace,
            tree,
            manifest: Manifest { files: kept, pending: BTreeSet::new() },
            unfinished,
            write,
            remove,
        })
    }

    /// Removes and writes what differs.
    pub(super) fn perform(mut self) -> Result<LaidOut, LayoutError> {
        // Also for no file at all there is a folder to run in.
        create_folder(&self.workspace.folder)?;
        if self.write.is_empty() && self.remove.is_empty() && !self.unfinished {
            return Ok(LaidOut::default());
        }
        let new_files = self.workspace.new_files_path();
        remove_folder(&new_files)?;
        create_folder(&new_files)?;
        self.manifest.pending = self.remove.iter().cloned().collect();
        self.manifest.pending.extend(self.write.iter().map(|(file, _)| file.path.clone()));
        self.save_manifest()?;
        let mut done = LaidOut::default();
        for path in &self.remove {
            done.removed += usize::from(self.remove_file(path)?);
        }
        for (file, id) in &self.write {
            let stamp = self.write_file(file, *id)?;
            self.manifest.files.insert(file.path.clone(), LaidFile { kind: file.kind, id: *id, stamp });
            done.written += 1;
        }
        self.manifest.pending.clear();
        self.save_manifest()?;
        remove_folder(&new_files)?;
        Ok(done)
    }

    fn save_manifest(&self) -> Result<(), LayoutError> {
        let temporary = self.workspace.new_files_path().join("manifest");
        fs::write(&temporary, self.manifest.to_bytes()).map_err(failed("write", &temporary))?;
        let path = self.workspace.manifest_path();
        fs::rename(&temporary, &path).map_err(failed("write", &path))
    }

    /// Removes a file and the folders above it that are empty then. Says whether there was one.
    fn remove_file(&self, path: &RepoPath) -> Result<bool, LayoutError> {
        // Behind a link there is nothing of ours: the folder was replaced.
        let folders = folders_of(path);
        if folders.iter().any(|folder| !is_folder(&self.workspace.path_of(folder))) {
            return Ok(false);
        }
        let file = self.workspace.path_of(path);
        let removed = match metadata(&file)? {
            Some(metadata) if !metadata.is_dir() => fs::remove_file(&file).map(|()| true),
            _ => Ok(false),
        };
        let removed = removed.map_err(failed("remove", &file))?;
        for folder in folders.iter().rev() {
            // It fails where something is left in it, and then it stays.
            if fs::remove_dir(self.workspace.path_of(folder)).is_err() {
                break;
            }
        }
        Ok(removed)
    }

    /// Writes a file beside the folder and moves it to its place: nobody ever sees half of it.
    fn write_file(&self, file: &FileEntry, id: ObjectId20) -> Result<Stamp, LayoutError> {
        let content = self.tree.read(file)?;
        if blob_id(&content) != id {
            // A work tree may change under us, an object may be damaged: the stack would not be what its digest says.
            return Err(
                ReadError { path: file.path.clone(), reason: "its content is not what was listed".into() }.into()
            );
        }
        let temporary = self.workspace.new_files_path().join("file");
        create(&temporary, file.kind, &content).map_err(failed("write", &temporary))?;
        for folder in folders_of(&file.path) {
            make_folder(&self.workspace.path_of(&folder))?;
        }
        let target = self.workspace.path_of(&file.path);
        if metadata(&target)?.is_some_and(|metadata| metadata.is_dir()) {
            // Only an empty folder gives way: what is in it is not ours.
            fs::remove_dir(&target).map_err(failed("replace the folder", &target))?;
        }
        fs::rename(&temporary, &target).map_err(failed("write", &target))?;
        let metadata = target.symlink_metadata().map_err(failed("look at", &target))?;
        Ok(Stamp::of(&metadata))
    }
}

/// Whether the file on disk is still the one that was written.
fn is_as_laid(workspace: &Workspace, path: &RepoPath, laid: &LaidFile) -> bool {
    if folders_of(path).iter().any(|folder| !is_folder(&workspace.path_of(folder))) {
        return false;
    }
    let Ok(metadata) = workspace.path_of(path).symlink_metadata() else { return false };
    match laid.kind {
        // What `terraform init` added to it belongs to it, until the source's changes.
        FileKind::Regular if path.file_name() == PROVIDER_LOCK_FILE => metadata.is_file(),
        FileKind::Symlink => metadata.is_symlink() && Stamp::of(&metadata) == laid.stamp,
        FileKind::Regular | FileKind::Executable => {
            let executable = metadata.permissions().mode() & 0o100 != 0;
            metadata.is_file()
                && executable == (laid.kind == FileKind::Executable)
                && Stamp::of(&metadata) == laid.stamp
        }
        FileKind::Submodule => false,
    }
}

/// Files in the stack's folders that Terraform would read though nobody asked for them.
fn strays(workspace: &Workspace, files: &[&FileEntry]) -> Result<Vec<RepoPath>, LayoutError> {
    let folders: BTreeSet<RepoPath> = files.iter().filter_map(|file| file.path.parent()).collect();
    let mut strays = Vec::new();
    for folder in folders {
        let path = workspace.path_of(&folder);
        if folders_of(&folder).iter().chain([&folder]).any(|folder| !is_folder(&workspace.path_of(folder))) {
            continue;
        }
        for entry in path.read_dir().map_err(failed("list", &path))? {
            let entry = entry.map_err(failed("list", &path))?;
            let name = entry.file_name();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let Some(name) = name.to_str().filter(|name| is_read_by_terraform(name)) else { continue };
            let Ok(found) = folder.join(name) else { continue };
            let wanted = files.binary_search_by(|file| file.path.cmp(&found)).is_ok();
            if !wanted && !workspace.protected.contains(&found) {
                strays.push(found);
            }
        }
    }
    Ok(strays)
}

/// The folders above a path, the highest first, without the root.
fn folders_of(path: &RepoPath) -> Vec<RepoPath> {
    let mut folders: Vec<RepoPath> = std::iter::successors(path.parent(), RepoPath::parent)
        .take_while(|folder| !folder.as_str().is_empty())
        .collect();
    folders.reverse();
    folders
}

fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
}

/// What is at the path itself; `None` where there is nothing.
fn metadata(path: &Path) -> Result<Option<Metadata>, LayoutError> {
    match path.symlink_metadata() {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("look at", path)(error)),
    }
}

/// Makes a folder of the layout. A file or a link that stands there gives way: nothing is written through a link.
fn make_folder(path: &Path) -> Result<(), LayoutError> {
    match metadata(path)? {
        Some(metadata) if metadata.is_dir() => return Ok(()),
        Some(_) => fs::remove_file(path).map_err(failed("remove", path))?,
        None => {}
    }
    fs::create_dir(path).map_err(failed("create", path))
}

fn create_folder(path: &Path) -> Result<(), LayoutError> {
    fs::create_dir_all(path).map_err(failed("create", path))
}

fn remove_folder(path: &Path) -> Result<(), LayoutError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

fn create(path: &Path, kind: FileKind, content: &[u8]) -> io::Result<()> {
    if kind == FileKind::Symlink {
        return std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(content), path);
    }
    let mode = if kind == FileKind::Executable { 0o755 } else { 0o644 };
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(content)
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LayoutError {
    let path: PathBuf = path.to_owned();
    move |source| LayoutError::Io { action, path, source }
}
