//! What the benchmarks measure with: generated estates and plans. The figures that they come to are in `docs/benchmarks.md`.

pub mod plan;

use terrace_config::fixture::MemoryTree;
use terrace_config::tree::{FileKind, FileTree};
use terrace_config::{Code, MemoryCache, load_code, load_estate};
use terrace_domain::estate::Estate;
use terrace_domain::path::RepoPath;
use xtask::estate::{Blueprint, DEFAULT_SEED};

/// How many stacks Terrace is built for.
pub const STACKS: usize = 10_000;

/// The estate that is measured.
pub fn blueprint() -> Blueprint {
    Blueprint::new(STACKS, DEFAULT_SEED)
}

/// Its files, in memory.
pub fn memory_tree() -> MemoryTree {
    memory_tree_of(STACKS)
}

/// The files of an estate with so many stacks, in memory.
pub fn memory_tree_of(stacks: usize) -> MemoryTree {
    let files = Blueprint::new(stacks, DEFAULT_SEED).files().into_iter();
    MemoryTree::new(files.map(|(path, text)| (path_of(&path), FileKind::Regular, text.into())))
}

/// The estate in a tree.
///
/// # Panics
/// When there is anything wrong with it: then the figures would be of something else.
pub fn load(tree: &dyn FileTree) -> Estate {
    let loaded = load_estate(tree, &RepoPath::root());
    assert!(loaded.diagnostics.is_empty(), "the generated estate is sound");
    loaded.estate.expect("a sound estate")
}

/// The code of all stacks, each file read.
pub fn load_all_code(tree: &dyn FileTree, estate: &Estate) -> Code {
    load_code(tree, estate, estate.stacks.values(), &MemoryCache::default())
}

/// A path of the estate.
///
/// # Panics
/// When it leads out of the repository.
pub fn path_of(text: &str) -> RepoPath {
    RepoPath::new(text).expect("generated paths stay inside")
}
