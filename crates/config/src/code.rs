//! Loads what Terraform code declares: the facts of each stack's folder and of every local module that it reaches, at any depth.

mod extract;
mod extract_json;
mod facts;
mod fit;
mod folder;
mod json;
mod language;
mod parts;
mod reach;

pub use facts::{FactsCache, FactsKey, FileFacts, MemoryCache};
pub use fit::{Fit, MISFITS_MAX, provider_source};
pub use language::is_test;
pub(crate) use language::{Language, is_directly_in, is_json, is_override, is_tofu};
pub use parts::load_parts;
pub use reach::Code;

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;
use terrace_domain::code::ModuleFacts;
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::estate::{Estate, Stack};
use terrace_domain::path::RepoPath;

use crate::load::sort_diagnostics;
use crate::source::place;
use crate::tree::{FileKind, FileTree};

/// How many symbolic links are followed one after the other: more is a circle, or as bad as one.
const LINKS_MAX: usize = 8;

/// Loads the code of stacks: their folders and all local modules that these reach. `.tf` files whose facts the cache knows by
/// their blob id are not read.
pub fn load_code<'e>(
    tree: &dyn FileTree,
    estate: &'e Estate,
    stacks: impl IntoIterator<Item = &'e Stack>,
    cache: &dyn FactsCache,
) -> Code {
    let mut code = Code::default();
    let language = Language::of(estate);
    let mut wave: BTreeSet<RepoPath> = stacks.into_iter().map(|stack| stack.folder.clone()).collect();
    while !wave.is_empty() {
        let read: Vec<_> = wave.par_iter().map(|at| (at.clone(), folder::read(tree, at, language, cache))).collect();
        let mut next = BTreeSet::new();
        for (at, (facts, mut found)) in read {
            code.diagnostics.append(&mut found);
            let calls = local_calls(tree, (&at, language), &facts, &mut code.diagnostics);
            next.extend(calls.iter().filter(|called| !code.modules.contains_key(*called)).cloned());
            code.calls.insert(at.clone(), calls);
            code.modules.insert(at, Arc::new(facts));
        }
        wave = next.into_iter().filter(|called| !code.modules.contains_key(called)).collect();
    }
    code.report_circles();
    code.folders = estate.stacks.values().map(|stack| (stack.name.clone(), stack.folder.clone())).collect();
    sort_diagnostics(&mut code.diagnostics);
    code
}

/// The folders of the local modules that a folder calls, each once, in order.
fn local_calls(
    tree: &dyn FileTree,
    (folder, language): (&RepoPath, Language),
    facts: &ModuleFacts,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<RepoPath> {
    let mut called = BTreeSet::new();
    for call in &facts.module_calls {
        let here = || place(&call.place.0, call.place.1);
        let target = match (call.is_local(), call.source.starts_with('/')) {
            (true, _) => folder.join(&call.source).ok(),
            (false, true) => None,
            (false, false) => continue,
        };
        let Some(target) = target else {
            let outside = format!("the module `{}` lies outside of the repository", call.name);
            let diagnostic = Diagnostic::error("module-outside", outside).at(here(), "leads out of the repository").help(
                "A release holds what its commit holds: move the module into the repository, or use a remote source with a version.",
            );
            diagnostics.push(diagnostic);
            continue;
        };
        match follow(tree, target.clone()) {
            Some(real) if !language.files(tree, &real).is_empty() => {
                called.insert(real);
            }
            _ => {
                let diagnostic =
                    Diagnostic::error("missing-module", format!("there is no Terraform code in `{target}`"))
                        .at(here(), format!("called here as the module `{}`", call.name));
                diagnostics.push(if in_submodule(tree, &target) {
                    diagnostic.help("It lies in a git submodule, whose files are not part of the commit: copy the module into the repository.")
                } else {
                    diagnostic
                });
            }
        }
    }
    called.into_iter().collect()
}

fn in_submodule(tree: &dyn FileTree, folder: &RepoPath) -> bool {
    std::iter::successors(Some(folder.clone()), RepoPath::parent)
        .any(|part| tree.find(&part).is_some_and(|entry| entry.kind == FileKind::Submodule))
}

/// The path that is meant where the path, or a folder on the way to it, is a symbolic link; `None` where that leads nowhere.
pub(crate) fn follow(tree: &dyn FileTree, path: RepoPath) -> Option<RepoPath> {
    let mut path = path;
    for _ in 0..=LINKS_MAX {
        let link = std::iter::successors(Some(path.clone()), RepoPath::parent)
            .take_while(|part| !part.as_str().is_empty())
            .find_map(|part| tree.find(&part).filter(|entry| entry.kind == FileKind::Symlink));
        let Some(link) = link else { return Some(path) };
        let target = String::from_utf8(tree.read(link).ok()?).ok()?;
        if target.starts_with('/') {
            return None;
        }
        let rest = path.as_str()[link.path.as_str().len()..].trim_start_matches('/').to_owned();
        path = link.path.parent()?.join(&target).ok()?.join(&rest).ok()?;
    }
    None
}
