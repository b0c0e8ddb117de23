//! `terrace gate`: what the gates of a run say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clap::{Args, Subcommand};
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::rehearsal::Lost;
use terrace_domain::run::{Gate as RunGate, Instance, Moment, Run, RunId, Standing};
use terrace_driver::local;
use terrace_driver::rehearsals::last_successes;
use terrace_driver::store::Store;
use terrace_driver::witness::Witness;
use terrace_release::layout::Layout;
use terrace_release::tree::ReleaseTree;

use crate::error::{CommandError, CommandResult, Exit};
use crate::keys;
use crate::project::Project;
use crate::settings::Settings;
use crate::views;
use crate::views::gate::Explained;

/// Look at gates
#[derive(Debug, Subcommand)]
pub enum Gate {
    Explain(Explain),
}

/// Say what each gate says of each instance of a run, and why
#[derive(Debug, Args)]
#[command(after_help = "\
A gate lets through, waits for time, asks people, or refuses. What it says of a plan is known once there is one. What was recorded when
the run came by is told as it was; windows, soak times and evidence are looked at now.

Examples:
  terrace gate explain                      the newest run
  terrace gate explain 7 --stack aws-database --env prod
  terrace gate explain 7 --json | jq '.instances[].gates[] | select(.verdict != \"pass\")'")]
pub struct Explain {
    /// The run's number; the newest by default
    #[arg(value_name = "RUN")]
    id: Option<u64>,
    /// Only these stacks
    #[arg(long = "stack", value_name = "STACK")]
    stacks: Vec<String>,
    /// Only in this environment
    #[arg(long, value_name = "ENVIRONMENT")]
    env: Option<String>,
    /// Print JSON (terrace.gates/1)
    #[arg(long)]
    json: bool,
}

impl Gate {
    /// Explains.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let Self::Explain(explain) = self;
        explain.run(settings)
    }
}

/// What is known of an environment now.
struct Known {
    standings: BTreeMap<StackName, Standing>,
    recovered: BTreeMap<Lost, Moment>,
}

impl Explain {
    fn run(self, settings: &Settings) -> CommandResult {
        let project = Project::find(settings)?;
        let home = project.home();
        let none = || CommandError::usage("there is no run yet").help("`terrace deliver` makes the first.");
        if !home.database().exists() {
            return Err(none());
        }
        let store = Store::open(&home.database(), &settings.actor())?;
        let id = match self.id {
            Some(id) => RunId(id),
            None => store.runs(None, 1)?.first().map(|row| row.id).ok_or_else(none)?,
        };
        let (run, _) = store.replay(id)?.ok_or_else(|| {
            CommandError::usage(format!("there is no run {id}")).help("`terrace run list` shows all runs.")
        })?;
        let instances = self.chosen(&run)?;
        let environments: BTreeSet<&EnvironmentName> = instances.iter().map(|one| &one.id.environment).collect();
        let mut known = BTreeMap::new();
        for environment in environments {
            known.insert(environment.clone(), look(settings, &project, &store, &run, environment)?);
        }
        let now = views::time::now();
        let nothing = Standing::default();
        let explained = instances.into_iter().map(|instance| {
            let Known { standings, recovered } = &known[&instance.id.environment];
            let standing = standings.get(&instance.id.stack).unwrap_or(&nothing);
            Explained { instance, gates: run.judge(&instance.id, standing, recovered, now) }
        });
        let explained: Vec<_> = explained.collect();
        if self.json {
            views::gate::json(id, &run, &explained);
        } else {
            views::gate::text(id, &run, &explained);
        }
        Ok(Exit::Done)
    }

    /// The instances that are asked for.
    fn chosen<'r>(&self, run: &'r Run) -> Result<Vec<&'r Instance>, CommandError> {
        let all = run.instances();
        if let Some(name) = self.stacks.iter().find(|name| all.iter().all(|one| one.id.stack.as_str() != *name)) {
            return Err(CommandError::usage(format!("the stack `{name}` takes no part in the run"))
                .help("`terrace run show` lists those that do."));
        }
        if let Some(name) = self.env.as_ref().filter(|name| all.iter().all(|one| one.id.environment.as_str() != *name))
        {
            return Err(CommandError::usage(format!("the run does not go to the environment `{name}`"))
                .help("`terrace run show` says where it goes."));
        }
        let is_meant = |one: &&Instance| {
            self.env.as_ref().is_none_or(|env| one.id.environment.as_str() == env)
                && (self.stacks.is_empty() || self.stacks.iter().any(|name| one.id.stack.as_str() == name))
        };
        Ok(all.iter().filter(is_meant).collect())
    }
}

/// Looks what there is of evidence and recoveries now, where gates ask for it.
fn look(
    settings: &Settings,
    project: &Project,
    store: &Store,
    run: &Run,
    environment: &EnvironmentName,
) -> Result<Known, CommandError> {
    let stage = run.order().stages.iter().find(|stage| stage.environment == *environment);
    let asks = |test: fn(&RunGate) -> bool| stage.is_some_and(|stage| stage.gates.iter().any(test));
    let recovered = if asks(|gate| matches!(gate, RunGate::Recovery { .. })) {
        last_successes(&store.recoveries()?)
    } else {
        BTreeMap::new()
    };
    let needs_evidence = asks(|gate| matches!(gate, RunGate::Evidence { .. } | RunGate::Soak { .. }));
    let Some(digest) = run.order().release.filter(|_| needs_evidence) else {
        let standings = store.standings(environment.as_str())?;
        return Ok(Known { standings, recovered });
    };
    let layout = Layout::open(&project.home().releases())?;
    let release = Arc::new(ReleaseTree::open(&layout, &layout.resolve(&digest.to_string())?)?);
    let opened = project.open_release(&release)?;
    let witness = Witness::that_looks(layout, keys::known_keys(settings, Some(&opened.estate))?)?;
    let (mut standings, _) = local::standings(Some(store), Some(&witness), run, environment)?;
    if asks(|gate| matches!(gate, RunGate::Evidence { .. })) {
        let known = (&*opened.estate, &*opened.graph, Some(&*release));
        local::add_rehearsed(store, &witness, known, run, &mut standings)?;
    }
    Ok(Known { standings, recovered })
}
