//! What was learnt of Terraform files, remembered by blob id in one file of the `.terrace` folder. A cache: it may be lost or damaged at
//! any time, and then files are read again.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use terrace_config::tree::ObjectId20;
use terrace_config::{FactsCache, FactsKey, FileFacts};

/// How the file begins: what it is, and the version of its form.
const HEADER: &[u8; 16] = b"terrace facts 1\n";
/// The bytes before the facts of an entry: blob id, whether it is JSON, the length of the facts.
const ENTRY_HEAD: usize = 20 + 1 + 4;
/// The largest file that is read or written, in bytes: five times what 10,000 stacks need. Beyond it, only what the present command looked
/// at is kept.
const BYTES_MAX: usize = 100 << 20;

/// A memory of facts in a file. What is new is written by [`StoredFacts::save`].
pub struct StoredFacts {
    path: PathBuf,
    bytes: Vec<u8>,
    known: HashMap<FactsKey, Range<usize>>,
    new: RwLock<HashMap<FactsKey, Arc<FileFacts>>>,
}

impl StoredFacts {
    /// Opens the memory; one that is not there, or cannot be read, is empty.
    pub fn open(path: &Path) -> Self {
        let is_small = fs::metadata(path).is_ok_and(|facts| facts.len() <= BYTES_MAX as u64);
        let bytes = if is_small { fs::read(path).unwrap_or_default() } else { Vec::new() };
        let known = index(&bytes).unwrap_or_default();
        Self { path: path.to_owned(), bytes, known, new: RwLock::default() }
    }

    /// Writes what was learnt, if anything was. The file is replaced as a whole, so that no other process sees half of it; of two that write
    /// at the same time, one's news are lost, and learnt again.
    pub fn save(&self) -> io::Result<()> {
        let Ok(new) = self.new.read() else { return Ok(()) };
        if new.is_empty() {
            return Ok(());
        }
        let mut bytes = HEADER.to_vec();
        for (key, facts) in new.iter() {
            write_entry(&mut bytes, *key, &facts.encode());
        }
        let known = self.known.iter().filter(|(key, _)| !new.contains_key(key));
        let size: usize = known.clone().map(|(_, range)| ENTRY_HEAD + range.len()).sum();
        if bytes.len() + size <= BYTES_MAX {
            for (key, range) in known {
                write_entry(&mut bytes, *key, &self.bytes[range.clone()]);
            }
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&bytes)?;
        file.persist(&self.path)?;
        Ok(())
    }
}

impl FactsCache for StoredFacts {
    fn get(&self, key: FactsKey) -> Option<Arc<FileFacts>> {
        if let Some(range) = self.known.get(&key) {
            return FileFacts::decode(&self.bytes[range.clone()]).map(Arc::new);
        }
        self.new.read().ok()?.get(&key).cloned()
    }

    fn put(&self, key: FactsKey, facts: &Arc<FileFacts>) {
        if let Ok(mut new) = self.new.write() {
            new.insert(key, Arc::clone(facts));
        }
    }
}

fn write_entry(bytes: &mut Vec<u8>, key: FactsKey, facts: &[u8]) {
    let Ok(length) = u32::try_from(facts.len()) else { return };
    bytes.extend_from_slice(&key.id.0);
    bytes.push(u8::from(key.json));
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(facts);
}

/// Where each entry's facts are. `None` when the file is not of this form, or damaged.
fn index(bytes: &[u8]) -> Option<HashMap<FactsKey, Range<usize>>> {
    let mut at = bytes.starts_with(HEADER).then_some(HEADER.len())?;
    let mut known = HashMap::new();
    while at < bytes.len() {
        let head = bytes.get(at..at + ENTRY_HEAD)?;
        let (id, rest) = head.split_at(20);
        let key = FactsKey { id: ObjectId20(id.try_into().ok()?), json: rest[0] == 1 };
        let length = u32::from_le_bytes(rest[1..].try_into().ok()?) as usize;
        let start = at + ENTRY_HEAD;
        at = start.checked_add(length).filter(|end| *end <= bytes.len())?;
        known.insert(key, start..at);
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> FactsKey {
        FactsKey { id: ObjectId20([byte; 20]), json: byte % 2 == 1 }
    }

    #[test]
    fn what_was_learnt_is_known_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("facts");
        for byte in 0..10 {
            let facts = StoredFacts::open(&path);
            assert!(facts.get(key(byte)).is_none());
            facts.put(key(byte), &Arc::default());
            facts.save().unwrap();
        }
        let facts = StoredFacts::open(&path);
        assert!((0..10).all(|byte| facts.get(key(byte)).is_some()));
        assert!(facts.get(key(10)).is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_file_is_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("facts");
        let facts = StoredFacts::open(&path);
        facts.put(key(1), &Arc::default());
        facts.put(key(2), &Arc::default());
        facts.save().unwrap();
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let facts = StoredFacts::open(&path);
            // A file that is cut between two entries is sound, and holds the first.
            let known = [1, 2].into_iter().filter(|byte| facts.get(key(*byte)).is_some()).count();
            assert!(known <= 1, "cut after {length} bytes");
        }
        fs::write(&path, vec![0xff; 1000]).unwrap();
        assert!(StoredFacts::open(&path).get(key(1)).is_none());
    }
}
