//! The local driver: one process, one machine. Takes events into the run, journals each before anything that follows from it is done,
//! and performs the effects as tasks of their own.

mod enter;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use terrace_domain::name::EnvironmentName;
use terrace_domain::plan::{Difference, PlanFacts};
use terrace_domain::run::{
    Effect, Event, Impossible, InstanceId, InstanceState, Mode, Moment, PlanCover, Run, RunId, Standing, Step, advance,
};
use terrace_domain::state::LockInfo;
use terrace_world::lock::{Holder, Lock, LockError};
use terrace_world::terraform::Message;
use tokio::sync::{mpsc, watch};

pub use enter::{add_rehearsed, standings};

use crate::context::Context;
use crate::home::Home;
use crate::instance::{self, Applied, CheckNews, Halt, Noted, OutputBook, Planned, Prepared, Teller, Watcher};
use crate::store::{Entry, Store, StoreError, Touched};

/// What those who watch a run are told.
pub enum Notice<'a> {
    /// An event was taken in.
    Event {
        /// When it happened.
        at: Moment,
        /// The event.
        event: &'a Event,
        /// The run with it taken in.
        run: &'a Run,
        /// What is done because of it.
        effects: &'a [Effect],
    },
    /// Terraform said something.
    Terraform {
        /// The instance.
        instance: &'a InstanceId,
        /// The step.
        step: Step,
        /// What it said.
        message: &'a Message,
    },
    /// A plan in Terraform's own rendering, where that was asked for.
    Plan {
        /// The instance.
        instance: &'a InstanceId,
        /// The rendering.
        text: &'a str,
    },
    /// What a plan would still change, attribute by attribute, where that was asked for.
    Differences {
        /// The instance.
        instance: &'a InstanceId,
        /// What it would change.
        differences: &'a [Difference],
    },
    /// All that a plan does, and why, where that was asked for and it changes something.
    Facts {
        /// The instance.
        instance: &'a InstanceId,
        /// The facts.
        facts: &'a PlanFacts,
    },
    /// Another process works in the environment; it is waited for.
    EnvironmentTaken {
        /// The environment.
        environment: &'a EnvironmentName,
        /// Who works there.
        holder: Option<&'a Holder>,
    },
    /// Somebody else has locked the state; they are waited for.
    StateLocked {
        /// The instance.
        instance: &'a InstanceId,
        /// Their lock.
        lock: &'a LockInfo,
    },
    /// The lock of a Terraform that died was released.
    LockReleased {
        /// The instance.
        instance: &'a InstanceId,
        /// The lock.
        lock: &'a LockInfo,
    },
    /// A Terraform has outlived the Terrace that started it; it is waited for.
    Outlived {
        /// The instance.
        instance: &'a InstanceId,
    },
    /// A check was asked.
    Check {
        /// The instance.
        instance: &'a InstanceId,
        /// The check's name.
        check: &'a str,
        /// What became of it.
        news: &'a CheckNews<'a>,
    },
    /// There is evidence for an instance's release from the stage before, and it does not count.
    BadEvidence {
        /// The instance.
        instance: &'a InstanceId,
        /// Where it should have succeeded.
        environment: &'a EnvironmentName,
        /// Why it does not count.
        why: &'a str,
    },
}

/// The run could not be brought to its end.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The journal could not be written. Nothing more was started after that; what was at work was stopped and waited for.
    #[error("the run could not be recorded: {source}")]
    Journal {
        /// Why.
        source: StoreError,
        /// What was at work then and ended without a record: the instance, the step, and how it ended.
        unrecorded: Vec<String>,
    },
    /// An environment could not be taken.
    #[error("{environment} cannot be taken: {source}")]
    Environment {
        /// The environment.
        environment: EnvironmentName,
        /// Why.
        source: LockError,
    },
    /// An event that cannot have happened.
    #[error("this is a bug in terrace: {0}")]
    Impossible(#[from] Impossible),
}

