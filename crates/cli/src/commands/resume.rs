//! `terrace resume`.

use clap::Args;
use terrace_domain::run::RunId;
use terrace_driver::store::Store;

use super::deliver::{LOCK_WAIT_SECS, finish};
use crate::delivery::{Stay, resume};
use crate::error::{CommandError, CommandResult};
use crate::project::Project;
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
For a run whose process was killed, and for one that waited for people who have decided by now. What was applied is not applied again; of
what was half done it is found out first what came of it: a Terraform that is still at work is waited for, the lock of one that died is
released, and a new plan is held against what was approved.

Examples:
  terrace resume        the newest run that is not over
  terrace resume 7";

/// Go on with a run that was cut off, or that waited for a decision
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Resume {
    /// The run's number; by default the newest that is not over
    #[arg(value_name = "RUN")]
    id: Option<u64>,
    /// How many instances work at once [default: as before]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    parallelism: Option<u16>,
    /// Say what Terraform does to each resource
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    stay: Stay,
    /// How long to wait for somebody else's lock on a state, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = LOCK_WAIT_SECS)]
    lock_timeout: u64,
    /// Print the run as JSON (terrace.run/2) when it is over, or waits
    #[arg(long)]
    json: bool,
}

impl Resume {
    /// Goes on.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let project = Project::find(settings)?;
        let home = project.home();
        let nothing = || {
            CommandError::usage("there is no run to go on with: all are over")
                .help("`terrace deliver` begins one; `terrace run list` shows all.")
        };
        if !home.database().exists() {
            return Err(nothing());
        }
        let id = if let Some(id) = self.id {
            RunId(id)
        } else {
            let open = Store::open(&home.database(), &settings.actor())?.open_runs()?;
            open.last().copied().ok_or_else(nothing)?
        };
        views::say(&format!("Going on with run {id}"));
        let how = (self.parallelism.map(usize::from), self.verbose);
        let conducted = resume(project, settings, id, how, (self.lock_timeout, self.stay))?;
        finish(settings, &conducted, self.json)
    }
}
