//! Decides what a run does next. Owns the transition table. Never performs effects.

mod gates;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use self::gates::Passage;
use super::{
    Approval, Assessment, Awaiting, CannotApprove, Changes, Effect, Entry, Event, Instance, InstanceId, InstanceState,
    Mode, Moment, Outcome, PlanCover, Run, RunId, SkipReason, Standing, Step,
};
use crate::name::{EnvironmentName, StackName};
use crate::plan::Loss;
use crate::rehearsal::Lost;

/// An event that cannot happen in the run's present state: a fault of the driver or of the journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    /// The run is not in the state for it.
    #[error("{event} cannot happen: the run {run}")]
    Run {
        /// The event's name.
        event: &'static str,
        /// What the run is, or does.
        run: &'static str,
    },
    /// The instance is not in the state for it.
    #[error("{event} cannot happen: {instance} is {state}")]
    Instance {
        /// The event's name.
        event: &'static str,
        /// The instance.
        instance: InstanceId,
        /// The state's word.
        state: &'static str,
    },
    /// The run has no such instance.
    #[error("{0} takes no part in this run")]
    Stranger(InstanceId),
    /// The run did not ask for that environment.
    #[error("Entered cannot happen: the run did not ask for {0}")]
    NotAsked(EnvironmentName),
    /// A plan that people must approve came without what an approval covers.
    #[error("Planned cannot happen: it is not said what an approval of {0} covers")]
    NoCover(InstanceId),
    /// The approval cannot be taken.
    #[error("Approved cannot happen: {0}")]
    Approval(#[from] CannotApprove),
}

/// Takes the event into the run and says what is to be done now. The cost of an event grows with the instance's direct neighbours
/// alone, except for events about the run as a whole or about an environment, which touch each instance once.
///
/// # Errors
/// [`Impossible`] when the event cannot happen now; the run is lost to the caller then and must be rebuilt from its journal.
pub fn advance(mut run: Run, at: Moment, event: Event) -> Result<(Run, Vec<Effect>), Impossible> {
    let name = event.name();
    if run.finished.is_some() {
        return Err(Impossible::Run { event: name, run: "is over" });
    }
    if run.started.is_none() != matches!(event, Event::Started) {
        let state = if run.started.is_none() { "has not started" } else { "has started" };
        return Err(Impossible::Run { event: name, run: state });
    }
    let mut step = Advance { run: &mut run, at, effects: Vec::new() };
    step.take(event)?;
    step.fill_places();
    step.come_to_rest();
    step.end_if_done();
    let effects = step.effects;
    Ok((run, effects))
}

/// One event being taken into a run.
struct Advance<'a> {
    run: &'a mut Run,
    at: Moment,
    effects: Vec<Effect>,
}

