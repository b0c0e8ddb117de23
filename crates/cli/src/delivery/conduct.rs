//! Brings a run to its end, or to where only people can go on: everything that can keep it from beginning first, then its record, then the
//! driver.

use std::collections::BTreeSet;
use std::sync::Arc;

use terrace_domain::blast::Holdings;
use terrace_domain::digest::Digest;
use terrace_domain::name::StackName;
use terrace_domain::release::EstateRelease;
use terrace_domain::run::{Event, Mode, Order, OrderedStage, Run, RunId};
use terrace_driver::home::Home;
use terrace_driver::local::{self, Drive, DriveError, Journal, Notice};
use terrace_driver::snapshots;
use terrace_driver::store::{ORDER_SEQ, Preface, Store};
use terrace_release::layout::Layout;
use terrace_release::tree::ReleaseTree;
use terrace_world::lock::{Lock, LockError};
use terrace_world::terraform::Terraform;

use super::crew::Crew;
use super::hold::{checkpoint, clear_the_way, hold_run, look_into_store, new_holder, taken};
use super::logs::prune;
use super::ordering::Wishes;
use super::passage::Stay;
use super::signals::stop_on_signals;
use super::{Prospect, checked_code};
use crate::commands::release::build::build_opened;
use crate::error::CommandError;
use crate::project::{Opened, Project};
use crate::selection::Selected;
use crate::settings::Settings;
use crate::views;
use crate::views::plan::Gathered;
use crate::views::progress::Progress;

/// A run that came to its end, or rests.
pub struct Conducted {
    /// The run.
    pub run: Run,
    /// Its number; a run that only plans has none.
    pub id: Option<RunId>,
    /// What its plans say.
    pub plans: Arc<Gathered>,
}

/// What is told of plans, beside what they come to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told {
    /// Terraform's own rendering.
    pub rendering: bool,
    /// Their facts.
    pub facts: bool,
}

/// Plans, and shows the progress.
pub fn plan(
    prospect: &Prospect,
    settings: &Settings,
    release: Option<Arc<ReleaseTree>>,
    told: Told,
) -> Result<Conducted, CommandError> {
    block_on(async {
        let home = prospect.project.home();
        home.create()?;
        let watched = Watched::begin(prospect, settings)?;
        let crew = Crew {
            renders_plans: told.rendering,
            tells_facts: told.facts,
            ..prospect.crew(settings, release, Mode::Plan)
        };
        let gear = crew.gear().await?;
        let store = look_into_store(&home, settings)?;
        let earlier = store.as_ref().map(Store::instances).transpose()?.unwrap_or_default();
        let wishes = Wishes { mode: Mode::Plan, confirmed: &[], again: true, break_glass: None };
        let order = prospect.order(&wishes, None, |_| None);
        let ctx = crew.context(gear, &order, None, &earlier, Holdings::new())?;
        let drive = Drive {
            ctx: Arc::new(ctx),
            journal: Journal::Nowhere(store.as_ref()),
            seq: 0,
            stop: watched.stop.clone(),
            now: &views::time::now,
            watcher: watched.watcher(true),
            holder: new_holder(settings),
            waits: false,
            stays: false,
        };
        let run = local::drive(drive, Run::new(order), Event::Started).await.map_err(drive_error)?;
        Ok(Conducted { run, id: None, plans: watched.end().await })
    })
}

/// Delivers a release in a new run. With `release` that one, which was built before; else that of the prospect's commit, which is built.
pub fn deliver(
    mut prospect: Prospect,
    settings: &Settings,
    wishes: &Wishes<'_>,
    release: Option<Arc<ReleaseTree>>,
    (lock_wait_secs, stay): (u64, Stay),
) -> Result<Conducted, CommandError> {
    let home = prospect.project.home();
    home.create()?;
    let release = match release {
        Some(release) => release,
        None => prospect.release(settings)?,
    };
    block_on(async {
        let watched = Watched::begin(&prospect, settings)?;
        let estate_release = release.release().clone();
        let crew = Crew { lock_wait_secs, ..prospect.crew(settings, Some(Arc::clone(&release)), wishes.mode) };
        let gear = crew.gear().await?;
        let mut store = open_journal(&home, settings)?;
        let mut order =
            prospect.order(wishes, Some(estate_release.digest), |stack| prospect.release_of(&estate_release, stack));
        // Of a release that was built before, no commit was looked up: it knows its own.
        order.commit = Some(estate_release.commit.clone());
        // All that can keep a run from beginning comes before its record: a run without an end is one that was killed.
        let preface = preface(&order, &estate_release.subject.unwrap_or_default(), settings, &gear.terraform);
        let id = store.create_run(views::time::now(), &order, &preface)?;
        let lock = hold_run(&home, id, settings)?;
        clear_the_way(&mut store, &home, id, &order, settings)?;
        let earlier = store.instances()?;
        let ctx = crew.context(gear, &order, Some(id), &earlier, holdings(&store, &order)?)?;
        prune(&home.runs());
        let begun = Begun { id, run: Run::new(order), seq: ORDER_SEQ, first: Event::Started, stay, _lock: lock };
        begun.drive(ctx, store, watched, settings).await
    })
}

