//! The permission boundary: a stack whose identity needs permissions over services that have nothing to do with each other.

use std::collections::{BTreeMap, BTreeSet};

use super::coupling::Blocks;
use super::proposal::{Group, split};
use super::service::{kinds_of, services_of};
use super::{Criterion, Evidence, Finding, Gravity, Material, Subject, counted, listed, number};

/// A group of fewer resources is no stack of its own: it would cost more than it saves.
const GROUP_RESOURCES_MIN: usize = 2;

/// Stacks in which groups of resources of unrelated services hold together by no reference.
pub(super) fn findings(material: &Material<'_>, subjects: &[Subject<'_>]) -> Vec<Finding> {
    subjects.iter().filter_map(|subject| unrelated(material, subject)).collect()
}

/// Blocks that hold together, or are of the same kind of service.
struct Cluster {
    kinds: BTreeSet<String>,
    blocks: Vec<usize>,
}

fn unrelated(material: &Material<'_>, subject: &Subject<'_>) -> Option<Finding> {
    let blocks = &subject.blocks;
    let (mut clusters, supporting) = clusters(blocks);
    let resources = |cluster: &Cluster| cluster.blocks.iter().map(|at| blocks.all[*at].resources()).sum::<usize>();
    // The largest is what is left; what is too small to stand alone, or only supports others, stays with it.
    clusters.sort_by_key(|cluster| std::cmp::Reverse(resources(cluster)));
    let mut clusters = clusters.into_iter();
    let mut rest = clusters.next()?;
    let (others, small): (Vec<_>, Vec<_>) = clusters.partition(|cluster| resources(cluster) >= GROUP_RESOURCES_MIN);
    if others.is_empty() {
        return None;
    }
    let evidence: Vec<Evidence> =
        std::iter::once(&rest).chain(&others).map(|cluster| evidence(blocks, cluster)).collect();
    let names: Vec<String> = std::iter::once(&rest).chain(&others).map(Cluster::about).collect();
    rest.blocks.extend(small.into_iter().flat_map(|cluster| cluster.blocks).chain(supporting));
    rest.blocks.sort_unstable();
    let count = 1 + others.len();
    let services = services_of(&blocks.types(&(0..blocks.all.len()).collect::<Vec<_>>())).len();
    let group =
        |cluster: Cluster, suffix: Option<String>| Group { suffix, about: cluster.about(), blocks: cluster.blocks };
    let mut groups = vec![group(rest, None)];
    groups.extend(others.into_iter().map(|cluster| {
        let suffix = cluster.kinds.first().cloned();
        group(cluster, suffix)
    }));
    let (proposal, radius) = split(material.estate, subject, groups);
    Some(Finding {
        rule: "unrelated-permissions",
        criterion: Criterion::Permission,
        gravity: Gravity::of_cut(radius),
        stacks: vec![subject.stack.name.clone()],
        summary: format!("needs permissions over unrelated services: {}", listed(&names)),
        evidence,
        measures: BTreeMap::from([("groups", number(count)), ("services", number(services))]),
        proposal,
        radius: Some(radius),
    })
}

/// The clusters of a stack's blocks, and the blocks that only support others and hold to none.
fn clusters(blocks: &Blocks) -> (Vec<Cluster>, Vec<usize>) {
    let (mut clusters, mut supporting): (Vec<Cluster>, Vec<usize>) = (Vec::new(), Vec::new());
    for component in blocks.components() {
        let kinds: BTreeSet<String> = kinds_of(&blocks.types(&component)).into_keys().collect();
        if kinds.is_empty() {
            supporting.extend(component);
            continue;
        }
        let mut merged = Cluster { kinds, blocks: component };
        // Taking one kind in may bring others along that an earlier cluster has.
        while let Some(at) = clusters.iter().position(|cluster| !cluster.kinds.is_disjoint(&merged.kinds)) {
            let met = clusters.swap_remove(at);
            merged.kinds.extend(met.kinds);
            merged.blocks.extend(met.blocks);
        }
        clusters.push(merged);
    }
    for cluster in &mut clusters {
        cluster.blocks.sort_unstable();
    }
    clusters.sort_by(|a, b| a.blocks.cmp(&b.blocks));
    (clusters, supporting)
}

impl Cluster {
    fn about(&self) -> String {
        listed(&self.kinds.iter().cloned().collect::<Vec<_>>())
    }
}

fn evidence(blocks: &Blocks, cluster: &Cluster) -> Evidence {
    let services: Vec<String> = services_of(&blocks.types(&cluster.blocks)).into_keys().collect();
    let resources: usize = cluster.blocks.iter().map(|at| blocks.all[*at].resources()).sum();
    let text = format!(
        "{} of {} ({}), with no reference to the others",
        counted(resources, "resource"),
        cluster.about(),
        services.join(", ")
    );
    Evidence::of(text, cluster.blocks.iter().map(|at| blocks.all[*at].address.clone()))
}
