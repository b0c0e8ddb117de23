//! The technical capability: a stack that serves several, resources that belong to another, and a capability whose stacks belong to many.

use std::collections::{BTreeMap, BTreeSet};

use super::coupling::Blocks;
use super::proposal::{Group, split};
use super::service::kinds_of;
use super::{
    Criterion, Evidence, Finding, Gravity, Material, Proposal, Subject, counted, listed, number, percent, share,
};
use crate::estate::Layer;
use crate::name::{CapabilityName, StackName};

/// Fewer resources of a kind are what a stack needs for its purpose, and no capability of their own.
const KIND_RESOURCES_MIN: usize = 4;
/// A kind is a second purpose of a stack when it makes up this share of it: a quarter is nobody's accessory.
const KIND_SHARE_MIN: f64 = 0.25;
/// A capability is at home in a kind of service when this share of its resources is of it.
const HOME_SHARE_MIN: f64 = 0.6;
/// A capability shows what it is made of only with so many resources.
const HOME_RESOURCES_MIN: usize = 4;
/// Fewer resources than this are not worth a move.
const STRAY_RESOURCES_MIN: usize = 2;

/// What is found by this criterion.
pub(super) fn findings(material: &Material<'_>, subjects: &[Subject<'_>]) -> Vec<Finding> {
    let homes = homes(material, subjects);
    let mut findings: Vec<Finding> = subjects.iter().filter_map(|subject| stray(subject, &homes)).collect();
    findings.extend(subjects.iter().filter_map(|subject| several(material, subject)));
    findings.extend(spread(material));
    findings
}

/// What a capability is made of.
struct Home<'a> {
    kind: String,
    share: f64,
    capability: &'a CapabilityName,
    stacks: Vec<StackName>,
}

/// The technology capabilities that are clearly made of one kind of service; of two that are made of the same, neither.
fn homes<'a>(material: &Material<'a>, subjects: &[Subject<'_>]) -> Vec<Home<'a>> {
    let mut made_of: BTreeMap<&CapabilityName, (BTreeMap<String, usize>, Vec<StackName>)> = BTreeMap::new();
    for subject in subjects {
        let Some(capability) = &subject.stack.capability else { continue };
        let (kinds, stacks) = made_of.entry(capability).or_default();
        stacks.push(subject.stack.name.clone());
        for (kind, count) in kinds_of(&subject.blocks.types(&all(&subject.blocks))) {
            *kinds.entry(kind).or_insert(0) += count;
        }
    }
    let mut homes = Vec::new();
    for (name, capability) in &material.estate.capabilities {
        let Some((kinds, stacks)) = made_of.remove(name).filter(|_| capability.layer == Layer::Technology) else {
            continue;
        };
        let total: usize = kinds.values().sum();
        let Some((kind, count)) = kinds.into_iter().max_by_key(|(_, count)| *count) else { continue };
        let share = share(count, total);
        if total >= HOME_RESOURCES_MIN && share >= HOME_SHARE_MIN {
            homes.push(Home { kind, share, capability: name, stacks });
        }
    }
    let mut often: BTreeMap<String, usize> = BTreeMap::new();
    for home in &homes {
        *often.entry(home.kind.clone()).or_insert(0) += 1;
    }
    homes.retain(|home| often[&home.kind] == 1);
    homes
}

fn all(blocks: &Blocks) -> Vec<usize> {
    (0..blocks.all.len()).collect()
}

/// Whether most of what a block declares is of a kind.
fn is_mostly(blocks: &Blocks, block: usize, kind: &str) -> bool {
    let kinds = kinds_of(&blocks.all[block].types);
    kinds.get(kind).is_some_and(|count| 2 * count > kinds.values().sum())
}

/// Resources in a stack of one technology capability that another is made of.
fn stray(subject: &Subject<'_>, homes: &[Home<'_>]) -> Option<Finding> {
    let own = subject.stack.capability.as_ref()?;
    let own_home = homes.iter().find(|home| home.capability == own)?;
    let blocks = &subject.blocks;
    let strays = homes.iter().filter(|home| home.capability != own).filter_map(|home| {
        let found: Vec<usize> = all(blocks).into_iter().filter(|at| is_mostly(blocks, *at, &home.kind)).collect();
        let count: usize = found.iter().map(|at| blocks.all[*at].resources()).sum();
        (count >= STRAY_RESOURCES_MIN).then_some((home, found, count))
    });
    let (home, found, count) = strays.max_by_key(|(_, _, count)| *count)?;
    let addresses: Vec<String> = found.iter().map(|at| blocks.all[*at].address.clone()).collect();
    let before = blocks.resources();
    let radius = super::RadiusGain { before, after: before - count };
    let evidence = vec![
        Evidence::of(format!("{} of {}", counted(count, "resource"), home.kind), addresses.clone()),
        Evidence::of(
            format!("{} of the resources of {} are of {}", percent(home.share), home.capability, home.kind),
            home.stacks.iter().map(ToString::to_string),
        ),
        Evidence::text(format!("{} of the resources of {own} are of {}", percent(own_home.share), own_home.kind)),
    ];
    Some(Finding {
        rule: "another-capability",
        criterion: Criterion::Capability,
        gravity: Gravity::of_cut(radius),
        stacks: vec![subject.stack.name.clone()],
        summary: format!("serves {own}, and has what {} is made of: {}", home.capability, home.kind),
        evidence,
        measures: BTreeMap::from([("resources", number(count)), ("home_share", home.share)]),
        proposal: Proposal::Move {
            from: subject.stack.name.clone(),
            addresses,
            capability: home.capability.clone(),
            to: home.stacks.clone(),
        },
        radius: Some(radius),
    })
}

