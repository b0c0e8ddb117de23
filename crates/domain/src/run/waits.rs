//! What an instance waits for, in a form that can be told.

use std::collections::BTreeSet;

use super::gate::Hold;
use super::{Entry, InstanceId, InstanceState, Run};
use crate::name::{EnvironmentName, StackName};

/// What an instance that is not done waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitsFor {
    /// These upstream instances in the same environment.
    Upstream(BTreeSet<StackName>),
    /// The same release in the environment of the stage before.
    StageBefore(EnvironmentName),
    /// Approvals of the plan.
    Approval {
        /// How many are missing.
        missing: usize,
        /// Whom the gate names; empty: everybody may.
        by: Vec<String>,
    },
    /// That a gate lets it through, which time decides.
    Gate(Hold),
    /// That the run has the environment to itself.
    Environment,
    /// That a place becomes free.
    Place,
    /// That the run is resumed: its process ended.
    Resume,
}

impl Run {
    /// What an instance waits for; empty when it is at work or done.
    pub fn waits_for(&self, id: &InstanceId) -> Vec<WaitsFor> {
        let Some(index) = self.position(id) else { return Vec::new() };
        let (stage, stack) = (self.stage_of(index), self.stack_of(index));
        if let Some(hold) = self.instances[index].state.hold() {
            return vec![WaitsFor::Gate(hold.clone())];
        }
        match &self.instances[index].state {
            InstanceState::Awaiting(_) if self.instances[index].approved.is_some() => {
                self.what_keeps(index, stage, stack)
            }
            InstanceState::Awaiting(awaiting) => {
                vec![WaitsFor::Approval { missing: awaiting.missing(), by: awaiting.asked.by.clone() }]
            }
            InstanceState::Unsettled => vec![WaitsFor::Resume],
            InstanceState::Waiting => self.what_keeps(index, stage, stack),
            _ => Vec::new(),
        }
    }

    fn what_keeps(&self, index: usize, stage: usize, stack: usize) -> Vec<WaitsFor> {
        let mut waits = Vec::new();
        let count = self.order.stacks.len();
        let is_open = |name: &&StackName| {
            let upstream = self.stack_index.get(*name);
            upstream.is_some_and(|upstream| !self.instances[stage * count + upstream].state.is_final())
        };
        let upstream: BTreeSet<_> = self.order.stacks[stack].upstream.keys().filter(is_open).cloned().collect();
        if !upstream.is_empty() {
            waits.push(WaitsFor::Upstream(upstream));
        }
        if stage > 0 && !self.instances[index - count].state.is_final() {
            waits.push(WaitsFor::StageBefore(self.order.stages[stage - 1].environment.clone()));
        }
        if waits.is_empty() && self.started.is_some() {
            waits.push(if self.stages[stage].entry == Entry::Inside { WaitsFor::Place } else { WaitsFor::Environment });
        }
        waits
    }
}
