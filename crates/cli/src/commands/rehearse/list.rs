//! `terrace rehearse list` and `terrace rehearse show`.

use clap::Args;
use terrace_driver::home::Home;
use terrace_driver::rehearsals::{self, Kept};

use crate::error::{CommandError, CommandResult, Exit};
use crate::project::Project;
use crate::settings::Settings;
use crate::views;

const LIST_HELP: &str = "\
Examples:
  terrace rehearse list
  terrace rehearse list --json";

const SHOW_HELP: &str = "\
Examples:
  terrace rehearse show zero-4k2m9q";

/// List the rehearsals that are remembered, and the environments that stand
#[derive(Debug, Args)]
#[command(after_help = LIST_HELP)]
pub struct List {
    /// Print JSON (terrace.rehearsal-list/1)
    #[arg(long)]
    json: bool,
}

/// Show what a rehearsal came to, as JSON (terrace.rehearsal/1)
#[derive(Debug, Args)]
#[command(after_help = SHOW_HELP)]
pub struct Show {
    /// Its environment
    #[arg(value_name = "NAME")]
    name: String,
}

impl List {
    /// Lists.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let (all, errors) = rehearsals::all(&Project::find(settings)?.home());
        for error in errors {
            views::error::warn(&error.to_string());
        }
        if self.json {
            views::rehearsal::list_json(&all);
        } else {
            views::rehearsal::list(&all);
        }
        Ok(Exit::Done)
    }
}

/// A rehearsal by its name.
pub fn kept(home: &Home, name: &str) -> Result<Kept, CommandError> {
    let unknown =
        || CommandError::usage(format!("there is no rehearsal `{name}`")).help("`terrace rehearse list` shows all.");
    // A name is one folder's, and leads nowhere else.
    if name.contains(['/', '\\', '.']) {
        return Err(unknown());
    }
    let found = rehearsals::one(home, name).map_err(|error| CommandError::failed(CommandError::chain(&error)))?;
    found.ok_or_else(unknown)
}

impl Show {
    /// Shows.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let kept = kept(&Project::find(settings)?.home(), &self.name)?;
        let report = kept.report.ok_or_else(|| {
            CommandError::failed(format!("the rehearsal in {} has no report: it has not come to its end", self.name))
                .help(format!(
                    "Where no process is at work in it, `terrace sweep {}` destroys what it left.",
                    self.name
                ))
        })?;
        views::rehearsal::raw_json(&report);
        Ok(Exit::Done)
    }
}
