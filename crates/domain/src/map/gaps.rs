//! What is missing on the map: owners, and a purpose.

use std::collections::BTreeSet;

use super::CapabilityMap;
use crate::estate::{Capability, Stack};

/// What belongs to nobody.
#[derive(Debug, Default)]
pub struct Unowned<'a> {
    /// Capabilities without an owner.
    pub capabilities: Vec<&'a Capability>,
    /// Stacks without an owner of their own or of their capability.
    pub stacks: Vec<&'a Stack>,
}

/// What serves nothing, and what nothing serves.
#[derive(Debug, Default)]
pub struct Strays<'a> {
    /// Stacks that serve no capability.
    pub stacks: Vec<&'a Stack>,
    /// Capabilities that rest on no stack, not even through others that they need.
    pub capabilities: Vec<&'a Capability>,
}

impl Unowned<'_> {
    /// Whether all belongs to somebody.
    pub fn is_empty(&self) -> bool {
        self.capabilities.is_empty() && self.stacks.is_empty()
    }
}

impl Strays<'_> {
    /// Whether all has its place.
    pub fn is_empty(&self) -> bool {
        self.capabilities.is_empty() && self.stacks.is_empty()
    }
}

impl<'a> CapabilityMap<'a> {
    /// What belongs to nobody.
    pub fn unowned(&self) -> Unowned<'a> {
        let capabilities = self.estate.capabilities.values().filter(|capability| capability.owner.is_none());
        let stacks = self.estate.stacks.values().filter(|stack| self.estate.owner_of(stack).is_none());
        Unowned { capabilities: capabilities.collect(), stacks: stacks.collect() }
    }

    /// Which stacks serve no capability, and which capabilities rest on nothing.
    pub fn strays(&self) -> Strays<'a> {
        let stacks = self.estate.stacks.values().filter(|stack| self.capability_of(stack).is_none());
        let carried = self.carried();
        let capabilities = self.estate.capabilities.values();
        let rests_on_nothing = |capability: &&Capability| !carried.contains(capability.name.as_str());
        Strays { stacks: stacks.collect(), capabilities: capabilities.filter(rests_on_nothing).collect() }
    }

    /// The capabilities that rest on a stack, themselves or through others that they need.
    fn carried(&self) -> BTreeSet<&'a str> {
        let served = self.estate.capabilities.values().filter(|one| !self.serving(one.name.as_str()).is_empty());
        let mut open: Vec<&Capability> = served.collect();
        let mut carried = BTreeSet::new();
        while let Some(capability) = open.pop() {
            if carried.insert(capability.name.as_str()) {
                open.extend_from_slice(self.needing(capability.name.as_str()));
            }
        }
        carried
    }

    /// The capability that a stack serves.
    pub fn capability_of(&self, stack: &Stack) -> Option<&'a Capability> {
        self.estate.capabilities.get(stack.capability.as_ref()?)
    }
}
