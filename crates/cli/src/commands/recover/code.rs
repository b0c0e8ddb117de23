//! Lost code: the source is written back from the releases, and built again for comparison.

use std::sync::Arc;

use terrace_release::layout::Layout;
use terrace_release::restore::restore;
use terrace_release::tree::ReleaseTree;

use super::Recover;
use crate::commands::release::find;
use crate::error::{CommandError, CommandResult, Exit};
use crate::project::Project;
use crate::rehearsal::differing;
use crate::settings::Settings;
use crate::views;

impl Recover {
    /// Restores, rebuilds and compares.
    pub(super) fn code(&self, settings: &Settings) -> CommandResult {
        let layout = match &self.layout {
            Some(folder) => Layout::open(&settings.folder.join(folder))?,
            None => Layout::open(&Project::find(settings)?.home().releases())?,
        };
        let descriptor = find(settings, &layout, self.release.as_deref())?;
        let release = Arc::new(ReleaseTree::open(&layout, &descriptor)?);
        let to = settings.folder.join(self.to.as_deref().unwrap_or(std::path::Path::new(".")));
        let files = restore(&release, &to)?;
        views::release::restored(release.release(), files, &to);
        let differing = differing(settings, &release)?;
        if differing.is_empty() {
            views::say("Built again, every digest is what it was.");
            return Ok(Exit::Done);
        }
        for (_, how) in &differing {
            views::error::warn(how);
        }
        Err(CommandError::failed("what was restored does not build to the same release")
            .help("Modules from elsewhere may have moved: the release itself has them as they were, and `terrace deliver --release` delivers it."))
    }
}
