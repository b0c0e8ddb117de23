//! `terrace rehearse`: deploying for practice.

mod list;
mod practice;
mod recovery;
mod timeline;

use clap::Subcommand;

pub use self::practice::rehearse_for_stage;
pub use self::recovery::{lost, what_runs};
use crate::error::CommandResult;
use crate::settings::Settings;

const AFTER_HELP: &str = "\
A rehearsal has an environment of its own, which is destroyed afterwards, also when it fails. `terrace sweep` removes what a crash leaves.

Examples:
  terrace rehearse zero                     all stacks of the last commit, from nothing
  terrace rehearse zero shop                one stack, with what it rests on, or the fixtures that stand in for that
  terrace rehearse upgrade --affected main  what changed since main, over what production runs
  terrace rehearse recovery --lost state    lose all states, and rebuild them
  terrace rehearse list";

/// Deploy for practice: from zero, as an upgrade of what runs, or to recover from a loss
#[derive(Debug, Subcommand)]
#[command(after_help = AFTER_HELP)]
pub enum Rehearse {
    Zero(practice::Zero),
    Upgrade(practice::Upgrade),
    Recovery(recovery::Recovery),
    List(list::List),
    Show(list::Show),
    Timeline(timeline::Timeline),
    History(timeline::History),
}

impl Rehearse {
    /// Rehearses, or tells of rehearsals.
    pub fn run(self, settings: &Settings) -> CommandResult {
        match self {
            Self::Zero(zero) => zero.run(settings),
            Self::Upgrade(upgrade) => upgrade.run(settings),
            Self::Recovery(recovery) => recovery.run(settings),
            Self::List(list) => list.run(settings),
            Self::Show(show) => show.run(settings),
            Self::Timeline(timeline) => timeline.run(settings),
            Self::History(history) => history.run(settings),
        }
    }
}
