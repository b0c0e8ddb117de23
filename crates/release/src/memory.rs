//! Remembers which source was made into which release, so that a stack that did not change is not read again. Owns a file in the layout
//! that only ever grows; it is made again from the releases where it is missing, and nothing that it says is believed unseen.

use std::collections::{HashMap, HashSet};
use std::fs;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use terrace_domain::release::{Contract, Digest};

use crate::contract;
use crate::layout::{Layout, LayoutError};
use crate::oci::{Descriptor, MANIFEST_MEDIA_TYPE};
use crate::stored::{self, Listed, StoredError};

/// The file's name in the layout. Other tools pass over it.
const FILE: &str = "terrace-memory-1";
/// The largest file that is read: some two million releases of stacks. A larger one is begun again.
const BYTES_MAX: u64 = 512 << 20;

/// What a release is made from: the digest of the stack's source, and what its contract says beside its files. With another of these, the
/// same files make another release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(Digest);

impl Key {
    /// The key of a stack with this source.
    pub(crate) fn of(contract: &Contract, source: &str) -> Self {
        let interface = Contract { modules: Vec::new(), files: Vec::new(), vendored: Vec::new(), ..contract.clone() };
        let mut hasher = Sha256::new();
        hasher.update(source.as_bytes());
        hasher.update([0]);
        hasher.update(contract::to_bytes(&interface));
        Self(Digest(hasher.finalize().into()))
    }
}

/// What is remembered.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    by_key: HashMap<Key, Descriptor>,
    /// All stacks' releases that belong to an estate release.
    known: HashSet<Digest>,
    estate_releases: HashSet<Digest>,
    new_lines: String,
}

impl Memory {
    /// What the file says, and what the estate releases say that it does not know. One that cannot be read is passed over: its stacks are
    /// built again.
    pub(crate) fn open(layout: &Layout) -> Result<Self, StoredError> {
        let mut memory = Self::default();
        let path = layout.folder().join(FILE);
        let is_small = fs::metadata(&path).is_ok_and(|found| found.len() <= BYTES_MAX);
        let text = if is_small { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
        for line in text.lines() {
            memory.take_line(line);
        }
        for Listed { descriptor, .. } in stored::list(layout)?.into_iter().rev() {
            if !memory.estate_releases.contains(&descriptor.digest) {
                memory.learn(layout, &descriptor);
            }
        }
        Ok(memory)
    }

    fn take_line(&mut self, line: &str) -> Option<()> {
        let mut words = line.split(' ');
        match words.next()? {
            "estate" => {
                self.estate_releases.insert(words.next()?.parse().ok()?);
            }
            "stack" => {
                let key = Key(words.next()?.parse().ok()?);
                let digest = words.next()?.parse().ok()?;
                // The last word: half a number would be another size, so it is written twice.
                let (size, again) = (words.next()?, words.next()?);
                if size == again {
                    self.put(key, digest, size.parse().ok()?);
                }
            }
            _ => {}
        }
        Some(())
    }

    fn put(&mut self, key: Key, digest: Digest, size: u64) {
        let mut descriptor = Descriptor::of(MANIFEST_MEDIA_TYPE, &[]).with_type(crate::RELEASE_TYPE);
        (descriptor.digest, descriptor.size) = (digest, size);
        self.known.insert(digest);
        self.by_key.insert(key, descriptor);
    }

    /// Learns of an estate release that was not built here.
    fn learn(&mut self, layout: &Layout, descriptor: &Descriptor) {
        let Ok(release) = stored::estate_release(layout, descriptor) else { return };
        let unknown: Vec<_> = release.stacks.values().filter(|entry| !self.known.contains(&entry.digest)).collect();
        let learnt: Vec<_> = unknown
            .into_par_iter()
            .filter_map(|entry| {
                let stack = stored::stack(layout, entry).ok()?;
                let key = Key::of(&stack.contract, stored::source_of(&stack.manifest)?);
                Some((key, stack.descriptor))
            })
            .collect();
        for (key, descriptor) in learnt {
            self.remember(key, &descriptor);
        }
        self.remember_estate_release(descriptor.digest);
    }

    /// The release that was made from this.
    pub(crate) fn get(&self, key: Key) -> Option<&Descriptor> {
        self.by_key.get(&key)
    }

    /// Whether a stack's release belongs to an estate release already.
    pub(crate) fn knows(&self, release: &Digest) -> bool {
        self.known.contains(release)
    }

    /// Remembers a stack's release.
    pub(crate) fn remember(&mut self, key: Key, descriptor: &Descriptor) {
        use std::fmt::Write;
        let (digest, size) = (descriptor.digest, descriptor.size);
        if self.by_key.get(&key).is_some_and(|known| known.digest == digest) {
            return;
        }
        let _ = writeln!(self.new_lines, "stack {} {digest} {size} {size}", key.0);
        self.put(key, digest, size);
    }

    /// Remembers that all stacks of an estate release are remembered.
    pub(crate) fn remember_estate_release(&mut self, digest: Digest) {
        use std::fmt::Write;
        if self.estate_releases.insert(digest) {
            let _ = writeln!(self.new_lines, "estate {digest}");
        }
    }

    /// Writes what is new.
    pub(crate) fn save(&self, layout: &Layout) -> Result<(), LayoutError> {
        if self.new_lines.is_empty() {
            return Ok(());
        }
        let path = layout.folder().join(FILE);
        if fs::metadata(&path).is_ok_and(|found| found.len() > BYTES_MAX) {
            let _ = fs::remove_file(&path);
        }
        layout.append(FILE, &self.new_lines)
    }
}