/// Takes up a run whose process is gone, or which waited for people that have decided.
pub fn resume(
    project: Project,
    settings: &Settings,
    id: RunId,
    (parallelism, verbose): (Option<usize>, bool),
    (lock_wait_secs, stay): (u64, Stay),
) -> Result<Conducted, CommandError> {
    let home = project.home();
    let lock = hold_run(&home, id, settings)?;
    let store = open_journal(&home, settings)?;
    let Some((run, seq)) = store.replay(id)? else {
        return Err(CommandError::usage(format!("there is no run {id}")).help("`terrace run list` shows all runs."));
    };
    if run.finished().is_some() {
        return Err(CommandError::usage(format!("run {id} is over: it {}", run.outcome().as_str()))
            .help("`terrace deliver --retry` makes a new run of the same release."));
    }
    let digest = run.order().release.ok_or_else(|| CommandError::failed("the run delivers no release"))?;
    let layout = Layout::open(&home.releases())?;
    let release = Arc::new(ReleaseTree::open(&layout, &layout.resolve(&digest.to_string())?)?);
    let opened = project.open_release(&release)?;
    let stacks = run.order().stacks.iter().map(|ordered| ordered.stack.clone()).collect();
    let selected = Selected { stacks, downstream: BTreeSet::new(), change: None };
    let code = checked_code(&project, &opened, &selected)?;
    let prospect = Prospect {
        project,
        opened,
        selected,
        legs: Vec::new(),
        code,
        parallelism: parallelism.unwrap_or(run.order().parallelism),
        verbose,
        what: None,
        drill: None,
    };
    let first = if run.started().is_none() { Event::Started } else { Event::Resumed };
    block_on(async {
        let watched = Watched::begin(&prospect, settings)?;
        let crew = Crew { lock_wait_secs, ..prospect.crew(settings, Some(release), Mode::Deliver) };
        let gear = crew.gear().await?;
        let earlier = store.instances()?;
        let ctx = crew.context(gear, run.order(), Some(id), &earlier, holdings(&store, run.order())?)?;
        Begun { id, run, seq, first, stay, _lock: lock }.drive(ctx, store, watched, settings).await
    })
}

/// What the states hold, where a gate of the order asks for the damage that plans could do.
fn holdings(store: &Store, order: &Order) -> Result<Holdings, CommandError> {
    if !order.stages.iter().any(OrderedStage::asks_for_radius) {
        return Ok(Holdings::new());
    }
    snapshots::holdings(store.connection())
        .map_err(|error| CommandError::failed(format!("the snapshots cannot be looked at: {error}")))
}

/// The store that a run's journal is written to.
fn open_journal(home: &Home, settings: &Settings) -> Result<Store, CommandError> {
    #[cfg_attr(not(debug_assertions), expect(unused_mut, reason = "only tests prepare a crash"))]
    let mut store = Store::open(&home.database(), &settings.actor())?;
    #[cfg(debug_assertions)]
    if let Some(entries) = settings.crash_after {
        store.crash_after(entries)?;
    }
    Ok(store)
}

/// A run that is about to be driven.
struct Begun {
    id: RunId,
    run: Run,
    seq: u64,
    first: Event,
    stay: Stay,
    _lock: Lock,
}

impl Begun {
    async fn drive(
        self,
        ctx: terrace_driver::context::Context,
        mut store: Store,
        watched: Watched,
        settings: &Settings,
    ) -> Result<Conducted, CommandError> {
        let gathers = ctx.practice.is_some();
        let witness = ctx.witness.clone();
        let drive = Drive {
            ctx: Arc::new(ctx),
            journal: Journal::Store(&mut store, self.id),
            seq: self.seq,
            stop: watched.stop.clone(),
            now: &views::time::now,
            watcher: watched.watcher(gathers),
            holder: new_holder(settings),
            waits: true,
            stays: self.stay.wait,
        };
        let run = local::drive(drive, self.run, self.first).await;
        if let Some(Err(error)) = witness.map(|witness| witness.layout.settle()) {
            // It is kept, and counts: only other tools do not see it yet.
            views::error::warn(&format!("new evidence is not in the index of the releases yet: {error}"));
        }
        let run = run.map_err(drive_error)?;
        checkpoint(&mut store, settings);
        Ok(Conducted { run, id: Some(self.id), plans: watched.end().await })
    }
}

