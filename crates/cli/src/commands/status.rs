//! `terrace status`.

use clap::Args;
use terrace_driver::store::Store;

use crate::error::{CommandResult, Exit};
use crate::project::Project;
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
For each stack and environment: which commit runs there, since when, and how the last delivery went, if not well.

Examples:
  terrace status
  terrace status --json";

/// Show what runs where
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Status {
    /// Print JSON (terrace.status/1)
    #[arg(long)]
    json: bool,
}

impl Status {
    /// Shows.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let project = Project::find(settings)?;
        let opened = project.open_work_tree()?;
        let database = project.home().database();
        let rows = if database.exists() { Store::open(&database)?.instances()? } else { Vec::new() };
        let holders = views::status::holders(&project.home(), &opened.estate);
        if self.json {
            views::status::json(&opened.estate, &rows, &holders);
        } else {
            views::status::text(&opened.estate, &rows, &holders);
        }
        Ok(Exit::Done)
    }
}
