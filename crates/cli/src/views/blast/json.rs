//! The radius for programs, `terrace.blast/1`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use terrace_domain::blast::{
    Changed, Held, Identity, OutputReaders, Owned, Reached, Reading, Resting, Share, Touched, Why,
};
use terrace_domain::name::{CapabilityName, StackName};

use super::Report;

/// The name and version of what [`Report::json`] gives.
const SCHEMA: &str = "terrace.blast/1";

#[derive(Serialize)]
struct BlastJson<'a> {
    schema: &'static str,
    estate: &'a str,
    environment: &'a str,
    /// `none`, `low`, `medium`, `high` or `critical`.
    level: &'static str,
    /// The gravest first.
    reasons: Vec<ReasonJson<'a>>,
    actual: ActualJson<'a>,
    potential: PotentialJson<'a>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct ReasonJson<'a> {
    level: &'static str,
    rule: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct ActualJson<'a> {
    /// How many resources of each action, by Terrace's words for actions.
    resources: CountsJson,
    share: ShareJson,
    /// Whether the environment's resources are counted; if not, the share is of the planned stacks alone.
    is_counted: bool,
    changed: Vec<ChangedJson<'a>>,
    unchanged: Vec<&'a str>,
    /// The stacks that take part and have no plan.
    blocked: Vec<&'a str>,
    readers: Vec<ReaderJson<'a>>,
    further: Vec<FurtherJson<'a>>,
    capabilities: Vec<CapabilityJson<'a>>,
    owners: Vec<OwnerJson<'a>>,
}

#[derive(Serialize)]
struct CountsJson {
    create: u64,
    update: u64,
    replace: u64,
    delete: u64,
    forget: u64,
    keep: u64,
}

#[derive(Serialize)]
struct ShareJson {
    touched: u64,
    total: u64,
    ratio: f64,
}

#[derive(Serialize)]
struct ChangedJson<'a> {
    stack: &'a str,
    capability: Option<&'a str>,
    owner: Option<&'a str>,
    resources: Vec<ResourceJson<'a>>,
    outputs: Vec<OutputJson<'a>>,
    /// Whether Terraform met an error while it planned.
    errored: bool,
    /// Whether there is more to do than the plan says.
    partial: bool,
}

#[derive(Serialize)]
struct ResourceJson<'a> {
    address: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposed: Option<&'a str>,
    action: &'static str,
    stateful: bool,
    irreversible: bool,
    protected: bool,
    because: &'a [String],
}

#[derive(Serialize)]
struct OutputJson<'a> {
    name: &'a str,
    action: &'static str,
    /// Whether its value is known only after the apply: it may turn out to be the old one.
    unknown: bool,
    readers: Vec<&'a str>,
}

#[derive(Serialize)]
struct ReaderJson<'a> {
    stack: &'a str,
    owner: Option<&'a str>,
    reads: Vec<ReadJson<'a>>,
}

#[derive(Serialize)]
struct ReadJson<'a> {
    stack: &'a str,
    output: &'a str,
    unknown: bool,
}

#[derive(Serialize)]
struct FurtherJson<'a> {
    stack: &'a str,
    owner: Option<&'a str>,
    through: &'a str,
}

#[derive(Serialize)]
struct CapabilityJson<'a> {
    name: &'a str,
    layer: &'static str,
    owner: Option<&'a str>,
    /// `own`, `reader` or `further`: the nearest ring in which it is served.
    ring: &'static str,
    served_by: Vec<&'a str>,
    through: Option<&'a str>,
}

#[derive(Serialize)]
struct OwnerJson<'a> {
    owner: &'a str,
    stacks: Vec<&'a str>,
    capabilities: Vec<&'a str>,
}

#[derive(Serialize)]
struct PotentialJson<'a> {
    identities: Vec<IdentityJson<'a>>,
    share: ShareJson,
    #[serde(flatten)]
    held: HeldJson<'a>,
    /// Of how many of the instances there is no snapshot.
    unseen: usize,
    instances: Vec<InstanceJson<'a>>,
    downstream: Vec<FurtherJson<'a>>,
    capabilities: Vec<CapabilityJson<'a>>,
    owners: Vec<OwnerJson<'a>>,
}

#[derive(Serialize)]
struct IdentityJson<'a> {
    /// `environment`: its own, the stack names none; `named`: the one that the stack names.
    kind: &'static str,
    name: &'a str,
}

#[derive(Serialize)]
struct HeldJson<'a> {
    resources: u64,
    stateful: u64,
    irreversible: u64,
    /// The first of these by address.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    named: &'a [String],
}

#[derive(Serialize)]
struct InstanceJson<'a> {
    environment: &'a str,
    stack: &'a str,
    /// `own`, or `identity`: the same identity, and the providers are used by both.
    why: &'static str,
    providers: Vec<&'a str>,
    /// `null` where there is no snapshot of it.
    held: Option<HeldJson<'a>>,
}

