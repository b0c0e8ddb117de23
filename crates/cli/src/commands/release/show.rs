//! `terrace release show`.

use clap::Args;
use terrace_domain::name::StackName;
use terrace_driver::attached::Evidenced;
use terrace_release::stored::{self, StoredError};

use super::{Place, evidence, find, stack_name};
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
    /// The estate release [default: the newest]
    #[arg(value_name = "RELEASE")]
    release: Option<String>,
    /// The stack
    #[arg(value_name = "STACK")]
    stack: Option<String>,
    #[command(flatten)]
    place: Place,
    /// Print JSON (terrace.estate-release/1; of a stack terrace.release/1)
    #[arg(long)]
    json: bool,
}

impl Show {
    /// Shows.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let layout = self.place.open(settings)?;
        let descriptor = find(settings, &layout, self.release.as_deref())?;
        let release = stored::estate_release(&layout, &descriptor)?;
        let name = self.stack.as_deref().map(stack_name).transpose()?;
        let none = |name: &StackName| StoredError::NoStack { release: descriptor.digest, stack: name.to_string() };
        let entry = name.as_ref().map(|name| release.stacks.get(name).ok_or_else(|| none(name))).transpose()?;
        let trust = evidence::trust(settings)?;
        let evidenced = Evidenced::all(&layout, &release, name.as_ref(), &trust.keys)?;
        let around = Around { running: &evidence::running(settings)?, evidenced: &evidenced };
        match entry {
            Some(entry) => {
                let stack = stored::stack(&layout, entry)?;
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
