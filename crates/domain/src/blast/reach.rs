//! Whom a change reaches: first the stacks that read an output that changes, then what lies further down. Owns what counts as reading.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Changed;
use crate::graph::Graph;
use crate::name::StackName;

/// How far from a change something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ring {
    /// It is changed itself.
    Own,
    /// It reads an output that changes.
    Reader,
    /// It lies further downstream: it may be reached, if what lies between passes the change on.
    Further,
}

/// What a stack reads that changes: of each upstream stack the outputs, each with whether its value is known only after the apply and may turn
/// out to be the old one.
pub type Reading = BTreeMap<StackName, BTreeMap<String, bool>>;

impl Ring {
    /// All, the nearest first.
    pub const ALL: [Self; 3] = [Self::Own, Self::Reader, Self::Further];

    /// The ring in a word, stable for JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Reader => "reader",
            Self::Further => "further",
        }
    }
}

/// The stacks that read an output that changes. Notes them beside the outputs, too.
pub(super) fn readers(graph: &Graph, changed: &mut BTreeMap<StackName, Changed>) -> BTreeMap<StackName, Reading> {
    let mut readers: BTreeMap<StackName, Reading> = BTreeMap::new();
    for (upstream, change) in changed.iter_mut().filter(|(_, change)| !change.outputs.is_empty()) {
        for (reader, dependency) in graph.downstream_of(upstream.as_str()) {
            for name in &dependency.outputs {
                let Some(output) = change.outputs.get_mut(name) else { continue };
                output.readers.insert(reader.clone());
                let reading = readers.entry(reader.clone()).or_default().entry(upstream.clone()).or_default();
                reading.insert(name.clone(), output.change.is_unknown);
            }
        }
    }
    readers
}

/// What lies downstream of the readers and reads no changed output itself, each with the stack through which it is reached first. What only
/// comes after (`depends_on`) reads nothing, and so is not reached.
pub(super) fn further(graph: &Graph, readers: &BTreeMap<StackName, Reading>) -> BTreeMap<StackName, StackName> {
    let mut seen: BTreeSet<&StackName> = readers.keys().collect();
    let mut queue: VecDeque<&StackName> = readers.keys().collect();
    let mut reached = BTreeMap::new();
    while let Some(from) = queue.pop_front() {
        for (to, dependency) in graph.downstream_of(from.as_str()) {
            if !dependency.outputs.is_empty() && seen.insert(to) {
                reached.insert(to.clone(), from.clone());
                queue.push_back(to);
            }
        }
    }
    reached
}
