//! `CODEOWNERS`: who owns which files, in GitHub's form (GitHub documentation, "About code owners"). Owns its places, its lines and its
//! patterns. Never knows who belongs to a team.

mod line;
mod pattern;

use globset::{GlobSet, GlobSetBuilder};
use terrace_domain::diagnostic::{Diagnostic, Place, nearest};
use terrace_domain::estate::{EVERYBODY, Estate};
use terrace_domain::path::RepoPath;

use crate::source::read_text;
use crate::tree::FileTree;

pub use line::{Owner, OwnerKind};

/// Where the file is looked for, the first that is there counts (as GitHub does; GitLab looks in the same three).
pub const PLACES: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// The largest file that is read, in bytes: GitHub does not load a larger one.
pub const SIZE_MAX: u64 = 3 << 20;

/// How many rules are compiled into one matcher: one for all could outgrow the limit that regular expressions are kept to.
const RULES_AT_ONCE: usize = 200;

/// Who owns which files.
#[derive(Debug, Clone)]
pub struct Codeowners {
    path: RepoPath,
    rules: Vec<OwnerRule>,
    matchers: Vec<Matcher>,
}

/// One line that says who owns what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerRule {
    /// The pattern as written.
    pub pattern: String,
    /// The owners, in the sequence of the line; none where the line takes ownership away.
    pub owners: Vec<Owner>,
    /// The line, from 1.
    pub line: usize,
}

/// Some neighbouring rules, compiled.
#[derive(Debug, Clone)]
struct Matcher {
    globs: GlobSet,
    /// The rule of each glob.
    rules: Vec<usize>,
}

impl Codeowners {
    /// The file of a tree, if it has one in any of its [`PLACES`], and what is wrong with it.
    pub fn load(tree: &dyn FileTree) -> (Option<Self>, Vec<Diagnostic>) {
        let mut places = PLACES.iter().filter_map(|place| RepoPath::new(place).ok());
        let Some(entry) = places.find_map(|place| tree.find(&place)) else { return (None, Vec::new()) };
        match read_text(tree, entry, SIZE_MAX) {
            Ok(text) => {
                let (owners, diagnostics) = Self::read(&entry.path, &text);
                (Some(owners), diagnostics)
            }
            Err(mut wrong) => {
                wrong.severity = terrace_domain::diagnostic::Severity::Warning;
                (None, vec![*wrong])
            }
        }
    }

    /// Reads the text of the file at `path`. A line that is wrong is passed over, as GitHub does, and told.
    pub fn read(path: &RepoPath, text: &str) -> (Self, Vec<Diagnostic>) {
        let (mut rules, mut globs, mut diagnostics) = (Vec::new(), Vec::new(), Vec::new());
        let mut offset = 0;
        for (at, text) in text.split_inclusive('\n').enumerate() {
            match line::read(path, text, offset, at + 1) {
                Ok(Some((rule, compiled))) => {
                    rules.push(rule);
                    globs.push(compiled);
                }
                Ok(None) => {}
                Err(wrong) => diagnostics.push(*wrong),
            }
            offset += text.len();
        }
        let matchers = globs.chunks(RULES_AT_ONCE).enumerate().map(|(at, globs)| compiled(globs, at * RULES_AT_ONCE));
        let matchers = matchers.collect();
        (Self { path: path.clone(), rules, matchers }, diagnostics)
    }

    /// Where it was read from.
    pub fn path(&self) -> &RepoPath {
        &self.path
    }

    /// The rules, in the sequence of the file.
    pub fn rules(&self) -> &[OwnerRule] {
        &self.rules
    }

    /// The line that says who owns a file: the last that matches.
    pub fn rule_of(&self, file: &RepoPath) -> Option<&OwnerRule> {
        let last = |matcher: &Matcher| {
            let found = matcher.globs.matches(file.as_str()).into_iter().map(|glob| matcher.rules[glob]).max()?;
            self.rules.get(found)
        };
        self.matchers.iter().rev().find_map(last)
    }

    /// Who owns a file; nobody where no line matches, or the last that does names nobody.
    pub fn owners_of(&self, file: &RepoPath) -> &[Owner] {
        self.rule_of(file).map_or(&[], |rule| &rule.owners)
    }

    /// Warns of owners that the estate knows nothing of: no `team`, no member of one, and no `owner` has that name. Of an estate without
    /// teams nothing is said: there everybody is a stranger.
    pub fn strangers(&self, estate: &Estate) -> Vec<Diagnostic> {
        if estate.teams.is_empty() {
            return Vec::new();
        }
        let known = known_names(estate);
        let owners = self.rules.iter().flat_map(|rule| &rule.owners);
        let strangers = owners.filter(|owner| !known.iter().any(|name| owner.is_called(name)));
        let warning = |owner: &Owner| {
            let found = Diagnostic::warning("unknown-owner", format!("the estate knows no owner `{owner}`"))
                .at(Place { path: self.path.clone(), range: owner.range() }, "owns files of the repository");
            // Addresses of one domain are all alike.
            let similar = || nearest(owner.name(), known.iter().copied());
            match (owner.kind() != OwnerKind::Email).then(similar).flatten() {
                Some(near) => found.help(format!("Did you mean `{near}`?")),
                None => found.help("Add a `team` block of that name to terrace.hcl, or a member to one."),
            }
        };
        strangers.map(warning).collect()
    }
}

fn known_names(estate: &Estate) -> Vec<&str> {
    let teams = estate.teams.keys().map(terrace_domain::name::TeamName::as_str);
    let members = estate.teams.values().flat_map(|team| &team.members).map(String::as_str);
    let owners = estate.stacks.values().filter_map(|stack| estate.owner_of(stack));
    let capabilities = estate.capabilities.values().filter_map(|capability| capability.owner.as_deref());
    let mut names: Vec<_> =
        teams.chain(members).chain(owners).chain(capabilities).filter(|name| *name != EVERYBODY).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn compiled(lines: &[Vec<globset::Glob>], first: usize) -> Matcher {
    let (mut builder, mut rules) = (GlobSetBuilder::new(), Vec::new());
    for (at, globs) in lines.iter().enumerate() {
        for glob in globs {
            builder.add(glob.clone());
            rules.push(first + at);
        }
    }
    // Each of them was compiled before: few of them together stay within the limit.
    Matcher { globs: builder.build().unwrap_or_else(|_| GlobSet::empty()), rules }
}
