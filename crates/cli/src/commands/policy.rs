//! `terrace policy`: asks policies about a plan, and runs their tests.

mod check;
mod source;
mod test;

use clap::Subcommand;

use crate::error::CommandResult;
use crate::settings::Settings;

const AFTER_HELP: &str = "\
Policies are Rego, as they are written for conftest: rules `deny`, `violation` and `warn` in the package `main`, in files that end in
.rego. They are looked for in policy/ beside terrace.hcl, where a `policy` gate finds them too.

Examples:
  terrace policy test
  terraform show -json plan.tfplan | terrace policy check --plan -";

/// Ask policies about a plan, and run their tests
#[derive(Debug, Subcommand)]
#[command(after_help = AFTER_HELP)]
pub enum Policy {
    Check(check::Check),
    Test(test::Test),
}

impl Policy {
    /// Asks or tests.
    pub fn run(self, settings: &Settings) -> CommandResult {
        match self {
            Self::Check(check) => check.run(settings),
            Self::Test(test) => test.run(settings),
        }
    }
}
