//! A run: one delivery (or planning) of a release through the stages of a pipeline. [`advance`] is the only place where a run's next step is
//! decided; a driver performs the effects that it asks for and feeds back what happened as events.

mod advance;
mod approval;
mod cover;
mod event;
mod gate;
mod instance;
mod judge;
mod order;
mod report;
mod waits;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use advance::{Impossible, advance};
pub use approval::{Approval, CannotApprove};
pub use cover::{ChangeRecord, CoverPart, PlanCover};
pub use event::{Changes, Effect, Event, Failure, Step, TerraformDiagnostic};
pub use gate::{Answer, Approvers, Assessment, Facts, Gate, Hold, RadiusLimits, Refusal, Verdict, Who};
pub use instance::{Asked, Awaiting, Instance, InstanceId, InstanceState, Overridden, SkipReason};
pub use judge::Judged;
pub use order::{BreakGlass, Mode, Order, OrderedStack, OrderedStage, Rehearsed, Standing};
pub use report::{Outcome, Tally};
pub use waits::WaitsFor;

use crate::name::{EnvironmentName, StackName};
use crate::rehearsal::Lost;

/// A point in time: milliseconds since 1970-01-01 UTC. It arrives in events; the domain has no clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

impl Moment {
    /// This moment, where it is after `last`; else the next one after that: what is recorded keeps its sequence, whatever a clock says that
    /// was set back.
    #[must_use]
    pub fn after(self, last: Self) -> Self {
        self.max(Self(last.0.saturating_add(1)))
    }

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

/// A run and all that was decided in it so far: the fold of its events.
#[derive(Debug, Clone)]
pub struct Run {
    order: Order,
    /// Stage by stage, in each the stacks in the order's sequence: the instance of stack `s` in stage `t` is at `t * stacks + s`.
    instances: Vec<Instance>,
    stages: Vec<StageProgress>,
    stack_index: BTreeMap<StackName, usize>,
    stage_index: BTreeMap<EnvironmentName, usize>,
    /// For each stack those directly downstream.
    downstream: Vec<Vec<usize>>,
    /// For each instance, how many that it waits for are not final: its upstream in the same stage, and its stack in the stage before.
    open_before: Vec<usize>,
    /// For each stack the longest chain of stacks below: what the end of the run hangs on goes first.
    chain_below: Vec<usize>,
    /// Ready to start: the longest chain below first, then the earlier stage, then in the order's sequence.
    ready: BTreeSet<(Reverse<usize>, usize)>,
    active: usize,
    open: usize,
    started: Option<Moment>,
    finished: Option<Moment>,
    stopping: bool,
    ending: Option<Outcome>,
}

/// How far a stage of a run is.
#[derive(Debug, Clone, Default)]
struct StageProgress {
    entry: Entry,
    /// What earlier runs left there; known while the stage is entered.
    standings: BTreeMap<StackName, Standing>,
    /// When a recovery from each loss was last practised with success; known while the stage is entered.
    recovered: BTreeMap<Lost, Moment>,
    /// Instances that are not final.
    open: usize,
    /// Instances that wait for nothing but that the stage is entered.
    at_the_door: BTreeSet<usize>,
}

/// Whether the driver holds a stage's environment for the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Entry {
    #[default]
    Outside,
    Asked,
    Inside,
}

