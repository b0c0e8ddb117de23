//! Brings gates to bear on an instance: what each of them says of it now. Owns what is known of an instance for that.

use std::collections::BTreeMap;

use super::gate::{Assessment, Facts, Gate, Verdict};
use super::{InstanceId, InstanceState, Moment, Run, Standing};
use crate::rehearsal::Lost;

/// What a gate says of an instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged<'a> {
    /// The gate.
    pub gate: &'a Gate,
    /// What it says.
    pub verdict: Verdict,
}

impl Run {
    /// What the gates of its stage say of an instance at a moment, each of them. `standing` and `recovered` are what a driver finds when it
    /// enters the environment; empty when the run takes no such instance.
    pub fn judge<'a>(
        &'a self,
        id: &InstanceId,
        standing: &'a Standing,
        recovered: &'a BTreeMap<Lost, Moment>,
        now: Moment,
    ) -> Vec<Judged<'a>> {
        let Some(index) = self.position(id) else { return Vec::new() };
        let is_planned = self.instances[index].changes.is_some();
        self.judged(index, standing, recovered, is_planned, now).collect()
    }

    /// The same by place. `is_planned`: whether what is known of a plan is of one that counts.
    pub(super) fn judged<'a>(
        &'a self,
        index: usize,
        standing: &'a Standing,
        recovered: &'a BTreeMap<Lost, Moment>,
        is_planned: bool,
        now: Moment,
    ) -> impl Iterator<Item = Judged<'a>> {
        static UNKNOWN: Assessment = Assessment { radius: None, policy: None, drift: None };
        let (stage, instance) = (&self.order.stages[self.stage_of(index)], &self.instances[index]);
        let assessment = instance.assessment.as_deref().unwrap_or(&UNKNOWN);
        let facts = Facts {
            stack: &instance.id.stack,
            standing,
            recovered,
            before_since: self.before_since(index, standing),
            has_before: stage.after.is_some(),
            plan: is_planned.then_some((instance.losses.as_slice(), assessment)),
            now,
        };
        stage.gates.iter().map(move |gate| Judged { gate, verdict: gate.verdict(&facts) })
    }

    /// When the ordered release was first delivered to the stage before: by an earlier run, or by this one.
    fn before_since(&self, index: usize, standing: &Standing) -> Option<Moment> {
        let in_this_run = || {
            let before = &self.instances[index.checked_sub(self.order.stacks.len())?];
            let is_there = matches!(before.state, InstanceState::Applied | InstanceState::Unchanged);
            before.finished.filter(|_| is_there)
        };
        standing.before_since.or_else(in_this_run)
    }
}
