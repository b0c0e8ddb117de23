//! `terrace run approve`, `reject` and `cancel`: decisions about runs. Where a process drives the run, it is asked; else the decision is
//! recorded here.

use clap::Args;
use terrace_domain::run::{CannotApprove, Event, Instance, Outcome, Run, RunId};
use terrace_driver::home::Home;
use terrace_driver::local;
use terrace_driver::orphan::Orphans;
use terrace_driver::store::Store;

use super::{no_run, no_run_yet};
use crate::delivery::{checkpoint, new_holder, take_over};
use crate::error::{CommandError, CommandResult, Exit};
use crate::settings::Settings;
use crate::views;

/// Which run and which of its instances, and why.
#[derive(Debug, Args)]
struct Decision {
    /// The run's number; by default the newest that waits
    #[arg(value_name = "RUN")]
    id: Option<u64>,
    /// Only these stacks
    #[arg(long = "stack", value_name = "STACK")]
    stacks: Vec<String>,
    /// Only in this environment
    #[arg(long, value_name = "ENVIRONMENT")]
    env: Option<String>,
    /// Why; it is recorded
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Approve the plans of a run that wait for it
#[derive(Debug, Args)]
#[command(after_help = "\
An approval counts for exactly what it covers: the release, the inputs, upstream outputs, the state, the version of Terraform, the
provider lock, and the changes of the plan. When the run goes on and one of them differs, it says which, and asks again.

Examples:
  terrace run show 7              what waits, and what would change
  terrace run approve 7 --reason 'looked at with the network team'
  terrace resume 7                and on it goes")]
pub struct Approve {
    #[command(flatten)]
    decision: Decision,
}

/// Reject the plans of a run that wait for approval
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  terrace run reject 7 --stack aws-cluster --reason 'not before the weekend'")]
pub struct Reject {
    #[command(flatten)]
    decision: Decision,
}

/// Call a run off: what is being applied is asked to stop, what waits does not begin
#[derive(Debug, Args)]
#[command(after_help = "\
A Terraform that is still at work though the process of its run is gone is asked to stop, too, and waited for.\n\nExample:\n  terrace run cancel 7 --reason 'superseded by the hotfix'")]
pub struct Cancel {
    /// The run's number; by default the newest that is not over
    #[arg(value_name = "RUN")]
    id: Option<u64>,
    /// Why; it is recorded
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Approve {
    pub(super) fn run(self, store: &mut Store, home: &Home, settings: &Settings) -> CommandResult {
        let (id, run) = self.decision.find(store)?;
        let reason = self.decision.reason.clone().unwrap_or_default();
        let mut refused: Vec<CannotApprove> = Vec::new();
        let mut events = Vec::new();
        for instance in self.decision.awaiting(&run)? {
            let terrace_domain::run::InstanceState::Awaiting(awaiting) = &instance.state else { continue };
            match run.may_approve(&instance.id, &settings.user, &awaiting.cover) {
                Ok(()) => events.push(Event::Approved {
                    instance: instance.id.clone(),
                    by: settings.user.clone(),
                    reason: reason.clone(),
                    cover: Box::new(awaiting.cover.clone()),
                }),
                Err(error) => refused.push(error),
            }
        }
        for error in &refused {
            views::error::warn(&error.to_string());
        }
        if events.is_empty() {
            return Err(CommandError::refused(format!("nothing of run {id} was approved"))
                .help(format!("`terrace run show {id}` says who may approve what.")));
        }
        let driven = decide(store, home, settings, id, &events)?;
        views::run::decided(&events, "approved", id);
        if driven {
            views::say("The process that drives the run goes on with it.");
        } else {
            views::say(&format!("Go on with it: `terrace resume {id}`."));
        }
        Ok(Exit::Done)
    }
}

impl Reject {
    pub(super) fn run(self, store: &mut Store, home: &Home, settings: &Settings) -> CommandResult {
        let (id, run) = self.decision.find(store)?;
        let reason = self.decision.reason.clone().unwrap_or_default();
        let reject = |instance: &Instance| Event::Rejected {
            instance: instance.id.clone(),
            by: settings.user.clone(),
            reason: reason.clone(),
        };
        let events: Vec<_> = self.decision.awaiting(&run)?.into_iter().map(reject).collect();
        decide(store, home, settings, id, &events)?;
        views::run::decided(&events, "rejected", id);
        Ok(Exit::Done)
    }
}

impl Cancel {
    pub(super) fn run(self, store: &mut Store, home: &Home, settings: &Settings) -> CommandResult {
        let id = match self.id {
            Some(id) => RunId(id),
            None => store.open_runs()?.last().copied().ok_or_else(|| {
                CommandError::usage("there is no run to call off: all are over")
                    .help("`terrace run list` shows all runs.")
            })?,
        };
        let (run, _) = store.replay(id)?.ok_or_else(|| no_run(id.0))?;
        if run.finished().is_some() {
            return Err(CommandError::usage(format!("run {id} is over: it {}", run.outcome().as_str())));
        }
        let event = Event::Cancelled { by: settings.user.clone(), reason: self.reason.unwrap_or_default() };
        if decide(store, home, settings, id, &[event])? {
            views::say(&format!("Run {id} has been asked to stop: its process waits for what Terraform has begun."));
        } else {
            views::say(&format!("Run {id} is called off."));
            stop_left(home, settings, &run)?;
        }
        Ok(Exit::Done)
    }
}

/// Stops what the process of a run that is gone left at work.
fn stop_left(home: &Home, settings: &Settings, run: &Run) -> Result<(), CommandError> {
    let unread = |error: std::io::Error| CommandError::failed(format!("what is still at work cannot be told: {error}"));
    let orphans = Orphans::of(home, &new_holder(settings), run).map_err(unread)?;
    for id in orphans.out_of_reach() {
        views::error::warn(&format!(
            "a Terraform is still at work on {id}. It was not asked to stop: another process works in {} now. The next delivery of {} waits \
             for it",
            id.environment, id.stack
        ));
    }
    let (asked, not_found) = orphans.interrupt();
    for id in &not_found {
        views::error::warn(&format!(
            "a Terraform is still at work on {id} and could not be found, to be asked to stop: the next delivery waits for it"
        ));
    }
    for id in &asked {
        views::say(&format!("A Terraform is still at work on {id}: it has been asked to stop, and is waited for."));
    }
    if not_found.is_empty() && !asked.is_empty() {
        orphans.wait().map_err(unread)?;
        views::say("It has come to its end. The next delivery goes on from what it has done.");
    }
    Ok(())
}

impl Decision {
    /// The run, which must wait for a decision.
    fn find(&self, store: &Store) -> Result<(RunId, Run), CommandError> {
        if let Some(id) = self.id {
            let (run, _) = store.replay(RunId(id))?.ok_or_else(|| no_run(id))?;
            return Ok((RunId(id), run));
        }
        for id in store.open_runs()?.into_iter().rev() {
            if let Some((run, _)) = store.replay(id)?
                && run.awaiting().next().is_some()
            {
                return Ok((id, run));
            }
        }
        if store.runs(None, 1)?.is_empty() {
            return Err(no_run_yet());
        }
        Err(CommandError::usage("no run waits for a decision").help("`terrace run list` shows all runs."))
    }

