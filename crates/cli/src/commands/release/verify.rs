//! `terrace release verify`.

use clap::Args;
use terrace_driver::attached::Evidenced;
use terrace_release::verify::verify;

use super::{Found, Subject, evidence};
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
    #[command(flatten)]
    subject: Subject,
    /// Print JSON (terrace.release-verify/1)
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Checks.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let Found { layout, descriptor, release, stack } = self.subject.find(settings)?;
        let found = verify(&layout, &descriptor, stack.as_ref())?;
        let trust = evidence::trust(settings)?;
        let evidenced = Evidenced::all(&layout, &release, stack.as_ref(), &trust.keys)?;
        let report = Report::new(&descriptor, &found, &evidenced, trust.is_named);
        if self.json {
            report.json();
        } else {
            report.text();
        }
        Ok(if report.is_whole() { Exit::Done } else { Exit::Failed })
    }
}
