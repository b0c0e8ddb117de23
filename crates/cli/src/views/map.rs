//! The capability map: as a tree, JSON, Mermaid, a picture and a page, all over one value, and the answers to questions about it. Owns which
//! part of the map is shown; never prints or writes one.

mod answer;
mod answer_json;
mod html;
mod json;
mod mermaid;
mod rows;
mod scene;
mod svg;
mod text;

#[cfg(test)]
mod fixture;

use std::collections::BTreeMap;

use terrace_domain::estate::{Capability, Layer, Stack};
use terrace_domain::map::{CapabilityMap, Cloud, Node, Part, Resources, Status};
use terrace_domain::name::{EnvironmentName, StackName};

use super::count;

pub use answer::Answer;
pub use scene::PictureError;

/// The map, or a part of it, in all environments or in one.
#[derive(Debug)]
pub struct Chart<'a> {
    map: &'a CapabilityMap<'a>,
    part: Part,
    /// In the order of the pipeline.
    environments: Vec<&'a EnvironmentName>,
}

impl<'a> Chart<'a> {
    /// A part of the map in these environments.
    pub fn new(map: &'a CapabilityMap<'a>, part: Part, environments: Vec<&'a EnvironmentName>) -> Self {
        Self { map, part, environments }
    }

    /// Whether there is nothing on it.
    pub fn is_empty(&self) -> bool {
        self.part.capabilities.is_empty() && self.part.stacks.is_empty()
    }

    fn layer(&self, layer: Layer) -> impl Iterator<Item = &'a Capability> {
        self.map.layer(layer).filter(|capability| self.part.capabilities.contains(&capability.name))
    }

    fn stacks(&self) -> impl Iterator<Item = &'a Stack> {
        self.map.estate.stacks.values().filter(|stack| self.part.stacks.contains(&stack.name))
    }

    /// The stacks that serve a capability themselves, as far as they are shown.
    fn serving(&self, capability: &Capability) -> Vec<&'a Stack> {
        let serving = self.map.serving(capability.name.as_str()).iter().copied();
        serving.filter(|stack| self.part.stacks.contains(&stack.name)).collect()
    }

    /// The stacks without a capability that is shown.
    fn strays(&self) -> Vec<&'a Stack> {
        let is_shown = |stack: &Stack| {
            stack.capability.as_ref().is_some_and(|capability| self.part.capabilities.contains(capability))
        };
        self.stacks().filter(|stack| !is_shown(stack)).collect()
    }

    /// The capabilities that a capability needs, as far as they are shown.
    fn needs(&self, capability: &'a Capability) -> Vec<&'a Capability> {
        self.map.needs(capability).filter(|needed| self.part.capabilities.contains(&needed.name)).collect()
    }

    /// The gravest status in each environment of all that serves each capability, itself or through what it needs; none where no stack does.
    fn statuses(&self) -> BTreeMap<&'a str, Vec<Status>> {
        let mut known: BTreeMap<&str, Vec<Status>> = BTreeMap::new();
        for capability in self.capabilities_upwards() {
            let stacks = || self.map.serving(capability.name.as_str()).iter().map(|stack| &stack.name);
            let mut worst: Vec<Status> = Vec::new();
            if stacks().next().is_some() {
                worst = self.environments.iter().map(|name| self.map.gravest(stacks(), name)).collect();
            }
            for needed in self.map.needs(capability).filter_map(|needed| known.get(needed.name.as_str())) {
                if worst.is_empty() {
                    worst.clone_from(needed);
                }
                worst.iter_mut().zip(needed).for_each(|(worst, needed)| *worst = (*worst).max(*needed));
            }
            known.insert(capability.name.as_str(), worst);
        }
        known
    }

    /// All capabilities of the estate, each after those that it needs.
    fn capabilities_upwards(&self) -> Vec<&'a Capability> {
        let estate = self.map.estate;
        let mut open: BTreeMap<&str, usize> =
            estate.capabilities.values().map(|one| (one.name.as_str(), self.map.needs(one).count())).collect();
        let mut ordered: Vec<&Capability> =
            estate.capabilities.values().filter(|one| open[one.name.as_str()] == 0).collect();
        let mut at = 0;
        while let Some(capability) = ordered.get(at).copied() {
            at += 1;
            for needing in self.map.needing(capability.name.as_str()) {
                let left = open.entry(needing.name.as_str()).or_default();
                *left = left.saturating_sub(1);
                if *left == 0 {
                    ordered.push(needing);
                }
            }
        }
        ordered
    }

    /// How many resources a stack has in an environment; `None` where that is not known.
    fn resources_in(&self, stack: &StackName, environment: &EnvironmentName) -> Option<u64> {
        self.map.recorded(stack, environment)?.resources
    }

    /// How many resources the shown stacks have in the shown environments.
    fn total_resources(&self) -> u64 {
        let of = |stack: &Stack| -> u64 {
            self.environments.iter().filter_map(|name| self.resources_in(&stack.name, name)).sum()
        };
        self.stacks().map(of).sum()
    }

    /// What is on it, in figures.
    fn figures(&self) -> String {
        let business = self.layer(Layer::Business).count();
        let technology = self.layer(Layer::Technology).count();
        let resources = self.total_resources();
        let mut parts = vec![
            format!("{business} business and {technology} technology {}", plural(business + technology, "capability")),
            count(self.part.stacks.len(), "stack"),
        ];
        if resources > 0 {
            parts.push(count(usize::try_from(resources).unwrap_or(usize::MAX), "resource"));
        }
        parts.join(", ")
    }
}

