//! A run: one delivery (or planning) of an estate in an environment. [`advance`] is the only place where a run's next step is
//! decided; a driver performs the effects that it asks for and feeds back what happened as events.

mod advance;
mod event;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use advance::{Impossible, advance};
pub use event::{Changes, Effect, Event, Failure, Step, TerraformDiagnostic};
pub use report::{Outcome, Tally};

use crate::graph::Graph;
use crate::name::{EnvironmentName, StackName, StageName};

/// A point in time: milliseconds since 1970-01-01 UTC. It arrives in events; the domain has no clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

impl Moment {
    /// Milliseconds from `earlier` to this moment; 0 when the clock went backwards.
    pub fn millis_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

/// Identifies a run in its estate: counts up from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

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
    /// The stage of the pipeline.
    pub stage: StageName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The commit that is delivered, as its full id; `None` when the work tree is planned.
    pub commit: Option<String>,
    /// How many instances may be at work at once; at least 1.
    pub parallelism: usize,
    /// The instances, each after all that it depends on.
    pub instances: Vec<OrderedInstance>,
}

/// An instance of an order.
#[derive(Debug, Clone)]
pub struct OrderedInstance {
    /// The stack.
    pub stack: StackName,
    /// The stacks of this order that it depends on, each with the outputs that it reads.
    pub upstream: BTreeMap<StackName, BTreeSet<String>>,
    /// Whether it is there only because of its upstream, and has nothing to do unless an output that it reads changes.
    pub only_if_upstream_changes: bool,
}

/// What earlier runs left of an instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// When it was last delivered with success.
    pub delivered: Option<Moment>,
    /// When a plan that was then applied, or began to be, last changed its outputs.
    pub outputs_changed: Option<Moment>,
}

impl Order {
    /// The instances of `stacks` in the graph's order. Those of `downstream` take part only if what they read changes in this run, or has
    /// changed since they were delivered: an earlier run may have ended before their turn came.
    pub fn instances_of(
        graph: &Graph,
        stacks: &BTreeSet<StackName>,
        downstream: &BTreeSet<StackName>,
        standings: &BTreeMap<StackName, Standing>,
    ) -> Vec<OrderedInstance> {
        let standing = |name: &StackName| standings.get(name).copied().unwrap_or_default();
        let is_behind = |name: &StackName| {
            let upstream = graph.upstream_of(name.as_str());
            let mut read = upstream.iter().filter(|(_, why)| !why.outputs.is_empty());
            read.any(|(upstream, _)| {
                let delivered = standing(name).delivered;
                standing(upstream).outputs_changed.is_some_and(|changed| delivered.is_none_or(|then| then < changed))
            })
        };
        let takes_part = |name: &StackName| stacks.contains(name) || downstream.contains(name);
        let ordered = graph.order().into_iter().filter(|name| takes_part(name));
        ordered
            .map(|name| OrderedInstance {
                stack: name.clone(),
                upstream: graph
                    .upstream_of(name.as_str())
                    .into_iter()
                    .filter(|(upstream, _)| takes_part(upstream))
                    .map(|(upstream, why)| (upstream.clone(), why.outputs.clone()))
                    .collect(),
                only_if_upstream_changes: !stacks.contains(name) && !is_behind(name),
            })
            .collect()
    }
}

/// Where an instance is in its run.
#[derive(Debug, Clone, PartialEq)]
pub enum InstanceState {
    /// Its upstream is not done, or all places are taken.
    Waiting,
    /// Its work folder is made, its inputs are evaluated, Terraform is initialised.
    Preparing,
    /// Terraform plans.
    Planning,
    /// Terraform applies the saved plan.
    Applying,
    /// Done: nothing was to be changed.
    Unchanged,
    /// Done, in a run that only plans.
    Planned,
    /// Done: the plan was applied.
    Applied,
    /// A step failed.
    Failed(Failure),
    /// It was stopped in the middle of a step because somebody asked for it.
    Interrupted(Step),
    /// It could not be planned: inputs are known only after the named upstream stacks are applied.
    Blocked(BTreeSet<StackName>),
    /// It was not started.
    Skipped(SkipReason),
    /// The run ended without a word while the instance was in this step: Terrace was killed.
    Abandoned(Option<Step>),
}

/// Why an instance was not started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipReason {
    /// This upstream instance did not succeed.
    Upstream(StackName),
    /// The run was stopped before.
    Stopped,
    /// No output that it reads has changed.
    NothingChanged,
}

