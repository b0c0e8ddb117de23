//! Reads an archive of a release: strictly what `pack` writes. Refuses everything that could end outside of the folder that it is
//! unpacked in, and everything that a release never has. Writes nothing.

use std::collections::BTreeMap;
use std::ops::Range;

use terrace_domain::path::RepoPath;
use terrace_domain::release::{BlobId, FileMode, FileRecord};
use terrace_world::tree::blob_id;

use crate::pack::BLOCK;

/// The files of an archive.
#[derive(Debug)]
pub struct Layer {
    bytes: Vec<u8>,
    entries: BTreeMap<RepoPath, Entry>,
}

#[derive(Debug)]
struct Entry {
    mode: FileMode,
    content: Content,
}

#[derive(Debug)]
enum Content {
    At(Range<usize>),
    Link(Vec<u8>),
}

/// An archive is not one of a release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// It cannot be read.
    #[error("the archive is broken: {0}")]
    Unreadable(String),
    /// It has an entry that a release never has.
    #[error("the entry `{path}` is refused: {reason}")]
    Refused {
        /// The entry's path as shown.
        path: String,
        /// Why, a lowercase fragment.
        reason: &'static str,
    },
}

/// An archive and the contract say different things of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The archive does not have it.
    #[error("the file `{0}` is in the contract, but not in the layer")]
    Missing(RepoPath),
    /// The contract does not have it.
    #[error("the file `{0}` is in the layer, but not in the contract")]
    Unexpected(RepoPath),
    /// It is of another kind.
    #[error("the file `{path}` has the mode {} in the layer, and {} in the contract", found.as_str(), expected.as_str())]
    Mode {
        /// The file.
        path: RepoPath,
        /// What the contract says.
        expected: FileMode,
        /// What the archive says.
        found: FileMode,
    },
    /// It has another content.
    #[error(
        "the file `{path}` has the content {found} ({found_size} bytes) in the layer, and {expected} ({expected_size} bytes) in the contract"
    )]
    Content {
        /// The file.
        path: RepoPath,
        /// What the contract says.
        expected: BlobId,
        /// The size that the contract says.
        expected_size: u64,
        /// What the archive has.
        found: BlobId,
        /// Its size.
        found_size: u64,
    },
}

impl Layer {
    /// Reads an archive.
    pub fn read(bytes: Vec<u8>) -> Result<Self, UnpackError> {
        let mut entries = BTreeMap::new();
        let mut blocks = Blocks { bytes: &bytes, at: 0 };
        while let Some(raw) = blocks.next_entry()? {
            let refused =
                |reason| UnpackError::Refused { path: String::from_utf8_lossy(&raw.path).into_owned(), reason };
            let path = std::str::from_utf8(&raw.path).map_err(|_| refused("its path is not UTF-8"))?;
            let path = checked_path(path).map_err(refused)?;
            let entry = raw.checked().map_err(refused)?;
            if entries.insert(path, entry).is_some() {
                return Err(refused("it comes twice"));
            }
        }
        Ok(Self { bytes, entries })
    }

    /// How many bytes the archive has.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// A file's content; of a link, the path that it names.
    pub fn content(&self, path: &RepoPath) -> Option<&[u8]> {
        self.entries.get(path).map(|entry| self.content_of(entry))
    }

    fn content_of<'a>(&'a self, entry: &'a Entry) -> &'a [u8] {
        match &entry.content {
            Content::At(range) => &self.bytes[range.clone()],
            Content::Link(target) => target,
        }
    }

    /// Holds the archive against what the contract lists (sorted by path); all that differs.
    pub fn compare(&self, records: &[FileRecord]) -> Vec<Mismatch> {
        let mut found = Vec::new();
        for record in records {
            match self.entries.get(&record.path) {
                None => found.push(Mismatch::Missing(record.path.clone())),
                Some(entry) => found.extend(self.compare_entry(record, entry)),
            }
        }
        let is_listed = |path: &RepoPath| records.binary_search_by(|record| record.path.cmp(path)).is_ok();
        found.extend(self.entries.keys().filter(|path| !is_listed(path)).cloned().map(Mismatch::Unexpected));
        found
    }

