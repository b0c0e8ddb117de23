//! `terrace status`.

use clap::Args;
use terrace_driver::store::Store;

use crate::error::{CommandError, CommandResult, Exit};
use crate::project::Project;
use crate::record::Record;
use crate::settings::Settings;
use crate::views;
use crate::views::status::Overview;

const AFTER_HELP: &str = "\
For each stack and environment: which release runs there (and its commit), since when, which is on its way and what it waits for, and how the
last delivery went, if not well.

Examples:
  terrace status
  terrace status --json";

/// Show what runs where
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Status {
    /// Print JSON (terrace.status/2)
    #[arg(long)]
    json: bool,
}

impl Status {
    /// Shows.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let project = Project::find(settings)?;
        let opened = match project.open_work_tree() {
            Ok(opened) => Some(opened),
            Err(error) => {
                warn_of_unsound(error)?;
                None
            }
        };
        let home = project.home();
        let (rows, recoveries) = match home.database() {
            database if database.exists() => {
                let store = Store::open(&database, &settings.actor())?;
                (Record::of(&store, &home).instances()?, store.recoveries()?)
            }
            _ => Default::default(),
        };
        let overview = Overview::new(opened.as_ref().map(|opened| &*opened.estate), &rows, &home, recoveries);
        if self.json {
            overview.json();
        } else {
            overview.text();
        }
        Ok(Exit::Done)
    }
}

/// What was delivered is recorded, whatever the work tree looks like now: an estate with errors is no reason not to show it.
fn warn_of_unsound(error: CommandError) -> Result<(), CommandError> {
    if error.diagnostics.is_none() {
        return Err(error);
    }
    views::error::warn(&format!(
        "{} as it lies in the work tree (`terrace validate` shows them): only what is recorded is shown",
        error.message
    ));
    Ok(())
}
