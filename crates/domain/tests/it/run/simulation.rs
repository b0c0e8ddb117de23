//! A driver without a world: answers effects by the scenario, and holds each effect against the rules of a run when it comes.

use std::collections::{BTreeMap, BTreeSet};

use terrace_domain::digest::Digest;
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::run::{
    ChangeRecord, Changes, Effect, Event, Failure, InstanceId, InstanceState, Mode, Moment, PlanCover, Run, RunId,
    SkipReason, Step, advance,
};

use super::scenario::{Barrier, Fate, Scenario, environment, name, outputs, position, release};

/// Above this many instances a look at all of them after each event would take too long.
const LOOK_AT_ALL_MAX: usize = 120;

/// A run that came to its end, and all that led there.
pub(crate) struct Simulated {
    pub(crate) run: Run,
    pub(crate) journal: Vec<(Moment, Event)>,
    pub(crate) effects: Vec<Vec<Effect>>,
}

impl Simulated {
    /// The state of the instance at a position.
    pub(crate) fn state(&self, at: usize) -> &InstanceState {
        &self.run.instances()[at].state
    }

    /// The stacks in the sequence in which they were started.
    pub(crate) fn starts(&self) -> Vec<&StackName> {
        let effects = self.effects.iter().flatten();
        effects.filter_map(|effect| if let Effect::Prepare(id) = effect { Some(&id.stack) } else { None }).collect()
    }
}

