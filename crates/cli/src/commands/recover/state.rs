//! Lost states: each is rebuilt from its last snapshot, by import.

use serde_json::json;
use terrace_domain::ledger::{Kind, NewEntry};
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_driver::ledger;
use terrace_driver::snapshots;
use terrace_driver::store::{Store, StoreError};

use super::Recover;
use crate::commands::rehearse::what_runs;
use crate::delivery::take;
use crate::error::{CommandError, CommandResult, Exit};
use crate::project::Project;
use crate::rehearsal::{Baseline, Rebuilt, rebuild_states};
use crate::settings::Settings;
use crate::views;

static IMPORTED: Kind = Kind::known("state_imported");

impl Recover {
    /// Shows from which snapshots the states would be rebuilt, asks, and rebuilds those that are empty.
    pub(super) fn state(&self, settings: &Settings) -> CommandResult {
        let environment = self.env.as_deref().unwrap_or_default();
        let project = Project::find(settings)?;
        let home = project.home();
        let baseline = what_runs(settings, &project, Some(environment))?;
        if baseline.is_empty() {
            return Err(CommandError::usage(format!("the ledger says of nothing that it runs in {environment}"))
                .help("`terrace status` shows what runs where."));
        }
        let mut store = Store::open(&home.database(), &settings.actor())?;
        show(&store, &baseline)?;
        self.ask(environment)?;
        let name: EnvironmentName = environment.parse().map_err(|error| CommandError::usage(format!("{error}")))?;
        let _lock = take(&home, &name, settings)?;
        let mut is_whole = true;
        for batch in &baseline.batches {
            let prospect = self.prospect(settings, &baseline, batch)?;
            for (stack, rebuilt) in rebuild_states(&prospect, settings, &batch.release, &store)? {
                is_whole &= tell(&stack, &rebuilt);
                record(&mut store, environment, &stack, &rebuilt)?;
            }
        }
        if is_whole {
            views::say(&format!("All states of {environment} are what they were."));
            return Ok(Exit::Done);
        }
        views::say(
            "What is left is to be done by hand; then `terrace plan` tells whether the states are what they were.",
        );
        Ok(Exit::Failed)
    }
}

/// The snapshots that there are.
fn show(store: &Store, baseline: &Baseline) -> Result<(), CommandError> {
    let now = views::time::now();
    views::say(&format!(
        "States of {} that are empty are rebuilt, by import, from these snapshots:",
        baseline.environment
    ));
    for stack in baseline.batches.iter().flat_map(|batch| &batch.stacks) {
        let snapshot = snapshots::latest(store.connection(), &baseline.environment, stack.as_str())?;
        let text = snapshot.map_or_else(
            || "there is none: it cannot be rebuilt".to_owned(),
            |found| format!("snapshot {}, taken {}", found.id, views::time::age(found.at, now)),
        );
        views::say(&format!("  {stack}  {text}"));
    }
    Ok(())
}

/// Whether a state is what it was; tells how it went.
fn tell(stack: &StackName, rebuilt: &Rebuilt) -> bool {
    match rebuilt {
        Rebuilt::NoSnapshot => {
            views::say(&format!("✗ {stack}  there is no snapshot of its state"));
            false
        }
        Rebuilt::IsThere => {
            views::say(&format!("= {stack}  its state is there"));
            true
        }
        Rebuilt::From(from) => {
            let problems = rebuilt.problems();
            let mark = if problems.is_empty() { "✓" } else { "✗" };
            views::say(&format!("{mark} {stack}  {} imported", views::count(from.1.imported.len(), "resource")));
            for problem in &problems {
                views::say(&format!("    {problem}"));
            }
            problems.is_empty()
        }
    }
}

fn record(store: &mut Store, environment: &str, stack: &StackName, rebuilt: &Rebuilt) -> Result<(), CommandError> {
    let Rebuilt::From(from) = rebuilt else { return Ok(()) };
    let (snapshot, recovered, noted) = &**from;
    let body = json!({
        "snapshot": snapshot.id,
        "imported": recovered.imported,
        "refused": recovered.refused.iter().map(|one| one.address.as_str()).collect::<Vec<_>>(),
        "not_importable": recovered.not_importable.iter().map(|one| one.address.as_str()).collect::<Vec<_>>(),
        "plan_empty": recovered.is_empty,
    })
    .to_string();
    let actor = store.actor().to_owned();
    store.write(|transaction| {
        let mut entry = NewEntry::new(views::time::now(), &actor, &IMPORTED, &body);
        (entry.environment, entry.stack) = (Some(environment), Some(stack.as_str()));
        entry.reason = Some("its state was lost");
        Ok::<_, StoreError>(ledger::append(transaction, &entry).map(drop)?)
    })?;
    noted.iter().try_for_each(|one| store.note(None, views::time::now(), one))?;
    Ok(())
}
