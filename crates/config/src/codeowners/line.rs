//! One line of `CODEOWNERS`: a pattern and its owners, or a comment.

use std::fmt;
use std::ops::Range;

use globset::Glob;
use terrace_domain::diagnostic::{Diagnostic, Place};
use terrace_domain::path::RepoPath;

use super::OwnerRule;
use super::pattern;

/// An owner as a line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    text: String,
    start: usize,
}

/// What an owner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerKind {
    /// `@organisation/team`.
    Team,
    /// `@user`.
    User,
    /// An email address.
    Email,
}

impl Owner {
    /// As written: `@organisation/team`, `@user` or an email address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it is.
    pub fn kind(&self) -> OwnerKind {
        match self.text.strip_prefix('@') {
            Some(name) if name.contains('/') => OwnerKind::Team,
            Some(_) => OwnerKind::User,
            None => OwnerKind::Email,
        }
    }

    /// The name by which an estate knows it: of `@organisation/team` the team's, of `@user` the user's, and an email address as it is.
    pub fn name(&self) -> &str {
        let name = self.text.strip_prefix('@').unwrap_or(&self.text);
        name.rsplit_once('/').map_or(name, |(_, team)| team)
    }

    /// Whether a name of the estate means it: as written, with or without the `@` and the organisation. The case does not count, as on
    /// GitHub.
    pub fn is_called(&self, name: &str) -> bool {
        let whole = self.text.strip_prefix('@').unwrap_or(&self.text);
        [self.as_str(), whole, self.name()].iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Where in the file it is, in bytes.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Reads a line that begins at the byte `offset` of the file.
pub(super) fn read(
    path: &RepoPath,
    text: &str,
    offset: usize,
    line: usize,
) -> Result<Option<(OwnerRule, Vec<Glob>)>, Box<Diagnostic>> {
    let mut words = words(text);
    let Some(pattern) = words.next() else { return Ok(None) };
    let wrong = |range: Range<usize>, summary: String, label: &str, help: &str| {
        let place = Place { path: path.clone(), range: offset + range.start..offset + range.end };
        let passed_over = format!("{help} Until then the line counts for nothing.");
        Err(Box::new(Diagnostic::warning("codeowners", summary).at(place, label).help(passed_over)))
    };
    let written = &text[pattern.clone()];
    let globs = match pattern::compile(written) {
        Ok(globs) => globs,
        Err(refused) => {
            return wrong(pattern, format!("line {line} of {path} has no usable pattern"), &refused.what, refused.help);
        }
    };
    let mut owners = Vec::new();
    for word in words {
        let text = &text[word.clone()];
        if !is_owner(text) {
            let summary = format!("line {line} of {path} names an owner that is none: `{text}`");
            return wrong(
                word,
                summary,
                "not an owner",
                "Owners are `@user`, `@organisation/team` and email addresses; write spaces in a pattern as `\\ `.",
            );
        }
        owners.push(Owner { text: text.to_owned(), start: offset + word.start });
    }
    Ok(Some((OwnerRule { pattern: written.to_owned(), owners, line }, globs)))
}

/// The words of a line, up to a comment. A space after a backslash is part of a word.
fn words(line: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = line.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        let start = at;
        if bytes.get(at).is_none_or(|byte| *byte == b'#') {
            return None;
        }
        while bytes.get(at).is_some_and(|byte| !byte.is_ascii_whitespace()) {
            let escapes = bytes[at] == b'\\' && bytes.get(at + 1).is_some_and(|next| !matches!(next, b'\n' | b'\r'));
            at += if escapes { 2 } else { 1 };
        }
        // A backslash may stand before a character of several bytes.
        while !line.is_char_boundary(at) {
            at += 1;
        }
        Some(start..at)
    })
}

fn is_owner(text: &str) -> bool {
    let is_plain = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '[' | ']'))
    };
    if let Some(name) = text.strip_prefix('@') {
        let mut parts = name.split('/');
        return parts.all(is_plain);
    }
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains(['@', '/']) && !local.contains('/')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<&str> {
        words(line).map(|word| &line[word]).collect()
    }

    #[test]
    fn words_end_at_spaces_and_comments() {
        assert_eq!(split("  *.tf\t@a  b@c.d # why @x\r\n"), ["*.tf", "@a", "b@c.d"]);
        assert_eq!(split("# only words\n"), [""; 0]);
        assert_eq!(split("my\\ folder/ @a#b\n"), ["my\\ folder/", "@a#b"]);
        assert_eq!(split("x\\"), ["x\\"]);
        assert_eq!(split("x\\ü @a"), ["x\\ü", "@a"]);
    }

    #[test]
    fn owners_are_users_teams_and_addresses() {
        let good = ["@ada", "@acme/team-shop", "ada@example.com", "@renovate[bot]"];
        assert!(good.iter().all(|text| is_owner(text)));
        let bad = ["ada", "@", "@acme/", "a@b@c", "folder/file", "@a b"];
        assert!(bad.iter().all(|text| !is_owner(text)));
    }
}
