//! Pictures of how stacks depend on each other: as text, Graphviz, JSON and SVG, all over one value. Owns what is in a picture;
//! never prints or writes one.

mod dot;
mod json;
pub(super) mod layout;
mod svg;
mod text;

#[cfg(test)]
pub(super) mod fixture;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use terrace_domain::estate::{Estate, Stack};
use terrace_domain::graph::{Dependency, Graph};
use terrace_domain::name::StackName;

pub use svg::SvgError;

/// What a change does to stacks, where a change was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Marks<'a> {
    /// The stacks that changed.
    pub affected: &'a BTreeSet<StackName>,
    /// The stacks that read from one that changed, through others perhaps.
    pub downstream: &'a BTreeSet<StackName>,
}

/// The stacks to draw, and the dependencies between them.
#[derive(Debug)]
pub struct Picture<'a> {
    estate: &'a Estate,
    graph: &'a Graph,
    /// In order of name.
    nodes: Vec<Node<'a>>,
    /// In order of names, upstream first. Both ends are drawn.
    edges: Vec<Edge<'a>>,
    /// Whether a change was asked for.
    marked: bool,
}

#[derive(Debug)]
struct Node<'a> {
    stack: &'a Stack,
    owner: Option<&'a str>,
    /// The wave of the whole estate in which the stack comes, from 1; `None` on a cycle and downstream of one.
    wave: Option<usize>,
    mark: Option<Mark>,
}

/// What a change does to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Affected,
    Downstream,
}

#[derive(Debug)]
struct Edge<'a> {
    /// The position of the upstream stack among the nodes.
    from: usize,
    /// The position of the downstream stack among the nodes.
    to: usize,
    dependency: &'a Dependency,
}

impl<'a> Picture<'a> {
    /// A picture of those `stacks` that the estate has.
    pub fn new(estate: &'a Estate, graph: &'a Graph, stacks: &BTreeSet<StackName>, marks: Option<Marks<'_>>) -> Self {
        let waves: HashMap<&str, usize> = graph
            .waves()
            .into_iter()
            .zip(1..)
            .flat_map(|(wave, number)| wave.into_iter().map(move |name| (name.as_str(), number)))
            .collect();
        let nodes: Vec<Node<'_>> = stacks
            .iter()
            .filter_map(|name| estate.stacks.get(name))
            .map(|stack| Node {
                stack,
                owner: estate.owner_of(stack),
                wave: waves.get(stack.name.as_str()).copied(),
                mark: marks.and_then(|marks| marks.of(&stack.name)),
            })
            .collect();
        let edges = edges_between(graph, &nodes);
        Self { estate, graph, nodes, edges, marked: marks.is_some() }
    }

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

impl Node<'_> {
    fn name(&self) -> &str {
        self.stack.name.as_str()
    }
}

impl Mark {
    fn as_str(self) -> &'static str {
        match self {
            Self::Affected => "affected",
            Self::Downstream => "downstream",
        }
    }
}

impl Marks<'_> {
    fn of(&self, name: &StackName) -> Option<Mark> {
        if self.affected.contains(name) {
            return Some(Mark::Affected);
        }
        self.downstream.contains(name).then_some(Mark::Downstream)
    }
}

fn edges_between<'a>(graph: &'a Graph, nodes: &[Node<'a>]) -> Vec<Edge<'a>> {
    let positions: BTreeMap<&StackName, usize> = nodes.iter().map(|node| &node.stack.name).zip(0..).collect();
    let mut edges: Vec<Edge<'_>> = Vec::new();
    for (to, node) in nodes.iter().enumerate() {
        let upstream = graph.upstream_of(node.name()).into_iter();
        edges.extend(upstream.filter_map(|(name, dependency)| {
            let from = *positions.get(name)?;
            Some(Edge { from, to, dependency })
        }));
    }
    edges.sort_unstable_by_key(|edge| (edge.from, edge.to));
    edges
}
