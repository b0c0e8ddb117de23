//! Estates for the tests of pictures, written as lines: `name(capability, owner) <- upstream.output, !depends_on`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use terrace_domain::estate::{Estate, Stack, StackReference, StateBackend, TerraformRequirement};
use terrace_domain::expression::{Reference, ReferenceTarget, Span};
use terrace_domain::graph::Graph;
use terrace_domain::name::{CapabilityName, EstateName, StackName};
use terrace_domain::path::RepoPath;

use super::{Marks, Picture};

/// An estate and its graph.
pub(in crate::views) struct Fixture {
    pub(in crate::views) estate: Estate,
    pub(in crate::views) graph: Graph,
}

impl Fixture {
    pub(in crate::views) fn new(lines: &str) -> Self {
        let stacks = lines.lines().map(stack).map(|stack| (stack.name.clone(), stack)).collect();
        let estate = Estate {
            name: EstateName::new("harbour").unwrap(),
            root: RepoPath::root(),
            terraform: TerraformRequirement { binary: None, version: None, pass_env: Vec::new(), version_span: None },
            state: StateBackend { kind: "local".to_owned(), settings: BTreeMap::new(), span: None },
            environments: BTreeMap::new(),
            capabilities: BTreeMap::new(),
            stages: Vec::new(),
            teams: BTreeMap::new(),
            trust: BTreeMap::new(),
            recipients: Vec::new(),
            rehearsals: terrace_domain::rehearsal::RehearsalSettings::default(),
            recovery: terrace_domain::rehearsal::RecoveryObjective::default(),
            resource_types: terrace_domain::plan::ResourceTypes::default(),
            stacks,
        };
        let graph = Graph::of(&estate);
        Self { estate, graph }
    }

    /// A shop on two clouds.
    pub(super) fn harbour() -> Self {
        let mut lines = String::new();
        for cloud in ["aws", "google"] {
            let _ = writeln!(
                lines,
                "{cloud}-network(network, team-network)\n\
                 {cloud}-vault(secrets, team-security)\n\
                 {cloud}-cluster(container-platform, team-platform) <- {cloud}-network.network_id, {cloud}-network.subnet_ids\n\
                 {cloud}-database(databases, team-data) <- {cloud}-network.network_id, {cloud}-vault.vault_id"
            );
        }
        lines.push_str(
            "dns(naming, team-network) <- aws-cluster.ingress_address, google-cluster.ingress_address\n\
             backups(backup, team-data) <- aws-database.database_id, google-database.database_id\n\
             status(continuity, team-risk) <- dns.zone_id, !shop\n\
             shop(checkout, team-shop) <- dns.zone_id, aws-cluster.cluster_id, aws-database.database_id, \
             aws-vault.session_key_id, google-cluster.cluster_id, google-database.database_id, google-vault.session_key_id",
        );
        Self::new(&lines)
    }

    /// `layers` layers of `width` stacks; each stack reads three of the layer before.
    pub(super) fn layered(layers: usize, width: usize) -> Self {
        let mut lines = String::new();
        for layer in 0..layers {
            for at in 0..width {
                let _ = write!(lines, "stack-{layer}-{at}(layer-{layer}, team-{})", at % 7);
                let upstream = layer.checked_sub(1).map_or(0..0, |_| 0..3);
                let reads: BTreeSet<_> = upstream.map(|step| (at + step * step * 5) % width).collect();
                for (position, read) in reads.into_iter().enumerate() {
                    let _ = write!(lines, "{} stack-{}-{read}.id", if position == 0 { " <-" } else { "," }, layer - 1);
                }
                lines.push('\n');
            }
        }
        Self::new(&lines)
    }

    pub(super) fn picture(&self) -> Picture<'_> {
        let all = self.estate.stacks.keys().cloned().collect();
        Picture::new(&self.estate, &self.graph, &all, None)
    }

    pub(super) fn picture_of(&self, stacks: &[&str]) -> Picture<'_> {
        Picture::new(&self.estate, &self.graph, &names(stacks), None)
    }

    pub(super) fn picture_of_change(&self, affected: &[&str], downstream: &[&str]) -> Picture<'_> {
        let all = self.estate.stacks.keys().cloned().collect();
        let marks = Marks { affected: &names(affected), downstream: &names(downstream) };
        Picture::new(&self.estate, &self.graph, &all, Some(marks))
    }
}

fn names(names: &[&str]) -> BTreeSet<StackName> {
    names.iter().map(|name| StackName::new(name).unwrap()).collect()
}

fn stack(line: &str) -> Stack {
    let (head, upstream) = line.split_once(" <- ").unwrap_or((line, ""));
    let (name, about) = head.trim_end_matches(')').split_once('(').unwrap_or((head, ""));
    let (capability, owner) = about.split_once(", ").unwrap_or((about, ""));
    let upstream = || upstream.split(", ").filter(|one| !one.is_empty());
    let read = upstream().filter_map(|one| one.split_once('.')).map(|(name, output)| Reference {
        target: ReferenceTarget::Stack { name: name.to_owned(), output: Some(output.to_owned()) },
        span: Span::default(),
    });
    let named = upstream().filter(|one| !one.contains('.')).map(|one| StackReference {
        name: StackName::new(one.trim_start_matches('!')).unwrap(),
        span: Span::default(),
    });
    Stack {
        name: StackName::new(name).unwrap(),
        folder: RepoPath::new(&format!("stacks/{name}")).unwrap(),
        capability: CapabilityName::new(capability).ok(),
        owner: Some(owner.to_owned()).filter(|owner| !owner.is_empty()),
        code_owners: std::collections::BTreeSet::new(),
        description: None,
        identity: None,
        inputs: BTreeMap::new(),
        depends_on: named.collect(),
        moves: Vec::new(),
        watch: Vec::new(),
        fixtures: BTreeMap::new(),
        upgrade: terrace_domain::rehearsal::UpgradeAllowance::default(),
        checks: Vec::new(),
        references: read.collect(),
        span: Span::default(),
    }
}
