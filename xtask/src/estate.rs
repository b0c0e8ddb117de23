//! Writes realistic estates of any size: the same numbers make the same bytes, on any machine. Owns the order of work; what stacks
//! there are is in `layout`, what their files say in the other modules. What it writes passes `terrace validate`, and small estates
//! can be delivered to the sandbox.

mod layout;
mod module;
mod random;
mod repository;
mod root;
mod stack;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use rayon::prelude::*;

use layout::Layout;

/// The seed when nobody asks for another.
pub const DEFAULT_SEED: u64 = 1;
/// The most stacks: ten times what Terrace is built for. Names have five digits.
pub const STACKS_MAX: usize = 99_999;

/// A file of an estate: its path in the repository and its text.
pub type File = (String, String);

/// An estate that can be written.
#[derive(Debug)]
pub struct Blueprint {
    layout: Layout,
}

impl Blueprint {
    /// Lays out an estate of so many stacks (at most [`STACKS_MAX`], at least one).
    pub fn new(stacks: usize, seed: u64) -> Self {
        Self { layout: Layout::new(stacks.clamp(1, STACKS_MAX), seed) }
    }

    /// How many local modules it has.
    pub fn modules(&self) -> usize {
        self.layout.modules.len()
    }

    /// All its files, in no particular order.
    pub fn files(&self) -> Vec<File> {
        let layout = &self.layout;
        let modules = layout.modules.par_iter().flat_map_iter(|module| module::files(layout, module));
        let stacks = layout.stacks.par_iter().flat_map_iter(|stack| stack::files(layout, stack));
        let mut all: Vec<File> = modules.chain(stacks).collect();
        all.extend(root::files(layout));
        all
    }

    /// The files that the second commit has otherwise: one of a module that some stacks reach, and a `stack.hcl`.
    pub fn changed_files(&self) -> Vec<File> {
        vec![module::changed(&self.layout), stack::changed(&self.layout)]
    }

    /// Writes the estate into a folder that does not exist or is empty; returns how many files there are.
    ///
    /// # Errors
    /// When the folder has something in it, or cannot be written.
    pub fn write(&self, folder: &Path) -> Result<usize> {
        let is_free = !folder.exists() || folder.read_dir().is_ok_and(|mut entries| entries.next().is_none());
        ensure!(is_free, "{} is there already, and not an empty folder", folder.display());
        let files = self.files();
        write(folder, &files)?;
        Ok(files.len())
    }

    /// Makes a written estate a git repository with two commits; the second has [`Self::changed_files`].
    ///
    /// # Errors
    /// When git fails, or the folder cannot be written.
    pub fn commit_twice(&self, folder: &Path) -> Result<()> {
        repository::begin(folder)?;
        repository::commit(folder, "Begin with a generated estate", 0)?;
        write(folder, &self.changed_files())?;
        repository::commit(folder, "Change a module and a stack", 1)?;
        repository::pack(folder)
    }
}

/// Makes a folder a git repository.
///
/// # Errors
/// When git fails.
pub fn begin(folder: &Path) -> Result<()> {
    repository::begin(folder)
}

/// Commits all that is in a repository without a commit.
///
/// # Errors
/// When git fails.
pub fn commit(folder: &Path, message: &str) -> Result<()> {
    repository::commit(folder, message, 0)
}

fn write(folder: &Path, files: &[File]) -> Result<()> {
    files.par_iter().try_for_each(|(path, text)| {
        let full = folder.join(path);
        let parent = full.parent().context("a path below the estate's folder")?;
        std::fs::create_dir_all(parent).with_context(|| format!("make {}", parent.display()))?;
        std::fs::write(&full, text).with_context(|| format!("write {}", full.display()))
    })
}

#[cfg(test)]
mod tests;
