//! Loads an estate: finds its files, reads them in parallel, and puts together what they say. Reads no `.tf` file.

use std::collections::{BTreeMap, HashSet};

use rayon::prelude::*;
use terrace_domain::diagnostic::{Diagnostic, Severity};
use terrace_domain::estate::{ESTATE_FILE, Estate, STACK_FILE};
use terrace_domain::path::RepoPath;

use crate::codeowners::Codeowners;
use crate::estate_file::{self, EstateFile};
use crate::owners;
use crate::resolve::{self, Gaps};
use crate::section::File;
use crate::source::{FILE_SIZE_MAX, parse, read_text};
use crate::stack_file::{self, StackFile};
use crate::tree::{FileEntry, FileTree};

/// Folders that hold what tools wrote, not what people wrote: never walked.
const SKIPPED_FOLDERS: [&str; 3] = [".terraform", ".terrace", ".git"];

/// An estate as far as it could be loaded, and all that is wrong with it.
#[derive(Debug)]
pub struct Loaded {
    /// The estate; `None` when `terrace.hcl` does not say enough. With errors among the diagnostics, parts of it are missing:
    /// good enough to complete names and to go on checking, not to deliver.
    pub estate: Option<Estate>,
    /// What is wrong, in order of file and place.
    pub diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    /// The estate, when nothing is wrong with it that matters.
    pub fn usable(&self) -> Option<&Estate> {
        if has_errors(&self.diagnostics) { None } else { self.estate.as_ref() }
    }
}

/// Whether an error is among them.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// Sorts diagnostics by file, place and text, so that they come in the same order each time, and drops repetitions.
pub fn sort_diagnostics(diagnostics: &mut Vec<Diagnostic>) {
    let key = |diagnostic: &Diagnostic| {
        diagnostic
            .primary
            .as_ref()
            .map(|label| (label.place.path.clone(), label.place.range.start, label.place.range.end))
    };
    diagnostics.sort_by(|a, b| (key(a), a.code, &a.summary).cmp(&(key(b), b.code, &b.summary)));
    diagnostics.dedup();
}

/// Loads the estate whose `terrace.hcl` is in the folder `root`: that file and all `stack.hcl` below it.
pub fn load_estate(tree: &dyn FileTree, root: &RepoPath) -> Loaded {
    let mut diagnostics = Vec::new();
    let estate_path = root.join(ESTATE_FILE).expect("a file name does not climb");
    let Some(entry) = tree.find(&estate_path) else {
        let missing = Diagnostic::error("no-estate", format!("there is no {ESTATE_FILE} in `{root}`"))
            .help("Run `terrace init` to begin an estate here.");
        return Loaded { estate: None, diagnostics: vec![missing] };
    };
    let read_estate = read_estate_file(tree, entry, root, &mut diagnostics);
    let found = read_stack_files(tree, root, &mut diagnostics);
    let estate = read_estate.and_then(|EstateFile { estate, incomplete, needs }| {
        let mut estate = estate?;
        let gaps = Gaps { stacks: found.lost, environments: incomplete };
        resolve::resolve(&mut estate, found.stacks, &gaps, &needs, &mut diagnostics);
        add_code_owners(tree, &mut estate, &mut diagnostics);
        owners::check(&estate, &mut diagnostics);
        Some(estate)
    });
    sort_diagnostics(&mut diagnostics);
    Loaded { estate, diagnostics }
}

/// Notes who owns the stacks' folders by `CODEOWNERS`, where there is such a file.
fn add_code_owners(tree: &dyn FileTree, estate: &mut Estate, diagnostics: &mut Vec<Diagnostic>) {
    let (owners, wrong) = Codeowners::load(tree);
    diagnostics.extend(wrong);
    let Some(owners) = owners else { return };
    diagnostics.extend(owners.strangers(estate));
    for stack in estate.stacks.values_mut() {
        stack.code_owners = owners.owners_of(&stack.file()).iter().map(ToString::to_string).collect();
    }
}

