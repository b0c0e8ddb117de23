//! `terrace recover`: after a disaster, in earnest.

mod code;
mod infrastructure;
mod state;

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use terrace_domain::rehearsal::Lost;

use super::deliver::LOCK_WAIT_SECS;
use super::rehearse::lost;
use crate::error::{CommandError, CommandResult, Exit};
use crate::settings::{Settings, default_parallelism};
use crate::views;

const AFTER_HELP: &str = "\
infrastructure: builds again exactly the releases that the ledger says the environment runs, in graph order; what is there still is left as it is.
state: rebuilds each state that is empty from its last snapshot, by import, in graph order; one that is there is left alone.
code: writes the source back from the releases, builds it again, and compares every digest.

Everything that is going to be done is shown first. `terrace rehearse recovery` practises the same in a copy.

Examples:
  terrace recover --lost infrastructure --env prod
  terrace recover --lost infrastructure --env prod --confirm prod      where nobody can be asked
  terrace recover --lost state --env dev
  terrace recover --lost code --to ../restored

After a crash, or a Ctrl-C, the same command goes on from there.
Exit codes: 3 when nobody can be asked (--confirm answers).";

/// Recover what was lost: infrastructure, states or code
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Recover {
    /// What is lost
    #[arg(long, value_name = "infrastructure|state|code", value_parser = lost)]
    lost: Lost,
    /// The environment
    #[arg(long, value_name = "ENVIRONMENT", required_if_eq_any([("lost", "infrastructure"), ("lost", "state")]))]
    env: Option<String>,
    /// The environment's name once more: nobody is asked then
    #[arg(long, value_name = "ENVIRONMENT")]
    confirm: Option<String>,
    /// Where lost code is written to: a folder that is empty, or not there yet
    #[arg(long, value_name = "DIR", required_if_eq("lost", "code"))]
    to: Option<PathBuf>,
    /// Where the releases are, for lost code [default: those of the estate]
    #[arg(long, value_name = "DIR")]
    layout: Option<PathBuf>,
    /// The release that lost code is of [default: the newest]
    #[arg(long, value_name = "RELEASE")]
    release: Option<String>,
    /// How many instances work at once [default: one a core]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    parallelism: Option<u16>,
    /// Say what Terraform does to each resource
    #[arg(long, short)]
    verbose: bool,
    /// How long to wait for somebody else's lock on a state, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = LOCK_WAIT_SECS)]
    lock_timeout: u64,
}

impl Recover {
    /// Recovers.
    pub fn run(self, settings: &Settings) -> CommandResult {
        match self.lost {
            Lost::Code => self.code(settings),
            Lost::State => self.state(settings),
            Lost::Infrastructure => self.infrastructure(settings),
        }
    }

    fn parallelism(&self) -> usize {
        self.parallelism.map_or_else(default_parallelism, usize::from)
    }

    /// Asks for the environment's name, unless it was said twice.
    fn ask(&self, environment: &str) -> Result<(), CommandError> {
        match &self.confirm {
            Some(said) if said == environment => return Ok(()),
            Some(said) => {
                return Err(CommandError::usage(format!("`{said}` is not `{environment}`: nothing was done")));
            }
            None => {}
        }
        if !std::io::stdin().is_terminal() {
            return Err(CommandError {
                exit: Exit::Waiting,
                ..CommandError::usage(format!(
                    "{environment} is about to be recovered, and nobody is there to be asked"
                ))
            }
            .help(format!("If that is meant: `--confirm {environment}`.")));
        }
        views::say(&format!("Type the environment's name, `{environment}`, to go on."));
        let mut line = String::new();
        let _ = std::io::stdin().lock().read_line(&mut line);
        if line.trim() == environment { Ok(()) } else { Err(CommandError::usage("nothing was done")) }
    }
}
