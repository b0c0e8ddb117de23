//! Real git repositories in temporary folders, made with the `git` command and with nothing of the machine's own configuration.
//! Owns the folder and removes it. Panics where git fails: it serves tests alone.

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The time of the first commit, in seconds since 1970: later commits follow a minute apart, so that ids are the same everywhere.
const FIRST_COMMIT_TIME: u64 = 1_700_000_000;
/// The seconds between two commits.
const COMMIT_PAUSE_SECS: u64 = 60;

/// A git repository with a work tree, branch `main`.
#[derive(Debug)]
pub struct Repository {
    folder: TempDir,
    root: PathBuf,
    commits: Cell<u64>,
}

impl Repository {
    /// An empty repository without a commit.
    pub fn empty() -> Self {
        let repository = Self::plain();
        repository.git(&["init", "--quiet", "--initial-branch=main", "."]);
        repository
    }

    /// A repository with these files (path, text) in one commit.
    pub fn with_files(files: &[(&str, &str)]) -> Self {
        let repository = Self::empty();
        for (path, text) in files {
            repository.write(path, text);
        }
        repository.commit("First");
        repository
    }

    /// A folder that is no repository, with the same ways to fill it.
    pub fn plain() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        // The folder's own path may hold links (as on macOS): git prints the real one.
        let root = folder.path().canonicalize().expect("the folder is there").join("repository");
        fs::create_dir(&root).expect("a fresh folder");
        Self { folder, root, commits: Cell::new(0) }
    }

    /// The root of the work tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path beside the repository, removed with it: for clones and linked work trees.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.root.with_file_name(name)
    }

    /// Writes a file of the work tree, with the folders above it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.with_folder(path);
        fs::write(file, content).expect("a writable work tree");
    }

    /// Makes a symbolic link at `path` whose text is `target`.
    #[cfg(unix)]
    pub fn link(&self, path: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.with_folder(path)).expect("a writable work tree");
    }

    /// Makes a file executable, or not.
    #[cfg(unix)]
    pub fn set_executable(&self, path: &str, executable: bool) {
        use std::os::unix::fs::PermissionsExt;
        let mode = if executable { 0o755 } else { 0o644 };
        fs::set_permissions(self.root.join(path), fs::Permissions::from_mode(mode)).expect("the file is there");
    }

    /// Removes a file of the work tree.
    pub fn remove(&self, path: &str) {
        fs::remove_file(self.root.join(path)).expect("the file is there");
    }

    /// Commits everything in the work tree, also when nothing changed; returns the commit's id.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.commits.set(self.commits.get() + 1);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Adds commits to `main` by `git fast-import`, many in one go, and checks the last one out. What is not committed is lost.
    pub fn import(&self, commits: &[ImportedCommit]) {
        let has_commit = self.command(&self.root, &["rev-parse", "--verify", "--quiet", "main"]).output();
        let has_commit = has_commit.expect("git is on PATH").status.success();
        let mut stream = String::new();
        for (at, commit) in commits.iter().enumerate() {
            let parent = (at == 0 && has_commit).then_some("refs/heads/main^0");
            commit.write(parent, &mut stream);
        }
        self.git_with_input(&["fast-import", "--quiet", "--force"], &stream);
        self.git(&["reset", "--quiet", "--hard", "main"]);
        self.commits.set(self.commits.get() + commits.len() as u64);
    }

    /// Runs git in the work tree; returns what it prints, without the last line's end.
    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.root, arguments)
    }

    /// Runs git in another folder, with the same isolation.
    pub fn git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        printed(arguments, self.command(folder, arguments).output())
    }

    /// Runs git in the work tree and gives it text to read.
    pub fn git_with_input(&self, arguments: &[&str], input: &str) -> String {
        let file = self.beside("input");
        fs::write(&file, input).expect("a writable folder");
        let input = fs::File::open(&file).expect("it was just written");
        printed(arguments, self.command(&self.root, arguments).stdin(input).output())
    }

    fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let time = format!("{} +0000", FIRST_COMMIT_TIME + self.commits.get() * COMMIT_PAUSE_SECS);
        let mut command = Command::new("git");
        command.current_dir(folder).args(arguments);
        // A test may itself run inside a git hook: nothing of that repository may leak in.
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"] {
            command.env_remove(name);
        }
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("HOME", self.folder.path())
            .env("LC_ALL", "C")
            .env("GIT_AUTHOR_NAME", "Carol Example")
            .env("GIT_AUTHOR_EMAIL", "carol@example.com")
            .env("GIT_COMMITTER_NAME", "Carol Example")
            .env("GIT_COMMITTER_EMAIL", "carol@example.com")
            .env("GIT_AUTHOR_DATE", &time)
            .env("GIT_COMMITTER_DATE", &time);
        command
    }

    fn with_folder(&self, path: &str) -> PathBuf {
        let file = self.root.join(path);
        fs::create_dir_all(file.parent().expect("a path below the root")).expect("a writable work tree");
        file
    }
}

/// A commit that is made without a work tree.
#[derive(Debug, Clone)]
pub struct ImportedCommit {
    /// Who wrote it: `Ada Example <ada@example.com>`.
    pub author: String,
    /// How many days after the time of the first commit.
    pub day: u64,
    /// Its message.
    pub message: String,
    /// The files that it writes, by path (of plain characters), with their text.
    pub files: Vec<(String, String)>,
}

impl ImportedCommit {
    /// Writes it as `git-fast-import(1)` reads it.
    fn write(&self, parent: Option<&str>, stream: &mut String) {
        use std::fmt::Write;
        let Self { author, message, .. } = self;
        let time = FIRST_COMMIT_TIME + self.day * 24 * 60 * 60;
        let _ =
            write!(stream, "commit refs/heads/main\nauthor {author} {time} +0000\ncommitter {author} {time} +0000\n");
        let _ = writeln!(stream, "data {}\n{message}", message.len());
        if let Some(parent) = parent {
            let _ = writeln!(stream, "from {parent}");
        }
        for (path, text) in &self.files {
            let _ = writeln!(stream, "M 100644 inline {path}\ndata {}\n{text}", text.len());
        }
        stream.push('\n');
    }
}

fn printed(arguments: &[&str], output: io::Result<Output>) -> String {
    let output = output.expect("git is on PATH");
    assert!(
        output.status.success(),
        "git {arguments:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
}