/// A stack with many resources of each of several kinds, which refer to each other. Where they do not, the permission boundary says so.
fn several(material: &Material<'_>, subject: &Subject<'_>) -> Option<Finding> {
    let blocks = &subject.blocks;
    let kinds = kinds_of(&blocks.types(&all(blocks)));
    let total: usize = kinds.values().sum();
    let mut main: Vec<(String, usize)> = kinds
        .into_iter()
        .filter(|(_, count)| *count >= KIND_RESOURCES_MIN && share(*count, total) >= KIND_SHARE_MIN)
        .collect();
    if main.len() < 2 {
        return None;
    }
    main.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    // Each kind but the first becomes a stack; all else stays.
    let mut group_of = vec![0; blocks.all.len()];
    for (at, group) in group_of.iter_mut().enumerate() {
        *group = main.iter().position(|(kind, _)| is_mostly(blocks, at, kind)).unwrap_or(0);
    }
    let between = blocks.between(&group_of);
    let members = |group: usize| (0..group_of.len()).filter(|at| group_of[*at] == group).collect::<Vec<_>>();
    if between.is_empty() || (1..main.len()).any(|group| members(group).is_empty()) {
        return None;
    }
    let evidence = main.iter().enumerate().map(|(at, (kind, count))| {
        let addresses = members(at).into_iter().map(|block| blocks.all[block].address.clone());
        Evidence::of(format!("{} of {kind}, {}", counted(*count, "resource"), percent(share(*count, total))), addresses)
    });
    let mut evidence: Vec<Evidence> = evidence.collect();
    if let Some(capability) = &subject.stack.capability {
        evidence.push(Evidence::text(format!("it says that it serves {capability}")));
    }
    let groups = main.iter().enumerate().map(|(at, (kind, _))| Group {
        suffix: (at > 0).then(|| kind.clone()),
        about: kind.clone(),
        blocks: members(at),
    });
    let (proposal, radius) = split(material.estate, subject, groups.collect());
    let names: Vec<String> = main.iter().map(|(kind, _)| kind.clone()).collect();
    // That they refer to each other may be the reason why they are together: never the gravest.
    let gravity = Gravity::of_cut(radius).min(Gravity::Medium);
    Some(Finding {
        rule: "several-capabilities",
        criterion: Criterion::Capability,
        gravity,
        stacks: vec![subject.stack.name.clone()],
        summary: format!("serves several technical capabilities: {}", listed(&names)),
        evidence,
        measures: BTreeMap::from([("kinds", number(main.len())), ("crossing", number(between.values().sum()))]),
        proposal,
        radius: Some(radius),
    })
}

/// Technology capabilities whose stacks belong to several owners.
fn spread(material: &Material<'_>) -> Vec<Finding> {
    let estate = material.estate;
    let mut owners: BTreeMap<&CapabilityName, BTreeMap<&str, Vec<&StackName>>> = BTreeMap::new();
    for stack in estate.stacks.values() {
        if let (Some(capability), Some(owner)) = (&stack.capability, estate.owner_of(stack)) {
            owners.entry(capability).or_default().entry(owner).or_default().push(&stack.name);
        }
    }
    let spread = owners.into_iter().filter(|(capability, owners)| {
        owners.len() > 1 && estate.capabilities.get(*capability).is_some_and(|found| found.layer == Layer::Technology)
    });
    spread
        .map(|(capability, owners)| {
            let own = estate.capabilities[capability].owner.as_deref();
            let most = owners.iter().rev().max_by_key(|(_, stacks)| stacks.len()).map(|(owner, _)| *owner);
            let owner = own.or(most).unwrap_or_default().to_owned();
            let others: BTreeSet<&StackName> = owners
                .iter()
                .filter(|(name, _)| **name != owner)
                .flat_map(|(_, stacks)| stacks.iter().copied())
                .collect();
            let stacks: Vec<StackName> = others.into_iter().cloned().collect();
            let names: Vec<String> = owners.keys().map(|owner| (*owner).to_owned()).collect();
            let evidence = owners.iter().map(|(owner, stacks)| {
                let count = counted(stacks.len(), "stack");
                Evidence::of(format!("{count} of {owner}"), stacks.iter().map(ToString::to_string))
            });
            Finding {
                rule: "spread-capability",
                criterion: Criterion::Capability,
                gravity: Gravity::Low,
                summary: format!("the capability {capability} is served by stacks of {}", listed(&names)),
                evidence: evidence.collect(),
                measures: BTreeMap::from([("owners", number(owners.len()))]),
                proposal: Proposal::Own { stacks: stacks.clone(), owner },
                stacks,
                radius: None,
            }
        })
        .collect()
}
