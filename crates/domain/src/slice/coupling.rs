//! How the parts of one stack's code hold together: its blocks, what refers to what, and where it comes apart. Owns the reading of parts as
//! a graph. Data sources and local values are no blocks: two stacks can each have their own, so that they hold nothing together; what they
//! refer to is passed on to whatever uses them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use petgraph::unionfind::UnionFind;

use super::service::TypeCounts;
use crate::code::part::{Part, PartKind};
use crate::path::RepoPath;

/// A managed resource, or a call of a module with all that is in it.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) address: String,
    pub(super) file: RepoPath,
    /// What it makes; a module that is elsewhere counts as one resource of an unknown type.
    pub(super) types: TypeCounts,
}

/// The code of one stack.
#[derive(Debug, Clone, Default)]
pub(super) struct Blocks {
    pub(super) all: Vec<Block>,
    /// `(from, to)`: one refers to the other, directly or through data sources and local values.
    pub(super) edges: BTreeSet<(usize, usize)>,
}

/// What stands for the type of what a module makes that is not in the repository: it is no type of any provider.
const ELSEWHERE: &str = "terraform_module";

impl Block {
    /// How many resources it declares.
    pub(super) fn resources(&self) -> usize {
        self.types.values().sum()
    }
}

impl Blocks {
    /// The blocks of a folder.
    pub(super) fn of(folder: &RepoPath, counter: &mut Counter<'_>) -> Self {
        let parts = counter.code.get(folder).map_or(&[][..], Vec::as_slice);
        let mut blocks = Self::default();
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        for part in parts {
            let types = counter.part(part);
            if !types.is_empty() {
                numbers.insert(&part.address, blocks.all.len());
                blocks.all.push(Block { address: part.address.clone(), file: part.file.clone(), types });
            }
        }
        let by_address: HashMap<&str, &Part> = parts.iter().map(|part| (part.address.as_str(), part)).collect();
        for part in parts {
            let Some(from) = numbers.get(part.address.as_str()) else { continue };
            for to in reached(part, &by_address, &numbers) {
                if to != *from {
                    blocks.edges.insert((*from, to));
                }
            }
        }
        blocks
    }

    /// How many resources it declares in all.
    pub(super) fn resources(&self) -> usize {
        self.all.iter().map(Block::resources).sum()
    }

    /// The types of some of the blocks.
    pub(super) fn types(&self, of: &[usize]) -> TypeCounts {
        let mut types = TypeCounts::new();
        for (resource_type, count) in of.iter().flat_map(|at| &self.all[*at].types) {
            *types.entry(resource_type.clone()).or_insert(0) += count;
        }
        types
    }

    /// The groups of blocks that hold together by references, each in order, the first by its first block.
    pub(super) fn components(&self) -> Vec<Vec<usize>> {
        let mut groups = UnionFind::<usize>::new(self.all.len());
        for (from, to) in &self.edges {
            groups.union(*from, *to);
        }
        let mut components: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut first: HashMap<usize, usize> = HashMap::new();
        for at in 0..self.all.len() {
            let first = *first.entry(groups.find(at)).or_insert(at);
            components.entry(first).or_default().push(at);
        }
        components.into_values().collect()
    }

    /// How many references lead from each group to each other.
    pub(super) fn between(&self, group_of: &[usize]) -> BTreeMap<(usize, usize), usize> {
        let mut between = BTreeMap::new();
        for (from, to) in &self.edges {
            let (from, to) = (group_of[*from], group_of[*to]);
            if from != to {
                *between.entry((from, to)).or_insert(0) += 1;
            }
        }
        between
    }
}

/// Counts what parts make. What is in a module is counted once, however many call it.
pub(super) struct Counter<'c> {
    code: &'c BTreeMap<RepoPath, Vec<Part>>,
    known: HashMap<&'c RepoPath, TypeCounts>,
    /// The modules around the one that is being counted: one that calls itself is an error elsewhere, and counts nothing more here.
    open: HashSet<&'c RepoPath>,
}

impl<'c> Counter<'c> {
    /// A counter for code: the parts of each folder.
    pub(super) fn new(code: &'c BTreeMap<RepoPath, Vec<Part>>) -> Self {
        Self { code, known: HashMap::new(), open: HashSet::new() }
    }

