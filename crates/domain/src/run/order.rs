//! What a run is to do: fixed when it starts.

use std::collections::{BTreeMap, BTreeSet};

use super::Moment;
use super::gate::{Approvers, Gate, Who};
use crate::digest::Digest;
use crate::graph::Graph;
use crate::name::{EnvironmentName, StackName, StageName};
use crate::rehearsal::Kind;

/// What a run does with each instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Plan only: nothing is applied.
    Plan,
    /// Plan, then apply that plan.
    Deliver,
    /// Plan the destruction of all that is there, then apply that plan. What is downstream goes first.
    Destroy,
}

impl Mode {
    /// Whether plans are applied.
    pub fn applies(self) -> bool {
        self != Self::Plan
    }
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
    /// Who lets it through all gates, and why.
    pub break_glass: Option<BreakGlass>,
    /// The stages that it goes through, in the pipeline's sequence.
    pub stages: Vec<OrderedStage>,
    /// The stacks, each after all that it depends on.
    pub stacks: Vec<OrderedStack>,
}

/// That somebody lets a run through all gates: in an emergency, and loudly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlass {
    /// Who.
    pub by: String,
    /// Why, in their words.
    pub reason: String,
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
    /// Whether there is something to verify when it is delivered: checks of its own, or of its Terraform code.
    pub verifies: bool,
}

/// What earlier runs left of an instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// The release that runs.
    pub release: Option<Digest>,
    /// The digest of the settings with which it runs; none while it is not sure that it does, and does what it should: after a step that
    /// changed something, or looked at it, and failed.
    pub settings: Option<Digest>,
    /// When it was last delivered with success.
    pub delivered: Option<Moment>,
    /// When a plan that was then applied, or began to be, last changed its outputs.
    pub outputs_changed: Option<Moment>,
    /// Whether there is evidence that the ordered release succeeded in the stage before.
    pub proven: bool,
    /// The rehearsals that the ordered release passed, by the evidence that there is.
    pub rehearsed: Rehearsed,
    /// When the ordered release was first delivered to the stage before, by the evidence that there is.
    pub before_since: Option<Moment>,
}

/// Kinds of rehearsals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rehearsed {
    /// From nothing.
    pub zero: bool,
    /// Over what runs; also where nothing does.
    pub upgrade: bool,
    /// After a loss.
    pub recovery: bool,
}

impl Rehearsed {
    /// Whether a kind is among them.
    pub fn has(self, kind: Kind) -> bool {
        match kind {
            Kind::Zero => self.zero,
            Kind::Upgrade => self.upgrade,
            Kind::Recovery => self.recovery,
        }
    }

    /// Adds a kind.
    pub fn add(&mut self, kind: Kind) {
        match kind {
            Kind::Zero => self.zero = true,
            Kind::Upgrade => self.upgrade = true,
            Kind::Recovery => self.recovery = true,
        }
    }
}

impl Order {
    /// The same stacks for their destruction: those that depend on others go first.
    #[must_use]
    pub fn reversed(stacks: Vec<OrderedStack>) -> Vec<OrderedStack> {
        let mut after: BTreeMap<StackName, BTreeMap<StackName, BTreeSet<String>>> = BTreeMap::new();
        for ordered in &stacks {
            for upstream in ordered.upstream.keys() {
                after.entry(upstream.clone()).or_default().insert(ordered.stack.clone(), BTreeSet::new());
            }
        }
        let turned = stacks.into_iter().rev().map(|ordered| {
            let upstream = after.remove(&ordered.stack).unwrap_or_default();
            OrderedStack { upstream, only_if_upstream_changes: false, verifies: false, ..ordered }
        });
        turned.collect()
    }

    /// The stacks of `stacks` in the graph's order, and those of `downstream`, which take part only if what they read changes.
    pub fn stacks_of(
        graph: &Graph,
        stacks: &BTreeSet<StackName>,
        downstream: &BTreeSet<StackName>,
        release_of: impl Fn(&StackName) -> Option<Digest>,
        verifies: impl Fn(&StackName) -> bool,
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
                verifies: verifies(name),
            })
            .collect()
    }
}

impl OrderedStage {
    /// Whether people may be asked about a plan.
    pub fn may_ask(&self) -> bool {
        self.gates.iter().any(|gate| match gate {
            Gate::Approval(_) => true,
            Gate::BlastRadius(limits) => limits.may_ask(),
            _ => false,
        })
    }

    /// Who must approve, where people are asked.
    pub fn approvers(&self) -> Option<&Approvers> {
        let gate = self
            .gates
            .iter()
            .find_map(|gate| if let Gate::Approval(approvers) = gate { Some(approvers) } else { None });
        let limits = || {
            self.gates
                .iter()
                .find_map(|gate| if let Gate::BlastRadius(limits) = gate { Some(&limits.approvers) } else { None })
        };
        gate.or_else(limits)
    }

    /// Whether a gate may hold instances up until time has passed.
    pub fn may_hold(&self) -> bool {
        self.gates.iter().any(|gate| matches!(gate, Gate::Window(_) | Gate::Soak { .. }))
    }

    /// Whether a gate must know what plans take away.
    pub fn asks_for_losses(&self) -> bool {
        self.gates.iter().any(|gate| matches!(gate, Gate::Losses { .. }))
    }

    /// Whether a gate must know the blast radius of plans.
    pub fn asks_for_radius(&self) -> bool {
        self.gates.iter().any(|gate| match gate {
            Gate::BlastRadius(_) | Gate::Policy { .. } => true,
            Gate::Approval(approvers) => matches!(approvers.who, Who::Owners { .. }),
            _ => false,
        })
    }

    /// Whether a gate must know what was changed behind Terraform's back.
    pub fn asks_for_drift(&self) -> bool {
        self.gates.contains(&Gate::Clean)
    }
}
