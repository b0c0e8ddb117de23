//! `terrace release diff`.

use std::collections::BTreeMap;

use clap::Args;
use terrace_domain::name::StackName;
use terrace_domain::release::{Contract, ContractDiff, diff, diff_estates};
use terrace_release::layout::Layout;
use terrace_release::stored::{self, StoredError, StoredEstateRelease};

use super::{Part, find};
use crate::error::{CommandError, CommandResult, Exit};
use crate::settings::Settings;
use crate::views;

/// Show what differs between two estate releases, in files and in contracts
#[derive(Debug, Args)]
#[command(
    after_help = "RELEASE is a digest or its beginning, a tag, a commit in git's words, or `latest`.\n\nExamples:\n  terrace release diff HEAD~1 HEAD\n  terrace release diff 4be1f0 latest network --json"
)]
pub struct Diff {
    /// The old estate release
    #[arg(value_name = "RELEASE")]
    old: String,
    /// The new estate release
    #[arg(value_name = "RELEASE")]
    new: String,
    #[command(flatten)]
    part: Part,
    /// Print JSON (terrace.release-diff/1)
    #[arg(long)]
    json: bool,
}

impl Diff {
    /// Compares.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let layout = self.part.place.open(settings)?;
        let read = |name: &str| -> Result<StoredEstateRelease, CommandError> {
            Ok(stored::estate_release(&layout, &find(settings, &layout, Some(name))?)?)
        };
        let (mut old, mut new) = (read(&self.old)?, read(&self.new)?);
        if let Some(name) = self.part.stack_of(&[&old, &new])? {
            for release in [&mut old, &mut new] {
                release.release.stacks.retain(|own, _| *own == name);
            }
        }
        let found = diff_estates(&old.release, &new.release);
        let mut stacks: BTreeMap<&StackName, ContractDiff> = BTreeMap::new();
        for name in found.stacks.changed.keys() {
            let (old, new) = (contract(&layout, &old, name)?, contract(&layout, &new, name)?);
            stacks.insert(name, diff(&old, &new));
        }
        if self.json {
            views::release::diff::json((&old.release, &new.release), &found, &stacks);
        } else {
            views::release::diff::text(&found, &stacks);
        }
        Ok(Exit::Done)
    }
}

fn contract(layout: &Layout, release: &StoredEstateRelease, name: &StackName) -> Result<Contract, StoredError> {
    Ok(stored::stack(layout, &release.stacks[name])?.contract)
}
