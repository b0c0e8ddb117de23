//! A driver without a world: answers effects by the scenario, and holds each effect against the rules of a run when it comes.

use std::collections::{BTreeMap, BTreeSet};

use terrace_domain::name::StackName;
use terrace_domain::run::{
    Changes, Effect, Event, Failure, InstanceState, Mode, Moment, Run, SkipReason, Step, advance,
};

use super::scenario::{Fate, Scenario, name, outputs, position};

/// Above this many instances a look at all of them after each event would take too long.
const LOOK_AT_ALL_MAX: usize = 60;

/// A run that came to its end, and all that led there.
pub(crate) struct Simulated {
    pub(crate) run: Run,
    pub(crate) journal: Vec<(Moment, Event)>,
    pub(crate) effects: Vec<Vec<Effect>>,
}

impl Simulated {
    /// The state of the part at a position.
    pub(crate) fn state(&self, at: usize) -> &InstanceState {
        &self.run.instances()[at].state
    }

    /// The stacks in the sequence in which they were started.
    pub(crate) fn starts(&self) -> Vec<&StackName> {
        let effects = self.effects.iter().flatten();
        effects.filter_map(|effect| if let Effect::Prepare(stack) = effect { Some(stack) } else { None }).collect()
    }
}

/// Runs a scenario to its end.
pub(crate) fn simulate(scenario: &Scenario) -> Simulated {
    let mut simulation = Simulation::of(scenario);
    simulation.feed(&Event::Started);
    let mut answers = 0;
    while simulation.run().finished().is_none() {
        if scenario.abandon_after == Some(answers) {
            simulation.feed(&Event::Abandoned);
        } else if scenario.stop_after == Some(answers) && !simulation.stopped {
            simulation.feed(&Event::StopRequested);
        } else {
            let answer = simulation.next_answer(answers);
            simulation.feed(&answer);
            answers += 1;
        }
    }
    simulation.end()
}

struct Simulation<'s> {
    scenario: &'s Scenario,
    /// `None` only while an event is taken in.
    run: Option<Run>,
    at_work: Vec<(StackName, Step)>,
    begun: BTreeSet<StackName>,
    interrupted: BTreeSet<StackName>,
    changes: BTreeMap<StackName, Changes>,
    stopped: bool,
    finishes: usize,
    journal: Vec<(Moment, Event)>,
    effects: Vec<Vec<Effect>>,
}

impl<'s> Simulation<'s> {
    fn of(scenario: &'s Scenario) -> Self {
        Self {
            scenario,
            run: Some(Run::new(scenario.order())),
            at_work: Vec::new(),
            begun: BTreeSet::new(),
            interrupted: BTreeSet::new(),
            changes: BTreeMap::new(),
            stopped: false,
            finishes: 0,
            journal: Vec::new(),
            effects: Vec::new(),
        }
    }

    fn run(&self) -> &Run {
        self.run.as_ref().expect("no event is being taken in")
    }

    fn feed(&mut self, event: &Event) {
        let at = Moment(1_000 + i64::try_from(self.journal.len()).expect("few events"));
        self.journal.push((at, event.clone()));
        let run = self.run.take().expect("no event is being taken in");
        let (run, effects) = advance(run, at, event.clone()).expect("a driver's answers are possible");
        self.run = Some(run);
        if *event == Event::StopRequested {
            self.stopped = true;
            let asked: BTreeSet<_> = effects.iter().filter_map(interrupted).collect();
            let wanted: BTreeSet<_> = self.at_work.iter().map(|(stack, _)| stack).collect();
            assert_eq!(asked, wanted, "a stop interrupts what is at work");
        }
        if *event == Event::Abandoned {
            self.at_work.clear();
        }
        for effect in &effects {
            self.perform(effect);
        }
        self.effects.push(effects);
        self.check_places();
    }

    fn perform(&mut self, effect: &Effect) {
        assert_eq!(self.finishes, 0, "nothing comes after Finish");
        match effect {
            Effect::Prepare(stack) => {
                assert!(self.begun.insert(stack.clone()), "{stack} starts once");
                for upstream in self.scenario.parts[position(stack)].upstream.keys() {
                    let state = &self.run().instances()[*upstream].state;
                    assert!(state.is_final() && state.is_success(), "{stack} starts while s{upstream} is {state:?}");
                }
                self.begin(stack, Step::Prepare);
            }
            Effect::Plan(stack) => {
                assert!(matches!(self.last_event(), Event::Prepared { stack: prepared, .. } if prepared == stack));
                self.begin(stack, Step::Plan);
            }
            Effect::Apply(stack) => {
                assert_eq!(self.scenario.mode, Mode::Deliver, "a run that only plans applies nothing");
                assert!(matches!(self.last_event(), Event::Planned { stack: planned, .. } if planned == stack));
                assert!(!self.changes[stack].is_empty(), "an empty plan is not applied");
                let instance = self.run().instance(stack.as_str()).expect("it takes part");
                assert!(!instance.provisional, "nothing provisional is applied");
                self.begin(stack, Step::Apply);
            }
            Effect::Interrupt(stack) => {
                assert_eq!(self.last_event(), &Event::StopRequested);
                assert!(self.interrupted.insert(stack.clone()), "{stack} is interrupted once");
            }
            Effect::Finish => {
                self.finishes += 1;
                assert!(self.at_work.is_empty(), "the run ends while {:?} are at work", self.at_work);
            }
        }
    }

