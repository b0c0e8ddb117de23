//! Names of commits: what a revision means, where two histories part, which branch is checked out.

use std::fmt;

use gix::revision::spec::parse::Error as ParseError;

use super::{GitError, Repository};

/// The longest revision that is looked up, in bytes: git's own reference names are shorter, and errors print it.
const REVISION_LENGTH_MAX: usize = 1024;
/// The most bytes of a subject line that are kept: it is shown in one line.
const SUBJECT_LENGTH_MAX: usize = 500;
/// Where the default branch is looked for where the remote does not name it; the local one first.
const DEFAULT_BRANCHES: [&str; 4] = ["main", "master", "origin/main", "origin/master"];

/// The id of a commit: 20 bytes of SHA-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId([u8; 20]);

impl CommitId {
    /// The id with these bytes.
    pub fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    pub(crate) fn object_id(self) -> gix::ObjectId {
        gix::ObjectId::from(self.0)
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.object_id().to_hex().to_string())
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A commit, as far as people are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: CommitId,
    /// The shortest beginning of the id that no other object of the repository has (at least as long as git's default).
    pub short_id: String,
    /// The first paragraph of the message, in one line.
    pub subject: String,
    /// The author's name.
    pub author_name: String,
    /// The author's address.
    pub author_email: String,
    /// When it was committed, in seconds since 1970.
    pub committed_at_secs: i64,
}

impl Repository {
    /// The commit that is checked out.
    pub fn head(&self) -> Result<Commit, GitError> {
        let repository = self.local();
        self.ensure_commit(&repository)?;
        let id = repository.head_id().map_err(|error| GitError::failed("read HEAD", error))?;
        describe(&repository, id.detach(), "HEAD")
    }

    /// The commit that `revision` names, in git's syntax (`main`, `v1.2`, `HEAD~3`, an id or the beginning of one).
    pub fn resolve(&self, revision: &str) -> Result<Commit, GitError> {
        let repository = self.local();
        if revision.is_empty() || revision.len() > REVISION_LENGTH_MAX {
            let revision = revision.chars().take(40).collect();
            return Err(GitError::UnknownRevision { revision, shallow: false });
        }
        let id = repository
            .rev_parse_single(revision.as_bytes())
            .map_err(|error| self.parse_error(revision, &repository, &error))?;
        describe(&repository, id.detach(), revision)
    }

    /// The best common ancestor of two commits.
    pub fn merge_base(&self, one: CommitId, two: CommitId) -> Result<Commit, GitError> {
        let repository = self.local();
        let none = || GitError::NoMergeBase { one, two, shallow: Self::is_shallow(&repository) };
        match repository.merge_base(one.object_id(), two.object_id()) {
            Ok(Some(id)) => describe(&repository, id.detach(), &id.to_string()),
            Ok(None) => Err(none()),
            Err(_) if Self::is_shallow(&repository) => Err(none()),
            Err(error) => Err(GitError::failed(format!("find the common ancestor of {one} and {two}"), error)),
        }
    }

    /// The branch that is checked out, without `refs/heads/`; `None` where HEAD is detached.
    pub fn current_branch(&self) -> Result<Option<String>, GitError> {
        let repository = self.local();
        let head = repository.head_name().map_err(|error| GitError::failed("read HEAD", error))?;
        Ok(head.map(|name| name.shorten().to_string()))
    }

    /// The branch that changes are merged into, as a revision: what the remote `origin` says, else the first of `main` and
    /// `master` that exists here or there. `None` where none does.
    pub fn default_branch(&self) -> Result<Option<String>, GitError> {
        let repository = self.local();
        let failed = |error| GitError::failed("read the branches", error);
        if let Some(head) = repository.try_find_reference("refs/remotes/origin/HEAD").map_err(failed)?
            && let Some(Ok(branch)) = head.follow()
        {
            return Ok(Some(branch.name().shorten().to_string()));
        }
        for name in DEFAULT_BRANCHES {
            let full = if name.contains('/') { format!("refs/remotes/{name}") } else { format!("refs/heads/{name}") };
            if repository.try_find_reference(full.as_str()).map_err(failed)?.is_some() {
                return Ok(Some(name.to_owned()));
            }
        }
        Ok(None)
    }

    fn ensure_commit(&self, repository: &gix::Repository) -> Result<(), GitError> {
        let head = repository.head().map_err(|error| GitError::failed("read HEAD", error))?;
        if head.is_unborn() { Err(GitError::NoCommit(self.root().to_owned())) } else { Ok(()) }
    }

    fn parse_error(&self, revision: &str, repository: &gix::Repository, error: &gix::Error) -> GitError {
        // Of a new branch without a commit (`git switch --orphan`) the other branches still have theirs.
        let asks_head = revision.starts_with("HEAD") || revision.starts_with('@');
        if (asks_head || has_no_reference(repository))
            && let Err(error) = self.ensure_commit(repository)
        {
            return error;
        }
        let revision = revision.to_owned();
        match error.downcast_any_ref::<ParseError>() {
            Some(ambiguous @ (ParseError::AmbiguousPrefix { .. } | ParseError::AmbiguousRefAndObject { .. })) => {
                GitError::AmbiguousRevision { revision, detail: ambiguous.to_string() }
            }
            _ => GitError::UnknownRevision { revision, shallow: Self::is_shallow(repository) },
        }
    }
}

fn has_no_reference(repository: &gix::Repository) -> bool {
    repository.references().is_ok_and(|all| all.all().is_ok_and(|mut all| all.next().is_none()))
}

fn describe(repository: &gix::Repository, id: gix::ObjectId, revision: &str) -> Result<Commit, GitError> {
    let failed = |error| GitError::failed(format!("read the commit `{revision}`"), error);
    let object = repository.find_object(id).map_err(|error| {
        if error.is_not_found() {
            GitError::UnknownRevision { revision: revision.to_owned(), shallow: Repository::is_shallow(repository) }
        } else {
            failed(error)
        }
    })?;
    let commit = object.peel_to_commit().map_err(|_| GitError::NotACommit(revision.to_owned()))?;
    let author = commit.author().map_err(failed)?;
    let subject = commit.message().map_err(failed)?.summary().to_string();
    let gix::ObjectId::Sha1(bytes) = commit.id else {
        return Err(GitError::failed(format!("read the commit `{revision}`"), "its id is not SHA-1"));
    };
    Ok(Commit {
        id: CommitId(bytes),
        short_id: commit.short_id().map_err(failed)?.to_string(),
        subject: cut(subject),
        author_name: author.name.to_string(),
        author_email: author.email.to_string(),
        committed_at_secs: commit.time().map_err(failed)?.seconds,
    })
}

fn cut(mut text: String) -> String {
    if text.len() > SUBJECT_LENGTH_MAX {
        text.truncate(text.floor_char_boundary(SUBJECT_LENGTH_MAX));
        text.push('…');
    }
    text
}
