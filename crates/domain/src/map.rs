//! The capability map: business capabilities rest on technology capabilities, these on stacks, and stacks on resources. Owns what is on the
//! map and which of it is known; the questions to it are in the modules below. Never looks anything up: what is known of code and of
//! instances is given.

mod cloud;
mod gaps;
mod part;
mod reach;
mod status;

pub use cloud::{Cloud, Spread};
pub use gaps::{Strays, Unowned};
pub use part::Part;
pub use reach::{Hidden, Node, Reach, Reached, Step, Why};
pub use status::Status;

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest;
use crate::estate::{Capability, Estate, Layer, Stack};
use crate::graph::Graph;
use crate::name::{EnvironmentName, StackName};
use crate::run::{Moment, RunId};

/// What is known of the code and the instances of stacks; of each stack that is missing, nothing.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// What the stacks' code says.
    pub code: BTreeMap<StackName, StackCode>,
    /// What was recorded of instances, by stack and environment.
    pub instances: BTreeMap<StackName, BTreeMap<EnvironmentName, Recorded>>,
}

/// What a stack's code says of the clouds that it is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackCode {
    /// The names of the providers that it asks for, without where they come from: `aws`, `azurerm`.
    pub providers: BTreeSet<String>,
    /// How many resources it declares, by type. One declaration may stand for many of them, or for none.
    pub declared: Resources,
}

/// How many resources there are, by type.
pub type Resources = BTreeMap<String, u64>;

/// What was recorded of an instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Its state's word in its last run.
    pub state: String,
    /// Its last run.
    pub run: Option<RunId>,
    /// What runs; `None` where nothing was delivered with success.
    pub release: Option<Digest>,
    /// The commit of what runs.
    pub commit: Option<String>,
    /// When that was delivered.
    pub delivered: Option<Moment>,
    /// How many resources its last snapshot has; `None` where there is no snapshot.
    pub resources: Option<u64>,
    /// The same by type; empty where the types were not recorded.
    pub types: Resources,
}

/// An estate's map.
#[derive(Debug)]
pub struct CapabilityMap<'a> {
    /// The estate.
    pub estate: &'a Estate,
    /// Its graph.
    pub graph: &'a Graph,
    /// What is known beside it.
    pub known: &'a Known,
    /// The environments, in the order of the pipeline; those of no stage last.
    pub environments: Vec<&'a EnvironmentName>,
    serving: BTreeMap<&'a str, Vec<&'a Stack>>,
    needing: BTreeMap<&'a str, Vec<&'a Capability>>,
}

impl<'a> CapabilityMap<'a> {
    /// The map of an estate.
    pub fn new(estate: &'a Estate, graph: &'a Graph, known: &'a Known) -> Self {
        let mut serving: BTreeMap<&str, Vec<&Stack>> = BTreeMap::new();
        for stack in estate.stacks.values() {
            if let Some(capability) = &stack.capability {
                serving.entry(capability.as_str()).or_default().push(stack);
            }
        }
        let mut needing: BTreeMap<&str, Vec<&Capability>> = BTreeMap::new();
        for capability in estate.capabilities.values() {
            for needed in &capability.needs {
                needing.entry(needed.as_str()).or_default().push(capability);
            }
        }
        Self { estate, graph, known, environments: in_pipeline_order(estate), serving, needing }
    }

    /// The capabilities of a layer, in order of name.
    pub fn layer(&self, layer: Layer) -> impl Iterator<Item = &'a Capability> {
        self.estate.capabilities.values().filter(move |capability| capability.layer == layer)
    }

    /// The stacks that serve a capability themselves, in order of name.
    pub fn serving(&self, capability: &str) -> &[&'a Stack] {
        self.serving.get(capability).map_or(&[], Vec::as_slice)
    }

    /// The capabilities that a capability needs, as far as there are such, in the sequence of the file.
    pub fn needs(&self, capability: &'a Capability) -> impl Iterator<Item = &'a Capability> + use<'a> {
        let estate = self.estate;
        capability.needs.iter().filter_map(|name| estate.capabilities.get(name))
    }

    /// The capabilities that need this one, in order of name.
    pub fn needing(&self, capability: &str) -> &[&'a Capability] {
        self.needing.get(capability).map_or(&[], Vec::as_slice)
    }

    /// What the code of a stack says, where it was read.
    pub fn code(&self, stack: &StackName) -> Option<&'a StackCode> {
        self.known.code.get(stack)
    }

    /// What was recorded of an instance.
    pub fn recorded(&self, stack: &StackName, environment: &EnvironmentName) -> Option<&'a Recorded> {
        self.known.instances.get(stack)?.get(environment)
    }

    /// How an instance is: what came of its last delivery, and whether it runs what the environment before it does.
    pub fn status(&self, stack: &StackName, environment: &EnvironmentName) -> Status {
        let Some(recorded) = self.recorded(stack, environment) else { return Status::Never };
        let before = self.environments.iter().take_while(|other| **other != environment);
        let leading = before.filter_map(|other| self.recorded(stack, other)?.release).last();
        Status::of(recorded, leading)
    }

    /// The gravest status of some stacks' instances in an environment; [`Status::Never`] of none.
    pub fn gravest<'s>(
        &self,
        stacks: impl IntoIterator<Item = &'s StackName>,
        environment: &EnvironmentName,
    ) -> Status {
        stacks.into_iter().map(|stack| self.status(stack, environment)).max().unwrap_or(Status::Never)
    }

    /// The resources that some stacks have in an environment, by type; what has no recorded types is missing.
    pub fn resources<'s>(
        &self,
        stacks: impl IntoIterator<Item = &'s StackName>,
        environment: &EnvironmentName,
    ) -> Resources {
        let mut all = Resources::new();
        for recorded in stacks.into_iter().filter_map(|stack| self.recorded(stack, environment)) {
            for (kind, count) in &recorded.types {
                *all.entry(kind.clone()).or_default() += count;
            }
        }
        all
    }

    /// The resources that the code of some stacks declares, by type.
    pub fn declared<'s>(&self, stacks: impl IntoIterator<Item = &'s StackName>) -> Resources {
        let mut all = Resources::new();
        for code in stacks.into_iter().filter_map(|stack| self.code(stack)) {
            for (kind, count) in &code.declared {
                *all.entry(kind.clone()).or_default() += count;
            }
        }
        all
    }
}

/// The environments of the stages in their order, then all others by name.
fn in_pipeline_order(estate: &Estate) -> Vec<&EnvironmentName> {
    let mut ordered: Vec<&EnvironmentName> = Vec::new();
    for name in estate.stages.iter().filter_map(|stage| stage.environment.as_ref()).chain(estate.environments.keys()) {
        if !ordered.contains(&name) {
            ordered.push(name);
        }
    }
    ordered
}
