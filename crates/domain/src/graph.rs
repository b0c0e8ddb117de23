//! The graph of an estate's stacks: an edge leads from a stack to each stack that reads its outputs or names it in `depends_on`, and from one that
//! takes resources over to the one that gives them.
//! Answers what is upstream, what is downstream, and in which order things can be done.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use petgraph::Direction;
use petgraph::algo::{has_path_connecting, kosaraju_scc};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::estate::Estate;
use crate::expression::ReferenceTarget;
use crate::name::StackName;

/// Why a stack depends on another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dependency {
    /// The outputs of the upstream stack that the inputs read.
    pub outputs: BTreeSet<String>,
    /// Whether `depends_on` names the upstream stack.
    pub explicit: bool,
    /// Whether the upstream stack takes over what this one gives: it imports before this one forgets.
    pub gives: bool,
}

/// Stacks and their dependencies. Built once for an estate; references to stacks that do not exist are left out.
#[derive(Debug, Clone)]
pub struct Graph {
    edges: DiGraph<StackName, Dependency>,
    nodes: HashMap<StackName, NodeIndex>,
    /// Who takes resources over from a stack.
    takers: BTreeMap<StackName, BTreeSet<StackName>>,
}

impl Graph {
    /// The graph of all stacks of an estate.
    pub fn of(estate: &Estate) -> Self {
        let mut edges = DiGraph::with_capacity(estate.stacks.len(), estate.stacks.len() * 2);
        let nodes: HashMap<_, _> =
            estate.stacks.keys().map(|name| (name.clone(), edges.add_node(name.clone()))).collect();
        for (name, stack) in &estate.stacks {
            let mut upstream: BTreeMap<&str, Dependency> = BTreeMap::new();
            for reference in &stack.references {
                if let ReferenceTarget::Stack { name, output } = &reference.target {
                    upstream.entry(name).or_default().outputs.extend(output.clone());
                }
            }
            for named in &stack.depends_on {
                upstream.entry(named.name.as_str()).or_default().explicit = true;
            }
            for (upstream, dependency) in upstream {
                if let Some(&from) = nodes.get(upstream) {
                    edges.add_edge(from, nodes[name], dependency);
                }
            }
        }
        let mut graph = Self { edges, nodes, takers: BTreeMap::new() };
        graph.add_moves(estate);
        graph
    }

    /// Whoever gives resources waits for the one that takes them, so that at no time nobody has them. Where the taker depends on the giver, it
    /// cannot: then the giver goes first.
    fn add_moves(&mut self, estate: &Estate) {
        let moves =
            estate.stacks.iter().flat_map(|(name, stack)| stack.moves.iter().map(move |one| (name, &one.from.name)));
        for (taker, giver) in moves {
            self.takers.entry(giver.clone()).or_default().insert(taker.clone());
            let Some((&taker, &giver)) = self.nodes.get(taker).zip(self.nodes.get(giver)) else { continue };
            if has_path_connecting(&self.edges, giver, taker, None) {
                continue;
            }
            match self.edges.find_edge(taker, giver) {
                Some(edge) => self.edges[edge].gives = true,
                None => drop(self.edges.add_edge(taker, giver, Dependency { gives: true, ..Dependency::default() })),
            }
        }
    }

    /// The stacks that take resources over from `name`, in order of name.
    pub fn takers_of(&self, name: &str) -> impl Iterator<Item = &StackName> {
        self.takers.get(name).into_iter().flatten()
    }

    /// How many stacks there are.
    pub fn len(&self) -> usize {
        self.edges.node_count()
    }

    /// Whether there is no stack.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The stacks that `name` depends on directly, in order of name.
    pub fn upstream_of(&self, name: &str) -> BTreeMap<&StackName, &Dependency> {
        self.neighbours(name, Direction::Incoming)
    }

    /// The stacks that depend on `name` directly, in order of name.
    pub fn downstream_of(&self, name: &str) -> BTreeMap<&StackName, &Dependency> {
        self.neighbours(name, Direction::Outgoing)
    }

    fn neighbours(&self, name: &str, direction: Direction) -> BTreeMap<&StackName, &Dependency> {
        let Some(&node) = self.nodes.get(name) else { return BTreeMap::new() };
        self.edges
            .edges_directed(node, direction)
            .map(|edge| {
                let other = if direction == Direction::Incoming { edge.source() } else { edge.target() };
                (&self.edges[other], edge.weight())
            })
            .collect()
    }

