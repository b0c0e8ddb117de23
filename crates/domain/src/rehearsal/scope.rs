//! Which stacks a rehearsal deploys, and what stands in for the others.

use std::collections::{BTreeMap, BTreeSet};

use super::{FixtureSource, Role};
use crate::estate::{Estate, Input, Stack};
use crate::expression::references;
use crate::graph::Graph;
use crate::name::StackName;
use crate::path::RepoPath;
use crate::value::Value;

/// Which stacks a rehearsal deploys, and what stands in for others.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// How each stack takes part; those for which only values stand in are not deployed.
    pub roles: BTreeMap<StackName, Role>,
    /// Values that stand in for the outputs of a stack, by who reads them and whose they are.
    pub values: BTreeMap<(StackName, StackName), BTreeMap<String, Value>>,
    /// Folders that are deployed in place of a stack's own.
    pub folders: BTreeMap<StackName, (RepoPath, BTreeMap<String, Input>)>,
}

/// Two stacks have different folders stand in for the same one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{one}` and `{other}` have different folders stand in for `{upstream}`")]
pub struct FixturesDiffer {
    /// The stack that is stood in for.
    pub upstream: StackName,
    /// One that has a fixture for it.
    pub one: StackName,
    /// The other.
    pub other: StackName,
}

/// What stands in for stacks that are not themselves chosen, in the words of reports.
const OUTPUTS: &str = "outputs";

impl Scope {
    /// The chosen stacks and everything upstream of them; with `fixtures`, a stack that is not chosen, and for which all who read it have a fixture,
    /// is stood in for.
    ///
    /// # Errors
    /// Where the fixtures of two stacks contradict each other.
    pub fn of(
        estate: &Estate,
        graph: &Graph,
        chosen: &BTreeSet<StackName>,
        fixtures: bool,
    ) -> Result<Self, FixturesDiffer> {
        let mut scope = Self::default();
        let mut open: Vec<&Stack> = chosen.iter().filter_map(|name| estate.stacks.get(name)).collect();
        scope.roles.extend(chosen.iter().map(|name| (name.clone(), Role::Rehearsed)));
        let mut folders: BTreeMap<StackName, (StackName, RepoPath, BTreeMap<String, Input>)> = BTreeMap::new();
        while let Some(stack) = open.pop() {
            // What a stack gives must be taken, or nobody would destroy it in the end.
            for taker in graph.takers_of(stack.name.as_str()) {
                if !scope.roles.contains_key(taker) {
                    scope.roles.insert(taker.clone(), Role::Upstream);
                    open.extend(estate.stacks.get(taker));
                }
            }
            for (upstream, _) in graph.upstream_of(stack.name.as_str()) {
                let takes = stack.moves.iter().any(|moved| moved.from.name == *upstream);
                let fixture = stack.fixtures.get(upstream).filter(|_| fixtures && !takes && !chosen.contains(upstream));
                match fixture.map(|fixture| &fixture.source) {
                    Some(FixtureSource::Outputs(values)) => {
                        scope.values.insert((stack.name.clone(), upstream.clone()), values.clone());
                    }
                    Some(FixtureSource::Folder { folder, inputs }) => {
                        if let Some((one, ..)) = folders.get(upstream).filter(|(_, known, _)| known != folder) {
                            let (one, other) = (one.clone(), stack.name.clone());
                            return Err(FixturesDiffer { upstream: upstream.clone(), one, other });
                        }
                        folders.insert(upstream.clone(), (stack.name.clone(), folder.clone(), inputs.clone()));
                    }
                    None if scope.roles.contains_key(upstream) => {}
                    None => {
                        scope.roles.insert(upstream.clone(), Role::Upstream);
                        open.extend(estate.stacks.get(upstream));
                    }
                }
            }
        }
        for (upstream, (_, folder, inputs)) in folders {
            // What one stack needs for real is there for all.
            if !scope.roles.contains_key(&upstream) {
                scope.roles.insert(upstream.clone(), Role::StoodIn(folder.to_string()));
                scope.folders.insert(upstream, (folder, inputs));
            }
        }
        for (_, upstream) in scope.values.keys() {
            scope.roles.entry(upstream.clone()).or_insert_with(|| Role::StoodIn(OUTPUTS.to_owned()));
        }
        Ok(scope)
    }

    /// Whether anything stands in for a stack.
    pub fn has_stand_ins(&self) -> bool {
        !self.values.is_empty() || !self.folders.is_empty()
    }

    /// The stacks that are deployed: those that take part for real, and those in whose place a folder is.
    pub fn deployed(&self) -> BTreeSet<StackName> {
        let is_deployed =
            |(name, role): &(&StackName, &Role)| !matches!(role, Role::StoodIn(_)) || self.folders.contains_key(*name);
        self.roles.iter().filter(is_deployed).map(|(name, _)| name.clone()).collect()
    }

