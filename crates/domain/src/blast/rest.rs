//! What rests on stacks: the capabilities that they serve, those that need these, and the people whom all of it belongs to.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::Ring;
use crate::estate::{Estate, Layer};
use crate::name::{CapabilityName, StackName};

/// Why a capability rests on what is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resting {
    /// Its layer.
    pub layer: Layer,
    /// Whose it is.
    pub owner: Option<String>,
    /// The nearest ring in which it, or a capability that it needs, is served.
    pub ring: Ring,
    /// The stacks of the rings that serve it themselves.
    pub served_by: BTreeSet<StackName>,
    /// The capability that it needs and through which it was reached; `None` where a stack of its own nearest ring serves it.
    pub through: Option<CapabilityName>,
}

/// What belongs to a team or a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owned {
    /// Stacks.
    pub stacks: BTreeSet<StackName>,
    /// Capabilities.
    pub capabilities: BTreeSet<CapabilityName>,
}

/// The capabilities that rest on stacks. The nearer a ring, the earlier its stacks must come.
pub(super) fn capabilities<'a>(
    estate: &Estate,
    stacks: impl IntoIterator<Item = (&'a StackName, Ring)>,
) -> BTreeMap<CapabilityName, Resting> {
    let needed_by = needed_by(estate);
    let mut found: BTreeMap<CapabilityName, Resting> = BTreeMap::new();
    let mut stacks = stacks.into_iter().peekable();
    while let Some(&(_, ring)) = stacks.peek() {
        let mut queue: VecDeque<&CapabilityName> = VecDeque::new();
        while let Some((name, _)) = stacks.next_if(|(_, next)| *next == ring) {
            let serves = estate.stacks.get(name).and_then(|stack| stack.capability.as_ref());
            let Some((capability, known)) = serves.and_then(|name| estate.capabilities.get_key_value(name)) else {
                continue;
            };
            let resting = found.entry(capability.clone()).or_insert_with(|| {
                queue.push_back(capability);
                Resting {
                    layer: known.layer,
                    owner: known.owner.clone(),
                    ring,
                    served_by: BTreeSet::new(),
                    through: None,
                }
            });
            resting.served_by.insert(name.clone());
        }
        while let Some(needed) = queue.pop_front() {
            for (name, capability) in needed_by.get(needed).into_iter().flatten() {
                found.entry((*name).clone()).or_insert_with(|| {
                    queue.push_back(name);
                    let (layer, owner) = (capability.layer, capability.owner.clone());
                    Resting { layer, owner, ring, served_by: BTreeSet::new(), through: Some(needed.clone()) }
                });
            }
        }
    }
    found
}

type NeededBy<'e> = HashMap<&'e CapabilityName, Vec<(&'e CapabilityName, &'e crate::estate::Capability)>>;

fn needed_by(estate: &Estate) -> NeededBy<'_> {
    let mut needed_by: NeededBy<'_> = HashMap::new();
    for (name, capability) in &estate.capabilities {
        for needed in &capability.needs {
            needed_by.entry(needed).or_default().push((name, capability));
        }
    }
    needed_by
}

/// Whom stacks and capabilities belong to; what belongs to nobody is in nobody's.
pub(super) fn owners<'a>(
    estate: &Estate,
    stacks: impl IntoIterator<Item = &'a StackName>,
    capabilities: &BTreeMap<CapabilityName, Resting>,
) -> BTreeMap<String, Owned> {
    let mut owners: BTreeMap<String, Owned> = BTreeMap::new();
    for name in stacks {
        for owner in estate.stacks.get(name).into_iter().flat_map(|stack| estate.owners_of(stack)) {
            match owners.get_mut(owner) {
                Some(owned) => drop(owned.stacks.insert(name.clone())),
                None => drop(owners.entry(owner.to_owned()).or_default().stacks.insert(name.clone())),
            }
        }
    }
    for (name, resting) in capabilities {
        let Some(owner) = &resting.owner else { continue };
        owners.entry(owner.clone()).or_default().capabilities.insert(name.clone());
    }
    owners
}
