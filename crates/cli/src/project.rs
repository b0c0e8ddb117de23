//! Finds the estate that a command is about, and opens it: as it lies in the work tree, or as a commit has it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use terrace_config::tree::FileTree;
use terrace_config::{Code, Loaded, check_estate, has_errors, load_code, load_estate, sort_diagnostics};
use terrace_domain::diagnostic::{Diagnostic, Severity};
use terrace_domain::estate::{ESTATE_FILE, Estate, Stack};
use terrace_domain::graph::Graph;
use terrace_domain::path::RepoPath;
use terrace_driver::facts::StoredFacts;
use terrace_driver::home::Home;
use terrace_release::tree::ReleaseTree;
use terrace_world::git::{Commit, GitError, Repository};
use terrace_world::tree::{CommitTree, SkippedEntry, WorkTree};

use crate::error::CommandError;
use crate::settings::Settings;
use crate::views;

/// An estate's place on disk.
pub struct Project {
    /// The folder of `terrace.hcl`.
    pub root: PathBuf,
    /// The repository that it lies in; `Err` says why there is none.
    repository: Result<Repository, GitError>,
    /// The `.terrace` folder, where it is another than the estate's own.
    home: Option<Home>,
}

/// An estate that was read.
pub struct Opened {
    /// The files.
    pub tree: Arc<dyn FileTree + Send + Sync>,
    /// The estate.
    pub estate: Arc<Estate>,
    /// Its graph.
    pub graph: Arc<Graph>,
    /// The commit that it was read from; `None` for the work tree.
    pub commit: Option<Commit>,
    /// Who made what it was read from, as git writes it: `NAME <EMAIL>`; `None` for the work tree.
    pub author: Option<String>,
}

impl Opened {
    /// The names and addresses of those who made it, in lower case.
    pub fn authors(&self) -> BTreeSet<String> {
        let author = self.author.as_deref().unwrap_or_default().to_lowercase();
        let parts = author.trim_end_matches('>').split(" <").map(str::trim);
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }
}

impl Project {
    /// The estate that holds the folder where the command was started.
    pub fn find(settings: &Settings) -> Result<Self, CommandError> {
        let start = &settings.folder;
        let root = start.ancestors().find(|folder| folder.join(ESTATE_FILE).is_file()).ok_or_else(|| {
            CommandError::usage(format!("there is no {ESTATE_FILE} in {} or in a folder above", start.display()))
                .help("Make an estate with `terrace init`, or name the folder of one with `-C DIR`.")
        })?;
        in_utf8(root)?;
        let repository = Repository::discover(root);
        if let Ok(repository) = &repository {
            in_utf8(repository.root())?;
        }
        Ok(Self { root: root.to_owned(), repository, home: None })
    }

    /// The `.terrace` folder.
    pub fn home(&self) -> Home {
        self.home.clone().unwrap_or_else(|| Home::of(&self.root))
    }

    /// The same estate with another `.terrace` folder: an ephemeral environment's.
    pub fn at_home(self, home: Home) -> Self {
        Self { home: Some(home), ..self }
    }

