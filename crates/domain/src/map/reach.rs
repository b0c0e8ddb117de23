//! Walks over the map: what breaks with something, and what something rests on, each with the way that leads there.

use std::collections::{BTreeSet, HashSet};

use super::CapabilityMap;
use crate::estate::{Capability, Layer, Stack};
use crate::graph::Dependency;

/// Something on the map.
#[derive(Debug, Clone, Copy)]
pub enum Node<'a> {
    /// A stack.
    Stack(&'a Stack),
    /// A capability.
    Capability(&'a Capability),
}

/// Why something rests on something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why<'a> {
    /// A stack depends on a stack.
    Depends(&'a Dependency),
    /// A capability is served by a stack.
    Served,
    /// A capability needs a capability.
    Needs,
}

/// A node that was reached.
#[derive(Debug, Clone, Copy)]
pub struct Reached<'a> {
    /// The node.
    pub node: Node<'a>,
    /// The node through which it was reached: its position among the reached; `None` for the start.
    pub through: Option<usize>,
    /// Why one of the two rests on the other.
    pub why: Why<'a>,
    /// How many steps it is from the start.
    pub distance: usize,
}

/// One step of the way to a node.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The nearer to the start.
    pub from: Node<'a>,
    /// The farther.
    pub to: Node<'a>,
    /// Why one rests on the other.
    pub why: Why<'a>,
}

/// All that was reached from a start, the nearest first, each by a shortest way.
#[derive(Debug)]
pub struct Reach<'a> {
    /// Where the walk began.
    pub start: Node<'a>,
    /// What was reached; the start is not among it.
    pub reached: Vec<Reached<'a>>,
}

/// A capability that another rests on through its stacks, and does not say that it needs.
#[derive(Debug, Clone, Copy)]
pub struct Hidden<'a> {
    /// The capability that is needed in fact.
    pub capability: &'a Capability,
    /// The stack that serves it and was reached first: its position among the reached.
    pub through: usize,
}

impl<'a> Node<'a> {
    /// Its name.
    pub fn name(self) -> &'a str {
        match self {
            Self::Stack(stack) => stack.name.as_str(),
            Self::Capability(capability) => capability.name.as_str(),
        }
    }

    /// What it is, in a word.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Stack(_) => "stack",
            Self::Capability(_) => "capability",
        }
    }

    fn key(self) -> (bool, &'a str) {
        (matches!(self, Self::Stack(_)), self.name())
    }
}

impl<'a> Reach<'a> {
    /// The stacks that were reached, the nearest first.
    pub fn stacks(&self) -> impl Iterator<Item = (usize, &'a Stack)> {
        self.reached.iter().enumerate().filter_map(|(at, reached)| match reached.node {
            Node::Stack(stack) => Some((at, stack)),
            Node::Capability(_) => None,
        })
    }

    /// The capabilities that were reached, the nearest first.
    pub fn capabilities(&self) -> impl Iterator<Item = (usize, &'a Capability)> {
        self.reached.iter().enumerate().filter_map(|(at, reached)| match reached.node {
            Node::Capability(capability) => Some((at, capability)),
            Node::Stack(_) => None,
        })
    }

    /// The way from the start to what was reached at a position.
    pub fn path(&self, at: usize) -> Vec<Step<'a>> {
        let mut steps = Vec::new();
        let mut next = Some(at);
        while let Some(at) = next {
            steps.push(self.step(at));
            next = self.reached[at].through;
        }
        steps.reverse();
        steps
    }

    /// The last step of the way to what was reached at a position.
    pub fn step(&self, at: usize) -> Step<'a> {
        let Reached { node, through, why, .. } = self.reached[at];
        let from = through.map_or(self.start, |before| self.reached[before].node);
        Step { from, to: node, why }
    }
}

