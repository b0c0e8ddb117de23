//! Override files by which what differs from the code counts as it is, while an import is planned: one in the folder of each module. They are
//! gone whatever happens then.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use terrace_config::unchanged_override;
use terrace_domain::state::import::Importable;

use crate::instance::folder::InstanceFolder;
use crate::instance::private_file::{remove, write_private};

/// The name of each file. Where Terrace is killed, the next laying out of the work folder removes it, as all that Terraform would read and the
/// source does not have.
const OVERRIDE_FILE: &str = "terrace_import_override.tf";

/// The files. They go with their owner.
pub(super) struct Overrides {
    paths: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(rename = "Modules")]
    modules: Vec<Module>,
}

/// A call of a module, as `terraform init` notes it.
#[derive(Deserialize)]
struct Module {
    #[serde(rename = "Key")]
    key: String,
    #[serde(rename = "Dir")]
    folder: PathBuf,
}

impl Overrides {
    /// Writes them for the resources of these. Modules that were fetched from elsewhere are left alone: `init` looks after their folders.
    pub(super) fn write(folder: &InstanceFolder, list: &[Importable]) -> io::Result<Self> {
        let folders = module_folders(folder)?;
        let mut resources: BTreeMap<PathBuf, BTreeSet<(&str, String)>> = BTreeMap::new();
        for one in list {
            let (module, name) = one.module_and_name();
            if let Some(path) = folders.get(&module) {
                resources.entry(path.clone()).or_default().insert((&one.kind, name));
            }
        }
        let mut written = Self { paths: Vec::new() };
        for (path, resources) in resources {
            let text = unchanged_override(resources.iter().map(|(kind, name)| (*kind, name.as_str())));
            let file = path.join(OVERRIDE_FILE);
            written.paths.push(file.clone());
            write_private(&file, text.as_bytes())?;
        }
        Ok(written)
    }

    /// Removes them, and says where that fails.
    pub(super) fn remove(self) -> io::Result<()> {
        self.paths.iter().try_for_each(|path| remove(path))
    }
}

impl Drop for Overrides {
    fn drop(&mut self) {
        for path in &self.paths {
            let _ = remove(path);
        }
    }
}

/// The folders of the modules that are a part of the source, by the names of their calls.
fn module_folders(folder: &InstanceFolder) -> io::Result<BTreeMap<String, PathBuf>> {
    let work = folder.work();
    let mut folders = BTreeMap::from([(String::new(), work.clone())]);
    let manifest: Manifest = match std::fs::read(work.join(".terraform/modules/modules.json")) {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(folders),
        Err(error) => return Err(error),
    };
    let tree = folder.tree().canonicalize()?;
    for module in manifest.modules.into_iter().filter(|module| is_source(&module.folder)) {
        let path = work.join(&module.folder).canonicalize()?;
        if path.starts_with(&tree) {
            folders.insert(module.key, path);
        }
    }
    Ok(folders)
}

fn is_source(folder: &Path) -> bool {
    !folder.components().any(|part| part == Component::Normal(".terraform".as_ref()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use terrace_domain::path::RepoPath;
    use terrace_domain::state::import::ImportList;

    use super::*;

    const STATE: &str = r#"{"version":4,"serial":1,"lineage":"l","resources":[
        {"mode":"managed","type":"a","name":"x","instances":[{"attributes":{"id":"1"}}]},
        {"mode":"managed","module":"module.m[\"k\"]","type":"a","name":"y","instances":[{"attributes":{"id":"2"}}]},
        {"mode":"managed","module":"module.m[\"l\"]","type":"a","name":"y","instances":[{"attributes":{"id":"3"}}]},
        {"mode":"managed","module":"module.far","type":"a","name":"z","instances":[{"attributes":{"id":"4"}}]},
        {"mode":"managed","module":"module.out","type":"a","name":"z","instances":[{"attributes":{"id":"5"}}]}]}"#;

    #[test]
    fn each_module_of_the_source_has_one_and_all_are_gone_again() {
        let root = tempfile::tempdir().unwrap();
        let folder = InstanceFolder::new(root.path().join("instance"), RepoPath::new("stacks/one").unwrap());
        let (inner, far) = (folder.tree().join("modules/m"), folder.work().join(".terraform/modules/far"));
        for path in [&inner, &far, &root.path().join("outside")] {
            fs::create_dir_all(path).unwrap();
        }
        let manifest = r#"{"Modules":[{"Key":"","Source":"","Dir":"."},{"Key":"m","Source":"../../modules/m","Dir":"../../modules/m"},
            {"Key":"far","Source":"x","Dir":".terraform/modules/far"},{"Key":"out","Source":"y","Dir":"../../../../outside"}]}"#;
        fs::write(folder.work().join(".terraform/modules/modules.json"), manifest).unwrap();
        let list = ImportList::read(STATE.as_bytes()).unwrap().importable;
        let overrides = Overrides::write(&folder, &list).unwrap();
        let text = |path: &Path| fs::read_to_string(path.join(OVERRIDE_FILE)).unwrap_or_default();
        assert!(text(&folder.work()).starts_with("resource \"a\" \"x\" {\n"));
        assert_eq!(text(&inner).matches("resource \"a\" \"y\"").count(), 1, "once for both calls");
        assert_eq!((text(&far), text(&root.path().join("outside"))), (String::new(), String::new()));
        drop(overrides);
        assert_eq!((text(&folder.work()), text(&inner)), (String::new(), String::new()));
    }
}