    /// All edges as `(upstream, downstream, why)`, in order of names.
    pub fn edges(&self) -> Vec<(&StackName, &StackName, &Dependency)> {
        let mut all: Vec<_> = self
            .edges
            .edge_references()
            .map(|edge| (&self.edges[edge.source()], &self.edges[edge.target()], edge.weight()))
            .collect();
        all.sort_unstable_by_key(|(from, to, _)| (*from, *to));
        all
    }

    /// Everything downstream of `from`, however far, each with the neighbour through which it was reached first. The stacks of
    /// `from` themselves are not among them.
    pub fn downstream_closure<'a>(
        &self,
        from: impl IntoIterator<Item = &'a StackName>,
    ) -> BTreeMap<StackName, StackName> {
        self.closure(from, Direction::Outgoing)
    }

    /// Everything upstream of `from`, however far, each with the neighbour through which it was reached first. The stacks of
    /// `from` themselves are not among them.
    pub fn upstream_closure<'a>(
        &self,
        from: impl IntoIterator<Item = &'a StackName>,
    ) -> BTreeMap<StackName, StackName> {
        self.closure(from, Direction::Incoming)
    }

    fn closure<'a>(
        &self,
        from: impl IntoIterator<Item = &'a StackName>,
        direction: Direction,
    ) -> BTreeMap<StackName, StackName> {
        let mut queue: VecDeque<NodeIndex> =
            from.into_iter().filter_map(|name| self.nodes.get(name).copied()).collect();
        let mut seen: Vec<bool> = vec![false; self.edges.node_count()];
        for node in &queue {
            seen[node.index()] = true;
        }
        let mut reached = BTreeMap::new();
        while let Some(node) = queue.pop_front() {
            for next in self.edges.neighbors_directed(node, direction) {
                if !std::mem::replace(&mut seen[next.index()], true) {
                    reached.insert(self.edges[next].clone(), self.edges[node].clone());
                    queue.push_back(next);
                }
            }
        }
        reached
    }

    /// The stacks in waves: each wave's stacks depend only on stacks of waves before it. Stacks on a cycle, and what is
    /// downstream of one, are in no wave.
    pub fn waves(&self) -> Vec<Vec<&StackName>> {
        let mut open: Vec<usize> =
            self.edges.node_indices().map(|n| self.edges.neighbors_directed(n, Direction::Incoming).count()).collect();
        let mut wave: Vec<NodeIndex> = self.edges.node_indices().filter(|n| open[n.index()] == 0).collect();
        let mut waves = Vec::new();
        while !wave.is_empty() {
            let mut next = Vec::new();
            for node in &wave {
                for dependent in self.edges.neighbors_directed(*node, Direction::Outgoing) {
                    open[dependent.index()] -= 1;
                    if open[dependent.index()] == 0 {
                        next.push(dependent);
                    }
                }
            }
            let mut names: Vec<_> = wave.iter().map(|node| &self.edges[*node]).collect();
            names.sort_unstable();
            waves.push(names);
            wave = next;
        }
        waves
    }

    /// The stacks, each after all that it depends on; those on a cycle are left out.
    pub fn order(&self) -> Vec<&StackName> {
        self.waves().into_iter().flatten().collect()
    }

    /// One cycle of each group of stacks that depend on each other in a circle: `a -> b -> a` is `[a, b]`, each stack being
    /// upstream of the next. Begins with the first name.
    pub fn cycles(&self) -> Vec<Vec<&StackName>> {
        let mut cycles: Vec<_> = kosaraju_scc(&self.edges)
            .into_iter()
            .filter(|group| group.len() > 1 || self.edges.contains_edge(group[0], group[0]))
            .map(|group| self.shortest_cycle(&group))
            .collect();
        cycles.sort_unstable();
        cycles
    }

    /// The shortest way from the group's first name back to itself.
    fn shortest_cycle(&self, group: &[NodeIndex]) -> Vec<&StackName> {
        let members: BTreeSet<_> = group.iter().copied().collect();
        let start = group.iter().copied().min_by_key(|node| &self.edges[*node]).expect("a group has members");
        let mut came_from: HashMap<NodeIndex, NodeIndex> = HashMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            for next in self.edges.neighbors_directed(node, Direction::Outgoing).filter(|n| members.contains(n)) {
                if next == start {
                    let mut cycle = vec![node];
                    while let Some(before) = came_from.get(cycle.last().expect("never empty")) {
                        cycle.push(*before);
                    }
                    cycle.reverse();
                    return cycle.into_iter().map(|node| &self.edges[node]).collect();
                }
                came_from.entry(next).or_insert_with(|| {
                    queue.push_back(next);
                    node
                });
            }
        }
        unreachable!("members of a strongly connected group reach themselves")
    }
}
