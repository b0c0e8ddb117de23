//! Stacks that are always changed by the same commits: what was cut apart belongs together, or has something in common.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use petgraph::unionfind::UnionFind;

use super::history::{History, Touch};
use super::{
    Criterion, Evidence, Finding, Gravity, Material, Proposal, RadiusGain, Subject, counted, listed, number, percent,
    share,
};
use crate::name::StackName;

/// Fewer commits in common are chance: a quarter's worth of fortnightly changes.
const SUPPORT_MIN: usize = 6;
/// Three of four changes of the one change the other as well: whoever changes one has to think of both.
const CONFIDENCE_MIN: f64 = 0.75;
/// So many, and so surely, that there is no question any more.
const GRAVE_SUPPORT_MIN: usize = 12;
const GRAVE_CONFIDENCE_MIN: f64 = 0.9;
/// When in this part of the common commits the same files are changed in each, it is one edit made several times.
const SAME_EDIT_MIN: f64 = 0.8;

/// A group of stacks, with the pairs that make it one.
struct Group {
    stacks: Vec<usize>,
    pairs: Vec<Pair>,
}

#[derive(Clone, Copy)]
struct Pair {
    one: usize,
    other: usize,
    support: usize,
    confidence: f64,
}

/// Groups of stacks that change together.
pub(super) fn findings(material: &Material<'_>, history: &History, subjects: &[Subject<'_>]) -> Vec<Finding> {
    let by_stack = history.by_stack();
    groups(history, &by_stack)
        .into_iter()
        .map(|group| Judgement { material, history, subjects, by_stack: &by_stack, group }.finding())
        .collect()
}

fn groups(history: &History, by_stack: &[Vec<&Touch>]) -> Vec<Group> {
    let commits = |stack: usize| by_stack[stack].iter().filter(|touch| !touch.founded.contains(&stack)).count();
    let pairs = history.pairs().into_iter().filter(|(_, support)| *support >= SUPPORT_MIN);
    let pairs: Vec<Pair> = pairs
        .map(|((one, other), support)| {
            let confidence = share(support, commits(one).max(commits(other)));
            Pair { one, other, support, confidence }
        })
        .filter(|pair| pair.confidence >= CONFIDENCE_MIN)
        .collect();
    let mut sets = UnionFind::<usize>::new(history.stacks.len());
    for pair in &pairs {
        sets.union(pair.one, pair.other);
    }
    let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
    for pair in pairs {
        let group =
            groups.entry(sets.find(pair.one)).or_insert_with(|| Group { stacks: Vec::new(), pairs: Vec::new() });
        group.stacks.extend([pair.one, pair.other]);
        group.pairs.push(pair);
    }
    groups
        .into_values()
        .map(|mut group| {
            group.stacks.sort_unstable();
            group.stacks.dedup();
            group
        })
        .collect()
}

struct Judgement<'a> {
    material: &'a Material<'a>,
    history: &'a History,
    subjects: &'a [Subject<'a>],
    by_stack: &'a [Vec<&'a Touch>],
    group: Group,
}

