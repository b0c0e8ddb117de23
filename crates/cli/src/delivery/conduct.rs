//! Brings a run to its end: everything that can keep it from beginning first, then its record, then the driver.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrace_config::Watches;
use terrace_domain::name::StackName;
use terrace_domain::run::{Mode, Order, Run, RunId};
use terrace_driver::context::{Context, Source};
use terrace_driver::home::{Home, make_private};
use terrace_driver::local::{self, DriveError, Journal};
use terrace_driver::store::{InstanceRow, Preface, Store};
use terrace_world::terraform::{Environment as ProcessEnvironment, Terraform};

use super::Prospect;
use super::hold::{look_into_store, open_store, take};
use super::logs::prune;
use super::signals::stop_on_signals;
use crate::error::CommandError;
use crate::settings::Settings;
use crate::views;
use crate::views::plan::Gathered;
use crate::views::progress::Progress;

/// How a run is to be conducted.
pub struct Conduct<'a> {
    /// Plan or deliver.
    pub mode: Mode,
    /// Whether plans are told in Terraform's own rendering.
    pub renders_plans: bool,
    /// What the command was started with.
    pub settings: &'a Settings,
}

/// A run that came to its end.
pub struct Conducted {
    /// The run.
    pub run: Run,
    /// Its number; a run that only plans has none.
    pub id: Option<RunId>,
    /// What its plans say.
    pub plans: Arc<Gathered>,
}

impl Prospect {
    /// Brings the run to its end and shows its progress.
    pub fn conduct(self, conduct: &Conduct<'_>) -> Result<Conducted, CommandError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| CommandError::failed(format!("threads cannot be started: {error}")))?;
        runtime.block_on(self.conduct_async(conduct))
    }

