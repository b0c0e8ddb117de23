//! Walks of history: every commit of a window with the files that it changes. The git command does it, several times as fast as a walk with
//! the library, and its output is read as it comes: one commit is in memory at a time.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use terrace_domain::affected::ChangeKind;
use terrace_domain::path::RepoPath;
use terrace_domain::slice::history::{Commit, FileChange, Person};

use super::{CommitId, GitError, Repository};

/// The most commits that are walked: twenty years of thirty a day. It keeps a mistake from reading for minutes.
pub const COMMITS_MAX: usize = 200_000;
/// The most files of one commit that are told: one that changes more is sweeping by any measure.
const FILES_MAX: usize = 20_000;
/// The longest item that is read, in bytes: paths and messages are far shorter, and damaged output has no end.
const ITEM_BYTES_MAX: u64 = 1 << 20;
/// The most of git's complaints that is kept, in bytes.
const COMPLAINT_BYTES_MAX: u64 = 4 << 10;
/// Into how many files renames are looked for: beyond, git would compare each with each.
const RENAMES_MAX: &str = "400";

/// What begins the item of a commit; items of files begin with `:` or a digit.
const COMMIT_MARK: char = '>';
/// Stands between the fields of a commit, and between its co-authors: characters that git takes out of names.
const FIELD: char = '\u{1f}';
const CO_AUTHOR: char = '\u{1e}';
/// Id, author's time, name, address (both after the mailmap), subject, co-authors.
const FORMAT: &str =
    "--format=tformat:>%H%x1f%at%x1f%aN%x1f%aE%x1f%s%x1f%(trailers:key=Co-authored-by,valueonly,separator=%x1e)";

/// Which commits are walked.
#[derive(Debug, Clone, Copy)]
pub struct HistoryWindow<'a> {
    /// The newest.
    pub head: CommitId,
    /// None that was committed before this, in seconds since 1970.
    pub since_secs: Option<i64>,
    /// No more than so many; never more than [`COMMITS_MAX`].
    pub commits_max: Option<usize>,
    /// Only what changes something below this folder.
    pub below: &'a RepoPath,
}

impl Repository {
    /// Gives every commit of a window to `each`, the newest first. Merges are left out: what they bring was told with the commits that they
    /// merge. Paths that are not UTF-8 are left out as well.
    pub fn walk_history(&self, window: &HistoryWindow<'_>, mut each: impl FnMut(Commit)) -> Result<(), GitError> {
        let failed = |error: io::Error| GitError::failed("walk the history with the `git` command", error);
        let mut git = self.log(window).spawn().map_err(failed)?;
        // Both outputs are read at the same time: git waits for whoever does not read what it says.
        let complaint = git.stderr.take().map(|stderr| std::thread::spawn(move || said(stderr)));
        let walked =
            git.stdout.take().map_or(Ok(()), |stdout| read(BufReader::with_capacity(1 << 16, stdout), &mut each));
        let ended = end(git, walked.is_err());
        let complaint = complaint.and_then(|reading| reading.join().ok()).unwrap_or_default();
        walked.map_err(failed)?;
        if ended.map_err(failed)? {
            return Ok(());
        }
        Err(GitError::failed("walk the history", complaint.trim().to_owned()))
    }

    /// Whether the repository is a shallow clone: its history ends too early.
    pub fn is_shallow_clone(&self) -> bool {
        Self::is_shallow(&self.local())
    }