impl Judgement<'_> {
    fn finding(&self) -> Finding {
        let weakest = self.group.pairs.iter().map(|pair| pair.confidence).fold(1.0, f64::min);
        let support = self.group.pairs.iter().map(|pair| pair.support).min().unwrap_or_default();
        let is_grave = support >= GRAVE_SUPPORT_MIN && weakest >= GRAVE_CONFIDENCE_MIN;
        let stacks: Vec<StackName> = self.group.stacks.iter().map(|at| self.history.stacks[*at].clone()).collect();
        let same = self.same_edits();
        let mut evidence: Vec<Evidence> = self.group.pairs.iter().map(|pair| self.evidence(pair)).collect();
        let (proposal, radius) = if same >= SAME_EDIT_MIN && !self.depend_on_each_other(&stacks) {
            evidence.push(Evidence::text(format!(
                "{} of these commits change files of the same names in each, and none reads from another",
                percent(same)
            )));
            (Proposal::Share { stacks: stacks.clone() }, None)
        } else {
            evidence.extend(self.owners());
            let (proposal, radius) = self.merge(&stacks);
            (proposal, Some(radius).filter(|radius| radius.after > 0))
        };
        let names: Vec<String> = stacks.iter().skip(1).map(ToString::to_string).collect();
        Finding {
            rule: "always-together",
            criterion: Criterion::Pace,
            gravity: if is_grave { Gravity::High } else { Gravity::Medium },
            summary: format!("is nearly always changed by the same commits as {}", listed(&names)),
            evidence,
            measures: BTreeMap::from([("support", number(support)), ("confidence", weakest), ("same_edits", same)]),
            proposal,
            radius,
            stacks,
        }
    }

    fn evidence(&self, pair: &Pair) -> Evidence {
        let (one, other) = (&self.history.stacks[pair.one], &self.history.stacks[pair.other]);
        let text = format!(
            "{} change both {one} and {other}: {} of all that change the busier of them",
            counted(pair.support, "commit"),
            percent(pair.confidence)
        );
        Evidence::text(text).with_commits(self.common(pair))
    }

    fn common(&self, pair: &Pair) -> impl Iterator<Item = &Touch> {
        let other = pair.other;
        self.by_stack[pair.one].iter().copied().filter(move |touch| touch.stacks.binary_search(&other).is_ok())
    }

    /// In what part of the common commits of each pair the same files are changed, by their names in the stack.
    fn same_edits(&self) -> f64 {
        let (mut same, mut all) = (0, 0);
        for pair in &self.group.pairs {
            for touch in self.common(pair) {
                let mut files: HashMap<usize, BTreeSet<String>> = HashMap::new();
                for file in touch.changed.iter().map(|at| &self.history.files[*at]) {
                    let folder = &self.subjects[file.stack].stack.folder;
                    files.entry(file.stack).or_default().insert(file.path.relative_to(folder));
                }
                all += 1;
                same += usize::from(files.get(&pair.one).is_some_and(|one| files.get(&pair.other) == Some(one)));
            }
        }
        share(same, all)
    }

    fn depend_on_each_other(&self, stacks: &[StackName]) -> bool {
        stacks.iter().any(|stack| {
            let upstream = self.material.graph.upstream_of(stack.as_str());
            stacks.iter().any(|other| upstream.contains_key(other))
        })
    }

    fn owners(&self) -> Option<Evidence> {
        let estate = self.material.estate;
        let owners: BTreeSet<String> = self
            .group
            .stacks
            .iter()
            .filter_map(|at| estate.owner_of(self.subjects[*at].stack))
            .map(str::to_owned)
            .collect();
        (owners.len() > 1).then(|| {
            let owners: Vec<String> = owners.into_iter().collect();
            Evidence::text(format!("they belong to {}, who cannot change them without each other", listed(&owners)))
        })
    }

    fn merge(&self, stacks: &[StackName]) -> (Proposal, RadiusGain) {
        let resources = |at: &usize| self.subjects[*at].blocks.resources();
        let sizes: Vec<usize> = self.group.stacks.iter().map(resources).collect();
        let radius = RadiusGain { before: sizes.iter().copied().max().unwrap_or_default(), after: sizes.iter().sum() };
        // The largest stays where it is: least is moved.
        let largest = (0..sizes.len()).max_by_key(|at| (sizes[*at], std::cmp::Reverse(*at))).unwrap_or_default();
        let into = stacks[largest].clone();
        let obstacles = self.between(stacks).into_iter().map(|name| {
            format!("{name} depends on one of them, and another depends on it: as one stack they would depend on each other in a circle")
        });
        (Proposal::Merge { stacks: stacks.to_vec(), into, obstacles: obstacles.collect() }, radius)
    }

    /// The stacks that lie between those of the group in the graph.
    fn between(&self, stacks: &[StackName]) -> Vec<StackName> {
        let graph = self.material.graph;
        let (down, up) = (graph.downstream_closure(stacks), graph.upstream_closure(stacks));
        down.into_keys().filter(|name| up.contains_key(name)).collect()
    }
}