fn read_estate_file(
    tree: &dyn FileTree,
    entry: &FileEntry,
    root: &RepoPath,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<EstateFile> {
    let body = read_text(tree, entry, FILE_SIZE_MAX).and_then(|text| parse(&entry.path, &text));
    match body {
        Ok(body) => {
            let mut file = File::new(&entry.path);
            let read = estate_file::read(&mut file, root, &body);
            diagnostics.append(&mut file.diagnostics);
            Some(read)
        }
        Err(diagnostic) => {
            diagnostics.push(*diagnostic);
            None
        }
    }
}

struct StackFiles {
    stacks: Vec<StackFile>,
    lost: HashSet<String>,
}

fn read_stack_files(tree: &dyn FileTree, root: &RepoPath, diagnostics: &mut Vec<Diagnostic>) -> StackFiles {
    let files = stack_entries(tree, root);
    let read: Vec<_> = files.par_iter().map(|entry| read_stack_file(tree, entry, root)).collect();
    let mut found = StackFiles { stacks: Vec::with_capacity(read.len()), lost: HashSet::new() };
    for (stack, mut wrong) in read {
        match stack {
            Ok(stack) => found.stacks.push(stack),
            Err(lost) => found.lost.extend(lost),
        }
        diagnostics.append(&mut wrong);
    }
    found
}

/// A stack, or the name that a stack would have if its file could be read.
fn read_stack_file(
    tree: &dyn FileTree,
    entry: &FileEntry,
    root: &RepoPath,
) -> (Result<StackFile, Option<String>>, Vec<Diagnostic>) {
    let text = match read_text(tree, entry, FILE_SIZE_MAX) {
        Ok(text) => text,
        Err(diagnostic) => return (Err(None), vec![*diagnostic]),
    };
    match parse(&entry.path, &text) {
        Ok(body) => {
            let mut file = File::new(&entry.path);
            let stack = stack_file::read(&mut file, root, &body);
            (stack.ok_or(None), file.diagnostics)
        }
        Err(diagnostic) => (Err(stack_file::name_in(&text)), vec![*diagnostic]),
    }
}

/// All `stack.hcl` of the estate: not in folders of tools, not in another estate's folder.
fn stack_entries<'t>(tree: &'t dyn FileTree, root: &RepoPath) -> Vec<&'t FileEntry> {
    let below = tree.below(root);
    let estates: HashSet<&str> = below
        .iter()
        .filter(|entry| entry.path.file_name() == ESTATE_FILE)
        .map(|entry| folder_of(entry.path.as_str()))
        .filter(|folder| *folder != root.as_str())
        .collect();
    let own = |path: &str| {
        let inside = path.get(root.as_str().len()..).unwrap_or("");
        !inside.split('/').any(|part| SKIPPED_FOLDERS.contains(&part))
            && (estates.is_empty() || !folders_around(path).any(|folder| estates.contains(folder)))
    };
    below.iter().filter(|entry| entry.path.file_name() == STACK_FILE && own(entry.path.as_str())).collect()
}

fn folder_of(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..at])
}

/// The folders around a path, innermost first, without the repository's root.
pub(crate) fn folders_around(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder_of(path)), |folder| Some(folder_of(folder)))
        .take_while(|folder| !folder.is_empty())
}

/// The texts of files, for showing what diagnostics point at.
pub type Sources = BTreeMap<RepoPath, String>;

/// Reads again the files that diagnostics point at. Files that cannot be shown are left out.
pub fn sources(tree: &dyn FileTree, diagnostics: &[Diagnostic]) -> Sources {
    let labels = diagnostics.iter().flat_map(|diagnostic| diagnostic.primary.iter().chain(&diagnostic.secondary));
    let paths: HashSet<&RepoPath> = labels.map(|label| &label.place.path).collect();
    let read = |path: &&RepoPath| {
        let text = read_text(tree, tree.find(path)?, SHOWN_SIZE_MAX).ok()?;
        Some(((*path).clone(), text))
    };
    paths.iter().filter_map(read).collect()
}

/// The largest file that is shown beside a diagnostic, in bytes: as large as the largest `.tf` file that is read.
const SHOWN_SIZE_MAX: u64 = crate::source::CODE_SIZE_MAX;
