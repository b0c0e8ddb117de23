//! A desk to work at: an estate in a git repository of its own, with nothing of the machine around it but git and one Terraform.
//! Owns how `terrace` is started in tests and what is known of every start. All of it is in one temporary folder, which goes with it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value as Json;
use terrace_testkit::repository::Repository;
use terrace_testkit::{fixture, tools};

/// The program under test.
pub(crate) const TERRACE: &str = env!("CARGO_BIN_EXE_terrace");
/// After so long, what a test waits for will not come. Far beyond what anything takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(10);

/// The desk.
pub(crate) struct Desk {
    repository: Repository,
    /// The folder where `terrace` is started, below the repository's root.
    folder: PathBuf,
    variables: Vec<(OsString, OsString)>,
}

/// How a `terrace` that was started came to its end.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A call that the sandbox cloud recorded.
#[derive(Debug, Deserialize)]
pub(crate) struct Call {
    pub(crate) identity: String,
    pub(crate) operation: String,
    pub(crate) cloud: Option<String>,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) outcome: String,
}

impl Desk {
    /// An empty git repository, and this Terraform.
    pub(crate) fn empty(terraform: &Path) -> Self {
        Self::at(Repository::empty()).with_terraform(terraform)
    }

    /// A git repository with these files in one commit, and this Terraform.
    pub(crate) fn with(terraform: &Path, files: &str) -> Self {
        let desk = Self::empty(terraform);
        desk.write_all(files);
        desk.commit("Begin");
        desk
    }

    /// A repository (or a folder that is none) without any Terraform.
    pub(crate) fn at(repository: Repository) -> Self {
        for folder in ["bin", "home", "tmp"] {
            fs::create_dir(repository.beside(folder)).expect("a fresh folder");
        }
        let folder = repository.root().to_owned();
        let desk = Self { repository, folder, variables: Vec::new() };
        desk.install(&tools::program("git"));
        desk
    }

    /// Starts `terrace` in this folder of the repository from now on.
    pub(crate) fn in_folder(mut self, folder: &str) -> Self {
        self.folder = self.repository.root().join(folder);
        fs::create_dir_all(&self.folder).expect("a writable work tree");
        self
    }

    /// Puts this Terraform on PATH, and takes any other away.
    pub(crate) fn with_terraform(self, terraform: &Path) -> Self {
        for name in ["terraform", "tofu"] {
            let _ = fs::remove_file(self.bin().join(name));
        }
        self.install(terraform);
        self
    }