/// Where events are written before what they cause is done.
pub enum Journal<'a> {
    /// The store, under a run's id.
    Store(&'a mut Store, RunId),
    /// Nowhere: a run that only plans leaves nothing behind that would have to be found again. What earlier runs left is looked up in the
    /// store, where there is one.
    Nowhere(Option<&'a Store>),
}

/// How a run is to be driven.
pub struct Drive<'a> {
    /// What its instances share.
    pub ctx: Arc<Context>,
    /// Where events go.
    pub journal: Journal<'a>,
    /// How many entries the journal has.
    pub seq: u64,
    /// Becomes true when somebody asks for a stop.
    pub stop: watch::Receiver<bool>,
    /// The clock.
    pub now: &'a (dyn Fn() -> Moment + Sync),
    /// Those who watch.
    pub watcher: Watcher,
    /// Who takes the environments.
    pub holder: Holder,
    /// Whether an environment that is taken is waited for; otherwise that is an error.
    pub waits: bool,
    /// Whether the process stays until the time has come for what time alone holds up.
    pub stays: bool,
}

/// What comes in.
enum Inward {
    Event(Event),
    Noted(Noted),
    /// An environment was taken, or cannot be.
    Taken(EnvironmentName, Result<Lock, LockError>),
}

/// How often it is looked whether another process asks something of the run.
const ASK_PAUSE: Duration = Duration::from_millis(250);

/// Brings a run to its end, or to where only people can go on: it rests then, and needs no process. `first` is taken in first: `Started` for
/// a new run, `Resumed` for one whose process is gone.
pub async fn drive(drive: Drive<'_>, run: Run, first: Event) -> Result<Run, DriveError> {
    let Drive { ctx, mut journal, mut seq, mut stop, now, watcher, holder, waits, stays } = drive;
    let (sender, mut inward) = mpsc::unbounded_channel();
    let mut work = Workers {
        ctx,
        book: Arc::default(),
        prepared: Arc::default(),
        interrupts: HashMap::new(),
        watcher: Arc::clone(&watcher),
        sender,
        holder,
        waits,
        entering: BTreeMap::new(),
        inside: BTreeMap::new(),
    };
    let mut run = run;
    let mut event = first;
    let mut asked_of_us = Vec::new();
    let mut last = journal.last_moment();
    loop {
        // A clock that was set back does not turn the sequence of events around.
        let at = now().after(last);
        last = at;
        // What ends with an event about the run as a whole, and was shown as waiting for people, is shown so no more.
        let awaited: Vec<InstanceId> = if event.instance().is_some() {
            Vec::new()
        } else {
            let held = run.held().map(|(instance, _)| instance);
            run.awaiting().map(|(instance, _)| instance).chain(held).map(|instance| instance.id.clone()).collect()
        };
        let held: HashSet<InstanceId> = run.held().map(|(instance, _)| instance.id.clone()).collect();
        let (after, effects) = advance(run, at, event.clone())?;
        run = after;
        seq += 1;
        work.clean_up(&event, &run);
        if let Err(source) = journal.append(&work, seq, at, &event, (&run, &awaited, &held)) {
            return Err(work.abort(source, &event, &run, &mut inward).await);
        }
        work.let_go(&event, &run);
        watcher(Notice::Event { at, event: &event, run: &run, effects: &effects });
        for effect in effects {
            work.perform(effect, &run);
        }
        if run.finished().is_some() {
            if run.order().mode.applies() {
                sweep(&work.ctx.home, &work.holder, &run);
            }
            return Ok(run);
        }
        if run.is_resting() && !(stays && run.due().is_some()) {
            return Ok(run);
        }
        event = loop {
            if let Some(asked) = take_possible(&mut asked_of_us, &run) {
                break asked;
            }
            tokio::select! {
                next = inward.recv() => match next.expect("a sender is kept") {
                    Inward::Event(event) => break event,
                    Inward::Noted(noted) => {
                        if let Err(source) = journal.note(now(), &noted) {
                            return Err(work.abort(source, &event, &run, &mut inward).await);
                        }
                    }
                    Inward::Taken(environment, taken) => match work.enter(&environment, taken, &journal, &run) {
                        Ok(Some(entered)) => break entered,
                        Ok(None) => {}
                        Err(error) => return Err(work.give_up(error, &run, &mut inward).await),
                    },
                },
                () = asked(&mut stop), if !run.is_stopping() => {
                    if run.is_resting() {
                        // It only stayed: the run goes on waiting without it, with all that was approved.
                        return Ok(run);
                    }
                    break Event::StopRequested;
                }
                () = tokio::time::sleep(ASK_PAUSE) => {
                    asked_of_us.extend(journal.requests());
                    if run.due().is_some_and(|due| due <= now()) {
                        break Event::Due;
                    }
                }
            }
        };
    }
}