    /// Reads the code of stacks; what was learnt of a file's content before is not read again.
    pub fn load_code<'e>(&self, opened: &'e Opened, stacks: impl IntoIterator<Item = &'e Stack>) -> Code {
        let home = self.home();
        let facts = StoredFacts::open(&home.facts());
        let code = load_code(&*opened.tree, &opened.estate, stacks, &facts);
        // A cache: where it cannot be written, the next command reads the files again.
        let _ = home.create().is_ok_and(|()| facts.save().is_ok());
        code
    }

    /// Reads the code of stacks and checks it; what is only a warning is given with it, and not told.
    pub fn checked_code<'e>(
        &self,
        opened: &'e Opened,
        stacks: impl IntoIterator<Item = &'e Stack>,
    ) -> Result<(Code, Vec<Diagnostic>), CommandError> {
        let code = self.load_code(opened, stacks);
        let mut found = check_estate(&*opened.tree, &opened.estate, &code);
        found.extend_from_slice(&code.diagnostics);
        sort_diagnostics(&mut found);
        if has_errors(&found) {
            return Err(unsound(&*opened.tree, found));
        }
        Ok((code, found))
    }

    /// The git repository.
    pub fn repository(&self) -> Result<&Repository, CommandError> {
        self.repository.as_ref().map_err(|error| {
            let help = error.hint();
            CommandError { help, ..CommandError::usage(CommandError::chain(error)) }
        })
    }

    /// The estate's folder in the repository; the root where there is no repository.
    pub fn prefix(&self) -> Result<RepoPath, CommandError> {
        match &self.repository {
            Ok(repository) => Ok(repository.repo_path(&self.root)?),
            Err(_) => Ok(RepoPath::root()),
        }
    }

    /// The folder that all paths of the repository are read from: its root, or the estate's where there is no repository.
    pub fn files_root(&self) -> &Path {
        self.repository.as_ref().map_or(&self.root, Repository::root)
    }

    /// The files of the work tree.
    pub fn work_tree(&self) -> Result<WorkTree, CommandError> {
        let tree = WorkTree::open(self.files_root())?;
        tell_skipped(tree.skipped());
        Ok(tree)
    }

    /// Reads the estate from the work tree. Warnings are told; with errors there is no estate.
    pub fn open_work_tree(&self) -> Result<Opened, CommandError> {
        self.open(Arc::new(self.work_tree()?), None)
    }

    /// Reads the estate from a commit.
    pub fn open_commit(&self, commit: Commit) -> Result<Opened, CommandError> {
        let tree = CommitTree::open(self.repository()?, commit.id)?;
        tell_skipped(tree.skipped());
        let file = self.prefix()?.join(ESTATE_FILE).expect("a file name does not climb");
        if tree.find(&file).is_none() {
            return Err(CommandError::usage(format!("the commit {} has no {file}", commit.short_id))
                .help("Commit it: what is not committed is not delivered."));
        }
        self.open(Arc::new(tree), Some(commit))
    }

    /// Reads the estate from a release: no repository is looked at.
    pub fn open_release(&self, release: &Arc<ReleaseTree>) -> Result<Opened, CommandError> {
        let root = self.prefix()?;
        let tree: Arc<dyn FileTree + Send + Sync> = Arc::clone(release) as _;
        let loaded = load_estate(&*tree, &root);
        // What is to be said of it was said when it was built.
        let (errors, _) =
            loaded.diagnostics.into_iter().partition::<Vec<_>, _>(|found| found.severity == Severity::Error);
        let Some(estate) = loaded.estate.filter(|_| errors.is_empty()) else {
            return Err(unsound(&*tree, errors));
        };
        let graph = Arc::new(Graph::of(&estate));
        let author = release.release().author.clone();
        Ok(Opened { tree, estate: Arc::new(estate), graph, commit: None, author })
    }

    fn open(&self, tree: Arc<dyn FileTree + Send + Sync>, commit: Option<Commit>) -> Result<Opened, CommandError> {
        let loaded = load_estate(&*tree, &self.prefix()?);
        let estate = Self::sound(&*tree, loaded)?;
        let graph = Arc::new(Graph::of(&estate));
        let author = commit.as_ref().map(|commit| format!("{} <{}>", commit.author_name, commit.author_email));
        Ok(Opened { tree, estate: Arc::new(estate), graph, commit, author })
    }

    /// The estate, if it has no errors; tells the warnings.
    fn sound(tree: &dyn FileTree, loaded: Loaded) -> Result<Estate, CommandError> {
        let Loaded { estate, diagnostics, .. } = loaded;
        let (errors, warnings): (Vec<_>, Vec<_>) =
            diagnostics.into_iter().partition(|diagnostic| diagnostic.severity == Severity::Error);
        match estate.filter(|_| errors.is_empty()) {
            Some(estate) => {
                views::diagnostics::say_from(tree, &warnings);
                Ok(estate)
            }
            None => Err(unsound(tree, errors)),
        }
    }

    /// Asks git what in the estate is not committed; the answer is a warning. May take its time in a large work tree.
    pub fn uncommitted(&self) -> impl FnOnce() -> Option<String> + Send + 'static {
        const NAMES_MAX: usize = 3;
        let repository = self.repository.as_ref().ok().cloned();
        let prefix = self.prefix();
        move || {
            let changes = repository?.uncommitted_changes(&prefix.ok()?, NAMES_MAX).ok()?;
            let more = changes.total - changes.paths.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let names = changes.paths.join(", ");
            (!changes.is_empty())
                .then(|| views::error::warning(&format!("not committed, and so not part of it: {names}{more}")))
        }
    }
}

/// Terraform's arguments, its settings and Terrace's own reports name folders as text: one that is none would fail later, and
/// strangely.
pub fn in_utf8(folder: &Path) -> Result<(), CommandError> {
    if folder.to_str().is_some() {
        return Ok(());
    }
    Err(CommandError::usage(format!("the path `{}` is not UTF-8", folder.display()))
        .help("Rename the folder, or move the estate to another one."))
}

/// Warns of entries that cannot be read or named.
pub fn tell_skipped(skipped: &[SkippedEntry]) {
    let warnings: Vec<_> = skipped.iter().map(SkippedEntry::diagnostic).collect();
    views::diagnostics::say_all(&warnings, &terrace_config::Sources::new());
}

/// The error for a configuration with errors.
pub fn unsound(tree: &dyn FileTree, errors: Vec<Diagnostic>) -> CommandError {
    let count = views::count(errors.len(), "error");
    let sources = terrace_config::sources(tree, &errors);
    CommandError {
        diagnostics: Some(Box::new((errors, sources))),
        ..CommandError::usage(format!("the estate has {count}"))
    }
}
