//! A tree in which some files have other texts, or are new.

use std::collections::BTreeMap;

use terrace_domain::path::RepoPath;

use crate::tree::{FileEntry, FileKind, FileTree, ReadError};

/// A tree over another.
pub struct Overlay<'t> {
    below: &'t dyn FileTree,
    texts: BTreeMap<RepoPath, Option<String>>,
    files: Vec<FileEntry>,
}

impl<'t> Overlay<'t> {
    /// The tree `below`, with these texts; without those files for which there is none.
    pub fn new(below: &'t dyn FileTree, texts: impl IntoIterator<Item = (RepoPath, Option<String>)>) -> Self {
        let texts: BTreeMap<_, _> = texts.into_iter().collect();
        let entry = |(path, text): (&RepoPath, &Option<String>)| {
            let size = Some(text.as_ref()?.len() as u64);
            Some(FileEntry { path: path.clone(), kind: FileKind::Regular, size, id: None })
        };
        let kept = below.files().iter().filter(|entry| !texts.contains_key(&entry.path)).cloned();
        let mut files: Vec<_> = kept.chain(texts.iter().filter_map(entry)).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { below, texts, files }
    }
}

impl FileTree for Overlay<'_> {
    fn files(&self) -> &[FileEntry] {
        &self.files
    }

    fn read(&self, entry: &FileEntry) -> Result<Vec<u8>, ReadError> {
        match self.texts.get(&entry.path) {
            Some(text) => Ok(text.clone().unwrap_or_default().into_bytes()),
            None => self.below.read(entry),
        }
    }
}
