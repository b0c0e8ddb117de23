//! What `plan` and `deliver` share: choosing the stage, checking what takes part, and bringing a run to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clap::Args;
use terrace_config::{Code, Watches, check_estate, has_errors, sort_diagnostics};
use terrace_domain::diagnostic::nearest;
use terrace_domain::estate::{Estate, Stage};
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::run::{Mode, Order, Run, RunId};
use terrace_driver::context::{Context, Source};
use terrace_driver::home::{Home, make_private};
use terrace_driver::local::{self, DriveError, Journal};
use terrace_driver::store::{Preface, Store};
use terrace_world::lock::{Holder, Lock, LockError};
use terrace_world::terraform::{Environment as ProcessEnvironment, Terraform};
use tokio::sync::watch;

use crate::error::CommandError;
use crate::project::{Opened, Project, unsound};
use crate::selection::{Selected, Selection};
use crate::settings::{Settings, default_parallelism};
use crate::views;
use crate::views::plan::Gathered;
use crate::views::progress::Progress;

/// Options of commands that work on the instances of an environment.
#[derive(Debug, Args)]
pub struct Target {
    #[command(flatten)]
    pub selection: Selection,
    /// The stage of the pipeline; by default its first that delivers to an environment
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
    /// The environment: its stage is chosen
    #[arg(long, value_name = "ENVIRONMENT", conflicts_with = "stage")]
    pub env: Option<String>,
    /// The commit
    #[arg(long, value_name = "COMMIT", default_value = "HEAD", conflicts_with = "affected")]
    pub commit: String,
    /// Let everything upstream of the selected stacks take part, too
    #[arg(long)]
    pub upstream: bool,
    /// How many instances work at once [default: one a core]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub parallelism: Option<u16>,
    /// Say what Terraform does to each resource
    #[arg(long, short)]
    pub verbose: bool,
}

/// Everything that is decided before something is done.
pub struct Prospect {
    project: Project,
    opened: Opened,
    /// What was selected.
    pub selected: Selected,
    /// The stage.
    pub stage: Stage,
    /// Its environment.
    pub environment: EnvironmentName,
    code: Code,
    parallelism: usize,
    verbose: bool,
}

impl Target {
    /// Selects stacks and stage, and checks the configuration of what takes part. Starts nothing.
    pub fn resolve(&self, settings: &Settings, work_tree: bool) -> Result<Prospect, CommandError> {
        let project = Project::find(settings)?;
        let (opened, mut selected) = self.selection.resolve(&project, || {
            if work_tree {
                return project.open_work_tree();
            }
            let commit = project.repository()?.resolve(&self.commit)?;
            project.open_commit(commit)
        })?;
        if self.upstream {
            let upstream = opened.graph.upstream_closure(&selected.stacks).into_keys();
            selected.stacks.extend(upstream);
            selected.downstream.retain(|name| !selected.stacks.contains(name));
        }
        let (stage, environment) = self.choose_stage(&opened.estate)?;
        let code = checked_code(&project, &opened, &selected)?;
        let parallelism = self.parallelism.map_or_else(default_parallelism, usize::from);
        Ok(Prospect { project, opened, selected, stage, environment, code, parallelism, verbose: self.verbose })
    }

