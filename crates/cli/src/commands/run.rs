//! `terrace run`: looks at runs, and decides about those that wait.

mod decide;
pub mod history;
pub mod timeline;

use std::path::Path;

use clap::{Args, Subcommand};
use terrace_domain::run::RunId;
use terrace_driver::home::Home;
use terrace_driver::store::Store;

use crate::error::{CommandError, CommandResult, Exit};
use crate::project::Project;
use crate::record::Record;
use crate::settings::Settings;
use crate::views;

/// Look at runs, approve and reject what waits, call a run off
#[derive(Debug, Subcommand)]
pub enum Run {
    List(List),
    Show(Show),
    Timeline(timeline::Timeline),
    History(history::History),
    Approve(decide::Approve),
    Reject(decide::Reject),
    Cancel(decide::Cancel),
}

/// List runs, the newest first
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  terrace run list --env dev --limit 5\n  terrace run list --json | jq '.runs[].outcome'"
)]
pub struct List {
    /// Only runs in this environment
    #[arg(long, value_name = "ENVIRONMENT")]
    env: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Print JSON (terrace.runs/2)
    #[arg(long)]
    json: bool,
}

/// Show one run: each instance, what it changed, what it waits for, why it failed
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  terrace run show            the newest\n  terrace run show 3 --json")]
pub struct Show {
    /// The run's number; the newest by default
    #[arg(value_name = "RUN")]
    id: Option<u64>,
    /// Print JSON (terrace.run/2)
    #[arg(long)]
    json: bool,
}

impl Run {
    /// Shows.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let home = Project::find(settings)?.home();
        if !home.database().exists() {
            return match self {
                Self::List(List { json: true, .. }) => {
                    views::run::list_json(&[]);
                    Ok(Exit::Done)
                }
                Self::List(_) => {
                    views::run::list(&[], None);
                    Ok(Exit::Done)
                }
                Self::Show(Show { id: Some(id), .. }) => Err(no_run(id)),
                Self::History(history) => history.run(None, settings),
                Self::Timeline(_) | Self::Show(_) | Self::Approve(_) | Self::Reject(_) | Self::Cancel(_) => {
                    Err(no_run_yet())
                }
            };
        }
        let mut store = Store::open(&home.database(), &settings.actor())?;
        match self {
            Self::List(list) => list.run(&Record::of(&store, &home)),
            Self::Show(show) => show.run(&Record::of(&store, &home), &home),
            Self::Timeline(timeline) => timeline.run(&Record::of(&store, &home), settings),
            Self::History(history) => history.run(Some(&Record::of(&store, &home)), settings),
            Self::Approve(approve) => approve.run(&mut store, &home, settings),
            Self::Reject(reject) => reject.run(&mut store, &home, settings),
            Self::Cancel(cancel) => cancel.run(&mut store, &home, settings),
        }
    }
}

impl List {
    fn run(self, record: &Record<'_>) -> CommandResult {
        let rows = record.runs(self.env.as_deref(), self.limit)?;
        if self.json {
            views::run::list_json(&rows);
        } else {
            views::run::list(&rows, self.env.as_deref());
            if rows.len() == self.limit {
                views::run::more(self.limit);
            }
        }
        Ok(Exit::Done)
    }
}

impl Show {
    fn run(self, record: &Record<'_>, home: &Home) -> CommandResult {
        let newest = || Ok::<_, CommandError>(record.runs(None, 1)?.first().map(|row| row.id));
        let id = match self.id {
            Some(id) => RunId(id),
            None => newest()?.ok_or_else(no_run_yet)?,
        };
        let Some((row, run)) = record.run(id)? else { return Err(no_run(id.0)) };
        if self.json {
            views::run::json(&row, &run);
        } else {
            views::run::show(&row, &run, home);
        }
        Ok(Exit::Done)
    }
}

/// Prints what was made, or writes it to the file that is named.
pub fn deliver_text(text: &str, output: Option<&Path>, settings: &Settings) -> CommandResult {
    match output {
        Some(file) => std::fs::write(settings.folder.join(file), text)
            .map_err(|error| CommandError::failed(format!("cannot write {}: {error}", file.display())))?,
        None => views::print(text),
    }
    Ok(Exit::Done)
}

fn no_run_yet() -> CommandError {
    CommandError::usage("there is no run yet").help("`terrace deliver` makes the first.")
}

fn no_run(id: u64) -> CommandError {
    CommandError::usage(format!("there is no run {id}")).help("`terrace run list` shows all runs.")
}
