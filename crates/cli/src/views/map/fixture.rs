//! Maps for the tests of views: an estate with capabilities, written as lines, and what is known of its instances.
//! `business checkout(team-shop) -> databases, naming`, `technology naming`, and stacks as in the fixture of graphs. Below `---`, what was
//! recorded: `dev/dns applied 1 sandbox_aws_zone=2`, with the state, the release, and the resources.

use std::collections::BTreeMap;
use std::fmt::Write;

use terrace_domain::digest::Digest;
use terrace_domain::estate::{Capability, Environment, Layer, Stage};
use terrace_domain::expression::Span;
use terrace_domain::map::{CapabilityMap, Known, Recorded, Resources, StackCode};
use terrace_domain::name::{CapabilityName, EnvironmentName, StackName, StageName};
use terrace_domain::run::{Moment, RunId};

use super::Chart;
use crate::views::graph::fixture::Fixture as Stacks;

pub(super) struct Fixture {
    stacks: Stacks,
    known: Known,
}

impl Fixture {
    pub(super) fn new(text: &str) -> Self {
        let (estate, recorded) = text.split_once("---\n").unwrap_or((text, ""));
        let is_capability = |line: &&str| line.starts_with("business ") || line.starts_with("technology ");
        let (capabilities, stacks): (Vec<&str>, Vec<&str>) =
            estate.lines().map(str::trim).filter(|line| !line.is_empty()).partition(is_capability);
        let mut stacks = Stacks::new(&stacks.join("\n"));
        stacks.estate.capabilities =
            capabilities.into_iter().map(capability).map(|one| (one.name.clone(), one)).collect();
        for name in ["dev", "prod"] {
            let name = EnvironmentName::new(name).unwrap();
            let stage = Stage {
                name: StageName::new(name.as_str()).unwrap(),
                environment: Some(name.clone()),
                rehearse: Vec::new(),
                gates: Vec::new(),
                span: Span::default(),
            };
            stacks.estate.stages.push(stage);
            let environment =
                Environment { name: name.clone(), vars: BTreeMap::new(), protected: false, span: Span::default() };
            stacks.estate.environments.insert(name, environment);
        }
        let mut known = Known::default();
        recorded.lines().map(str::trim).filter(|line| !line.is_empty()).for_each(|line| record(&mut known, line));
        Self { stacks, known }
    }

    /// A shop on two clouds, delivered in part.
    pub(super) fn harbour() -> Self {
        Self::new(
            "business checkout(team-shop) -> naming, databases
             technology naming(team-network)
             technology databases(team-data) -> network
             technology network
             aws-network(network, team-network)
             google-network(network, team-network)
             aws-database(databases, ) <- aws-network.network_id
             google-database(databases, team-two) <- google-network.network_id
             dns(naming, )
             shop(checkout, ) <- dns.zone_id, aws-database.database_id, google-database.database_id
             audit
             ---
             dev/aws-network applied 2 sandbox_aws_network=1 sandbox_aws_subnet=2
             prod/aws-network applied 1 sandbox_aws_network=1 sandbox_aws_subnet=3
             dev/google-network applied 1 sandbox_google_network=1
             dev/aws-database failed 1 sandbox_aws_database=1
             prod/aws-database awaiting 1 sandbox_aws_database=1
             dev/google-database planning 1
             dev/dns unchanged 1 sandbox_aws_zone=1
             prod/dns unchanged 1 sandbox_aws_zone=1
             code/shop sandbox_google_service=1 sandbox_aws_service=1",
        )
    }

    /// `width` stacks for each of some capabilities.
    pub(super) fn wide(capabilities: usize, width: usize) -> Self {
        let mut lines = String::from("business sales(team-0)");
        for at in 0..capabilities {
            lines.push_str(if at == 0 { " -> " } else { ", " });
            let _ = write!(lines, "ability-{at}");
        }
        for at in 0..capabilities {
            let _ = write!(lines, "\ntechnology ability-{at}(team-{at})");
            for stack in 0..width {
                let _ = write!(lines, "\nstack-{at}-{stack}(ability-{at}, )");
                if at > 0 {
                    let _ = write!(lines, " <- stack-{}-{stack}.id", at - 1);
                }
            }
        }
        Self::new(&lines)
    }

    pub(super) fn with_map<T>(&self, look: impl FnOnce(&CapabilityMap<'_>) -> T) -> T {
        look(&CapabilityMap::new(&self.stacks.estate, &self.stacks.graph, &self.known))
    }

    /// All of the map.
    pub(super) fn with_chart<T>(&self, look: impl FnOnce(&Chart<'_>) -> T) -> T {
        self.with_map(|map| look(&Chart::new(map, map.whole(), map.environments.clone())))
    }

    /// All of the map, as Mermaid.
    pub(super) fn mermaid(&self) -> String {
        self.with_map(|map| Chart::new(map, map.whole(), map.environments.clone()).mermaid())
    }

    /// The owner of everything becomes this.
    pub(super) fn owned_by(mut self, owner: &str) -> Self {
        self.stacks.estate.capabilities.values_mut().for_each(|one| {
            one.owner = Some(owner.to_owned());
            one.description = Some(owner.to_owned());
        });
        self.stacks.estate.stacks.values_mut().for_each(|one| one.owner = Some(owner.to_owned()));
        self
    }
}

fn capability(line: &str) -> Capability {
    let (head, needs) = line.split_once(" -> ").unwrap_or((line, ""));
    let (layer, name) = head.split_once(' ').unwrap();
    let (name, owner) = name.trim_end_matches(')').split_once('(').unwrap_or((name, ""));
    Capability {
        name: CapabilityName::new(name).unwrap(),
        layer: if layer == "business" { Layer::Business } else { Layer::Technology },
        owner: Some(owner.to_owned()).filter(|owner| !owner.is_empty()),
        description: None,
        needs: needs.split(", ").filter_map(|name| CapabilityName::new(name).ok()).collect(),
        span: Span::default(),
    }
}

/// `ENVIRONMENT/STACK STATE RELEASE TYPE=COUNT...`, or `code/STACK TYPE=COUNT...`.
fn record(known: &mut Known, line: &str) {
    let mut words = line.split(' ');
    let (environment, stack) = words.next().unwrap().split_once('/').unwrap();
    let stack = StackName::new(stack).unwrap();
    let counted = |words: std::str::Split<'_, char>| -> Resources {
        words
            .filter_map(|word| word.split_once('='))
            .map(|(kind, count)| (kind.to_owned(), count.parse().unwrap()))
            .collect()
    };
    if environment == "code" {
        known.code.insert(stack, StackCode { declared: counted(words), ..StackCode::default() });
        return;
    }
    let state = words.next().unwrap().to_owned();
    let release = Digest::of(words.next().unwrap().as_bytes());
    let types = counted(words);
    let recorded = Recorded {
        state,
        run: Some(RunId(1)),
        release: Some(release),
        commit: Some("801bd59a".to_owned()),
        delivered: Some(Moment(1_700_000_000_000)),
        resources: Some(types.values().sum()),
        types,
    };
    known.instances.entry(stack).or_default().insert(EnvironmentName::new(environment).unwrap(), recorded);
}