    fn compare_entry(&self, record: &FileRecord, entry: &Entry) -> Option<Mismatch> {
        let path = record.path.clone();
        if entry.mode != record.mode {
            return Some(Mismatch::Mode { path, expected: record.mode, found: entry.mode });
        }
        let content = self.content_of(entry);
        let (found, found_size) = (BlobId(blob_id(content).0), content.len() as u64);
        let (expected, expected_size) = (record.blob, record.size);
        (found != expected || found_size != expected_size).then_some(Mismatch::Content {
            path,
            expected,
            expected_size,
            found,
            found_size,
        })
    }
}

/// An entry as the archive has it, before anything is believed.
struct RawEntry {
    path: Vec<u8>,
    link: Vec<u8>,
    kind: u8,
    mode: u64,
    data: Range<usize>,
}

impl RawEntry {
    fn checked(&self) -> Result<Entry, &'static str> {
        match self.kind {
            b'0' => {
                let mode = match self.mode {
                    0o644 => FileMode::Regular,
                    0o755 => FileMode::Executable,
                    _ => return Err("its mode is neither 0644 nor 0755"),
                };
                Ok(Entry { mode, content: Content::At(self.data.clone()) })
            }
            b'2' if self.link.is_empty() => Err("it is a link that names nothing"),
            b'2' => Ok(Entry { mode: FileMode::Symlink, content: Content::Link(self.link.clone()) }),
            b'1' => Err("it is a hard link"),
            b'5' => Err("it is a folder"),
            b'3' | b'4' | b'6' => Err("it is a device or a pipe"),
            _ => Err("it is neither a file nor a symbolic link"),
        }
    }
}

/// Walks over the blocks of an archive.
struct Blocks<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// What an extended header says of the entry after it.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Blocks<'_> {
    /// The next entry; `None` at the end of the archive, which two blocks of zeros mark.
    fn next_entry(&mut self) -> Result<Option<RawEntry>, UnpackError> {
        let mut extended: Option<Extended> = None;
        loop {
            let block = self.take(BLOCK)?;
            let header = &self.bytes[block];
            if header.iter().all(|byte| *byte == 0) {
                let end = self.take(BLOCK)?;
                let is_end = extended.is_none() && self.at == self.bytes.len();
                return if is_end && self.bytes[end].iter().all(|byte| *byte == 0) {
                    Ok(None)
                } else {
                    Err(broken("it does not end where it should"))
                };
            }
            check_sum(header)?;
            let size = number(&header[124..136])?;
            let size = usize::try_from(size).map_err(|_| broken("an entry lies beyond its end"))?;
            let data = self.take(size)?;
            self.take(size.next_multiple_of(BLOCK) - size)?;
            match (header[156], &extended) {
                (b'x', None) => extended = Some(Extended::read(&self.bytes[data])?),
                (b'x', Some(_)) => return Err(broken("an extended header follows another")),
                (kind, _) => {
                    let Extended { path, link } = extended.unwrap_or_default();
                    let path = path.unwrap_or_else(|| path_of(header));
                    let link = link.unwrap_or_else(|| text(&header[157..257]).to_vec());
                    let mode = number(&header[100..108])?;
                    return Ok(Some(RawEntry { path, link, kind, mode, data }));
                }
            }
        }
    }

    fn take(&mut self, size: usize) -> Result<Range<usize>, UnpackError> {
        let end = self.at.checked_add(size).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| broken("it ends too early"))?;
        Ok(std::mem::replace(&mut self.at, end)..end)
    }
}

impl Extended {
    /// Reads records: length, a space, key, `=`, value, line end.
    fn read(mut records: &[u8]) -> Result<Self, UnpackError> {
        let wrong = || broken("an extended header is not as it should be");
        let mut found = Self::default();
        while !records.is_empty() {
            let space = records.iter().position(|byte| *byte == b' ').ok_or_else(wrong)?;
            let length = std::str::from_utf8(&records[..space]).ok().and_then(|digits| digits.parse::<usize>().ok());
            let length = length.filter(|length| (space + 2..=records.len()).contains(length)).ok_or_else(wrong)?;
            let (record, rest) = records.split_at(length);
            let record = record[space + 1..].strip_suffix(b"\n").ok_or_else(wrong)?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(wrong)?;
            let value = record[equals + 1..].to_vec();
            match &record[..equals] {
                b"path" if found.path.is_none() => found.path = Some(value),
                b"linkpath" if found.link.is_none() => found.link = Some(value),
                _ => return Err(broken("an extended header says more than a path")),
            }
            records = rest;
        }
        Ok(found)
    }
}

