//! The files of a commit, read from its estate release instead of from git. Which files there are is known from the contracts; layers are
//! read when a content is asked for, and what they hold is checked against the contract.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use terrace_config::tree::{FileEntry, FileKind, FileTree, ObjectId20, ReadError};
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;
use terrace_domain::release::{Contract, EstateRelease, FileMode, FileRecord};
use terrace_world::tree::blob_id;

use crate::layout::Layout;
use crate::oci::Descriptor;
use crate::restore::write_file;
use crate::stored::{self, StoredError, StoredStack};
use crate::unpack::Layer;
use crate::vendor::MODULES_FOLDER;

/// How many bytes of layers are held: what a few thousand stacks have, so that a module that many share is read once.
const CACHE_BYTES_MAX: usize = 128 << 20;

/// The tree of an estate release.
pub struct ReleaseTree {
    layout: Layout,
    release: EstateRelease,
    stacks: BTreeMap<StackName, StoredStack>,
    files: Vec<FileEntry>,
    /// For each file the layer that has it.
    homes: Vec<u32>,
    layers: Vec<Descriptor>,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    layers: HashMap<u32, Arc<Layer>>,
    bytes: usize,
}

/// The tree of an estate release cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseTreeError {
    /// A part of it cannot be read.
    #[error(transparent)]
    Stored(#[from] StoredError),
    /// Two stacks say different things of a file.
    #[error("{one} and {other} have the file `{path}` with different contents: they are not of one commit")]
    Contradiction {
        /// The file.
        path: RepoPath,
        /// Whose it is.
        one: String,
        /// Whose it is, too.
        other: String,
    },
    /// What is a file for one is a folder for another.
    #[error("`{file}` is a file, and `{path}` lies in it: they are not of one commit")]
    FileAndFolder {
        /// The file.
        file: RepoPath,
        /// What lies in it.
        path: RepoPath,
    },
}

impl From<crate::layout::LayoutError> for ReleaseTreeError {
    fn from(error: crate::layout::LayoutError) -> Self {
        Self::Stored(error.into())
    }
}

impl ReleaseTree {
    /// Reads the index and all contracts of an estate release.
    pub fn open(layout: &Layout, descriptor: &Descriptor) -> Result<Self, ReleaseTreeError> {
        let stored = stored::estate_release(layout, descriptor)?;
        let (manifest, estate) = stored::estate_files(layout, &stored.estate)?;
        let stacks: Vec<StoredStack> =
            stored.stacks.par_iter().map(|(_, entry)| stored::stack(layout, entry)).collect::<Result<_, _>>()?;
        let mut union = Union::default();
        union.add(&estate.files, &manifest.layers[0]);
        for stack in &stacks {
            union.add(&stack.contract.files, &stack.manifest.layers[0]);
        }
        let owner = |layer: u32| match layer.checked_sub(1).and_then(|at| stacks.get(at as usize)) {
            Some(stack) => format!("the stack `{}`", stack.contract.stack),
            None => "the estate".to_owned(),
        };
        let (files, homes) = union.sorted(&owner)?;
        let stacks = stored.stacks.into_keys().zip(stacks).collect();
        let release = stored.release;
        Ok(Self {
            layout: layout.clone(),
            release,
            stacks,
            files,
            homes,
            layers: union.layers,
            cache: Mutex::default(),
        })
    }

    /// The estate release.
    pub fn release(&self) -> &EstateRelease {
        &self.release
    }

    /// A stack's contract.
    pub fn contract(&self, stack: &StackName) -> Option<&Contract> {
        self.stacks.get(stack).map(|stored| &stored.contract)
    }

    /// The modules that were fetched for a stack when it was built; `None` where it has none, or is not there. All of their files are read
    /// and checked.
    pub fn vendored(&self, stack: &StackName) -> Result<Option<VendoredTree>, StoredError> {
        let Some(stored) = self.stacks.get(stack) else { return Ok(None) };
        let Some(descriptor) = stored.manifest.layers.get(1) else { return Ok(None) };
        let layer = stored::layer(&self.layout, descriptor)?;
        let mut found = layer.compare(&stored.contract.vendored).into_iter();
        if let Some(mismatch) = found.next() {
            return Err(StoredError::Mismatch { what: descriptor.to_string(), mismatch, others: found.len() });
        }
        Ok(Some(VendoredTree {
            folder: stored.contract.folder.clone(),
            files: stored.contract.vendored.iter().map(entry_of).collect(),
            mark: descriptor.digest.to_string(),
            layer,
        }))
    }

    fn layer(&self, at: u32) -> Result<Arc<Layer>, StoredError> {
        if let Some(layer) = self.cache.lock().unwrap_or_else(PoisonError::into_inner).layers.get(&at) {
            return Ok(Arc::clone(layer));
        }
        // Not under the lock: others read other layers meanwhile.
        let layer = Arc::new(stored::layer(&self.layout, &self.layers[at as usize])?);
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.bytes + layer.size() > CACHE_BYTES_MAX {
            *cache = Cache::default();
        }
        if cache.layers.insert(at, Arc::clone(&layer)).is_none() {
            cache.bytes += layer.size();
        }
        Ok(layer)
    }
}