    fn part(&mut self, part: &'c Part) -> TypeCounts {
        match &part.kind {
            PartKind::Resource(resource_type) => TypeCounts::from([(resource_type.clone(), 1)]),
            PartKind::Module(None) => TypeCounts::from([(ELSEWHERE.to_owned(), 1)]),
            PartKind::Module(Some(folder)) => self.folder(folder),
            PartKind::Data(_) | PartKind::Local => TypeCounts::new(),
        }
    }

    fn folder(&mut self, folder: &'c RepoPath) -> TypeCounts {
        if let Some(known) = self.known.get(folder) {
            return known.clone();
        }
        let mut types = TypeCounts::new();
        if self.open.insert(folder) {
            for part in self.code.get(folder).into_iter().flatten() {
                for (resource_type, count) in self.part(part) {
                    let sum = types.entry(resource_type).or_insert(0_usize);
                    *sum = sum.saturating_add(count);
                }
            }
            self.open.remove(folder);
            if self.open.is_empty() {
                self.known.insert(folder, types.clone());
            }
        }
        types
    }
}

/// The blocks that a part refers to, through whatever is no block.
fn reached(part: &Part, by_address: &HashMap<&str, &Part>, numbers: &HashMap<&str, usize>) -> BTreeSet<usize> {
    let mut open: Vec<&str> = part.references.iter().map(String::as_str).collect();
    let (mut seen, mut reached) = (BTreeSet::new(), BTreeSet::new());
    while let Some(address) = open.pop() {
        if !seen.insert(address) {
            continue;
        }
        if let Some(block) = numbers.get(address) {
            reached.insert(*block);
        } else if let Some(part) = by_address.get(address) {
            open.extend(part.references.iter().map(String::as_str));
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(address: &str, references: &[&str]) -> Part {
        let names: Vec<_> = address.split('.').collect();
        let kind = match names[..] {
            ["local", _] => PartKind::Local,
            ["data", kind, _] => PartKind::Data(kind.to_owned()),
            ["module", name] => PartKind::Module((name != "far").then(|| RepoPath::new(name).unwrap())),
            _ => PartKind::Resource(names[0].to_owned()),
        };
        let references = references.iter().map(|text| (*text).to_owned()).collect();
        let file = RepoPath::new("s/main.tf").unwrap();
        Part { address: address.to_owned(), kind, file, lines: None, references }
    }

    fn blocks(parts: Vec<Part>, module: Vec<Part>) -> Blocks {
        let folder = RepoPath::new("s").unwrap();
        let code = BTreeMap::from([(folder.clone(), parts), (RepoPath::new("m").unwrap(), module)]);
        Blocks::of(&folder, &mut Counter::new(&code))
    }

    #[test]
    fn what_is_passed_through_local_values_and_data_sources_holds_together() {
        let blocks = blocks(
            vec![
                part("a.x", &["local.id", "local.tags"]),
                part("b.x", &["local.tags"]),
                part("c.x", &[]),
                part("data.d.x", &["c.x"]),
                part("local.id", &["data.d.x", "local.id"]),
                part("local.tags", &["data.e.x"]),
            ],
            Vec::new(),
        );
        let addresses =
            |group: &Vec<usize>| group.iter().map(|at| blocks.all[*at].address.as_str()).collect::<Vec<_>>();
        let groups: Vec<_> = blocks.components().iter().map(addresses).collect();
        assert_eq!(groups, [vec!["a.x", "c.x"], vec!["b.x"]]);
        assert_eq!(blocks.between(&[0, 1, 2]), BTreeMap::from([((0, 2), 1)]));
    }

    #[test]
    fn a_module_counts_with_all_that_is_in_it() {
        let inner = vec![part("a.x", &[]), part("a.y", &[]), part("module.m", &[]), part("data.d.x", &[])];
        let blocks = blocks(vec![part("module.m", &[]), part("module.far", &["module.m"])], inner);
        assert_eq!(blocks.all[1].types, TypeCounts::from([("terraform_module".to_owned(), 1)]));
        assert_eq!(blocks.all[0].types["a"], 2);
    }
}