/// The next thing that somebody asked of the run and that is possible now.
fn take_possible(asked: &mut Vec<Event>, run: &Run) -> Option<Event> {
    while !asked.is_empty() {
        let event = asked.remove(0);
        let is_possible = match &event {
            Event::Approved { instance, by, cover, .. } => run.may_approve(instance, by, cover).is_ok(),
            Event::Rejected { instance, .. } => run.awaiting().any(|(awaiting, _)| awaiting.id == *instance),
            Event::Superseded { .. } | Event::Cancelled { .. } => true,
            _ => false,
        };
        if is_possible {
            return Some(event);
        }
    }
    None
}

/// Takes an event into a run that no process drives, and records it: a decision, or that the run is called off.
pub fn take_in(store: &mut Store, id: RunId, at: Moment, event: &Event) -> Result<Option<Run>, StoreError> {
    let at = at.after(store.last_moment()?);
    let Some((run, last)) = store.replay(id)? else { return Ok(None) };
    if run.finished().is_some() {
        return Ok(Some(run));
    }
    let mut run = run;
    let is_at_work = run.instances().iter().any(|instance| instance.state.step().is_some());
    let begin = match event {
        // One that was recorded and never begun begins, so that it can end.
        _ if run.started().is_none() => Some(Event::Started),
        // There is no process that could be asked to stop: what it was at is settled by whoever comes next.
        Event::Cancelled { .. } if is_at_work => Some(Event::Resumed),
        _ => None,
    };
    for (seq, event) in (last + 1..).zip(begin.iter().chain([event])) {
        let before: BTreeMap<_, _> =
            run.instances().iter().map(|instance| (instance.id.clone(), instance.state.word())).collect();
        let failed = |source| StoreError::Journal { run: id, seq, source };
        run = advance(run, at, event.clone()).map_err(failed)?.0;
        let recorded = |instance: &&terrace_domain::run::Instance| {
            let was = before[&instance.id];
            instance.state.word() != was && (was != "waiting" || event.instance() == Some(&instance.id))
        };
        let touched: Vec<_> = run
            .instances()
            .iter()
            .filter(recorded)
            .map(|instance| Touched { instance: &instance.id, state: &instance.state, source: None, settings: None })
            .collect();
        store.append(id, &Entry { seq, at, event, after: &run, touched: &touched })?;
        if run.finished().is_some() {
            break;
        }
    }
    Ok(Some(run))
}

/// Ends a run whose process is gone: records that, and tells which instances were at work. The caller holds the run, so that nobody else
/// works on it.
pub fn abandon(store: &mut Store, id: RunId, at: Moment) -> Result<Vec<(InstanceId, Step)>, StoreError> {
    let Some(run) = take_in(store, id, at, &Event::Abandoned)? else { return Ok(Vec::new()) };
    let at_work = run.instances().iter().filter_map(|instance| match instance.state {
        InstanceState::Abandoned(Some(step)) => Some((instance.id.clone(), step)),
        _ => None,
    });
    Ok(at_work.collect())
}

/// Removes what a run that is over left that may hold secrets, also where it ended without a step of its own: called off, given way, or closed
/// after a crash. Where somebody is at work, that is theirs to do.
pub fn sweep(home: &Home, holder: &Holder, run: &Run) {
    for stage in &run.order().stages {
        let environment = stage.environment.as_str();
        let Ok(_lock) = Lock::try_acquire(&home.locks(), environment, holder) else { continue };
        for ordered in &run.order().stacks {
            // If this fails, the next to use the folder tries again, and says so.
            let _ = instance::discard(&home.instance(environment, ordered.stack.as_str()));
        }
    }
}

