//! What is proposed, and how a cut is drawn up: which blocks go to which stack, and what stands in the way.

use std::collections::{BTreeMap, BTreeSet};

use super::coupling::Blocks;
use super::{RadiusGain, Subject, counted};
use crate::estate::Estate;
use crate::name::{CapabilityName, NAME_LENGTH_MAX, StackName};

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proposal {
    /// Split a stack.
    Split {
        /// The stack.
        stack: StackName,
        /// What it becomes; one of them keeps its name.
        pieces: Vec<Piece>,
        /// How many references would become inputs from another stack.
        crossing: usize,
        /// What must be untangled before, where something must.
        obstacles: Vec<String>,
    },
    /// Make several stacks one.
    Merge {
        /// The stacks.
        stacks: Vec<StackName>,
        /// The one that the others go into.
        into: StackName,
        /// What stands in the way, where something does.
        obstacles: Vec<String>,
    },
    /// Move what several stacks have in common into a module.
    Share {
        /// The stacks.
        stacks: Vec<StackName>,
    },
    /// Move resources to a stack that is there for such.
    Move {
        /// The stack that has them.
        from: StackName,
        /// The resources.
        addresses: Vec<String>,
        /// The capability that such resources belong to.
        capability: CapabilityName,
        /// The stacks that serve it.
        to: Vec<StackName>,
    },
    /// Let a team own a stack.
    Own {
        /// The stacks.
        stacks: Vec<StackName>,
        /// The team.
        owner: String,
    },
}

/// One of the stacks that a stack becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its name: a proposal, or the name that the stack has now.
    pub name: String,
    /// Whether it is what is left of the stack.
    pub is_rest: bool,
    /// What it has in common, in a few words.
    pub about: String,
    /// Its blocks.
    pub addresses: Vec<String>,
    /// How many resources they declare.
    pub resources: usize,
}

/// Blocks that belong together.
pub(super) struct Group {
    /// What is added to the stack's name; `None` for the group that keeps it.
    pub(super) suffix: Option<String>,
    pub(super) about: String,
    pub(super) blocks: Vec<usize>,
}

/// Draws up a split. Every block must be in exactly one group.
pub(super) fn split(estate: &Estate, subject: &Subject<'_>, groups: Vec<Group>) -> (Proposal, RadiusGain) {
    let blocks = &subject.blocks;
    let mut group_of = vec![0; blocks.all.len()];
    for (at, group) in groups.iter().enumerate() {
        for block in &group.blocks {
            group_of[*block] = at;
        }
    }
    let between = blocks.between(&group_of);
    let mut taken = BTreeSet::new();
    let name = subject.stack.name.as_str();
    let pieces: Vec<Piece> = groups
        .into_iter()
        .map(|group| {
            let is_rest = group.suffix.is_none();
            let name =
                group.suffix.map_or_else(|| name.to_owned(), |suffix| free_name(estate, name, &suffix, &mut taken));
            let addresses = group.blocks.iter().map(|at| blocks.all[*at].address.clone()).collect();
            let resources = group.blocks.iter().map(|at| blocks.all[*at].resources()).sum();
            Piece { name, is_rest, about: group.about, addresses, resources }
        })
        .collect();
    let radius = RadiusGain {
        before: blocks.resources(),
        after: pieces.iter().map(|piece| piece.resources).max().unwrap_or_default(),
    };
    let obstacles = obstacles(blocks, &group_of, &between, &pieces);
    let crossing = between.values().sum();
    (Proposal::Split { stack: subject.stack.name.clone(), pieces, crossing, obstacles }, radius)
}

/// Stacks cannot depend on each other in a circle, so that references in both directions must be untangled first.
fn obstacles(
    blocks: &Blocks,
    group_of: &[usize],
    between: &BTreeMap<(usize, usize), usize>,
    pieces: &[Piece],
) -> Vec<String> {
    let both = between.keys().filter(|(from, to)| from < to && between.contains_key(&(*to, *from)));
    let example = |from: usize, to: usize| {
        let edge = blocks.edges.iter().find(|(a, b)| group_of[*a] == from && group_of[*b] == to);
        edge.map_or_else(String::new, |(a, b)| {
            format!("{} refers to {}", blocks.all[*a].address, blocks.all[*b].address)
        })
    };
    both.map(|(one, other)| {
        let (there, back) = (example(*one, *other), example(*other, *one));
        let crossing = between[&(*one, *other)] + between[&(*other, *one)];
        let (one, other) = (&pieces[*one].name, &pieces[*other].name);
        format!("{one} and {other} refer to each other ({}): {there}, and {back}", counted(crossing, "reference"))
    })
    .collect()
}

/// A name that no stack has.
fn free_name(estate: &Estate, stack: &str, suffix: &str, taken: &mut BTreeSet<String>) -> String {
    let clean: String = suffix
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let clean = clean.trim_matches('-');
    let whole = format!("{stack}-{}", if clean.is_empty() { "part" } else { clean });
    let whole = &whole[..whole.len().min(NAME_LENGTH_MAX - 4)];
    let numbered = (2..).map(|number| format!("{whole}-{number}"));
    let name = std::iter::once(whole.to_owned())
        .chain(numbered)
        .find(|name| !estate.stacks.contains_key(name.as_str()) && !taken.contains(name))
        .unwrap_or_else(|| whole.to_owned());
    taken.insert(name.clone());
    name
}
