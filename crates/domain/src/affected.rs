//! Which stacks a change affects, and why. Compares contents, not dates: a stack is affected when something that its release is
//! made of changed. Stacks that read outputs of affected ones are named as *downstream*.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::estate::{Estate, Stack};
use crate::expression::{Reference, ReferenceTarget};
use crate::graph::Graph;
use crate::name::{CapabilityName, EnvironmentName, StackName};
use crate::path::RepoPath;

/// How a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// Its content or its mode is another.
    Modified,
    /// It is gone.
    Removed,
}

impl ChangeKind {
    /// The kind in a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Removed => "removed",
        }
    }
}

/// A file that differs between two trees.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangedFile {
    /// The file.
    pub path: RepoPath,
    /// How it changed.
    pub kind: ChangeKind,
    /// The symbolic link through which it is read, where that is how a stack reaches it.
    pub link: Option<RepoPath>,
}

impl ChangedFile {
    /// The path by which it is read.
    pub fn read_as(&self) -> &RepoPath {
        self.link.as_ref().unwrap_or(&self.path)
    }
}

/// A part of `terrace.hcl` that changed its meaning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum EstatePart {
    /// The `terraform` block.
    Terraform,
    /// The `state` block.
    State,
    /// The estate's name.
    Name,
    /// An environment that was not there before.
    NewEnvironment(EnvironmentName),
    /// A value of an environment.
    EnvironmentVar(EnvironmentName, String),
    /// A capability.
    Capability(CapabilityName),
    /// All of it: the file before could not be read.
    Everything,
}

/// Why a stack is affected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The stack is new.
    New,
    /// A file of its folder changed.
    OwnFile(ChangedFile),
    /// A file of a module that it reaches changed.
    Module {
        /// The module folders from the one that the stack calls to the one with the file.
        chain: Vec<RepoPath>,
        /// The file.
        file: ChangedFile,
    },
    /// A file that it watches changed.
    Watched {
        /// The pattern, relative to the repository's root.
        pattern: String,
        /// The file.
        file: ChangedFile,
    },
    /// A part of `terrace.hcl` that it uses changed.
    Estate(EstatePart),
}

/// What a change affects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// The stacks that changed, each with at least one reason, in order.
    pub stacks: BTreeMap<StackName, Vec<Reason>>,
    /// The stacks that did not change, but read from one that did (through others, perhaps), each with the upstream stack
    /// through which it was reached.
    pub downstream: BTreeMap<StackName, StackName>,
    /// The stacks that were there before and are not any more.
    pub removed: BTreeSet<StackName>,
}

/// A module folder that a stack reaches, with the chain of module folders that leads there (the folder itself is the last).
pub type ReachedModule = (RepoPath, Vec<RepoPath>);

/// What is compared.
pub struct Comparison<'a> {
    /// The estate before; `None` when it could not be read, and then every stack counts as affected. Only looked at when
    /// `terrace.hcl` or a `stack.hcl` changed.
    pub before: Option<&'a Estate>,
    /// The estate now.
    pub now: &'a Estate,
    /// The files that differ.
    pub changes: &'a [ChangedFile],
    /// The module folders that a stack reaches now.
    pub modules: &'a dyn Fn(&StackName) -> Vec<ReachedModule>,
    /// Whether a watch pattern names a path.
    pub watches: &'a dyn Fn(&str, &RepoPath) -> bool,
}

/// Finds what a change affects. The cost grows with stacks plus changes, not with their product (except for watch patterns).
pub fn affected(comparison: &Comparison<'_>, graph: &Graph) -> Affected {
    let now = comparison.now;
    let index = FolderIndex::of(comparison);
    let mut reasons: BTreeMap<StackName, BTreeSet<Reason>> = BTreeMap::new();
    for change in comparison.changes {
        index.readers_of(change.read_as(), |stack, reason| {
            reasons.entry(stack.clone()).or_default().insert(reason(change));
        });
    }
    for (stack, pattern, change) in watched(comparison) {
        let reason = Reason::Watched { pattern: pattern.to_owned(), file: change.clone() };
        reasons.entry(stack.name.clone()).or_default().insert(reason);
    }
    let estate_changed = comparison.changes.iter().any(|change| *change.read_as() == now.file());
    let parts = if estate_changed { changed_parts(comparison.before, now) } else { Vec::new() };
    if !parts.is_empty() {
        let state = state_references(now);
        for stack in now.stacks.values() {
            let used = parts.iter().filter(|part| uses(stack, part, &state));
            let used: Vec<_> = used.map(|part| Reason::Estate(part.clone())).collect();
            if !used.is_empty() {
                reasons.entry(stack.name.clone()).or_default().extend(used);
            }
        }
    }
    let added: BTreeSet<&RepoPath> =
        comparison.changes.iter().filter(|c| c.kind == ChangeKind::Added).map(|c| &c.path).collect();
    for (name, stack) in &now.stacks {
        if added.contains(&stack.file()) {
            let is_new = comparison.before.is_none_or(|before| !before.stacks.contains_key(name));
            if is_new {
                reasons.insert(name.clone(), BTreeSet::from([Reason::New]));
            }
        }
    }
    let removed = comparison
        .before
        .map(|before| before.stacks.keys().filter(|name| !now.stacks.contains_key(*name)).cloned().collect())
        .unwrap_or_default();
    let downstream = graph.downstream_closure(reasons.keys());
    let stacks = reasons.into_iter().map(|(name, reasons)| (name, reasons.into_iter().collect())).collect();
    Affected { stacks, downstream, removed }
}