async fn asked(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

impl Journal<'_> {
    fn append(
        &mut self,
        work: &Workers,
        seq: u64,
        at: Moment,
        event: &Event,
        (run, awaited, held): (&Run, &[InstanceId], &HashSet<InstanceId>),
    ) -> Result<(), StoreError> {
        let Self::Store(store, id) = self else { return Ok(()) };
        let instance = event.instance();
        let digests = instance.and_then(|instance| work.digests_of(instance));
        let (source, settings) = digests.map_or((None, None), |(source, settings)| (Some(source), Some(settings)));
        let ended = awaited.iter().filter(|id| run.instance(id).is_some_and(|instance| instance.state.is_final()));
        let newly =
            run.held().map(|(instance, _)| &instance.id).filter(|id| !held.contains(id) && instance != Some(id));
        let touched: Vec<_> = instance
            .into_iter()
            .chain(ended)
            .chain(newly)
            .filter_map(|id| run.instance(id))
            .map(|instance| Touched {
                instance: &instance.id,
                state: &instance.state,
                source: source.as_deref(),
                settings: settings.as_deref(),
            })
            .collect();
        store.append(*id, &Entry { seq, at, event, after: run, touched: &touched })
    }

    fn note(&mut self, at: Moment, noted: &Noted) -> Result<(), StoreError> {
        match self {
            Self::Store(store, id) => store.note(Some(*id), at, noted),
            Self::Nowhere(_) => Ok(()),
        }
    }

    /// When the last thing was recorded.
    fn last_moment(&self) -> Moment {
        self.store().and_then(|store| store.last_moment().ok()).unwrap_or(Moment(i64::MIN))
    }

    /// What others ask. Asking that fails is tried again.
    fn requests(&mut self) -> Vec<Event> {
        match self {
            Self::Store(store, id) => store.take_requests(*id).unwrap_or_default(),
            Self::Nowhere(_) => Vec::new(),
        }
    }

    fn store(&self) -> Option<&Store> {
        match self {
            Self::Store(store, _) => Some(store),
            Self::Nowhere(store) => *store,
        }
    }
}

/// The tasks that perform effects.
struct Workers {
    ctx: Arc<Context>,
    book: Arc<OutputBook>,
    prepared: Arc<Mutex<HashMap<InstanceId, Prepared>>>,
    interrupts: HashMap<InstanceId, watch::Sender<bool>>,
    watcher: Watcher,
    sender: mpsc::UnboundedSender<Inward>,
    holder: Holder,
    waits: bool,
    /// Environments that are being taken, each with what calls that off.
    entering: BTreeMap<EnvironmentName, watch::Sender<bool>>,
    /// Environments that are this process's own.
    inside: BTreeMap<EnvironmentName, Lock>,
}

impl Workers {
    fn perform(&mut self, effect: Effect, run: &Run) {
        match effect {
            Effect::Enter(environment) => self.ask_for(environment),
            Effect::Leave(environment) => {
                self.entering.remove(&environment);
                self.inside.remove(&environment);
            }
            Effect::Prepare(id) => self.start(id, Step::Prepare, None),
            Effect::Plan(id) => self.start(id, Step::Plan, None),
            Effect::Apply(id) => {
                let approved = run.instance(&id).and_then(|instance| instance.approved());
                let approved = approved.map(|(cover, _)| cover.clone());
                self.start(id, Step::Apply, approved);
            }
            Effect::Settle(id) => self.start(id, Step::Settle, None),
            Effect::Verify(id) => self.start(id, Step::Verify, None),
            Effect::Interrupt(id) => {
                if let Some(sender) = self.interrupts.get(&id) {
                    sender.send_replace(true);
                }
            }
            Effect::Finish => {}
        }
    }

    /// Takes an environment, as soon as nobody else has it.
    fn ask_for(&mut self, environment: EnvironmentName) {
        let (call_off, called_off) = watch::channel(false);
        self.entering.insert(environment.clone(), call_off);
        let (locks, holder, waits) = (self.ctx.home.locks(), self.holder.clone(), self.waits);
        let (watcher, sender) = (Arc::clone(&self.watcher), self.sender.clone());
        tokio::spawn(async move {
            let taken = enter::take(&locks, &environment, &holder, waits, called_off, &watcher).await;
            if let Some(taken) = taken {
                // The receiver is gone only when the run is over.
                let _ = sender.send(Inward::Taken(environment, taken));
            }
        });
    }

