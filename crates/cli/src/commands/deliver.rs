//! `terrace deliver`.

use std::io::{BufRead, IsTerminal};

use clap::Args;
use terrace_domain::run::{Mode, Outcome};
use terrace_driver::store::Store;

use crate::delivery::{Conduct, Conducted, Prospect, Target};
use crate::error::{CommandError, CommandResult, Exit};
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
Delivers what is committed: plans each stack with Terraform and applies exactly that plan, each after what it depends on, as many at
once as the graph and --parallelism allow. A stack that fails stops those downstream of it and nobody else.

Examples:
  terrace deliver                           all stacks to the first environment of the pipeline
  terrace deliver --env staging 'aws-*'     some stacks to staging
  terrace deliver --affected HEAD~1         what the last commit changed; downstream only if what it reads changes

Ctrl-C: Terraform is asked once to stop, and waited for. Delivering again goes on from there.";

/// Deliver a commit to an environment: plan and apply its stacks in graph order
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Deliver {
    #[command(flatten)]
    target: Target,
    /// Confirm a delivery to a protected environment, by its name
    #[arg(long, value_name = "ENVIRONMENT")]
    confirm: Option<String>,
    /// Print the run as JSON (terrace.run/1) when it is over
    #[arg(long)]
    json: bool,
}

impl Deliver {
    /// Delivers.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let prospect = self.target.resolve(settings, false)?;
        refuse_undecided(&prospect)?;
        prospect.warn_of_removed()?;
        if prospect.is_idle("deliver") {
            return Ok(Exit::Done);
        }
        prospect.warn_of_states_apart();
        self.confirm(&prospect)?;
        views::say(&prospect.headline("Delivering"));
        let home = prospect.project().home();
        let conducted = prospect.conduct(&Conduct { mode: Mode::Deliver, renders_plans: false, settings })?;
        let Conducted { run, id, .. } = conducted;
        if let Some(id) = id.filter(|_| self.json)
            && let Some(row) = Store::open(&home.database())?.run_row(id)?
        {
            views::run::json(&row, &run);
        }
        views::run::summary(&run, id);
        Ok(exit_of(run.outcome()))
    }

    /// A protected environment is delivered to only when its name is said.
    fn confirm(&self, prospect: &Prospect) -> Result<(), CommandError> {
        let environment = prospect.environment.as_str();
        if !prospect.estate().environments[environment].protected {
            return Ok(());
        }
        let said = match &self.confirm {
            Some(said) => said.clone(),
            None if std::io::stdin().is_terminal() => {
                views::say(&format!(
                    "{}.\n{environment} is protected: type its name to go on.",
                    prospect.headline("Delivering")
                ));
                let mut line = String::new();
                let _ = std::io::stdin().lock().read_line(&mut line);
                line.trim().to_owned()
            }
            None => {
                return Err(CommandError {
                    exit: Exit::Waiting,
                    ..CommandError::usage(format!("{environment} is protected, and nobody is there to be asked"))
                }
                .help(format!("Confirm the delivery: `--confirm {environment}`.")));
            }
        };
        if said == environment {
            Ok(())
        } else {
            Err(CommandError::usage(format!("`{said}` is not `{environment}`: nothing was done")))
        }
    }
}

/// A gate that cannot be decided refuses.
fn refuse_undecided(prospect: &Prospect) -> Result<(), CommandError> {
    let gates: Vec<_> = prospect.stage.gates.iter().map(|gate| gate.kind.as_str()).collect();
    if gates.is_empty() {
        return Ok(());
    }
    Err(CommandError::refused(format!(
        "the stage `{}` has gates that this version of Terrace cannot decide: {}",
        prospect.stage.name,
        gates.join(", ")
    ))
    .help("A gate that cannot be decided refuses. `terrace plan` shows what would be done there."))
}

fn exit_of(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Succeeded => Exit::Done,
        Outcome::Running | Outcome::Failed | Outcome::Interrupted | Outcome::Abandoned => Exit::Failed,
    }
}