impl FileTree for ReleaseTree {
    fn files(&self) -> &[FileEntry] {
        &self.files
    }

    fn read(&self, entry: &FileEntry) -> Result<Vec<u8>, ReadError> {
        let error = |reason: String| ReadError { path: entry.path.clone(), reason };
        let at = self.files.binary_search_by(|own| own.path.cmp(&entry.path));
        let at = at.map_err(|_| error(format!("the release {} has no such file", self.release.digest.short())))?;
        let layer = self.layer(self.homes[at]).map_err(|source| error(source.to_string()))?;
        let missing = || error(format!("it is not in {}", self.layers[self.homes[at] as usize]));
        let content = layer.content(&entry.path).ok_or_else(missing)?;
        if self.files[at].id != Some(blob_id(content)) {
            let layer = &self.layers[self.homes[at] as usize];
            return Err(error(format!("its content in {layer} is not what the contract says")));
        }
        Ok(content.to_vec())
    }
}

/// Files of several layers.
#[derive(Default)]
struct Union {
    files: HashMap<RepoPath, (FileRecord, u32)>,
    layers: Vec<Descriptor>,
    contradiction: Option<(RepoPath, u32, u32)>,
}

impl Union {
    fn add(&mut self, records: &[FileRecord], layer: &Descriptor) {
        let at = u32::try_from(self.layers.len()).unwrap_or(u32::MAX);
        self.layers.push(layer.clone());
        for record in records {
            if let Some((known, home)) = self.files.get(&record.path) {
                if known != record && self.contradiction.is_none() {
                    self.contradiction = Some((record.path.clone(), *home, at));
                }
            } else {
                self.files.insert(record.path.clone(), (record.clone(), at));
            }
        }
    }

    fn sorted(&mut self, owner: &dyn Fn(u32) -> String) -> Result<(Vec<FileEntry>, Vec<u32>), ReleaseTreeError> {
        if let Some((path, one, other)) = self.contradiction.take() {
            return Err(ReleaseTreeError::Contradiction { path, one: owner(one), other: owner(other) });
        }
        for path in self.files.keys() {
            let mut folders = std::iter::successors(path.parent(), RepoPath::parent);
            if let Some(file) = folders.find(|folder| self.files.contains_key(folder)) {
                return Err(ReleaseTreeError::FileAndFolder { file, path: path.clone() });
            }
        }
        let mut files: Vec<_> = std::mem::take(&mut self.files).into_values().collect();
        files.par_sort_unstable_by(|a, b| a.0.path.cmp(&b.0.path));
        Ok(files.into_iter().map(|(record, home)| (entry_of(&record), home)).unzip())
    }
}

fn entry_of(record: &FileRecord) -> FileEntry {
    let kind = match record.mode {
        FileMode::Regular => FileKind::Regular,
        FileMode::Executable => FileKind::Executable,
        FileMode::Symlink => FileKind::Symlink,
    };
    FileEntry { path: record.path.clone(), kind, size: Some(record.size), id: Some(ObjectId20(record.blob.0)) }
}

/// The fetched modules of a stack, at their paths in the repository.
pub struct VendoredTree {
    folder: RepoPath,
    files: Vec<FileEntry>,
    layer: Layer,
    mark: String,
}

/// The file in `.terraform` that says which modules were laid out there.
const MARK_FILE: &str = ".terraform/terrace-modules";

impl VendoredTree {
    /// Lays the modules out in a work folder, in place of those that are there, unless they are these already. `root` is where the
    /// repository's root is. Says whether anything was written. A crash in between leaves no mark, and the next call begins again.
    pub fn lay_out(&self, root: &Path) -> Result<bool, LayOutError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| LayOutError { path, source }
        };
        let stack = root.join(self.folder.as_str());
        let (mark, modules) = (stack.join(MARK_FILE), stack.join(MODULES_FOLDER));
        if modules.is_dir() && fs::read_to_string(&mark).is_ok_and(|laid| laid == self.mark) {
            return Ok(false);
        }
        for removed in [fs::remove_file(&mark), fs::remove_dir_all(&modules)] {
            if let Err(error) = removed
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(failed(&modules)(error));
            }
        }
        for entry in &self.files {
            let content = self.layer.content(&entry.path).unwrap_or_default();
            let path = root.join(entry.path.as_str());
            write_file(&path, entry.kind, content).map_err(failed(&path))?;
        }
        fs::write(&mark, &self.mark).map_err(failed(&mark))?;
        Ok(true)
    }
}

impl FileTree for VendoredTree {
    fn files(&self) -> &[FileEntry] {
        &self.files
    }

    fn read(&self, entry: &FileEntry) -> Result<Vec<u8>, ReadError> {
        let missing =
            || ReadError { path: entry.path.clone(), reason: "it is not among the fetched modules".to_owned() };
        self.layer.content(&entry.path).map(<[u8]>::to_vec).ok_or_else(missing)
    }
}

/// Fetched modules cannot be laid out.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`", path.display())]
pub struct LayOutError {
    /// The file or the folder.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}
