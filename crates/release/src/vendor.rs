//! Modules that lie elsewhere, fetched when a release is built: so that a tag that is moved cannot move a release. Owns what becomes of the
//! folder that `terraform get` makes; which program that is, says who builds.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use terrace_config::tree::{FileEntry, FileTree};
use terrace_domain::path::RepoPath;
use terrace_domain::release::{BlobId, FileMode, FileRecord, VendoredModule};
use terrace_world::terraform::{Environment, process};
use terrace_world::tree::blob_id;
use terrace_world::workspace::{LayoutError, Workspace};

use crate::oci::{from_json, to_json};
use crate::unpack::checked_path;

/// Where Terraform looks for fetched modules, below the stack's folder.
pub const MODULES_FOLDER: &str = ".terraform/modules";
/// Terraform's list of them there.
pub const MODULES_FILE: &str = "modules.json";
/// So many files are a stack's fetched modules at most: the largest public module has a few thousand.
const FILES_MAX: usize = 100_000;
/// So many bytes they have at most: they become one layer.
const BYTES_MAX: u64 = 512 << 20;
/// The deepest folder that is looked into.
const DEPTH_MAX: usize = 200;

/// Fetches modules.
pub trait ModuleInstaller: Sync {
    /// Fetches the modules that the code in `folder` calls into [`MODULES_FOLDER`] there.
    fn install(&self, folder: &Path) -> Result<(), InstallError>;
}

/// Modules were not fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InstallError(pub String);

/// Fetches with `terraform get` (or `tofu get`).
#[derive(Debug, Clone)]
pub struct TerraformGet {
    /// The program.
    pub program: PathBuf,
    /// What it sees of the environment.
    pub environment: Environment,
}

impl ModuleInstaller for TerraformGet {
    fn install(&self, folder: &Path) -> Result<(), InstallError> {
        let failed = |error: &dyn std::error::Error| InstallError(error.to_string());
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| failed(&error))?;
        let arguments = [OsStr::new("get"), OsStr::new("-no-color")];
        let (ask, stop) = tokio::sync::watch::channel(false);
        let get = process::capture(&self.program, &arguments, folder, &self.environment, stop);
        let done = runtime.block_on(async {
            let mut get = std::pin::pin!(get);
            loop {
                tokio::select! {
                    done = &mut get => break done,
                    interrupted = tokio::signal::ctrl_c(), if !*ask.borrow() => {
                        ask.send_replace(interrupted.is_ok());
                    }
                }
            }
        });
        let done = done.map_err(|error| failed(&error))?;
        if done.interrupted {
            return Err(InstallError("it was interrupted".to_owned()));
        }
        if !done.status.success() {
            let said = done.errors.trim();
            return Err(InstallError(if said.is_empty() { done.status.to_string() } else { said.to_owned() }));
        }
        Ok(())
    }
}

/// The fetched modules of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vendored {
    /// The modules, sorted by key.
    pub modules: Vec<VendoredModule>,
    /// Their files and contents, sorted by path (from the repository's root).
    pub files: Vec<(FileRecord, Vec<u8>)>,
    /// Symbolic links in them that lead out of the folder of modules; they are left out.
    pub left_out: Vec<RepoPath>,
}

/// The modules of a stack cannot be fetched.
#[derive(Debug, thiserror::Error)]
pub enum VendorError {
    /// The stack's files cannot be laid out.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The program failed.
    #[error("the modules cannot be fetched: {0}")]
    Install(#[from] InstallError),
    /// What it made cannot be read.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, a verb.
        action: &'static str,
        /// The file or the folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What it made cannot be a part of a release.
    #[error("the fetched modules cannot be kept: {0}")]
    Refused(String),
}

/// Fetches the modules that a stack calls, in a folder of its own below `scratch`, which is removed again.
pub fn vendor(
    tree: &dyn FileTree,
    files: &[FileEntry],
    folder: &RepoPath,
    installer: &dyn ModuleInstaller,
    scratch: &Path,
) -> Result<Vendored, VendorError> {
    let temporary = tempfile::tempdir_in(scratch).map_err(failed("make a folder in", scratch))?;
    let workspace = Workspace::new(temporary.path().join("stack"), []);
    workspace.lay_out(tree, files)?;
    installer.install(&workspace.path_of(folder))?;
    let place = folder.join(MODULES_FOLDER).expect("a folder's name does not climb");
    collect(&workspace.path_of(&place), &place)
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> VendorError + use<> {
    let path = path.to_owned();
    move |source| VendorError::Io { action, path, source }
}

/// Reads what was fetched into `root`, which is `place` in the repository.
fn collect(root: &Path, place: &RepoPath) -> Result<Vendored, VendorError> {
    let mut collected = Collected { place, vendored: Vendored::default(), bytes: 0 };
    collected.read_folder(root, place, 0)?;
    let Collected { mut vendored, .. } = collected;
    vendored.files.sort_by(|a, b| a.0.path.cmp(&b.0.path));
    let list = place.join(MODULES_FILE).expect("a file's name does not climb");
    let at = vendored.files.binary_search_by(|(record, _)| record.path.cmp(&list));
    let at = at.map_err(|_| VendorError::Refused(format!("there is no `{list}`")))?;
    let (modules, bytes) = normalised(&vendored.files[at].1, list.as_str())?;
    vendored.files[at] = (record(list, FileMode::Regular, &bytes), bytes);
    vendored.modules = modules;
    Ok(vendored)
}

struct Collected<'a> {
    place: &'a RepoPath,
    vendored: Vendored,
    bytes: u64,
}

impl Collected<'_> {
    fn read_folder(&mut self, folder: &Path, path: &RepoPath, depth: usize) -> Result<(), VendorError> {
        if depth > DEPTH_MAX {
            return Err(VendorError::Refused(format!("`{path}` is nested too deep")));
        }
        for entry in folder.read_dir().map_err(failed("list", folder))? {
            let entry = entry.map_err(failed("list", folder))?;
            let name = entry.file_name();
            // The history of a module that came from git: of no use to Terraform, and never the same twice.
            if name.eq_ignore_ascii_case(".git") {
                continue;
            }
            let shown = || VendorError::Refused(format!("the name `{}` in `{path}` cannot be used", name.display()));
            let name = name.to_str().filter(|name| checked_path(name).is_ok()).ok_or_else(shown)?;
            let own = path.join(name).map_err(|_| shown())?;
            let kind = entry.file_type().map_err(failed("look at", &entry.path()))?;
            if kind.is_dir() {
                self.read_folder(&entry.path(), &own, depth + 1)?;
            } else if kind.is_symlink() {
                self.read_link(&entry.path(), own)?;
            } else if kind.is_file() {
                self.read_file(&entry.path(), own)?;
            } else {
                return Err(VendorError::Refused(format!("`{own}` is neither a file nor a link")));
            }
        }
        Ok(())
    }