impl Advance<'_> {
    fn take(&mut self, event: Event) -> Result<(), Impossible> {
        let name = event.name();
        match event {
            Event::Started => self.start(),
            Event::Entered { environment, standings, recovered } => {
                self.entered(&environment, standings, recovered)?;
            }
            Event::Prepared { instance, provisional } => self.prepared(&instance, provisional)?,
            Event::InputsUnknown { instance, upstream } => {
                self.expect_planning_only(name)?;
                let index = self.expect(&instance, name, |state| *state == InstanceState::Preparing)?;
                self.finish(index, InstanceState::Blocked(upstream));
            }
            Event::Planned { instance, changes, cover, losses, assessment } => {
                self.planned(&instance, changes, cover, (losses, assessment))?;
            }
            Event::Approved { instance, by, cover, .. } => self.approved(&instance, by, &cover)?,
            Event::Rejected { instance, by, reason } => {
                let index = self.expect(&instance, name, |state| matches!(state, InstanceState::Awaiting(_)))?;
                self.finish(index, InstanceState::Rejected { by, reason });
            }
            Event::Stale { instance, .. } => {
                let index = self.expect(&instance, name, |state| *state == InstanceState::Applying)?;
                self.prepare_again(index, Step::Apply);
            }
            Event::Applied { instance } => {
                let index = self.expect(&instance, name, |state| *state == InstanceState::Applying)?;
                self.run.instances[index].apply_begun = true;
                self.verify(index);
            }
            Event::Verified { instance } => {
                let index = self.expect(&instance, name, |state| *state == InstanceState::Verifying)?;
                self.succeed(index);
            }
            Event::Settled { instance } => {
                let index = self.expect(&instance, name, |state| *state == InstanceState::Settling)?;
                self.prepare_again(index, Step::Settle);
            }
            Event::Failed { instance, failure } => {
                let index = self.expect(&instance, name, |state| state.step().is_some())?;
                self.finish(index, InstanceState::Failed(failure));
            }
            Event::Interrupted { instance } => {
                let index = self.expect(&instance, name, |state| state.step().is_some())?;
                let during = self.run.instances[index].state.step().unwrap_or(Step::Prepare);
                self.finish(index, InstanceState::Interrupted(during));
            }
            Event::Resumed => self.resume(),
            Event::Superseded { by, stacks, environments } => self.supersede(by, &stacks, &environments),
            Event::Due => self.due(),
            Event::StopRequested => self.stop(),
            Event::Cancelled { .. } => {
                self.run.ending = Some(Outcome::Cancelled);
                self.stop();
            }
            Event::Abandoned => self.abandon(),
        }
        Ok(())
    }

    fn start(&mut self) {
        self.run.started = Some(self.at);
        let roots: Vec<_> = (0..self.run.instances.len()).filter(|at| self.run.open_before[*at] == 0).collect();
        self.arrive_all(roots);
    }

    fn entered(
        &mut self,
        environment: &EnvironmentName,
        standings: BTreeMap<StackName, Standing>,
        recovered: BTreeMap<Lost, Moment>,
    ) -> Result<(), Impossible> {
        let stage = self.run.stage_index.get(environment).copied();
        let stage = stage.filter(|stage| self.run.stages[*stage].entry == Entry::Asked);
        let stage = stage.ok_or_else(|| Impossible::NotAsked(environment.clone()))?;
        let progress = &mut self.run.stages[stage];
        progress.entry = Entry::Inside;
        (progress.standings, progress.recovered) = (standings, recovered);
        let waiting = std::mem::take(&mut progress.at_the_door);
        self.arrive_all(waiting);
        Ok(())
    }

    fn prepared(&mut self, id: &InstanceId, provisional: bool) -> Result<(), Impossible> {
        if provisional {
            // What rests on planned outputs is never applied.
            self.expect_planning_only("Prepared on planned outputs")?;
        }
        let index = self.expect(id, "Prepared", |state| *state == InstanceState::Preparing)?;
        self.run.instances[index].provisional = provisional;
        if self.run.stopping {
            self.finish(index, InstanceState::Interrupted(Step::Prepare));
        } else {
            self.run.instances[index].state = InstanceState::Planning;
            self.effects.push(Effect::Plan(id.clone()));
        }
        Ok(())
    }

    fn planned(
        &mut self,
        id: &InstanceId,
        changes: Changes,
        cover: Option<Box<PlanCover>>,
        (losses, assessment): (Vec<Loss>, Option<Box<Assessment>>),
    ) -> Result<(), Impossible> {
        let index = self.expect(id, "Planned", |state| *state == InstanceState::Planning)?;
        let nothing_to_do = changes.is_empty();
        let instance = &mut self.run.instances[index];
        (instance.losses, instance.assessment) = (losses, assessment);
        if instance.apply_begun {
            // What was begun counts as this run's change, whatever is left of it.
            let told = instance.changes.get_or_insert_default();
            told.outputs.extend(changes.outputs);
        } else {
            instance.changes = Some(changes);
        }
        if nothing_to_do {
            self.verify(index);
        } else if self.run.order.mode == Mode::Plan {
            self.finish(index, InstanceState::Planned);
        } else {
            match self.through_the_gates(index, true) {
                Passage::Refused(refusal) => self.finish(index, InstanceState::Refused(refusal)),
                _ if self.run.stopping => self.finish(index, InstanceState::Interrupted(Step::Plan)),
                Passage::Ask(asked) => {
                    let cover = cover.ok_or_else(|| Impossible::NoCover(id.clone()))?;
                    self.hold_for_people(index, *cover, asked);
                }
                Passage::Hold(hold) => {
                    self.run.instances[index].state = InstanceState::Held(hold);
                    self.run.active -= 1;
                }
                Passage::Free => self.apply(index),
            }
        }
        Ok(())
    }

    fn apply(&mut self, index: usize) {
        let instance = &mut self.run.instances[index];
        instance.state = InstanceState::Applying;
        self.effects.push(Effect::Apply(instance.id.clone()));
    }

    /// What runs is what was ordered. Whether that does what it should is looked at first, where there is something to look at.
    fn verify(&mut self, index: usize) {
        let verifies = self.run.order.stacks[self.run.stack_of(index)].verifies;
        if self.run.order.mode != Mode::Deliver || !verifies {
            self.succeed(index);
        } else if self.run.stopping {
            self.finish(index, InstanceState::Interrupted(Step::Verify));
        } else {
            let instance = &mut self.run.instances[index];
            instance.state = InstanceState::Verifying;
            self.effects.push(Effect::Verify(instance.id.clone()));
        }
    }

    fn succeed(&mut self, index: usize) {
        let apply_begun = self.run.instances[index].apply_begun;
        self.finish(index, if apply_begun { InstanceState::Applied } else { InstanceState::Unchanged });
    }

    fn approved(&mut self, id: &InstanceId, by: String, cover: &PlanCover) -> Result<(), Impossible> {
        self.run.may_approve(id, &by, cover)?;
        let index = self.expect(id, "Approved", |state| matches!(state, InstanceState::Awaiting(_)))?;
        let InstanceState::Awaiting(awaiting) = &mut self.run.instances[index].state else { return Ok(()) };
        awaiting.approvals.push(Approval { by, at: self.at });
        let awaiting = awaiting.clone();
        if awaiting.missing() == 0 {
            let Awaiting { cover, approvals, .. } = *awaiting;
            self.run.instances[index].approved = Some((cover, approvals));
            self.arrive_all([index]);
        }
        Ok(())
    }

    /// The plan that was saved does not serve any more; the instance keeps its place.
    fn prepare_again(&mut self, index: usize, during: Step) {
        if self.run.stopping {
            return self.finish(index, InstanceState::Interrupted(during));
        }
        let instance = &mut self.run.instances[index];
        instance.state = InstanceState::Preparing;
        self.effects.push(Effect::Prepare(instance.id.clone()));
    }

    fn expect(
        &self,
        id: &InstanceId,
        event: &'static str,
        fits: impl FnOnce(&InstanceState) -> bool,
    ) -> Result<usize, Impossible> {
        let index = self.run.position(id).ok_or_else(|| Impossible::Stranger(id.clone()))?;
        let state = &self.run.instances[index].state;
        if fits(state) {
            Ok(index)
        } else {
            Err(Impossible::Instance { event, instance: id.clone(), state: state.word() })
        }
    }

    fn expect_planning_only(&self, event: &'static str) -> Result<(), Impossible> {
        match self.run.order.mode {
            Mode::Plan => Ok(()),
            Mode::Deliver => Err(Impossible::Run { event, run: "delivers" }),
            Mode::Destroy => Err(Impossible::Run { event, run: "destroys" }),
        }
    }

    /// These instances wait for no other any more.
    fn arrive_all(&mut self, indices: impl IntoIterator<Item = usize>) {
        let mut ended = Vec::new();
        for index in indices {
            if let Some(state) = self.arrive(index) {
                self.end(index, state);
                ended.push(index);
            }
        }
        self.hand_down(ended);
    }

    /// Brings an instance to its end and tells those that wait for it.
    fn finish(&mut self, index: usize, state: InstanceState) {
        self.end(index, state);
        self.hand_down(vec![index]);
    }

    /// Tells those that wait for instances that have ended. Works through them with a list, not by recursion: a chain may be ten thousand
    /// long.
    fn hand_down(&mut self, mut ended: Vec<usize>) {
        while let Some(index) = ended.pop() {
            for below in self.below(index) {
                self.run.open_before[below] -= 1;
                if self.run.instances[below].state != InstanceState::Waiting {
                    continue;
                }
                let is_free = self.run.open_before[below] == 0;
                let end = self.end_after(index, below);
                if let Some(state) = end.or_else(|| if is_free { self.arrive(below) } else { None }) {
                    self.end(below, state);
                    ended.push(below);
                }
            }
        }
    }

    /// Those that wait for an instance: its downstream in the same stage, and its stack in the next.
    fn below(&self, index: usize) -> Vec<usize> {
        let count = self.run.order.stacks.len();
        let first = self.run.stage_of(index) * count;
        let mut below: Vec<_> =
            self.run.downstream[self.run.stack_of(index)].iter().map(|stack| first + stack).collect();
        below.extend(Some(index + count).filter(|next| *next < self.run.instances.len()));
        below
    }

    fn end(&mut self, index: usize, state: InstanceState) {
        let stage = self.run.stage_of(index);
        let key = self.queue_key(index);
        let instance = &mut self.run.instances[index];
        if instance.state.step().is_some() {
            self.run.active -= 1;
        }
        instance.state = state;
        instance.finished = Some(self.at);
        self.run.open -= 1;
        self.run.ready.remove(&key);
        let progress = &mut self.run.stages[stage];
        progress.at_the_door.remove(&index);
        progress.open -= 1;
        if progress.open == 0 {
            self.leave(stage);
        }
    }

    fn leave(&mut self, stage: usize) {
        let progress = &mut self.run.stages[stage];
        let was = std::mem::take(&mut progress.entry);
        progress.standings.clear();
        progress.recovered.clear();
        if was != Entry::Outside {
            self.effects.push(Effect::Leave(self.run.order.stages[stage].environment.clone()));
        }
    }

    /// The end of an instance that waits for one that did not succeed; nothing that others do can mend it. Names the first cause, not the
    /// nearest skipped neighbour.
    fn end_after(&self, index: usize, below: usize) -> Option<InstanceState> {
        let Instance { id, state, .. } = &self.run.instances[index];
        if state.is_success() {
            return None;
        }
        let is_next_stage = self.run.stage_of(index) != self.run.stage_of(below);
        Some(match state {
            InstanceState::Skipped(reason @ (SkipReason::Stopped | SkipReason::Superseded(_))) => {
                InstanceState::Skipped(reason.clone())
            }
            _ if is_next_stage => InstanceState::Skipped(SkipReason::NotProven(id.environment.clone())),
            InstanceState::Skipped(SkipReason::NotProven(_)) => {
                InstanceState::Skipped(SkipReason::Upstream(id.stack.clone()))
            }
            InstanceState::Skipped(reason) => InstanceState::Skipped(reason.clone()),
            InstanceState::Blocked(_) => InstanceState::Blocked([id.stack.clone()].into()),
            _ => InstanceState::Skipped(SkipReason::Upstream(id.stack.clone())),
        })
    }

    /// An instance waits for no other any more: it queues for a place, or waits at its environment's door, or it has nothing to do and ends
    /// with the state that is given.
    fn arrive(&mut self, index: usize) -> Option<InstanceState> {
        let stage = self.run.stage_of(index);
        if self.run.stages[stage].entry != Entry::Inside {
            self.run.stages[stage].at_the_door.insert(index);
            if self.run.stages[stage].entry == Entry::Outside {
                self.run.stages[stage].entry = Entry::Asked;
                self.effects.push(Effect::Enter(self.run.order.stages[stage].environment.clone()));
            }
            return None;
        }
        if self.run.instances[index].state == InstanceState::Waiting {
            if let Some(end) = self.turned_away(index) {
                return Some(end);
            }
            if self.is_at_gates(index) {
                match self.through_the_gates(index, false) {
                    Passage::Refused(refusal) => return Some(InstanceState::Refused(refusal)),
                    Passage::Hold(hold) => {
                        self.run.instances[index].state = InstanceState::Held(hold);
                        return None;
                    }
                    Passage::Ask(_) | Passage::Free => {}
                }
            }
        }
        let key = self.queue_key(index);
        self.run.ready.insert(key);
        None
    }

    /// The end of an instance that has nothing to do here, or may not.
    fn turned_away(&self, index: usize) -> Option<InstanceState> {
        let order = &self.run.order;
        let (stage, stack) = (&order.stages[self.run.stage_of(index)], &order.stacks[self.run.stack_of(index)]);
        if self.run.instances[index].apply_begun {
            return None;
        }
        let is_current = self.is_current(index);
        let may_rest = is_current || stack.only_if_upstream_changes;
        if may_rest && !self.is_behind(index) && !self.upstream_changed(index) {
            let reason = if is_current { SkipReason::Current } else { SkipReason::NothingChanged };
            return Some(InstanceState::Skipped(reason));
        }
        if order.mode == Mode::Plan {
            return None;
        }
        if let Some(before) = stage.after.as_ref().filter(|_| !self.is_proven(index)) {
            return Some(InstanceState::Skipped(SkipReason::NotProven(before.clone())));
        }
        None
    }

    fn standing(&self, stage: usize, stack: &StackName) -> Standing {
        self.run.stages[stage].standings.get(stack).copied().unwrap_or_default()
    }

    /// Whether the ordered release runs there already, with the same settings.
    fn is_current(&self, index: usize) -> bool {
        let order = &self.run.order;
        let (stage, at) = (self.run.stage_of(index), self.run.stack_of(index));
        let stack = &order.stacks[at];
        let standing = self.standing(stage, &stack.stack);
        order.mode == Mode::Deliver
            && !order.again
            && stack.release.is_some()
            && standing.release == stack.release
            && standing.settings.is_some()
            && standing.settings == order.stages[stage].settings.get(at).copied()
            && standing.delivered.is_some()
    }

    /// Whether an output that it reads has changed since it was delivered: an earlier run may have ended before its turn came.
    fn is_behind(&self, index: usize) -> bool {
        let stage = self.run.stage_of(index);
        let stack = &self.run.order.stacks[self.run.stack_of(index)];
        let delivered = self.standing(stage, &stack.stack).delivered;
        stack.upstream.iter().filter(|(_, outputs)| !outputs.is_empty()).any(|(upstream, _)| {
            let changed = self.standing(stage, upstream).outputs_changed;
            changed.is_some_and(|changed| delivered.is_none_or(|then| then < changed))
        })
    }

    /// Whether an output that the instance reads changed in this run.
    fn upstream_changed(&self, index: usize) -> bool {
        let first = self.run.stage_of(index) * self.run.order.stacks.len();
        self.run.order.stacks[self.run.stack_of(index)].upstream.iter().any(|(upstream, read)| {
            let at = self.run.stack_index.get(upstream);
            let changes = at.and_then(|at| self.run.instances[first + at].changes.as_ref());
            changes.is_some_and(|changes| !changes.outputs.is_disjoint(read))
        })
    }

    /// Whether there is evidence that the ordered release succeeded in the stage before: in this run, or in an earlier one.
    fn is_proven(&self, index: usize) -> bool {
        let before = index.checked_sub(self.run.order.stacks.len());
        before.is_some_and(|before| self.run.instances[before].state.is_evidence())
            || self.standing(self.run.stage_of(index), &self.run.order.stacks[self.run.stack_of(index)].stack).proven
    }

    fn queue_key(&self, index: usize) -> (Reverse<usize>, usize) {
        (Reverse(self.run.chain_below[self.run.stack_of(index)]), index)
    }

    fn fill_places(&mut self) {
        while self.run.active < self.run.order.parallelism.max(1) {
            let Some((_, index)) = self.run.ready.pop_first() else { break };
            if self.is_held_up(index) {
                continue;
            }
            self.run.active += 1;
            let instance = &mut self.run.instances[index];
            instance.started.get_or_insert(self.at);
            let (state, effect): (_, fn(InstanceId) -> Effect) = match instance.state {
                InstanceState::Awaiting(_) => (InstanceState::Applying, Effect::Apply),
                InstanceState::Unsettled => (InstanceState::Settling, Effect::Settle),
                _ => (InstanceState::Preparing, Effect::Prepare),
            };
            instance.state = state;
            self.effects.push(effect(instance.id.clone()));
        }
    }

    /// Where only people can go on, no process is needed and no environment is held.
    fn come_to_rest(&mut self) {
        if !self.run.is_resting() {
            return;
        }
        for stage in 0..self.run.stages.len() {
            self.leave(stage);
        }
    }

    /// Nobody knows what the process that is gone has done last.
    fn resume(&mut self) {
        self.run.active = 0;
        self.run.ready.clear();
        for stage in &mut self.run.stages {
            stage.entry = Entry::Outside;
            stage.standings.clear();
            stage.recovered.clear();
            stage.at_the_door.clear();
        }
        let mut again = Vec::new();
        for (index, instance) in self.run.instances.iter_mut().enumerate() {
            let begun = match instance.state {
                // What was being verified is planned again first: it may be other than it was.
                InstanceState::Preparing
                | InstanceState::Planning
                | InstanceState::Verifying
                | InstanceState::Held(_) => {
                    instance.state = InstanceState::Waiting;
                    true
                }
                InstanceState::Applying | InstanceState::Settling | InstanceState::Unsettled => {
                    instance.state = InstanceState::Unsettled;
                    instance.apply_begun = true;
                    true
                }
                InstanceState::Waiting => self.run.open_before[index] == 0,
                InstanceState::Awaiting(ref mut awaiting) => {
                    // Whether time still holds it up is looked at when its turn comes.
                    awaiting.held = None;
                    instance.approved.is_some()
                }
                _ => false,
            };
            if begun {
                again.push(index);
            }
        }
        if std::mem::take(&mut self.run.stopping) {
            self.stop();
        } else {
            self.arrive_all(again);
        }
    }

    fn supersede(&mut self, by: RunId, stacks: &BTreeSet<StackName>, environments: &BTreeSet<EnvironmentName>) {
        let is_theirs = |instance: &Instance| {
            let rests =
                matches!(instance.state, InstanceState::Waiting | InstanceState::Held(_) | InstanceState::Awaiting(_));
            let is_named = stacks.contains(&instance.id.stack) && environments.contains(&instance.id.environment);
            rests && !instance.apply_begun && is_named
        };
        let all = self.run.instances.iter().enumerate();
        let theirs: Vec<_> = all.filter(|(_, instance)| is_theirs(instance)).map(|(index, _)| index).collect();
        for index in &theirs {
            self.end(*index, InstanceState::Skipped(SkipReason::Superseded(by)));
        }
        self.hand_down(theirs);
    }

    fn stop(&mut self) {
        if std::mem::replace(&mut self.run.stopping, true) {
            return;
        }
        for index in 0..self.run.instances.len() {
            match self.run.instances[index].state {
                InstanceState::Waiting | InstanceState::Held(_) | InstanceState::Awaiting(_) => {
                    self.end(index, InstanceState::Skipped(SkipReason::Stopped));
                }
                InstanceState::Unsettled => self.end(index, InstanceState::Interrupted(Step::Apply)),
                ref state if state.step().is_some() => {
                    self.effects.push(Effect::Interrupt(self.run.instances[index].id.clone()));
                }
                _ => {}
            }
        }
    }

    fn abandon(&mut self) {
        self.run.ending = Some(Outcome::Abandoned);
        self.run.stopping = true;
        for index in 0..self.run.instances.len() {
            let state = &self.run.instances[index].state;
            if state.is_final() {
                continue;
            }
            let during = if *state == InstanceState::Unsettled { Some(Step::Apply) } else { state.step() };
            self.end(index, InstanceState::Abandoned(during));
        }
    }

    fn end_if_done(&mut self) {
        if self.run.open == 0 {
            self.run.finished = Some(self.at);
            self.effects.push(Effect::Finish);
        }
    }
}