    fn begin(&mut self, stack: &StackName, step: Step) {
        assert!(!self.stopped, "{stack} begins a step after the stop");
        assert!(self.at_work.iter().all(|(other, _)| other != stack), "{stack} is at two steps at once");
        self.at_work.push((stack.clone(), step));
        assert!(self.at_work.len() <= self.scenario.parallelism, "{:?} are at work", self.at_work);
    }

    fn last_event(&self) -> &Event {
        &self.journal.last().expect("effects come from events").1
    }

    /// What is at work is what the run says; and no place stays empty while an instance could take it.
    fn check_places(&self) {
        if self.scenario.parts.len() > LOOK_AT_ALL_MAX {
            return;
        }
        let instances = self.run().instances();
        for (at, instance) in instances.iter().enumerate() {
            let step = self.at_work.iter().find(|(stack, _)| *stack == instance.stack).map(|(_, step)| *step);
            assert_eq!(instance.state.step(), step, "{}", instance.stack);
            if self.at_work.len() < self.scenario.parallelism && instance.state == InstanceState::Waiting {
                let mut upstream = self.scenario.parts[at].upstream.keys();
                assert!(upstream.any(|up| !instances[*up].state.is_final()), "{} waits for nothing", instance.stack);
            }
        }
    }

    /// Ends one of the steps at work, as the scenario has it.
    fn next_answer(&mut self, answers: usize) -> Event {
        let pick = usize::from(self.scenario.picks[answers % self.scenario.picks.len()]);
        assert!(!self.at_work.is_empty(), "the run goes on, and nothing is at work: it would never end");
        let (stack, step) = self.at_work.swap_remove(pick % self.at_work.len());
        // An interrupt may come too late: then the step ends as it would have.
        if self.interrupted.contains(&stack) && (pick / 8) % 3 > 0 {
            return Event::Interrupted { stack };
        }
        let fate = self.scenario.parts[position(&stack)].fate;
        match (step, fate) {
            (Step::Prepare, Fate::InputsUnknown) if self.scenario.mode == Mode::Plan => {
                Event::InputsUnknown { stack, upstream: [name(0)].into() }
            }
            (Step::Prepare, Fate::PrepareFails | Fate::InputsUnknown)
            | (Step::Plan, Fate::PlanFails)
            | (Step::Apply, Fate::ApplyFails) => Event::Failed { stack, failure: failure(step) },
            (Step::Prepare, _) => {
                let provisional = self.rests_on_planned_outputs(&stack);
                Event::Prepared { stack, provisional }
            }
            (Step::Plan, fate) => {
                let changes = changes(fate);
                self.changes.insert(stack.clone(), changes.clone());
                Event::Planned { stack, changes }
            }
            (Step::Apply, _) => Event::Applied { stack },
        }
    }

    fn rests_on_planned_outputs(&self, stack: &StackName) -> bool {
        let instances = self.run().instances();
        let upstream = &self.scenario.parts[position(stack)].upstream;
        upstream.iter().any(|(up, reads)| *reads && instances[*up].state == InstanceState::Planned)
    }

    fn end(mut self) -> Simulated {
        let run = self.run.take().expect("no event is being taken in");
        assert_eq!(self.finishes, 1, "the run finishes once");
        for instance in run.instances() {
            assert!(instance.state.is_final(), "{instance:?} at the end");
            assert_eq!(instance.started.is_some(), self.begun.contains(&instance.stack));
            assert!(instance.finished >= instance.started && instance.finished.is_some());
            if instance.state == InstanceState::Skipped(SkipReason::Stopped) {
                assert!(self.stopped, "{} was skipped by a stop that nobody asked for", instance.stack);
            }
        }
        Simulated { run, journal: self.journal, effects: self.effects }
    }
}

fn interrupted(effect: &Effect) -> Option<&StackName> {
    if let Effect::Interrupt(stack) = effect { Some(stack) } else { None }
}

/// What the plan of an instance is to change.
pub(crate) fn changes(fate: Fate) -> Changes {
    let any = fate != Fate::NothingToChange;
    Changes { add: u64::from(any), outputs: outputs(fate == Fate::ChangesOutput), ..Changes::default() }
}

/// A failure of a step.
pub(crate) fn failure(step: Step) -> Failure {
    Failure { step, summary: "it did not work".to_owned(), diagnostics: Vec::new(), help: None }
}
