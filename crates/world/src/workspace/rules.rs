//! Which paths may be laid out. A snapshot comes from a commit, and a commit from anybody.

use terrace_config::tree::{FileEntry, FileKind};
use terrace_domain::path::RepoPath;

use super::LayoutError;
use crate::tree::TOOL_FOLDERS;

/// The files sorted by path, each once, when all of them may be laid out together.
pub(super) fn check<'a>(files: &'a [FileEntry], protected: &[RepoPath]) -> Result<Vec<&'a FileEntry>, LayoutError> {
    let mut sorted: Vec<&FileEntry> = files.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    sorted.dedup_by(|a, b| a == b);
    for (at, file) in sorted.iter().enumerate() {
        check_path(&file.path).map_err(|reason| refused(&file.path, reason))?;
        if file.kind == FileKind::Submodule {
            return Err(refused(&file.path, "it is a submodule: its files are in another repository"));
        }
        if let Some(protected) = protected.iter().find(|own| own.is_within(&file.path) || file.path.is_within(own)) {
            return Err(refused(&file.path, &format!("Terrace writes `{protected}` there itself")));
        }
        if at > 0 && sorted[at - 1].path == file.path {
            return Err(refused(&file.path, "it is listed twice, with different contents"));
        }
        let folders = std::iter::successors(file.path.parent(), RepoPath::parent);
        for folder in folders.take_while(|folder| !folder.as_str().is_empty()) {
            if sorted.binary_search_by(|other| other.path.cmp(&folder)).is_ok() {
                return Err(refused(&file.path, &format!("`{folder}` is a file")));
            }
        }
    }
    Ok(sorted)
}

fn refused(path: &RepoPath, reason: &str) -> LayoutError {
    LayoutError::Path { path: path.clone(), reason: reason.to_owned() }
}

/// Whether a path may be written or removed in a work folder at all.
pub(super) fn check_path(path: &RepoPath) -> Result<(), &'static str> {
    if path.as_str().is_empty() {
        return Err("it names no file");
    }
    // A `RepoPath` is normalised; this does not rely on it, for a path that climbs would be written anywhere.
    for part in path.as_str().split('/') {
        match part {
            "" | "." | ".." => return Err("it does not stay in its folder"),
            _ if part.eq_ignore_ascii_case(".git") => return Err("`.git` belongs to git"),
            _ if TOOL_FOLDERS.contains(&part) => return Err("`.terraform` and `.terrace` are no source"),
            _ if part.contains('\0') => return Err("its name has a zero byte"),
            _ => {}
        }
    }
    Ok(())
}

/// Whether Terraform (or `OpenTofu`) reads a file of this name by itself (Terraform language, "Files and Directories" and "Variable
/// Definitions Files"); it passes over what editors leave: names that begin with `.`, end with `~`, or stand between two `#`.
pub(super) fn is_read_by_terraform(name: &str) -> bool {
    let hidden = name.starts_with('.') || name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'));
    let endings = [".tf", ".tf.json", ".tofu", ".tofu.json", ".auto.tfvars", ".auto.tfvars.json"];
    let named = matches!(name, "terraform.tfvars" | "terraform.tfvars.json");
    !hidden && (named || endings.iter().any(|ending| name.ends_with(ending)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: FileKind) -> FileEntry {
        FileEntry { path: RepoPath::new(path).unwrap(), kind, size: None, id: None }
    }

    fn check_all(paths: &[&str]) -> Result<usize, String> {
        let files: Vec<FileEntry> = paths.iter().map(|path| entry(path, FileKind::Regular)).collect();
        let protected = [RepoPath::new("stacks/a/terrace_override.tf.json").unwrap()];
        check(&files, &protected).map(|files| files.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn ordinary_paths_pass_and_count_once() {
        assert_eq!(
            check_all(&["stacks/a/main.tf", "stacks/a.tf", "b c/größe.tf", "b c/größe.tf", ".gitignore"]),
            Ok(4)
        );
        assert_eq!(check_all(&["stacks/a/.terraform.lock.hcl", "x..y", "...", ".terraformrc"]), Ok(4));
    }

    #[test]
    fn paths_of_tools_are_refused() {
        for path in ["a/.git/config", ".GIT/hooks/x", "a/.terraform/modules/m.tf", ".terrace/runs.db", "a/.git"] {
            let error = check_all(&["ok.tf", path]).unwrap_err();
            assert!(error.starts_with(&format!("`{path}` cannot be laid out")), "{error}");
        }
        assert!(check_all(&[""]).is_err());
    }

    #[test]
    fn protected_files_are_not_written_over() {
        let error = check_all(&["stacks/a/terrace_override.tf.json"]).unwrap_err();
        assert!(error.contains("Terrace writes"), "{error}");
        assert!(check_all(&["stacks/a"]).is_err());
        assert!(check_all(&["stacks/a/terrace_override.tf.json/x"]).is_err());
        assert!(check_all(&["stacks/a/terrace_override.tf"]).is_ok());
    }

    #[test]
    fn a_file_is_no_folder() {
        let error = check_all(&["a", "a-b", "a/b/c"]).unwrap_err();
        assert_eq!(error, "`a/b/c` cannot be laid out: `a` is a file");
    }

    #[test]
    fn submodules_and_contradictions_are_refused() {
        assert!(check(&[entry("vendor", FileKind::Submodule)], &[]).is_err());
        assert!(check(&[entry("a", FileKind::Regular), entry("a", FileKind::Executable)], &[]).is_err());
    }

    #[test]
    fn terraform_reads_some_names() {
        for name in ["main.tf", "#main.tf", "x_override.tf.json", "a.tofu", "terraform.tfvars", "b.auto.tfvars.json"] {
            assert!(is_read_by_terraform(name), "{name}");
        }
        for name in ["main.tf~", ".hidden.tf", "#main.tf#", "dev.tfvars", "terraform.tfstate", "kubeconfig", "a.tf.bak"]
        {
            assert!(!is_read_by_terraform(name), "{name}");
        }
    }
}
