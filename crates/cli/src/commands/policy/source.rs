//! Where a command's policies are: what it is given, else the folder beside `terrace.hcl`, else the one where it was started.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use terrace_config::POLICY_FOLDER;
use terrace_domain::path::RepoPath;
use terrace_policy::{FILE_BYTES_MAX, PolicyError, PolicyFile, Problem, files};
use terrace_world::tree::WorkTree;

use crate::error::CommandError;
use crate::project::{Project, tell_skipped};
use crate::settings::Settings;

#[derive(Debug, Args)]
pub struct Source {
    /// Folders with policies and data for them, or single files; policy/ beside terrace.hcl by default
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

impl Source {
    /// Reads the files. What is wrong with one of them is the inner error.
    pub fn read(&self, settings: &Settings) -> Result<Result<Vec<PolicyFile>, PolicyError>, CommandError> {
        if self.paths.is_empty() {
            let root = Project::find(settings).map_or_else(|_| settings.folder.clone(), |project| project.root);
            return of_path(&root, Path::new(POLICY_FOLDER));
        }
        let mut files = Vec::new();
        let mut problems = Vec::new();
        for path in &self.paths {
            match of_path(&settings.folder, path)? {
                Ok(found) => files.extend(found),
                Err(error) => problems.extend(error.problems),
            }
        }
        files.sort_by(|a: &PolicyFile, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        Ok(if problems.is_empty() { Ok(files) } else { Err(PolicyError { problems }) })
    }
}

/// The files of one path, named as the path is.
fn of_path(base: &Path, path: &Path) -> Result<Result<Vec<PolicyFile>, PolicyError>, CommandError> {
    let full = base.join(path);
    let shown = path.to_string_lossy();
    let shown = shown.trim_end_matches('/');
    if full.is_dir() {
        return Ok(of_folder(&WorkTree::open(&full)?, shown));
    }
    match fs::metadata(&full) {
        Ok(metadata) if metadata.is_file() => Ok(of_file(&full, shown, metadata.len())),
        Ok(_) => Err(CommandError::usage(format!("`{shown}` is neither a folder nor a file"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(CommandError::usage(format!("there is no `{}`", full.display())).help(
                "Policies are files that end in .rego, in policy/ beside terrace.hcl or where you say: `terrace policy … PATH`.",
            ))
        }
        Err(error) => Err(CommandError::usage(format!("cannot look at `{shown}`: {error}"))),
    }
}

fn of_folder(tree: &WorkTree, shown: &str) -> Result<Vec<PolicyFile>, PolicyError> {
    tell_skipped(tree.skipped());
    let named = |path: &str| if path == "." { shown.to_owned() } else { format!("{shown}/{path}") };
    match files::read(tree, &RepoPath::root(), &RepoPath::root()) {
        Ok(mut files) => {
            for file in &mut files {
                file.path = named(&file.path);
            }
            Ok(files)
        }
        Err(problem) => Err(Problem { file: named(&problem.file), ..problem }.into()),
    }
}

fn of_file(full: &Path, shown: &str, bytes: u64) -> Result<Vec<PolicyFile>, PolicyError> {
    let problem = |what: String| PolicyError::from(Problem { file: shown.to_owned(), at: None, what });
    if !terrace_config::is_policy_file(shown) {
        return Err(problem("it is no policy: its name ends neither in .rego nor in .json, .yaml or .yml".to_owned()));
    }
    if bytes > FILE_BYTES_MAX as u64 {
        let what = format!("it has {bytes} bytes; the limit for a file of policies is {} KiB", FILE_BYTES_MAX >> 10);
        return Err(problem(what));
    }
    let content = fs::read(full).map_err(|error| problem(format!("it cannot be read: {error}")))?;
    let within = Path::new(shown).file_name().map_or_else(|| shown.into(), |name| name.to_string_lossy());
    Ok(vec![PolicyFile { path: shown.to_owned(), within: within.into_owned(), bytes: content }])
}
