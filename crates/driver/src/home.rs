//! The `.terrace` folder of an estate: what lies where. Never committed: it ignores itself.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use terrace_domain::run::RunId;

/// The folder's name, beside `terrace.hcl`.
pub const FOLDER: &str = ".terrace";

/// The `.terrace` folder.
#[derive(Debug, Clone)]
pub struct Home {
    folder: PathBuf,
    /// Where that lies which all share: itself, but for that of an ephemeral environment.
    shared: PathBuf,
}

/// The folder could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {}: {source}", path.display())]
pub struct HomeError {
    /// The folder or file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl Home {
    /// The folder of the estate in `estate_root`, whether it is there or not.
    pub fn of(estate_root: &Path) -> Self {
        let folder = estate_root.join(FOLDER);
        Self { shared: folder.clone(), folder }
    }

    /// The folder of an ephemeral environment, in a folder of its own below this one: runs, states, snapshots and locks are its own; the releases,
    /// the sandbox cloud, the plugins and keys are this one's.
    #[must_use]
    pub fn ephemeral(&self, environment: &str) -> Self {
        Self { folder: self.rehearsal(environment).join(FOLDER), shared: self.shared.clone() }
    }

    /// Where rehearsals are, a folder each.
    pub fn rehearsals(&self) -> PathBuf {
        self.shared.join("rehearsals")
    }

    /// What is kept of a rehearsal.
    pub fn rehearsal(&self, environment: &str) -> PathBuf {
        self.rehearsals().join(environment)
    }

    /// Makes the folder, for its owner alone: plans and inputs in it may hold secrets.
    pub fn create(&self) -> Result<(), HomeError> {
        // Local states are found from the work folders by relative paths, which a link would lead elsewhere.
        if self.folder.is_symlink() {
            let source = io::Error::other("it is a symbolic link; put the whole estate where there is room instead");
            return Err(HomeError { path: self.folder.clone(), source });
        }
        make_private(&self.folder)?;
        let ignore = self.folder.join(".gitignore");
        if !ignore.exists() {
            fs::write(&ignore, "*\n").map_err(|source| HomeError { path: ignore, source })?;
        }
        Ok(())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The database of runs.
    pub fn database(&self) -> PathBuf {
        self.folder.join("terrace.db")
    }

    /// The database of the sandbox cloud.
    pub fn sandbox(&self) -> PathBuf {
        self.shared.join("sandbox.db")
    }

    /// The releases: an OCI image layout.
    pub fn releases(&self) -> PathBuf {
        self.shared.join("releases")
    }

    /// The key of digests of values.
    pub fn digest_key(&self) -> PathBuf {
        self.shared.join("digest.key")
    }

    /// The locks of runs: held by the process that drives one.
    pub fn run_locks(&self) -> PathBuf {
        self.locks().join("runs")
    }

    /// The locks.
    pub fn locks(&self) -> PathBuf {
        self.folder.join("locks")
    }

    /// An instance's folder.
    pub fn instance(&self, environment: &str, stack: &str) -> PathBuf {
        self.folder.join("work").join(environment).join(stack)
    }

    /// Where the logs of a run are.
    pub fn logs(&self, run: RunId) -> PathBuf {
        self.runs().join(run.to_string())
    }

    /// Where the logs of all runs are, a folder each.
    pub fn runs(&self) -> PathBuf {
        self.folder.join("runs")
    }

    /// Where the logs of runs that only plan are, a folder an environment; the next one there overwrites them.
    pub fn plan_logs(&self) -> PathBuf {
        self.folder.join("plan")
    }

    /// What is remembered of files' contents.
    pub fn facts(&self) -> PathBuf {
        self.shared.join("facts")
    }

    /// Providers that were installed once, for all instances.
    pub fn plugin_cache(&self) -> PathBuf {
        self.shared.join("plugins")
    }
}

/// Makes a folder and those above it; nobody else may look into it.
pub fn make_private(folder: &Path) -> Result<(), HomeError> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| HomeError { path: folder.to_owned(), source })
}
