//! Figures of releases: an estate release of 1,000 stacks, built the first time, with one change, and with none; opened and verified. Makes a
//! repository and layouts in a temporary folder, and removes them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use divan::Bencher;
use tempfile::TempDir;
use terrace_bench::{load, load_all_code};
use terrace_config::Watches;
use terrace_release::build::{BuildOptions, Built, CommitFacts, Recipe, build};
use terrace_release::layout::Layout;
use terrace_release::tree::ReleaseTree;
use terrace_release::vendor::{InstallError, ModuleInstaller};
use terrace_release::verify::verify;
use terrace_world::git::Repository;
use terrace_world::tree::CommitTree;
use xtask::estate::{Blueprint, DEFAULT_SEED};

/// How many stacks are released.
const STACKS: usize = 1_000;

static ROOT: OnceLock<PathBuf> = OnceLock::new();

fn main() {
    let folder = TempDir::new().expect("a temporary folder");
    let root = folder.path().join("estate");
    let blueprint = Blueprint::new(STACKS, DEFAULT_SEED);
    blueprint.write(&root).expect("a writable temporary folder");
    blueprint.commit_twice(&root).expect("git is on PATH");
    change_one_stack(&root);
    ROOT.set(root).expect("set once");
    divan::main();
}

/// A third commit, which differs in a file of one stack.
fn change_one_stack(root: &Path) {
    let estate = load(&commit(root, "HEAD").0);
    let stack = estate.stacks.values().next().expect("there are stacks");
    std::fs::write(root.join(stack.folder.as_str()).join("more.tf"), "locals {}\n").expect("a writable folder");
    for arguments in [&["add", "--all"][..], &["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "One"]] {
        let status = Command::new("git").current_dir(root).args(arguments).status().expect("git is on PATH");
        assert!(status.success(), "git {arguments:?}");
    }
}

fn commit(root: &Path, revision: &str) -> (CommitTree, CommitFacts) {
    let repository = Repository::discover(root).expect("made in main");
    let commit = repository.resolve(revision).expect("three commits were made");
    let facts = CommitFacts {
        id: commit.id.to_string(),
        committed_at_secs: commit.committed_at_secs,
        subject: None,
        author: None,
    };
    (CommitTree::open(&repository, commit.id).expect("a sound repository"), facts)
}

/// No module of the generated estate lies elsewhere.
struct Nobody;

impl ModuleInstaller for Nobody {
    fn install(&self, _: &Path) -> Result<(), InstallError> {
        Err(InstallError("nothing is to be fetched".to_owned()))
    }
}

/// A commit that was read, ready to be released.
struct Read {
    tree: CommitTree,
    facts: CommitFacts,
    estate: terrace_domain::estate::Estate,
    code: terrace_config::Code,
    watches: Watches,
}

fn read(revision: &str) -> Read {
    let (tree, facts) = commit(ROOT.get().expect("set in main"), revision);
    let estate = load(&tree);
    let (code, watches) = (load_all_code(&tree, &estate), Watches::of(&estate));
    Read { tree, facts, estate, code, watches }
}

fn release(read: &Read, layout: &Layout) -> Built {
    let Read { tree, facts, estate, code, watches } = read;
    let options = BuildOptions { installer: &Nobody, scratch: layout.folder(), refresh: false, mend: false };
    build(layout, &Recipe { tree, estate, code, watches, commit: facts }, &options).expect("it can be released")
}

/// A layout that has the releases of a commit.
fn layout_with(revision: Option<&Read>) -> (TempDir, Layout) {
    let folder = TempDir::new().expect("a temporary folder");
    let layout = Layout::open_or_create(&folder.path().join("releases")).expect("a fresh folder");
    if let Some(read) = revision {
        release(read, &layout);
    }
    (folder, layout)
}

#[divan::bench(sample_count = 7, sample_size = 1)]
fn build_first(bencher: Bencher) {
    let head = read("HEAD");
    bencher.with_inputs(|| layout_with(None)).bench_local_refs(|(_, layout)| release(&head, layout));
}

#[divan::bench(sample_count = 7, sample_size = 1)]
fn build_with_one_change(bencher: Bencher) {
    let (before, head) = (read("HEAD~1"), read("HEAD"));
    bencher.with_inputs(|| layout_with(Some(&before))).bench_local_refs(|(_, layout)| {
        let built = release(&head, layout);
        assert_eq!(built.new.len(), 1);
    });
}

#[divan::bench(sample_count = 7, sample_size = 1)]
fn build_with_no_change(bencher: Bencher) {
    let head = read("HEAD");
    let (_folder, layout) = layout_with(Some(&head));
    bencher.bench_local(|| release(&head, &layout));
}

#[divan::bench(sample_count = 7, sample_size = 1)]
fn read_commit_and_build_with_one_change(bencher: Bencher) {
    let before = read("HEAD~1");
    bencher.with_inputs(|| layout_with(Some(&before))).bench_local_refs(|(_, layout)| release(&read("HEAD"), layout));
}

#[divan::bench(sample_count = 7, sample_size = 1)]
fn open_and_load_estate(bencher: Bencher) {
    let head = read("HEAD");
    let (_folder, layout) = layout_with(Some(&head));
    let descriptor = release(&head, &layout).descriptor;
    bencher.bench_local(|| load(&ReleaseTree::open(&layout, &descriptor).expect("it is whole")));
}

#[divan::bench(sample_count = 7, sample_size = 1)]
fn verify_all(bencher: Bencher) {
    let head = read("HEAD");
    let (_folder, layout) = layout_with(Some(&head));
    let descriptor = release(&head, &layout).descriptor;
    bencher.bench_local(|| assert!(verify(&layout, &descriptor, None).expect("it can be read").problems.is_empty()));
}
