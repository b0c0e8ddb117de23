//! The local driver: one process, one machine. Takes events into the run, journals each before anything that follows from it is done,
//! and performs the effects as tasks of their own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use terrace_domain::name::StackName;
use terrace_domain::run::{Effect, Event, Impossible, InstanceState, Moment, Run, RunId, Step, advance};
use terrace_world::terraform::Message;
use tokio::sync::{mpsc, watch};

use crate::context::Context;
use crate::instance::{self, Halt, OutputBook, Planned, Prepared};
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
        stack: &'a StackName,
        /// The step.
        step: Step,
        /// What it said.
        message: &'a Message,
    },
    /// A plan in Terraform's own rendering, where that was asked for.
    Plan {
        /// The instance.
        stack: &'a StackName,
        /// The rendering.
        text: &'a str,
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
    /// An event that cannot have happened.
    #[error("this is a bug in terrace: {0}")]
    Impossible(#[from] Impossible),
}

/// Where events are written before what they cause is done.
pub enum Journal<'a> {
    /// The store, under a run's id.
    Store(&'a mut Store, RunId),
    /// Nowhere: a run that only plans leaves nothing behind that would have to be found again.
    Nowhere,
}

/// Brings a run to its end. `stop` becomes true when somebody asks for that; `now` is the clock.
pub async fn drive(
    ctx: Arc<Context>,
    run: Run,
    mut journal: Journal<'_>,
    mut stop: watch::Receiver<bool>,
    now: &dyn Fn() -> Moment,
    watcher: Arc<dyn Fn(Notice<'_>) + Send + Sync>,
) -> Result<Run, DriveError> {
    let (sender, mut events) = mpsc::unbounded_channel();
    let mut work = Workers {
        ctx,
        book: Arc::default(),
        prepared: Arc::default(),
        interrupts: HashMap::new(),
        watcher: Arc::clone(&watcher),
        sender,
    };
    let mut run = run;
    let mut seq = 0;
    let mut event = Event::Started;
    loop {
        let at = now();
        let (after, effects) = advance(run, at, event.clone())?;
        run = after;
        seq += 1;
        if let Err(source) = journal.append(&work, seq, at, &event, &run) {
            return Err(work.abort(source, &event, &run, &mut events).await);
        }
        work.let_go(&event, &run);
        watcher(Notice::Event { at, event: &event, run: &run, effects: &effects });
        for effect in effects {
            work.perform(effect);
        }
        if run.finished().is_some() {
            return Ok(run);
        }
        event = tokio::select! {
            next = events.recv() => next.expect("a sender is kept"),
            () = asked(&mut stop), if !run.is_stopping() => Event::StopRequested,
        };
    }
}

/// Ends a run whose process is gone: records that, and tells which instances were at work. The caller holds the environment, so that
/// nobody else works on the run.
pub fn abandon(store: &mut Store, id: RunId, at: Moment) -> Result<Vec<(StackName, Step)>, StoreError> {
    let Some((run, last)) = store.replay(id)? else { return Ok(Vec::new()) };
    let seq = last + 1;
    let event = if run.started().is_none() { Event::Started } else { Event::Abandoned };
    let failed = |source| StoreError::Journal { run: id, seq, source };
    let (run, _) = advance(run, at, event.clone()).map_err(failed)?;
    let at_work: Vec<_> = run
        .instances()
        .iter()
        .filter_map(|instance| match instance.state {
            InstanceState::Abandoned(Some(step)) => Some((instance, step)),
            _ => None,
        })
        .collect();
    let touched: Vec<_> = at_work
        .iter()
        .map(|(instance, _)| Touched { stack: &instance.stack, state: &instance.state, source: None })
        .collect();
    store.append(id, &Entry { seq, at, event: &event, after: &run, touched: &touched })?;
    if run.finished().is_none() {
        return abandon(store, id, at);
    }
    Ok(at_work.into_iter().map(|(instance, step)| (instance.stack.clone(), step)).collect())
}

async fn asked(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

impl Journal<'_> {
    fn append(&mut self, work: &Workers, seq: u64, at: Moment, event: &Event, run: &Run) -> Result<(), StoreError> {
        let Self::Store(store, id) = self else { return Ok(()) };
        let stack = event.stack();
        let source = stack.and_then(|stack| work.source_of(stack));
        let touched = stack.and_then(|stack| run.instance(stack.as_str())).map(|instance| Touched {
            stack: &instance.stack,
            state: &instance.state,
            source: source.as_deref(),
        });
        store.append(*id, &Entry { seq, at, event, after: run, touched: touched.as_slice() })
    }
}

/// The tasks that perform effects.
struct Workers {
    ctx: Arc<Context>,
    book: Arc<OutputBook>,
    prepared: Arc<Mutex<HashMap<StackName, Prepared>>>,
    interrupts: HashMap<StackName, watch::Sender<bool>>,
    watcher: Arc<dyn Fn(Notice<'_>) + Send + Sync>,
    sender: mpsc::UnboundedSender<Event>,
}

impl Workers {
    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Prepare(stack) => {
                let (sender, _) = watch::channel(false);
                self.interrupts.insert(stack.clone(), sender);
                self.start(stack, Step::Prepare);
            }
            Effect::Plan(stack) => self.start(stack, Step::Plan),
            Effect::Apply(stack) => self.start(stack, Step::Apply),
            Effect::Interrupt(stack) => {
                if let Some(sender) = self.interrupts.get(&stack) {
                    sender.send_replace(true);
                }
            }
            Effect::Finish => {}
        }
    }

    fn start(&self, stack: StackName, step: Step) {
        let task = Task {
            ctx: Arc::clone(&self.ctx),
            book: Arc::clone(&self.book),
            prepared: Arc::clone(&self.prepared),
            stop: self.interrupts[&stack].subscribe(),
            watcher: Arc::clone(&self.watcher),
            stack: stack.clone(),
            step,
        };
        let sender = self.sender.clone();
        tokio::spawn(async move {
            // A task of its own, so that a panic in a step becomes that instance's failure.
            let event = tokio::spawn(task.run()).await.unwrap_or_else(|panic| Event::Failed {
                stack,
                failure: terrace_domain::run::Failure {
                    step,
                    summary: format!("this is a bug in terrace: {panic}"),
                    diagnostics: Vec::new(),
                    help: None,
                },
            });
            // The receiver is gone only when the run is over.
            let _ = sender.send(event);
        });
    }

    /// Lets go of what an instance holds (its way to the sandbox cloud, for one) when it has come to its end.
    fn let_go(&mut self, event: &Event, run: &Run) {
        let Some(stack) = event.stack() else { return };
        if run.instance(stack.as_str()).is_some_and(|instance| instance.state.is_final()) {
            self.prepared.lock().expect("no panic while held").remove(stack);
            self.interrupts.remove(stack);
            // If this fails, the next to use the folder tries again, and says so.
            let _ = instance::clean(&self.ctx, stack);
        }
    }

    /// The digest of an instance's source, once it is prepared.
    fn source_of(&self, stack: &StackName) -> Option<String> {
        self.prepared.lock().expect("no panic while held").get(stack).map(|prepared| prepared.source.to_string())
    }

    /// After the journal failed: starts nothing more, asks all that is at work to stop, waits for it, and tells how it ended.
    async fn abort(
        self,
        source: StoreError,
        unwritten: &Event,
        run: &Run,
        events: &mut mpsc::UnboundedReceiver<Event>,
    ) -> DriveError {
        let at_work = run.instances().iter().filter(|instance| instance.state.step().is_some());
        // The event that could not be written may have opened a step that nobody began.
        let mut open: Vec<_> = at_work.map(|instance| instance.stack.clone()).collect();
        open.retain(|stack| self.interrupts.contains_key(stack));
        for stack in &open {
            self.interrupts[stack].send_replace(true);
        }
        drop(self.sender);
        let mut unrecorded = Vec::new();
        let mut note = |event: &Event| {
            if let Some(stack) = event.stack() {
                let _ = instance::clean(&self.ctx, stack);
                unrecorded.push(format!("{stack}: {}", in_words(event)));
            }
        };
        note(unwritten);
        while let Some(event) = events.recv().await {
            note(&event);
        }
        DriveError::Journal { source, unrecorded }
    }
}

fn in_words(event: &Event) -> String {
    match event {
        Event::Applied { .. } => "applied".to_owned(),
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
    prepared: Arc<Mutex<HashMap<StackName, Prepared>>>,
    stop: watch::Receiver<bool>,
    watcher: Arc<dyn Fn(Notice<'_>) + Send + Sync>,
    stack: StackName,
    step: Step,
}

impl Task {
    async fn run(self) -> Event {
        let stack = self.stack.clone();
        let result = match self.step {
            Step::Prepare => self.prepare().await,
            Step::Plan => self.plan().await,
            Step::Apply => self.apply().await,
        };
        result.unwrap_or_else(|halt| match halt {
            Halt::Failed(failure) => Event::Failed { stack, failure },
            Halt::Interrupted => Event::Interrupted { stack },
            Halt::InputsUnknown(upstream) => Event::InputsUnknown { stack, upstream },
        })
    }

    async fn prepare(self) -> Result<Event, Halt> {
        let prepared = instance::prepare(&self.ctx, &self.stack, &self.book, self.stop).await?;
        let provisional = prepared.provisional;
        self.prepared.lock().expect("no panic while held").insert(self.stack.clone(), prepared);
        Ok(Event::Prepared { stack: self.stack, provisional })
    }

    async fn plan(self) -> Result<Event, Halt> {
        let mut prepared = self.take_prepared();
        let tell = self.teller();
        let planned = instance::plan(&self.ctx, &self.stack, &mut prepared, &self.book, self.stop.clone(), &tell).await;
        drop(tell);
        self.prepared.lock().expect("no panic while held").insert(self.stack.clone(), prepared);
        let Planned { changes, rendering } = planned?;
        if let Some(text) = &rendering {
            (self.watcher)(Notice::Plan { stack: &self.stack, text });
        }
        Ok(Event::Planned { stack: self.stack, changes })
    }

    async fn apply(self) -> Result<Event, Halt> {
        let prepared = self.take_prepared();
        let tell = self.teller();
        let applied = instance::apply(&self.ctx, &self.stack, &prepared, &self.book, self.stop.clone(), &tell).await;
        drop(tell);
        self.prepared.lock().expect("no panic while held").insert(self.stack.clone(), prepared);
        applied?;
        Ok(Event::Applied { stack: self.stack })
    }

    fn take_prepared(&self) -> Prepared {
        let taken = self.prepared.lock().expect("no panic while held").remove(&self.stack);
        taken.expect("advance plans and applies what is prepared")
    }

    fn teller(&self) -> impl Fn(&Message) + Sync + '_ {
        move |message| (self.watcher)(Notice::Terraform { stack: &self.stack, step: self.step, message })
    }
}