fn broken(reason: &str) -> UnpackError {
    UnpackError::Unreadable(reason.to_owned())
}

/// The sum of a header's bytes, its own digits counted as spaces.
fn check_sum(header: &[u8]) -> Result<(), UnpackError> {
    let byte = |(at, byte): (usize, &u8)| if (148..156).contains(&at) { u64::from(b' ') } else { u64::from(*byte) };
    let sum: u64 = header.iter().enumerate().map(byte).sum();
    if number(&header[148..156])? == sum { Ok(()) } else { Err(broken("a header's checksum is wrong")) }
}

/// A number in octal digits, up to a zero byte or a space.
fn number(field: &[u8]) -> Result<u64, UnpackError> {
    let digits = text(field).trim_ascii();
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|digits| u64::from_str_radix(digits, 8).ok())
        .ok_or_else(|| broken("a header has a number that is none"))
}

/// What stands before the first zero byte.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn path_of(header: &[u8]) -> Vec<u8> {
    let (prefix, name) = (text(&header[345..500]), text(&header[..100]));
    if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
}

/// A path that stays in the folder that it is unpacked in, and out of what belongs to git.
pub(crate) fn checked_path(text: &str) -> Result<RepoPath, &'static str> {
    if text.starts_with('/') {
        return Err("its path is absolute");
    }
    for part in text.split('/') {
        match part {
            "" | "." => return Err("its path is not in its simplest form"),
            ".." => return Err("its path climbs out of its folder"),
            _ if part.eq_ignore_ascii_case(".git") => return Err("`.git` belongs to git"),
            _ if part.contains('\0') => return Err("its path has a zero byte"),
            _ => {}
        }
    }
    RepoPath::new(text).map_err(|_| "its path climbs out of its folder")
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;
    use crate::pack::Packer;

    fn record(path: &str, mode: FileMode, content: &[u8]) -> FileRecord {
        let path = RepoPath::new(path).unwrap();
        FileRecord { path, mode, blob: BlobId(blob_id(content).0), size: content.len() as u64 }
    }

    fn packed(files: &[(FileRecord, Vec<u8>)]) -> Vec<u8> {
        let mut packer = Packer::default();
        for (record, content) in files {
            packer.add(record, content);
        }
        packer.finish()
    }

    fn mode() -> impl Strategy<Value = FileMode> {
        prop_oneof![Just(FileMode::Regular), Just(FileMode::Executable), Just(FileMode::Symlink)]
    }

    proptest! {
        #[test]
        fn what_is_packed_is_found_again(
            files in btree_map("[a-zé]{1,60}(/[a-z0-9._ -]{1,110}[a-z]){0,3}", (mode(), vec(1u8..127, 1..1500)), 0..8),
        ) {
            let mut files: Vec<_> = files
                .into_iter()
                .map(|(path, (mode, content))| (record(&path, mode, &content), content))
                .collect();
            files.sort_by(|a, b| a.0.path.cmp(&b.0.path));
            let layer = Layer::read(packed(&files)).unwrap();
            let records: Vec<_> = files.iter().map(|(record, _)| record.clone()).collect();
            prop_assert_eq!(layer.compare(&records), []);
            for (record, content) in &files {
                prop_assert_eq!(layer.content(&record.path), Some(&content[..]));
            }
        }

        #[test]
        fn another_reader_finds_the_same(
            files in btree_map("[a-zé]{1,60}(/[a-z0-9._ -]{1,110}[a-z]){0,3}", (mode(), "[a-zé/]{1,300}"), 0..8),
        ) {
            let files: Vec<_> = files
                .into_iter()
                .map(|(path, (mode, content))| (record(&path, mode, content.as_bytes()), content.into_bytes()))
                .collect();
            let bytes = packed(&files);
            let mut archive = tar::Archive::new(&bytes[..]);
            let mut found = Vec::new();
            for entry in archive.entries().unwrap() {
                let mut entry = entry.unwrap();
                let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
                let mut content = Vec::new();
                match entry.link_name_bytes() {
                    Some(target) => content.extend_from_slice(&target),
                    None => { std::io::Read::read_to_end(&mut entry, &mut content).unwrap(); }
                }
                found.push((path, content));
            }
            let expected: Vec<_> =
                files.iter().map(|(record, content)| (record.path.as_str().to_owned(), content.clone())).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..3000)) {
            let _ = Layer::read(bytes);
        }

        #[test]
        fn no_damage_makes_it_panic(at in 0usize..2048, byte: u8) {
            let mut bytes = packed(&[(record(&"long/".repeat(60), FileMode::Regular, b"x"), b"x".to_vec())]);
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = Layer::read(bytes);
        }
    }

    /// An archive as nobody of good will writes it.
    fn hostile(kind: tar::EntryType, path: &str, mode: u32) -> Vec<u8> {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(0);
        if matches!(kind, tar::EntryType::Link | tar::EntryType::Symlink) {
            header.set_link_name("target").unwrap();
        }
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.resize(bytes.len() + 1024, 0);
        bytes
    }

    #[test]
    fn what_a_release_never_has_is_refused() {
        use tar::EntryType::{Block, Char, Directory, Fifo, Link, Regular, Symlink};
        let refused = |kind, path, mode| Layer::read(hostile(kind, path, mode)).unwrap_err().to_string();
        assert_eq!(refused(Regular, "/etc/passwd", 0o644), "the entry `/etc/passwd` is refused: its path is absolute");
        assert!(refused(Regular, "a/../../b", 0o644).ends_with("its path climbs out of its folder"));
        assert!(refused(Symlink, "../b", 0o777).ends_with("its path climbs out of its folder"));
        assert!(refused(Regular, "a/.GIT/config", 0o644).ends_with("`.git` belongs to git"));
        assert!(refused(Regular, "./a", 0o644).ends_with("not in its simplest form"));
        assert!(refused(Regular, "a", 0o4755).ends_with("neither 0644 nor 0755"));
        assert!(refused(Link, "a", 0o644).ends_with("it is a hard link"));
        assert!(refused(Directory, "a", 0o755).ends_with("it is a folder"));
        for device in [Char, Block, Fifo] {
            assert!(refused(device, "a", 0o644).ends_with("it is a device or a pipe"));
        }
        let twice = [
            (record("a", FileMode::Regular, b"1"), b"1".to_vec()),
            (record("a", FileMode::Regular, b"2"), b"2".to_vec()),
        ];
        assert!(Layer::read(packed(&twice)).unwrap_err().to_string().ends_with("it comes twice"));
    }

    #[test]
    fn all_that_differs_from_the_contract_is_told() {
        let files = [
            (record("a", FileMode::Regular, b"1"), b"1".to_vec()),
            (record("b", FileMode::Regular, b"2"), b"2".to_vec()),
            (record("extra", FileMode::Regular, b""), Vec::new()),
        ];
        let layer = Layer::read(packed(&files)).unwrap();
        let contract = [
            record("a", FileMode::Executable, b"1"),
            record("b", FileMode::Regular, b"22"),
            record("c", FileMode::Regular, b""),
        ];
        let found: Vec<String> = layer.compare(&contract).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 4);
        assert_eq!(found[0], "the file `a` has the mode 100644 in the layer, and 100755 in the contract");
        assert!(found[1].starts_with("the file `b` has the content "), "{}", found[1]);
        assert_eq!(found[2], "the file `c` is in the contract, but not in the layer");
        assert_eq!(found[3], "the file `extra` is in the layer, but not in the contract");
    }

    #[test]
    fn the_form_of_the_archive_is_fixed() {
        let long = format!("{}/{}.tf", "folder".repeat(30), "name".repeat(30));
        let files = [
            (record("größe.tf", FileMode::Regular, b"x = 1\n"), b"x = 1\n".to_vec()),
            (record("link", FileMode::Symlink, b"../a"), b"../a".to_vec()),
            (record(&long, FileMode::Executable, b""), Vec::new()),
        ];
        // Changed only together with a new media type: every release's digest rests on it.
        assert_eq!(crate::oci::digest_of(&packed(&files)).short(), "7d0768ca7309");
    }
}
