//! The spans of a run, from its journal: which step of which instance was done when. Follows the run through `advance`; decides nothing of
//! it.

use super::{LaneId, Recording, Span, SpanKind, SpanOutcome};
use crate::run::{Effect, Event, Impossible, InstanceId, InstanceState, Mode, Moment, Order, Run, Step, advance};

/// The spans of a run that is told event by event.
#[derive(Debug, Clone)]
pub struct RunSpans {
    run: Run,
    /// Of each instance, in the run's sequence: what is over.
    spans: Vec<Vec<Span>>,
    /// What goes on: its kind, and since when.
    open: Vec<Option<(SpanKind, Moment)>>,
    last: Option<Moment>,
}

impl RunSpans {
    /// A run that has not started.
    pub fn new(order: Order) -> Self {
        let run = Run::new(order);
        let count = run.instances().len();
        Self { run, spans: vec![Vec::new(); count], open: vec![None; count], last: None }
    }

    /// The run.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// When the last thing happened.
    pub fn last(&self) -> Option<Moment> {
        self.last
    }

    /// Takes in the next event.
    ///
    /// # Errors
    /// [`Impossible`] when it does not follow from those before.
    pub fn take(mut self, at: Moment, event: Event) -> Result<Self, Impossible> {
        let last = self.last.unwrap_or(at);
        let happened = event.instance().cloned().map(|instance| (instance, Ending::of(&event)));
        if event == Event::Resumed {
            self.cut_off(last);
        }
        let until = if event == Event::Abandoned { last } else { at };
        let (run, effects) = advance(self.run, at, event)?;
        self.run = run;
        match happened {
            Some((instance, ending)) => self.ended(&instance, ending, at),
            None => self.end_with_the_run(until),
        }
        for instance in effects.iter().filter_map(begins) {
            if let Some(index) = self.run.position(instance)
                && let Some(step) = self.run.instances()[index].state.step()
            {
                self.open[index] = Some((kind(self.run.order().mode, step), at));
            }
        }
        self.last = Some(at);
        Ok(self)
    }

    /// Adds the run to a recording: a lane for each instance, in groups named after the stages, or all in the group that is given. `is_gone`:
    /// no process drives the run any more; what was at work was cut off at the latest after the last entry, and is shown to end there.
    pub fn record(&self, into: &mut Recording, group: Option<&str>, is_gone: bool) {
        [self.run.started(), self.run.finished()].into_iter().flatten().for_each(|at| into.reach(at));
        let run = if is_gone { self.run.clone().cut_off() } else { self.run.clone() };
        let mut lanes: Vec<LaneId> = Vec::with_capacity(self.spans.len());
        for (index, instance) in run.instances().iter().enumerate() {
            let stage = run.order().stages.iter().find(|stage| stage.environment == instance.id.environment);
            let group = group.or(stage.map(|stage| stage.stage.as_str())).unwrap_or_default();
            let upstream = self.upstream(index).into_iter().filter_map(|at| lanes.get(at).copied());
            let lane = into.lane(&instance.id.to_string(), group, upstream);
            self.spans[index].iter().for_each(|span| into.span(lane, span.clone()));
            if let Some((kind, begin)) = self.open[index] {
                let was_cut_off = is_gone && kind != SpanKind::People;
                let outcome = if was_cut_off { SpanOutcome::Interrupted } else { SpanOutcome::Open };
                let end = self.last.filter(|_| was_cut_off);
                into.span(lane, Span { name: kind.as_str().to_owned(), kind, begin, end, outcome });
            }
            into.outcome(lane, outcome(&instance.state), instance.state.word());
            lanes.push(lane);
        }
    }

    /// The positions of what an instance waits for: its upstream in the same stage, and its stack in the stage before.
    fn upstream(&self, index: usize) -> Vec<usize> {
        let order = self.run.order();
        let count = order.stacks.len();
        let environment = &self.run.instances()[index].id.environment;
        let named = order.stacks[index % count].upstream.keys().filter_map(|stack| {
            self.run.position(&InstanceId { environment: environment.clone(), stack: stack.clone() })
        });
        named.chain(index.checked_sub(count)).collect()
    }