    fn choose_stage(&self, estate: &Estate) -> Result<(Stage, EnvironmentName), CommandError> {
        let delivering = || estate.stages.iter().filter_map(|stage| Some((stage, stage.environment.as_ref()?)));
        let found = match (&self.stage, &self.env) {
            (Some(name), _) => match estate.stages.iter().find(|stage| stage.name.as_str() == name) {
                Some(stage) => match &stage.environment {
                    Some(environment) => Some((stage, environment)),
                    None => {
                        return Err(CommandError::usage(format!("the stage `{name}` delivers to no environment"))
                            .help("Name a stage that has one: `terrace deliver --stage STAGE`."));
                    }
                },
                None => return Err(unknown("stage", name, estate.stages.iter().map(|stage| stage.name.as_str()))),
            },
            (None, Some(name)) => {
                if !estate.environments.contains_key(name.as_str()) {
                    return Err(unknown("environment", name, estate.environments.keys().map(EnvironmentName::as_str)));
                }
                let found = delivering().find(|(_, environment)| environment.as_str() == name);
                if found.is_none() {
                    return Err(CommandError::usage(format!("no stage of the pipeline delivers to `{name}`"))
                        .help(format!("Add one to terrace.hcl: `stage \"{name}\" {{ environment = \"{name}\" }}`.")));
                }
                found
            }
            (None, None) => delivering().next(),
        };
        let (stage, environment) = found.ok_or_else(|| {
            CommandError::usage("no stage of the pipeline delivers to an environment")
                .help("Add one to terrace.hcl: `stage \"dev\" { environment = \"dev\" }`.")
        })?;
        Ok((stage.clone(), environment.clone()))
    }
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> CommandError {
    let error = CommandError::usage(format!("there is no {what} `{name}`"));
    match nearest(name, known.clone()) {
        Some(near) => error.help(format!("Did you mean `{near}`?")),
        None => error.help(format!("There is: {}.", known.collect::<Vec<_>>().join(", "))),
    }
}

/// Reads the code of what takes part and of its direct upstream, and checks it.
fn checked_code(project: &Project, opened: &Opened, selected: &Selected) -> Result<Code, CommandError> {
    let taking_part: BTreeSet<_> = selected.stacks.union(&selected.downstream).collect();
    let mut needed = taking_part.clone();
    for name in &taking_part {
        needed.extend(opened.graph.upstream_of(name.as_str()).into_keys());
    }
    let stacks = needed.into_iter().map(|name| &opened.estate.stacks[name]);
    let code = project.load_code(opened, stacks);
    let mut found = check_estate(&*opened.tree, &opened.estate, &code);
    found.extend_from_slice(&code.diagnostics);
    sort_diagnostics(&mut found);
    if has_errors(&found) {
        return Err(unsound(&*opened.tree, found));
    }
    views::diagnostics::say_from(&*opened.tree, &found);
    Ok(code)
}

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
    /// The estate.
    pub fn estate(&self) -> &Estate {
        &self.opened.estate
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.project
    }

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
        let order = self.order(conduct.mode);
        let stacks = order.instances.iter().map(|instance| &instance.stack);
        let progress = Arc::new(Progress::new(settings.is_interactive, self.verbose, stacks));
        let stop = stop_on_signals(Arc::clone(&progress))?;
        let requirement = &self.opened.estate.terraform;
        let process_environment = ProcessEnvironment::scrubbed(settings.environment.clone(), &requirement.pass_env);
        let (binary, version) = (requirement.binary.as_deref(), requirement.version.as_deref());
        let terraform = Terraform::find(binary, version, &self.project.root, &process_environment).await?;
        let home = self.project.home();
        home.create()?;
        let _lock = take(&home, &self.environment, settings)?;
        // All that can keep a run from beginning comes before its record: a run without an end is one that was killed.
        let sources = self.sources()?;
        let sandbox = start_sandbox(&home, settings, &sources).await?;
        let mut store = match conduct.mode {
            Mode::Deliver => Some(open_store(&home, &self.environment)?),
            Mode::Plan => {
                check_store(&home)?;
                None
            }
        };
        let run_id = match &mut store {
            Some(store) => Some(store.create_run(views::time::now(), &order, &self.preface(settings, &terraform))?),
            None => None,
        };
        let logs = run_id.map_or_else(|| home.path().join("plan"), |id| home.logs(id));
        make_private(&logs)?;
        let ctx = Context {
            estate: Arc::clone(&self.opened.estate),
            graph: Arc::clone(&self.opened.graph),
            environment: self.environment.clone(),
            mode: conduct.mode,
            renders_plans: conduct.renders_plans,
            tree: Arc::clone(&self.opened.tree),
            sources,
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
        Ok(Conducted { run: run.map_err(drive_error)?, id: run_id, plans })
    }

