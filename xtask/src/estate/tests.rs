//! What generated estates promise: they are the same each time, sound, layered, and their second commit changes what it says.

use std::collections::BTreeMap;

use terrace_config::fixture::MemoryTree;
use terrace_config::tree::FileKind;
use terrace_config::{Code, MemoryCache, check_estate, load_code, load_estate};
use terrace_domain::estate::Estate;
use terrace_domain::graph::Graph;
use terrace_domain::path::RepoPath;

use super::*;

fn tree(files: Vec<File>) -> MemoryTree {
    MemoryTree::new(
        files.into_iter().map(|(path, text)| (RepoPath::new(&path).unwrap(), FileKind::Regular, text.into())),
    )
}

fn sound(files: Vec<File>) -> (Estate, Code) {
    let tree = tree(files);
    let loaded = load_estate(&tree, &RepoPath::root());
    assert_eq!(loaded.diagnostics, []);
    let estate = loaded.estate.unwrap();
    let code = load_code(&tree, &estate, estate.stacks.values(), &MemoryCache::default());
    assert_eq!(code.diagnostics, []);
    assert_eq!(check_estate(&tree, &estate, &code), []);
    (estate, code)
}

#[test]
fn estates_of_all_sizes_are_sound() {
    for stacks in [1, 2, 3, 5, 8, 12, 40, 700] {
        let (estate, _) = sound(Blueprint::new(stacks, DEFAULT_SEED).files());
        assert_eq!(estate.stacks.len(), stacks);
    }
}

#[test]
fn a_seed_makes_one_estate() {
    let sorted = |seed| {
        let mut files = Blueprint::new(60, seed).files();
        files.sort();
        files
    };
    assert_eq!(sorted(7), sorted(7));
    assert_ne!(sorted(7), sorted(8));
}

#[test]
fn stacks_are_layered_and_read_a_few_outputs() {
    let (estate, code) = sound(Blueprint::new(800, DEFAULT_SEED).files());
    let graph = Graph::of(&estate);
    assert_eq!(graph.waves().len(), 8);
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for name in estate.stacks.keys() {
        let outputs = graph.upstream_of(name.as_str()).values().map(|dependency| dependency.outputs.len()).sum();
        *counts.entry(outputs).or_default() += 1;
    }
    assert!(counts.keys().all(|outputs| *outputs <= 3), "{counts:?}");
    assert!(counts[&0] > 80 && counts[&0] < 320, "{counts:?}");
    let deep = estate.stacks.keys().filter(|name| code.reached(name).iter().any(|(_, chain)| chain.len() > 1)).count();
    assert!(deep > 50, "modules call modules");
    assert!(estate.stacks.values().any(|stack| !stack.watch.is_empty()));
}

#[test]
fn the_second_commit_changes_a_module_in_use_and_a_stack() {
    let blueprint = Blueprint::new(100, DEFAULT_SEED);
    let before: BTreeMap<_, _> = blueprint.files().into_iter().collect();
    let changed = blueprint.changed_files();
    assert_eq!(changed.len(), 2);
    for (path, text) in &changed {
        assert_ne!(&before[path], text, "{path}");
    }
    let mut after = before;
    after.extend(changed.clone());
    let (estate, code) = sound(after.into_iter().collect());
    let module = RepoPath::new(&changed[0].0).unwrap().parent().unwrap();
    let users = estate.stacks.keys().filter(|name| code.reached(name).iter().any(|(at, _)| *at == module)).count();
    assert!(users > 0 && users < estate.stacks.len());
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "x").unwrap();
    assert!(Blueprint::new(1, DEFAULT_SEED).write(folder.path()).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn git_sees_two_commits() {
    let folder = tempfile::tempdir().unwrap();
    let blueprint = Blueprint::new(5, DEFAULT_SEED);
    blueprint.write(folder.path()).unwrap();
    blueprint.commit_twice(folder.path()).unwrap();
    let output = std::process::Command::new("git")
        .current_dir(folder.path())
        .args(["diff", "--name-only", "HEAD~1", "HEAD"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 2);
}
