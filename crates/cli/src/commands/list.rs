//! `terrace list`.

use clap::Args;

use crate::error::{CommandResult, Exit};
use crate::project::Project;
use crate::selection::Selection;
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
Examples:
  terrace list
  terrace list 'aws-*'
  terrace list --affected HEAD~1 --why      what the last commit affects, and why
  terrace list --affected origin/main --json";

/// List stacks, or those that a change affects
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct List {
    #[command(flatten)]
    selection: Selection,
    /// Print JSON (terrace.list/1)
    #[arg(long)]
    json: bool,
}

impl List {
    /// Lists.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let project = Project::find(settings)?;
        let (opened, selected) = self.selection.resolve(&project, || project.open_work_tree())?;
        if self.json {
            views::list::json(&opened, &selected);
        } else {
            views::list::text(&opened, &selected, self.selection.why);
        }
        Ok(Exit::Done)
    }
}
