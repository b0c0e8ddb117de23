//! `terrace slice`: how the estate is cut into stacks.

mod move_resources;
mod states;
mod write;

use clap::Subcommand;

pub use self::states::Known;
use crate::error::CommandResult;
use crate::settings::Settings;

/// Cut the estate into stacks otherwise
#[derive(Debug, Subcommand)]
pub enum Slice {
    Move(move_resources::Move),
}

impl Slice {
    /// Does it.
    pub fn run(self, settings: &Settings) -> CommandResult {
        match self {
            Self::Move(moves) => moves.run(settings),
        }
    }
}