    /// The instances that are decided about.
    fn awaiting<'r>(&self, run: &'r Run) -> Result<Vec<&'r Instance>, CommandError> {
        let all = || run.awaiting().map(|(instance, _)| instance);
        if let Some(stack) = self.stacks.iter().find(|stack| all().all(|one| one.id.stack.as_str() != stack.as_str())) {
            let waiting: Vec<_> = all().map(|one| one.id.to_string()).collect();
            let help = if waiting.is_empty() { "none waits".to_owned() } else { waiting.join(", ") };
            return Err(CommandError::usage(format!("`{stack}` does not wait for a decision"))
                .help(format!("What waits: {help}.")));
        }
        let is_meant = |one: &&Instance| {
            let in_environment = self.env.as_ref().is_none_or(|env| one.id.environment.as_str() == env);
            in_environment && (self.stacks.is_empty() || self.stacks.iter().any(|name| one.id.stack.as_str() == name))
        };
        let found: Vec<_> = all().filter(is_meant).collect();
        if found.is_empty() {
            let error = CommandError::usage("nothing of the run waits for a decision");
            return Err(match run.outcome() {
                Outcome::Running => error.help("It goes on; `terrace run show` says what it is at."),
                _ => error.help("`terrace run list` shows all runs."),
            });
        }
        Ok(found)
    }
}

/// Records decisions, or asks the process that drives the run to. Says whether there is one.
fn decide(
    store: &mut Store,
    home: &Home,
    settings: &Settings,
    id: RunId,
    events: &[Event],
) -> Result<bool, CommandError> {
    let Some(_lock) = take_over(home, id, settings)? else {
        for event in events {
            store.request(id, event)?;
        }
        return Ok(true);
    };
    for event in events {
        let run = local::take_in(store, id, views::time::now(), event)?;
        if let Some(run) = run.filter(|run| run.finished().is_some()) {
            local::sweep(home, &new_holder(settings), &run);
        }
    }
    checkpoint(store, settings);
    Ok(false)
}
