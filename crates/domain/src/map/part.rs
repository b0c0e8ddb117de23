//! A part of the map: what somebody asked for, with all that belongs to it.

use std::collections::BTreeSet;

use super::{CapabilityMap, Node};
use crate::estate::{Capability, Stack};
use crate::name::{CapabilityName, StackName};

/// A part of the map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Its capabilities.
    pub capabilities: BTreeSet<CapabilityName>,
    /// Its stacks.
    pub stacks: BTreeSet<StackName>,
}

impl<'a> CapabilityMap<'a> {
    /// All of the map.
    pub fn whole(&self) -> Part {
        Part {
            capabilities: self.estate.capabilities.keys().cloned().collect(),
            stacks: self.estate.stacks.keys().cloned().collect(),
        }
    }

    /// What capabilities rest on, they themselves included; and stacks, with the capabilities that they serve and that need these.
    pub fn part(
        &self,
        capabilities: impl IntoIterator<Item = &'a Capability>,
        stacks: impl IntoIterator<Item = &'a Stack>,
    ) -> Part {
        let mut part = Part::default();
        for capability in capabilities {
            let rests = self.rests(Node::Capability(capability));
            part.capabilities.insert(capability.name.clone());
            part.capabilities.extend(rests.capabilities().map(|(_, needed)| needed.name.clone()));
            part.stacks.extend(rests.stacks().map(|(_, stack)| stack.name.clone()));
        }
        let mut open: Vec<&Capability> = Vec::new();
        for stack in stacks {
            part.stacks.insert(stack.name.clone());
            open.extend(self.capability_of(stack));
        }
        let mut above = BTreeSet::new();
        while let Some(capability) = open.pop() {
            if above.insert(&capability.name) {
                open.extend_from_slice(self.needing(capability.name.as_str()));
            }
        }
        part.capabilities.extend(above.into_iter().cloned());
        part
    }
}
