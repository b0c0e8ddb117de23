//! `terrace release restore`.

use std::path::PathBuf;

use clap::Args;
use terrace_release::restore::restore;
use terrace_release::tree::ReleaseTree;

use super::{Place, find};
use crate::error::{CommandResult, Exit};
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
Writes what the estate is made of: its file, and all files of its stacks. Whatever else the repository had is not in a release.
Fetched modules are not written: they are no source.

Examples:
  terrace release restore latest --to ../restored
  terrace release restore 4be1f0 --to /tmp/estate --layout /backup/releases";

/// Write the source back from a release, where the repository is lost
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Restore {
    /// The estate release: a digest or its beginning, a tag, a commit, or `latest`
    #[arg(value_name = "RELEASE")]
    release: String,
    /// The folder to write to: empty, or not there yet
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    place: Place,
    /// Print JSON (terrace.release-restore/1)
    #[arg(long)]
    json: bool,
}

impl Restore {
    /// Restores.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let layout = self.place.open(settings)?;
        let descriptor = find(settings, &layout, Some(&self.release))?;
        let tree = ReleaseTree::open(&layout, &descriptor)?;
        let files = restore(&tree, &settings.folder.join(&self.to))?;
        if self.json {
            views::release::restored_json(tree.release(), files, &self.to);
        } else {
            views::release::restored(tree.release(), files, &self.to);
        }
        Ok(Exit::Done)
    }
}