/// A stack that reads a folder's files.
enum Reader<'a> {
    Own(&'a StackName),
    Module(&'a StackName, Vec<RepoPath>),
}

/// Which stacks read which folder (and all below it).
struct FolderIndex<'a> {
    readers: HashMap<RepoPath, Vec<Reader<'a>>>,
}

impl<'a> FolderIndex<'a> {
    fn of(comparison: &Comparison<'a>) -> Self {
        let mut readers: HashMap<RepoPath, Vec<Reader<'a>>> = HashMap::new();
        for (name, stack) in &comparison.now.stacks {
            readers.entry(stack.folder.clone()).or_default().push(Reader::Own(name));
            for (folder, chain) in (comparison.modules)(name) {
                if !folder.is_within(&stack.folder) {
                    readers.entry(folder).or_default().push(Reader::Module(name, chain));
                }
            }
        }
        Self { readers }
    }

    /// Calls `found` for each stack that reads the file, with what makes the reason.
    fn readers_of(&self, file: &RepoPath, mut found: impl FnMut(&StackName, &dyn Fn(&ChangedFile) -> Reason)) {
        let mut folder = file.parent();
        while let Some(at) = folder {
            for reader in self.readers.get(&at).into_iter().flatten() {
                match reader {
                    Reader::Own(name) => found(name, &|change| Reason::OwnFile(change.clone())),
                    Reader::Module(name, chain) => {
                        found(name, &|change| Reason::Module { chain: chain.clone(), file: change.clone() });
                    }
                }
            }
            folder = at.parent();
        }
    }
}

fn watched<'a>(comparison: &'a Comparison<'_>) -> impl Iterator<Item = (&'a Stack, &'a str, &'a ChangedFile)> {
    comparison.now.stacks.values().filter(|stack| !stack.watch.is_empty()).flat_map(move |stack| {
        stack.watch.iter().flat_map(move |watch| {
            let named = comparison.changes.iter().filter(move |c| (comparison.watches)(&watch.pattern, c.read_as()));
            named.map(move |change| (stack, watch.pattern.as_str(), change))
        })
    })
}

/// What the state's settings read: every stack uses it.
fn state_references(estate: &Estate) -> Vec<Reference> {
    estate.state.settings.values().flat_map(crate::expression::references).collect()
}

fn uses(stack: &Stack, part: &EstatePart, state: &[Reference]) -> bool {
    let mut read = stack.references.iter().chain(state).map(|reference| &reference.target);
    match part {
        EstatePart::Terraform | EstatePart::State | EstatePart::NewEnvironment(_) | EstatePart::Everything => true,
        EstatePart::Name => read.any(|target| matches!(target, ReferenceTarget::Estate(_))),
        EstatePart::Capability(name) => stack.capability.as_ref() == Some(name),
        EstatePart::EnvironmentVar(_, key) => read.any(|target| match target {
            ReferenceTarget::Environment(named) => named.as_ref().is_none_or(|named| named == key),
            _ => false,
        }),
    }
}

/// The parts of `terrace.hcl` whose meaning differs. Comments, layout and order do not count, and neither does the pipeline: it
/// says how releases travel, not what they are.
fn changed_parts(before: Option<&Estate>, now: &Estate) -> Vec<EstatePart> {
    let Some(before) = before else { return vec![EstatePart::Everything] };
    let mut parts = Vec::new();
    let terraform = |estate: &Estate| {
        let t = &estate.terraform;
        (t.binary.clone(), t.version.clone(), t.pass_env.clone())
    };
    if terraform(before) != terraform(now) {
        parts.push(EstatePart::Terraform);
    }
    if before.name != now.name {
        parts.push(EstatePart::Name);
    }
    if !same_state(before, now) {
        parts.push(EstatePart::State);
    }
    for (name, environment) in &now.environments {
        let Some(earlier) = before.environments.get(name) else {
            parts.push(EstatePart::NewEnvironment(name.clone()));
            continue;
        };
        let keys: BTreeSet<&String> = environment.vars.keys().chain(earlier.vars.keys()).collect();
        for key in keys {
            if environment.vars.get(key) != earlier.vars.get(key) {
                parts.push(EstatePart::EnvironmentVar(name.clone(), key.clone()));
            }
        }
    }
    let names: BTreeSet<&CapabilityName> = before.capabilities.keys().chain(now.capabilities.keys()).collect();
    for name in names {
        let facts = |estate: &Estate| {
            estate.capabilities.get(name).map(|c| (c.layer, c.owner.clone(), c.description.clone(), c.needs.clone()))
        };
        if facts(before) != facts(now) {
            parts.push(EstatePart::Capability(name.clone()));
        }
    }
    parts
}

fn same_state(before: &Estate, now: &Estate) -> bool {
    before.state.kind == now.state.kind
        && before.state.settings.len() == now.state.settings.len()
        && before
            .state
            .settings
            .iter()
            .zip(&now.state.settings)
            .all(|((a, left), (b, right))| a == b && left.is_same(right))
}