impl InstanceState {
    /// The step that is being done, if one is.
    pub fn step(&self) -> Option<Step> {
        match self {
            Self::Preparing => Some(Step::Prepare),
            Self::Planning => Some(Step::Plan),
            Self::Applying => Some(Step::Apply),
            _ => None,
        }
    }

    /// Whether nothing more will happen to the instance in this run.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Preparing | Self::Planning | Self::Applying)
    }

    /// Whether downstream instances may go on: it is delivered (or planned) as it should be, or it had nothing to do.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Unchanged | Self::Planned | Self::Applied | Self::Skipped(SkipReason::NothingChanged))
    }

    /// Whether a stop kept the instance from coming to its end.
    pub fn is_stopped(&self) -> bool {
        matches!(self, Self::Interrupted(_) | Self::Skipped(SkipReason::Stopped))
    }

    /// The state in a word, stable for JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Preparing => "preparing",
            Self::Planning => "planning",
            Self::Applying => "applying",
            Self::Unchanged => "unchanged",
            Self::Planned => "planned",
            Self::Applied => "applied",
            Self::Failed(_) => "failed",
            Self::Interrupted(_) => "interrupted",
            Self::Blocked(_) => "blocked",
            Self::Skipped(_) => "skipped",
            Self::Abandoned(_) => "abandoned",
        }
    }
}

/// An instance in its run.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The stack.
    pub stack: StackName,
    /// Where it is.
    pub state: InstanceState,
    /// What the plan is to change, once there is one.
    pub changes: Option<Changes>,
    /// Whether the plan was made on planned, not yet applied, outputs of an upstream.
    pub provisional: bool,
    /// When its first step began.
    pub started: Option<Moment>,
    /// When it came to its end.
    pub finished: Option<Moment>,
}

/// A run and all that was decided in it so far: the fold of its events.
#[derive(Debug, Clone)]
pub struct Run {
    order: Order,
    instances: Vec<Instance>,
    index: BTreeMap<StackName, usize>,
    downstream: Vec<Vec<usize>>,
    /// How many upstream instances are not final.
    open_upstream: Vec<usize>,
    /// The longest chain of instances below each: what the end of the run hangs on goes first.
    chain_below: Vec<usize>,
    /// Ready to start: the longest chain below first, then in the order's sequence.
    ready: BTreeSet<(std::cmp::Reverse<usize>, usize)>,
    active: usize,
    open: usize,
    started: Option<Moment>,
    finished: Option<Moment>,
    stopping: bool,
    abandoned: bool,
}

impl Run {
    /// A run that has not started.
    pub fn new(order: Order) -> Self {
        let index: BTreeMap<_, _> = order.instances.iter().enumerate().map(|(at, i)| (i.stack.clone(), at)).collect();
        let mut downstream = vec![Vec::new(); order.instances.len()];
        let mut open_upstream = vec![0; order.instances.len()];
        for (at, instance) in order.instances.iter().enumerate() {
            for upstream in instance.upstream.keys().filter_map(|name| index.get(name)) {
                downstream[*upstream].push(at);
                open_upstream[at] += 1;
            }
        }
        let mut chain_below = vec![0_usize; order.instances.len()];
        for at in (0..order.instances.len()).rev() {
            chain_below[at] = downstream[at].iter().map(|below| chain_below[*below] + 1).max().unwrap_or(0);
        }
        let instances: Vec<_> = order.instances.iter().map(|ordered| Instance::waiting(&ordered.stack)).collect();
        let open = instances.len();
        Self {
            order,
            instances,
            index,
            downstream,
            open_upstream,
            chain_below,
            ready: BTreeSet::new(),
            active: 0,
            open,
            started: None,
            finished: None,
            stopping: false,
            abandoned: false,
        }
    }

    /// What the run is to do.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// The instances, in the order's sequence.
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// One instance.
    pub fn instance(&self, stack: &str) -> Option<&Instance> {
        self.index.get(stack).map(|at| &self.instances[*at])
    }

    /// When it started.
    pub fn started(&self) -> Option<Moment> {
        self.started
    }

    /// When it came to its end; `None` while it goes on.
    pub fn finished(&self) -> Option<Moment> {
        self.finished
    }

    /// Whether somebody asked it to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }
}

impl Instance {
    fn waiting(stack: &StackName) -> Self {
        Self {
            stack: stack.clone(),
            state: InstanceState::Waiting,
            changes: None,
            provisional: false,
            started: None,
            finished: None,
        }
    }
}
