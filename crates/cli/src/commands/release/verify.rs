//! `terrace release verify`.

use clap::Args;
use terrace_driver::attached::Evidenced;
use terrace_release::stored;
use terrace_release::verify::verify;

use super::{Place, evidence, find, stack_name};
use crate::error::{CommandResult, Exit};
use crate::settings::Settings;
use crate::views::release::verification::Report;

const AFTER_HELP: &str = "\
Reads every blob, and every piece of evidence that is attached: its signatures are held against the keys that the estate trusts, or your own where it
names none. What unknown keys have signed is listed; it is wrong only where the estate names keys and none of them has signed what a
stack was built from. Ends with exit code 1 when something is wrong, and says all of it.

Examples:
  terrace release verify                   the newest release
  terrace release verify 4be1f0 network    one stack of a release";

/// Check that a release is whole, that contracts and files agree, and what the evidence for it is worth
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
        let trust = evidence::trust(settings)?;
        let stored = stored::estate_release(&layout, &descriptor)?;
        let evidenced = Evidenced::all(&layout, &stored, only.as_ref(), &trust.keys)?;
        let report = Report::new(&descriptor, &found, &evidenced, trust.is_named);
        if self.json {
            report.json();
        } else {
            report.text();
        }
        Ok(if report.is_whole() { Exit::Done } else { Exit::Failed })
    }
}
