//! Figures of judging how an estate is cut: a history of 5,000 commits over 1,000 stacks in a real git repository, and the same with the 10,000
//! stacks that Terrace is built for.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use divan::{Bencher, black_box};
use tempfile::TempDir;
use terrace_bench::{STACKS, load, load_all_code};
use terrace_config::load_parts;
use terrace_domain::estate::{Estate, Stack};
use terrace_domain::graph::Graph;
use terrace_domain::path::RepoPath;
use terrace_domain::slice::history::{History, HistoryReader};
use terrace_domain::slice::{Criterion, Material, judge};
use terrace_world::git::{HistoryWindow, Repository};
use terrace_world::tree::CommitTree;
use xtask::estate::{Blueprint, DEFAULT_SEED, File};

const COMMITS: usize = 5_000;
const STACKS_FEW: usize = 1_000;
/// Everybody who commits.
const PEOPLE: usize = 40;
/// Between two commits: 5,000 of them take a year.
const PAUSE_SECS: usize = 365 * 24 * 60 * 60 / COMMITS;
/// When the first commit is made, in seconds since 1970.
const FIRST_SECS: usize = 1_700_000_000;

struct Subject {
    _folder: TempDir,
    repository: Repository,
    tree: CommitTree,
    estate: Estate,
}

static FEW: LazyLock<Subject> = LazyLock::new(|| Subject::new(STACKS_FEW));
static MANY: LazyLock<Subject> = LazyLock::new(|| Subject::new(STACKS));

fn main() {
    divan::main();
}

impl Subject {
    fn new(stacks: usize) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        git(folder.path(), &["init", "--quiet", "--initial-branch=main"], "");
        let files = Blueprint::new(stacks, DEFAULT_SEED).files();
        git(folder.path(), &["fast-import", "--quiet"], &history(&files));
        let repository = Repository::discover(folder.path()).expect("a repository");
        let tree = CommitTree::open(&repository, repository.head().expect("a commit").id).expect("its tree");
        let estate = load(&tree);
        Self { _folder: folder, repository, tree, estate }
    }

    fn walk(&self) -> History {
        let below = RepoPath::root();
        let head = self.repository.head().expect("a commit").id;
        let window = HistoryWindow { head, since_secs: None, commits_max: None, below: &below };
        let mut reader = HistoryReader::new(&self.estate);
        self.repository.walk_history(&window, |commit| reader.take(commit)).expect("git walks");
        reader.finish()
    }

    /// All that `terrace slice` does once the estate is loaded.
    fn judge(&self) -> usize {
        let history = self.walk();
        let code = load_all_code(&self.tree, &self.estate);
        let parts = load_parts(&self.tree, &self.estate, &code);
        let (graph, nobody) = (Graph::of(&self.estate), |_: &Stack| Vec::new());
        let material = Material {
            estate: &self.estate,
            graph: &graph,
            code: &parts,
            history: Some(&history),
            code_owners: &nobody,
        };
        judge(&material, &Criterion::ALL.into()).len()
    }
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn walk_5000_commits(bencher: Bencher) {
    LazyLock::force(&FEW);
    bencher.bench_local(|| black_box(FEW.walk()));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn slice_1000_stacks_over_5000_commits(bencher: Bencher) {
    LazyLock::force(&FEW);
    bencher.bench_local(|| black_box(FEW.judge()));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn slice_10000_stacks_over_5000_commits(bencher: Bencher) {
    LazyLock::force(&MANY);
    bencher.bench_local(|| black_box(MANY.judge()));
}

/// A history as `git-fast-import(1)` reads it: all files, then commits that each change one to three files of one or two stacks. The same
/// numbers make the same history.
fn history(files: &[File]) -> String {
    let mut stream = String::new();
    begin(&mut stream, 0);
    for (path, text) in files {
        put(&mut stream, path, text);
    }
    let code: Vec<&File> =
        files.iter().filter(|(path, _)| Path::new(path).extension().is_some_and(|end| end == "tf")).collect();
    let mut random: usize = 1;
    let mut next = |below: usize| {
        // Knuth, "The Art of Computer Programming", 3.3.4, table 1, line 26.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for at in 1..COMMITS {
        begin(&mut stream, at);
        // Most changes are to few stacks.
        let busy = if next(4) == 0 { code.len() } else { code.len() / 10 };
        for _ in 0..=next(3) {
            let (path, text) = code[next(busy)];
            put(&mut stream, path, &format!("{text}\n# change {at}\n"));
        }
    }
    stream
}

fn begin(stream: &mut String, at: usize) {
    let (person, time) = (at % PEOPLE, FIRST_SECS + at * PAUSE_SECS);
    let who = format!("Person {person} <person{person}@example.com> {time} +0000");
    let message = format!("Change {at}");
    let _ =
        write!(stream, "commit refs/heads/main\nauthor {who}\ncommitter {who}\ndata {}\n{message}\n", message.len());
}

fn put(stream: &mut String, path: &str, text: &str) {
    let _ = write!(stream, "M 100644 inline {path}\ndata {}\n{text}\n", text.len());
}

fn git(folder: &Path, arguments: &[&str], input: &str) {
    let mut child = Command::new("git")
        .current_dir(PathBuf::from(folder))
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .expect("git is on PATH");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("git reads");
    assert!(child.wait().expect("git ends").success(), "git {arguments:?}");
}
