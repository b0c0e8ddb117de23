//! `terrace state`: the snapshots of states that are known, going back to one, and making a lost state again.

mod choose;
mod import;
mod restore;
mod save;

use clap::{Args, Subcommand};
use terrace_driver::database;
use terrace_driver::snapshots::{self, SnapshotError};

use crate::error::{CommandError, CommandResult, Exit};
use crate::project::Project;
use crate::settings::Settings;
use crate::views;

/// Look at snapshots of states, and restore them
#[derive(Debug, Subcommand)]
pub enum State {
    List(List),
    Snapshots(Snapshots),
    Save(save::Save),
    Restore(restore::Restore),
    Import(import::Import),
}

/// List the last snapshot of each instance's state
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  terrace state list --env prod\n  terrace state list --json | jq '.states[].serial'"
)]
pub struct List {
    /// Only instances in this environment
    #[arg(long, value_name = "ENVIRONMENT")]
    env: Option<String>,
    /// Print JSON (terrace.states/1)
    #[arg(long)]
    json: bool,
}

/// List the snapshots of an instance's state, the newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  terrace state snapshots network --env prod")]
pub struct Snapshots {
    /// The stack
    #[arg(value_name = "STACK")]
    stack: String,
    /// The environment
    #[arg(long, value_name = "ENVIRONMENT")]
    env: String,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Print JSON (terrace.snapshots/1)
    #[arg(long)]
    json: bool,
}

impl State {
    /// Does it.
    pub fn run(self, settings: &Settings) -> CommandResult {
        match self {
            Self::List(list) => list.run(settings),
            Self::Snapshots(snapshots) => snapshots.run(settings),
            Self::Save(save) => save.run(settings),
            Self::Restore(restore) => restore.run(settings),
            Self::Import(import) => import.run(settings),
        }
    }
}

/// The database, where there is one.
fn look_into(settings: &Settings) -> Result<Option<database::Connection>, CommandError> {
    let path = Project::find(settings)?.home().database();
    Ok(if path.exists() { Some(database::open(&path)?) } else { None })
}

impl List {
    fn run(self, settings: &Settings) -> CommandResult {
        let found = match look_into(settings)? {
            Some(connection) => snapshots::latest_of_each(&connection, self.env.as_deref())?,
            None => Vec::new(),
        };
        if self.json {
            views::state::list_json(&found);
        } else {
            views::state::list(&found, self.env.as_deref());
        }
        Ok(Exit::Done)
    }
}

impl Snapshots {
    fn run(self, settings: &Settings) -> CommandResult {
        let found = match look_into(settings)? {
            Some(connection) => snapshots::list(&connection, &self.env, &self.stack, self.limit)?,
            None => Vec::new(),
        };
        if self.json {
            views::state::snapshots_json(&found);
        } else {
            views::state::snapshots(&found, &self.stack, &self.env);
            if found.len() == self.limit {
                views::say(&format!("The newest {}; more with `--limit`.", views::count(self.limit, "snapshot")));
            }
        }
        Ok(Exit::Done)
    }
}

impl From<SnapshotError> for CommandError {
    fn from(error: SnapshotError) -> Self {
        Self::failed(Self::chain(&error))
    }
}
