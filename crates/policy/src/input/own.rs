//! `input.terrace`: what Terrace knows of a plan beside the plan itself. Owns its form, `terrace.policy-input/1`; what is not known is not there.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value as Json;
use terrace_domain::blast::RadiusSummary;
use terrace_domain::estate::{Environment, Stack};
use terrace_domain::name::{CapabilityName, StackName, StageName};
use terrace_domain::plan::{Action, OutputChange, PlanFacts, ResourceChange};
use terrace_domain::release::Contract;

/// The schema of `input.terrace`.
pub const SCHEMA: &str = "terrace.policy-input/1";

/// What Terrace knows of a plan, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Own<'a> {
    /// The plan's facts.
    pub facts: Option<&'a PlanFacts>,
    /// Its blast radius.
    pub blast_radius: Option<&'a RadiusSummary>,
    /// The contract of the release that is planned.
    pub contract: Option<&'a Contract>,
    /// The stack, and the team that it belongs to.
    pub stack: Option<(&'a Stack, Option<&'a str>)>,
    /// The environment.
    pub environment: Option<&'a Environment>,
    /// The stage that is entered.
    pub stage: Option<&'a StageName>,
}

#[derive(Serialize)]
struct OwnWire<'a> {
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<StackWire<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<EnvironmentWire<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<FactsWire<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blast_radius: Option<RadiusWire<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contract: Option<ContractWire<'a>>,
}

#[derive(Serialize)]
struct StackWire<'a> {
    name: &'a str,
    folder: &'a str,
    capability: Option<&'a str>,
    owner: Option<&'a str>,
}

#[derive(Serialize)]
struct EnvironmentWire<'a> {
    name: &'a str,
    protected: bool,
}

#[derive(Serialize)]
struct FactsWire<'a> {
    terraform_version: &'a str,
    complete: bool,
    errored: bool,
    unchanged: usize,
    reads: usize,
    resources: Vec<ResourceWire<'a>>,
    drift: Vec<ResourceWire<'a>>,
    outputs: Vec<OutputWire<'a>>,
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and a policy asks for one")]
struct ResourceWire<'a> {
    address: &'a str,
    previous_address: Option<&'a str>,
    r#type: &'a str,
    name: &'a str,
    provider: &'a str,
    deposed: Option<&'a str>,
    action: &'static str,
    creates_first: bool,
    reason: Option<&'a str>,
    importing: Option<&'a str>,
    attributes: Vec<AttributeWire<'a>>,
    more: usize,
    because: &'a [String],
    unknowns: usize,
    stateful: bool,
    irreversible: bool,
    protected: bool,
}

#[derive(Serialize)]
struct AttributeWire<'a> {
    path: &'a str,
    before: &'a str,
    after: &'a str,
}

#[derive(Serialize)]
struct OutputWire<'a> {
    name: &'a str,
    action: &'static str,
    unknown: bool,
    sensitive: bool,
}

#[derive(Serialize)]
struct RadiusWire<'a> {
    level: &'static str,
    reasons: Vec<ReasonWire<'a>>,
    destroys: u64,
    stateful: &'a [String],
    irreversible: &'a [String],
    share: ShareWire,
    downstream: Vec<&'a str>,
    capabilities: Vec<&'a str>,
    owners: &'a BTreeSet<String>,
}

#[derive(Serialize)]
struct ReasonWire<'a> {
    level: &'static str,
    rule: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct ShareWire {
    touched: u64,
    total: u64,
    ratio: f64,
}

#[derive(Serialize)]
struct ContractWire<'a> {
    stack: &'a str,
    folder: &'a str,
    capability: Option<&'a str>,
    owner: Option<&'a str>,
    variables: BTreeMap<&'a str, VariableWire<'a>>,
    outputs: BTreeMap<&'a str, ContractOutputWire>,
    providers: BTreeMap<&'a str, &'a BTreeSet<String>>,
    required_version: &'a BTreeSet<String>,
    modules: Vec<ModuleWire<'a>>,
    files: Vec<&'a str>,
}

#[derive(Serialize)]
struct VariableWire<'a> {
    r#type: Option<&'a str>,
    required: bool,
    sensitive: bool,
    ephemeral: bool,
}

#[derive(Serialize)]
struct ContractOutputWire {
    sensitive: bool,
}

#[derive(Serialize)]
struct ModuleWire<'a> {
    key: &'a str,
    source: &'a str,
    version: Option<&'a str>,
}