    /// Sets an environment variable for all that is started from now on.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.variables.push((name.into(), value.into()));
    }

    fn install(&self, program: &Path) {
        let link = self.bin().join(program.file_name().expect("a program has a name"));
        std::os::unix::fs::symlink(program, link).expect("a fresh folder");
    }

    /// The only folder on PATH.
    pub(crate) fn bin(&self) -> PathBuf {
        self.repository.beside("bin")
    }

    /// Writes a program of its own into the folder on PATH, in place of one that is there.
    pub(crate) fn write_program(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.bin().join(name);
        let _ = fs::remove_file(&path);
        fs::write(&path, script).expect("a writable folder");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is there");
    }

    pub(crate) fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Where `terrace` is started.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A path in the `.terrace` folder.
    pub(crate) fn home(&self, path: &str) -> PathBuf {
        self.folder.join(".terrace").join(path)
    }

    /// Writes one file of the repository.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        self.repository.write(path, content);
    }

    /// Writes files given in one text with `//- path` before each.
    pub(crate) fn write_all(&self, files: &str) {
        for (path, text) in fixture::files(files) {
            self.write(path, text);
        }
    }

    /// Replaces a text that a file of the repository holds.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.repository.root().join(path)).expect("the file is there");
        assert!(text.contains(from), "{path} does not hold `{from}`:\n{text}");
        self.write(path, text.replace(from, to));
    }

    /// Commits everything; returns the commit's id.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.repository.commit(message)
    }

    /// A `terrace` that is about to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(TERRACE);
        command.args(arguments);
        self.surround(&mut command);
        command
    }

    /// Gives a program the desk's folder and environment.
    pub(crate) fn surround(&self, command: &mut Command) {
        command
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", self.bin())
            .env("HOME", self.repository.beside("home"))
            .env("TMPDIR", self.repository.beside("tmp"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LANG", "C.UTF-8")
            .env("USER", "ada")
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::null());
    }

    /// Runs `terrace` to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        Done::of(self.command(arguments).output().expect("terrace can be started"))
    }

    /// Runs `terrace`, which must end with exit code 0.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Done {
        self.run(arguments).expect(0)
    }

    /// Runs `terrace`, which must end with exit code 0 and print JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Json {
        self.ok(arguments).json()
    }

    /// Starts `terrace` in a process group of its own, as a shell does, and does not wait.
    pub(crate) fn start(&self, arguments: &[&str]) -> Started {
        let mut command = self.command(arguments);
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("terrace can be started");
        Started { child: Some(child) }
    }

    /// Every call that the sandbox cloud recorded, the oldest first.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let mut report = self.json(&["sandbox", "calls", "--limit", "100000", "--json"]);
        serde_json::from_value(report["calls"].take()).expect("calls as documented")
    }

    /// The calls that changed something (or were to), as `create dev/first bucket x`; other outcomes than `done` are added.
    pub(crate) fn changes(&self) -> Vec<String> {
        let in_words = |call: &Call| {
            let Call { identity, operation, kind, name, outcome, .. } = call;
            let outcome = if outcome == "done" { String::new() } else { format!(" {outcome}") };
            format!("{operation} {identity} {kind} {name}{outcome}")
        };
        self.calls().iter().filter(|call| call.operation != "read").map(in_words).collect()
    }

    /// What `work` makes the sandbox cloud change.
    pub(crate) fn changes_of(&self, work: impl FnOnce()) -> Vec<String> {
        let before = self.changes().len();
        work();
        self.changes().split_off(before)
    }

    /// `KIND NAME` of everything that exists in the sandbox cloud, sorted.
    pub(crate) fn exists(&self) -> Vec<String> {
        let report = self.json(&["sandbox", "show", "--json"]);
        let mut found = Vec::new();
        collect_resources(&report["clouds"], &mut found);
        found.sort();
        found
    }
}

/// Everything that has an `id` and a `kind`, however deep.
fn collect_resources(json: &Json, found: &mut Vec<String>) {
    match json {
        Json::Array(items) => items.iter().for_each(|item| collect_resources(item, found)),
        Json::Object(fields) => {
            if let (Some(kind), Some(name)) = (fields.get("kind"), fields.get("name")) {
                found.push(format!("{} {}", kind.as_str().expect("a text"), name.as_str().expect("a text")));
            }
            ["regions", "resources", "holds"]
                .iter()
                .filter_map(|name| fields.get(*name))
                .for_each(|inner| collect_resources(inner, found));
        }
        _ => {}
    }
}

impl Done {
    /// How it ended; whatever happened, it must not have been a panic.
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("terrace prints UTF-8");
        let done = Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!done.stderr.contains("panicked"), "{done}");
        assert!(!done.stderr.contains("bug in terrace"), "{done}");
        assert!(
            !done.stdout.contains('\u{1b}') && !done.stderr.contains('\u{1b}'),
            "colours without a terminal: {done}"
        );
        done
    }

    /// The same, if it ended with this code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// The same, if standard error holds all of these.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "`{text}` is not said:\n{self}");
        }
        self
    }

    /// The same, if standard error holds none of these.
    #[track_caller]
    pub(crate) fn without(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(!self.stderr.contains(text), "`{text}` is said:\n{self}");
        }
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit code {:?}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// A `terrace` at work. Killed with its owner.
pub(crate) struct Started {
    child: Option<Child>,
}

impl Started {
    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it is at work").id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Done {
        let child = self.child.take().expect("it is at work");
        Done::of(child.wait_with_output().expect("it is a child"))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) use rustix::process::Signal;

/// Sends a signal to a process.
pub(crate) fn send(pid: u32, signal: Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a process id")).expect("not 0");
    rustix::process::kill_process(pid, signal).expect("the process is there");
}

/// Waits until `is_so`.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(PAUSE);
    }
}
