//! The map for programs, `terrace.map/1`.

use std::collections::BTreeMap;

use serde::Serialize;
use terrace_domain::estate::{Capability, Stack};
use terrace_domain::map::{Cloud, Resources};
use terrace_domain::name::{CapabilityName, EnvironmentName, StackName};

use super::Chart;
use crate::views::time;

/// The name and version of what [`Chart::json`] gives.
const SCHEMA: &str = "terrace.map/1";

#[derive(Serialize)]
struct MapJson<'a> {
    schema: &'static str,
    estate: &'a str,
    /// In the order of the pipeline.
    environments: Vec<EnvironmentJson<'a>>,
    capabilities: Vec<CapabilityJson<'a>>,
    stacks: Vec<StackJson<'a>>,
}

#[derive(Serialize)]
struct EnvironmentJson<'a> {
    name: &'a str,
    protected: bool,
    /// Of the stacks that are shown, by type; without those whose types were not recorded.
    resources: Resources,
}

#[derive(Serialize)]
struct CapabilityJson<'a> {
    name: &'a str,
    /// `business` or `technology`.
    layer: &'static str,
    owner: Option<&'a str>,
    description: Option<&'a str>,
    needs: Vec<&'a str>,
    /// The stacks that serve it themselves.
    stacks: Vec<&'a str>,
    /// The gravest status of all that serves it, itself or through what it needs, by environment; empty where no stack does.
    status: BTreeMap<&'a str, &'static str>,
}

#[derive(Serialize)]
struct StackJson<'a> {
    name: &'a str,
    folder: &'a str,
    capability: Option<&'a str>,
    /// Its own or its capability's.
    owner: Option<&'a str>,
    description: Option<&'a str>,
    clouds: Vec<String>,
    /// The stacks that it depends on directly.
    upstream: Vec<&'a str>,
    /// The resources that its code declares, by type.
    declares: Option<&'a Resources>,
    /// One for each environment.
    instances: Vec<InstanceJson<'a>>,
}

#[derive(Serialize)]
struct InstanceJson<'a> {
    environment: &'a str,
    /// `delivered`, `never`, `behind`, `underway`, `waiting` or `failed`.
    status: &'static str,
    /// The last run, and the state's word in it.
    run: Option<u64>,
    state: Option<&'a str>,
    /// What runs: the stack's release, by its digest.
    release: Option<String>,
    commit: Option<&'a str>,
    delivered_at: Option<String>,
    /// How many resources its last snapshot has.
    resources: Option<u64>,
    /// The same by type; null where the types were not recorded.
    types: Option<&'a Resources>,
}

impl Chart<'_> {
    /// All that is on the map.
    pub fn json(&self) -> String {
        let statuses = self.statuses();
        let estate = self.map.estate;
        let shown = estate.capabilities.values().filter(|one| self.part.capabilities.contains(&one.name));
        let map = MapJson {
            schema: SCHEMA,
            estate: estate.name.as_str(),
            environments: self.environments.iter().map(|name| self.environment_json(name)).collect(),
            capabilities: shown
                .map(|one| self.capability_json(one, statuses.get(one.name.as_str()).map_or(&[], Vec::as_slice)))
                .collect(),
            stacks: self.stacks().map(|stack| self.stack_json(stack)).collect(),
        };
        let mut text = serde_json::to_string_pretty(&map).expect("reports become JSON");
        text.push('\n');
        text
    }

    fn environment_json<'s>(&'s self, name: &'s EnvironmentName) -> EnvironmentJson<'s> {
        EnvironmentJson {
            name: name.as_str(),
            protected: self.map.estate.environments.get(name).is_some_and(|environment| environment.protected),
            resources: self.map.resources(&self.part.stacks, name),
        }
    }

    fn capability_json<'s>(
        &'s self,
        capability: &'s Capability,
        statuses: &[terrace_domain::map::Status],
    ) -> CapabilityJson<'s> {
        let stacks = self.map.serving(capability.name.as_str()).iter().map(|stack| stack.name.as_str());
        let status = self.environments.iter().zip(statuses).map(|(name, status)| (name.as_str(), status.as_str()));
        CapabilityJson {
            name: capability.name.as_str(),
            layer: capability.layer.as_str(),
            owner: capability.owner.as_deref(),
            description: capability.description.as_deref(),
            needs: capability.needs.iter().map(CapabilityName::as_str).collect(),
            stacks: stacks.collect(),
            status: status.collect(),
        }
    }

    fn stack_json<'s>(&'s self, stack: &'s Stack) -> StackJson<'s> {
        StackJson {
            name: stack.name.as_str(),
            folder: stack.folder.as_str(),
            capability: stack.capability.as_ref().map(CapabilityName::as_str),
            owner: self.map.estate.owner_of(stack),
            description: stack.description.as_deref(),
            clouds: self.map.clouds_of(stack).iter().map(Cloud::to_string).collect(),
            upstream: self.map.graph.upstream_of(stack.name.as_str()).into_keys().map(StackName::as_str).collect(),
            declares: self.map.code(&stack.name).map(|code| &code.declared),
            instances: self.environments.iter().map(|name| self.instance_json(stack, name)).collect(),
        }
    }

    fn instance_json<'s>(&'s self, stack: &Stack, environment: &'s EnvironmentName) -> InstanceJson<'s> {
        let recorded = self.map.recorded(&stack.name, environment);
        InstanceJson {
            environment: environment.as_str(),
            status: self.map.status(&stack.name, environment).as_str(),
            run: recorded.and_then(|recorded| recorded.run).map(|run| run.0),
            state: recorded.map(|recorded| recorded.state.as_str()),
            release: recorded.and_then(|recorded| recorded.release).map(|digest| digest.to_string()),
            commit: recorded.and_then(|recorded| recorded.commit.as_deref()),
            delivered_at: recorded.and_then(|recorded| recorded.delivered).map(time::rfc3339),
            resources: recorded.and_then(|recorded| recorded.resources),
            types: recorded.map(|recorded| &recorded.types).filter(|types| !types.is_empty()),
        }
    }
}
