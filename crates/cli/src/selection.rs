//! Which stacks a command is about: names, globs and folders, or what a change affects.

use std::collections::BTreeSet;

use clap::Args;
use globset::GlobBuilder;
use terrace_config::Watches;
use terrace_config::tree::{FileEntry, FileKind, FileTree};
use terrace_domain::affected::{Affected, ChangeKind, ChangedFile, Comparison, affected};
use terrace_domain::diagnostic::nearest;
use terrace_domain::estate::{ESTATE_FILE, Estate, STACK_FILE};
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;
use terrace_world::git::{Commit, GitError};
use terrace_world::tree::{CommitTree, changed_paths};
use terrace_world::workspace::with_link_targets;

use crate::error::CommandError;
use crate::project::{Opened, Project};

/// Options that select stacks.
#[derive(Debug, Args)]
pub struct Selection {
    /// Stacks by name, by glob (`aws-*`) or by folder (`stacks/aws/network`, `stacks/aws/**`); all where none is given
    #[arg(value_name = "STACK")]
    pub stacks: Vec<String>,
    /// Only stacks that changed since BASE (a branch, tag or commit, `A..B` for two commits, `A...B` from where they parted).
    /// Without BASE: since this branch left the default branch, or since the commit before on the default branch itself
    #[arg(long, value_name = "BASE", num_args = 0..=1)]
    #[expect(
        clippy::option_option,
        reason = "not given, given without a value, given with one: so clap tells them apart"
    )]
    pub affected: Option<Option<String>>,
    /// Say why each stack is selected
    #[arg(long, requires = "affected")]
    pub why: bool,
}

/// What was compared, and what that affects.
pub struct Change {
    /// The commit before.
    pub base: Commit,
    /// What is affected.
    pub affected: Affected,
}

/// The stacks that were selected.
pub struct Selected {
    /// Named, or affected by the change.
    pub stacks: BTreeSet<StackName>,
    /// Downstream of the affected.
    pub downstream: BTreeSet<StackName>,
    /// The change, where one was asked for.
    pub change: Option<Change>,
}

impl Selection {
    /// Opens what the selection is about (a commit, where a change is asked for; else what `open` gives) and selects.
    pub fn resolve(
        &self,
        project: &Project,
        open: impl FnOnce() -> Result<Opened, CommandError>,
    ) -> Result<(Opened, Selected), CommandError> {
        let Some(base) = &self.affected else {
            let opened = open()?;
            let stacks = self.named(&opened.estate)?;
            return Ok((opened, Selected { stacks, downstream: BTreeSet::new(), change: None }));
        };
        let (base, head) = compared(project, base.as_deref())?;
        let opened = project.open_commit(head)?;
        let affected = what_changed(project, &base, &opened)?;
        let named = self.named(&opened.estate)?;
        let of =
            |names: &mut dyn Iterator<Item = &StackName>| names.filter(|name| named.contains(*name)).cloned().collect();
        let stacks = of(&mut affected.stacks.keys());
        let downstream = of(&mut affected.downstream.keys());
        Ok((opened, Selected { stacks, downstream, change: Some(Change { base, affected }) }))
    }

    /// The stacks that the names, globs and folders mean.
    pub fn named(&self, estate: &Estate) -> Result<BTreeSet<StackName>, CommandError> {
        if self.stacks.is_empty() {
            return Ok(estate.stacks.keys().cloned().collect());
        }
        let mut named = BTreeSet::new();
        for pattern in &self.stacks {
            named.extend(matching(estate, pattern)?);
        }
        Ok(named)
    }
}

/// The stacks that a name, a glob or a folder means.
pub fn matching(estate: &Estate, pattern: &str) -> Result<Vec<StackName>, CommandError> {
    if let Some((name, _)) = estate.stacks.get_key_value(pattern) {
        return Ok(vec![name.clone()]);
    }
    let trimmed = pattern.trim_start_matches("./").trim_end_matches('/');
    let glob = GlobBuilder::new(trimmed)
        .literal_separator(true)
        .build()
        .map_err(|error| CommandError::usage(format!("`{pattern}` is not a glob: {}", error.kind())))?
        .compile_matcher();
    let found: Vec<_> = estate
        .stacks
        .values()
        .filter(|stack| glob.is_match(stack.name.as_str()) || glob.is_match(stack.folder.relative_to(&estate.root)))
        .map(|stack| stack.name.clone())
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let error = CommandError::usage(format!("no stack is called `{pattern}`, and none matches it"));
    Err(match nearest(pattern, estate.stacks.keys().map(StackName::as_str)) {
        Some(near) => error.help(format!("Did you mean `{near}`?")),
        None => error.help("`terrace list` shows all stacks."),
    })
}

