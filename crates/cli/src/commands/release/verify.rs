//! `terrace release verify`.

use clap::Args;
use terrace_release::verify::verify;

use super::{Place, find, stack_name};
use crate::error::{CommandResult, Exit};
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
Ends with exit code 1 when something is wrong, and says all of it.

Examples:
  terrace release verify                   the newest release
  terrace release verify 4be1f0 network    one stack of a release";

/// Check that a release is whole, and that contracts and files agree
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Verify {
    /// The estate release [default: the newest]
    #[arg(value_name = "RELEASE")]
    release: Option<String>,
    /// Only this stack
    #[arg(value_name = "STACK")]
    stack: Option<String>,
    #[command(flatten)]
    place: Place,
    /// Print JSON (terrace.release-verify/1)
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Checks.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let layout = self.place.open(settings)?;
        let descriptor = find(settings, &layout, self.release.as_deref())?;
        let only = self.stack.as_deref().map(stack_name).transpose()?;
        let found = verify(&layout, &descriptor, only.as_ref())?;
        if self.json {
            views::release::verification_json(&descriptor, &found);
        } else {
            views::release::verification(&descriptor, &found);
        }
        Ok(if found.problems.is_empty() { Exit::Done } else { Exit::Failed })
    }
}
