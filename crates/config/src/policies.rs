//! Where the policies of a gate are: its `path` or `paths`, else a folder beside `terrace.hcl`. Owns which files of the tree are policies, and the
//! diagnostics for gates that name none. Never reads what they say.

use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::estate::{Estate, Gate, GateRule};
use terrace_domain::path::{OutsideRepository, RepoPath};

use crate::source::place;
use crate::tree::{FileEntry, FileTree};

/// Where policies are when a gate does not say: where conftest looks.
pub const POLICY_FOLDER: &str = "policy";
/// The ending of policies.
const POLICY: &str = ".rego";
/// The endings of files that are policies, or data for them.
const ENDINGS: [&str; 4] = [POLICY, ".json", ".yaml", ".yml"];

/// Whether a file is one of policies: Rego, or data for it.
pub fn is_policy_file(path: &str) -> bool {
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// The folders and files with the policies of a gate, relative to the repository. The error is a path that leads out of it.
pub fn policy_paths(estate: &Estate, gate: &Gate) -> Result<Vec<RepoPath>, OutsideRepository> {
    let GateRule::Policy { paths, .. } = &gate.rule else { return Ok(Vec::new()) };
    paths.iter().map(|path| estate.root.join(path)).collect()
}

/// The namespaces that a gate asks; none where it does not say.
pub fn policy_namespaces(gate: &Gate) -> Vec<String> {
    if let GateRule::Policy { namespaces, .. } = &gate.rule { namespaces.clone() } else { Vec::new() }
}

/// The gates of an estate that ask policies.
pub fn policy_gates(estate: &Estate) -> impl Iterator<Item = &Gate> {
    estate.stages.iter().flat_map(|stage| &stage.gates).filter(|gate| matches!(gate.rule, GateRule::Policy { .. }))
}

/// All files below the paths of an estate's policy gates, sorted: what a release of it must hold, so that the gates can ask them.
pub fn policy_files(tree: &dyn FileTree, estate: &Estate) -> Vec<FileEntry> {
    let paths = policy_gates(estate).filter_map(|gate| policy_paths(estate, gate).ok()).flatten();
    let mut files: Vec<FileEntry> = paths.flat_map(|path| at(tree, &path)).cloned().collect();
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    // Links are kept, whatever they are called: the gate refuses them, instead of not knowing of them.
    files.retain(|entry| !entry.kind.is_file() || is_policy_file(entry.path.as_str()));
    files
}

/// The file with this path, or all below it.
fn at<'t>(tree: &'t dyn FileTree, path: &RepoPath) -> &'t [FileEntry] {
    tree.find(path).map_or_else(|| tree.below(path), std::slice::from_ref)
}

/// Gates whose policies are not there: they would refuse everything, at the latest moment.
pub(crate) fn check(tree: &dyn FileTree, estate: &Estate, diagnostics: &mut Vec<Diagnostic>) {
    let file = estate.file();
    for gate in policy_gates(estate) {
        let paths = match policy_paths(estate, gate) {
            Ok(paths) => paths,
            Err(outside) => {
                let diagnostic = Diagnostic::error("outside-path", outside.to_string())
                    .at(place(&file, gate.span), "its policies are elsewhere")
                    .help("Policies are a part of the repository, so that a release holds them. Name a folder in it.");
                diagnostics.push(diagnostic);
                continue;
            }
        };
        for path in paths {
            if at(tree, &path).iter().any(|entry| entry.path.as_str().ends_with(POLICY)) {
                continue;
            }
            let shown = path.relative_to(&estate.root);
            let diagnostic = Diagnostic::error("missing-policy", format!("there is no policy in `{shown}`"))
                .at(place(&file, gate.span), "asks for policies")
                .help(format!(
                    "Write one, such as `{shown}/main.rego` (docs/policies.md), or name another folder with `path`."
                ));
            diagnostics.push(diagnostic);
        }
    }
}
