//! What a run is to do: fixed when it starts.

use std::collections::{BTreeMap, BTreeSet};

use super::Moment;
use crate::digest::Digest;
use crate::graph::Graph;
use crate::name::{EnvironmentName, StackName, StageName};

/// What a run does with each instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Plan only: nothing is applied.
    Plan,
    /// Plan, then apply that plan.
    Deliver,
}

/// What a run is to do; fixed when it starts.
#[derive(Debug, Clone)]
pub struct Order {
    /// Plan or deliver.
    pub mode: Mode,
    /// The estate release that is delivered; `None` when the work tree is planned.
    pub release: Option<Digest>,
    /// The commit that it was built from, as its full id; `None` when the work tree is planned.
    pub commit: Option<String>,
    /// How many instances may be at work at once; at least 1.
    pub parallelism: usize,
    /// Whether also what already runs with the same inputs is planned: to find what was changed by hand.
    pub again: bool,
    /// The stages that it goes through, in the pipeline's sequence.
    pub stages: Vec<OrderedStage>,
    /// The stacks, each after all that it depends on.
    pub stacks: Vec<OrderedStack>,
}

/// A stage of an order.
#[derive(Debug, Clone)]
pub struct OrderedStage {
    /// The stage.
    pub stage: StageName,
    /// The environment that it delivers to.
    pub environment: EnvironmentName,
    /// The environment of the stage before it in the pipeline, also where that takes no part in the run: a release enters only with
    /// evidence from there. `None` for the first.
    pub after: Option<EnvironmentName>,
    /// The conditions on each change there.
    pub gates: Vec<Gate>,
    /// For each stack of the order, in its sequence, the digest of all that the environment gives to it: with the release's it tells
    /// whether what runs is what is ordered.
    pub settings: Vec<Digest>,
}

/// A condition on a change in a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// People must approve the plan.
    Approval {
        /// Who may, by name; `None`: everybody.
        approvers: Option<BTreeSet<String>>,
        /// Who may, in the configuration's words: teams and people.
        by: Vec<String>,
        /// How many different people must.
        count: u32,
    },
    /// A kind that cannot be decided: it refuses.
    Undecidable(String),
}

/// A stack of an order.
#[derive(Debug, Clone)]
pub struct OrderedStack {
    /// The stack.
    pub stack: StackName,
    /// Its release; `None` when the work tree is planned.
    pub release: Option<Digest>,
    /// The stacks that it depends on, each with the outputs that it reads; also those that take no part in the run.
    pub upstream: BTreeMap<StackName, BTreeSet<String>>,
    /// Whether it is there only because of its upstream, and has nothing to do unless an output that it reads changes.
    pub only_if_upstream_changes: bool,
}

/// What earlier runs left of an instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// The release that runs.
    pub release: Option<Digest>,
    /// The digest of the settings with which it runs.
    pub settings: Option<Digest>,
    /// When it was last delivered with success.
    pub delivered: Option<Moment>,
    /// When a plan that was then applied, or began to be, last changed its outputs.
    pub outputs_changed: Option<Moment>,
    /// Whether there is evidence that the ordered release succeeded in the stage before.
    pub proven: bool,
}

impl Order {
    /// The stacks of `stacks` in the graph's order, and those of `downstream`, which take part only if what they read changes.
    pub fn stacks_of(
        graph: &Graph,
        stacks: &BTreeSet<StackName>,
        downstream: &BTreeSet<StackName>,
        release_of: impl Fn(&StackName) -> Option<Digest>,
    ) -> Vec<OrderedStack> {
        let takes_part = |name: &StackName| stacks.contains(name) || downstream.contains(name);
        let ordered = graph.order().into_iter().filter(|name| takes_part(name));
        ordered
            .map(|name| OrderedStack {
                stack: name.clone(),
                release: release_of(name),
                upstream: graph
                    .upstream_of(name.as_str())
                    .into_iter()
                    .map(|(upstream, why)| (upstream.clone(), why.outputs.clone()))
                    .collect(),
                only_if_upstream_changes: !stacks.contains(name),
            })
            .collect()
    }
}

impl Gate {
    /// The kind of the gate, as `terrace.hcl` calls it.
    pub fn kind(&self) -> &str {
        match self {
            Self::Approval { .. } => "approval",
            Self::Undecidable(kind) => kind,
        }
    }
}

impl OrderedStage {
    /// The gate that asks people, where there is one.
    pub fn approval(&self) -> Option<(&Option<BTreeSet<String>>, u32)> {
        self.gates.iter().find_map(|gate| match gate {
            Gate::Approval { approvers, count, .. } => Some((approvers, *count)),
            Gate::Undecidable(_) => None,
        })
    }

    /// The gate that cannot be decided, where there is one.
    pub fn undecidable(&self) -> Option<&str> {
        self.gates.iter().find_map(|gate| match gate {
            Gate::Undecidable(kind) => Some(kind.as_str()),
            Gate::Approval { .. } => None,
        })
    }
}
