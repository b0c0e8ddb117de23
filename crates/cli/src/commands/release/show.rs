//! `terrace release show`.

use clap::Args;
use terrace_driver::attached::Evidenced;
use terrace_release::stored;

use super::{Found, Subject, evidence};
use crate::error::{CommandResult, Exit};
use crate::settings::Settings;
use crate::views;
use crate::views::release::evidence::Around;

const AFTER_HELP: &str = "\
RELEASE is a digest or its beginning, a tag, a commit in git's words, or `latest`.

Examples:
  terrace release show                       the stacks of the newest release
  terrace release show latest network        what the stack promises, and its files
  terrace release show HEAD~1 network --json";

/// Show an estate release, or the contract and the files of one stack; where it runs, and the evidence for it
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Show {
    #[command(flatten)]
    subject: Subject,
    /// Print JSON (terrace.estate-release/1; of a stack terrace.release/1)
    #[arg(long)]
    json: bool,
}

impl Show {
    /// Shows.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let Found { layout, release, stack, .. } = self.subject.find(settings)?;
        let trust = evidence::trust(settings)?;
        let evidenced = Evidenced::all(&layout, &release, stack.as_ref(), &trust.keys)?;
        let around = Around { running: &evidence::running(settings)?, evidenced: &evidenced };
        match &stack {
            Some(name) => {
                let stack = stored::stack(&layout, &release.stacks[name])?;
                if self.json {
                    views::release::contract::json(&stack, &around);
                } else {
                    views::release::contract::text(&stack, &around);
                }
            }
            None if self.json => views::release::show_json(&release, &around),
            None => views::release::show(&release, &around),
        }
        Ok(Exit::Done)
    }
}
