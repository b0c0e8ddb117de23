//! Moves the code of resources from one stack to another: the blocks, what they need, and the contract between the stacks. Owns what the texts are
//! afterwards; reads files through `FileTree` and writes none. That the new texts make a sound estate is checked before they are given away.

mod carry;
mod contract;
mod folder;
mod mover;
mod overlay;
mod provider;
mod references;
mod splice;
mod stack_text;
mod write;

use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::estate::{Estate, Stack};
use terrace_domain::moves::MovedAddress;
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;

use self::mover::Mover;
pub use self::overlay::Overlay;
use crate::check::check_estate;
use crate::code::{MemoryCache, load_code};
use crate::load::{has_errors, load_estate, sort_diagnostics};
use crate::tree::FileTree;

/// What is to move.
#[derive(Debug, Clone, Copy)]
pub struct MoveRequest<'a> {
    /// The stack that gives.
    pub from: &'a Stack,
    /// The stack that takes.
    pub to: &'a Stack,
    /// The addresses; the same in both.
    pub addresses: &'a [MovedAddress],
}

/// The texts after a move, and what changes for those who read the stacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MovedCode {
    /// The files that change, in order of path.
    pub files: Vec<ChangedText>,
    /// What changes in the contracts.
    pub contract: ContractChanges,
    /// What is to be looked at by a person.
    pub notes: Vec<Diagnostic>,
}

/// A file that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedText {
    /// The file.
    pub path: RepoPath,
    /// Its text before; `None` where it is new.
    pub before: Option<String>,
    /// Its text afterwards; `None` where nothing is left of it.
    pub after: Option<String>,
}

/// What changes in the contracts of the two stacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContractChanges {
    /// Outputs that the taker has now in place of the giver: the name there and here.
    pub outputs_moved: Vec<(String, String)>,
    /// Outputs that the taker is given, so that the giver can read them.
    pub outputs_of_taker: Vec<String>,
    /// Outputs that the giver is given, so that the taker can read them.
    pub outputs_of_giver: Vec<String>,
    /// Variables that the taker is given, each with its input.
    pub variables_of_taker: Vec<(String, Option<String>)>,
    /// Variables that the giver is given, each with its input.
    pub variables_of_giver: Vec<(String, Option<String>)>,
    /// Variables that the giver needs no more.
    pub variables_dropped: Vec<String>,
    /// Other stacks whose inputs read from the taker now.
    pub readers: Vec<StackName>,
}

/// Moves the code.
///
/// # Errors
/// With everything that stands in the way, each with its place in the tree as it is; or with what would be wrong with the estate afterwards, each
/// with its place in the texts that are given along.
pub fn move_code(tree: &dyn FileTree, estate: &Estate, request: MoveRequest<'_>) -> Result<MovedCode, MoveRefused> {
    let moved = Mover::begin(tree, estate, request).and_then(Mover::run);
    let mut moved = moved.map_err(|mut diagnostics| {
        sort_diagnostics(&mut diagnostics);
        MoveRefused { diagnostics, files: Vec::new() }
    })?;
    moved.files.sort_by(|a, b| a.path.cmp(&b.path));
    let after = Overlay::new(tree, moved.files.iter().map(|file| (file.path.clone(), file.after.clone())));
    let found = wrong_afterwards(&after, &estate.root);
    if has_errors(&found) {
        return Err(MoveRefused { diagnostics: found, files: moved.files });
    }
    Ok(moved)
}

/// Why code cannot be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveRefused {
    /// What stands in the way.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that the places are in, where the texts are those after the move.
    pub files: Vec<ChangedText>,
}

/// What is wrong with the estate after the move.
fn wrong_afterwards(after: &Overlay<'_>, root: &RepoPath) -> Vec<Diagnostic> {
    let loaded = load_estate(after, root);
    let mut found = loaded.diagnostics;
    if let Some(estate) = &loaded.estate {
        let code = load_code(after, estate, estate.stacks.values(), &MemoryCache::default());
        found.extend(check_estate(after, estate, &code));
        found.extend(code.diagnostics);
    }
    sort_diagnostics(&mut found);
    found
}
