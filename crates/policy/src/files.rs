//! Finds the files of policies in a tree: a commit's, a release's, or a folder's. Owns which files count. A link is refused, for what it leads to
//! may not be a part of the tree.

use terrace_config::is_policy_file;
use terrace_config::tree::{FileEntry, FileTree};
use terrace_domain::path::RepoPath;

use crate::error::{PolicyError, Problem};
use crate::policies::{POLICIES_BYTES_MAX, Policies, PolicyFile, REGO};

/// Reads and compiles the policies of a gate: each path is a folder, with all folders in it, or a file. `root` is the folder of the estate: files
/// are named to people as seen from there.
pub fn load(tree: &dyn FileTree, root: &RepoPath, paths: &[RepoPath]) -> Result<Policies, PolicyError> {
    Policies::load(read_all(tree, root, paths)?)
}

/// Reads the files of all paths; a file that two of them reach is one.
pub fn read_all(tree: &dyn FileTree, root: &RepoPath, paths: &[RepoPath]) -> Result<Vec<PolicyFile>, PolicyError> {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        match read(tree, root, path) {
            Ok(found) => files.extend(found),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(PolicyError { problems });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    Ok(files)
}

/// Reads the files of one path.
pub fn read(tree: &dyn FileTree, root: &RepoPath, path: &RepoPath) -> Result<Vec<PolicyFile>, Problem> {
    let own = tree.find(path).map(std::slice::from_ref);
    let folder = if own.is_some() { path.parent().unwrap_or_else(RepoPath::root) } else { path.clone() };
    let entries = own.unwrap_or_else(|| tree.below(path));
    // Whatever a link is called: it may lead to a folder of policies, and nobody would ask them.
    if let Some(link) = entries.iter().find(|entry| !entry.kind.is_file()) {
        return Err(Problem::in_file(
            &link.path.relative_to(root),
            "it is a link or a submodule, and policies are files",
        ));
    }
    let named: Vec<&FileEntry> = entries.iter().filter(|entry| is_policy_file(entry.path.as_str())).collect();
    let shown = path.relative_to(root);
    if !named.iter().any(|entry| entry.path.as_str().ends_with(REGO)) {
        let what =
            if entries.is_empty() { "there is no such folder" } else { "there is no policy: no file ends in `.rego`" };
        return Err(Problem::in_file(&shown, what));
    }
    let mut bytes = 0;
    let mut files = Vec::new();
    for entry in named {
        let path = entry.path.relative_to(root);
        bytes += entry.size.unwrap_or(0);
        if bytes > POLICIES_BYTES_MAX as u64 {
            let what = format!("the policies have more than {} MiB together", POLICIES_BYTES_MAX >> 20);
            return Err(Problem::in_file(&path, what));
        }
        let content = tree.read(entry).map_err(|error| Problem::in_file(&path, error.reason))?;
        files.push(PolicyFile { within: entry.path.relative_to(&folder), path, bytes: content });
    }
    Ok(files)
}