impl Run {
    /// A run that has not started.
    pub fn new(order: Order) -> Self {
        let count = order.stacks.len();
        let stack_index: BTreeMap<_, _> =
            order.stacks.iter().enumerate().map(|(at, ordered)| (ordered.stack.clone(), at)).collect();
        let mut downstream = vec![Vec::new(); count];
        let mut upstream_count = vec![0; count];
        for (at, ordered) in order.stacks.iter().enumerate() {
            for upstream in ordered.upstream.keys().filter_map(|name| stack_index.get(name)) {
                downstream[*upstream].push(at);
                upstream_count[at] += 1;
            }
        }
        let mut chain_below = vec![0_usize; count];
        for at in (0..count).rev() {
            chain_below[at] = downstream[at].iter().map(|below| chain_below[*below] + 1).max().unwrap_or(0);
        }
        let stage_index = order.stages.iter().enumerate().map(|(at, stage)| (stage.environment.clone(), at)).collect();
        let places = order.stages.iter().enumerate().flat_map(|(at, stage)| {
            order.stacks.iter().enumerate().map(move |(index, ordered)| (at, stage, index, ordered))
        });
        let (instances, open_before): (Vec<_>, Vec<_>) = places
            .map(|(at, stage, index, ordered)| {
                let id = InstanceId { environment: stage.environment.clone(), stack: ordered.stack.clone() };
                (Instance::waiting(id), upstream_count[index] + usize::from(at > 0))
            })
            .unzip();
        let stages = vec![StageProgress { open: count, ..StageProgress::default() }; order.stages.len()];
        Self {
            open: instances.len(),
            order,
            instances,
            stages,
            stack_index,
            stage_index,
            downstream,
            open_before,
            chain_below,
            ready: BTreeSet::new(),
            active: 0,
            started: None,
            finished: None,
            stopping: false,
            ending: None,
        }
    }

    /// What the run is to do.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// The instances: stage by stage, in each in the order's sequence.
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// One instance.
    pub fn instance(&self, id: &InstanceId) -> Option<&Instance> {
        self.position(id).map(|at| &self.instances[at])
    }

    /// The release that an instance is ordered to run; `None` when the work tree is planned.
    pub fn release_of(&self, id: &InstanceId) -> Option<crate::digest::Digest> {
        self.stack_index.get(&id.stack).and_then(|at| self.order.stacks[*at].release)
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

    /// Whether the run goes on only when somebody decides something: nothing is at work, and nothing could be.
    pub fn is_resting(&self) -> bool {
        self.started.is_some()
            && self.finished.is_none()
            && self.active == 0
            && self.ready.is_empty()
            && self.stages.iter().all(|stage| stage.entry != Entry::Asked)
    }

    /// The run as it was left by a process that is gone: what was at work, or would have been, was cut off. What waits for people still does.
    #[must_use]
    pub fn cut_off(mut self) -> Self {
        for instance in &mut self.instances {
            if instance.state.is_final()
                || matches!(instance.state, InstanceState::Awaiting(_) | InstanceState::Held(_))
            {
                continue;
            }
            let unsettled = instance.state == InstanceState::Unsettled;
            let during = if unsettled { Some(Step::Apply) } else { instance.state.step() };
            instance.state = InstanceState::Abandoned(during);
        }
        self
    }

    /// The instances that time holds up, each with what holds it: a gate that opens later.
    pub fn held(&self) -> impl Iterator<Item = (&Instance, &Hold)> {
        // Asked after each event: where no gate looks at the clock, nothing is looked for.
        let may_be = self.order.stages.iter().any(OrderedStage::may_hold);
        let instances = if may_be { self.instances.as_slice() } else { &[] };
        instances.iter().filter_map(|instance| Some((instance, instance.state.hold()?)))
    }

    /// When it is worth looking again at what time holds up.
    pub fn due(&self) -> Option<Moment> {
        self.held().filter_map(|(_, hold)| hold.until).min()
    }

    /// The instances that wait for an approval.
    pub fn awaiting(&self) -> impl Iterator<Item = (&Instance, &Awaiting)> {
        self.instances.iter().filter_map(|instance| match &instance.state {
            InstanceState::Awaiting(awaiting) => Some((instance, &**awaiting)),
            _ => None,
        })
    }

    pub(crate) fn position(&self, id: &InstanceId) -> Option<usize> {
        let stage = self.stage_index.get(&id.environment)?;
        Some(stage * self.order.stacks.len() + self.stack_index.get(&id.stack)?)
    }

    fn stage_of(&self, index: usize) -> usize {
        index / self.order.stacks.len()
    }

    fn stack_of(&self, index: usize) -> usize {
        index % self.order.stacks.len()
    }
}
