//! The command line: global options and the list of commands. Each command's own options are in its file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;

const AFTER_HELP: &str = "\
Begin:
  terrace init                        the smallest estate that delivers, in an empty git repository
  terrace init --example harbour      a whole example: two clouds, three environments
  terrace deliver                     carry the commit through the stages of the pipeline

Exit codes:
  0 done · 1 the work failed · 2 wrong usage or configuration · 3 waiting for a decision · 4 refused by a gate";

/// Continuous delivery for infrastructure code.
#[derive(Debug, Parser)]
#[command(name = "terrace", version, about, after_help = AFTER_HELP, propagate_version = true)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Run as if started in this folder
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "auto|always|never"
    )]
    pub color: ColourChoice,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum ColourChoice {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Init(commands::init::Init),
    Validate(commands::validate::Validate),
    List(commands::list::List),
    Graph(commands::graph::Graph),
    Map(commands::map::Map),
    Plan(commands::plan::Plan),
    Blast(commands::blast::Blast),
    #[command(subcommand)]
    Gate(commands::gate::Gate),
    #[command(subcommand)]
    Policy(commands::policy::Policy),
    Deliver(commands::deliver::Deliver),
    Resume(commands::resume::Resume),
    Rollback(commands::rollback::Rollback),
    Status(commands::status::Status),
    #[command(subcommand)]
    Rehearse(commands::rehearse::Rehearse),
    Sweep(commands::sweep::Sweep),
    Recover(commands::recover::Recover),
    #[command(subcommand)]
    Release(commands::release::Release),
    #[command(subcommand)]
    Run(commands::run::Run),
    #[command(subcommand)]
    State(commands::state::State),
    #[command(subcommand)]
    Ledger(commands::ledger::Ledger),
    #[command(subcommand)]
    Key(commands::key::Key),
    Slice(commands::slice::Slice),
    #[command(subcommand)]
    Sandbox(commands::sandbox::Sandbox),
    Completions(commands::completions::Completions),
}