    fn start(&mut self, id: InstanceId, step: Step, approved: Option<PlanCover>) {
        let interrupt = self.interrupts.entry(id.clone()).or_insert_with(|| watch::channel(false).0);
        let record = self.sender.clone();
        let task = Task {
            ctx: Arc::clone(&self.ctx),
            book: Arc::clone(&self.book),
            prepared: Arc::clone(&self.prepared),
            stop: interrupt.subscribe(),
            approved,
            teller: Teller {
                instance: id.clone(),
                step,
                watcher: Arc::clone(&self.watcher),
                record: Arc::new(move |noted| drop(record.send(Inward::Noted(noted)))),
            },
        };
        let sender = self.sender.clone();
        tokio::spawn(async move {
            // A task of its own, so that a panic in a step becomes that instance's failure.
            let event = tokio::spawn(task.run()).await.unwrap_or_else(|panic| Event::Failed {
                instance: id,
                failure: terrace_domain::run::Failure {
                    step,
                    summary: format!("this is a bug in terrace: {panic}"),
                    diagnostics: Vec::new(),
                    help: None,
                },
            });
            // The receiver is gone only when the run is over.
            let _ = sender.send(Inward::Event(event));
        });
    }

    /// Removes what an instance's steps left that may hold secrets, when it has come to its end. This comes before that is recorded: after a
    /// crash in between it is planned anew, and after the record nobody would look for it.
    fn clean_up(&self, event: &Event, run: &Run) {
        let instance = event.instance().and_then(|id| run.instance(id));
        // What is held is planned anew when its time has come.
        let is_done = |state: &InstanceState| state.is_final() || matches!(state, InstanceState::Held(_));
        let Some(instance) = instance.filter(|instance| is_done(&instance.state)) else { return };
        // If this fails, the next to use the folder tries again, and says so.
        let _ = match self.ctx.mode {
            Mode::Deliver | Mode::Destroy => instance::clean_up(&self.ctx, &instance.id),
            // The plan that waits for people is another run's.
            Mode::Plan => instance::clean(&self.ctx, &instance.id),
        };
    }

    /// Lets go of what an instance holds (its way to the sandbox cloud, for one) when it has come to its end, or waits for people.
    fn let_go(&mut self, event: &Event, run: &Run) {
        let Some(id) = event.instance() else { return };
        let Some(instance) = run.instance(id) else { return };
        if instance.state.is_final() || matches!(instance.state, InstanceState::Awaiting(_) | InstanceState::Held(_)) {
            self.prepared.lock().expect("no panic while held").remove(id);
            self.interrupts.remove(id);
        }
    }

    /// The digests of an instance's source and settings, once it is prepared.
    fn digests_of(&self, id: &InstanceId) -> Option<(String, String)> {
        let prepared = self.prepared.lock().expect("no panic while held");
        prepared.get(id).map(|prepared| (prepared.source.to_string(), prepared.settings.to_string()))
    }

    /// After the journal failed: starts nothing more, asks all that is at work to stop, waits for it, and tells how it ended.
    async fn abort(
        self,
        source: StoreError,
        unwritten: &Event,
        run: &Run,
        inward: &mut mpsc::UnboundedReceiver<Inward>,
    ) -> DriveError {
        let ctx = Arc::clone(&self.ctx);
        let mut unrecorded = Vec::new();
        let mut note = |event: &Event| {
            if let Some(id) = event.instance() {
                let _ = instance::clean(&ctx, id);
                unrecorded.push(format!("{}: {}", id.stack, in_words(event)));
            }
        };
        note(unwritten);
        self.wait_for_all(run, inward, note).await;
        DriveError::Journal { source, unrecorded }
    }

    /// After an environment could not be taken: the same. The run stays open, and can be resumed.
    async fn give_up(self, error: DriveError, run: &Run, inward: &mut mpsc::UnboundedReceiver<Inward>) -> DriveError {
        self.wait_for_all(run, inward, |_| {}).await;
        error
    }

    async fn wait_for_all(self, run: &Run, inward: &mut mpsc::UnboundedReceiver<Inward>, mut note: impl FnMut(&Event)) {
        let at_work = run.instances().iter().filter(|instance| instance.state.step().is_some());
        // The event that could not be written may have opened a step that nobody began.
        let mut open: Vec<_> = at_work.map(|instance| instance.id.clone()).collect();
        open.retain(|id| self.interrupts.contains_key(id));
        for id in &open {
            self.interrupts[id].send_replace(true);
        }
        let Self { sender, entering, inside, .. } = self;
        drop((sender, entering));
        while let Some(inward) = inward.recv().await {
            if let Inward::Event(event) = inward {
                note(&event);
            }
        }
        drop(inside);
    }
}

