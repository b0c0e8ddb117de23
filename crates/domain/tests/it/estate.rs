//! Estates built in code: as little as a test says, and the rest as an estate with two environments has it.

use std::collections::BTreeMap;

use terrace_domain::estate::{
    Capability, Environment, Estate, Layer, Stack, StackReference, StateBackend, TerraformRequirement, WatchPattern,
};
use terrace_domain::expression::{Expression, ExpressionKind, Reference, ReferenceTarget, Span};
use terrace_domain::moves::{Move, MovedResource};
use terrace_domain::name::{CapabilityName, EnvironmentName};
use terrace_domain::path::RepoPath;
use terrace_domain::value::Value;

const NOWHERE: Span = Span { start: 0, end: 0 };

/// An estate at the repository's root with the environments `dev` and `prod`, the capability `platform`, and these stacks.
pub(crate) fn estate(stacks: impl IntoIterator<Item = Stack>) -> Estate {
    Estate {
        name: "harbour".parse().expect("a name"),
        root: RepoPath::root(),
        terraform: TerraformRequirement { binary: None, version: None, pass_env: Vec::new(), version_span: None },
        state: StateBackend { kind: "local".to_owned(), settings: BTreeMap::new(), span: None },
        environments: [environment("dev", 1), environment("prod", 6)].into(),
        capabilities: [capability("platform")].into(),
        stages: Vec::new(),
        teams: BTreeMap::new(),
        trust: BTreeMap::new(),
        recipients: Vec::new(),
        rehearsals: terrace_domain::rehearsal::RehearsalSettings::default(),
        recovery: terrace_domain::rehearsal::RecoveryObjective::default(),
        resource_types: terrace_domain::plan::ResourceTypes::default(),
        stacks: stacks.into_iter().map(|stack| (stack.name.clone(), stack)).collect(),
    }
}

/// An environment with the values `region` and `nodes`.
pub(crate) fn environment(name: &str, nodes: i64) -> (EnvironmentName, Environment) {
    let name: EnvironmentName = name.parse().expect("a name");
    let vars =
        [("region".to_owned(), Value::from("eu-west-1")), ("nodes".to_owned(), Value::Number(nodes.into()))].into();
    (name.clone(), Environment { name, vars, protected: false, span: NOWHERE })
}

/// A capability of the technology layer.
pub(crate) fn capability(name: &str) -> (CapabilityName, Capability) {
    let name: CapabilityName = name.parse().expect("a name");
    let capability = Capability {
        name: name.clone(),
        layer: Layer::Technology,
        owner: None,
        description: None,
        needs: Vec::new(),
        span: NOWHERE,
    };
    (name, capability)
}

/// A stack in a folder, named as the folder's last part.
pub(crate) fn stack(folder: &str) -> Stack {
    let folder = path(folder);
    Stack {
        name: folder.file_name().parse().expect("a name"),
        folder,
        capability: None,
        owner: None,
        code_owners: [].into(),
        description: None,
        identity: None,
        inputs: BTreeMap::new(),
        depends_on: Vec::new(),
        moves: Vec::new(),
        watch: Vec::new(),
        fixtures: BTreeMap::new(),
        upgrade: terrace_domain::rehearsal::UpgradeAllowance::default(),
        checks: Vec::new(),
        references: Vec::new(),
        span: NOWHERE,
    }
}

/// What stacks are given beside a name and a folder.
pub(crate) trait Build: Sized {
    /// An input that refers to `env.KEY`, `env`, `estate.KEY` or `stack.NAME.OUTPUT`.
    fn reads(self, reference: &str) -> Self;
    /// `depends_on`.
    fn after(self, stack: &str) -> Self;
    /// A `move` block.
    fn takes(self, address: &str, from: &str) -> Self;
    /// `watch`.
    fn watches(self, pattern: &str) -> Self;
    /// `capability`.
    fn serves(self, capability: &str) -> Self;
}

impl Build for Stack {
    fn reads(mut self, reference: &str) -> Self {
        self.references.push(Reference { target: target(reference), span: NOWHERE });
        self
    }

    fn after(mut self, stack: &str) -> Self {
        self.depends_on.push(StackReference { name: stack.parse().expect("a name"), span: NOWHERE });
        self
    }

    fn takes(mut self, address: &str, from: &str) -> Self {
        let resource = MovedResource { address: address.parse().expect("an address"), span: NOWHERE };
        let from = StackReference { name: from.parse().expect("a name"), span: NOWHERE };
        self.moves.push(Move { from, resources: vec![resource] });
        self
    }

    fn watches(mut self, pattern: &str) -> Self {
        self.watch.push(WatchPattern { pattern: pattern.to_owned(), span: NOWHERE });
        self
    }

    fn serves(mut self, capability: &str) -> Self {
        self.capability = Some(capability.parse().expect("a name"));
        self
    }
}

fn target(reference: &str) -> ReferenceTarget {
    let parts: Vec<_> = reference.split('.').collect();
    match parts[..] {
        ["env"] => ReferenceTarget::Environment(None),
        ["env", key] => ReferenceTarget::Environment(Some(key.to_owned())),
        ["estate", key] => ReferenceTarget::Estate(key.to_owned()),
        ["stack", name, output] => ReferenceTarget::Stack { name: name.to_owned(), output: Some(output.to_owned()) },
        _ => panic!("`{reference}` is no reference of these tests"),
    }
}

/// The expression `ROOT.KEY`, at a place in its file.
pub(crate) fn attribute(root: &str, key: &str, start: u32) -> Expression {
    let span = Span { start, end: start + 1 };
    let root = Expression { kind: ExpressionKind::Variable(root.to_owned()), span };
    Expression { kind: ExpressionKind::Attribute(Box::new(root), key.to_owned()), span }
}

/// A path of the repository.
pub(crate) fn path(text: &str) -> RepoPath {
    RepoPath::new(text).expect("inside the repository")
}