/// The two commits to compare.
fn compared(project: &Project, base: Option<&str>) -> Result<(Commit, Commit), CommandError> {
    let repository = project.repository()?;
    match base {
        Some(range) if range.contains("...") => {
            let (one, other) = range.split_once("...").unwrap_or((range, ""));
            let head = repository.resolve(or_head(other))?;
            Ok((repository.merge_base(repository.resolve(or_head(one))?.id, head.id)?, head))
        }
        Some(range) if range.contains("..") => {
            let (one, other) = range.split_once("..").unwrap_or((range, ""));
            Ok((repository.resolve(or_head(one))?, repository.resolve(or_head(other))?))
        }
        Some(base) => {
            let head = repository.head()?;
            let base = repository.resolve(base).map_err(|error| unknown_base(project, base, &head, error))?;
            Ok((repository.merge_base(base.id, head.id)?, head))
        }
        None => {
            let head = repository.head()?;
            if let Some(branch) = repository.default_branch()? {
                let parted = repository.merge_base(repository.resolve(&branch)?.id, head.id)?;
                if parted.id != head.id {
                    return Ok((parted, head));
                }
            }
            let before = repository.resolve("HEAD~1").map_err(|_| {
                CommandError::usage(format!("{} has no commit before it to compare with", head.short_id))
                    .help("Name a base: `--affected BASE`.")
            })?;
            Ok((before, head))
        }
    }
}

/// The error for a base that is no revision. A stack behind `--affected` is taken for the base: where that happened, it is said.
fn unknown_base(project: &Project, base: &str, head: &Commit, error: GitError) -> CommandError {
    let is_unknown = matches!(error, GitError::UnknownRevision { .. });
    let error = CommandError::from(error);
    let estate = || {
        let tree = CommitTree::open(project.repository().ok()?, head.id).ok()?;
        terrace_config::load_estate(&tree, &project.prefix().ok()?).estate
    };
    match estate().filter(|_| is_unknown) {
        Some(estate) if estate.stacks.contains_key(base) => {
            error.help(format!("`{base}` is a stack: write it before `--affected`."))
        }
        Some(estate) if matching(&estate, base).is_ok() => {
            error.help(format!("`{base}` selects stacks: write it before `--affected`."))
        }
        _ => error,
    }
}

fn or_head(revision: &str) -> &str {
    if revision.is_empty() { "HEAD" } else { revision }
}

fn what_changed(project: &Project, base: &Commit, opened: &Opened) -> Result<Affected, CommandError> {
    let repository = project.repository()?;
    let head = opened.commit.as_ref().expect("a change ends in a commit");
    let before = CommitTree::open(repository, base.id)?;
    // The same tree once more, as the type that can be compared; listing it takes milliseconds.
    let now = CommitTree::open(repository, head.id)?;
    let changes = through_links(&*opened.tree, changed_paths(&before, &now)?);
    let prefix = project.prefix()?;
    let is_configuration = |change: &ChangedFile| matches!(change.path.file_name(), ESTATE_FILE | STACK_FILE);
    let estate_before =
        if changes.iter().any(is_configuration) { terrace_config::load_estate(&before, &prefix).estate } else { None };
    let code = project.load_code(opened, opened.estate.stacks.values());
    let watches = Watches::of(&opened.estate);
    let comparison = Comparison {
        before: estate_before.as_ref(),
        now: &opened.estate,
        changes: &changes,
        modules: &|stack| code.reached(stack),
        watches: &|pattern, path| watches.matches(pattern, path),
    };
    Ok(affected(&comparison, &opened.graph))
}

/// Adds, for each change of a file that symbolic links lead to, the links through which it is read.
fn through_links(tree: &dyn FileTree, changes: Vec<terrace_world::tree::ChangedPath>) -> Vec<ChangedFile> {
    let mut all: Vec<ChangedFile> = changes
        .into_iter()
        .map(|change| ChangedFile { path: change.path, kind: change_kind(change.kind), link: None })
        .collect();
    let direct = all.len();
    for link in tree.files().iter().filter(|entry| entry.kind == FileKind::Symlink) {
        let target = Target::of(tree, link);
        let behind = all[..direct].iter().filter(|change| target.holds(&change.path));
        let read: Vec<_> =
            behind.map(|change| ChangedFile { link: Some(link.path.clone()), ..change.clone() }).collect();
        all.extend(read);
    }
    all
}

/// What a symbolic link leads to.
struct Target {
    /// The files that are there.
    files: BTreeSet<RepoPath>,
    /// The path that the link says: where it leads to nothing, something was there before.
    named: Option<RepoPath>,
}

impl Target {
    fn of(tree: &dyn FileTree, link: &FileEntry) -> Self {
        let files = with_link_targets(tree, std::slice::from_ref(link)).map(|linked| linked.files).unwrap_or_default();
        let text = tree.read(link).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let named = text.and_then(|text| link.path.parent()?.join(&text).ok());
        Self { files: files.into_iter().map(|entry| entry.path).filter(|path| *path != link.path).collect(), named }
    }

    fn holds(&self, path: &RepoPath) -> bool {
        self.files.contains(path) || self.named.as_ref().is_some_and(|named| path.is_within(named))
    }
}

fn change_kind(kind: terrace_world::tree::ChangeKind) -> ChangeKind {
    match kind {
        terrace_world::tree::ChangeKind::Added => ChangeKind::Added,
        terrace_world::tree::ChangeKind::Removed => ChangeKind::Removed,
        terrace_world::tree::ChangeKind::Modified => ChangeKind::Modified,
    }
}