/// Runs a scenario to its end.
pub(crate) fn simulate(scenario: &Scenario) -> Simulated {
    let mut simulation = Simulation::of(scenario);
    simulation.feed(&Event::Started);
    let (mut answers, mut superseded, mut crashes) = (0, false, scenario.crash_after.clone());
    while simulation.run().finished().is_none() {
        if scenario.abandon_after == Some(answers) {
            simulation.feed(&Event::Abandoned);
        } else if crashes.remove(&answers) {
            simulation.crash();
        } else if scenario.stop_after == Some(answers) && !simulation.stopped {
            simulation.feed(&Event::StopRequested);
        } else if scenario.supersede_after == Some(answers) && !std::mem::replace(&mut superseded, true) {
            let stacks = (0..scenario.parts.len()).step_by(2).map(name).collect();
            let environments = (0..scenario.stages.len()).map(environment).collect();
            simulation.feed(&Event::Superseded { by: RunId(99), stacks, environments });
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
    at_work: Vec<(InstanceId, Step)>,
    asked: BTreeSet<EnvironmentName>,
    inside: BTreeSet<EnvironmentName>,
    begun: BTreeSet<InstanceId>,
    /// Applies that nobody saw the end of: nothing may be done there before they are settled.
    unsettled: BTreeSet<InstanceId>,
    interrupted: BTreeSet<InstanceId>,
    planned: BTreeMap<InstanceId, (Changes, PlanCover)>,
    /// What was applied to the end, or planned with nothing to change, since it was last prepared.
    current: BTreeSet<InstanceId>,
    verified: BTreeSet<InstanceId>,
    approvals: BTreeMap<InstanceId, (PlanCover, BTreeSet<String>)>,
    /// How often a saved plan did not serve any more.
    stale: usize,
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
            asked: BTreeSet::new(),
            inside: BTreeSet::new(),
            begun: BTreeSet::new(),
            unsettled: BTreeSet::new(),
            interrupted: BTreeSet::new(),
            planned: BTreeMap::new(),
            current: BTreeSet::new(),
            verified: BTreeSet::new(),
            approvals: BTreeMap::new(),
            stale: 0,
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
        assert!(self.journal.len() < 1_000_000, "the run never ends");
        let run = self.run.take().expect("no event is being taken in");
        let (run, effects) = advance(run, at, event.clone()).expect("a driver's answers are possible");
        self.run = Some(run);
        if *event == Event::StopRequested {
            self.stopped = true;
            let asked: BTreeSet<_> = effects.iter().filter_map(interrupted).collect();
            let wanted: BTreeSet<_> = self.at_work.iter().map(|(id, _)| id).collect();
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

    /// The process dies; another takes the run up.
    fn crash(&mut self) {
        let applying = self.at_work.iter().filter(|(_, step)| matches!(step, Step::Apply | Step::Settle));
        self.unsettled.extend(applying.map(|(id, _)| id.clone()));
        self.at_work.clear();
        self.asked.clear();
        self.inside.clear();
        self.interrupted.clear();
        self.feed(&Event::Resumed);
    }

    fn perform(&mut self, effect: &Effect) {
        assert_eq!(self.finishes, 0, "nothing comes after Finish");
        match effect {
            Effect::Enter(environment) => {
                assert!(!self.inside.contains(environment), "{environment} is entered once at a time");
                assert!(self.asked.insert(environment.clone()), "{environment} is asked for once");
            }
            Effect::Leave(environment) => {
                assert!(self.asked.remove(environment) || self.inside.remove(environment), "{environment} is held");
                assert!(self.at_work.iter().all(|(id, _)| id.environment != *environment), "nobody is at work there");
            }
            Effect::Prepare(id) => {
                self.begun.insert(id.clone());
                self.current.remove(id);
                self.check_upstream(id);
                self.begin(id, Step::Prepare);
            }
            Effect::Plan(id) => {
                assert!(matches!(self.last_event(), Event::Prepared { instance, .. } if instance == id));
                self.begin(id, Step::Plan);
            }
            Effect::Apply(id) => {
                assert!(self.scenario.mode.applies(), "a run that only plans applies nothing");
                self.check_upstream(id);
                self.check_evidence(id);
                self.check_approval(id);
                assert!(!self.planned[id].0.is_empty(), "an empty plan is not applied");
                assert!(!self.run().instance(id).expect("it takes part").provisional, "nothing provisional is applied");
                self.begin(id, Step::Apply);
            }
            Effect::Verify(id) => {
                assert_eq!(self.scenario.mode, Mode::Deliver, "what is only planned is not verified");
                assert!(self.scenario.parts[position(&id.stack)].verifies, "{id} has nothing to verify");
                self.check_current(id);
                self.begin(id, Step::Verify);
            }
            Effect::Settle(id) => {
                assert!(self.unsettled.contains(id), "{id} was being applied");
                self.begin(id, Step::Settle);
            }
            Effect::Interrupt(id) => {
                assert!(matches!(self.last_event(), Event::StopRequested | Event::Cancelled { .. }));
                assert!(self.interrupted.insert(id.clone()), "{id} is interrupted once");
            }
            Effect::Finish => {
                self.finishes += 1;
                assert!(self.at_work.is_empty(), "the run ends while {:?} are at work", self.at_work);
                assert!(self.asked.is_empty() && self.inside.is_empty(), "every environment is let go");
            }
        }
    }

    fn stage(&self, id: &InstanceId) -> usize {
        (0..self.scenario.stages.len()).find(|at| environment(*at) == id.environment).expect("a stage")
    }

    fn state_of(&self, stage: usize, part: usize) -> &InstanceState {
        &self.run().instances()[stage * self.scenario.parts.len() + part].state
    }

    fn check_upstream(&self, id: &InstanceId) {
        let stage = self.stage(id);
        for upstream in self.scenario.parts[position(&id.stack)].upstream.keys() {
            let state = self.state_of(stage, *upstream);
            assert!(state.is_final() && state.is_success(), "{id} goes on while s{upstream} is {state:?}");
        }
    }

    /// Only what runs as ordered is verified: after its apply, or after a plan that finds nothing to change.
    fn check_current(&self, id: &InstanceId) {
        assert!(self.current.contains(id), "{id} is verified before it is as ordered");
    }

    /// Never a release in a stage without evidence from the one before.
    fn check_evidence(&self, id: &InstanceId) {
        let Some(before) = self.stage(id).checked_sub(1) else { return };
        let standing = self.scenario.standings(before + 1).get(&id.stack).copied().unwrap_or_default();
        let state = self.state_of(before, position(&id.stack));
        assert!(standing.proven || state.is_evidence(), "{id} is applied without evidence: {state:?} before");
    }

    /// Never an apply before the release has run long enough in the stage before.
    fn check_soak(&self, id: &InstanceId) {
        let before = self.stage(id) - 1;
        let there = self.scenario.standings(before + 1).get(&id.stack).and_then(|standing| standing.before_since);
        let in_this_run =
            self.run().instance(&InstanceId { environment: environment(before), stack: id.stack.clone() });
        let since =
            there.or_else(|| in_this_run.and_then(|instance| instance.finished)).expect("it runs in the stage before");
        let now = self.journal.last().expect("effects come from events").0;
        assert!(self.begun.contains(id) || now.millis_since(since) >= super::scenario::SOAKS_MS, "{id} has not soaked");
    }

    /// Never an apply of what people must approve before enough different people have, and of exactly that.
    fn check_approval(&self, id: &InstanceId) {
        let count = match self.scenario.stages[self.stage(id)] {
            Barrier::Approvals(count) => count,
            Barrier::ApprovalAndWindow => 1,
            Barrier::Soak if self.stage(id) > 0 => return self.check_soak(id),
            _ => return,
        };
        if self.scenario.stages[self.stage(id)] == Barrier::ApprovalAndWindow && !self.begun.contains(id) {
            let now = self.journal.last().expect("effects come from events").0;
            assert!(now >= super::scenario::OPENS, "{id} is applied while the window is closed");
        }
        let (cover, people) = &self.approvals[id];
        assert!(people.len() >= count as usize, "{id} is applied with the approvals of {people:?}");
        let (_, planned) = &self.planned[id];
        let rest_of_it = planned.is_rest_of(cover);
        assert!(
            rest_of_it
                && PlanCover { serial: None, changes: cover.changes.clone(), ..planned.clone() }
                    == PlanCover { serial: None, ..cover.clone() },
            "{id}: what is applied is what was approved"
        );
    }

    fn begin(&mut self, id: &InstanceId, step: Step) {
        assert!(!self.stopped, "{id} begins a step after the stop");
        assert!(self.inside.contains(&id.environment), "{id} begins a step outside of its environment");
        assert!(step == Step::Settle || !self.unsettled.contains(id), "{id} is not settled");
        assert!(self.at_work.iter().all(|(other, _)| other != id), "{id} is at two steps at once");
        self.at_work.push((id.clone(), step));
        assert!(self.at_work.len() <= self.scenario.parallelism, "{:?} are at work", self.at_work);
    }

    fn last_event(&self) -> &Event {
        &self.journal.last().expect("effects come from events").1
    }

    /// What is at work is what the run says; and no place stays empty while an instance could take it.
    fn check_places(&self) {
        let instances = self.run().instances();
        if instances.len() > LOOK_AT_ALL_MAX {
            return;
        }
        for instance in instances {
            let step = self.at_work.iter().find(|(id, _)| *id == instance.id).map(|(_, step)| *step);
            assert_eq!(instance.state.step(), step, "{}", instance.id);
            let is_open = !instance.state.is_final() && step.is_none();
            let waits = self.run().waits_for(&instance.id);
            assert_eq!(is_open, !waits.is_empty(), "{}: {:?} waits for {waits:?}", instance.id, instance.state);
            if self.at_work.len() < self.scenario.parallelism && self.inside.contains(&instance.id.environment) {
                let is_told = waits.iter().any(|wait| matches!(wait, terrace_domain::run::WaitsFor::Place));
                assert!(!is_told, "{} waits for a place, and there is one", instance.id);
            }
        }
    }

    fn next_answer(&mut self, answers: usize) -> Event {
        let pick = usize::from(self.scenario.picks[answers % self.scenario.picks.len()]);
        if let Some(environment) = self.asked.pop_first() {
            self.inside.insert(environment.clone());
            let stage = (0..self.scenario.stages.len()).find(|at| super::scenario::environment(*at) == environment);
            let standings = self.scenario.standings(stage.expect("a stage"));
            return Event::Entered { environment, standings, recovered: BTreeMap::new() };
        }
        if self.at_work.is_empty() {
            assert!(self.run().is_resting(), "the run goes on, and nothing is at work: it would never end");
            assert!(self.inside.is_empty(), "a run that rests holds no environment");
            let held = self.run().held().count();
            let awaiting = self.run().awaiting().filter(|(_, awaiting)| awaiting.held.is_none()).count();
            // Time passes with every event.
            if held > 0 && (awaiting == 0 || pick.is_multiple_of(2)) {
                return Event::Due;
            }
            return self.decide(pick);
        }
        let (id, step) = self.at_work.swap_remove(pick % self.at_work.len());
        self.answer(id, step, pick)
    }

    /// A person decides about one of the plans that wait.
    fn decide(&mut self, pick: usize) -> Event {
        let awaiting: Vec<_> = self
            .run()
            .awaiting()
            .filter(|(_, awaiting)| awaiting.held.is_none())
            .map(|(instance, awaiting)| (instance.id.clone(), awaiting.clone()))
            .collect();
        let (instance, awaiting) = awaiting[pick % awaiting.len()].clone();
        if self.scenario.is_moody && pick.is_multiple_of(7) {
            return Event::Rejected { instance, by: "ada".to_owned(), reason: String::new() };
        }
        let by = format!("person {}", awaiting.approvals.len());
        if let Some(approval) = awaiting.approvals.first() {
            assert!(self.run().may_approve(&instance, &approval.by, &awaiting.cover).is_err(), "twice does not count");
        }
        self.run().may_approve(&instance, &by, &awaiting.cover).expect("everybody may approve");
        let known = self.approvals.entry(instance.clone()).or_insert_with(|| (awaiting.cover.clone(), BTreeSet::new()));
        if known.0 != awaiting.cover {
            *known = (awaiting.cover.clone(), BTreeSet::new());
        }
        known.1.insert(by.clone());
        Event::Approved { instance, by, reason: String::new(), cover: Box::new(awaiting.cover) }
    }

    /// Ends a step, as the scenario has it.
    fn answer(&mut self, instance: InstanceId, step: Step, pick: usize) -> Event {
        // An interrupt may come too late: then the step ends as it would have.
        if self.interrupted.contains(&instance) && !(pick / 8).is_multiple_of(3) {
            return Event::Interrupted { instance };
        }
        let fate = self.scenario.parts[position(&instance.stack)].fate;
        match (step, fate) {
            (Step::Settle, _) => {
                self.unsettled.remove(&instance);
                Event::Settled { instance }
            }
            (Step::Prepare, Fate::InputsUnknown) if self.scenario.mode == Mode::Plan => {
                Event::InputsUnknown { instance, upstream: [name(0)].into() }
            }
            (Step::Prepare, Fate::PrepareFails | Fate::InputsUnknown)
            | (Step::Plan, Fate::PlanFails)
            | (Step::Apply, Fate::ApplyFails) => Event::Failed { instance, failure: failure(step) },
            (Step::Prepare, _) => {
                let provisional = self.rests_on_planned_outputs(&instance);
                Event::Prepared { instance, provisional }
            }
            (Step::Plan, fate) => {
                let changes = changes(fate);
                // Made again, the plan is another one now and then.
                let seed = if self.scenario.is_moody { u8::try_from(pick % 3).expect("small") } else { 0 };
                let cover = cover(position(&instance.stack), seed);
                if changes.is_empty() {
                    self.current.insert(instance.clone());
                }
                self.planned.insert(instance.clone(), (changes.clone(), cover.clone()));
                Event::Planned { instance, changes, cover: Some(Box::new(cover)), losses: Vec::new(), assessment: None }
            }
            (Step::Apply, _) if self.scenario.is_moody && self.stale < 20 && pick.is_multiple_of(5) => {
                self.stale += 1;
                Event::Stale { instance, differs: BTreeSet::new() }
            }
            (Step::Apply, _) => {
                self.current.insert(instance.clone());
                Event::Applied { instance }
            }
            (Step::Verify, Fate::VerifyFails | Fate::UnchangedAndVerifyFails) => {
                Event::Failed { instance, failure: failure(step) }
            }
            (Step::Verify, _) => {
                self.verified.insert(instance.clone());
                Event::Verified { instance }
            }
        }
    }

    fn rests_on_planned_outputs(&self, id: &InstanceId) -> bool {
        let stage = self.stage(id);
        let upstream = &self.scenario.parts[position(&id.stack)].upstream;
        upstream.iter().any(|(up, reads)| *reads && *self.state_of(stage, *up) == InstanceState::Planned)
    }

    fn end(mut self) -> Simulated {
        let run = self.run.take().expect("no event is being taken in");
        assert_eq!(self.finishes, 1, "the run finishes once");
        for instance in run.instances() {
            assert!(instance.state.is_final(), "{instance:?} at the end");
            assert!(instance.finished >= instance.started && instance.finished.is_some());
            let part = &self.scenario.parts[position(&instance.id.stack)];
            let is_done = matches!(instance.state, InstanceState::Applied | InstanceState::Unchanged);
            if is_done && part.verifies && self.scenario.mode == Mode::Deliver {
                assert!(self.verified.contains(&instance.id), "{} succeeds without being verified", instance.id);
            }
            if instance.state == InstanceState::Skipped(SkipReason::Stopped) {
                assert!(self.stopped, "{} was skipped by a stop that nobody asked for", instance.id);
            }
        }
        Simulated { run, journal: self.journal, effects: self.effects }
    }
}

fn interrupted(effect: &Effect) -> Option<&InstanceId> {
    if let Effect::Interrupt(id) = effect { Some(id) } else { None }
}

/// What an approval covers of the part at a position; the state's serial and the changes come from `seed`.
pub(crate) fn cover(at: usize, seed: u8) -> PlanCover {
    let record = ChangeRecord { action: "create".to_owned(), digest: Digest([seed / 2; 32]) };
    PlanCover {
        release: Some(release(at)),
        inputs: Digest([1; 32]),
        outputs: Digest([2; 32]),
        lineage: Some("lineage".to_owned()),
        serial: Some(u64::from(seed)),
        terraform: "terraform 1.11.4".to_owned(),
        provider_lock: None,
        changes: [("sandbox_aws_bucket.this".to_owned(), record)].into(),
    }
}

/// What the plan of an instance is to change.
pub(crate) fn changes(fate: Fate) -> Changes {
    let any = !matches!(fate, Fate::NothingToChange | Fate::UnchangedAndVerifyFails);
    Changes { add: u64::from(any), outputs: outputs(fate == Fate::ChangesOutput), ..Changes::default() }
}

/// A failure of a step.
pub(crate) fn failure(step: Step) -> Failure {
    Failure { step, summary: "it did not work".to_owned(), diagnostics: Vec::new(), help: None }
}
