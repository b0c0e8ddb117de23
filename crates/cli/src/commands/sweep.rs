//! `terrace sweep`.

use clap::Args;

use super::deliver::LOCK_WAIT_SECS;
use crate::error::{CommandResult, Exit};
use crate::project::Project;
use crate::rehearsal::{due, sweep};
use crate::settings::{Settings, default_parallelism};
use crate::views;

const AFTER_HELP: &str = "\
Environments of the estate are never touched: only those that a rehearsal made. What cannot be destroyed keeps its state, and is told.

Examples:
  terrace sweep                 what outlived its time, and what a crash left
  terrace sweep --dry-run       what that would be
  terrace sweep zero-4k2m9q     one environment, whatever its time";

/// Destroy ephemeral environments that outlived their time, and what a crashed rehearsal left
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Sweep {
    /// These environments alone, whatever their time
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Only say what would be destroyed
    #[arg(long)]
    dry_run: bool,
    /// How many instances work at once [default: one a core]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    parallelism: Option<u16>,
    /// Print JSON (terrace.sweep/1)
    #[arg(long)]
    json: bool,
}

impl Sweep {
    /// Sweeps.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let home = Project::find(settings)?.home();
        let due = due(&home, &self.names)?;
        if self.dry_run {
            if due.is_empty() {
                views::rehearsal::swept(&[]);
            }
            for (kept, why) in &due {
                views::say(&format!("would destroy {}: {}", kept.environment.name, why.in_words()));
            }
            return Ok(Exit::Done);
        }
        let parallelism = self.parallelism.map_or_else(default_parallelism, usize::from);
        let swept = sweep(settings, &home, &due, parallelism, LOCK_WAIT_SECS);
        if self.json {
            views::rehearsal::swept_json(&swept);
        } else {
            views::rehearsal::swept(&swept);
        }
        Ok(if swept.iter().all(crate::rehearsal::Swept::is_clean) { Exit::Done } else { Exit::Failed })
    }
}