fn in_words(event: &Event) -> String {
    match event {
        Event::Applied { .. } => "applied".to_owned(),
        Event::Verified { .. } => "verified".to_owned(),
        Event::Planned { .. } => "planned, not applied".to_owned(),
        Event::Failed { failure, .. } => format!("{} failed: {}", failure.step.as_str(), failure.summary),
        Event::Interrupted { .. } => "interrupted".to_owned(),
        _ => "prepared, not planned".to_owned(),
    }
}

/// One step of one instance.
struct Task {
    ctx: Arc<Context>,
    book: Arc<OutputBook>,
    prepared: Arc<Mutex<HashMap<InstanceId, Prepared>>>,
    stop: watch::Receiver<bool>,
    /// What was approved of the plan that is to be applied.
    approved: Option<PlanCover>,
    teller: Teller,
}

impl Task {
    async fn run(self) -> Event {
        let instance = self.teller.instance.clone();
        let result = match self.teller.step {
            Step::Prepare => self.prepare().await,
            Step::Plan => self.plan().await,
            Step::Apply => self.apply().await,
            Step::Settle => self.settle().await,
            Step::Verify => self.verify().await,
        };
        result.unwrap_or_else(|halt| match halt {
            Halt::Failed(failure) => Event::Failed { instance, failure },
            Halt::Interrupted => Event::Interrupted { instance },
            Halt::InputsUnknown(upstream) => Event::InputsUnknown { instance, upstream },
        })
    }

    fn id(&self) -> &InstanceId {
        &self.teller.instance
    }

    async fn prepare(self) -> Result<Event, Halt> {
        // An earlier Terrace may have left a Terraform at work: the folder under its feet is not touched.
        instance::settle(&self.ctx, self.id(), self.stop.clone(), &self.teller).await?;
        let prepared = instance::prepare(&self.ctx, self.id(), &self.book, self.stop.clone()).await?;
        let provisional = prepared.provisional;
        self.keep(prepared);
        Ok(Event::Prepared { instance: self.teller.instance, provisional })
    }

    async fn plan(self) -> Result<Event, Halt> {
        let mut prepared = self.take_prepared().expect("advance plans what is prepared");
        let stop = self.stop.clone();
        let planned = instance::plan(&self.ctx, self.id(), &mut prepared, &self.book, stop, &self.teller).await;
        self.keep(prepared);
        let Planned { changes, rendering, cover, losses, differences, assessment, facts } = planned?;
        if let Some(text) = &rendering {
            (self.teller.watcher)(Notice::Plan { instance: self.id(), text });
        }
        if !differences.is_empty() {
            (self.teller.watcher)(Notice::Differences { instance: self.id(), differences: &differences });
        }
        if let Some(facts) = &facts {
            (self.teller.watcher)(Notice::Facts { instance: self.id(), facts });
        }
        Ok(Event::Planned { instance: self.teller.instance, changes, cover, losses, assessment })
    }

    async fn apply(self) -> Result<Event, Halt> {
        let mut prepared = match self.take_prepared() {
            Some(prepared) => prepared,
            // It waited for people, perhaps for days, and another process had prepared it.
            None => instance::prepare(&self.ctx, self.id(), &self.book, self.stop.clone()).await?,
        };
        let (approved, stop) = (self.approved.as_ref(), self.stop.clone());
        let applied =
            instance::apply(&self.ctx, self.id(), &mut prepared, approved, &self.book, stop, &self.teller).await;
        self.keep(prepared);
        Ok(match applied? {
            Applied::Done => Event::Applied { instance: self.teller.instance },
            Applied::Stale(differs) => Event::Stale { instance: self.teller.instance, differs },
        })
    }

    async fn settle(self) -> Result<Event, Halt> {
        instance::settle(&self.ctx, self.id(), self.stop.clone(), &self.teller).await?;
        Ok(Event::Settled { instance: self.teller.instance })
    }

    async fn verify(self) -> Result<Event, Halt> {
        let prepared = self.take_prepared().expect("advance verifies what is planned");
        let verified = instance::verify(&self.ctx, self.id(), &prepared, self.stop.clone(), &self.teller).await;
        self.keep(prepared);
        verified?;
        Ok(Event::Verified { instance: self.teller.instance })
    }

    fn keep(&self, prepared: Prepared) {
        self.prepared.lock().expect("no panic while held").insert(self.id().clone(), prepared);
    }

    fn take_prepared(&self) -> Option<Prepared> {
        self.prepared.lock().expect("no panic while held").remove(self.id())
    }
}
