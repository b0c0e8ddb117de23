//! The one way in which the tests of this crate look at a fixture.

use terrace_config::fixture::MemoryTree;
use terrace_config::tree::FileTree;
use terrace_config::{MemoryCache, check_estate, load_code, load_estate, render, sort_diagnostics, sources};
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::estate::ESTATE_FILE;
use terrace_domain::path::RepoPath;

/// The smallest estate: what a fixture without a `terrace.hcl` is given.
pub(crate) const SMALLEST: &str = r#"estate "e" {}
environment "dev" {
  vars = { region = "eu-west-1" }
}
pipeline {
  stage "dev" { environment = "dev" }
}
"#;

/// All that is wrong with a fixture, rendered without colours.
pub(crate) fn check(fixture: &str) -> String {
    let mut tree = MemoryTree::parse(fixture);
    if tree.find(&RepoPath::new(ESTATE_FILE).expect("a file name")).is_none() {
        tree = tree.with("terrace.hcl", SMALLEST);
    }
    check_tree(&tree)
}

/// All that is wrong with a tree, rendered without colours.
pub(crate) fn check_tree(tree: &MemoryTree) -> String {
    let diagnostics = diagnose(tree);
    render(&diagnostics, &sources(tree, &diagnostics), false)
}

/// All that is wrong with a tree.
pub(crate) fn diagnose(tree: &MemoryTree) -> Vec<Diagnostic> {
    let loaded = load_estate(tree, &RepoPath::root());
    let mut diagnostics = loaded.diagnostics;
    if let Some(estate) = loaded.estate {
        let code = load_code(tree, &estate, estate.stacks.values(), &MemoryCache::default());
        diagnostics.extend(check_estate(tree, &estate, &code));
        diagnostics.extend(code.diagnostics);
    }
    sort_diagnostics(&mut diagnostics);
    diagnostics
}