impl Report<'_> {
    /// The report.
    pub fn json(&self) -> String {
        let (actual, potential) = (&self.radius.actual, &self.radius.potential);
        let counts = actual.counts;
        let report = BlastJson {
            schema: SCHEMA,
            estate: self.estate.name.as_str(),
            environment: actual.environment.as_str(),
            level: actual.level.as_str(),
            reasons: actual
                .reasons
                .iter()
                .map(|reason| ReasonJson { level: reason.level.as_str(), rule: &reason.rule, text: &reason.text })
                .collect(),
            actual: ActualJson {
                resources: CountsJson {
                    create: counts.create,
                    update: counts.update,
                    replace: counts.replace,
                    delete: counts.delete,
                    forget: counts.forget,
                    keep: counts.keep,
                },
                share: share(actual.share),
                is_counted: actual.is_counted,
                changed: actual.changed.iter().map(|(stack, changed)| of_changed(stack, changed)).collect(),
                unchanged: names(&actual.unchanged),
                blocked: names(&actual.blocked),
                readers: actual.readers.iter().map(|(stack, reading)| self.reader(stack, reading)).collect(),
                further: self.further(&actual.further),
                capabilities: capabilities(&actual.capabilities),
                owners: owners(&actual.owners),
            },
            potential: PotentialJson {
                identities: potential.identities.iter().map(identity).collect(),
                share: share(potential.share),
                held: held(&potential.held),
                unseen: potential.unseen(),
                instances: potential.instances.iter().map(instance).collect(),
                downstream: self.further(&potential.downstream),
                capabilities: capabilities(&potential.capabilities),
                owners: owners(&potential.owners),
            },
            notes: &self.notes,
        };
        let mut text = serde_json::to_string_pretty(&report).expect("reports become JSON");
        text.push('\n');
        text
    }

    fn reader<'s>(&'s self, stack: &'s StackName, reading: &'s Reading) -> ReaderJson<'s> {
        let reads = reading.iter().flat_map(|(from, outputs)| {
            outputs.iter().map(|(output, unknown)| ReadJson { stack: from.as_str(), output, unknown: *unknown })
        });
        ReaderJson { stack: stack.as_str(), owner: self.owner(stack), reads: reads.collect() }
    }

    fn further<'s>(&'s self, further: &'s BTreeMap<StackName, StackName>) -> Vec<FurtherJson<'s>> {
        let one = |(stack, through): (&'s StackName, &'s StackName)| FurtherJson {
            stack: stack.as_str(),
            owner: self.owner(stack),
            through: through.as_str(),
        };
        further.iter().map(one).collect()
    }
}

fn names(stacks: &BTreeSet<StackName>) -> Vec<&str> {
    stacks.iter().map(StackName::as_str).collect()
}

fn share(share: Share) -> ShareJson {
    ShareJson { touched: share.touched, total: share.total, ratio: share.ratio() }
}

fn of_changed<'s>(stack: &'s StackName, changed: &'s Changed) -> ChangedJson<'s> {
    ChangedJson {
        stack: stack.as_str(),
        capability: changed.capability.as_ref().map(CapabilityName::as_str),
        owner: changed.owner.as_deref(),
        resources: changed.resources.iter().map(resource).collect(),
        outputs: changed.outputs.values().map(output).collect(),
        errored: changed.errored,
        partial: changed.is_partial,
    }
}

fn resource(touched: &Touched) -> ResourceJson<'_> {
    ResourceJson {
        address: &touched.address,
        r#type: &touched.resource_type,
        deposed: touched.deposed.as_deref(),
        action: touched.action.as_str(),
        stateful: touched.traits.is_stateful,
        irreversible: touched.traits.is_irreversible,
        protected: touched.is_protected,
        because: &touched.because,
    }
}

fn output(output: &OutputReaders) -> OutputJson<'_> {
    OutputJson {
        name: &output.change.name,
        action: output.change.action.as_str(),
        unknown: output.change.is_unknown,
        readers: names(&output.readers),
    }
}

fn capabilities(all: &BTreeMap<CapabilityName, Resting>) -> Vec<CapabilityJson<'_>> {
    all.iter()
        .map(|(name, resting)| CapabilityJson {
            name: name.as_str(),
            layer: resting.layer.as_str(),
            owner: resting.owner.as_deref(),
            ring: resting.ring.as_str(),
            served_by: names(&resting.served_by),
            through: resting.through.as_ref().map(CapabilityName::as_str),
        })
        .collect()
}

fn owners(all: &BTreeMap<String, Owned>) -> Vec<OwnerJson<'_>> {
    all.iter()
        .map(|(owner, owned)| OwnerJson {
            owner,
            stacks: names(&owned.stacks),
            capabilities: owned.capabilities.iter().map(CapabilityName::as_str).collect(),
        })
        .collect()
}

fn identity(identity: &Identity) -> IdentityJson<'_> {
    match identity {
        Identity::Environment(name) => IdentityJson { kind: "environment", name: name.as_str() },
        Identity::Named(name) => IdentityJson { kind: "named", name },
    }
}

fn held(held: &Held) -> HeldJson<'_> {
    HeldJson { resources: held.resources, stateful: held.stateful, irreversible: held.irreversible, named: &held.named }
}

fn instance(reached: &Reached) -> InstanceJson<'_> {
    let (why, providers) = match &reached.why {
        Why::Own => ("own", Vec::new()),
        Why::SameIdentity(providers) => ("identity", providers.iter().map(String::as_str).collect()),
    };
    InstanceJson {
        environment: reached.environment.as_str(),
        stack: reached.stack.as_str(),
        why,
        providers,
        held: reached.held.as_ref().map(held),
    }
}
