//! Reads one configuration file's text and syntax. Owns the limits on what is read at all; never interprets a block.

use hcl_edit::structure::Body;
use terrace_domain::diagnostic::{Diagnostic, Place};
use terrace_domain::expression::Span;
use terrace_domain::path::RepoPath;

use crate::tree::{FileEntry, FileKind, FileTree};

/// The largest `terrace.hcl` or `stack.hcl`, in bytes: people write a few hundred; this keeps a mistake from filling memory.
pub const FILE_SIZE_MAX: u64 = 1 << 20;

/// The most `=` and `:` in a configuration file: the parser looks for redefined keys in time that grows with their square.
pub const ENTRIES_MAX: usize = 10_000;

/// The mark that some editors put before UTF-8 text.
pub(crate) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A file's text without a byte order mark, or what is wrong with the file.
pub(crate) fn read_text(tree: &dyn FileTree, entry: &FileEntry, size_max: u64) -> Result<String, Box<Diagnostic>> {
    let start = place(&entry.path, Span::default());
    match entry.kind {
        FileKind::Regular | FileKind::Executable => {}
        FileKind::Symlink => {
            return Err(Diagnostic::error("symlink", format!("`{}` is a symbolic link", entry.path))
                .at(start, "")
                .help("Put the file itself here: links are not followed, because they can lead out of the repository.")
                .into());
        }
        FileKind::Submodule => {
            return Err(Diagnostic::error("not-a-file", format!("`{}` is a submodule, not a file", entry.path))
                .at(start, "")
                .into());
        }
    }
    if entry.size.is_some_and(|size| size > size_max) {
        return Err(too_large(&entry.path, size_max));
    }
    let bytes = tree.read(entry).map_err(|error| {
        Diagnostic::error("unreadable", format!("cannot read `{}`: {}", error.path, error.reason)).at(start.clone(), "")
    })?;
    if bytes.len() as u64 > size_max {
        return Err(too_large(&entry.path, size_max));
    }
    decode(&entry.path, bytes)
}

fn too_large(path: &RepoPath, size_max: u64) -> Box<Diagnostic> {
    Diagnostic::error("too-large", format!("`{path}` is larger than {} KiB", size_max >> 10))
        .at(place(path, Span::default()), "")
        .help("A configuration file is text that people write and read; is this one?")
        .into()
}

fn decode(path: &RepoPath, bytes: Vec<u8>) -> Result<String, Box<Diagnostic>> {
    let not_text = |at: usize, why: &str| {
        Diagnostic::error("not-text", format!("`{path}` is not a text file: {why}"))
            .at(place(path, Span::default()), "")
            .help(format!("The byte at offset {at} does not occur in text; configuration is written in UTF-8."))
            .into()
    };
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(not_text(at, "it has a NUL byte"));
    }
    let mut text =
        String::from_utf8(bytes).map_err(|error| not_text(error.utf8_error().valid_up_to(), "it is not UTF-8"))?;
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(text)
}

/// The syntax of a configuration file; one diagnostic where there is none.
pub(crate) fn parse(path: &RepoPath, text: &str) -> Result<Body, Box<Diagnostic>> {
    if text.bytes().filter(|byte| matches!(byte, b'=' | b':')).count() > ENTRIES_MAX {
        return Err(Diagnostic::error("too-large", format!("`{path}` has more than {ENTRIES_MAX} entries"))
            .at(place(path, Span::default()), "")
            .into());
    }
    hcl_edit::parser::parse_body(text).map_err(|error| syntax_error(path, text, &error))
}

fn syntax_error(path: &RepoPath, text: &str, error: &hcl_edit::parser::Error) -> Box<Diagnostic> {
    let start = floor_boundary(text, error.location().offset());
    // At the end of a line there is nothing to underline but the place itself.
    let end = text[start..].chars().next().filter(|c| !c.is_control()).map_or(start, |c| start + c.len_utf8());
    let place = Place { path: path.clone(), range: start..end };
    let message = error.message();
    let (summary, label) = message.split_once("; ").unwrap_or(("syntax error", message));
    Diagnostic::error("syntax", summary.to_owned()).at(place, label.to_owned()).into()
}

/// The start of the character that holds the byte `at`.
fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// A place in a file.
pub(crate) fn place(path: &RepoPath, span: Span) -> Place {
    Place { path: path.clone(), range: span.into() }
}

/// The largest `.tf` file that is read, in bytes: generated code can be long.
pub(crate) const CODE_SIZE_MAX: u64 = 16 << 20;