impl<'a> CapabilityMap<'a> {
    /// What breaks if a stack breaks: stacks downstream, the capabilities that these serve, and those that need them.
    pub fn breaks(&self, stack: &'a Stack) -> Reach<'a> {
        walk(Node::Stack(stack), |node, next| match node {
            Node::Stack(stack) => {
                for (name, dependency) in self.graph.downstream_of(stack.name.as_str()) {
                    next.extend(
                        self.estate.stacks.get(name).map(|stack| (Node::Stack(stack), Why::Depends(dependency))),
                    );
                }
                let capability = stack.capability.as_ref().and_then(|name| self.estate.capabilities.get(name));
                next.extend(capability.map(|capability| (Node::Capability(capability), Why::Served)));
            }
            Node::Capability(capability) => {
                let needing = self.needing(capability.name.as_str()).iter();
                next.extend(needing.map(|needing| (Node::Capability(needing), Why::Needs)));
            }
        })
    }

    /// What a capability or a stack rests on: capabilities that it needs, stacks that serve these, and all that is upstream.
    pub fn rests(&self, start: Node<'a>) -> Reach<'a> {
        walk(start, |node, next| match node {
            Node::Stack(stack) => {
                for (name, dependency) in self.graph.upstream_of(stack.name.as_str()) {
                    next.extend(
                        self.estate.stacks.get(name).map(|stack| (Node::Stack(stack), Why::Depends(dependency))),
                    );
                }
            }
            Node::Capability(capability) => {
                next.extend(self.needs(capability).map(|needed| (Node::Capability(needed), Why::Needs)));
                let serving = self.serving(capability.name.as_str()).iter();
                next.extend(serving.map(|stack| (Node::Stack(stack), Why::Served)));
            }
        })
    }

    /// The capabilities that a capability rests on through stacks alone: neither it nor what it needs says so.
    pub fn hidden(&self, rests: &Reach<'a>) -> Vec<Hidden<'a>> {
        let mut said: BTreeSet<&str> = rests.capabilities().map(|(_, capability)| capability.name.as_str()).collect();
        said.insert(match rests.start {
            Node::Capability(capability) => capability.name.as_str(),
            Node::Stack(stack) => stack.capability.as_ref().map_or("", |name| name.as_str()),
        });
        let mut hidden = Vec::new();
        for (through, stack) in rests.stacks() {
            let capability = stack.capability.as_ref().and_then(|name| self.estate.capabilities.get(name));
            if let Some(capability) = capability.filter(|capability| said.insert(capability.name.as_str())) {
                hidden.push(Hidden { capability, through });
            }
        }
        hidden
    }

    /// Whose all that is: the owners of the start and of what was reached.
    pub fn owners(&self, reach: &Reach<'a>) -> BTreeSet<&'a str> {
        let all = std::iter::once(reach.start).chain(reach.reached.iter().map(|reached| reached.node));
        all.filter_map(|node| self.owner(node)).collect()
    }

    /// The team that something belongs to.
    pub fn owner(&self, node: Node<'a>) -> Option<&'a str> {
        match node {
            Node::Stack(stack) => self.estate.owner_of(stack),
            Node::Capability(capability) => capability.owner.as_deref(),
        }
    }

    /// The business capabilities among what was reached.
    pub fn business(reach: &Reach<'a>) -> Vec<&'a Capability> {
        reach.capabilities().map(|(_, one)| one).filter(|one| one.layer == Layer::Business).collect()
    }
}

/// All that can be reached, the nearest first; `neighbours` adds those of a node.
fn walk<'a>(start: Node<'a>, neighbours: impl Fn(Node<'a>, &mut Vec<(Node<'a>, Why<'a>)>)) -> Reach<'a> {
    let mut seen: HashSet<(bool, &str)> = HashSet::from([start.key()]);
    let mut reached: Vec<Reached<'a>> = Vec::new();
    let (mut at, mut found) = (None, Vec::new());
    loop {
        let (node, distance) = at.map_or((start, 0), |at: usize| (reached[at].node, reached[at].distance));
        neighbours(node, &mut found);
        for (node, why) in found.drain(..) {
            if seen.insert(node.key()) {
                reached.push(Reached { node, through: at, why, distance: distance + 1 });
            }
        }
        let next = at.map_or(0, |at| at + 1);
        if next == reached.len() {
            return Reach { start, reached };
        }
        at = Some(next);
    }
}
