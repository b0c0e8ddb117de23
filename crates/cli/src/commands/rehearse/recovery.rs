//! `terrace rehearse recovery`.

use clap::Args;
use terrace_domain::rehearsal::{Lost, Practice, Verdict, upgraded_environment};
use terrace_driver::rehearsals::last_successes;
use terrace_driver::store::Store;

use super::practice::{Common, finish};
use crate::error::{CommandError, CommandResult};
use crate::project::Project;
use crate::rehearsal::{Baseline, Request, baseline_of, rehearse};
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
Production is not touched: what runs there is deployed from nothing elsewhere, lost, and recovered by the clock. `rto` of the `recovery` block is
the objective.

Examples:
  terrace rehearse recovery --lost infrastructure
  terrace rehearse recovery --lost code     make the repository again from the releases, and compare every digest";

/// Lose something on purpose in a copy of what runs, recover it, and measure how long that takes
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Recovery {
    /// What is lost
    #[arg(long, value_name = "infrastructure|state|code", value_parser = lost)]
    lost: Lost,
    /// The environment of which a copy is practised on [default: the last protected one of the pipeline]
    #[arg(long, value_name = "ENVIRONMENT")]
    env: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// What a word stands for.
pub fn lost(text: &str) -> Result<Lost, String> {
    Lost::from_word(text).ok_or_else(|| "must be `infrastructure`, `state` or `code`".to_owned())
}

impl Recovery {
    /// Rehearses.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let project = Project::find(settings)?;
        let request = self.common.request(Practice::Recovery(self.lost), false);
        let baseline = what_runs(settings, &project, self.env.as_deref())?;
        if baseline.is_empty() {
            return Err(CommandError::usage(format!(
                "nothing runs in {}: there is nothing to lose",
                baseline.environment
            ))
            .help(format!("Deliver to it first: `terrace deliver --to {}`.", baseline.environment)));
        }
        let report = rehearse(settings, &project, None, Some(&baseline), &request)?;
        Ok(finish(Some(&report), self.common.json))
    }
}

/// All that runs in an environment.
pub fn what_runs(settings: &Settings, project: &Project, named: Option<&str>) -> Result<Baseline, CommandError> {
    let home = project.home();
    let store = home.database().exists().then(|| Store::open(&home.database(), &settings.actor())).transpose()?;
    let environment = match named {
        Some(named) => named.to_owned(),
        None => upgraded_environment(&project.open_work_tree()?.estate).to_string(),
    };
    baseline_of(project, store.as_ref(), &environment, None)
}

/// For a stage of the pipeline: whether the recovery was practised with success, lately enough or now.
pub fn for_stage(settings: &Settings, project: &Project, request: &Request) -> Result<bool, CommandError> {
    let home = project.home();
    let practised = match home.database() {
        database if database.exists() => Store::open(&database, &settings.actor())?.recoveries()?,
        _ => std::collections::BTreeMap::new(),
    };
    let every = project.open_work_tree()?.estate.recovery.every_ms;
    let last = last_successes(&practised).get(&Lost::Infrastructure).copied();
    if let (Some(last), Some(every)) = (last, every)
        && views::time::now().millis_since(last) < every
    {
        let age = views::time::age(last, views::time::now());
        views::say(&format!(
            "The recovery of infrastructure was practised {age}, and is due every {}.",
            views::time::duration(every)
        ));
        return Ok(true);
    }
    let baseline = what_runs(settings, project, None)?;
    if baseline.is_empty() {
        views::say(&format!("Nothing runs in {} yet: there is nothing to lose.", baseline.environment));
        return Ok(true);
    }
    let report = rehearse(settings, project, None, Some(&baseline), request)?;
    views::rehearsal::report_to_people(&report);
    Ok(report.verdict == Verdict::Passed)
}
