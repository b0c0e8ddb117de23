//! `terrace plan`.

use clap::Args;
use terrace_domain::run::Outcome;

use crate::delivery::{Conducted, Reach, Target, Told, plan};
use crate::error::{CommandResult, Exit};
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
Plans with Terraform and applies nothing. Where an upstream stack has changes of its own, its planned outputs are used and the plan
is *provisional*; where they are known only after an apply, the plan is *blocked*.

Examples:
  terrace plan                        what `terrace deliver` would do
  terrace plan --env prod aws-network --full
  terrace plan --work-tree            with what is not committed yet";

/// Show what a delivery would change
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Plan {
    #[command(flatten)]
    target: Target,
    /// Plan the files as they lie in the work tree, not a commit
    #[arg(long, conflicts_with_all = ["affected", "commit"])]
    work_tree: bool,
    /// Show the plans attribute by attribute, as Terraform renders them
    #[arg(long, conflicts_with = "json")]
    full: bool,
    /// Print the plans as JSON (terrace.plan/2)
    #[arg(long)]
    json: bool,
}

impl Plan {
    /// Plans.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let prospect = self.target.resolve(settings, self.work_tree, Reach::First)?;
        prospect.warn_of_removed(settings)?;
        if prospect.is_idle("plan") {
            return Ok(Exit::Done);
        }
        views::say(&prospect.headline("Planning"));
        let Conducted { run, plans, .. } =
            plan(&prospect, settings, None, Told { rendering: self.full, facts: false })?;
        if self.json {
            plans.json(&run);
        } else {
            plans.text(&run);
        }
        views::run::summary(&run, None);
        Ok(if run.outcome() == Outcome::Succeeded { Exit::Done } else { Exit::Failed })
    }
}
