//! The file with import blocks in the work folder: there while Terraform plans with it, and gone whatever happens then.

use std::io;
use std::path::PathBuf;

use terrace_config::ImportBlocks;

use super::folder::InstanceFolder;
use super::private_file::{remove, write_private};

/// The file. It goes with its owner.
pub(super) struct ImportFile {
    path: PathBuf,
}

impl ImportFile {
    /// Writes it.
    pub(super) fn write(folder: &InstanceFolder, blocks: &ImportBlocks) -> io::Result<Self> {
        let file = Self { path: folder.import_file() };
        write_private(&file.path, blocks.text().as_bytes())?;
        Ok(file)
    }

    /// Removes it, and says where that fails.
    pub(super) fn remove(self) -> io::Result<()> {
        remove(&self.path)
    }

    /// Whether a diagnostic's file is this one.
    pub(super) fn is(&self, file: &str) -> bool {
        self.path.file_name().is_some_and(|name| name == file)
    }
}

impl Drop for ImportFile {
    fn drop(&mut self) {
        // Where it cannot be removed now, the next laying out of the folder does it, before anything is planned.
        let _ = remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use terrace_domain::path::RepoPath;

    use super::*;

    #[test]
    fn it_is_its_owners_alone_and_goes_with_its_value() {
        let root = tempfile::tempdir().unwrap();
        let folder = InstanceFolder::new(root.path().to_owned(), RepoPath::root());
        std::fs::create_dir_all(folder.work()).unwrap();
        let file = ImportFile::write(&folder, &ImportBlocks::of(&[], false)).unwrap();
        let mode = std::fs::metadata(folder.import_file()).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode, file.is("terrace_import.tf"), file.is("main.tf")), (0o600, true, false));
        drop(file);
        assert!(!folder.import_file().exists());
    }
}