    fn order(&self, mode: Mode) -> Order {
        Order {
            mode,
            stage: self.stage.name.clone(),
            environment: self.environment.clone(),
            commit: self.opened.commit.as_ref().map(|commit| commit.id.to_string()),
            parallelism: self.parallelism,
            instances: Order::instances_of(&self.opened.graph, &self.selected.stacks, &self.selected.downstream),
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
    fn sources(&self) -> Result<BTreeMap<StackName, Source>, CommandError> {
        let estate = &self.opened.estate;
        let watches = Watches::of(estate);
        let source = |name: &StackName| {
            let source = Source::of(&*self.opened.tree, &estate.stacks[name], &self.code, &watches)
                .map_err(|error| CommandError::usage(format!("stack {name}: {}", CommandError::chain(&error))))?;
            Ok((name.clone(), source))
        };
        let loaded = estate.stacks.iter().filter(|(_, stack)| self.code.modules.contains_key(&stack.folder));
        loaded.map(|(name, _)| source(name)).collect()
    }

    /// Whether there is nothing to do; says so, and what of the change is not taken care of.
    pub fn is_idle(&self, doing: &str) -> bool {
        if let Some(change) = &self.selected.change {
            for stack in &change.affected.removed {
                views::error::warn(&format!(
                    "{stack} is not in the estate any more: what it made stays where it is, and is not destroyed"
                ));
            }
        }
        let idle = self.selected.stacks.is_empty();
        if idle {
            let why = if self.selected.change.is_some() { "no stack is affected" } else { "the estate has no stacks" };
            views::say(&format!("Nothing to {doing}: {why}."));
        }
        idle
    }

    /// A line about what is going to be done.
    pub fn headline(&self, doing: &str) -> String {
        let count = views::count(self.selected.stacks.len(), "stack");
        let also = match self.selected.downstream.len() {
            0 => String::new(),
            n => format!(" (and {n} downstream, if what they read changes)"),
        };
        let what = match &self.opened.commit {
            Some(commit) => format!("commit {} \"{}\"", commit.short_id, commit.subject),
            None => "the work tree".to_owned(),
        };
        format!("{doing} {count}{also} of {what} in {}", self.environment)
    }
}

/// Becomes true at the first SIGINT, SIGTERM or SIGHUP. Later ones change nothing: Terraform has been asked, and is waited for.
fn stop_on_signals(progress: Arc<Progress>) -> Result<watch::Receiver<bool>, CommandError> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error| CommandError::failed(format!("signals cannot be handled: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(failed)?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
            if sender.send_replace(true) {
                progress.line(
                    "! still waiting for Terraform to finish what it has begun; killing it could lose track of what it made",
                );
            }
        }
    });
    Ok(receiver)
}

/// Takes the environment for this process.
fn take(home: &Home, environment: &EnvironmentName, settings: &Settings) -> Result<Lock, CommandError> {
    let holder = Holder {
        pid: std::process::id(),
        user: settings.user.clone(),
        host: settings.host.clone(),
        started_at: views::time::rfc3339(views::time::now()),
        command: settings.command_line.clone(),
    };
    Lock::try_acquire(&home.locks(), environment.as_str(), &holder).map_err(|error| match error {
        LockError::Held { holder, .. } => {
            let by = holder.map_or_else(
                || "another process".to_owned(),
                |holder| {
                    format!(
                        "`{}` (process {} of {} on {}, since {})",
                        holder.command, holder.pid, holder.user, holder.host, holder.started_at
                    )
                },
            );
            CommandError::failed(format!("{environment} is taken by {by}"))
                .help("Wait until it is done; its state is in `terrace status` and `terrace run list`.")
        }
        other => CommandError::failed(CommandError::chain(&other)),
    })
}

/// Opens the store; runs of this environment that have no end belong to processes that were killed, since the environment is ours.
fn open_store(home: &Home, environment: &EnvironmentName) -> Result<Store, CommandError> {
    let mut store = Store::open(&home.database())?;
    for id in store.open_runs(environment)? {
        let at_work = local::abandon(&mut store, id, views::time::now())?;
        let names: Vec<_> = at_work.iter().map(|(stack, step)| format!("{stack} in {}", step.as_str())).collect();
        let at_work = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        views::error::warn(&format!(
            "run {id} ended without a word: Terrace was killed. At work then: {at_work}. Terraform plans anew and goes on from there."
        ));
    }
    Ok(store)
}

/// A folder that a newer Terrace has written is not worked in, even if nothing is recorded.
fn check_store(home: &Home) -> Result<(), CommandError> {
    if home.database().exists() {
        Store::open(&home.database())?;
    }
    Ok(())
}

async fn start_sandbox(
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