impl Own<'_> {
    /// As policies read it.
    pub fn to_json(&self) -> Json {
        let wire = OwnWire {
            schema: SCHEMA,
            stack: self.stack.map(|(stack, owner)| stack_wire(stack, owner)),
            environment: self.environment.map(|environment| EnvironmentWire {
                name: environment.name.as_str(),
                protected: environment.protected,
            }),
            stage: self.stage.map(StageName::as_str),
            facts: self.facts.map(facts_wire),
            blast_radius: self.blast_radius.map(radius_wire),
            contract: self.contract.map(contract_wire),
        };
        serde_json::to_value(wire).expect("the form has no keys but texts")
    }
}

fn stack_wire<'a>(stack: &'a Stack, owner: Option<&'a str>) -> StackWire<'a> {
    let capability = stack.capability.as_ref().map(CapabilityName::as_str);
    StackWire { name: stack.name.as_str(), folder: stack.folder.as_str(), capability, owner }
}

fn facts_wire(facts: &PlanFacts) -> FactsWire<'_> {
    FactsWire {
        terraform_version: &facts.terraform_version,
        complete: facts.complete,
        errored: facts.errored,
        unchanged: facts.unchanged,
        reads: facts.reads,
        resources: facts.resources.iter().map(resource_wire).collect(),
        drift: facts.drift.iter().map(resource_wire).collect(),
        outputs: facts.outputs.iter().map(output_wire).collect(),
    }
}

fn resource_wire(resource: &ResourceChange) -> ResourceWire<'_> {
    let attributes = resource.attributes.iter();
    ResourceWire {
        address: &resource.address,
        previous_address: resource.previous_address.as_deref(),
        r#type: &resource.resource_type,
        name: &resource.name,
        provider: &resource.provider,
        deposed: resource.deposed.as_deref(),
        action: resource.action.as_str(),
        creates_first: resource.action == Action::Replace { creates_first: true },
        reason: resource.reason.as_deref(),
        importing: resource.importing.as_deref(),
        attributes: attributes
            .map(|own| AttributeWire { path: &own.path, before: &own.before, after: &own.after })
            .collect(),
        more: resource.more,
        because: &resource.because,
        unknowns: resource.unknowns,
        stateful: resource.traits.is_stateful,
        irreversible: resource.traits.is_irreversible,
        protected: resource.is_protected,
    }
}

fn output_wire(output: &OutputChange) -> OutputWire<'_> {
    OutputWire {
        name: &output.name,
        action: output.action.as_str(),
        unknown: output.is_unknown,
        sensitive: output.is_sensitive,
    }
}

fn radius_wire(radius: &RadiusSummary) -> RadiusWire<'_> {
    let reasons = radius.reasons.iter().map(|reason| ReasonWire {
        level: reason.level.as_str(),
        rule: &reason.rule,
        text: &reason.text,
    });
    RadiusWire {
        level: radius.level.as_str(),
        reasons: reasons.collect(),
        destroys: radius.destroys,
        stateful: &radius.stateful,
        irreversible: &radius.irreversible,
        share: ShareWire { touched: radius.share.touched, total: radius.share.total, ratio: radius.share.ratio() },
        downstream: radius.downstream.iter().map(StackName::as_str).collect(),
        capabilities: radius.capabilities.iter().map(CapabilityName::as_str).collect(),
        owners: &radius.owners,
    }
}

fn contract_wire(contract: &Contract) -> ContractWire<'_> {
    let variables = contract.variables.iter().map(|(name, own)| {
        let wire = VariableWire {
            r#type: own.type_constraint.as_deref(),
            required: own.required,
            sensitive: own.sensitive,
            ephemeral: own.ephemeral,
        };
        (name.as_str(), wire)
    });
    let outputs = contract.outputs.iter();
    let modules = contract.modules.iter().map(|module| ModuleWire {
        key: &module.key,
        source: &module.source,
        version: module.version.as_deref(),
    });
    ContractWire {
        stack: contract.stack.as_str(),
        folder: contract.folder.as_str(),
        capability: contract.capability.as_ref().map(CapabilityName::as_str),
        owner: contract.owner.as_deref(),
        variables: variables.collect(),
        outputs: outputs.map(|(name, own)| (name.as_str(), ContractOutputWire { sensitive: own.sensitive })).collect(),
        providers: contract.providers.iter().map(|(name, versions)| (name.as_str(), versions)).collect(),
        required_version: &contract.required_version,
        modules: modules.collect(),
        files: contract.files.iter().map(|file| file.path.as_str()).collect(),
    }
}