impl Prospect {
    pub(crate) fn crew<'a>(
        &'a self,
        settings: &'a Settings,
        release: Option<Arc<ReleaseTree>>,
        mode: Mode,
    ) -> Crew<'a> {
        let Self { project, opened, code, .. } = self;
        let drill = self.drill.as_ref();
        Crew {
            project,
            opened,
            code,
            release,
            settings,
            mode,
            drill,
            renders_plans: false,
            tells_facts: false,
            lock_wait_secs: 0,
        }
    }

    /// The release of a stack; none where a fixture is in its place.
    fn release_of(&self, estate: &EstateRelease, stack: &StackName) -> Option<Digest> {
        let is_fixture = self.drill.as_ref().is_some_and(|drill| drill.fixtures.contains(stack));
        estate.stacks.get(stack).copied().filter(|_| !is_fixture)
    }

    /// The release of the commit, built unless it is there; from here on its files are what is delivered.
    pub fn release(&mut self, settings: &Settings) -> Result<Arc<ReleaseTree>, CommandError> {
        let layout = Layout::open_or_create(&self.project.home().releases())?;
        let built = build_opened(settings, &self.project, &self.opened, &layout, (false, false))?;
        views::release::built_line(&built);
        let release = Arc::new(ReleaseTree::open(&layout, &built.descriptor)?);
        let commit = self.opened.commit.take();
        self.opened = Opened { commit, ..self.project.open_release(&release)? };
        Ok(release)
    }
}

/// A run that somebody watches and may stop.
struct Watched {
    progress: Arc<Progress>,
    plans: Arc<Gathered>,
    stop: tokio::sync::watch::Receiver<bool>,
    uncommitted: tokio::task::JoinHandle<()>,
}

impl Watched {
    fn begin(prospect: &Prospect, settings: &Settings) -> Result<Self, CommandError> {
        let estate = &prospect.opened.estate;
        let stacks = prospect.selected.stacks.union(&prospect.selected.downstream).map(|name| &estate.stacks[name]);
        let progress = Arc::new(Progress::new(settings.is_interactive, prospect.verbose, stacks));
        let stop = stop_on_signals(Arc::clone(&progress))?;
        let uncommitted = prospect.watch_for_uncommitted(&progress);
        Ok(Self { progress, plans: Arc::default(), stop, uncommitted })
    }

    fn watcher(&self, gathers: bool) -> Arc<dyn Fn(Notice<'_>) + Send + Sync> {
        let (progress, plans) = (Arc::clone(&self.progress), Arc::clone(&self.plans));
        Arc::new(move |notice| {
            progress.note(&notice);
            if gathers {
                plans.note(&notice);
            }
        })
    }

    async fn end(self) -> Arc<Gathered> {
        // Told by now, unless looking took longer than the run.
        let _ = self.uncommitted.await;
        self.plans
    }
}

impl Prospect {
    /// Warns of what is not committed, and so not part of the run, as soon as git has told; the run does not wait for it.
    fn watch_for_uncommitted(&self, progress: &Arc<Progress>) -> tokio::task::JoinHandle<()> {
        let asked = self.opened.commit.is_some().then(|| self.project.uncommitted());
        let progress = Arc::clone(progress);
        tokio::task::spawn_blocking(move || {
            if let Some(warning) = asked.and_then(|ask| ask()) {
                progress.line(&warning);
            }
        })
    }
}

/// Runs work to its end on threads of its own.
pub fn block_on<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::failed(format!("threads cannot be started: {error}")))?;
    runtime.block_on(work)
}

fn preface(order: &Order, subject: &str, settings: &Settings, terraform: &Terraform) -> Preface {
    Preface {
        commit: order.commit.clone().unwrap_or_default(),
        subject: subject.to_owned(),
        actor: settings.actor(),
        terraform: terraform.named(),
    }
}

fn drive_error(error: DriveError) -> CommandError {
    match error {
        DriveError::Journal { source, unrecorded } => {
            let mut message = format!("the run could not be recorded: {source}");
            for line in &unrecorded {
                message.push_str("\n  not recorded: ");
                message.push_str(line);
            }
            CommandError::failed(message).help(
                "Nothing more was started after that. What was applied is in Terraform's states. \
                 Make room on the disk (or mend it), then `terrace resume`, or deliver again.",
            )
        }
        DriveError::Environment { environment, source: LockError::Held { holder, .. } } => {
            taken(environment.as_str(), holder.as_deref())
        }
        DriveError::Environment { .. } => CommandError::failed(CommandError::chain(&error)),
        DriveError::Impossible(_) => CommandError::failed(error.to_string()),
    }
}
