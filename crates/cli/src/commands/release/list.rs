//! `terrace release list`.

use clap::Args;
use terrace_release::layout::Layout;
use terrace_release::stored;

use super::Place;
use crate::error::{CommandResult, Exit};
use crate::settings::Settings;
use crate::views;

/// List estate releases, the newest commit first
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  terrace release list\n  terrace release list --json | jq -r '.releases[].digest'")]
pub struct List {
    #[command(flatten)]
    place: Place,
    /// Print JSON (terrace.releases/1)
    #[arg(long)]
    json: bool,
}

impl List {
    /// Lists.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let listed = match self.place.existing(settings)? {
            Some(folder) => stored::list(&Layout::open(&folder)?)?,
            None => Vec::new(),
        };
        if self.json {
            views::release::list_json(&listed);
        } else {
            views::release::list(&listed);
        }
        Ok(Exit::Done)
    }
}
