//! `terrace slice`: how the estate is cut into stacks.

mod judge;
mod move_resources;
mod states;
mod write;

use clap::{Args, Subcommand};

pub use self::states::Known;
use crate::error::CommandResult;
use crate::settings::Settings;

const AFTER_HELP: &str = "\
Judges the stacks by four criteria: who changes them and who owns them (team), how often their parts change, and together with what (pace), which \
permissions they need (permission), and which technical capability they serve (capability). Each finding has its evidence, a proposal, and what \
that does to the potential blast radius. docs/slice.md has the rules and their thresholds.

History is read from git: of the last year, merges, changes of white space, commits of programs and sweeping commits left out.

Examples:
  terrace slice
  terrace slice 'aws-*' --why                   with all evidence
  terrace slice --criterion permission          from the code alone; no history is needed
  terrace slice --since 90d --json | jq '.findings[] | .rule'
  terrace slice --check --gravity high          exit code 1 if there is a grave finding
  terrace slice move --help                     move resources to another stack, without touching them";

/// Find stacks that should be cut otherwise, and cut them
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = AFTER_HELP)]
pub struct Slice {
    #[command(subcommand)]
    act: Option<Act>,
    #[command(flatten)]
    judge: judge::Judge,
}

#[derive(Debug, Subcommand)]
enum Act {
    Move(move_resources::Move),
}

impl Slice {
    /// Judges, or moves.
    pub fn run(self, settings: &Settings) -> CommandResult {
        match self.act {
            Some(Act::Move(moves)) => moves.run(settings),
            None => self.judge.run(settings),
        }
    }
}