    fn log(&self, window: &HistoryWindow<'_>) -> Command {
        let mut git = Command::new("git");
        git.current_dir(self.root()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Another repository may be around: of a hook that Terrace was started from.
        for name in
            ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX"]
        {
            git.env_remove(name);
        }
        // Nothing is written, and what a partial clone lacks is not fetched.
        git.env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C");
        git.args(["--no-pager", "--literal-pathspecs", "-c", "log.showSignature=false", "-c", "diff.relative=false"]);
        git.args(["log", "-z", "--no-merges", "--full-history", "--raw", "--numstat", "--ignore-all-space", "-M"]);
        git.args(["-l", RENAMES_MAX, "--no-ext-diff", "--no-textconv", "--no-color", "--no-notes", "--encoding=UTF-8"]);
        git.args(["--ignore-submodules=all", FORMAT]);
        if let Some(since) = window.since_secs {
            git.arg(format!("--max-age={since}"));
        }
        git.arg(format!("--max-count={}", window.commits_max.unwrap_or(COMMITS_MAX).min(COMMITS_MAX)));
        git.arg(window.head.to_string()).arg("--");
        if !window.below.as_str().is_empty() {
            git.arg(window.below.as_str());
        }
        git
    }
}

fn said(stderr: impl Read) -> String {
    let mut bytes = Vec::new();
    let mut reader = stderr.take(COMPLAINT_BYTES_MAX);
    let _ = reader.read_to_end(&mut bytes);
    let _ = io::copy(reader.get_mut(), &mut io::sink());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits for git; one whose output could not be read is ended first.
fn end(mut git: Child, is_unread: bool) -> io::Result<bool> {
    if is_unread {
        let _ = git.kill();
    }
    git.wait().map(|status| status.success())
}

/// Reads items that end with a NUL (git-log(1), `-z`): of each commit its own, then for each file `:MODES IDS STATUS` and its path, or both
/// of a rename, then for each file whose content differs in more than white space `ADDED TAB DELETED TAB PATH` (git-diff(1), "Raw output
/// format" and `--numstat`).
fn read(mut output: impl BufRead, each: &mut impl FnMut(Commit)) -> io::Result<()> {
    let mut current: Option<Reading> = None;
    let mut item = Vec::new();
    while next_item(&mut output, &mut item)? {
        let text = String::from_utf8_lossy(&item);
        // After the message, the first item of a file has an empty line before it.
        let text = text.trim_start_matches('\n');
        if let Some(head) = text.strip_prefix(COMMIT_MARK) {
            if let Some(done) = current.replace(Reading::new(head)?) {
                each(done.finish());
            }
        } else if let Some(reading) = &mut current
            && !text.is_empty()
        {
            let (text, is_raw) = (text.to_owned(), text.starts_with(':'));
            if is_raw {
                reading.raw(&text, &mut output, &mut item)?;
            } else {
                reading.counts(&text, &mut output, &mut item)?;
            }
        }
    }
    if let Some(done) = current {
        each(done.finish());
    }
    Ok(())
}

/// Reads up to the next NUL; `false` at the end.
fn next_item(output: &mut impl BufRead, item: &mut Vec<u8>) -> io::Result<bool> {
    item.clear();
    let read = output.by_ref().take(ITEM_BYTES_MAX).read_until(0, item)?;
    if item.last() == Some(&0) {
        item.pop();
    } else if read as u64 == ITEM_BYTES_MAX {
        return Err(unexpected("an item without an end"));
    }
    Ok(read > 0)
}

fn path_item(output: &mut impl BufRead, item: &mut Vec<u8>) -> io::Result<Option<RepoPath>> {
    if !next_item(output, item)? {
        return Err(unexpected("a file without a path"));
    }
    Ok(std::str::from_utf8(item).ok().and_then(|text| RepoPath::new(text).ok()))
}

fn unexpected(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("git's output has {what}"))
}

/// A commit whose files are being read.
struct Reading {
    commit: Commit,
    /// The files that differ in more than white space.
    told: BTreeSet<RepoPath>,
}

impl Reading {
    fn new(head: &str) -> io::Result<Self> {
        let mut fields = head.splitn(6, FIELD);
        let mut field = || fields.next().ok_or_else(|| unexpected("a commit that is not as it was asked for"));
        let (id, at, name, email) = (field()?, field()?, field()?, field()?);
        let (subject, co_authors) = (field()?, field()?);
        let author = Person { name: name.to_owned(), email: email.to_owned() };
        let co_authors = co_authors.split(CO_AUTHOR).filter_map(|text| person(text.trim()));
        let commit = Commit {
            id: id.to_owned(),
            at_secs: at.parse().map_err(|_| unexpected("a commit without a time"))?,
            subject: subject.to_owned(),
            authors: std::iter::once(author).chain(co_authors).collect(),
            files: Vec::new(),
        };
        Ok(Self { commit, told: BTreeSet::new() })
    }

    fn raw(&mut self, text: &str, output: &mut impl BufRead, item: &mut Vec<u8>) -> io::Result<()> {
        let status = text.rsplit(' ').next().unwrap_or_default();
        let first = path_item(output, item)?;
        let (from, path) = match status.chars().next() {
            Some('R') => (first, path_item(output, item)?),
            Some('C') => (None, path_item(output, item)?),
            _ => (None, first),
        };
        let kind = match status.chars().next() {
            Some('A' | 'C') => ChangeKind::Added,
            Some('D') => ChangeKind::Removed,
            _ => ChangeKind::Modified,
        };
        if let Some(path) = path
            && self.commit.files.len() < FILES_MAX
        {
            self.commit.files.push(FileChange { path, from, kind, is_formatting: false });
        }
        Ok(())
    }

    fn counts(&mut self, text: &str, output: &mut impl BufRead, item: &mut Vec<u8>) -> io::Result<()> {
        let mut fields = text.splitn(3, '\t');
        let (added, deleted) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let path = match fields.next() {
            // Of a rename both paths follow.
            Some("") => {
                path_item(output, item)?;
                path_item(output, item)?
            }
            Some(path) => RepoPath::new(path).ok(),
            None => return Err(unexpected("a file that is not as it was asked for")),
        };
        // Older versions of git tell files of which nothing is left.
        self.told.extend(path.filter(|_| (added, deleted) != ("0", "0")));
        Ok(())
    }

    fn finish(mut self) -> Commit {
        for file in &mut self.commit.files {
            file.is_formatting = file.kind == ChangeKind::Modified && !self.told.contains(&file.path);
        }
        self.commit
    }
}

/// `Name <address>`.
fn person(text: &str) -> Option<Person> {
    let (name, email) = text.strip_suffix('>')?.rsplit_once('<')?;
    Some(Person { name: name.trim().to_owned(), email: email.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(output: &[u8]) -> Result<Vec<Commit>, String> {
        let mut commits = Vec::new();
        read(output, &mut |commit| commits.push(commit)).map_err(|error| error.to_string()).map(|()| commits)
    }

    #[test]
    fn output_that_is_cut_off_or_another_is_an_error() {
        let commit = b">aa\x1f12\x1fA\x1fa@b\x1fsubject\x1f\0\n:100644 100644 aa bb M\0x.tf\x001\t0\tx.tf\0";
        assert_eq!(all(commit).unwrap()[0].files.len(), 1);
        assert_eq!(all(b"").unwrap(), []);
        assert_eq!(all(b">aa\x1fnow\x1fA\x1fa@b\x1fs\x1f\0").unwrap_err(), "git's output has a commit without a time");
        assert_eq!(all(b">aa\0").unwrap_err(), "git's output has a commit that is not as it was asked for");
        let cut = &commit[..commit.len() - b"x.tf\x001\t0\tx.tf\0".len()];
        assert_eq!(all(cut).unwrap_err(), "git's output has a file without a path");
    }

    #[test]
    fn co_authors_are_people() {
        assert_eq!(person("Bob B <bob@x.y>"), Some(Person { name: "Bob B".into(), email: "bob@x.y".into() }));
        assert_eq!(person("Bob"), None);
    }
}
