//! Figures of what reads disks: listing work trees and commits, and loading estates from them. Makes a repository with an estate in a
//! temporary folder, and removes it.

use std::path::Path;
use std::sync::OnceLock;

use divan::Bencher;
use tempfile::TempDir;
use terrace_bench::{blueprint, load, load_all_code};
use terrace_config::Code;
use terrace_config::tree::FileTree;
use terrace_domain::estate::Estate;
use terrace_world::git::Repository;
use terrace_world::tree::{CommitTree, WorkTree, changed_paths};

static ROOT: OnceLock<std::path::PathBuf> = OnceLock::new();

fn main() {
    let folder = TempDir::new().expect("a temporary folder");
    let root = folder.path().join("estate");
    let blueprint = blueprint();
    blueprint.write(&root).expect("a writable temporary folder");
    blueprint.commit_twice(&root).expect("git is on PATH");
    ROOT.set(root).expect("set once");
    divan::main();
}

fn root() -> &'static Path {
    ROOT.get().expect("set in main")
}

fn repository() -> Repository {
    Repository::discover(root()).expect("made in main")
}

fn commit(revision: &str) -> CommitTree {
    let repository = repository();
    let commit = repository.resolve(revision).expect("two commits were made");
    CommitTree::open(&repository, commit.id).expect("a sound repository")
}

fn work_tree() -> WorkTree {
    WorkTree::open(root()).expect("a readable folder")
}

#[divan::bench(sample_count = 15)]
fn list_work_tree() -> usize {
    work_tree().files().len()
}

#[divan::bench(sample_count = 15)]
fn list_commit() -> usize {
    commit("HEAD").files().len()
}

#[divan::bench(sample_count = 15)]
fn compare_two_commits(bencher: Bencher) {
    let (old, new) = (commit("HEAD~1"), commit("HEAD"));
    bencher.bench_local(|| changed_paths(&old, &new).expect("a sound repository"));
}

#[divan::bench(sample_count = 15)]
fn load_estate_from_work_tree(bencher: Bencher) {
    let tree = work_tree();
    bencher.bench_local(|| -> Estate { load(&tree) });
}

#[divan::bench(sample_count = 15)]
fn load_estate_from_commit(bencher: Bencher) {
    let tree = commit("HEAD");
    bencher.bench_local(|| -> Estate { load(&tree) });
}

#[divan::bench(sample_count = 7)]
fn load_code_from_work_tree(bencher: Bencher) {
    let tree = work_tree();
    let estate = load(&tree);
    bencher.bench_local(|| -> Code { load_all_code(&tree, &estate) });
}

#[divan::bench(sample_count = 7)]
fn load_code_from_commit(bencher: Bencher) {
    let tree = commit("HEAD");
    let estate = load(&tree);
    bencher.bench_local(|| -> Code { load_all_code(&tree, &estate) });
}
