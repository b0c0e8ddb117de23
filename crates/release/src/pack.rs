//! Packs files into a tar archive whose bytes depend on the files alone: no time, no owner, no compressor, entries in the order in which
//! they are given. Owns the form (POSIX.1-2008, "pax Interchange Format" over "ustar"); reading is the business of `unpack`.

use terrace_domain::release::{FileMode, FileRecord};

/// The size of a tar block in bytes.
pub(crate) const BLOCK: usize = 512;
/// The longest name that a header has room for.
const NAME_MAX: usize = 100;
/// The longest folder that a header has room for beside the name.
const PREFIX_MAX: usize = 155;

const REGULAR: u8 = b'0';
const SYMLINK: u8 = b'2';
const EXTENDED: u8 = b'x';

/// An archive that grows.
#[derive(Debug, Default)]
pub struct Packer {
    bytes: Vec<u8>,
}

impl Packer {
    /// Adds a file; `content` is what the record says: of a link, the path that it names.
    pub fn add(&mut self, file: &FileRecord, content: &[u8]) {
        let path = file.path.as_str();
        let (mode, kind, link, data) = match file.mode {
            FileMode::Regular => (0o644, REGULAR, &[][..], content),
            FileMode::Executable => (0o755, REGULAR, &[][..], content),
            FileMode::Symlink => (0o777, SYMLINK, content, &[][..]),
        };
        let place = Place::of(path.as_bytes());
        let mut records = Vec::new();
        if place.is_none() {
            extended(&mut records, b"path", path.as_bytes());
        }
        if !fits(link) {
            extended(&mut records, b"linkpath", link);
        }
        if !records.is_empty() {
            let name = Place { prefix: b"", name: b"PaxHeaders/x" };
            self.entry(&Header { place: name, mode: 0o644, kind: EXTENDED, link: b"" }, &records);
        }
        // Who reads no extended headers sees the beginning.
        let place = place.unwrap_or(Place { prefix: b"", name: cut(path.as_bytes()) });
        self.entry(&Header { place, mode, kind, link: cut(link) }, data);
    }

    /// The archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len() + 2 * BLOCK, 0);
        self.bytes
    }

    /// How many bytes it has until now.
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn entry(&mut self, header: &Header<'_>, data: &[u8]) {
        self.bytes.extend_from_slice(&header.to_block(data.len()));
        self.bytes.extend_from_slice(data);
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK), 0);
    }
}

/// A path as a header holds it.
struct Place<'a> {
    prefix: &'a [u8],
    name: &'a [u8],
}

impl<'a> Place<'a> {
    /// `None` where the path needs an extended header: it is too long, or not ASCII, which alone means the same everywhere.
    fn of(path: &'a [u8]) -> Option<Self> {
        if fits(path) {
            return Some(Self { prefix: b"", name: path });
        }
        let longest = path.len().min(PREFIX_MAX + 1);
        let slash = path[..longest].iter().rposition(|byte| *byte == b'/')?;
        let (prefix, name) = (&path[..slash], &path[slash + 1..]);
        (path.is_ascii() && !prefix.is_empty() && fits(name)).then_some(Self { prefix, name })
    }
}

fn fits(name: &[u8]) -> bool {
    name.is_ascii() && name.len() <= NAME_MAX
}

fn cut(text: &[u8]) -> &[u8] {
    &text[..text.len().min(NAME_MAX)]
}

struct Header<'a> {
    place: Place<'a>,
    mode: u32,
    kind: u8,
    link: &'a [u8],
}

impl Header<'_> {
    fn to_block(&self, size: usize) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
        put(0, self.place.name);
        put(100, format!("{:07o}", self.mode).as_bytes());
        put(108, b"0000000");
        put(116, b"0000000");
        put(124, format!("{size:011o}").as_bytes());
        put(136, b"00000000000");
        put(148, b"        ");
        put(156, &[self.kind]);
        put(157, self.link);
        put(257, b"ustar\x0000");
        put(329, b"0000000");
        put(337, b"0000000");
        put(345, self.place.prefix);
        let sum: u32 = block.iter().copied().map(u32::from).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }
}

/// Adds an extended header's record: its own length, a space, key, `=`, value, line end.
fn extended(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    // The length counts its own digits.
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(length.to_string().as_bytes());
    for part in [b" ", key, b"=", value, b"\n"] {
        records.extend_from_slice(part);
    }
}