    fn read_link(&mut self, file: &Path, path: RepoPath) -> Result<(), VendorError> {
        let target = fs::read_link(file).map_err(failed("read", file))?;
        let folder = path.parent().unwrap_or_else(RepoPath::root);
        let leads_to = target.to_str().filter(|text| !text.starts_with('/')).and_then(|text| folder.join(text).ok());
        if leads_to.is_some_and(|path| path.is_within(self.place)) {
            return self.keep(path, FileMode::Symlink, target.as_os_str().as_bytes().to_vec());
        }
        self.vendored.left_out.push(path);
        Ok(())
    }

    fn read_file(&mut self, file: &Path, path: RepoPath) -> Result<(), VendorError> {
        let metadata = file.metadata().map_err(failed("look at", file))?;
        self.count(metadata.len())?;
        let content = fs::read(file).map_err(failed("read", file))?;
        let is_executable = metadata.permissions().mode() & 0o100 != 0;
        self.keep(path, if is_executable { FileMode::Executable } else { FileMode::Regular }, content)
    }

    fn count(&mut self, bytes: u64) -> Result<(), VendorError> {
        self.bytes += bytes;
        if self.bytes > BYTES_MAX {
            return Err(VendorError::Refused(format!("they have more than {} MiB", BYTES_MAX >> 20)));
        }
        Ok(())
    }

    fn keep(&mut self, path: RepoPath, mode: FileMode, content: Vec<u8>) -> Result<(), VendorError> {
        if self.vendored.files.len() == FILES_MAX {
            return Err(VendorError::Refused(format!("they have more than {FILES_MAX} files")));
        }
        self.vendored.files.push((record(path, mode, &content), content));
        Ok(())
    }
}

fn record(path: RepoPath, mode: FileMode, content: &[u8]) -> FileRecord {
    FileRecord { path, mode, blob: BlobId(blob_id(content).0), size: content.len() as u64 }
}

/// Terraform's list of installed modules (its source, `internal/modsdir/manifest.go`).
#[derive(Serialize, Deserialize)]
struct ModulesFile {
    #[serde(rename = "Modules")]
    modules: Vec<ModuleEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ModuleEntry {
    key: String,
    source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    dir: String,
}

/// The modules that are in the folder, and the list with its entries sorted.
fn normalised(bytes: &[u8], what: &str) -> Result<(Vec<VendoredModule>, Vec<u8>), VendorError> {
    let mut list: ModulesFile = from_json(bytes, what).map_err(|error| VendorError::Refused(error.to_string()))?;
    list.modules.sort_by(|a, b| a.key.cmp(&b.key));
    if let Some(entry) = list.modules.iter().find(|entry| entry.dir.starts_with('/')) {
        return Err(VendorError::Refused(format!("the module `{}` lies in `{}`", entry.key, entry.dir)));
    }
    let is_fetched = |entry: &&ModuleEntry| entry.dir.starts_with(MODULES_FOLDER);
    let fetched: BTreeSet<VendoredModule> = list
        .modules
        .iter()
        .filter(is_fetched)
        .map(|entry| VendoredModule {
            key: entry.key.clone(),
            source: entry.source.clone(),
            version: entry.version.clone(),
        })
        .collect();
    Ok((fetched.into_iter().collect(), to_json(&list)))
}
