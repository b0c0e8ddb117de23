//! `terrace plan`.

use clap::Args;
use terrace_domain::run::{Mode, Outcome};

use crate::delivery::{Conduct, Conducted, Target};
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
    /// Print the plans as JSON (terrace.plan/1)
    #[arg(long)]
    json: bool,
}

impl Plan {
    /// Plans.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let prospect = self.target.resolve(settings, self.work_tree)?;
        prospect.warn_of_removed()?;
        if prospect.is_idle("plan") {
            return Ok(Exit::Done);
        }
        views::say(&prospect.headline("Planning"));
        let conduct = Conduct { mode: Mode::Plan, renders_plans: self.full, settings };
        let Conducted { run, plans, .. } = prospect.conduct(&conduct)?;
        if self.json {
            plans.json(&run);
        } else {
            plans.text(&run);
        }
        views::run::summary(&run, None);
        Ok(if run.outcome() == Outcome::Succeeded { Exit::Done } else { Exit::Failed })
    }
}