fn plural(number: usize, noun: &str) -> String {
    match (number, noun) {
        (1, "capability") => "capability".to_owned(),
        (_, "capability") => "capabilities".to_owned(),
        (1, noun) => noun.to_owned(),
        (_, noun) => format!("{noun}s"),
    }
}

/// Capabilities with their noun.
fn capabilities(number: usize) -> String {
    format!("{number} {}", plural(number, "capability"))
}

/// Counts by type, the types without what says of which cloud they are: `2 node_group, 1 cluster`. Of several clouds, each is named.
fn types(resources: &Resources) -> String {
    let mut clouds: BTreeMap<Option<Cloud>, Vec<String>> = BTreeMap::new();
    for (kind, count) in resources {
        clouds.entry(Cloud::of_type(kind)).or_default().push(format!("{count} {}", plain(kind)));
    }
    if clouds.len() == 1 {
        return clouds.into_values().flatten().collect::<Vec<_>>().join(", ");
    }
    let parts = clouds.into_iter().map(|(cloud, words)| {
        let name = cloud.as_ref().map_or("other", Cloud::as_str).to_owned();
        format!("{name} {}", words.join(", "))
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// A type without what says of which cloud it is.
fn plain(kind: &str) -> &str {
    Cloud::of_type(kind).map_or(kind, |cloud| cloud.plain_type(kind))
}

/// What kind of thing it is and its layer, in words.
fn in_words(node: Node<'_>) -> &'static str {
    match node {
        Node::Stack(_) => "stack",
        Node::Capability(Capability { layer: Layer::Business, .. }) => "business capability",
        Node::Capability(Capability { layer: Layer::Technology, .. }) => "technology capability",
    }
}

/// What a status looks like in a line; `is_utf8`: whether more than ASCII may stand there.
fn sign(status: Status, is_utf8: bool) -> &'static str {
    match (status, is_utf8) {
        (Status::Delivered, true) => "✓",
        (Status::Delivered, false) => "+",
        (Status::Never, true) => "·",
        (Status::Never, false) => "-",
        (Status::Behind, true) => "↓",
        (Status::Behind, false) => "<",
        (Status::Underway, true) => "…",
        (Status::Underway, false) => "~",
        (Status::Waiting, _) => "?",
        (Status::Failed, true) => "✗",
        (Status::Failed, false) => "x",
    }
}