    fn ended(&mut self, instance: &InstanceId, ending: Ending, at: Moment) {
        let Some(index) = self.run.position(instance) else { return };
        let one = &self.run.instances()[index];
        let waits_for_people = matches!(one.state, InstanceState::Awaiting(_)) && one.approved().is_none();
        match ending {
            // One approval of several: people are still waited for.
            Ending::Approval if waits_for_people => {}
            Ending::Approval => self.close(index, at, SpanOutcome::Succeeded),
            Ending::Of(outcome) => self.close(index, at, outcome),
        }
        if waits_for_people {
            self.open[index].get_or_insert((SpanKind::People, at));
        }
    }

    /// Something happened to the run as a whole: what was going on in instances that came to their end with it is over.
    fn end_with_the_run(&mut self, at: Moment) {
        for index in 0..self.open.len() {
            let state = &self.run.instances()[index].state;
            if self.open[index].is_some() && state.is_final() {
                self.close(index, at, outcome(state));
            }
        }
    }

    /// The process is gone: nobody knows when it died, only that it lived at its last entry. People may decide all the same.
    fn cut_off(&mut self, at: Moment) {
        for index in 0..self.open.len() {
            if self.open[index].is_some_and(|(kind, _)| kind != SpanKind::People) {
                self.close(index, at, SpanOutcome::Interrupted);
            }
        }
    }

    fn close(&mut self, index: usize, at: Moment, outcome: SpanOutcome) {
        if let Some((kind, begin)) = self.open[index].take() {
            self.spans[index].push(Span { name: kind.as_str().to_owned(), kind, begin, end: Some(at), outcome });
        }
    }
}

/// How an event of an instance ends what goes on.
#[derive(Debug, Clone, Copy)]
enum Ending {
    /// So.
    Of(SpanOutcome),
    /// Well, if no other approval is needed.
    Approval,
}

impl Ending {
    fn of(event: &Event) -> Self {
        match event {
            Event::Approved { .. } => Self::Approval,
            Event::Failed { .. } | Event::Rejected { .. } => Self::Of(SpanOutcome::Failed),
            Event::Interrupted { .. } => Self::Of(SpanOutcome::Interrupted),
            Event::InputsUnknown { .. } | Event::Stale { .. } => Self::Of(SpanOutcome::Skipped),
            _ => Self::Of(SpanOutcome::Succeeded),
        }
    }
}

/// The instance that begins a step with this effect.
fn begins(effect: &Effect) -> Option<&InstanceId> {
    match effect {
        Effect::Prepare(instance)
        | Effect::Plan(instance)
        | Effect::Apply(instance)
        | Effect::Verify(instance)
        | Effect::Settle(instance) => Some(instance),
        Effect::Enter(_) | Effect::Leave(_) | Effect::Interrupt(_) | Effect::Finish => None,
    }
}

fn kind(mode: Mode, step: Step) -> SpanKind {
    match step {
        Step::Apply if mode == Mode::Destroy => SpanKind::Destroy,
        Step::Prepare => SpanKind::Prepare,
        Step::Plan => SpanKind::Plan,
        Step::Apply => SpanKind::Apply,
        Step::Settle => SpanKind::Settle,
        Step::Verify => SpanKind::Verify,
    }
}

fn outcome(state: &InstanceState) -> SpanOutcome {
    match state {
        state if !state.is_final() => SpanOutcome::Open,
        InstanceState::Skipped(_) | InstanceState::Blocked(_) => SpanOutcome::Skipped,
        InstanceState::Interrupted(_) | InstanceState::Abandoned(_) => SpanOutcome::Interrupted,
        state if state.is_success() => SpanOutcome::Succeeded,
        _ => SpanOutcome::Failed,
    }
}
