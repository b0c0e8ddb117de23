//! What a run is to do: fixed when it starts.

use std::collections::{BTreeMap, BTreeSet};

use super::Moment;
use crate::digest::Digest;
use crate::graph::Graph;
use crate::name::{EnvironmentName, StackName, StageName};
use crate::rehearsal::{Kind, Lost, UpgradeAllowance};

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
    /// The release must have passed these rehearsals, with the releases that it rests on.
    Evidence {
        /// Which.
        of: BTreeSet<Kind>,
    },
    /// A recovery must have been practised with success, not longer ago than that.
    Recovery {
        /// What was lost in it.
        of: BTreeSet<Lost>,
        /// In milliseconds.
        younger_than_ms: u64,
    },
    /// The plan must not take away what it may not.
    Losses {
        /// What it may, by stack.
        allowed: BTreeMap<StackName, UpgradeAllowance>,
    },
    /// A kind that cannot be decided: it refuses.
    Undecidable(String),
}

/// Why a gate refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// These rehearsals are not proven for the release.
    NotRehearsed(BTreeSet<Kind>),
    /// No recovery from these losses was practised lately enough.
    NotRecovered(BTreeSet<Lost>),
    /// What the plan would take away, in words.
    Losses(Vec<String>),
    /// This version cannot decide a gate of this kind.
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

impl Gate {
    /// The kind of the gate, as `terrace.hcl` calls it.
    pub fn kind(&self) -> &str {
        match self {
            Self::Approval { .. } => "approval",
            Self::Evidence { .. } => "evidence",
            Self::Recovery { .. } => "recovery",
            Self::Losses { .. } => "losses",
            Self::Undecidable(kind) => kind,
        }
    }
}

impl OrderedStage {
    /// The gate that asks people, where there is one.
    pub fn approval(&self) -> Option<(&Option<BTreeSet<String>>, u32)> {
        self.gates.iter().find_map(|gate| match gate {
            Gate::Approval { approvers, count, .. } => Some((approvers, *count)),
            _ => None,
        })
    }

    /// What the plan of a stack may take away, where that is limited.
    pub fn allowance(&self, stack: &StackName) -> Option<UpgradeAllowance> {
        self.gates.iter().find_map(|gate| match gate {
            Gate::Losses { allowed } => Some(allowed.get(stack).cloned().unwrap_or_default()),
            _ => None,
        })
    }

    /// Whether it must be known what plans take away.
    pub fn asks_for_losses(&self) -> bool {
        self.gates.iter().any(|gate| matches!(gate, Gate::Losses { .. }))
    }

    /// Why a gate refuses an instance before anything is planned: the first that does. `recovered`: when a recovery was last practised with
    /// success.
    pub fn refusal(&self, standing: &Standing, recovered: &BTreeMap<Lost, Moment>, now: Moment) -> Option<Refusal> {
        self.gates.iter().find_map(|gate| match gate {
            Gate::Evidence { of } => {
                let missing: BTreeSet<Kind> =
                    of.iter().copied().filter(|kind| !standing.rehearsed.has(*kind)).collect();
                (!missing.is_empty()).then_some(Refusal::NotRehearsed(missing))
            }
            Gate::Recovery { of, younger_than_ms } => {
                let is_late =
                    |lost: &Lost| recovered.get(lost).is_none_or(|at| now.millis_since(*at) > *younger_than_ms);
                let late: BTreeSet<Lost> = of.iter().copied().filter(is_late).collect();
                (!late.is_empty()).then_some(Refusal::NotRecovered(late))
            }
            Gate::Undecidable(kind) => Some(Refusal::Undecidable(kind.clone())),
            Gate::Approval { .. } | Gate::Losses { .. } => None,
        })
    }
}
