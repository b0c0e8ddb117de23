//! Decides what a run does next. Owns the transition table. Never performs effects.

use std::cmp::Reverse;

use super::{Changes, Effect, Event, Instance, InstanceState, Mode, Moment, Run, SkipReason, Step};
use crate::name::StackName;

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
    #[error("{event} cannot happen: {stack} is {state}")]
    Instance {
        /// The event's name.
        event: &'static str,
        /// The instance.
        stack: StackName,
        /// The state's word.
        state: &'static str,
    },
    /// The run has no such instance.
    #[error("{0} takes no part in this run")]
    Stranger(StackName),
}

/// Takes the event into the run and says what is to be done now. The cost of an event grows with the instance's direct neighbours
/// alone, except for `StopRequested` and `Abandoned`, which touch each instance once.
///
/// # Errors
/// [`Impossible`] when the event cannot happen now; the run is lost to the caller then and must be rebuilt from its journal.
pub fn advance(mut run: Run, at: Moment, event: Event) -> Result<(Run, Vec<Effect>), Impossible> {
    let name = event_name(&event);
    if run.finished.is_some() {
        return Err(Impossible::Run { event: name, run: "is over" });
    }
    if run.started.is_none() != matches!(event, Event::Started) {
        let state = if run.started.is_none() { "has not started" } else { "has started" };
        return Err(Impossible::Run { event: name, run: state });
    }
    let mut step = Advance { run: &mut run, at, effects: Vec::new() };
    match event {
        Event::Started => step.start(),
        Event::Prepared { stack, provisional } => step.prepared(&stack, provisional)?,
        Event::InputsUnknown { stack, upstream } => {
            step.expect_planning_only(name)?;
            let index = step.expect(&stack, name, |state| *state == InstanceState::Preparing)?;
            step.finish(index, InstanceState::Blocked(upstream));
        }
        Event::Planned { stack, changes } => step.planned(&stack, changes)?,
        Event::Applied { stack } => {
            let index = step.expect(&stack, name, |state| *state == InstanceState::Applying)?;
            step.finish(index, InstanceState::Applied);
        }
        Event::Failed { stack, failure } => {
            let index = step.expect(&stack, name, |state| state.step().is_some())?;
            step.finish(index, InstanceState::Failed(failure));
        }
        Event::Interrupted { stack } => {
            let index = step.expect(&stack, name, |state| state.step().is_some())?;
            let during = step.run.instances[index].state.step().unwrap_or(Step::Prepare);
            step.finish(index, InstanceState::Interrupted(during));
        }
        Event::StopRequested => step.stop(),
        Event::Abandoned => step.abandon(),
    }
    step.fill_places();
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
    fn start(&mut self) {
        self.run.started = Some(self.at);
        // Collected first: an instance that ends here at once makes others ready on the way.
        let roots: Vec<_> = (0..self.run.instances.len()).filter(|at| self.run.open_upstream[*at] == 0).collect();
        for index in roots {
            match self.end_without_start(index) {
                Some(state) => self.finish(index, state),
                None => self.queue(index),
            }
        }
    }

    fn prepared(&mut self, stack: &StackName, provisional: bool) -> Result<(), Impossible> {
        if provisional {
            // What rests on planned outputs is never applied.
            self.expect_planning_only("Prepared on planned outputs")?;
        }
        let index = self.expect(stack, "Prepared", |state| *state == InstanceState::Preparing)?;
        self.run.instances[index].provisional = provisional;
        if self.run.stopping {
            self.finish(index, InstanceState::Interrupted(Step::Prepare));
        } else {
            self.run.instances[index].state = InstanceState::Planning;
            self.effects.push(Effect::Plan(stack.clone()));
        }
        Ok(())
    }

    fn planned(&mut self, stack: &StackName, changes: Changes) -> Result<(), Impossible> {
        let index = self.expect(stack, "Planned", |state| *state == InstanceState::Planning)?;
        let nothing_to_do = changes.is_empty();
        self.run.instances[index].changes = Some(changes);
        if nothing_to_do {
            self.finish(index, InstanceState::Unchanged);
        } else if self.run.order.mode == Mode::Plan {
            self.finish(index, InstanceState::Planned);
        } else if self.run.stopping {
            self.finish(index, InstanceState::Interrupted(Step::Plan));
        } else {
            self.run.instances[index].state = InstanceState::Applying;
            self.effects.push(Effect::Apply(stack.clone()));
        }
        Ok(())
    }

    fn expect(
        &self,
        stack: &StackName,
        event: &'static str,
        fits: impl FnOnce(&InstanceState) -> bool,
    ) -> Result<usize, Impossible> {
        let index = *self.run.index.get(stack).ok_or_else(|| Impossible::Stranger(stack.clone()))?;
        let state = &self.run.instances[index].state;
        if fits(state) {
            Ok(index)
        } else {
            Err(Impossible::Instance { event, stack: stack.clone(), state: state.word() })
        }
    }

    fn expect_planning_only(&self, event: &'static str) -> Result<(), Impossible> {
        match self.run.order.mode {
            Mode::Plan => Ok(()),
            Mode::Deliver => Err(Impossible::Run { event, run: "delivers" }),
        }
    }

    /// Brings an instance to its end and tells those downstream. Works through them with a list, not by recursion: a chain may be
    /// ten thousand long.
    fn finish(&mut self, index: usize, state: InstanceState) {
        if self.run.instances[index].state.step().is_some() {
            self.run.active -= 1;
        }
        self.end(index, state);
        let mut ended = vec![index];
        while let Some(index) = ended.pop() {
            for below in self.run.downstream[index].clone() {
                self.run.open_upstream[below] -= 1;
                if self.run.instances[below].state != InstanceState::Waiting {
                    continue;
                }
                if let Some(state) = self.end_after(index).or_else(|| self.end_without_start(below)) {
                    self.end(below, state);
                    ended.push(below);
                } else if self.run.open_upstream[below] == 0 {
                    self.queue(below);
                }
            }
        }
    }

    fn end(&mut self, index: usize, state: InstanceState) {
        let instance = &mut self.run.instances[index];
        instance.state = state;
        instance.finished = Some(self.at);
        self.run.open -= 1;
    }

    /// The end of all that is directly below an instance that did not succeed; nothing that their other upstream does can mend
    /// it. Names the first cause, not the nearest skipped neighbour.
    fn end_after(&self, index: usize) -> Option<InstanceState> {
        let Instance { stack, state, .. } = &self.run.instances[index];
        match state {
            state if state.is_success() => None,
            InstanceState::Skipped(reason) => Some(InstanceState::Skipped(reason.clone())),
            InstanceState::Blocked(_) => Some(InstanceState::Blocked([stack.clone()].into())),
            _ => Some(InstanceState::Skipped(SkipReason::Upstream(stack.clone()))),
        }
    }

    /// The end of an instance that has nothing to do, once that is certain. (Nothing waits any more when the run is being stopped:
    /// the stop has skipped it.)
    fn end_without_start(&self, index: usize) -> Option<InstanceState> {
        let is_certain = self.run.open_upstream[index] == 0;
        let only_if_changed = self.run.order.instances[index].only_if_upstream_changes;
        (is_certain && only_if_changed && !self.upstream_changed(index))
            .then_some(InstanceState::Skipped(SkipReason::NothingChanged))
    }

    /// Whether an output that the instance reads changed in this run.
    fn upstream_changed(&self, index: usize) -> bool {
        self.run.order.instances[index].upstream.iter().any(|(upstream, read)| {
            let changes = self.run.instance(upstream.as_str()).and_then(|instance| instance.changes.as_ref());
            changes.is_some_and(|changes| !changes.outputs.is_disjoint(read))
        })
    }

    /// An instance's upstream is done: it waits for a place.
    fn queue(&mut self, index: usize) {
        self.run.ready.insert((Reverse(self.run.chain_below[index]), index));
    }

    fn fill_places(&mut self) {
        while self.run.active < self.run.order.parallelism.max(1) {
            let Some((_, index)) = self.run.ready.pop_first() else { break };
            let instance = &mut self.run.instances[index];
            instance.state = InstanceState::Preparing;
            instance.started = Some(self.at);
            self.run.active += 1;
            self.effects.push(Effect::Prepare(instance.stack.clone()));
        }
    }

    fn stop(&mut self) {
        if std::mem::replace(&mut self.run.stopping, true) {
            return;
        }
        self.run.ready.clear();
        for instance in &mut self.run.instances {
            match instance.state {
                InstanceState::Waiting => {
                    instance.state = InstanceState::Skipped(SkipReason::Stopped);
                    instance.finished = Some(self.at);
                    self.run.open -= 1;
                }
                InstanceState::Preparing | InstanceState::Planning | InstanceState::Applying => {
                    self.effects.push(Effect::Interrupt(instance.stack.clone()));
                }
                _ => {}
            }
        }
    }

    fn abandon(&mut self) {
        self.run.abandoned = true;
        self.run.stopping = true;
        self.run.ready.clear();
        self.run.active = 0;
        self.run.open = 0;
        for instance in self.run.instances.iter_mut().filter(|instance| !instance.state.is_final()) {
            instance.state = InstanceState::Abandoned(instance.state.step());
            instance.finished = Some(self.at);
        }
    }

    fn end_if_done(&mut self) {
        if self.run.open == 0 {
            self.run.finished = Some(self.at);
            self.effects.push(Effect::Finish);
        }
    }
}

fn event_name(event: &Event) -> &'static str {
    match event {
        Event::Started => "Started",
        Event::Prepared { .. } => "Prepared",
        Event::InputsUnknown { .. } => "InputsUnknown",
        Event::Planned { .. } => "Planned",
        Event::Applied { .. } => "Applied",
        Event::Failed { .. } => "Failed",
        Event::Interrupted { .. } => "Interrupted",
        Event::StopRequested => "StopRequested",
        Event::Abandoned => "Abandoned",
    }
}
