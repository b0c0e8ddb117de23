//! The commands, one file each: arguments, help, and a few lines that resolve, call and render.

pub mod blast;
pub mod completions;
pub mod deliver;
pub mod gate;
pub mod graph;
pub mod init;
pub mod key;
pub mod ledger;
pub mod list;
pub mod map;
pub mod plan;
pub mod policy;
pub mod recover;
pub mod rehearse;
pub mod release;
pub mod resume;
pub mod rollback;
pub mod run;
pub mod sandbox;
pub mod slice;
pub mod state;
pub mod status;
pub mod sweep;
pub mod validate;

use crate::arguments::Command;
use crate::error::CommandResult;
use crate::settings::Settings;

/// Runs a command.
pub fn run(command: Command, settings: &Settings) -> CommandResult {
    match command {
        Command::Init(init) => init.run(settings),
        Command::Validate(validate) => validate.run(settings),
        Command::List(list) => list.run(settings),
        Command::Graph(graph) => graph.run(settings),
        Command::Map(map) => map.run(settings),
        Command::Plan(plan) => plan.run(settings),
        Command::Blast(blast) => blast.run(settings),
        Command::Gate(gate) => gate.run(settings),
        Command::Policy(policy) => policy.run(settings),
        Command::Deliver(deliver) => deliver.run(settings),
        Command::Resume(resume) => resume.run(settings),
        Command::Rollback(rollback) => rollback.run(settings),
        Command::Status(status) => status.run(settings),
        Command::Recover(recover) => recover.run(settings),
        Command::Rehearse(rehearse) => rehearse.run(settings),
        Command::Sweep(sweep) => sweep.run(settings),
        Command::Release(release) => release.run(settings),
        Command::Run(run) => run.run(settings),
        Command::State(state) => state.run(settings),
        Command::Ledger(ledger) => ledger.run(settings),
        Command::Key(key) => key.run(settings),
        Command::Slice(slice) => slice.run(settings),
        Command::Sandbox(sandbox) => sandbox.run(settings),
        Command::Completions(completions) => Ok(completions.run()),
    }
}
