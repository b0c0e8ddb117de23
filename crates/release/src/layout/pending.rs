//! Referrers that are listed beside `index.json` until that is replaced next: a run attaches evidence to thousands of releases one by one, and
//! to write the whole list each time would take longer than the run. Owns the file, and which entries an index has with it. What is in it is
//! on the disk, and as good as listed; other tools see it when it has moved to `index.json`, at the end of a run at the latest.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};

use super::files::{failed, is_missing, replace, sync_folder};
use super::{Descriptor, INDEX_BYTES_MAX, INDEX_FILE, Layout, LayoutError, REFERS_TO_ANNOTATION, TAG_ANNOTATION};

/// The file's name in the layout. Other tools pass over it.
pub(super) const FILE: &str = "terrace-referrers-1";
/// The file may always become so large, in bytes, before it moves to `index.json`; beyond, as large as that. So each entry is written anew
/// about twice, however many there are.
const BYTES_MIN: u64 = 256 << 10;

/// Whether an entry may wait there: names never do.
pub(super) fn may_wait(entry: &Descriptor) -> bool {
    entry.annotation(REFERS_TO_ANNOTATION).is_some() && entry.annotation(TAG_ANNOTATION).is_none()
}

/// The entries that wait. Must be read before `index.json`, from which nothing goes.
pub(super) fn read(layout: &Layout) -> Result<Vec<Descriptor>, LayoutError> {
    let path = layout.folder.join(FILE);
    let size = match path.metadata() {
        Ok(found) => found.len(),
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        Err(error) => return Err(failed("read", &path)(error)),
    };
    if size > INDEX_BYTES_MAX {
        return Err(LayoutError::TooLarge { what: path.display().to_string(), size, max: INDEX_BYTES_MAX });
    }
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        // It has just moved.
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        Err(error) => return Err(failed("read", &path)(error)),
    };
    // A line is a descriptor, as in `index.json`. Half a line is no JSON: its writer was killed before it was on the disk.
    let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    Ok(lines.filter(may_wait).collect())
}

/// Lists referrers: when this returns they are on the disk. Takes the layout's lock, and lets go of it before it waits for the disk, so that
/// those who list at the same time wait together.
pub(super) fn add(layout: &Layout, lock: File, entries: &[Descriptor]) -> Result<(), LayoutError> {
    let path = layout.folder.join(FILE);
    let mut text = Vec::new();
    for entry in entries {
        // A line that a killed process left unfinished ends here.
        text.push(b'\n');
        serde_json::to_writer(&mut text, entry).expect("texts and numbers become JSON");
    }
    let is_new = !path.exists();
    let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed("write", &path))?;
    file.write_all(&text).map_err(failed("write", &path))?;
    let size = file.metadata().map_err(failed("read", &path))?.len();
    let index = layout.folder.join(INDEX_FILE);
    let listed = index.metadata().map_err(failed("read", &index))?.len();
    if size > listed.max(BYTES_MIN) {
        return list_with(layout, &lock, Vec::new());
    }
    if is_new {
        // Before others come who find it there.
        sync_folder(&layout.folder)?;
    }
    drop(lock);
    file.sync_data().map_err(failed("write", &path))
}

/// Lists these entries, and all that wait, in `index.json`. Asks for the layout's lock.
pub(super) fn list_with(layout: &Layout, _lock: &File, entries: Vec<Descriptor>) -> Result<(), LayoutError> {
    let waiting = read(layout)?;
    let before = layout.listed()?;
    let mut index = before.clone();
    merge(&mut index.manifests, waiting);
    merge(&mut index.manifests, entries);
    if index != before {
        replace(&layout.folder, INDEX_FILE, &index.to_bytes())?;
    }
    let path = layout.folder.join(FILE);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &path)(error)),
        _ => Ok(()),
    }
}

/// Adds entries. What had the name of one of them before loses it and stays; what is there without a name stays as it is.
pub(super) fn merge(entries: &mut Vec<Descriptor>, new: Vec<Descriptor>) {
    let mut known: HashSet<_> = entries.iter().map(|entry| entry.digest).collect();
    for entry in new {
        let is_known = !known.insert(entry.digest);
        match entry.annotation(TAG_ANNOTATION).map(str::to_owned) {
            Some(tag) => name(entries, &tag, entry),
            None if is_known => {}
            None => entries.push(entry),
        }
    }
}

fn name(entries: &mut Vec<Descriptor>, tag: &str, entry: Descriptor) {
    let earlier = entries.iter().position(|other| other.annotation(TAG_ANNOTATION) == Some(tag));
    if let Some(at) = earlier {
        if entries[at].digest == entry.digest {
            entries[at] = entry;
            return;
        }
        entries[at].annotations.remove(TAG_ANNOTATION);
    }
    // Named now: the entry without a name says nothing more.
    entries.retain(|other| other.digest != entry.digest || other.annotation(TAG_ANNOTATION).is_some());
    entries.push(entry);
}