    /// The stacks whose own releases are deployed.
    pub fn real(&self) -> BTreeSet<StackName> {
        let is_real = |(_, role): &(&StackName, &Role)| !matches!(role, Role::StoodIn(_));
        self.roles.iter().filter(is_real).map(|(name, _)| name.clone()).collect()
    }

    /// The real stacks that a stack rests on here, directly or not.
    pub fn rests_on(&self, graph: &Graph, stack: &StackName) -> BTreeSet<StackName> {
        let mut found = BTreeSet::new();
        let mut open = vec![stack.clone()];
        while let Some(at) = open.pop() {
            for upstream in graph.upstream_of(at.as_str()).into_keys() {
                let is_real = matches!(self.roles.get(upstream), Some(Role::Rehearsed | Role::Upstream));
                let is_stood_in = self.values.contains_key(&(at.clone(), upstream.clone()));
                if is_real && !is_stood_in && found.insert(upstream.clone()) {
                    open.push(upstream.clone());
                }
            }
        }
        found
    }

    /// The estate in which folders are in the places of the stacks that they stand in for.
    #[must_use]
    pub fn in_place(&self, mut estate: Estate) -> Estate {
        for (name, (folder, inputs)) in &self.folders {
            let Some(stack) = estate.stacks.get_mut(name) else { continue };
            stack.folder = folder.clone();
            stack.references = inputs.values().flat_map(|input| references(&input.expression)).collect();
            stack.inputs = inputs.clone();
            stack.depends_on.clear();
            stack.moves.clear();
            stack.watch.clear();
            stack.fixtures.clear();
        }
        estate
    }
}

/// Stacks of several releases, in groups that can be deployed one after another: each stack after all that it rests on, with as few groups as a
/// walk in order makes. `stacks`: for each its group, and what it rests on. `None` where they rest on each other in a circle: releases of different
/// times may.
pub fn batches<G: Copy + Ord>(
    stacks: &BTreeMap<StackName, (G, BTreeSet<StackName>)>,
) -> Option<Vec<(G, BTreeSet<StackName>)>> {
    let mut batches = Vec::new();
    let mut done: BTreeSet<&StackName> = BTreeSet::new();
    while done.len() < stacks.len() {
        let is_free = |name: &StackName, within: &BTreeSet<&StackName>| {
            stacks[name].1.iter().all(|up| !stacks.contains_key(up) || done.contains(up) || within.contains(up))
        };
        let nothing = BTreeSet::new();
        let first = stacks.keys().find(|name| !done.contains(name) && is_free(name, &nothing))?;
        let group = stacks[first].0;
        let mut batch: BTreeSet<&StackName> = BTreeSet::new();
        loop {
            let more: Vec<&StackName> = stacks
                .iter()
                .filter(|(name, (of, _))| *of == group && !done.contains(name) && !batch.contains(name))
                .map(|(name, _)| name)
                .filter(|name| is_free(name, &batch))
                .collect();
            if more.is_empty() {
                break;
            }
            batch.extend(more);
        }
        done.extend(batch.iter().copied());
        batches.push((group, batch.into_iter().cloned().collect()));
    }
    Some(batches)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(at: usize) -> StackName {
        StackName::new(&format!("s{at}")).unwrap()
    }

    #[test]
    fn releases_that_rest_on_each_other_in_a_circle_have_no_sequence() {
        let circle = [(name(0), (0, [name(1)].into())), (name(1), (1, [name(0)].into()))].into();
        assert_eq!(batches(&circle), None);
        assert_eq!(batches::<u8>(&BTreeMap::new()), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn each_stack_is_deployed_once_and_after_what_it_rests_on(
            groups in prop::collection::vec(0_u8..3, 1..12), edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..20)
        ) {
            let mut stacks: BTreeMap<StackName, (u8, BTreeSet<StackName>)> =
                groups.iter().enumerate().map(|(at, group)| (name(at), (*group, BTreeSet::new()))).collect();
            for (from, to) in edges.iter().filter(|(from, to)| to < from && *from < groups.len()) {
                stacks.get_mut(&name(*from)).unwrap().1.insert(name(*to));
            }
            let batches = batches(&stacks).expect("there is no circle");
            let mut done: BTreeSet<StackName> = BTreeSet::new();
            for (group, batch) in &batches {
                for stack in batch {
                    prop_assert_eq!(stacks[stack].0, *group);
                    let rests_on = &stacks[stack].1;
                    prop_assert!(rests_on.iter().all(|up| done.contains(up) || batch.contains(up)));
                }
                let before = done.len();
                done.extend(batch.iter().cloned());
                prop_assert_eq!(done.len(), before + batch.len(), "each once");
            }
            prop_assert_eq!(done.len(), stacks.len());
        }
    }
}