    async fn conduct_async(self, conduct: &Conduct<'_>) -> Result<Conducted, CommandError> {
        let settings = conduct.settings;
        let names = self.selected.stacks.union(&self.selected.downstream);
        let stacks = names.map(|name| &self.opened.estate.stacks[name]);
        let progress = Arc::new(Progress::new(settings.is_interactive, self.verbose, stacks));
        let stop = stop_on_signals(Arc::clone(&progress))?;
        let uncommitted = self.watch_for_uncommitted(&progress);
        let requirement = &self.opened.estate.terraform;
        let process_environment =
            ProcessEnvironment::scrubbed(settings.environment.clone(), &requirement.pass_env, &settings.folder);
        let (binary, version) = (requirement.binary.as_deref(), requirement.version.as_deref());
        let home = self.project.home();
        home.create()?;
        let _lock = take(&home, &self.environment, settings)?;
        // All that can keep a run from beginning comes before its record: a run without an end is one that was killed. While Terraform
        // says its version, the rest is made ready.
        let terraform = Terraform::find(binary, version, &self.project.root, &process_environment);
        let (terraform, prepared) = tokio::join!(terraform, async {
            let sources = self.sources()?;
            let sandbox = start_sandbox(&home, settings, &sources).await?;
            Ok::<_, CommandError>((sources, sandbox))
        });
        let (terraform, (sources, sandbox)) = (terraform?, prepared?);
        let mut store = match conduct.mode {
            Mode::Deliver => Some(open_store(&home, &self.environment)?),
            Mode::Plan => look_into_store(&home)?,
        };
        let earlier = self.earlier(store.as_ref())?;
        let order = self.order(conduct.mode, &earlier);
        let mut store = store.take_if(|_| conduct.mode == Mode::Deliver);
        let run_id = match &mut store {
            Some(store) => Some(store.create_run(views::time::now(), &order, &self.preface(settings, &terraform))?),
            None => None,
        };
        let logs = run_id.map_or_else(|| home.plan_logs(self.environment.as_str()), |id| home.logs(id));
        make_private(&logs)?;
        if let (Some(_), Some(folder)) = (run_id, logs.parent()) {
            prune(folder);
        }
        let ctx = Context {
            estate: Arc::clone(&self.opened.estate),
            graph: Arc::clone(&self.opened.graph),
            environment: self.environment.clone(),
            mode: conduct.mode,
            renders_plans: conduct.renders_plans,
            tree: Arc::clone(&self.opened.tree),
            sources,
            delivered: earlier.into_iter().filter_map(|(name, row)| Some((name, row.source?))).collect(),
            read: read_for_sure(&order),
            terraform,
            process_environment,
            home,
            logs,
            sandbox,
        };
        let journal = match (&mut store, run_id) {
            (Some(store), Some(id)) => Journal::Store(store, id),
            _ => Journal::Nowhere,
        };
        let plans = Arc::new(Gathered::default());
        let gathered = Arc::clone(&plans);
        let gathers = conduct.mode == Mode::Plan;
        let watcher = Arc::new(move |notice: local::Notice<'_>| {
            progress.note(&notice);
            if gathers {
                gathered.note(&notice);
            }
        });
        let run = local::drive(Arc::new(ctx), Run::new(order), journal, stop, &views::time::now, watcher).await;
        // Told by now, unless looking took longer than the run.
        let _ = uncommitted.await;
        Ok(Conducted { run: run.map_err(drive_error)?, id: run_id, plans })
    }

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

    /// What earlier runs left in the environment.
    fn earlier(&self, store: Option<&Store>) -> Result<BTreeMap<StackName, InstanceRow>, CommandError> {
        let rows = store.map(Store::instances).transpose()?.unwrap_or_default();
        let here = rows.into_iter().filter(|row| row.environment == self.environment.as_str());
        Ok(here.filter_map(|row| Some((row.stack.parse().ok()?, row))).collect())
    }

    fn order(&self, mode: Mode, earlier: &BTreeMap<StackName, InstanceRow>) -> Order {
        let standings = earlier.iter().map(|(name, row)| (name.clone(), row.standing)).collect();
        Order {
            mode,
            stage: self.stage.name.clone(),
            environment: self.environment.clone(),
            commit: self.opened.commit.as_ref().map(|commit| commit.id.to_string()),
            parallelism: self.parallelism,
            instances: Order::instances_of(
                &self.opened.graph,
                &self.selected.stacks,
                &self.selected.downstream,
                &standings,
            ),
        }
    }

    fn preface(&self, settings: &Settings, terraform: &Terraform) -> Preface {
        let commit = self.opened.commit.as_ref();
        Preface {
            commit: commit.map(|commit| commit.id.to_string()).unwrap_or_default(),
            subject: commit.map(|commit| commit.subject.clone()).unwrap_or_default(),
            actor: settings.actor(),
            terraform: format!("{} {}", terraform.product.as_str(), terraform.version),
        }
    }

    /// The files and facts of all stacks whose folders will be laid out.
    pub(super) fn sources(&self) -> Result<BTreeMap<StackName, Source>, CommandError> {
        let estate = &self.opened.estate;
        let watches = Watches::of(estate);
        let source = |name: &StackName| {
            let source = Source::of(&*self.opened.tree, &estate.stacks[name], &self.code, &watches)
                .map_err(|error| CommandError::usage(format!("stack {name}: {}", CommandError::chain(&error))))?;
            for link in &source.dangling {
                views::error::warn(&format!("stack {name}: the link {link} leads to nothing, and is left out"));
            }
            Ok((name.clone(), source))
        };
        let loaded = estate.stacks.iter().filter(|(_, stack)| self.code.modules.contains_key(&stack.folder));
        loaded.map(|(name, _)| source(name)).collect()
    }
}

/// The stacks whose outputs are read by an instance that takes part in any case.
fn read_for_sure(order: &Order) -> BTreeSet<StackName> {
    let sure = order.instances.iter().filter(|instance| !instance.only_if_upstream_changes);
    let read = sure.flat_map(|instance| &instance.upstream).filter(|(_, outputs)| !outputs.is_empty());
    read.map(|(upstream, _)| upstream.clone()).collect()
}

pub(super) async fn start_sandbox(
    home: &Home,
    settings: &Settings,
    sources: &BTreeMap<StackName, Source>,
) -> Result<Option<Arc<terrace_sandbox::Server>>, CommandError> {
    if !sources.values().any(Source::uses_sandbox) {
        return Ok(None);
    }
    let server = terrace_sandbox::Server::start(&home.sandbox(), &settings.temporary).await;
    let failed =
        |error| CommandError::failed(format!("the sandbox cloud cannot be started: {}", CommandError::chain(&error)));
    server.map(Arc::new).map(Some).map_err(failed)
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
                 Make room on the disk (or mend it), then deliver again.",
            )
        }
        DriveError::Impossible(_) => CommandError::failed(error.to_string()),
    }
}
